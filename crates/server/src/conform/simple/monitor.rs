//! The checks of the monitor port: what a front end asks, and what it is told (SI-2 to SI-4, SI-10 to SI-23).

mod catalog;
mod life;
mod players;
mod states;
mod wire;

use super::rig::Rig;
use crate::conform::checks::{Entry, checks};

/// Comes before all others: what it learns is what they work with.
pub(super) const REACHED: &Entry<Rig> = &Entry {
    id: "SI-10.reached",
    claim: "SI-10",
    title: "a monitor is told json_state first, and asks for the catalog",
    run: |rig| Box::pin(rig.learn()),
};

/// Every check but the first, in the order in which they run.
pub(super) const CHECKS: &[Entry<Rig>] = checks! {
    "SI-2.path" "SI-2" "any request path is accepted" wire::path;
    "SI-2.binary" "SI-2" "a binary frame is read as text" wire::binary;
    "SI-2.plain" "SI-2" "no compression is forced on a client that offers none" wire::plain;
    "SI-3.large" "SI-3" "a frame of 1 MiB is taken" wire::large;
    "SI-3.oversized" "SI-3" "a longer frame is refused with 1009 and nobody else notices" wire::oversized;
    "SI-4.malformed" "SI-4" "messages that are none leave everything as it was" wire::malformed;

    "SI-10.settings" "SI-10" "json_state is followed by the bare settings of the active model" catalog::active;
    "SI-11.order" "SI-11" "json_state has the fields of the contract in their order" states::order;
    "SI-11.player" "SI-11" "a player stands under its id, with its fields in order and its interval as it was sent" players::listed;
    "SI-11.arrival" "SI-11" "players stand in the order of their arrival" players::arrival;
    "SI-12.repeats" "SI-12" "no json_state is an exact repeat of the one before" players::repeats;
    "SI-15.catalog" "SI-15" "the catalog is a nested list of models and catalogs" catalog::catalog;
    "SI-15.indices" "SI-15" "every model has an index of its own" catalog::indices;
    "SI-15.requester" "SI-15" "the catalog goes to the requester only" catalog::catalog_to_one;
    "SI-16.settings" "SI-16" "a selection is answered by the settings of the model, with its index and an absolute path" catalog::selected;
    "SI-16.text" "SI-16" "an index may be a text that holds a number" catalog::text_index;
    "SI-16.refused" "SI-16" "what is no index of a model is not answered" catalog::refused;
    "SI-16.requester" "SI-16" "other monitors are not told of a selection" catalog::selected_to_one;
    "SI-16.global" "SI-16" "the next monitor gets the settings that were selected" catalog::global;
    "SI-17.settings" "SI-17" "send_simulation is answered as a selection by index is" catalog::sent;
    "SI-17.soon" "SI-17" "the answer to send_simulation comes within 100 ms" catalog::soon;
    "SI-22.echo" "SI-22" "screen_control goes to all monitors, the sender included" catalog::screen;
    "SI-22.bare" "SI-22" "screen_control without a display_type goes on without one" catalog::bare_screen;
    "SI-22.kept" "SI-22" "a monitor that joins later is told the screen after the settings" catalog::late_screen;
    "SI-23.quiet" "SI-23" "try_connection is not answered" catalog::try_connection;

    "SI-13.connected" "SI-13" "with GAMA there, monitors see it connected, idle and not loading" states::connected;
    "SI-13.passed" "SI-13" "experiment_state is what GAMA says" states::passed;
    "SI-13.loading" "SI-13" "loading is true between a launch and its effect" states::loading;
    "SI-13.lost" "SI-13" "without GAMA the state is NONE and loading is true" states::lost;
    "SI-12.burst" "SI-12" "a burst of changes is put together, and the last is told" states::burst;
    "SI-14.kept" "SI-14" "content_error is the error of GAMA, or its words" states::errors;
    "SI-14.cleared" "SI-14" "the next success clears content_error" states::cleared;
    "SI-18.load" "SI-18" "a launch loads the active model and does not play it" life::load;
    "SI-18.busy" "SI-18" "a launch during an experiment does nothing" life::busy;
    "SI-18.players" "SI-18" "players are created when the experiment is there, and not before" life::created;
    "SI-18.away" "SI-18" "a launch without GAMA is answered by a json_state" life::away;
    "SI-18.headless" "SI-18" "headless GAMA is driven by its answers, with the id of its experiment" life::headless;
    "SI-19.pause" "SI-19" "pause_experiment pauses, and only what runs" life::pause;
    "SI-19.resume" "SI-19" "resume_experiment plays, and only what is paused" life::resume;
    "SI-20.stop" "SI-20" "a stop pauses first, waits for that, and stops" life::stop;
    "SI-20.paused" "SI-20" "a paused experiment is stopped at once" life::stop_paused;
    "SI-20.headsets" "SI-20" "a stop closes every headset with 1000" players::stopped;
    "SI-20.idle" "SI-20" "a stop of nothing is answered by a json_state" life::stop_idle;
    "SI-20.stuck" "SI-20" "an experiment that does not pause is stopped after 10 s" life::stop_stuck;
    "SI-21.add" "SI-21" "add_player_headset brings a connected player into the game" players::added;
    "SI-21.remove" "SI-21" "remove_player_headset takes a player out of the game and closes its headset" players::removed;
    "SI-21.address" "SI-21" "remove_player_headset takes the address of a headset too" players::removed_by_address;
    "SI-21.unknown" "SI-21" "an id that nobody has does nothing" players::unknown;
    "SI-23.retry" "SI-23" "try_connection ends the wait for the next attempt to reach GAMA" states::retried;
};
