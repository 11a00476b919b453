//! `crosstie classroom`: the lesson of a running hub, and the learning packages of a project.
//!
//! ```text
//!   verb ─▶ the hub's HTTP API ─▶ ClassState ─▶ words and tables
//!   watch, console --follow ─▶ the hub's live channel ─▶ lines
//! ```
//!
//! | room | what it does |
//! |---|---|
//! | `join` | joining with a browser: code, addresses, QR code |
//! | `show` | a state, a seat, a model in words |
//! | `follow` | `watch` and `console` |
//! | `packages` | `check`; no hub has to run |

mod follow;
mod join;
mod packages;
mod show;

use super::api::{Hub, escaped};
use super::{At, CliError, table};
use crate::http::classroom::rows::{ClassCatalog, ClassState};
use axum::http::Method;
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Path of the class in the API.
const CLASS: &str = "/api/v1/classroom";
/// How long an expression may take: longer than the hub itself waits for GAMA.
const EVALUATE_MAX: Duration = Duration::from_secs(20);

/// What can be done with the classroom.
#[derive(Debug, Subcommand)]
pub enum ClassroomCommand {
    /// Print how the lesson stands: GAMA, the experiment, what is waited for, seats, the last error
    #[command(
        after_help = "Examples:\n  crosstie classroom status\n  crosstie classroom status --json | jq .gama.state"
    )]
    Status(ShowArgs),
    /// Print the models that can be launched, and what is wrong with the learning packages
    #[command(after_help = "Example:\n  crosstie classroom catalog")]
    Catalog(ShowArgs),
    /// Make another model the one that a launch loads
    #[command(after_help = "Examples:\n  crosstie classroom select 2\n  crosstie classroom select 'Flood scenarios'")]
    Select(SelectArgs),
    /// Load the active model in GAMA; resume lets it run
    #[command(after_help = "Example:\n  crosstie classroom launch && crosstie classroom watch")]
    Launch(At),
    /// Hold the experiment
    Pause(At),
    /// Let the experiment run
    Resume(At),
    /// End the experiment; all headsets are sent away
    Stop(At),
    /// Run one cycle
    Step(At),
    /// Go one cycle back, where the experiment keeps a record of its cycles
    StepBack(At),
    /// Load the same experiment anew
    Reload(At),
    /// Try to reach GAMA now instead of after the pause
    Connect(At),
    /// Print the seats: who is connected, who is in the game, and why somebody is not
    Players(ShowArgs),
    /// Make a connected player one of the game
    #[command(after_help = "Example:\n  crosstie classroom add Player_101")]
    Add(PlayerArgs),
    /// Take a player out of the game and close the connection of its headset
    #[command(after_help = "Example:\n  crosstie classroom remove Player_101")]
    Remove(PlayerArgs),
    /// Forget a player that is not connected
    #[command(after_help = "Example:\n  crosstie classroom forget Player_101")]
    Forget(PlayerArgs),
    /// Let pupils' devices join with a browser: print the code, the address and a QR code
    #[command(
        after_help = "Joining that is open keeps its code; --close ends it, and who is connected stays.\n\n\
                      Examples:\n  crosstie classroom join\n  crosstie classroom join --close"
    )]
    Join(join::JoinArgs),
    /// Switch what all monitors show
    #[command(after_help = "Example:\n  crosstie classroom screen stream")]
    Screen(ScreenArgs),
    /// Print what GAMA has said lately
    #[command(after_help = "Examples:\n  crosstie classroom console\n  crosstie classroom console --follow --json")]
    Console(follow::ConsoleArgs),
    /// Have GAMA evaluate an expression in the experiment
    #[command(
        after_help = "An expression can do anything in a simulation, so this needs the role engineer.\n\n\
                            Example:\n  crosstie classroom eval 'length(people)'"
    )]
    Eval(EvalArgs),
    /// Print how the lesson stands and then each change until Ctrl-C
    #[command(after_help = "Examples:\n  crosstie classroom watch\n  crosstie classroom watch --json | jq -c .players")]
    Watch(follow::WatchArgs),
    /// Print the models of a project and everything that is wrong with its learning packages; no hub has to run
    #[command(
        after_help = "The environment counts as it would for `crosstie run`. Exit code 2 when a package is broken; warnings alone \
                      give 0.\n\nExample:\n  crosstie classroom check my-class"
    )]
    Check(packages::CheckArgs),
}

/// The flags of verbs that print something.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Print the JSON of the API
    #[arg(long)]
    pub json: bool,
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

/// The arguments of `crosstie classroom select`.
#[derive(Debug, Args)]
pub struct SelectArgs {
    /// Index or name of the model, as `crosstie classroom catalog` prints them
    #[arg(value_name = "INDEX_OR_NAME")]
    pub model: String,
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

/// The arguments of verbs about one player.
#[derive(Debug, Args)]
pub struct PlayerArgs {
    /// Id of the player, or the address of its headset
    pub id: String,
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

/// The arguments of `crosstie classroom screen`.
#[derive(Debug, Args)]
pub struct ScreenArgs {
    /// The display type, as the front ends know it
    #[arg(value_name = "TYPE")]
    pub display_type: String,
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

/// The arguments of `crosstie classroom eval`.
#[derive(Debug, Args)]
pub struct EvalArgs {
    /// GAML
    pub expr: String,
    /// Which hub.
    #[command(flatten)]
    pub at: At,
}

/// Carries out a verb.
pub(super) async fn classroom(command: ClassroomCommand, out: &mut (impl Write + IsTerminal)) -> Result<(), CliError> {
    match command {
        ClassroomCommand::Status(args) => status(&args, out).await,
        ClassroomCommand::Catalog(args) => catalog(&args, out).await,
        ClassroomCommand::Select(args) => select(&args, out).await,
        ClassroomCommand::Launch(at) => order(&at, "launch", out).await,
        ClassroomCommand::Pause(at) => order(&at, "pause", out).await,
        ClassroomCommand::Resume(at) => order(&at, "resume", out).await,
        ClassroomCommand::Stop(at) => order(&at, "stop", out).await,
        ClassroomCommand::Step(at) => order(&at, "step", out).await,
        ClassroomCommand::StepBack(at) => order(&at, "step_back", out).await,
        ClassroomCommand::Reload(at) => order(&at, "reload", out).await,
        ClassroomCommand::Connect(at) => order(&at, "connect", out).await,
        ClassroomCommand::Players(args) => players(&args, out).await,
        ClassroomCommand::Add(args) => player(&args, Method::POST, "/add", out).await,
        ClassroomCommand::Remove(args) => player(&args, Method::POST, "/remove", out).await,
        ClassroomCommand::Forget(args) => player(&args, Method::DELETE, "", out).await,
        ClassroomCommand::Join(args) => join::join(&args, out).await,
        ClassroomCommand::Screen(args) => screen(&args, out).await,
        ClassroomCommand::Console(args) => follow::console(&args, out).await,
        ClassroomCommand::Eval(args) => eval(&args, out).await,
        ClassroomCommand::Watch(args) => follow::watch(&args, out).await,
        ClassroomCommand::Check(args) => packages::check(&args, out),
    }
}

/// Asks for something that changes the class; the answer is how it stands then.
async fn change(hub: &Hub, method: Method, path: &str, body: Option<&Value>) -> Result<ClassState, CliError> {
    read(hub.send(method, &format!("{CLASS}{path}"), body).await?)
}

fn read<T: serde::de::DeserializeOwned>(answer: Value) -> Result<T, CliError> {
    serde_json::from_value(answer).map_err(|error| CliError::failed(&error))
}

async fn status(args: &ShowArgs, out: &mut impl Write) -> Result<(), CliError> {
    let answer: Value = Hub::at(&args.at)?.get(CLASS).await?;
    if args.json {
        writeln!(out, "{answer:#}")?;
        return Ok(());
    }
    let class: ClassState = read(answer)?;
    for line in show::summary(&class) {
        writeln!(out, "{line}")?;
    }
    if class.players.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    table::print(show::SEATS, &show::seats(&class), out)
}

async fn players(args: &ShowArgs, out: &mut impl Write) -> Result<(), CliError> {
    let answer: Value = Hub::at(&args.at)?.get(CLASS).await?;
    if args.json {
        writeln!(out, "{:#}", answer["players"])?;
        return Ok(());
    }
    let class: ClassState = read(answer)?;
    match class.players.is_empty() {
        true => Ok(writeln!(out, "no headset has connected yet")?),
        false => table::print(show::SEATS, &show::seats(&class), out),
    }
}

async fn catalog(args: &ShowArgs, out: &mut impl Write) -> Result<(), CliError> {
    let answer: Value = Hub::at(&args.at)?.get(&format!("{CLASS}/catalog")).await?;
    if args.json {
        writeln!(out, "{answer:#}")?;
        return Ok(());
    }
    let catalog: ClassCatalog = read(answer)?;
    for problem in &catalog.problems {
        writeln!(out, "{}", show::problem(problem))?;
    }
    match catalog.models.is_empty() {
        true => Ok(writeln!(out, "no model was found in {}", show::roots(&catalog))?),
        false => table::print(show::MODELS, &show::models(&catalog), out),
    }
}

async fn select(args: &SelectArgs, out: &mut impl Write) -> Result<(), CliError> {
    let hub = Hub::at(&args.at)?;
    let index = match args.model.parse::<usize>() {
        Ok(index) => index,
        Err(_) => named(&hub.get(&format!("{CLASS}/catalog")).await?, &args.model)?,
    };
    let class = change(&hub, Method::PUT, "/model", Some(&json!({ "index": index }))).await?;
    writeln!(out, "a launch loads {}", show::model(&class))?;
    Ok(())
}

/// The index of the one model with this name.
fn named(catalog: &ClassCatalog, name: &str) -> Result<usize, CliError> {
    let found: Vec<usize> = catalog
        .models
        .iter()
        .filter(|model| model.name == name)
        .map(|model| model.index)
        .collect();
    match found[..] {
        [index] => Ok(index),
        [] => Err(CliError::Failed(format!(
            "no model is called '{name}'; `crosstie classroom catalog` prints them"
        ))),
        _ => {
            let indexes: Vec<String> = found.iter().map(usize::to_string).collect();
            Err(CliError::Usage(format!(
                "several models are called '{name}': select one of {} by its index",
                indexes.join(", ")
            )))
        }
    }
}

/// An order is waited for until it has its effect or has failed, at most as long as GAMA may load a model and a little more.
const EFFECT_MAX: Duration = Duration::from_secs(130);
/// How often the hub is asked meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(100);

async fn order(at: &At, word: &str, out: &mut impl Write) -> Result<(), CliError> {
    let hub = Hub::at(at)?;
    let mut class = change(&hub, Method::POST, &format!("/{word}"), None).await?;
    let (ordered_ms, begun) = (class.now_ms, Instant::now());
    // Whoever orders the next thing in a script can rely on this one. GAMA has its times; the hub ends the waiting.
    while class.gama.as_ref().is_some_and(|gama| gama.waits_for.is_some()) && begun.elapsed() < EFFECT_MAX {
        tokio::time::sleep(LOOK_EVERY).await;
        class = read(hub.get(CLASS).await?)?;
    }
    writeln!(out, "{}", show::stands(&class))?;
    let failed = class
        .gama
        .and_then(|gama| gama.error)
        .filter(|error| error.at_ms >= ordered_ms);
    match failed {
        Some(error) => Err(CliError::Failed(format!("{}\n{}", error.text, error.hint))),
        None => Ok(()),
    }
}

async fn player(args: &PlayerArgs, method: Method, verb: &str, out: &mut impl Write) -> Result<(), CliError> {
    let path = format!("/players/{}{verb}", escaped(&args.id));
    let class = change(&Hub::at(&args.at)?, method, &path, None).await?;
    let seat = class
        .players
        .iter()
        .find(|player| player.id == args.id || player.address == args.id);
    match seat {
        Some(player) => writeln!(out, "{}", show::seat(player))?,
        None => writeln!(out, "{} has no seat any more", args.id)?,
    }
    Ok(())
}

async fn screen(args: &ScreenArgs, out: &mut impl Write) -> Result<(), CliError> {
    let body = json!({ "display_type": args.display_type });
    let class = change(&Hub::at(&args.at)?, Method::PUT, "/screen", Some(&body)).await?;
    let screen = class.screen.unwrap_or_default();
    writeln!(
        out,
        "{} shown: {screen}",
        super::check::counted(class.monitors, "monitor")
    )?;
    Ok(())
}

async fn eval(args: &EvalArgs, out: &mut impl Write) -> Result<(), CliError> {
    let body = json!({ "expr": args.expr });
    let path = format!("{CLASS}/evaluate");
    let hub = Hub::at(&args.at)?;
    let answer = hub.send_within(EVALUATE_MAX, Method::POST, &path, Some(&body)).await?;
    writeln!(out, "{}", answer["result"].as_str().unwrap_or_default())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_found_by_its_name_when_only_one_has_it() {
        let model = |index: usize, name: &str| json!({"index": index, "name": name, "experiment": "", "file": "", "is_here": true});
        let models = [model(0, "Flood"), model(1, "Crowd"), model(2, "Flood")];
        let catalog = json!({"models": models, "entries": [], "problems": [], "roots": []});
        let catalog: ClassCatalog = serde_json::from_value(catalog).unwrap();
        assert_eq!(named(&catalog, "Crowd").unwrap(), 1);
        assert_eq!(named(&catalog, "crowd").unwrap_err().exit_code(), 1);
        let error = named(&catalog, "Flood").unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(
            error.to_string().ends_with("select one of 0, 2 by its index"),
            "{error}"
        );
    }
}
