//! Every limit of the hub, its default, its reason and what happens when it is reached.

use std::time::Duration;

/// The limits of one hub.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Signals in the space. A further one is refused and counted. One million cells are about 200 MB.
    pub signals_max: usize,
    /// Bytes of a signal's name. A longer one is refused and counted: names are sent with every value.
    pub name_len_max: usize,
    /// Bytes of a text value. A longer one is refused, counted, and the stored value goes back to its writer.
    pub text_len_max: usize,
    /// New names of one message for which signals are made where peers may register them. Further ones are counted as unknown;
    /// they are made when they come again.
    pub registered_max: usize,
    /// Signals that one catalog may make. Further ones are left out, with a problem.
    pub imported_max: usize,
    /// Clients of one endpoint. A further one is closed with 1013 "too many clients".
    pub clients_max: usize,
    /// Control frames waiting for one stuck socket. One more closes it with 1008 "control queue full".
    pub control_frames_max: usize,
    /// Bytes of control frames waiting for one stuck socket. Same effect.
    pub control_bytes_max: usize,
    /// The same over all sockets. Whoever has [`Limits::headset_control_bytes_max`] waiting and adds more is closed likewise, and nobody else.
    pub control_bytes_sum_max: usize,
    /// The same for a headset: anybody in the room may connect one, and a pong repeats what its ping says.
    pub headset_control_bytes_max: usize,
    /// Messages of one connection that wait while a large answer is built for it. One more closes it with 1008 "answer pending".
    pub pending_messages_max: usize,
    /// Signals encoded in one turn of a large answer: about a tenth of a millisecond.
    pub slice_signals: usize,
    /// Routes. A further one is refused.
    pub routes_max: usize,
    /// Problems kept for people. The oldest makes room.
    pub problems_max: usize,
    /// Superseded values remembered per signal to tell an echo from a write.
    pub echo_values_max: usize,
    /// A socket that takes nothing for so long is closed with 1008 "not reading".
    pub stuck_max: Duration,
    /// Signals in the view of one live channel. Further ones are named as unknown.
    pub live_signals_max: usize,
    /// Rows of one page of the signal list.
    pub page_rows_max: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            signals_max: 1_000_000,
            name_len_max: 1024,
            text_len_max: 64 * 1024,
            registered_max: 4_096,
            imported_max: 100_000,
            clients_max: 2_000,
            control_frames_max: 1_024,
            control_bytes_max: 64 << 20,
            control_bytes_sum_max: 256 << 20,
            headset_control_bytes_max: 2 << 20,
            pending_messages_max: 1_024,
            slice_signals: 4_096,
            routes_max: 100_000,
            problems_max: 1_000,
            echo_values_max: 64,
            stuck_max: Duration::from_secs(600),
            live_signals_max: 100_000,
            page_rows_max: 1_000,
        }
    }
}
