//! A hub in a process of its own, with a project that is made for the measurement and removed after it.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use super::BenchError;
use super::load::{ENDPOINT, signal_name};

/// The child and its folder; both are gone when this is dropped.
#[derive(Debug)]
pub(super) struct HubProcess {
    child: Child,
    folder: PathBuf,
    url: String,
}

impl HubProcess {
    /// Starts a hub with so many signals; its ports are chosen by the system.
    pub(super) fn start(signals: u32) -> Result<HubProcess, BenchError> {
        let system = |what| move |source| BenchError::System { what, source };
        let folder = std::env::temp_dir().join(format!("crosstie-bench-{}", std::process::id()));
        fs::create_dir_all(&folder).map_err(system("making a folder for the project"))?;
        let project =
            format!("[web]\nport = 0\n\n[[realvirtual]]\nname = \"{ENDPOINT}\"\nport = 0\nsignals = \"signals.csv\"\n");
        let mut catalog = String::from("name,type,writer\n");
        for signal in 0..signals {
            // Writing to a text cannot fail.
            let _ = writeln!(catalog, "{},Float,peer", signal_name(signal));
        }
        let written = fs::write(folder.join("crosstie.toml"), project);
        let written = written.and_then(|()| fs::write(folder.join("signals.csv"), catalog));
        written.map_err(system("writing the project"))?;

        let program = std::env::current_exe().map_err(system("finding this program"))?;
        let child = Command::new(program)
            .args(["run", "--log", "warn"])
            .arg(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(system("starting the hub"))?;
        let mut hub = HubProcess {
            child,
            folder,
            url: String::new(),
        };
        hub.url = hub.read_url().ok_or(BenchError::Hub)?;
        Ok(hub)
    }

    /// Where its endpoint listens.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Its private memory in kilobytes; 0 where the system does not tell.
    pub(super) fn private_kb(&self) -> u64 {
        let path = format!("/proc/{}/smaps_rollup", self.child.id());
        let rollup = fs::read_to_string(path).unwrap_or_default();
        let private = rollup.lines().filter(|line| line.starts_with("Private_"));
        private
            .filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok())
            .sum()
    }

    /// The hub tells its addresses when it takes connections.
    fn read_url(&mut self) -> Option<String> {
        let mut lines = BufReader::new(self.child.stdout.take()?);
        let mut line = String::new();
        while lines.read_line(&mut line).ok()? > 0 {
            if let Some((_, url)) = line.split_once(&format!("{ENDPOINT}: ")) {
                let url = url.trim().to_owned();
                // What it may say later must not fill the pipe.
                std::thread::spawn(move || {
                    let mut rest = [0; 512];
                    while lines.read(&mut rest).is_ok_and(|len| len > 0) {}
                });
                return Some(url);
            }
            line.clear();
        }
        None
    }
}

impl Drop for HubProcess {
    fn drop(&mut self) {
        // It has nothing to save; when it is gone already, so much the better.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
