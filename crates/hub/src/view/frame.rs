//! Rows of values as the frame of one view.

use super::{Codec, GroupKey};
use crate::clock::Both;
use crate::endpoint::Endpoint;
use crate::signal::{Quality, SignalId, SignalSpace, Value, Writer};
use crate::time::Time;
use bytes::Bytes;
use crosstie_wire::frame::FrameBuilder;
use crosstie_wire::{live, realvirtual};

/// One signal in a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) id: SignalId,
    /// What is shown when it is not the stored value: a bit that is held for one cycle.
    pub(super) shown: Option<bool>,
}

impl Row {
    pub(super) fn current(id: SignalId) -> Row {
        Row { id, shown: None }
    }
}

/// Cycles that stand merged in one frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gap {
    pub(super) since: Time,
    pub(super) merged: u64,
}

/// Bytes that a row takes on average, to reserve room once.
const ROW_BYTES: usize = 40;

/// Header and payload of the frame that shows these rows.
pub(super) fn encode(
    space: &SignalSpace,
    endpoints: &mut [Endpoint],
    key: &GroupKey,
    both: Both,
    rows: &[Row],
    gap: Option<Gap>,
) -> Bytes {
    let mut builder = FrameBuilder::with_capacity(64 + rows.len() * ROW_BYTES);
    let out = builder.buffer();
    match key.codec {
        Codec::Realvirtual(endpoint) => {
            out.extend_from_slice(realvirtual::DATA_HEAD);
            let endpoint = &mut endpoints[endpoint.0 as usize];
            let mut is_first = true;
            for row in rows {
                // A view holds only signals that its endpoint shows.
                let Some(slot) = endpoint.slot_of(row.id) else { continue };
                if !std::mem::take(&mut is_first) {
                    out.push(b',');
                }
                match row.shown {
                    None => endpoint.write_current(slot, space.cell(row.id), out),
                    Some(bit) => endpoint.write_shown(slot, &Value::Bool(bit), out),
                }
            }
            out.extend_from_slice(realvirtual::SIGNALS_TAIL);
        }
        Codec::Live => {
            let gap = gap.map(|gap| live::Gap {
                since_ms: both.shown(gap.since).as_millis(),
                merged: gap.merged,
            });
            let front = live::DataFront {
                now_ms: both.hub.as_millis(),
                generation: space.generation().0,
                gap,
            };
            live::write_data(out, front, rows.iter().map(|row| live_row(space, *row)));
        }
    }
    into_bytes(builder)
}

/// A finished frame as shared bytes, without a copy.
pub(crate) fn into_bytes(builder: FrameBuilder) -> Bytes {
    let frame = builder.finish();
    Bytes::from(frame.buffer).slice(frame.start..)
}

/// Quality as the live codec says it.
pub(crate) fn live_quality(quality: Quality) -> live::Quality {
    match quality {
        Quality::Good => live::Quality::Good,
        Quality::Stale
        | Quality::DeviceLost
        | Quality::PlcStopped
        | Quality::PlcPaused
        | Quality::PlcStepping
        | Quality::PlcUnreachable
        | Quality::GamaUnreachable
        | Quality::NoExperiment
        | Quality::GamaSilent
        | Quality::RouteFailed => live::Quality::Stale,
        Quality::NeverWritten | Quality::PlcFault(_) | Quality::PlcGone | Quality::GamaMisfit => live::Quality::Bad,
    }
}

/// A writer as the live codec says it.
pub(crate) fn live_writer(writer: Writer) -> Option<live::Writer> {
    match writer {
        Writer::Nobody => None,
        Writer::Peer(conn) => Some(live::Writer::Client(u64::from(conn.0))),
        Writer::Operator(_) => Some(live::Writer::Operator),
        Writer::Replay => Some(live::Writer::Replay),
        Writer::Route(route) => Some(live::Writer::Route(route)),
        Writer::Plc(plc) => Some(live::Writer::Plc(plc.0)),
    }
}

fn live_row(space: &SignalSpace, row: Row) -> live::DataRow<'_> {
    let cell = space.cell(row.id);
    live::DataRow {
        id: row.id.0,
        value: row.shown.map_or_else(|| cell.value.as_wire(), realvirtual::Value::Bool),
        quality: live_quality(cell.quality),
        reason: space.reason(cell.quality).unwrap_or_default(),
        changed_at_ms: cell.changed_at.as_millis(),
        writer: live_writer(cell.writer),
    }
}
