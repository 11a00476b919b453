//! Tests of a project on virtual time: `crosstie test`, and the page's list of tests.
//!
//! ```text
//!   tests/*.scan ───────────────▶ scan      programs alone, scan by scan
//!   tests/*.toml ──▶ script ────▶ play ─┐   stimuli and expectations, stand-ins, faults
//!   tests/*.mcap ──▶ tape ──────▶ rerun ┼─▶ crosstie_hub::rig (hub, engines, stand-ins in memory)
//!        crosstie.toml ─▶ stage ────────┘        │
//!                                              trace ─▶ compare ─▶ diagram ─▶ report
//! ```
//!
//! Nothing here waits for the world: a test is over as soon as the machine has computed it, and the same test gives the same
//! result every time. The project is taken as its file says it; ports, keys, links and devices of it play no part.

pub(crate) mod accept;
pub(crate) mod budget;
pub(crate) mod diagram;
pub(crate) mod report;

mod again;
mod cast;
mod compare;
mod known;
mod orders;
mod place;
mod play;
mod scan;
mod script;
mod show;
mod stage;
mod tape;
mod trace;
mod wanted;

pub(crate) use place::{Found, Kind, Place, find};

use crate::config::{Diagnostic, SourceText};
use budget::Budget;
use crosstie_ladder::scan_table::Case;
use diagram::Signs;
use report::{CaseResult, Summary, Verdict};
use script::Script;
use stage::Stage;
use std::num::NonZero;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use tape::Accepted;

/// How much time a column of a diagram shows where no PLC is concerned.
const COLUMN: Duration = Duration::from_millis(10);

/// Results that wait to be written down at most.
const RESULTS_MAX: usize = 64;

/// Threads that run tests at most, however many cores there are.
const THREADS_MAX: usize = 8;

/// How tests are run.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Only tests whose file or case holds this text.
    pub(crate) filter: Option<String>,
    /// How often each case is run; it passes when it passes every time.
    pub(crate) repeat: u32,
    /// What diagrams are drawn with.
    pub(crate) signs: Signs,
    /// Threads; as many as there are cores when `None`.
    pub(crate) threads: Option<usize>,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            filter: None,
            repeat: 1,
            signs: Signs::Unicode,
            threads: None,
        }
    }
}

/// One case, ready to run.
enum Job<'a> {
    Scan(&'a Case),
    Script { script: &'a Script, seed: u64 },
    Recorded(&'a Accepted),
    Broken(&'a str),
}

/// A test that was read.
enum Loaded {
    Scan(Vec<Case>),
    Script(Box<Script>),
    Recorded(Box<Accepted>),
    Broken(String),
}

/// Runs the tests of a place and tells of each case as soon as it and all before it are done.
pub(crate) fn run(
    place: &Place,
    tests: &[Found],
    options: &Options,
    budget: &Budget,
    mut tell: impl FnMut(&CaseResult),
) -> Summary {
    let begin = Instant::now();
    let stage = place.project.as_deref().map(Stage::load);
    let stage = match stage {
        None => Err(String::from(
            "no project: expected a crosstie.toml in the folder of the tests or above it",
        )),
        Some(Err(diagnostics)) => {
            let lines: Vec<String> = diagnostics.iter().map(ToString::to_string).collect();
            Err(format!(
                "the project is not sound; `crosstie check` shows it\n{}",
                lines.join("\n")
            ))
        }
        Some(Ok(stage)) => Ok(stage),
    };
    let project = place.project.as_deref();
    let loaded: Vec<Loaded> = tests.iter().map(|test| load(test, project, &stage)).collect();
    let jobs = jobs(tests, &loaded, options);
    let mut summary = Summary::default();
    let repeat = usize::try_from(options.repeat.max(1)).unwrap_or(usize::MAX);
    let units = jobs.len().saturating_mul(repeat);
    let next = AtomicUsize::new(0);
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    let threads = options.threads.unwrap_or(cores).clamp(1, THREADS_MAX).min(units.max(1));
    std::thread::scope(|scope| {
        // A thread that is ahead of the sheet by so many results waits for it.
        let (done, results) = mpsc::sync_channel(RESULTS_MAX);
        for _ in 0..threads {
            let (done, jobs, next, stage) = (done.clone(), &jobs, &next, &stage);
            scope.spawn(move || {
                loop {
                    let unit = next.fetch_add(1, Ordering::Relaxed);
                    if unit >= units {
                        return;
                    }
                    let (index, round) = (unit / repeat, unit % repeat);
                    let begin = Instant::now();
                    let verdict = jobs[index].run(stage.as_ref().ok(), options, budget);
                    let failed = verdict != Verdict::Passed;
                    if done.send((index, round, verdict, begin.elapsed())).is_err() {
                        return;
                    }
                    if failed {
                        // What is behind the last round of this case need not be run; what has begun elsewhere is passed over.
                        next.fetch_max((index + 1) * repeat, Ordering::Relaxed);
                    }
                }
            });
        }
        drop(done);
        let mut sheet = Sheet::new(&jobs, repeat);
        for (index, round, verdict, took) in results {
            for result in sheet.take(index, round, verdict, took) {
                tell(&result);
                summary.results.push(result);
            }
        }
    });
    summary.took = begin.elapsed();
    summary
}

/// A case with its names.
struct Named<'a> {
    test: &'a str,
    case: String,
    job: Job<'a>,
}

fn jobs<'a>(tests: &'a [Found], loaded: &'a [Loaded], options: &Options) -> Vec<Named<'a>> {
    let mut jobs: Vec<Named<'a>> = Vec::new();
    for (found, loaded) in tests.iter().zip(loaded) {
        let test = found.name.as_str();
        match loaded {
            Loaded::Scan(cases) => jobs.extend(cases.iter().map(|case| Named {
                test,
                case: case.name.clone(),
                job: Job::Scan(case),
            })),
            Loaded::Script(script) => jobs.extend(script.seeds.iter().map(|seed| Named {
                test,
                case: match script.seeds.len() {
                    1 => script.name.clone(),
                    _ => format!("{}, seed {seed}", script.name),
                },
                job: Job::Script { script, seed: *seed },
            })),
            Loaded::Recorded(accepted) => jobs.push(Named {
                test,
                case: accepted.name.clone(),
                job: Job::Recorded(accepted),
            }),
            Loaded::Broken(text) => jobs.push(Named {
                test,
                case: String::from("it can be read"),
                job: Job::Broken(text),
            }),
        }
    }
    if let Some(filter) = &options.filter {
        jobs.retain(|named| named.test.contains(filter) || named.case.contains(filter));
    }
    jobs
}

fn load(test: &Found, project: Option<&Path>, stage: &Result<Stage, String>) -> Loaded {
    match (test.kind, stage) {
        (Kind::Scan, _) => match scan::read(&test.path, &test.name, project) {
            Ok(cases) => Loaded::Scan(cases),
            Err(text) => Loaded::Broken(text),
        },
        (_, Err(text)) => Loaded::Broken(text.clone()),
        (Kind::Script, Ok(stage)) => match read_script(&test.path, &test.name, stage) {
            Ok(script) => Loaded::Script(Box::new(script)),
            Err(text) => Loaded::Broken(text),
        },
        (Kind::Recording, Ok(stage)) => match Accepted::load(&test.path, &test.name, stage) {
            Ok(accepted) => Loaded::Recorded(Box::new(accepted)),
            Err(text) => Loaded::Broken(text),
        },
    }
}

fn read_script(path: &Path, name: &str, stage: &Stage) -> Result<Script, String> {
    let text = scan::read_text(path)?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let source = SourceText::new(name, text.as_str());
    script::read(&text, &source, &stem, &stage.contexts()).map_err(|diagnostics| {
        let lines: Vec<String> = diagnostics.iter().map(with_help).collect();
        lines.join("\n")
    })
}

/// A diagnostic in one line, with its help.
fn with_help(diagnostic: &Diagnostic) -> String {
    match &diagnostic.help {
        Some(help) => format!("{diagnostic}; {help}"),
        None => diagnostic.to_string(),
    }
}

impl Named<'_> {
    fn run(&self, stage: Option<&Stage>, options: &Options, budget: &Budget) -> Verdict {
        if let Err(text) = budget.check() {
            return Verdict::Failed(text);
        }
        match (&self.job, stage) {
            (Job::Scan(case), _) => scan::run(case, self.test),
            (Job::Broken(text), _) => Verdict::Broken((*text).to_owned()),
            (Job::Script { script, seed }, Some(stage)) => match play::play(script, *seed, stage, budget) {
                Ok(()) => Verdict::Passed,
                Err(failure) => Verdict::Failed(show::failure(&failure, self.test, stage, options.signs)),
            },
            (Job::Recorded(accepted), Some(stage)) => match accepted.run(stage, budget) {
                Ok(None) => Verdict::Passed,
                Ok(Some(found)) => Verdict::Failed(show::difference(&found, stage, options.signs)),
                Err(text) => Verdict::Failed(text),
            },
            (Job::Script { .. } | Job::Recorded(_), None) => Verdict::Broken(String::from("there is no project")),
        }
    }
}

/// Results of single rounds become results of cases, told in the order of the cases.
struct Sheet<'a> {
    jobs: &'a [Named<'a>],
    rounds: Vec<Rounds>,
    told: usize,
    repeat: usize,
}

#[derive(Clone, Default)]
struct Rounds {
    passed: usize,
    failed: Option<(usize, Verdict)>,
    took: Duration,
}

impl<'a> Sheet<'a> {
    fn new(jobs: &'a [Named<'a>], repeat: usize) -> Sheet<'a> {
        Sheet {
            jobs,
            rounds: vec![Rounds::default(); jobs.len()],
            told: 0,
            repeat,
        }
    }

    /// Takes the result of a round; gives the cases that can be told now.
    fn take(&mut self, index: usize, round: usize, verdict: Verdict, took: Duration) -> Vec<CaseResult> {
        let rounds = &mut self.rounds[index];
        rounds.took += took;
        match verdict {
            Verdict::Passed => rounds.passed += 1,
            verdict => {
                rounds.failed.get_or_insert((round, verdict));
            }
        }
        let mut results = Vec::new();
        while let Some(rounds) = self.rounds.get(self.told) {
            if rounds.failed.is_none() && rounds.passed < self.repeat {
                break;
            }
            results.push(self.result(self.told));
            self.told += 1;
        }
        results
    }

    fn result(&self, index: usize) -> CaseResult {
        let (named, rounds) = (&self.jobs[index], &self.rounds[index]);
        let verdict = match &rounds.failed {
            None => Verdict::Passed,
            Some((round, Verdict::Failed(text))) if self.repeat > 1 => {
                Verdict::Failed(format!("{text}\nthis was run {} of {}", round + 1, self.repeat))
            }
            Some((_, verdict)) => verdict.clone(),
        };
        let runs = rounds.passed + usize::from(rounds.failed.is_some());
        CaseResult {
            test: named.test.to_owned(),
            case: named.case.clone(),
            verdict,
            runs: u32::try_from(runs).unwrap_or(u32::MAX),
            took: rounds.took,
        }
    }
}

#[cfg(test)]
mod tests;
