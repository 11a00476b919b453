//! A class in words: how it stands, seats and models.

use crate::cli::check::counted;
use crate::http::classroom::rows::{CatalogProblem, ClassCatalog, ClassPlayer, ClassState};

/// The heading of the table of seats.
pub(super) const SEATS: [&str; 8] = [
    "PLAYER", "ADDRESS", "ARRIVED", "SEEN", "PIECES", "DROPPED", "SAID", "STATE",
];

/// The heading of the table of models.
pub(super) const MODELS: [&str; 5] = ["", "INDEX", "NAME", "PLAYERS", "EXPERIMENT"];

/// How the experiment stands, in one line.
pub(super) fn stands(class: &ClassState) -> String {
    let Some(gama) = &class.gama else {
        return String::from("GAMALESS: players connect, and nothing goes to GAMA");
    };
    if gama.link != "connected" {
        return gama.text.clone();
    }
    let mut text = match (gama.state.as_str(), gama.experiment_name.as_str()) {
        ("NONE", _) => String::from("no experiment is loaded (NONE)"),
        (state, "") => format!("the experiment is {state}"),
        (state, name) => format!("the experiment '{name}' is {state}"),
    };
    if let Some(waits_for) = &gama.waits_for {
        text.push_str(&format!("; waits for {waits_for}"));
    }
    text
}

/// The class without its seats, a line for each thing.
pub(super) fn summary(class: &ClassState) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = |name: &str, text: &str| lines.push(format!("{name:<11} {text}"));
    if let Some(gama) = &class.gama {
        let note = match (&gama.flavour, gama.practice) {
            (_, true) => String::from(" (a stand-in for practice)"),
            (Some(flavour), false) => format!(" ({flavour})"),
            (None, false) => String::new(),
        };
        line("GAMA", &format!("{}{note}", gama.text));
    }
    line("experiment", &stands(class));
    line("model", &model(class));
    line("players", &players(class));
    line("monitors", &class.monitors.to_string());
    if let Some(error) = class.gama.as_ref().and_then(|gama| gama.error.as_ref()) {
        line("error", &format!("{}: {}", error.kind, error.text));
        line("", &error.hint);
    }
    if class.catalog_problems > 0 {
        let problems = counted(class.catalog_problems, "problem");
        line(
            "packages",
            &format!("{problems}; `crosstie classroom catalog` prints them"),
        );
    }
    if !class.orders.is_empty() {
        line("possible", &class.orders.join(", "));
    }
    lines
}

/// The model that a launch loads.
pub(super) fn model(class: &ClassState) -> String {
    match &class.model {
        None => String::from("none: there are no learning packages with one"),
        Some(model) => {
            let players = range(model.minimal_players, model.maximal_players);
            let players = if players == "-" {
                String::new()
            } else {
                format!(", {players} players")
            };
            format!("{} (index {}){players}", model.name, model.index)
        }
    }
}

fn players(class: &ClassState) -> String {
    let all = class.players.len();
    let connected = class.players.iter().filter(|player| player.connected).count();
    let in_game = class.players.iter().filter(|player| player.in_game).count();
    format!(
        "{connected} of {} connected, {in_game} in the game",
        counted(all, "seat")
    )
}

/// How many players a model takes.
fn range(minimal: Option<u32>, maximal: Option<u32>) -> String {
    match (minimal, maximal) {
        (Some(minimal), Some(maximal)) => format!("{minimal} to {maximal}"),
        (Some(minimal), None) => format!("at least {minimal}"),
        (None, Some(maximal)) => format!("at most {maximal}"),
        (None, None) => String::from("-"),
    }
}

/// One seat in one line.
pub(super) fn seat(player: &ClassPlayer) -> String {
    format!("{} is {}", player.id, seat_state(player))
}

fn seat_state(player: &ClassPlayer) -> String {
    let mut text = match (player.connected, player.in_game) {
        (true, true) => String::from("in the game"),
        (true, false) => String::from("connected"),
        (false, true) => String::from("away, its place in the game is kept"),
        (false, false) => String::from("away"),
    };
    if let Some(waits_for) = &player.waits_for {
        text.push_str(&format!(": {waits_for}"));
    }
    if player.doubled {
        text.push_str("; a second headset says the same name");
    }
    text
}

/// The rows of the table of seats.
pub(super) fn seats(class: &ClassState) -> Vec<[String; 8]> {
    let row = |player: &ClassPlayer| {
        [
            player.id.clone(),
            player.address.clone(),
            player.arrived.clone(),
            format!("{}.{} s ago", player.seen_ms / 1_000, player.seen_ms % 1_000 / 100),
            player.worlds.to_string(),
            player.worlds_dropped.to_string(),
            player.said.to_string(),
            seat_state(player),
        ]
    };
    class.players.iter().map(row).collect()
}

/// The rows of the table of models; the active one is marked.
pub(super) fn models(catalog: &ClassCatalog) -> Vec<[String; 5]> {
    let models = catalog.models.iter().map(|model| {
        let mark = if catalog.active == Some(model.index) { "*" } else { "" };
        [
            mark.to_owned(),
            model.index.to_string(),
            model.name.clone(),
            range(model.minimal_players, model.maximal_players),
            model.experiment.clone(),
        ]
    });
    models.collect()
}

/// One problem of the catalog with its place.
pub(super) fn problem(problem: &CatalogProblem) -> String {
    let place = match (problem.line, problem.column) {
        (Some(line), Some(column)) => format!(":{line}:{column}"),
        _ => String::new(),
    };
    let severity = if problem.error { "error" } else { "warning" };
    format!("{}{place}: {severity}: {}", problem.file, problem.text)
}

/// The folders that were looked at.
pub(super) fn roots(catalog: &ClassCatalog) -> String {
    match catalog.roots.is_empty() {
        true => String::from("any folder"),
        false => catalog.roots.join(", "),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::http::classroom::rows::tests::class as row;
    use crosstie_hub::api::classroom::{ClassRow, GamaLinkState};

    pub(in crate::cli::classroom) fn read(row: &ClassRow) -> ClassState {
        let mut text = Vec::new();
        row.write_json(&mut text);
        serde_json::from_slice(&text).unwrap()
    }

    #[test]
    fn a_class_is_told_line_by_line() {
        let expected = [
            "GAMA        connected (a stand-in for practice)",
            "experiment  the experiment 'vr_xp' is NOTREADY; waits for GAMA to load 'vr_xp'",
            "model       Flood (index 0), 0 to 4 players",
            "players     1 of 1 seat connected, 0 in the game",
            "monitors    1",
            "error       SimulationError: no such file",
            "            look at the path",
            "packages    1 problem; `crosstie classroom catalog` prints them",
            "possible    stop",
        ];
        assert_eq!(summary(&read(&row())), expected);
        let seats = seats(&read(&row()));
        let seat = "connected: the experiment is not running; a second headset says the same name";
        assert_eq!(
            seats,
            [[
                "Player_101",
                "127.0.0.1:5000",
                "09:16",
                "0.1 s ago",
                "10",
                "1",
                "3",
                seat
            ]]
        );
    }

    #[test]
    fn one_line_says_what_is_in_the_way() {
        let mut away = row();
        let gama = away.gama.as_mut().unwrap();
        gama.link = GamaLinkState::Waiting;
        gama.text = "GAMA is not reachable at ws://localhost:1000: connection refused".into();
        assert_eq!(
            stands(&read(&away)),
            "GAMA is not reachable at ws://localhost:1000: connection refused"
        );
        let mut none = row();
        let gama = none.gama.as_mut().unwrap();
        (gama.state, gama.waits_for) = ("NONE".into(), None);
        assert_eq!(stands(&read(&none)), "no experiment is loaded (NONE)");
        let gamaless = ClassRow {
            gama: None,
            model: None,
            ..row()
        };
        assert!(stands(&read(&gamaless)).starts_with("GAMALESS"));
        assert_eq!(model(&read(&gamaless)), "none: there are no learning packages with one");
    }

    #[test]
    fn problems_have_their_place() {
        let found = |line, column| CatalogProblem {
            error: true,
            file: "/p/settings.json".into(),
            line,
            column,
            text: "expected a value".into(),
        };
        assert_eq!(
            problem(&found(Some(3), Some(5))),
            "/p/settings.json:3:5: error: expected a value"
        );
        assert_eq!(problem(&found(None, None)), "/p/settings.json: error: expected a value");
        assert_eq!(
            [range(None, Some(4)), range(Some(1), None), range(None, None)],
            ["at most 4", "at least 1", "-"]
        );
    }
}
