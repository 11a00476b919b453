//! The table of checks for clients. Each is a small function over the next connection; the files beside are the families.

mod comeback;
mod flow;
mod opening;
mod robust;
mod values;

use super::stand::Stand;
use crate::conform::checks::{Entry, checks};

/// Comes before all others: what it learns is what they work with.
pub(super) const REACHED: Entry<Stand> = Entry {
    id: "RV-30.reached",
    claim: "RV-30",
    title: "a client connects with a correct upgrade, needs no extension, and says something",
    run: |stand| Box::pin(stand.learn()),
};

/// Comes after all others: the verdict over every drop.
pub(super) const COMES_BACK: Entry<Stand> = Entry {
    id: "RV-33.comes-back",
    claim: "RV-33",
    title: "the client connects again after each drop of this run",
    run: |stand| Box::pin(comeback::comes_back(stand)),
};

/// Every check but the first and the last, in the order in which they run: the handshake, data, values, robustness, coming back.
pub(super) const CHECKS: &[Entry<Stand>] = checks! {
    "RV-30.path" "RV-30" "the client asks for the path and the query that it was given" opening::path;
    "RV-30.masked" "RV-30" "frames are masked" opening::masked;
    "RV-1.init" "RV-1" "init comes first, with version 2 and a name" opening::init;
    "RV-2.request" "RV-2" "import_request follows with version 2" opening::import_request;
    "RV-31.order" "RV-31" "subscribe waits for the import_answer" opening::order;
    "RV-31.subscribe" "RV-31" "subscribe is a list of names of the catalog" opening::subscribe;
    "RV-36.answer" "RV-36" "import_request is answered by import_answer with values and fitting types" opening::own_catalog;
    "RV-35.commands" "RV-35" "the commands \"test connection\" and \"import\" exist" opening::commands;

    "RV-31.delivered" "RV-31" "what the server writes arrives" flow::delivered;
    "RV-31.known" "RV-31" "what the client writes arrives as data of known names" flow::known;
    "RV-31.more" "RV-31" "an unasked import_answer with one signal more is applied" flow::more;
    "RV-31.less" "RV-31" "an unasked import_answer with one signal less is applied" flow::less;
    "RV-17.returned" "RV-17" "a value of the server comes back at most once per change" flow::returned;
    "RV-5.empty" "RV-5" "an empty snapshot is taken" flow::empty_snapshot;
    "RV-5.unasked" "RV-5" "a snapshot before the import_answer and a second one are taken" flow::unasked_snapshot;

    "RV-43.odd" "RV-43" "values of another type are coerced" values::coerced;
    "RV-43.skipped" "RV-43" "null, array and object entries are skipped and the others applied" values::skipped;
    "RV-44.finite" "RV-44" "every number on the wire is finite" values::finite;
    "RV-44.ints" "RV-44" "ints are written without fraction" values::ints;
    "RV-45.last" "RV-45" "of a name given twice in one message the last value counts" values::duplicate_names;

    "RV-16.version" "RV-16" "another version is taken" robust::version;
    "RV-16.unknown-type" "RV-16" "an unknown type is ignored" robust::unknown_type;
    "RV-16.not-for-clients" "RV-16" "messages that only servers act on, and unasked config answers, are ignored" robust::not_for_clients;
    "RV-50.malformed" "RV-50" "malformed messages leave the connection alive" robust::malformed;
    "RV-50.binary" "RV-50" "binary frames are ignored" robust::binary;
    "RV-50.objects" "RV-50" "every message of the client is one JSON object with a type in a text frame" robust::objects;
    "RV-53.pong" "RV-53" "a ping is answered with its payload" robust::pong;
    "RV-53.silence" "RV-53" "a silent server is not left" robust::silence;

    "RV-32.no-answer" "RV-32" "without import_answer the client stays connected and takes data" comeback::no_answer;
    "RV-34.keep-alive" "RV-34" "with keep_alive init is repeated every 25 s" comeback::keep_alive;
    "RV-33.full" "RV-33" "after a reconnect the first data is full" comeback::full;
    "RV-33.reset" "RV-33" "after a TCP reset the client makes the whole handshake again" comeback::reset;
    "RV-33.close-1001" "RV-33" "after a close with 1001 the client makes the whole handshake again" comeback::going_away;
    "RV-33.close-1011" "RV-33" "after a close with 1011 the client makes the whole handshake again" comeback::server_error;
    "RV-33.refused" "RV-33" "after refused attempts the client makes the whole handshake again" comeback::refused;
    "RV-33.pace" "RV-33" "attempts are not faster than four per second" comeback::pace;
    "RV-33.half-open" "RV-33" "a server that answers no ping is left, and the whole handshake made again" comeback::half_open;
};

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ids_are_unique_and_begin_with_their_claim() {
        let mut ids = BTreeSet::new();
        for entry in std::iter::once(&REACHED).chain(CHECKS).chain([&COMES_BACK]) {
            assert!(ids.insert(entry.id), "{} is there twice", entry.id);
            let claim = entry.id.split_once('.').map(|(claim, _)| claim);
            assert_eq!(claim, Some(entry.claim), "{}", entry.id);
        }
    }
}
