//! `crosstie key`: the access keys of a project. No hub has to run; one that runs takes every change within a second.

use super::{CliError, table};
use crate::audit::{self, Record};
use crate::config::{FILE_NAME, STATE_FOLDER};
use crate::keys::{self, Key, KeysError, NewKey};
use clap::{Args, Subcommand, ValueEnum};
use crosstie_hub::access::Role;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What can be done with keys.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Make a key and print it: it is shown this once and kept nowhere
    #[command(
        after_help = "The first key has the role engineer. From then on everything wants a key, also on this machine.\n\n\
                      Examples:\n  crosstie key add Anna --role engineer my-line\n  \
                      crosstie key add 'HMI west' --role operator --view 'twin/line/**' --write 'twin/line/Start' my-line"
    )]
    Add(AddArgs),
    /// Print the keys of a project, without the keys themselves
    List(ListArgs),
    /// Take a key away: what is connected with it ends
    #[command(after_help = "Example:\n  crosstie key revoke k2 my-line")]
    Revoke(RevokeArgs),
}

/// The arguments of `crosstie key add`.
#[derive(Debug, Args)]
pub struct AddArgs {
    /// What people call whoever will hold it
    pub name: String,
    /// Project folder, the one with crosstie.toml
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// viewers look, operators write signals, engineers change settings, routes and keys
    #[arg(long, value_enum)]
    pub role: RoleWord,
    /// Only signals of this pattern are seen; may be given more than once
    #[arg(long, value_name = "PATTERN")]
    pub view: Vec<String>,
    /// Only signals of this pattern are written, among those that are seen; may be given more than once
    #[arg(long, value_name = "PATTERN")]
    pub write: Vec<String>,
}

/// The flags of `crosstie key list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Project folder, the one with crosstie.toml
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// Print an array of objects instead of a table
    #[arg(long)]
    pub json: bool,
}

/// The arguments of `crosstie key revoke`.
#[derive(Debug, Args)]
pub struct RevokeArgs {
    /// Id of the key, as `crosstie key list` shows it
    pub id: String,
    /// Project folder, the one with crosstie.toml
    #[arg(default_value = ".")]
    pub dir: PathBuf,
}

/// A role by its word.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum RoleWord {
    /// Looks.
    Viewer,
    /// Writes signals.
    Operator,
    /// Changes settings, routes and keys.
    Engineer,
}

impl From<RoleWord> for Role {
    fn from(word: RoleWord) -> Role {
        match word {
            RoleWord::Viewer => Role::Viewer,
            RoleWord::Operator => Role::Operator,
            RoleWord::Engineer => Role::Engineer,
        }
    }
}

/// Carries out a verb on keys.
pub(super) fn key(command: KeyCommand, out: &mut impl Write) -> Result<(), CliError> {
    match command {
        KeyCommand::Add(args) => add(args, out),
        KeyCommand::List(args) => list(&args, out),
        KeyCommand::Revoke(args) => {
            let folder = state_folder(&args.dir)?;
            let key = keys::revoke(&folder, &args.id, |key| {
                note(&folder, "key.revoke", key, (key.described(), Value::Null))
            });
            let key = key.map_err(told)?;
            writeln!(out, "the key {} of {} is no longer valid", key.id, key.name)?;
            Ok(())
        }
    }
}

fn add(args: AddArgs, out: &mut impl Write) -> Result<(), CliError> {
    let folder = state_folder(&args.dir)?;
    let patterns = |given: Vec<String>| (!given.is_empty()).then_some(given);
    let new = NewKey {
        name: args.name,
        role: args.role.into(),
        view: patterns(args.view),
        write: patterns(args.write),
    };
    let made = keys::add(&folder, new, false, |key| {
        note(&folder, "key.add", key, (Value::Null, key.described()))
    });
    let (key, secret) = made.map_err(told)?;
    writeln!(out, "{secret}")?;
    out.flush()?;
    let mut stderr = std::io::stderr();
    writeln!(
        stderr,
        "{} of {} ({}): keep it now, it is shown this once",
        key.id,
        key.name,
        key.role.word()
    )?;
    Ok(())
}

fn list(args: &ListArgs, out: &mut impl Write) -> Result<(), CliError> {
    let file = keys::read(&state_folder(&args.dir)?).map_err(|found| told(KeysError::Damaged(found)))?;
    let keys = file.unwrap_or_default().keys;
    if args.json {
        let rows = keys.iter().map(|key| {
            json!({
                "id": key.id, "name": key.name, "role": key.role.word(), "view": key.view, "write": key.write,
                "created": key.created,
            })
        });
        writeln!(out, "{:#}", rows.collect::<Value>())?;
        return Ok(());
    }
    let patterns =
        |patterns: &Option<Vec<String>>| patterns.as_ref().map_or(String::from("all"), |list| list.join(" "));
    let rows: Vec<[String; 6]> = keys
        .into_iter()
        .map(|key| {
            let (view, write) = (patterns(&key.view), patterns(&key.write));
            [key.id, key.name, key.role.word().to_owned(), view, write, key.created]
        })
        .collect();
    table::print(["ID", "NAME", "ROLE", "VIEW", "WRITE", "CREATED"], &rows, out)
}

/// The state folder of a project, which must be one: otherwise a key would be made for nothing.
pub(super) fn state_folder(dir: &Path) -> Result<PathBuf, CliError> {
    if !dir.join(FILE_NAME).is_file() {
        let shown = dir.display();
        return Err(CliError::Usage(format!(
            "{shown} holds no {FILE_NAME}: expected a project folder, such as `crosstie init` makes"
        )));
    }
    Ok(dir.join(STATE_FOLDER))
}

/// The running hub may write the same log at this moment: its lock parts the two.
fn note(folder: &Path, what: &'static str, key: &Key, (old, new): (Value, Value)) -> std::io::Result<()> {
    let record = Record {
        at: SystemTime::now(),
        who: String::from("this machine"),
        key: None,
        from: String::from("the command line"),
        what,
        subject: key.id.clone(),
        old,
        new,
    };
    audit::append(folder, &[record])
}

fn told(error: KeysError) -> CliError {
    let message = error.to_string();
    match error {
        KeysError::BadValue(_) | KeysError::Unknown(_) | KeysError::Conflict(_) | KeysError::Damaged(_) => {
            CliError::Usage(message)
        }
        KeysError::TooMany | KeysError::Write(_) | KeysError::Audit(_) | KeysError::Random(_) => {
            CliError::Failed(message)
        }
    }
}
