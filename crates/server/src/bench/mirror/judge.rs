//! The judge: writes, kills, watches both hubs, and says which promise was broken.

use std::collections::HashSet;
use std::ops::Range;
use std::time::{Duration, Instant};

use super::site::{News, Outcome, Row, Side, Signal, Site, free_address};
use super::{MirrorError, MirrorReport};

/// How often something is written.
const WRITE_EVERY: Duration = Duration::from_millis(50);
/// Signals that are written at a time.
const WRITTEN_AT_ONCE: u64 = 40;

/// What happens next, and to whom.
#[derive(Clone, Copy, Debug)]
pub(super) enum Victim {
    /// SIGKILL, and a new process.
    Killed(Side),
    /// SIGSTOP, and SIGCONT.
    Held(Side),
}

/// What is known of one hub.
#[derive(Debug)]
struct View {
    /// What it holds of its own: the newest value that it took in this life, or 0.
    truth: Vec<i64>,
    /// The newest value that was written anywhere when this life began: older ones are of an earlier life.
    born_after: i64,
    /// What it shows of the other side's signals: value, and whether it is good.
    shown: Vec<(i64, bool)>,
    /// Signals of the other side that it shows as good.
    good: usize,
}

impl View {
    fn new(signals: usize) -> View {
        View {
            truth: vec![0; signals],
            born_after: 0,
            shown: vec![(0, false); signals],
            good: 0,
        }
    }
}

/// Both hubs, and what was seen of them.
pub(super) struct Judge {
    sites: [Site; 2],
    views: [View; 2],
    dice: u64,
    last_value: i64,
    /// One side is gone, and the other has seen it: nothing mirrored from it may be good until it is started again.
    must_be_old: Option<Side>,
    /// One side is held: writes go to the other one only.
    is_held: Option<Side>,
    refused_values: HashSet<i64>,
    started_at: Instant,
    report: MirrorReport,
}

const fn at(side: Side) -> usize {
    match side {
        Side::Server => 0,
        Side::Client => 1,
    }
}

impl Judge {
    /// Starts both hubs.
    pub(super) async fn start(signals: u32, seed: u64) -> Result<Judge, MirrorError> {
        let port = free_address()?.port();
        let mut sites = [
            Site::new(Side::Server, signals, port)?,
            Site::new(Side::Client, signals, port)?,
        ];
        for site in &mut sites {
            site.start().await?;
        }
        let count = signals as usize;
        Ok(Judge {
            sites,
            views: [View::new(count), View::new(count)],
            dice: seed,
            last_value: 0,
            must_be_old: None,
            is_held: None,
            refused_values: HashSet::new(),
            started_at: Instant::now(),
            report: MirrorReport {
                signals,
                seed,
                kills: 0,
                holds: 0,
                written: 0,
                refused: 0,
                rows: 0,
                slowest_return_ms: 0,
            },
        })
    }

    pub(super) fn report(self) -> MirrorReport {
        self.report
    }

    /// One line about the state.
    pub(super) fn line(&self) -> String {
        let MirrorReport {
            kills,
            holds,
            written,
            refused,
            slowest_return_ms,
            ..
        } = &self.report;
        format!(
            "{kills} kills, {holds} holds, {written} values written, {refused} refused, slowest return {slowest_return_ms} ms"
        )
    }

    /// SplitMix64.
    fn roll(&mut self) -> u64 {
        self.dice = self.dice.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.dice;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(super) fn choose(&mut self) -> Victim {
        let side = Side::BOTH[(self.roll() % 2) as usize];
        match self.roll() % 4 {
            0 => Victim::Held(side),
            _ => Victim::Killed(side),
        }
    }

    pub(super) fn kill(&mut self, side: Side) {
        self.report.kills += 1;
        self.sites[at(side)].kill();
        let count = self.report.signals as usize;
        self.views[at(side)] = View::new(count);
    }

    pub(super) async fn restart(&mut self, side: Side) -> Result<(), MirrorError> {
        self.must_be_old = None;
        self.views[at(side)].born_after = self.last_value;
        self.started_at = Instant::now();
        Ok(self.sites[at(side)].start().await?)
    }

    /// Holds a hub; meanwhile the other must come to call its values old.
    pub(super) async fn hold(&mut self, side: Side, span: Duration) -> Result<(), MirrorError> {
        self.report.holds += 1;
        self.sites[at(side)].hold(true)?;
        self.is_held = Some(side);
        let seen = self.await_loss(side, span).await;
        self.sites[at(side)].hold(false)?;
        seen?;
        self.is_held = None;
        self.must_be_old = None;
        self.started_at = Instant::now();
        Ok(())
    }

    /// Waits until the other side calls everything old that it has from `side`.
    pub(super) async fn await_loss(&mut self, side: Side, limit: Duration) -> Result<(), MirrorError> {
        let deadline = Instant::now() + limit;
        let other = at(side.other());
        while self.views[other].good > 0 {
            if Instant::now() >= deadline {
                let good = self.views[other].good;
                return Err(self.broken(format!(
                    "{good} values of {side:?} are shown as good {limit:?} after it was lost"
                )));
            }
            self.step(deadline).await?;
        }
        self.must_be_old = Some(side);
        Ok(())
    }

    /// Goes on writing for a time in this range.
    pub(super) async fn write_for_millis(&mut self, range: Range<u64>) -> Result<(), MirrorError> {
        let millis = range.start + self.roll() % (range.end - range.start);
        let end = Instant::now() + Duration::from_millis(millis);
        while Instant::now() < end {
            let next = end.min(Instant::now() + WRITE_EVERY);
            self.write_some().await?;
            while Instant::now() < next {
                self.step(next).await?;
            }
        }
        Ok(())
    }

    /// Waits until both sides show what the other holds, all of it good.
    pub(super) async fn await_agreement(&mut self, limit: Duration) -> Result<(), MirrorError> {
        let deadline = Instant::now() + limit;
        while let Some(disagreement) = self.disagreement() {
            if Instant::now() >= deadline {
                return Err(self.broken(format!("{disagreement}, {limit:?} after the return")));
            }
            self.step(deadline).await?;
        }
        let took = self.started_at.elapsed().as_millis() as u64;
        self.report.slowest_return_ms = self.report.slowest_return_ms.max(took);
        Ok(())
    }

    fn disagreement(&self) -> Option<String> {
        Side::BOTH.into_iter().find_map(|side| {
            let (truth, shown) = (&self.views[at(side)].truth, &self.views[at(side.other())].shown);
            let wrong = truth
                .iter()
                .zip(shown)
                .position(|(truth, shown)| (*truth, true) != *shown)?;
            let (value, is_good) = shown[wrong];
            let quality = if is_good { "good" } else { "not good" };
            let letter = side.letter();
            Some(format!(
                "{letter}{wrong:05} is {} and is shown as {value}, {quality}",
                truth[wrong]
            ))
        })
    }

    async fn write_some(&mut self) -> Result<(), MirrorError> {
        for side in Side::BOTH {
            if self.is_held == Some(side) {
                continue;
            }
            let mut values: Vec<(usize, i64)> = Vec::new();
            for _ in 0..WRITTEN_AT_ONCE {
                let index = (self.roll() % u64::from(self.report.signals)) as usize;
                if values.iter().all(|(other, _)| *other != index) {
                    self.last_value += 1;
                    values.push((index, self.last_value));
                }
            }
            self.sites[at(side)].write(self.last_value as u64, values).await?;
        }
        Ok(())
    }

    /// Takes in the next news of either side, or waits until the deadline.
    async fn step(&mut self, deadline: Instant) -> Result<(), MirrorError> {
        let [server, client] = &mut self.sites;
        let news = tokio::select! {
            news = server.next() => Some((Side::Server, news?)),
            news = client.next() => Some((Side::Client, news?)),
            () = tokio::time::sleep_until(deadline.into()) => None,
        };
        match news {
            Some((side, News::Rows(rows))) => rows.into_iter().try_for_each(|row| self.look(side, row)),
            Some((side, News::Written(outcomes))) => {
                self.take_outcomes(side, outcomes);
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn take_outcomes(&mut self, side: Side, outcomes: Vec<(usize, i64, Outcome)>) {
        for (index, value, outcome) in outcomes {
            match outcome {
                Outcome::Taken => {
                    self.report.written += 1;
                    self.views[at(side)].truth[index] = value;
                }
                Outcome::Refused => {
                    self.report.refused += 1;
                    self.refused_values.insert(value);
                }
            }
        }
    }

    fn look(&mut self, side: Side, row: Row) -> Result<(), MirrorError> {
        self.report.rows += 1;
        let Signal { owner, index } = row.signal;
        if owner == side {
            return Ok(());
        }
        let view = &mut self.views[at(side)];
        let was_good = std::mem::replace(&mut view.shown[index], (row.value, row.is_good)).1;
        view.good = view.good + usize::from(row.is_good) - usize::from(was_good);
        if self.refused_values.contains(&row.value) {
            return Err(self.broken(format!(
                "the refused command {} of {owner:?} is shown by {side:?}",
                row.value
            )));
        }
        if row.is_good && row.value > 0 && row.value <= self.views[at(owner)].born_after {
            return Err(self.broken(format!(
                "{side:?} shows {} of an earlier life of {owner:?} as good",
                row.value
            )));
        }
        if row.is_good && self.must_be_old == Some(owner) {
            return Err(self.broken(format!(
                "{side:?} shows {}{index:05} as good while {owner:?} is gone",
                owner.letter()
            )));
        }
        Ok(())
    }

    fn broken(&self, what: String) -> MirrorError {
        MirrorError::Broken {
            seed: self.report.seed,
            kills: self.report.kills,
            what,
        }
    }
}
