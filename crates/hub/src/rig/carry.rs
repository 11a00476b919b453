//! Carrying out what the hub wants.

use super::Rig;
use super::driven::Driven;
use crate::input::Input;
use crate::output::Output;
use crate::plc::IoTold;

impl Rig {
    pub(super) fn carry_out(&mut self, output: Output) {
        match output {
            Output::Send { conn, frame } => self.send(conn, frame),
            Output::Share { conns, frame } => conns.into_iter().for_each(|conn| self.send(conn, frame.clone())),
            Output::Snapshots {
                plc,
                frame,
                header_at,
                to,
            } => {
                for one in to {
                    self.send(one.conn, one.frame(plc, &frame, header_at));
                }
            }
            Output::Close { conn, reason, .. } => self.hang_up(conn, reason),
            Output::Dial { callee, dial } => self.dialled(callee, dial),
            Output::PlcBegin { plc, settings, .. } => {
                self.engines.push(Driven::new(plc, settings));
                self.engines.sort_unstable_by_key(|driven| driven.plc);
            }
            Output::Plc { plc, order } => {
                let time = self.clock.at(self.now);
                if let Some(driven) = self.engines.iter_mut().find(|driven| driven.plc == plc) {
                    driven.orders.push_back(*order);
                    driven.look(time);
                    self.inputs.extend(driven.tell());
                }
            }
            Output::PlcIo { plc, setup } if !setup.retries => {
                let (number, told) = (setup.number, IoTold::Opened(Ok(())));
                self.inputs.push_back(Input::PlcIo { plc, number, told });
            }
            Output::PlcEnd { plc } => self.engines.retain(|driven| driven.plc != plc),
            Output::Retain { plc, number, .. } => {
                let result = Ok(());
                self.inputs.push_back(Input::Retained { plc, number, result });
            }
            Output::Clock(clock) => self.clock = clock,
            Output::Reply { ticket, reply } => {
                if let Some(waits) = self.replies.get_mut(&ticket.0) {
                    *waits = Some(*reply);
                }
            }
            Output::Save { ticket, .. } => {
                let result = Ok(());
                self.inputs.push_back(Input::Saved { ticket, result });
            }
            // A dial is answered at once, so there is none to be given up; files, recordings and logs are for nobody here.
            Output::Record(_)
            | Output::HangUp { .. }
            | Output::PlcIo { .. }
            | Output::SaveSignals { .. }
            | Output::Audit(_)
            | Output::Log { .. } => {}
        }
    }
}
