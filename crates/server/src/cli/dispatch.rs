//! One place that leads from a verb to the room that carries it out.

use super::bench::BenchCommand;
use super::conform::ConformCommand;
use super::practice::PracticeCommand;
use super::{
    Cli, CliError, Command, audit, backup, check, classroom, clock, conform, history, init, key, log, plc, problems,
    realvirtual, record, replay, route, run, service, signals, test, tls,
};
use crate::conform::GamaOptions;
use clap::CommandFactory;
use std::future::Future;
use std::io::{self, Write as _};

/// Carries out a verb.
pub(super) fn dispatch(command: Command) -> Result<(), CliError> {
    // Not locked: a hub prints from several threads.
    let out = &mut io::stdout();
    match command {
        Command::Run(args) => {
            let (config, options) = run::prepare(args)?;
            Ok(crate::run::run(config, options)?)
        }
        Command::Init(args) => init::init(&args, out),
        Command::Check(args) => check::check(&args, out),
        Command::Key(command) => key::key(command, out),
        Command::Audit(args) => audit::audit(&args, out),
        Command::Tls(command) => tls::tls(command, out),
        Command::Signals(command) => wait_for(signals::signals(command, out)),
        Command::Realvirtual(command) => wait_for(realvirtual::realvirtual(command, out)),
        Command::Record(command) => wait_for(record::record(command, out)),
        Command::Route(command) => wait_for(route::route(command, out)),
        Command::Replay(command) => wait_for(replay::replay(command, out)),
        Command::Clock(args) => wait_for(clock::clock(&args, out)),
        Command::Plc(command) => wait_for(plc::plc(command, out)),
        Command::Classroom(command) => wait_for(classroom::classroom(command, out)),
        Command::History(args) => wait_for(history::history(args, out)),
        Command::Problems(args) => wait_for(problems::problems(args, out)),
        Command::Log(args) => wait_for(log::log(&args, out)),
        Command::Backup(args) => backup::backup(&args, out),
        Command::Restore(args) => backup::restore(&args, out),
        Command::Service(command) => service::service(&command, out),
        Command::Test(command) => test::test(command, out),
        Command::Practice(PracticeCommand::Twin(options)) => wait_for(async {
            crate::practice::twin::run(options.into())
                .await
                .map_err(|error| CliError::failed(&error))
        }),
        Command::Practice(PracticeCommand::Gama(options)) => wait_for(async {
            crate::practice::gama::run(options.into())
                .await
                .map_err(|error| CliError::failed(&error))
        }),
        Command::Practice(PracticeCommand::Headset(options)) => wait_for(async {
            crate::practice::headset::run(options.into())
                .await
                .map_err(|error| CliError::failed(&error))
        }),
        Command::Conform(ConformCommand::Realvirtual { url, listen, options }) => {
            wait_for(conform::realvirtual(url.as_deref(), &listen, &options, out))
        }
        Command::Conform(ConformCommand::Piplc { url, server, options }) => {
            wait_for(conform::piplc(&url, &server, &options, out))
        }
        Command::Conform(ConformCommand::Monitor {
            url,
            headset,
            stage,
            options,
        }) => wait_for(conform::monitor(&url, headset, &stage, &options, out)),
        Command::Conform(ConformCommand::Headset {
            url,
            monitor,
            stage,
            options,
        }) => wait_for(conform::headset(&url, monitor, &stage, &options, out)),
        Command::Conform(ConformCommand::Gama {
            url,
            model,
            experiment,
            flavour,
            slow,
            options,
        }) => {
            let gama = GamaOptions {
                only: options.only.clone(),
                slow,
                model,
                experiment,
                flavour: flavour.as_deref().map(conform::flavour_of),
                ..GamaOptions::default()
            };
            wait_for(conform::gama(&url, gama, &options, out))
        }
        Command::Bench(BenchCommand::Scale(options)) => {
            crate::bench::scale::scale(&options).map_err(|error| CliError::failed(&error))
        }
        Command::Bench(BenchCommand::Mirror(options)) => {
            crate::bench::mirror::mirror(&options).map_err(|error| CliError::failed(&error))
        }
        Command::Bench(BenchCommand::Plc(options)) => {
            crate::bench::plc::plc(&options).map_err(|error| CliError::failed(&error))
        }
        Command::Bench(BenchCommand::Classroom(options)) => {
            crate::bench::classroom::classroom(&options).map_err(|error| CliError::failed(&error))
        }
        Command::Completions { shell } => {
            let mut text = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "crosstie", &mut text);
            out.write_all(&text)?;
            Ok(())
        }
    }
}

/// Verbs that talk over one or two sockets need one thread.
fn wait_for(verb: impl Future<Output = Result<(), CliError>>) -> Result<(), CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| CliError::failed(&error))?.block_on(verb)
}
