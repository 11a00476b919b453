//! The thread that reads the packages at the start and after every change, and tells the hub (SI-55).
//!
//! The system says when something below a root changes. What it says is only taken as "look again": everything is read
//! anew, and a catalog that is the same as before is not told. A root that is not there or that the system cannot watch is
//! looked at from time to time; so is every root, because a change on another machine's share may be told to nobody.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use crosstie_hub::Input;
use crosstie_hub::api::Report;
use crosstie_hub::classroom::catalog::{Catalog, CatalogProblem};
use notify::event::{AccessKind, AccessMode};
use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::{Sources, read};
use crate::core_task::{Door, Event};

/// No change for so long, and the packages are read: an editor writes a file in several steps.
const SETTLE: Duration = Duration::from_millis(500);

/// After so long they are read although changes go on.
const SETTLE_MAX: Duration = Duration::from_secs(3);

/// Time between two looks at a root that is missing or cannot be watched.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Time between two looks where everything is watched.
const LOOK_ANYWAY: Duration = Duration::from_secs(60);

/// Files whose problems people are told with the rest of the hub's. Those of more files are in the log and in the catalog.
const FILES_REPORTED_MAX: usize = 50;

/// What to do about a problem of a package.
const HINT: &str = "correct the file: it is read again at once. `crosstie check` shows every problem with its line";

/// The thread; it ends when this is dropped. Nobody waits for its end: a disk that does not answer must not hold the hub.
#[derive(Debug)]
pub(crate) struct Watch {
    _stop: Sender<()>,
}

impl Watch {
    /// Starts the thread. It reads at once and tells the hub what it has found, through the door.
    ///
    /// # Errors
    ///
    /// When the system has no thread to give.
    pub(crate) fn start(sources: Sources, door: Door) -> std::io::Result<Watch> {
        let (stop, stopped) = bounded(1);
        let thread = std::thread::Builder::new().name(String::from("packages"));
        thread.spawn(move || Work::new(sources, door).run(&stopped))?;
        Ok(Watch { _stop: stop })
    }
}

/// What the thread knows.
struct Work {
    sources: Sources,
    changes: Receiver<()>,
    /// A root itself was made, moved or removed: what is watched is no longer it.
    is_root_touched: Arc<AtomicBool>,
    /// `None` where the system has no way to watch.
    watcher: Option<RecommendedWatcher>,
    watched: HashSet<PathBuf>,
    /// Roots of which it was said that they cannot be watched.
    told_unwatched: HashSet<PathBuf>,
    told: Told,
}

impl Work {
    fn new(sources: Sources, door: Door) -> Work {
        let (bell, changes) = bounded(1);
        let is_root_touched = Arc::new(AtomicBool::new(false));
        let roots: Vec<PathBuf> = sources.roots().map(|root| root.absolute()).collect();
        let touched = Arc::clone(&is_root_touched);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            match event {
                // Reading is an event as well, and reading is what follows on an event.
                Ok(event) if is_reading(event.kind) => return,
                Ok(event) if event.paths.iter().any(|path| roots.contains(path)) => {
                    touched.store(true, Ordering::Release);
                }
                Ok(_) => {}
                // What was missed is not known, so everything is looked at.
                Err(_) => touched.store(true, Ordering::Release),
            }
            // A full channel rings already.
            let _ = bell.try_send(());
        });
        let watcher = watcher.inspect_err(|error| {
            tracing::warn!(%error, "learning packages cannot be watched; they are looked at every 2 s");
        });
        Work {
            sources,
            changes,
            is_root_touched,
            watcher: watcher.ok(),
            watched: HashSet::new(),
            told_unwatched: HashSet::new(),
            told: Told::new(door),
        }
    }

    fn run(mut self, stopped: &Receiver<()>) {
        loop {
            if self.is_root_touched.swap(false, Ordering::AcqRel) {
                self.unwatch_all();
            }
            // First watched, then read: a change in between is not lost.
            let is_all_watched = self.watch_roots();
            self.told.take(read(&self.sources));
            let pause = if is_all_watched { LOOK_ANYWAY } else { LOOK_AGAIN };
            crossbeam_channel::select! {
                recv(stopped) -> _ => return,
                recv(self.changes) -> change => match change {
                    Ok(()) if self.settle(stopped) => {}
                    Ok(()) => return,
                    // There is no watcher, so nothing rings.
                    Err(_) => match stopped.recv_timeout(pause) {
                        Err(RecvTimeoutError::Timeout) => {}
                        Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
                    },
                },
                default(pause) => {}
            }
        }
    }

    /// Waits until nothing changes any more; false when the hub ends meanwhile.
    fn settle(&self, stopped: &Receiver<()>) -> bool {
        let until = Instant::now() + SETTLE_MAX;
        loop {
            let pause = SETTLE.min(until.saturating_duration_since(Instant::now()));
            crossbeam_channel::select! {
                recv(stopped) -> _ => return false,
                recv(self.changes) -> _ => if pause.is_zero() {
                    return true;
                },
                default(pause) => return true,
            }
        }
    }

    /// Watches every root that is there; false when one is not watched.
    fn watch_roots(&mut self) -> bool {
        let mut is_all_watched = true;
        for root in self.sources.roots() {
            let folder = root.absolute();
            if !folder.is_dir() {
                if self.watched.remove(&folder)
                    && let Some(watcher) = &mut self.watcher
                {
                    // The folder is gone, and with it what was watched.
                    let _ = watcher.unwatch(&folder);
                }
                is_all_watched = false;
                continue;
            }
            let Some(watcher) = self.watcher.as_mut().filter(|_| !self.watched.contains(&folder)) else {
                is_all_watched &= self.watched.contains(&folder);
                continue;
            };
            match watcher.watch(&folder, RecursiveMode::Recursive) {
                Ok(()) => {
                    self.watched.insert(folder);
                }
                Err(error) => {
                    is_all_watched = false;
                    if self.told_unwatched.insert(folder.clone()) {
                        let folder = folder.display();
                        tracing::warn!(%folder, %error, "this folder cannot be watched; it is looked at every 2 s");
                    }
                }
            }
        }
        is_all_watched
    }

    fn unwatch_all(&mut self) {
        for folder in self.watched.drain() {
            if let Some(watcher) = &mut self.watcher {
                // What is gone is not watched any more.
                let _ = watcher.unwatch(&folder);
            }
        }
    }
}

/// Somebody has only looked.
fn is_reading(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => false,
        EventKind::Access(_) => true,
        _ => false,
    }
}

/// What the hub and people know.
#[derive(Debug)]
struct Told {
    door: Door,
    catalog: Option<Arc<Catalog>>,
    /// The text of each problem that the hub shows, by its id.
    reported: BTreeMap<String, String>,
}

impl Told {
    fn new(door: Door) -> Told {
        Told {
            door,
            catalog: None,
            reported: BTreeMap::new(),
        }
    }

    /// Tells what is new; nothing where nothing is.
    fn take(&mut self, catalog: Catalog) {
        if self.catalog.as_deref() == Some(&catalog) {
            return;
        }
        let (models, problems) = (catalog.models.len(), catalog.problems.len());
        tracing::info!(models, problems, "learning packages read");
        let catalog = Arc::new(catalog);
        self.door.tell(Event::Input(Input::Packages(Arc::clone(&catalog))));
        self.report(&catalog);
        self.catalog = Some(catalog);
    }

    /// The hub shows one problem for each file, which it also logs; the others of the file go to the log from here.
    fn report(&mut self, catalog: &Catalog) {
        let mut by_file: BTreeMap<&str, Vec<&CatalogProblem>> = BTreeMap::new();
        for problem in &catalog.problems {
            by_file.entry(&problem.file).or_default().push(problem);
        }
        let mut before = std::mem::take(&mut self.reported);
        for (position, (file, mut problems)) in by_file.into_iter().enumerate() {
            problems.sort_by_key(|problem| !problem.is_error);
            let is_reported = position < FILES_REPORTED_MAX;
            for problem in problems.iter().skip(usize::from(is_reported)) {
                if !self.is_known(problem) {
                    tracing::warn!("{file}: {}", line(problem));
                }
            }
            if let Some(first) = problems.first().filter(|_| is_reported) {
                let text = match problems.len() - 1 {
                    0 => line(first),
                    more => format!("{} (and {more} more in this file)", line(first)),
                };
                let id = format!("package:{file}");
                let known = before.remove(&id);
                if known.as_ref() != Some(&text) {
                    if known.is_some() {
                        self.door.clear(&id);
                    }
                    self.door.report(Report {
                        id: id.clone(),
                        is_error: first.is_error,
                        subject: file.to_owned(),
                        text: text.clone(),
                        hint: HINT.to_owned(),
                    });
                }
                self.reported.insert(id, text);
            }
        }
        for id in before.keys() {
            self.door.clear(id);
        }
    }

    fn is_known(&self, problem: &CatalogProblem) -> bool {
        let before = self.catalog.iter().flat_map(|catalog| &catalog.problems);
        before.into_iter().any(|known| known == problem)
    }
}

fn line(problem: &CatalogProblem) -> String {
    match problem.place {
        Some((line, column)) => format!("line {line}, column {column}: {}", problem.text),
        None => problem.text.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crosstie_hub::api::Request;
    use std::collections::VecDeque;

    fn problem(file: &str, text: &str) -> CatalogProblem {
        CatalogProblem {
            is_error: true,
            file: file.to_owned(),
            place: Some((3, 5)),
            text: text.to_owned(),
        }
    }

    /// What the core is told, in words.
    fn told(door: &Door) -> Vec<String> {
        let mut events = VecDeque::new();
        // A question that is always there keeps this from waiting.
        door.tell(Event::Input(Input::Tick));
        door.take(None, &mut events);
        let words = events.into_iter().filter_map(|event| match event {
            Event::Input(Input::Packages(catalog)) => Some(format!("{} problems", catalog.problems.len())),
            Event::Request { request, .. } => match request {
                Request::Report(report) => Some(format!("{}: {}", report.id, report.text)),
                Request::Clear { problem } => Some(format!("clear {problem}")),
                other => panic!("{other:?}"),
            },
            _ => None,
        });
        words.collect()
    }

    #[test]
    fn si55_a_reading_that_changes_nothing_tells_nothing() {
        let door = Door::new();
        let mut state = Told::new(door.clone());
        let catalog = |problems: Vec<CatalogProblem>| Catalog {
            problems,
            ..Catalog::default()
        };
        let both = vec![problem("a", "x"), problem("a", "y"), problem("b", "z")];
        state.take(catalog(both.clone()));
        let expected = [
            "3 problems",
            "package:a: line 3, column 5: x (and 1 more in this file)",
            "package:b: line 3, column 5: z",
        ];
        assert_eq!(told(&door), expected);
        state.take(catalog(both));
        assert_eq!(told(&door), [] as [&str; 0]);
        state.take(catalog(vec![problem("a", "y"), problem("b", "z")]));
        assert_eq!(
            told(&door),
            ["2 problems", "clear package:a", "package:a: line 3, column 5: y"]
        );
        state.take(catalog(Vec::new()));
        assert_eq!(told(&door), ["0 problems", "clear package:a", "clear package:b"]);
    }

    #[test]
    fn only_what_changes_something_is_a_change() {
        use notify::event::{CreateKind, ModifyKind, RemoveKind};
        for (kind, expected) in [
            (EventKind::Access(AccessKind::Open(AccessMode::Any)), true),
            (EventKind::Access(AccessKind::Read), true),
            (EventKind::Access(AccessKind::Close(AccessMode::Read)), true),
            (EventKind::Access(AccessKind::Close(AccessMode::Write)), false),
            (EventKind::Create(CreateKind::File), false),
            (EventKind::Modify(ModifyKind::Any), false),
            (EventKind::Remove(RemoveKind::Any), false),
            (EventKind::Any, false),
        ] {
            assert_eq!(is_reading(kind), expected, "{kind:?}");
        }
    }
}
