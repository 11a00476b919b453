//! Live channels that watch the class: its whole state whenever it has changed.
//!
//! A change sets the next frame of every watch as early as its pace allows; what else changes until then is in the same frame.
//! A channel whose socket is full gets nothing and catches up with the newest state, so that nothing can pile up.

use crate::api::classroom::ClassRow;
use crate::hub::Hub;
use crate::input::ConnId;
use crate::time::Time;
use crate::timers::Alarm;
use crosstie_wire::live::{self as wire, WatchClassroom};
use std::collections::BTreeMap;
use std::time::Duration;

/// The shortest time between two frames of a watch: at most 10 a second.
const PACE: Duration = Duration::from_millis(100);
/// A frame is sent after so long although nothing has changed, so that whoever looks knows that the channel lives.
const QUIET_MAX: Duration = Duration::from_secs(1);
/// Lines of GAMA's console in the first frame of a watch; older ones are left out.
const FIRST_LINES_MAX: usize = 200;

/// All watches, by channel.
#[derive(Debug, Default)]
pub(crate) struct ClassWatches {
    by_channel: BTreeMap<ConnId, ClassWatch>,
}

/// One watch.
#[derive(Debug)]
struct ClassWatch {
    /// When the class is looked at next.
    due: Time,
    /// What its last frame has told, and when.
    told: Option<(Time, ClassRow)>,
    /// Number of the last line of the console that it was told; 0 before the first.
    line: u64,
}

impl ClassWatch {
    /// The next frame may go out from then on.
    fn may_tell_at(&self) -> Time {
        self.told.as_ref().map_or(Time::ZERO, |(at, _)| *at + PACE)
    }
}

impl Hub {
    /// A channel wants to watch the class, or no longer.
    pub(crate) fn live_watch_classroom(&mut self, conn: ConnId, WatchClassroom { id, on }: WatchClassroom) {
        let now = self.now;
        let Some(class) = &mut self.classroom else {
            let text = "the project has no [classroom]";
            self.send_text(conn, |out| wire::write_error(out, Some(id), "not_found", text));
            return;
        };
        if on {
            let watch = ClassWatch {
                due: now,
                told: None,
                line: 0,
            };
            class.watches.by_channel.insert(conn, watch);
        } else {
            class.watches.by_channel.remove(&conn);
        }
        self.send_text(conn, |out| wire::write_watching_classroom(out, id, on));
        if on {
            self.look_at_class(conn);
        }
    }

    /// A channel no longer watches.
    pub(crate) fn class_unwatch(&mut self, conn: ConnId) {
        if let Some(class) = &mut self.classroom {
            class.watches.by_channel.remove(&conn);
        }
    }

    /// Something of the class has changed: every watch is told as soon as its pace allows, with all that this turn still changes.
    pub(crate) fn class_watches_changed(&mut self) {
        let now = self.now;
        let Some(class) = &mut self.classroom else { return };
        for (conn, watch) in &mut class.watches.by_channel {
            let at = watch.may_tell_at().max(now);
            if at < watch.due {
                watch.due = at;
                self.timers.set(at, Alarm::ClassWatch(*conn));
            }
        }
    }

    /// A channel that watches may be told again.
    pub(crate) fn class_watch_alarm(&mut self, conn: ConnId, at: Time) {
        let class = self.classroom.as_ref();
        let watch = class.and_then(|class| class.watches.by_channel.get(&conn));
        if watch.is_some_and(|watch| watch.due == at) {
            self.look_at_class(conn);
        }
    }

    /// Tells a channel what it does not know yet, when its socket takes it.
    fn look_at_class(&mut self, conn: ConnId) {
        let now = self.now;
        let takes = |client: &crate::client::Client| client.outlet.stuck_since().is_none() && client.answer.is_none();
        let next = match self.clients.get(&conn).is_some_and(takes) {
            true => self.tell_class(conn),
            false => now + PACE,
        };
        let Some(class) = &mut self.classroom else { return };
        if let Some(watch) = class.watches.by_channel.get_mut(&conn) {
            watch.due = next;
            self.timers.set(next, Alarm::ClassWatch(conn));
        }
    }

    /// Sends a frame where there is news, or where none was sent for long; says when to look again.
    fn tell_class(&mut self, conn: ConnId) -> Time {
        let now = self.now;
        let watch = self
            .classroom
            .as_ref()
            .and_then(|class| class.watches.by_channel.get(&conn));
        let (Some(watch), Some(row)) = (watch, self.class_row()) else {
            return now + QUIET_MAX;
        };
        let known = watch.line;
        let mut lines = self.console_lines(Some(known));
        if known == 0 {
            lines.drain(..lines.len().saturating_sub(FIRST_LINES_MAX));
        }
        if let Some((at, told)) = &watch.told
            && lines.is_empty()
            && now.since(*at) < QUIET_MAX
            && row.is_told_by(told)
        {
            return *at + QUIET_MAX;
        }
        self.send_text(conn, |out| {
            let console: Vec<_> = lines.iter().map(|line| line.shown()).collect();
            wire::write_classroom(out, &row.shown(), &console);
        });
        let class = self.classroom.as_mut();
        if let Some(watch) = class.and_then(|class| class.watches.by_channel.get_mut(&conn)) {
            watch.told = Some((now, row));
            watch.line = lines.last().map_or(known, |line| line.number);
        }
        now + QUIET_MAX
    }
}
