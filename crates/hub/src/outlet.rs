//! The one ordered way out of a connection.
//!
//! Order on the socket: the rest of a begun frame (the driver keeps it), then control messages in their order, then at most
//! one frame of values. While the socket is full, control messages wait here, bounded; values do not wait at all: what the
//! client has been told stays where it was, and one frame over everything since then is built when the socket takes bytes.

use crate::input::ConnId;
use crate::output::{Class, Frame, Output};
use crate::time::Time;
use bytes::Bytes;
use std::collections::VecDeque;

/// A control message did not fit the queue of a stuck socket; the connection has to go.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct QueueFull;

/// The outlet of one connection.
#[derive(Debug, Default)]
pub(crate) struct Outlet {
    stuck_since: Option<Time>,
    control: VecDeque<Bytes>,
    control_bytes: usize,
}

impl Outlet {
    /// Since when the socket takes nothing.
    pub(crate) fn stuck_since(&self) -> Option<Time> {
        self.stuck_since
    }

    /// Bytes of control messages that wait for the socket.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.control_bytes
    }

    /// Sends a control message now, or as soon as the socket takes bytes. `bytes_max` is how much may wait there.
    pub(crate) fn control(
        &mut self,
        conn: ConnId,
        bytes: Bytes,
        limits: &crate::limits::Limits,
        bytes_max: usize,
        outputs: &mut Vec<Output>,
    ) -> Result<(), QueueFull> {
        if self.stuck_since.is_none() {
            outputs.push(Output::Send {
                conn,
                frame: Frame {
                    bytes,
                    class: Class::Control,
                },
            });
            return Ok(());
        }
        if self.control.len() >= limits.control_frames_max || self.control_bytes + bytes.len() > bytes_max {
            return Err(QueueFull);
        }
        self.control_bytes += bytes.len();
        self.control.push_back(bytes);
        Ok(())
    }

    /// The socket is full: these control messages could not be begun and go first when it opens.
    pub(crate) fn stick(&mut self, now: Time, unsent: Vec<Bytes>) {
        self.stuck_since.get_or_insert(now);
        for bytes in unsent.into_iter().rev() {
            self.control_bytes += bytes.len();
            self.control.push_front(bytes);
        }
    }

    /// The socket takes bytes again: sends what waited.
    pub(crate) fn open(&mut self, conn: ConnId, outputs: &mut Vec<Output>) {
        self.stuck_since = None;
        self.control_bytes = 0;
        let waiting = std::mem::take(&mut self.control);
        outputs.extend(waiting.into_iter().map(|bytes| Output::Send {
            conn,
            frame: Frame {
                bytes,
                class: Class::Control,
            },
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    fn texts(outputs: &[Output]) -> Vec<Bytes> {
        let text = |output: &Output| match output {
            Output::Send { frame, .. } => frame.bytes.clone(),
            other => panic!("a frame is sent, not {other:?}"),
        };
        outputs.iter().map(text).collect()
    }

    #[test]
    fn what_could_not_be_begun_goes_before_what_came_later() {
        let (mut outlet, mut outputs, limits) = (Outlet::default(), Vec::new(), Limits::default());
        outlet.stick(Time::ZERO, vec!["a".into(), "b".into()]);
        outlet
            .control(ConnId(1), "c".into(), &limits, 100, &mut outputs)
            .unwrap();
        assert!(outputs.is_empty());
        outlet.open(ConnId(1), &mut outputs);
        assert_eq!(texts(&outputs), ["a", "b", "c"]);
        assert_eq!(outlet.stuck_since(), None);
    }

    #[test]
    fn the_queue_of_a_stuck_socket_ends_at_its_limits() {
        let limits = Limits {
            control_frames_max: 2,
            ..Limits::default()
        };
        let mut outlet = Outlet::default();
        outlet.stick(Time::ZERO, Vec::new());
        let mut send = |bytes: &'static str| outlet.control(ConnId(1), bytes.into(), &limits, 5, &mut Vec::new());
        assert_eq!(send("1234"), Ok(()));
        assert_eq!(send("56"), Err(QueueFull));
        assert_eq!(send("5"), Ok(()));
        assert_eq!(send(""), Err(QueueFull));
    }
}
