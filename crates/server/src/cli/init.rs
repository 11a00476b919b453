//! `crosstie init`: a first project file that runs as it stands and explains itself.

use super::CliError;
use crate::config::FILE_NAME;
use clap::Args;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The flags of `crosstie init`.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  crosstie init my-line && crosstie run my-line --practice")]
pub struct InitArgs {
    /// Folder to write crosstie.toml into; it is made if there is none
    #[arg(default_value = ".")]
    pub dir: PathBuf,
}

/// Writes the file; one that exists is never touched.
pub(super) fn init(args: &InitArgs, out: &mut impl Write) -> Result<(), CliError> {
    let path = args.dir.join(FILE_NAME);
    let cannot = |error: std::io::Error| CliError::Failed(format!("{} cannot be written: {error}", path.display()));
    fs::create_dir_all(&args.dir).map_err(cannot)?;
    let mut file = match OpenOptions::new().write(true).create_new(true).open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(CliError::Failed(format!(
                "{} exists and is left as it is",
                path.display()
            )));
        }
        Err(error) => return Err(cannot(error)),
    };
    file.write_all(project_file(&args.dir).as_bytes()).map_err(cannot)?;
    let dir = args.dir.display();
    writeln!(out, "wrote {}", path.display())?;
    writeln!(out, "start it:            crosstie run {dir}")?;
    writeln!(out, "with a twin of ours: crosstie run {dir} --practice")?;
    Ok(())
}

/// The text of a first project file, named after its folder.
fn project_file(folder: &Path) -> String {
    let absolute = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let name = absolute
        .file_name()
        .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let name: String = name.chars().filter(|c| !c.is_control()).collect();
    let name = if name.is_empty() { "Line" } else { &name };
    TEMPLATE.replace("{name}", &toml_edit::Value::from(name).to_string())
}

const TEMPLATE: &str = r##"# A Crosstie project. Every key that is not here has its default; `crosstie check` finds mistakes.

[project]
name = {name}

# The page and the API: http://localhost:8000
[web]
port = 8000

# An endpoint for realvirtual's WebSocket interface. In Unity: client mode, address 127.0.0.1, this port.
[[realvirtual]]
name = "line"
port = 1234
update_cycle_ms = 10            # shortest time between two frames to one client
direction_convention = "plc"    # "simulation" if the twin's directions come out inverted
# Other machines reach the endpoint with this and a key (crosstie key add), or without keys with both of these:
# bind = "0.0.0.0"
# allow_unauthenticated = true

# The signals of the endpoint. `name` is what the twin calls it; here it is called twin/line/<name>.
# `writer` says who writes it: "hub" (this side: routes, operators) or "peer" (the twin).

[[realvirtual.signal]]
name = "Run"
type = "Bool"
writer = "peer"

[[realvirtual.signal]]
name = "SpeedSetpoint"
type = "Float"
writer = "hub"
value = 200.0                   # before anybody has written it

[[realvirtual.signal]]
name = "ConveyorSpeed"
type = "Float"
writer = "peer"

[[realvirtual.signal]]
name = "SensorInfeed"
type = "Bool"
writer = "peer"

[[realvirtual.signal]]
name = "TankLevel"
type = "Float"
writer = "peer"

[[realvirtual.signal]]
name = "BottleCount"
type = "Int"
writer = "peer"

[[realvirtual.signal]]
name = "State"
type = "Text"
writer = "peer"

# A link is an endpoint the other way round: it connects to a realvirtual server. `crosstie realvirtual import cell` then
# fetches its signals, and `crosstie realvirtual probe cell` says what is wrong when it does not connect.
# [[realvirtual]]
# name = "cell"
# role = "client"
# address = "127.0.0.1"           # name or address of the server
# port = 7000
# path = "/"
# use_ssl = false                 # true for wss
# reconnect_interval_seconds = 2  # the first pause after a failure
# max_reconnect_attempts = -1     # -1: never give up
# access_key_file = "cell.key"    # when the server wants a key

# A PLC runs a ladder program; its memory is signals, such as plc/press/O:0/0. See docs/manual/ladder.md.
# [[plc]]
# name = "press"
# program = "press.plcproj"       # or a text with one rung per line
# autostart = true
# [piplc]                         # editors and panels that speak PiPLC's protocol connect to port 9100

# A route carries every change of one signal to another that the hub writes:
# [[route]]
# from = "twin/line/TankLevel"
# to = "twin/panel/TankLevel"

# `crosstie run --practice` also starts a stand-in for the twin.
[[practice]]
kind = "twin"
endpoint = "line"
"##;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Overrides, PracticeConfig, load_text};

    #[test]
    fn the_first_project_file_has_no_mistake_whatever_its_folder_is_called() {
        for folder in ["line", "a \"b\" \\ c", "tab\there", "", "/"] {
            let text = project_file(Path::new(folder));
            let loaded = load_text(Path::new(folder), &text, &Overrides::default());
            assert!(loaded.diagnostics.is_empty(), "{folder:?}: {:?}", loaded.diagnostics);
            let config = loaded.config.unwrap();
            assert_eq!(config.endpoints[0].name, "line");
            let twin = PracticeConfig::Twin {
                endpoint: String::from("line"),
                auto: true,
            };
            assert_eq!(config.practices, [twin]);
        }
    }
}
