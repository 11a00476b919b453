//! Every limit of reading a project, its default, its reason and what happens when it is reached.

/// The limits of reading one project folder.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of the project file and of each file that it names. A larger one is not read and is an error.
    pub file_bytes_max: u64,
    /// Rows of one signal file. Reading stops there with an error.
    pub csv_rows_max: usize,
    /// Diagnostics kept. Further ones are only counted, and a last diagnostic says how many they were: nobody reads more at once.
    pub diagnostics_max: usize,
    /// Endpoints of a project. Further ones are an error.
    pub endpoints_max: usize,
    /// PLC contexts of a project. Further ones are an error: each has a thread of its own.
    pub plcs_max: usize,
    /// Modbus servers of a project. Further ones are an error: each has a port of its own.
    pub modbuses_max: usize,
    /// Entries of one map of a Modbus server. Further ones are an error.
    pub modbus_entries_max: usize,
    /// Watches of GAMA, and writes into it, each. Further ones are an error: GAMA works on each of them.
    pub gama_signals_max: usize,
    /// Routes of a project. Further ones are an error.
    pub routes_max: usize,
    /// Practice peers of a project. Further ones are an error.
    pub practices_max: usize,
    /// Entries of one list of name patterns. A longer list is an error: each name is compared with each of them.
    pub patterns_max: usize,
    /// Origins of one listener, and names in the hub's certificate. A longer list is an error: each connection is compared with
    /// each of them.
    pub hosts_max: usize,
    /// Bytes of a name, a path or a pattern. A longer one is an error.
    pub name_len_max: usize,
    /// Bytes of the initial value of a text signal. A longer one is an error.
    pub text_len_max: usize,
    /// Bytes of a found value that are shown in a message. The rest is cut with an ellipsis.
    pub shown_len_max: usize,
}

impl Limits {
    /// The limits of every build.
    pub const DEFAULT: Limits = Limits {
        file_bytes_max: 16 << 20,
        csv_rows_max: 200_000,
        diagnostics_max: 200,
        endpoints_max: 1_000,
        plcs_max: 64,
        modbuses_max: 64,
        modbus_entries_max: 1_000,
        gama_signals_max: 256,
        routes_max: 100_000,
        practices_max: 100,
        patterns_max: 1_000,
        hosts_max: 100,
        name_len_max: 1024,
        text_len_max: 64 * 1024,
        shown_len_max: 60,
    };
}

impl Default for Limits {
    fn default() -> Limits {
        Limits::DEFAULT
    }
}
