//! The command line: verbs, their flags, and what the process says and returns.
//!
//! ```text
//! arguments → Cli (clap) → dispatch → a verb ─┬─ this folder: run, init, check, key, audit, tls, backup, restore, service,
//!                                             │               signals and route export and import
//!                                             ├─ a running hub over HTTP: signals, realvirtual, route, clock, record, replay,
//!                                             │               history, plc, classroom, problems, log
//!                                             └─ stand-alone tools: practice, conform, bench, completions, plc check,
//!                                                 convert and scan-test, test
//! ```
//!
//! Verbs that ask a running hub use the same API as the page and know nothing that the API does not say. Results go to
//! standard output, everything else to standard error, so a pipe gets only results.

pub mod audit;
pub mod backup;
pub mod bench;
pub mod busy_ports;
pub mod check;
pub mod classroom;
pub mod clock;
pub mod conform;
pub mod exchange;
pub mod execute;
pub mod history;
pub mod init;
pub mod key;
pub mod links;
pub mod log;
pub mod plc;
pub mod practice;
pub mod problems;
pub mod realvirtual;
pub mod record;
pub mod replay;
pub mod route;
pub mod run;
pub mod service;
pub mod signals;
pub mod test;
pub mod tls;

pub(crate) mod api;
mod dispatch;
mod environment;
mod error;
mod live;
mod logging;
mod table;

pub use busy_ports::{BusyPort, busy_ports_message};
pub use error::CliError;

use clap::{Args, Parser, Subcommand};
use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// The arguments of one process.
#[derive(Debug, Parser)]
#[command(
    name = "crosstie",
    version,
    about = "Ties PLCs, digital twins and simulation classrooms into one live signal space",
    after_help = "Examples:\n  crosstie init my-line && crosstie run my-line\n  crosstie check my-line\n  \
                  crosstie signals watch 'twin/line/**'\n\n\
                  Exit codes: 0 done, 1 what was asked for failed, 2 a mistake in the project or on the command line, \
                  3 no hub or engine answers",
    max_term_width = 100,
    arg_required_else_help = true
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the project in a folder until Ctrl-C
    Run(run::RunArgs),
    /// Write a first project file with comments into a folder
    Init(init::InitArgs),
    /// Print everything that is wrong with a project
    Check(check::CheckArgs),
    /// Make, list and revoke the access keys of a project
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Print the audit log of a project: who has changed what
    Audit(audit::AuditArgs),
    /// Show and renew the certificate of a project
    #[command(subcommand)]
    Tls(tls::TlsCommand),
    /// List, watch and set the signals of a running hub; export and import those of a project
    #[command(subcommand)]
    Signals(signals::SignalsCommand),
    /// Look after the realvirtual endpoints of a running hub
    #[command(subcommand)]
    Realvirtual(realvirtual::RealvirtualCommand),
    /// List, add and remove the routes of a running hub; export and import those of a project
    #[command(subcommand)]
    Route(route::RouteCommand),
    /// Start, stop and look at recordings of a running hub; export one
    #[command(subcommand)]
    Record(record::RecordCommand),
    /// Play recordings into a running hub, or execute one again without a hub
    #[command(subcommand)]
    Replay(replay::ReplayCommand),
    /// Show, scale, stop and step the time of a running hub
    Clock(clock::ClockArgs),
    /// Run, program, watch and force the PLC contexts of a running hub or of any PiPLC engine; check and test programs
    #[command(subcommand)]
    Plc(plc::PlcCommand),
    /// Run the lesson of a running hub: models, experiment, players, GAMA's console
    #[command(subcommand)]
    Classroom(classroom::ClassroomCommand),
    /// Print what a signal of a running hub was over hours or years
    History(history::HistoryArgs),
    /// Print what a person should know about a running hub
    Problems(problems::ProblemsArgs),
    /// Print or change how much a running hub logs
    Log(log::LogArgs),
    /// Write the project and everything that belongs to it into one file
    Backup(backup::BackupArgs),
    /// Make a project folder from the file of a backup
    Restore(backup::RestoreArgs),
    /// Run a project as a service of the system
    #[command(subcommand)]
    Service(service::ServiceCommand),
    /// Play the far side of a link
    #[command(subcommand)]
    Practice(practice::PracticeCommand),
    /// Run the tests of a project on virtual time, and make tests of recordings
    #[command(subcommand)]
    Test(test::TestCommand),
    /// Find out whether a server or a client keeps a protocol
    #[command(subcommand)]
    Conform(conform::ConformCommand),
    /// Measure this machine
    #[command(subcommand)]
    Bench(bench::BenchCommand),
    /// Print the completions of a shell
    #[command(after_help = "Example:\n  crosstie completions bash > /etc/bash_completion.d/crosstie")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Which running hub a verb talks to.
#[derive(Debug, Clone, Default, Args)]
pub struct At {
    /// Address of the hub's web port
    #[arg(
        long,
        value_name = "URL",
        env = "CROSSTIE_AT",
        default_value = "http://127.0.0.1:8000",
        global = true
    )]
    pub at: String,
    /// File with the key that is wanted there; without it the variable CROSSTIE_KEY counts
    #[arg(long, value_name = "FILE", global = true)]
    pub key_file: Option<PathBuf>,
    /// Certificates in PEM that may vouch for an https:// or wss:// address; those of the system without it
    #[arg(long, value_name = "FILE", global = true)]
    pub ca: Option<PathBuf>,
}

/// Everything that the process does: reads the arguments (the first is the name of the program), carries them out, says
/// what went wrong, and gives the exit code.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    crate::tls::install_crypto();
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are such "errors" too. A closed pipe leaves nobody to tell.
            drop(error.print());
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match logging::install(&cli.command).and_then(|()| dispatch::dispatch(cli.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            if let Some(message) = error.message() {
                drop(writeln!(std::io::stderr(), "{message}"));
            }
            ExitCode::from(error.exit_code())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_grammar_of_the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_verbs_of_the_manual_are_understood() {
        let check = |line: &str| {
            let words = line.split(' ');
            assert!(Cli::try_parse_from(words).is_ok(), "{line}");
        };
        check("crosstie run");
        check(
            "crosstie run line --practice --port-offset 100 --web-port 80 --set web.port=1 --set hub.max_clients=2 --log debug",
        );
        check("crosstie init my-line");
        check("crosstie check --json");
        check("crosstie key add HMI --role operator --view twin/** --view plc/** --write twin/line/Start my-line");
        check("crosstie key list my-line --json");
        check("crosstie key revoke k2");
        check("crosstie audit my-line --tail 20");
        check("crosstie route list --at https://127.0.0.1:8100 --key-file hub.key --ca hub.pem");
        check("crosstie signals list --filter speed --pattern twin/** --json --at http://127.0.0.1:8100");
        check("crosstie signals watch twin/line/* --cycle-ms 50 --json --at http://127.0.0.1:8100");
        check("crosstie signals set twin/line/Level -2.5");
        check("crosstie realvirtual clients --json");
        check("crosstie realvirtual import line");
        check("crosstie realvirtual endpoints --json");
        check("crosstie realvirtual connect line --at http://127.0.0.1:8100");
        check("crosstie realvirtual disconnect line");
        check("crosstie realvirtual probe line --json");
        check("crosstie realvirtual probe wss://10.0.0.7:7000/ws --ca ca.pem --key-file key");
        check("crosstie run my-line --record");
        check("crosstie record start --name a --signals twin/** --signals plc/** --max-mb 10 --max-minutes 5");
        check("crosstie record stop --at http://127.0.0.1:8100");
        check("crosstie record list --json");
        check("crosstie record show a");
        check("crosstie record delete a");
        check("crosstie replay execute recordings/a.mcap --project changed --json");
        check("crosstie record export a.mcap --signals twin/** --format csv");
        check("crosstie route add sim/a sim/b");
        check("crosstie route remove 3");
        check("crosstie route export my-line");
        check("crosstie route import routes.csv my-line");
        check("crosstie clock --json");
        check("crosstie clock show");
        check("crosstie clock set scaled 0.5 --at http://10.0.0.7:8000");
        check("crosstie clock set stepped");
        check("crosstie clock step 100");
        check("crosstie signals export line");
        check("crosstie signals import line line.csv my-line");
        check("crosstie practice twin --url ws://127.0.0.1:1234/ --name Twin --auto off --quiet");
        check(
            "crosstie practice gama --port 0 --bind ::1 --flavour headless --rate 50 --people 5 --world-kb 100 --seed 3 --quiet",
        );
        check("crosstie practice gama --fault refuse-load");
        check(
            "crosstie practice headset --id Player_101 --url ws://127.0.0.1:8080/ --count 3 --rate 50 --heartbeat 1000",
        );
        check("crosstie practice headset --walk circle --deaf --stall 10 --quiet");
        check("crosstie conform realvirtual ws://127.0.0.1:1234/ --junit out.xml --json --only RV-10");
        check(
            "crosstie conform realvirtual --listen 0 --bind ::1 --wait 5 --slow --catalog a.json --path /ws?room=1 --json",
        );
        check("crosstie conform monitor ws://127.0.0.1:8001/ --headset ws://h/ --gama-port 1000 --slow --only SI-15");
        check("crosstie conform headset ws://127.0.0.1:8080/ --monitor ws://h/ --gama-port 1000 --gama-bind ::1");
        check("crosstie conform gama ws://h/ --model /a.gaml --experiment vr_xp --flavour headless --json");
        check("crosstie bench scale --signals 100000 --clients 50 --routes 10000 --record --secs 600");
        check(
            "crosstie replay start monday --signals twin/** --signals sim/** --speed max --loop --paused --at-time 1:30",
        );
        check("crosstie replay start recordings/monday.mcap --leads-clock --force --at http://127.0.0.1:8100");
        check("crosstie replay play");
        check("crosstie replay pause");
        check("crosstie replay stop");
        check("crosstie replay seek 12.5");
        check("crosstie replay speed 10");
        check("crosstie replay show --json");
        check("crosstie plc status --json --context line --at http://127.0.0.1:8100");
        check("crosstie plc start --context line");
        check("crosstie plc stop");
        check("crosstie plc pause");
        check("crosstie plc resume");
        check("crosstie plc step");
        check("crosstie plc step-rung");
        check("crosstie plc reset");
        check("crosstie plc download bottling.plcproj --yes");
        check("crosstie plc upload");
        check("crosstie plc upload bottling.plcproj --force");
        check("crosstie plc clear");
        check("crosstie plc force I:0/3 on --reason broken --for 10m");
        check("crosstie plc force N:7 -5");
        check("crosstie plc release I:0/3");
        check("crosstie plc release --all --context line");
        check("crosstie plc forces --json");
        check("crosstie plc watch I:0/3 T:4.ACC Motor --cycle-ms 50 --count 3 --json");
        check("crosstie plc write N:7 250");
        check("crosstie plc break 3");
        check("crosstie plc break --clear 3");
        check("crosstie plc break --clear");
        check("crosstie plc scan-test tests/ one.scan --junit report.xml");
        check("crosstie plc check bottling.plcproj other.ladder --json");
        check("crosstie plc convert bottling.plcproj - --force");
        check(
            "crosstie test accept 2026.mcap my-line --name start --signals plc/** --tolerance plc/line/N:10=0.5 --force",
        );
        check("crosstie test run my-line --junit report.xml --repeat 1000 --filter start --json --ascii");
        check("crosstie classroom status --json --at http://127.0.0.1:8100");
        check("crosstie classroom catalog --json");
        check("crosstie classroom select 2");
        check("crosstie classroom launch --at http://127.0.0.1:8100");
        check("crosstie classroom pause");
        check("crosstie classroom resume");
        check("crosstie classroom stop");
        check("crosstie classroom step");
        check("crosstie classroom step-back");
        check("crosstie classroom reload");
        check("crosstie classroom connect");
        check("crosstie classroom players --json");
        check("crosstie classroom add Player_101");
        check("crosstie classroom remove Player_101");
        check("crosstie classroom forget Player_101");
        check("crosstie classroom screen stream");
        check("crosstie classroom console --follow --count 3 --json");
        check("crosstie classroom eval length(people)");
        check("crosstie classroom watch --count 3 --json");
        check("crosstie classroom check my-class --json");
        check("crosstie problems --all --json");
        check("crosstie problems ack conflict:twin/line/Run");
        check("crosstie problems ack --all --at http://127.0.0.1:8100");
        check("crosstie log");
        check("crosstie log info,crosstie_server=debug --at http://127.0.0.1:8100");
        check("crosstie backup line.tar.gz my-line --force");
        check("crosstie restore line.tar.gz my-line --force");
        check("crosstie service print my-line --user crosstie --binary /usr/bin/crosstie");
        check("crosstie completions zsh");
    }

    #[test]
    fn mistakes_of_the_command_line_are_refused() {
        let check = |line: &str| assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
        check("crosstie");
        check("crosstie fly");
        check("crosstie run --port-offset 65536");
        check("crosstie run --set web.port");
        check("crosstie signals");
        check("crosstie record start --max-mb 0");
        check("crosstie record export");
        check("crosstie route add sim/a");
        check("crosstie signals watch --cycle-ms 9");
        check("crosstie conform realvirtual");
        check("crosstie conform realvirtual ws://127.0.0.1:1/ --listen 0");
        check("crosstie conform realvirtual ws://127.0.0.1:1/ --slow");
        check("crosstie conform realvirtual --listen 0 --wait 0");
        check("crosstie practice gama --fault earthquake");
        check("crosstie practice headset --rate 51");
        check("crosstie conform monitor --headset ws://127.0.0.1:8080/");
        check("crosstie conform monitor ws://127.0.0.1:8001/ --gama-bind ::1");
        check("crosstie conform headset ws://127.0.0.1:8080/ --gama-port 0");
        check("crosstie conform gama ws://127.0.0.1:1000/ --model /a.gaml");
        check("crosstie key add HMI");
        check("crosstie key add HMI --role root");
        check("crosstie replay start");
        check("crosstie replay start monday --speed 1000");
        check("crosstie replay seek yesterday");
        check("crosstie plc force I:0/3");
        check("crosstie plc force I:0/3 on --for soon");
        check("crosstie plc release");
        check("crosstie plc release I:0/3 --all");
        check("crosstie plc watch");
        check("crosstie plc break");
        check("crosstie plc break -1");
        check("crosstie plc scan-test");
        check("crosstie plc convert bottling.plcproj");
        check("crosstie classroom");
        check("crosstie classroom select");
        check("crosstie classroom console --count 3");
        check("crosstie problems ack");
        check("crosstie problems ack some --all");
        check("crosstie restore line.tar.gz");
        check("crosstie test");
        check("crosstie test run --repeat 0");
        check("crosstie test accept");
        check("crosstie test accept a.mcap --tolerance N:10=much");
    }
}
