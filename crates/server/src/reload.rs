//! The project file while the hub runs: it is watched, and its routes are taken over as soon as it changes.
//!
//! ```text
//!   crosstie.toml changes ─▶ wait until it rests ─▶ read and check ─┬─▶ routes to the hub, all or none
//!                                                                   ├─▶ what else has changed: said, for the next start
//!                                                                   └─▶ a mistake: said, and nothing changes
//! ```
//!
//! The file is the truth about routes. What the API adds, changes and removes is written into it before the hub does it, under the
//! same lock as a reload, so that the two never meet and what the hub has written itself is the same when it is read again. A
//! route that the file does not have is removed when the file is read.

mod differences;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use crosstie_hub::access::Actor;
use crosstie_hub::api::{Refused, Reply, Report, Request, RoutesSet};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use crate::config::{self, Config, FILE_NAME, Fingerprint, Loaded, Overrides, Rewritten};
use crate::core_task::Door;
use crate::http::{Api, ApiError, first_of};
use differences::Said;

/// No change for so long, and the file is read: an editor writes a file in several steps.
const SETTLE: Duration = Duration::from_millis(200);

/// After so long it is read although changes go on.
const SETTLE_MAX: Duration = Duration::from_secs(2);

/// Time between two looks where the system cannot watch.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Time between two looks where it can: a change on another machine's share may be told to nobody.
const LOOK_ANYWAY: Duration = Duration::from_secs(30);

/// Changes for the next start that are named; of further ones the number is said.
const LATER_SHOWN_MAX: usize = 5;

/// Id of the problem that the file has mistakes.
const MISTAKES: &str = "reload:mistakes";

/// Id of the problem that the file says what takes effect at the next start.
const LATER: &str = "reload:later";

/// What a reload did.
#[derive(Clone, Debug)]
pub(crate) struct Reloaded {
    /// What became of the routes.
    pub(crate) routes: RoutesSet,
    /// What else has changed and takes effect at the next start.
    pub(crate) later: Vec<String>,
}

/// What is known of the project file. Its lock is the turn of whoever changes routes.
#[derive(Debug)]
pub(crate) struct Reload {
    /// The file as it was read last; `None` where that is to be done again.
    seen: Option<Fingerprint>,
    folder: PathBuf,
    /// What the environment and the flags have said.
    overrides: Overrides,
    /// What the file said at the start.
    started: Said,
    told: Told,
}

impl Reload {
    /// Nothing has changed yet since the project was read.
    pub(crate) fn new(config: &Config, door: Door) -> Reload {
        Reload {
            seen: Some(config.fingerprint()),
            folder: config.folder.clone(),
            overrides: config.overrides().clone(),
            started: Said::by(config),
            told: Told::new(door),
        }
    }

    /// Reads the file and takes over its routes.
    ///
    /// # Errors
    ///
    /// A mistake of the file, or a route that the hub refuses; then nothing has changed, and people see it as a problem.
    pub(crate) async fn run(&mut self, api: &Api, by: &Actor) -> Result<Reloaded, ApiError> {
        let (folder, overrides) = (self.folder.clone(), self.overrides.clone());
        let read = aside(move || read(&folder, &overrides)).await?;
        self.take(api, by, read).await
    }

    /// The hub itself has written routes into the file, and has them: there is nothing to read where nothing else has changed.
    pub(crate) fn wrote(&mut self, rewritten: &Rewritten) {
        if self.seen == Some(Fingerprint::of(&rewritten.before)) {
            self.seen = Some(Fingerprint::of(&rewritten.after));
        }
    }

    /// Is the file another than the one that was read last?
    async fn is_changed(&self, api: &Api) -> bool {
        let (file, seen) = (api.file(), self.seen);
        aside(move || fingerprint(&file) != seen).await.unwrap_or(false)
    }

    async fn take(&mut self, api: &Api, by: &Actor, read: Read) -> Result<Reloaded, ApiError> {
        let Read { text, loaded } = read;
        self.seen = text.as_deref().map(Fingerprint::of);
        let Some(config) = loaded.config else {
            let first = first_of(&loaded.diagnostics);
            self.told.mistake(&first);
            return Err(ApiError::bad_value(first));
        };
        let routes = Request::SetRoutes {
            routes: config.routes.clone(),
            replace: true,
        };
        let set = match api.door.ask(by.clone(), routes).await {
            Ok(Reply::RoutesSet(set)) => set,
            Ok(Reply::Refused(refused)) => {
                let line = line_of(&refused, text.as_deref().unwrap_or_default());
                self.told.mistake(&format!("{FILE_NAME}{line}: {refused}"));
                return Err(refused.into());
            }
            Ok(_) => return Err(ApiError::mismatch()),
            Err(_) => return Err(ApiError::busy("the hub is shutting down")),
        };
        let RoutesSet {
            added,
            changed,
            removed,
            ..
        } = set;
        if added + changed + removed > 0 {
            tracing::info!(added, changed, removed, "the routes of {FILE_NAME} are taken over");
        }
        let in_force = Said::by(&api.config.lock().unwrap_or_else(PoisonError::into_inner));
        let later = self.started.differences(&in_force, &Said::by(&config));
        self.told.sound(&later);
        Ok(Reloaded { routes: set, later })
    }
}

/// What stands in a file, and what it says.
struct Read {
    /// `None` when it cannot be read.
    text: Option<String>,
    loaded: Loaded,
}

fn read(folder: &Path, overrides: &Overrides) -> Read {
    match config::read_file(&folder.join(FILE_NAME)) {
        Ok(text) => Read {
            loaded: config::load_text(folder, &text, overrides),
            text: Some(text),
        },
        Err(_) => Read {
            text: None,
            loaded: config::load(folder, overrides),
        },
    }
}

fn fingerprint(file: &Path) -> Option<Fingerprint> {
    config::read_file(file).ok().map(|text| Fingerprint::of(&text))
}

/// Where a refused route stands in the file.
fn line_of(refused: &Refused, text: &str) -> String {
    let index = match refused {
        Refused::Route { index, .. } => Some(*index),
        _ => None,
    };
    let line = index.and_then(|index| config::line_of_route(text, index));
    line.map_or_else(String::new, |line| format!(":{line}"))
}

/// Does something with files where it holds no socket up.
pub(crate) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ApiError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| ApiError::busy("the hub is shutting down"))
}

/// What people know.
#[derive(Debug)]
struct Told {
    door: Door,
    /// The texts that the hub shows as problems.
    mistake: Option<String>,
    later: Option<String>,
}

impl Told {
    fn new(door: Door) -> Told {
        Told {
            door,
            mistake: None,
            later: None,
        }
    }

    /// The file has a mistake. The hub logs it.
    fn mistake(&mut self, text: &str) {
        let text = format!("{text}; the routes stay as they are");
        let hint = "correct the file: it is read again at once. `crosstie check` shows every mistake with its line";
        tell(&self.door, &mut self.mistake, Some(text), (MISTAKES, true, hint));
    }

    /// The file is sound and has been taken over.
    fn sound(&mut self, later: &[String]) {
        let hint = "start the hub again to have it so, or take the change back";
        let text = (!later.is_empty()).then(|| later_in_words(later));
        tell(&self.door, &mut self.later, text, (LATER, false, hint));
        tell(&self.door, &mut self.mistake, None, (MISTAKES, true, ""));
    }
}

/// Tells what is new; nothing where nothing is.
fn tell(door: &Door, told: &mut Option<String>, text: Option<String>, (id, is_error, hint): (&str, bool, &str)) {
    if *told == text {
        return;
    }
    if told.is_some() {
        door.clear(id);
    }
    if let Some(text) = &text {
        let (subject, text) = parted(text);
        door.report(Report {
            id: id.to_owned(),
            is_error,
            subject: subject.to_owned(),
            text: text.to_owned(),
            hint: hint.to_owned(),
        });
    }
    *told = text;
}

/// The place in the project file that words begin with, and the rest: a problem is shown as its subject and its text, and names the
/// file once.
fn parted(text: &str) -> (&str, &str) {
    let head = text.find(": ").unwrap_or(text.len());
    match text[..head].rfind(FILE_NAME) {
        Some(file) => (&text[file..head], text[head..].trim_start_matches(": ")),
        None => (FILE_NAME, text),
    }
}

fn later_in_words(later: &[String]) -> String {
    let shown = later[..later.len().min(LATER_SHOWN_MAX)].join(", ");
    let more = match later.len().saturating_sub(LATER_SHOWN_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    match later.len() {
        1 => format!("{FILE_NAME}: {shown} has changed; it takes effect at the next start"),
        _ => format!("{FILE_NAME}: {shown}{more} have changed; they take effect at the next start"),
    }
}

/// Watches the project file for as long as the hub runs.
pub(crate) async fn watch(api: Arc<Api>) {
    let by = Actor::full("the project file", "");
    let bell = Arc::new(Notify::new());
    let watcher = watcher(&api.file(), Arc::clone(&bell));
    let pause = match &watcher {
        Ok(_) => LOOK_ANYWAY,
        Err(error) => {
            tracing::warn!(%error, "{FILE_NAME} cannot be watched; it is looked at every 2 s");
            LOOK_AGAIN
        }
    };
    loop {
        // First watched, then read: a change in between is not lost.
        if api.reload.lock().await.is_changed(&api).await {
            // Half of a file may be a sound one with fewer routes.
            settle(&bell).await;
            let mut reload = api.reload.lock().await;
            if reload.is_changed(&api).await {
                // Whatever was wrong has been said.
                let _ = reload.run(&api, &by).await;
            }
        }
        // Nothing has happened for so long, or something has.
        let _ = timeout(pause, bell.notified()).await;
    }
}

/// Waits until nothing changes any more.
async fn settle(bell: &Notify) {
    let until = Instant::now() + SETTLE_MAX;
    while Instant::now() < until && timeout(SETTLE, bell.notified()).await.is_ok() {}
}

/// The folder is watched and not the file: editors put a new file in its place.
fn watcher(file: &Path, bell: Arc<Notify>) -> notify::Result<RecommendedWatcher> {
    let real = file.canonicalize().map_err(notify::Error::io)?;
    let name = real.file_name().map(ToOwned::to_owned);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let is_about = |event: &notify::Event| {
            !event.kind.is_access()
                && (event.paths.is_empty() || event.paths.iter().any(|path| path.file_name() == name.as_deref()))
        };
        // What was missed is not known, so it is looked at.
        if event.as_ref().is_ok_and(is_about) || event.is_err() {
            bell.notify_one();
        }
    })?;
    let folder = real
        .parent()
        .ok_or_else(|| notify::Error::io(io::ErrorKind::NotFound.into()))?;
    watcher.watch(folder, RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_names_the_file_once() {
        let place = ("crosstie.toml:486:6", "error: unknown key `a`; expected: b");
        assert_eq!(
            parted("nu7/crosstie.toml:486:6: error: unknown key `a`; expected: b"),
            place
        );
        assert_eq!(parted("crosstie.toml: [web] port"), ("crosstie.toml", "[web] port"));
        assert_eq!(
            parted("it cannot be read: gone"),
            ("crosstie.toml", "it cannot be read: gone")
        );
    }

    #[test]
    fn what_waits_for_the_next_start_is_named_and_counted() {
        let later = |count: usize| later_in_words(&(0..count).map(|at| format!("[web] k{at}")).collect::<Vec<_>>());
        assert_eq!(
            later(1),
            "crosstie.toml: [web] k0 has changed; it takes effect at the next start"
        );
        assert_eq!(
            later(7),
            "crosstie.toml: [web] k0, [web] k1, [web] k2, [web] k3, [web] k4 and 2 more have changed; they take effect at the next start"
        );
    }
}
