//! The table of checks. Each is a small function over a few clients of the server; the files beside are the families.

mod catalog;
mod config;
mod delivery;
mod robust;
mod values;
mod view;

pub(crate) use robust::MALFORMED;

use super::rig::{Rig, Stop};
use std::pin::Pin;

/// A running check.
pub(crate) type Running<'a> = Pin<Box<dyn Future<Output = Result<(), Stop>> + Send + 'a>>;

/// One row of a table of checks that work with a `T`.
pub(crate) struct Entry<T> {
    /// Claim and short name.
    pub(crate) id: &'static str,
    /// The numbered claim.
    pub(crate) claim: &'static str,
    /// What a peer that keeps the claim does.
    pub(crate) title: &'static str,
    /// Starts the check.
    pub(crate) run: for<'a> fn(&'a mut T) -> Running<'a>,
}

/// Comes before all others: what it learns is what they work with.
pub(crate) const REACHED: Entry<Rig> = Entry {
    id: "RV-2.reached",
    claim: "RV-2",
    title: "the server is reached and answers import_request with import_answer",
    run: |rig| Box::pin(rig.learn()),
};

/// A table of checks: id, claim, title and the function of each.
macro_rules! checks {
    ($($id:literal $claim:literal $title:literal $run:path;)*) => {
        &[$($crate::conform::checks::Entry {
            id: $id, claim: $claim, title: $title, run: |rig| Box::pin($run(rig)),
        }),*]
    };
}
pub(crate) use checks;

/// Every check but the first, in the order in which they run: the catalog, then views, delivery, values, configuration, robustness.
pub(crate) const CHECKS: &[Entry<Rig>] = checks! {
    "RV-1.repeated-init" "RV-1" "a repeated init changes nothing" catalog::repeated_init;
    "RV-3.types" "RV-3" "import_answer has a type for every signal and a value that fits it" catalog::types;
    "RV-40.type-strings" "RV-40" "every type string is one of the contract" catalog::type_strings;
    "RV-15.signals" "RV-15" "every name of signalTypes is in signals" catalog::signals;
    "RV-15.order" "RV-15" "the order of the catalog is the same in every answer" catalog::order;
    "RV-20.path" "RV-20" "any request path is accepted" catalog::path;

    "RV-4.list" "RV-4" "a list of names is answered by a snapshot of exactly those names" view::list;
    "RV-4.missing" "RV-4" "subscribe without the field means all signals" view::missing;
    "RV-4.null" "RV-4" "subscribe with null means all signals" view::null;
    "RV-5.empty" "RV-5" "an empty list is answered by an empty snapshot, and nothing follows" view::empty;
    "RV-12.unknown" "RV-12" "an unknown name is left out of the snapshot and spoils nothing" view::unknown;
    "RV-12.duplicates" "RV-12" "a name given twice is sent once" view::duplicates;
    "RV-12.case" "RV-12" "names are case-sensitive" view::case;
    "RV-12.replace" "RV-12" "subscribe replaces the earlier list" view::replace;
    "RV-11.first" "RV-11" "without subscribe the first data after init is the full state" view::first_data;
    "RV-11.silent" "RV-11" "a client that says nothing gets the full state" view::silent;
    "RV-11.import" "RV-11" "no data comes between import_request, import_answer and a subscribe that follows" view::import_first;
    "RV-11.late" "RV-11" "a client that only imports gets the full state in the end" view::import_only;
    "RV-21.push" "RV-21" "where it is set, the catalog and the full state come right after the upgrade" view::push;

    "RV-10.order" "RV-10" "import_answer comes before the snapshot, and the snapshot before any delta" delivery::order;
    "RV-10.baseline" "RV-10" "no write beside a subscribe is missed or older than the snapshot" delivery::baseline;
    "RV-13.others" "RV-13" "a write reaches every other client that subscribed it" delivery::others;
    "RV-13.echo" "RV-13" "a writer gets no echo of its own write" delivery::echo;
    "RV-13.coerced" "RV-13" "a value that was stored otherwise goes back to its writer" delivery::coerced;
    "RV-13.crossing" "RV-13" "two writers of one signal believe the same at rest" delivery::crossing;
    "RV-13.final" "RV-13" "the last value of a burst arrives" delivery::last_of_burst;
    "RV-14.changed" "RV-14" "a repeated equal write sends nothing" delivery::changed_only;
    "RV-14.partial" "RV-14" "data holds the changed signals only" delivery::partial;
    "RV-17.owned" "RV-17" "a write to a signal of the server is not passed on" delivery::owned;
    "RV-17.echoer" "RV-17" "a client that returns every value neither loops nor reverts" delivery::echoer;
    "RV-17.handshake" "RV-17" "request and acknowledge on one bit work many times" delivery::handshake;
    "RV-18.unknown" "RV-18" "data for an unknown name spoils nothing" delivery::unknown_name;
    "RV-54.keep" "RV-54" "the values of a client that leaves are kept" delivery::kept_when_gone;
    "RV-55.last" "RV-55" "the last writer wins" delivery::last_writer;

    "RV-43.bool" "RV-43" "values are coerced to bool" values::to_bool;
    "RV-43.int" "RV-43" "values are coerced to int: truncated and saturated" values::to_int;
    "RV-43.float" "RV-43" "values are coerced to float" values::to_float;
    "RV-43.text" "RV-43" "values are coerced to text in their shortest form" values::to_text;
    "RV-43.skipped" "RV-43" "null, array and object entries are skipped and the others applied" values::skipped;
    "RV-44.ints" "RV-44" "ints are written without fraction" values::ints;
    "RV-44.floats" "RV-44" "floats are written in their shortest form, whole ones alike" values::floats;
    "RV-44.finite" "RV-44" "a number beyond all bounds never becomes NaN or infinity on the wire" values::finite;
    "RV-45.last" "RV-45" "of a name given twice in one message the last value counts" values::duplicate_names;

    "RV-7.answer" "RV-7" "config_get is answered by config_answer with a map" config::answer;
    "RV-8.same" "RV-8" "config_set with the value that stands succeeds" config::same;
    "RV-8.unknown" "RV-8" "config_set with an unknown key fails and names it" config::unknown;
    "RV-23.all-or-nothing" "RV-23" "config_set with one bad key changes nothing" config::all_or_nothing;
    "RV-23.live" "RV-23" "a setting that was set is shown at once" config::live;

    "RV-16.before-init" "RV-16" "every message is accepted before init" robust::before_init;
    "RV-16.version" "RV-16" "another version is served" robust::version;
    "RV-16.unknown-type" "RV-16" "an unknown type is ignored" robust::unknown_type;
    "RV-16.tag" "RV-16" "a message of the first protocol version is ignored" robust::tag;
    "RV-50.malformed" "RV-50" "malformed messages leave the connection alive" robust::malformed;
    "RV-50.null" "RV-50" "null is never sent as a message" robust::never_null;
    "RV-50.binary" "RV-50" "binary frames are ignored" robust::binary;
    "RV-50.fragments" "RV-50" "a message in fragments with pings between them is put together" robust::fragments;
    "RV-51.frame" "RV-51" "a frame of 17 MiB is refused with 1009 and nobody else notices" robust::oversized;
    "RV-52.slow" "RV-52" "a slow reader slows nobody and has every final value when it reads again" robust::slow_reader;
    "RV-53.pong" "RV-53" "a ping is answered with its payload" robust::pong;
    "RV-53.ping" "RV-53" "the server pings a client that writes" robust::ping;
    "RV-53.plain" "RV-53" "no compression is forced on a client that offers none" robust::plain;
};

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ids_are_unique_and_begin_with_their_claim() {
        let mut ids = BTreeSet::new();
        for entry in std::iter::once(&REACHED).chain(CHECKS) {
            assert!(ids.insert(entry.id), "{} is there twice", entry.id);
            let claim = entry.id.split_once('.').map(|(claim, _)| claim);
            assert_eq!(claim, Some(entry.claim), "{}", entry.id);
        }
    }
}
