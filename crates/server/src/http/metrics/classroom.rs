//! The figures of the classroom; none of these families is there where the project has none.

use crosstie_hub::api::classroom::{ClassCounters, ClassRow, GamaLinkState, PlayerRow};

use super::{Of, Page};

pub(super) fn add(page: &mut Page, class: &ClassRow) {
    if let Some(gama) = &class.gama {
        page.family(
            "crosstie_classroom_gama_up",
            "gauge",
            "1 while GAMA is connected, 0 while it is not.",
        );
        page.sample(&[], u8::from(gama.link == GamaLinkState::Connected));
        page.family(
            "crosstie_classroom_experiment",
            "gauge",
            "1 with the state that GAMA says of its experiment.",
        );
        page.sample(&[("state", &gama.state)], 1);
        page.family(
            "crosstie_classroom_error",
            "gauge",
            "1 while an error of GAMA is not cleared.",
        );
        page.sample(&[], u8::from(gama.error.is_some()));
    }
    page.family("crosstie_classroom_monitors", "gauge", "Connected monitors.");
    page.sample(&[], class.monitors);
    page.family(
        "crosstie_classroom_players",
        "gauge",
        "Seats: all of them, those that are connected, those in the game.",
    );
    for (of, counts) in SEATS {
        let count = class.players.iter().filter(|player| counts(player)).count();
        page.sample(&[("of", of)], count);
    }
    page.family("crosstie_classroom_models", "gauge", "Models in the catalog.");
    page.sample(&[], class.models);
    page.family(
        "crosstie_classroom_catalog_problems",
        "gauge",
        "What was found wrong in the learning packages.",
    );
    page.sample(&[], class.catalog_problems);
    for (name, help, counter) in COUNTERS {
        page.family(name, "counter", help);
        page.sample(&[], counter(&class.counters));
    }
    for (name, help, counter) in PLAYER_COUNTERS {
        page.family(name, "counter", help);
        for player in &class.players {
            page.sample(&[("player", &player.id)], counter(player));
        }
    }
}

/// A word for some of the seats, and which they are.
type Seats = (&'static str, fn(&PlayerRow) -> bool);

const SEATS: [Seats; 3] = [
    ("all", |_| true),
    ("connected", |player| player.connected),
    ("in_game", |player| player.in_game),
];

const COUNTERS: [(&str, &str, Of<ClassCounters>); 5] = [
    ("crosstie_classroom_worlds_total", "Worlds that came from GAMA.", |c| {
        c.worlds
    }),
    (
        "crosstie_classroom_pieces_total",
        "Pieces of worlds that went to headsets.",
        |c| c.pieces,
    ),
    (
        "crosstie_classroom_unknown_ids_total",
        "Ids in worlds that belong to no player.",
        |c| c.unknown_ids,
    ),
    (
        "crosstie_classroom_skipped_pieces_total",
        "Pieces of worlds without a list of ids.",
        |c| c.skipped,
    ),
    (
        "crosstie_classroom_unreadable_total",
        "Messages of GAMA that could not be read.",
        |c| c.unreadable,
    ),
];

const PLAYER_COUNTERS: [(&str, &str, Of<PlayerRow>); 4] = [
    (
        "crosstie_classroom_player_pieces_total",
        "Pieces of worlds that went to a player.",
        |p| p.worlds,
    ),
    (
        "crosstie_classroom_player_dropped_pieces_total",
        "Pieces of worlds that were dropped because the headset of a player did not read.",
        |p| p.worlds_dropped,
    ),
    (
        "crosstie_classroom_player_messages_total",
        "Asks and expressions of a player that went to GAMA.",
        |p| p.said,
    ),
    (
        "crosstie_classroom_player_dropped_messages_total",
        "Asks and expressions of a player that were dropped or refused.",
        |p| p.said_dropped,
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::classroom::rows::tests::class;

    #[test]
    fn a_class_is_counted_and_a_gamaless_one_says_nothing_of_gama() {
        let mut page = Page::default();
        add(&mut page, &class());
        for line in [
            "crosstie_classroom_gama_up 1\n",
            "crosstie_classroom_experiment{state=\"NOTREADY\"} 1\n",
            "crosstie_classroom_error 1\n",
            "crosstie_classroom_players{of=\"connected\"} 1\n",
            "crosstie_classroom_players{of=\"in_game\"} 0\n",
            "crosstie_classroom_pieces_total 2\n",
            "crosstie_classroom_player_dropped_pieces_total{player=\"Player_101\"} 1\n",
        ] {
            assert!(page.text.contains(line), "{line} is not in {}", page.text);
        }
        let mut page = Page::default();
        let class = ClassRow { gama: None, ..class() };
        add(&mut page, &class);
        assert!(!page.text.contains("gama_up") && page.text.contains("crosstie_classroom_monitors 1\n"));
    }
}
