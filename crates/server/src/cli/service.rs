//! `crosstie service`: a project as a service of systemd.
//!
//! The unit gives the hub what it needs and nothing else: it writes its project folder only, gains no rights, and is started
//! again when it fails, but not for ever.

use super::CliError;
use super::check::{print_diagnostics, style_of};
use crate::config::{self, Config, Overrides};
use clap::{Args, Subcommand};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Ports below this are for the system: a service needs a right of its own to listen there.
const FIRST_FREE_PORT: u16 = 1_024;
/// Bytes of an account's name, as the system limits it.
const USER_LEN_MAX: usize = 31;

/// What can be done about services.
#[derive(Debug, Subcommand)]
pub enum ServiceCommand {
    /// Print the systemd unit that runs a project
    #[command(
        after_help = "How to install it is told on standard error.\n\nExample:\n  crosstie service print /srv/my-line --user crosstie"
    )]
    Print(PrintArgs),
}

/// The arguments of `crosstie service print`.
#[derive(Debug, Args)]
pub struct PrintArgs {
    /// Project folder, the one with crosstie.toml
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// Account that the hub runs as; without it the owner of the project folder
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// The program to run; without it this one
    #[arg(long, value_name = "PATH")]
    pub binary: Option<PathBuf>,
}

/// What stands in a unit.
#[derive(Debug)]
struct Unit {
    project: String,
    folder: String,
    binary: String,
    user: String,
    needs_low_ports: bool,
    /// A context asks for a real-time priority.
    needs_priority: bool,
    /// The project asks for locked memory.
    locks_memory: bool,
    hides_homes: bool,
    hides_temporary: bool,
}

/// Carries out a verb on services.
pub(super) fn service(command: &ServiceCommand, out: &mut impl Write) -> Result<(), CliError> {
    let ServiceCommand::Print(args) = command;
    let loaded = config::load(&args.dir, &Overrides::default());
    let Some(config) = loaded.config else {
        print_diagnostics(&loaded.diagnostics, style_of(&io::stderr()), &mut io::stderr())?;
        return Err(CliError::Usage(String::from(
            "no unit was printed: such a project does not start",
        )));
    };
    let unit = unit(args, &config)?;
    write!(out, "{}", unit.text())?;
    out.flush()?;
    let name = service_name(&config.project.name);
    let hint = format!(
        "install it:  crosstie service print {} | sudo tee /etc/systemd/system/{name}.service\n\
         start it:    sudo systemctl daemon-reload && sudo systemctl enable --now {name}\n\
         follow it:   journalctl -u {name} -f\n\
         {} must belong to the account {}",
        args.dir.display(),
        args.dir.display(),
        unit.user
    );
    // Advice that nobody can read is no failure.
    drop(writeln!(io::stderr(), "{hint}"));
    if !unit.hides_temporary {
        let hint =
            "the project or the program stands below /tmp, which the system clears: move it before you rely on it";
        drop(writeln!(io::stderr(), "{hint}"));
    }
    Ok(())
}

fn unit(args: &PrintArgs, config: &Config) -> Result<Unit, CliError> {
    let absolute = |path: &Path| {
        let absolute = path.canonicalize();
        absolute.map_err(|error| CliError::Usage(format!("{}: {error}", path.display())))
    };
    let folder = absolute(&args.dir)?;
    let binary = match &args.binary {
        Some(binary) => absolute(binary)?,
        None => std::env::current_exe().map_err(|error| CliError::failed(&error))?,
    };
    if !binary.is_file() {
        return Err(CliError::Usage(format!(
            "--binary {}: a file was expected",
            binary.display()
        )));
    }
    let user = match &args.user {
        Some(user) if is_user(user) => user.clone(),
        Some(user) => {
            return Err(CliError::Usage(format!(
                "--user {}: expected the name or number of an account",
                user.escape_debug()
            )));
        }
        None => owner_of(&folder)?,
    };
    let is_below = |roots: &[&str]| {
        let mut roots = roots.iter();
        roots.any(|root| folder.starts_with(root) || binary.starts_with(root))
    };
    let of_piplc = config.piplc.iter().map(|piplc| piplc.address.port());
    let of_endpoints = config.endpoints.iter().map(|endpoint| endpoint.address.port());
    let of_classroom = (config.classroom.iter())
        .flat_map(|classroom| [classroom.monitor.address.port(), classroom.headset.address.port()]);
    let of_modbuses = config.modbuses.iter().map(|modbus| modbus.address.port());
    let mut ports = of_endpoints.chain(of_piplc).chain(of_classroom).chain(of_modbuses);
    let is_low = |port: u16| port != 0 && port < FIRST_FREE_PORT;
    Ok(Unit {
        project: config.project.name.clone(),
        needs_low_ports: is_low(config.web.address.port()) || ports.any(is_low),
        needs_priority: config.plcs.iter().any(|plc| plc.realtime.priority.is_some()),
        locks_memory: config.hub.lock_memory,
        hides_homes: !is_below(&["/home", "/root", "/run/user"]),
        hides_temporary: !is_below(&["/tmp", "/var/tmp"]),
        folder: quoted(&folder)?,
        binary: quoted(&binary)?,
        user,
    })
}

/// The account of the folder: it can write what the hub has to write.
#[cfg(unix)]
fn owner_of(folder: &Path) -> Result<String, CliError> {
    use std::os::unix::fs::MetadataExt;
    let metadata = folder.metadata().map_err(|error| CliError::failed(&error))?;
    Ok(metadata.uid().to_string())
}

/// Elsewhere nobody knows.
#[cfg(not(unix))]
fn owner_of(_: &Path) -> Result<String, CliError> {
    Err(CliError::Usage(String::from("--user NAME was expected")))
}

fn is_user(user: &str) -> bool {
    let is_number = user.parse::<u32>().is_ok();
    let is_name = user.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
        && user
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte));
    user.len() <= USER_LEN_MAX && (is_number || is_name)
}

/// A path as one word of a unit: spaces, quotes and specifiers mean themselves.
fn quoted(path: &Path) -> Result<String, CliError> {
    let text = path
        .to_str()
        .filter(|text| !text.contains(|sign: char| sign.is_control() || sign == '$'));
    let Some(text) = text else {
        return Err(CliError::Usage(format!(
            "{}: a path in UTF-8 without control characters and without $ was expected",
            path.display()
        )));
    };
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%");
    Ok(format!("\"{text}\""))
}

/// `crosstie-my-line` for the project "My line".
fn service_name(project: &str) -> String {
    let words = project.split(|sign: char| !sign.is_ascii_alphanumeric());
    let words = words.filter(|word| !word.is_empty()).map(str::to_ascii_lowercase);
    let mut name = String::from("crosstie");
    for word in words {
        if name.len() + word.len() < 60 {
            name.push('-');
            name.push_str(&word);
        }
    }
    name
}

impl Unit {
    fn text(&self) -> String {
        let Unit {
            project,
            folder,
            binary,
            user,
            ..
        } = self;
        let project: String = project.chars().filter(|sign| !sign.is_control()).collect();
        let project = project.replace('\\', "\\\\").replace('%', "%%");
        let capabilities = match self.needs_low_ports {
            true => "CapabilityBoundingSet=CAP_NET_BIND_SERVICE\nAmbientCapabilities=CAP_NET_BIND_SERVICE",
            false => "CapabilityBoundingSet=",
        };
        let (priority, restrict) = match self.needs_priority {
            true => (
                "# Contexts of the project have a real-time priority; see \"PLC timing\" in the manual.\nLimitRTPRIO=99\n",
                "no",
            ),
            false => ("", "yes"),
        };
        let memory = match self.locks_memory {
            true => "# All memory stays in the memory of the machine.\nLimitMEMLOCK=infinity\n",
            false => "",
        };
        let temporary = if self.hides_temporary { "PrivateTmp=yes\n" } else { "" };
        let homes = if self.hides_homes { "ProtectHome=yes\n" } else { "" };
        format!(
            "[Unit]\n\
             Description=Crosstie: {project}\n\
             Wants=network-online.target\n\
             After=network-online.target\n\
             # Five starts a minute; then it stays down until somebody looks.\n\
             StartLimitIntervalSec=60\n\
             StartLimitBurst=5\n\
             \n\
             [Service]\n\
             Type=exec\n\
             User={user}\n\
             ExecStart={binary} run {folder}\n\
             Restart=on-failure\n\
             RestartSec=2\n\
             # Clients are told within three seconds.\n\
             TimeoutStopSec=10\n\
             # One for each socket and a few more; see \"Limits\" in the manual.\n\
             LimitNOFILE=65536\n\
             {priority}\
             {memory}\
             UMask=0077\n\
             NoNewPrivileges=yes\n\
             {capabilities}\n\
             ProtectSystem=strict\n\
             ReadWritePaths={folder}\n\
             {homes}\
             {temporary}\
             PrivateDevices=yes\n\
             ProtectKernelTunables=yes\n\
             ProtectKernelModules=yes\n\
             ProtectControlGroups=yes\n\
             RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK\n\
             RestrictNamespaces=yes\n\
             RestrictRealtime={restrict}\n\
             RestrictSUIDSGID=yes\n\
             LockPersonality=yes\n\
             MemoryDenyWriteExecute=yes\n\
             SystemCallArchitectures=native\n\
             \n\
             [Install]\n\
             WantedBy=multi-user.target\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_word_of_the_unit_whatever_it_is_called() {
        let check = |path: &str, expected: &str| assert_eq!(quoted(Path::new(path)).unwrap(), expected);
        check("/srv/my line", "\"/srv/my line\"");
        check("/srv/50%", "\"/srv/50%%\"");
        check("/srv/\"a\"\\b", "\"/srv/\\\"a\\\"\\\\b\"");
        for path in ["/srv/$HOME", "/srv/a\nUser=root"] {
            assert_eq!(quoted(Path::new(path)).unwrap_err().exit_code(), 2, "{path:?}");
        }
    }

    #[test]
    fn accounts_and_names_are_plain() {
        for user in ["crosstie", "_x", "1000", "a-b_c9"] {
            assert!(is_user(user), "{user}");
        }
        for user in ["", "Root", "a b", "-a", "a\nUser=root", "$USER", &"a".repeat(32)] {
            assert!(!is_user(user), "{user:?}");
        }
        assert_eq!(service_name("My line, hall 2!"), "crosstie-my-line-hall-2");
        assert_eq!(service_name("…"), "crosstie");
    }
}
