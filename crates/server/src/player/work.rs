//! The thread of a replay: it opens the recording, asks the hub what may be said of it, and says it when it is due.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, TryRecvError};
use crosstie_hub::Input;
use crosstie_hub::access::Actor;
use crosstie_hub::api::replay::{ReplayRequest, ReplayShown, ReplayState};
use crosstie_hub::api::{Reply, Report, Request};
use crosstie_hub::clock::ClockMode;
use crosstie_hub::replay::Replayed;
use crosstie_hub::signal::Kind;
use tokio::sync::oneshot;

use super::cast::Cast;
use super::deck::{Deck, Due, Motion, TapeError};
use super::tape::RecordedTape;
use super::{Answer, Change, Order, PlayerError, Shared, Steer, Wanted, check_speed, lock};
use crate::core_task::{Door, Event, Share};

/// How often people are told the position while the replay plays.
const SHOW_EVERY: Duration = Duration::from_secs(1);

/// Samples of a state, or of one generation, that are handed in as one. A larger one becomes several generations, so that the core
/// is never held for more than some milliseconds.
const SAMPLES_TOGETHER_MAX: usize = 10_000;

/// Signals that the hub is asked about in one question, for the same reason.
const ASKED_TOGETHER_MAX: usize = 4_096;

/// Peers that are named when they write what is to be replayed.
const RIVALS_NAMED_MAX: usize = 3;

/// About what one sample takes in the door beside its name, in bytes.
const SAMPLE_BYTES: usize = 64;

/// Name of the problem that says what is wrong with the recording.
const PROBLEM: &str = "player:recording";

/// What a replay is started with.
pub(super) struct Call {
    pub(super) door: Door,
    pub(super) shared: Arc<Shared>,
    pub(super) number: u64,
    pub(super) by: Actor,
    pub(super) wanted: Wanted,
    pub(super) inbox: Receiver<Steer>,
}

/// Carries a replay out. `ready` hears when it has begun, or why it does not.
pub(super) fn run(call: Call, ready: oneshot::Sender<Answer>) {
    let (shared, number) = (Arc::clone(&call.shared), call.number);
    match Work::begin(call) {
        Ok(mut work) => {
            let shown = work.show();
            // Whoever wanted it may have given up: then nobody knows of it.
            match ready.send(Ok(shown)) {
                Ok(()) => work.play(),
                Err(_) => work.end(),
            }
            shared.leave(number);
        }
        Err(error) => {
            shared.leave(number);
            let _ = ready.send(Err(error));
        }
    }
}

/// The line to the hub.
struct Line {
    door: Door,
    share: Share,
    by: Actor,
}

/// The hub has gone.
struct Gone;

impl Line {
    /// Asks the hub and waits for the answer.
    fn ask(&self, by: &Actor, request: Request) -> Result<Reply, PlayerError> {
        let (reply, answer) = oneshot::channel();
        self.door.tell(Event::Request {
            by: Box::new(by.clone()),
            request,
            reply: Some(reply),
        });
        match answer.blocking_recv() {
            Ok(Reply::Refused(refused)) => Err(refused.into()),
            Ok(reply) => Ok(reply),
            Err(_) => Err(PlayerError::Gone),
        }
    }

    /// Hands an input in when there is room for it, and waits so long.
    fn push(&mut self, input: Input, bytes: usize) -> Result<(), Gone> {
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut cx = Context::from_waker(&waker);
        let mut event = Some(Event::Input(input));
        loop {
            match self.door.poll_push(&mut cx, &mut self.share, &mut event, bytes) {
                Poll::Ready(pushed) => return pushed.map_err(|_| Gone),
                Poll::Pending => thread::park(),
            }
        }
    }
}

/// Wakes a thread that waits for room.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// One replay.
struct Work {
    line: Line,
    shared: Arc<Shared>,
    number: u64,
    inbox: Receiver<Steer>,
    deck: Deck<RecordedTape>,
    cast: Cast,
    recording: String,
    /// What is wrong with the recording.
    error: Option<String>,
    /// How the hub's time went before the replay led it; `None` when it does not lead.
    clock_before: Option<ClockMode>,
    /// The speed that the hub was told for its time.
    rate: f64,
    /// Something was said that is not old yet.
    has_said: bool,
    /// The times of the deck count from here.
    began: Instant,
    show_at: Duration,
}

impl Work {
    /// Opens everything; says nothing yet.
    fn begin(call: Call) -> Result<Work, PlayerError> {
        let Wanted {
            recording,
            file,
            signals,
            ..
        } = &call.wanted;
        let tape = RecordedTape::open(file).map_err(|error| PlayerError::Unreadable(error.to_string()))?;
        let wrong = tape.what_is_wrong();
        let cast = Cast::new(signals.as_deref());
        let mut work = Work {
            line: Line {
                door: call.door,
                share: Share::default(),
                by: call.by,
            },
            shared: call.shared,
            number: call.number,
            inbox: call.inbox,
            recording: recording.clone(),
            deck: Deck::new(tape, call.wanted.speed, call.wanted.loops),
            cast,
            error: None,
            clock_before: None,
            rate: 0.0,
            has_said: false,
            began: Instant::now(),
            show_at: Duration::ZERO,
        };
        work.look_at_cast(call.wanted.force)?;
        work.seek(Duration::ZERO, call.wanted.position)?;
        if call.wanted.leads_clock {
            work.lead_clock()?;
        }
        if let Some(text) = wrong {
            work.complain(text);
        }
        if !call.wanted.paused {
            let now = work.began.elapsed();
            work.deck.play(now).map_err(unreadable)?;
        }
        Ok(work)
    }

    /// Asks the hub about every signal that the recording has at its end, and refuses those that a peer writes.
    fn look_at_cast(&mut self, force: bool) -> Result<(), PlayerError> {
        let length = self.deck.length();
        self.deck.seek(Duration::ZERO, length).map_err(unreadable)?;
        let Ok(Due::State(all)) = self.deck.due(Duration::ZERO) else {
            return Ok(());
        };
        let unjudged = self.cast.unjudged(&all);
        if self.cast.is_missed() {
            return Err(PlayerError::BadValue(String::from(
                "no signal of the recording fits the patterns that were given; `crosstie record show` names its signals",
            )));
        }
        let contested = self.ask_fits(&unjudged)?;
        if force || contested.is_empty() {
            return Ok(());
        }
        let mut peers: Vec<&str> = contested.iter().map(|(_, peer)| peer.as_str()).collect();
        peers.sort_unstable();
        peers.dedup();
        let more = if peers.len() > RIVALS_NAMED_MAX { ", …" } else { "" };
        peers.truncate(RIVALS_NAMED_MAX);
        Err(PlayerError::Conflict(format!(
            "{} of its signals, such as '{}', are written by what is connected now ({}{more}): disconnect that, leave the \
             signals out, or start with `force`",
            contested.len(),
            contested[0].0,
            peers.join(", "),
        )))
    }

    fn ask_fits(&mut self, signals: &[(Arc<str>, Kind)]) -> Result<Vec<(Arc<str>, String)>, PlayerError> {
        let mut contested = Vec::new();
        for part in signals.chunks(ASKED_TOGETHER_MAX) {
            let signals = part.iter().map(|(name, kind)| (Box::from(&**name), *kind)).collect();
            let request = Request::Replay(ReplayRequest::Fits { signals });
            if let Reply::Replay(fits) = self.line.ask(&self.line.by, request)? {
                contested.extend(self.cast.judge(part, fits));
            }
        }
        Ok(contested)
    }

    /// From now on the hub's time goes as the replay does.
    fn lead_clock(&mut self) -> Result<(), PlayerError> {
        let before = match self.line.ask(&self.line.by, Request::Clock)? {
            Reply::Clock(row) => row.clock.mode(),
            _ => ClockMode::Real,
        };
        self.line.ask(&self.line.by, Request::SetClock(ClockMode::Recording))?;
        self.clock_before = Some(match before {
            ClockMode::Recording => ClockMode::Real,
            other => other,
        });
        Ok(())
    }

    /// Plays until it is stopped or the hub ends.
    fn play(&mut self) {
        loop {
            match self.turn() {
                Ok(ControlFlow::Continue(())) => {}
                Ok(ControlFlow::Break(())) => return,
                Err(PlayerError::Gone) => return,
                Err(error) => {
                    self.deck.break_off();
                    self.complain(format!("the replay has ended: {error}"));
                    if self.over().is_err() {
                        return;
                    }
                }
            }
        }
    }

    /// Does what is due, and what was ordered meanwhile.
    fn turn(&mut self) -> Result<ControlFlow<()>, PlayerError> {
        self.pace_clock()?;
        let due = self.deck.due(self.began.elapsed()).map_err(unreadable)?;
        let until = match due {
            Due::State(samples) => {
                self.learn(&samples)?;
                let samples = self.cast.pick_state(samples);
                self.say(samples)?;
                None
            }
            Due::Batch(samples) => {
                self.learn(&samples)?;
                let samples = self.cast.pick(samples);
                self.say(samples)?;
                None
            }
            Due::Over => {
                self.over()?;
                None
            }
            Due::At(at) => Some(at.min(self.show_at)),
            Due::Nothing => Some(Duration::MAX),
        };
        if self.deck.motion() == Motion::Playing && self.began.elapsed() >= self.show_at {
            self.show();
        }
        self.listen(until)
    }

    /// Asks the hub about signals that come for the first time.
    fn learn(&mut self, samples: &[Replayed]) -> Result<(), PlayerError> {
        let unjudged = self.cast.unjudged(samples);
        if !unjudged.is_empty() {
            self.ask_fits(&unjudged)?;
        }
        Ok(())
    }

    fn say(&mut self, mut samples: Vec<Replayed>) -> Result<(), PlayerError> {
        while !samples.is_empty() {
            let rest = samples.split_off(samples.len().min(SAMPLES_TOGETHER_MAX));
            let count = samples.len();
            let bytes = samples.iter().map(|sample| sample.name.len() + SAMPLE_BYTES).sum();
            self.line.push(Input::Replayed(samples), bytes)?;
            self.shared.samples.fetch_add(count as u64, Ordering::Relaxed);
            self.has_said = true;
            samples = rest;
        }
        self.note_position();
        Ok(())
    }

    /// Carries orders out, and waits for one until then at most; `None` does not wait.
    fn listen(&mut self, until: Option<Duration>) -> Result<ControlFlow<()>, PlayerError> {
        let steer = match until {
            None => self
                .inbox
                .try_recv()
                .map_err(|error| error == TryRecvError::Disconnected),
            Some(Duration::MAX) => self.inbox.recv().map_err(|_| true),
            Some(until) => {
                self.note_position();
                let span = until.saturating_sub(self.began.elapsed());
                let steer = self.inbox.recv_timeout(span);
                steer.map_err(|error| error == RecvTimeoutError::Disconnected)
            }
        };
        match steer {
            Ok(steer) => self.obey(steer),
            Err(true) => Err(PlayerError::Gone),
            Err(false) => Ok(ControlFlow::Continue(())),
        }
    }

    fn obey(&mut self, Steer { order, answer }: Steer) -> Result<ControlFlow<()>, PlayerError> {
        if order == Order::Stop {
            self.end();
            // The seat is free before somebody who waits for this asks for it.
            self.shared.leave(self.number);
            let _ = answer.send(Ok(ReplayShown::default()));
            return Ok(ControlFlow::Break(()));
        }
        let now = self.began.elapsed();
        let done = match order {
            Order::Play => self.judge_anew().and_then(|()| self.deck.play(now).map_err(unreadable)),
            Order::Pause => {
                self.deck.pause(now);
                Ok(())
            }
            Order::Change(change) => self.change(now, change),
            Order::Stop => Ok(()),
        };
        let paced = self.pace_clock();
        let shown = self.show();
        // A recording that cannot be read on ends the replay; whoever asked hears it first.
        let failure = done
            .as_ref()
            .err()
            .filter(|error| matches!(error, PlayerError::Unreadable(_)))
            .cloned();
        let _ = answer.send(done.map(|()| shown));
        paced?;
        failure.map_or(Ok(ControlFlow::Continue(())), Err)
    }

    fn change(&mut self, now: Duration, change: Change) -> Result<(), PlayerError> {
        if let Some(speed) = change.speed {
            check_speed(speed, self.clock_before.is_some())?;
        }
        if let Some(position) = change.position {
            self.judge_anew()?;
            self.seek(now, position)?;
        }
        if let Some(speed) = change.speed {
            self.deck.set_speed(now, speed);
        }
        if let Some(loops) = change.loops {
            self.deck.set_loops(loops);
        }
        Ok(())
    }

    fn seek(&mut self, now: Duration, to: Duration) -> Result<(), PlayerError> {
        if to > self.deck.length() {
            let text = format!("`position_ms`: expected at most {}", self.deck.length().as_millis());
            return Err(PlayerError::BadValue(text));
        }
        self.deck.seek(now, to).map_err(unreadable)
    }

    /// Routes, engines and peers may have come or gone.
    fn judge_anew(&mut self) -> Result<(), PlayerError> {
        let all = self.cast.judge_anew();
        self.ask_fits(&all).map(drop)
    }

    /// The recording is over.
    fn over(&mut self) -> Result<(), PlayerError> {
        self.fall_silent()?;
        self.pace_clock()?;
        self.show();
        Ok(())
    }

    /// What was said is old from now on.
    fn fall_silent(&mut self) -> Result<(), PlayerError> {
        if std::mem::take(&mut self.has_said) {
            self.line.push(Input::ReplayEnds, 0)?;
        }
        Ok(())
    }

    /// There is no replay any more.
    fn end(&mut self) {
        // When the hub has gone there is nobody to tell.
        let _ = self.fall_silent();
        self.give_clock_back();
        if self.error.is_some() {
            self.line.door.clear(PROBLEM);
        }
        let mut board = lock(&self.shared.board);
        board.shown = ReplayShown::default();
        board.moves = None;
        drop(board);
        self.tell(ReplayShown::default());
    }

    /// The hub's time goes as it did before the replay led it, unless somebody has let it go otherwise meanwhile.
    fn give_clock_back(&mut self) {
        let Some(before) = self.clock_before.take() else {
            return;
        };
        let player = Actor::full("the replay", "");
        if let Ok(Reply::Clock(row)) = self.line.ask(&player, Request::Clock)
            && row.clock.mode() == ClockMode::Recording
        {
            let _ = self.line.ask(&player, Request::SetClock(before));
        }
        // A clock that is told later to go as a recording stands until there is one.
        let _ = self.line.push(Input::ReplayRate(0.0), 0);
    }

    /// Tells the hub how fast its time goes, when that is another speed than before.
    fn pace_clock(&mut self) -> Result<(), PlayerError> {
        if self.clock_before.is_none() {
            return Ok(());
        }
        let rate = match self.deck.motion() {
            Motion::Playing => self.deck.speed(),
            Motion::Paused | Motion::Ended => 0.0,
        };
        if rate != self.rate {
            self.rate = rate;
            self.line.push(Input::ReplayRate(rate), 0)?;
        }
        Ok(())
    }

    /// Something is wrong with the recording: people are told.
    fn complain(&mut self, text: String) {
        self.line.door.report(Report {
            id: String::from(PROBLEM),
            is_error: false,
            subject: self.recording.clone(),
            text: text.clone(),
            hint: String::from("play another recording, or stop the replay"),
        });
        self.error = Some(text);
    }

    /// Notes how the replay stands for whoever asks, and tells the hub.
    fn show(&mut self) -> ReplayShown {
        let shown = self.note();
        self.show_at = self.began.elapsed() + SHOW_EVERY;
        self.tell(shown.clone());
        shown
    }

    fn tell(&mut self, shown: ReplayShown) {
        // When the hub has gone there is nobody to tell.
        let _ = self.line.push(Input::ReplayShown(Arc::new(shown)), 0);
    }

    /// Notes what changes with every batch.
    fn note_position(&self) {
        let position = self.deck.position(self.began.elapsed());
        let moves = self.moves();
        let mut board = lock(&self.shared.board);
        board.shown.position = position;
        board.shown.signals = self.cast.says();
        board.moves = moves;
    }

    /// Since when, and up to where, the position moves by itself.
    fn moves(&self) -> Option<(Instant, Duration)> {
        let moves = self.deck.motion() == Motion::Playing && self.deck.speed() > 0.0;
        moves.then(|| (Instant::now(), self.deck.next_at()))
    }

    fn note(&mut self) -> ReplayShown {
        let now = self.began.elapsed();
        let motion = self.deck.motion();
        let (skipped, skipped_count) = self.cast.skipped();
        let shown = ReplayShown {
            state: match motion {
                Motion::Playing => ReplayState::Playing,
                Motion::Paused => ReplayState::Paused,
                Motion::Ended => ReplayState::Ended,
            },
            recording: Some(self.recording.clone()),
            position: self.deck.position(now),
            length: self.deck.length(),
            speed: self.deck.speed(),
            loops: self.deck.loops(),
            leads_clock: self.clock_before.is_some(),
            signals: self.cast.says(),
            skipped,
            skipped_count,
            error: self.error.clone(),
        };
        let moves = self.moves();
        let mut board = lock(&self.shared.board);
        board.shown = shown.clone();
        board.moves = moves;
        shown
    }
}

impl From<Gone> for PlayerError {
    fn from(_: Gone) -> PlayerError {
        PlayerError::Gone
    }
}

fn unreadable(error: TapeError) -> PlayerError {
    PlayerError::Unreadable(error.0)
}
