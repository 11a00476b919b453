//! What players are shown, in the shapes that the app in a headset reads. The app tells messages apart by their first key, so the
//! first key of each is `precision`, `properties` or `pointsLoc`.
//!
//! A world lists its things by name and property; each property that has a prefab takes the next place of `pointsLoc`, and
//! each other one the next outline of `pointsGeom`. Coordinates are whole millimetres: metres times [`PRECISION`].

use serde_json::{Value as Json, json};

use super::flood::{BANK, DEPTH, Flood, GATE, HILL, WIDTH};

/// What a coordinate is divided by to become metres.
pub(super) const PRECISION: i64 = 1_000;

/// The bytes of one tree in a world, at least; trees fill a world that should be large.
const TREE_BYTES: usize = 36;

/// The `content` of a `SimulationOutput`: a text with the elements in it, each for one player.
pub(super) fn output(elements: &[(String, Json)]) -> String {
    let elements: Vec<Json> = elements
        .iter()
        .map(|(id, contents)| json!({"id": [id], "contents": contents}))
        .collect();
    json!({"contents": elements}).to_string()
}

/// What a player is told first: where it stands and how numbers are to be read.
pub(super) fn precision(flood: &Flood, id: &str) -> Json {
    let place = flood
        .players
        .get(id)
        .map_or([0, 0, 0], |player| [player.x, player.y, player.z]);
    json!({
        "precision": PRECISION,
        "world": [WIDTH, DEPTH],
        "delay": 0,
        "physics": true,
        "position": place,
        "practice": "a practice stand-in for GAMA",
    })
}

/// What the things of the world look like.
pub(super) fn properties() -> Json {
    let solid = |id: &str, prefab: &str| {
        json!({
            "id": id, "hasPrefab": true, "prefab": prefab, "size": PRECISION, "visible": true, "hasCollider": false,
            "isInteractable": false, "isGrabable": false, "toFollow": true, "tag": id,
        })
    };
    let outline = |id: &str, height: i64, color: [u8; 3]| {
        json!({
            "id": id, "hasPrefab": false, "height": height, "is3D": true, "visible": true, "hasCollider": false,
            "isInteractable": false, "isGrabable": false, "toFollow": false, "tag": id,
            "red": color[0], "green": color[1], "blue": color[2], "alpha": 255,
        })
    };
    json!({"properties": [
        solid("people", "Prefabs/Person"),
        solid("player", "Prefabs/Player"),
        solid("gate", "Prefabs/Gate"),
        solid("tree", "Prefabs/Tree"),
        outline("water", 100, [60, 120, 200]),
        outline("hill", 3_000, [90, 140, 70]),
    ]})
}

/// What everybody sees in a cycle.
#[derive(Default)]
pub(super) struct Scene {
    places: Vec<Json>,
    names: Vec<Json>,
    kinds: Vec<Json>,
    outlines: Vec<Json>,
    heights: Vec<Json>,
}

impl Scene {
    /// The people, the gate, the water, the hill, and trees up to a world of `bytes`.
    pub(super) fn of(flood: &Flood, bytes: usize) -> Scene {
        let mut scene = Scene::default();
        for (number, person) in flood.people.iter().enumerate() {
            scene.place(
                "people",
                format!("people{number}"),
                [person.x, person.y, 0, person.angle()],
            );
        }
        let angle = if flood.gate_is_closed() { 0 } else { 90 };
        scene.place("gate", String::from("gate0"), [GATE.0, GATE.1, 0, angle]);
        scene.outline("water", 0, flood.front(), flood.level);
        scene.outline("hill", HILL, DEPTH, 0);
        for number in 0..bytes.div_ceil(TREE_BYTES).saturating_sub(scene.names.len()) {
            let along = (number as i64 * 7_919) % WIDTH;
            let across = BANK + (number as i64 * 104_729) % (DEPTH - BANK);
            scene.place("tree", format!("tree{number}"), [along, across, 0, 0]);
        }
        scene
    }

    fn place(&mut self, kind: &str, name: String, place: [i64; 4]) {
        self.kinds.push(Json::from(kind));
        self.names.push(Json::from(name));
        self.places.push(json!({"c": place}));
    }

    /// A strip over the whole width, from one line across to another.
    fn outline(&mut self, kind: &str, from: i64, to: i64, height: i64) {
        self.kinds.push(Json::from(kind));
        self.names.push(Json::from(format!("{kind}0")));
        self.outlines
            .push(json!({"c": [0, from, WIDTH, from, WIDTH, to, 0, to, 0, from]}));
        self.heights.push(Json::from(height));
    }

    /// The world as one player sees it: everything, and the other players.
    pub(super) fn for_player(&self, flood: &Flood, id: &str) -> Json {
        let mut places = self.places.clone();
        let mut names = self.names.clone();
        let mut kinds = self.kinds.clone();
        for (other, player) in flood.players.iter().filter(|(other, _)| *other != id) {
            places.push(json!({"c": [player.x, player.y, player.z, player.angle]}));
            names.push(Json::from(other.as_str()));
            kinds.push(Json::from("player"));
        }
        json!({
            "pointsLoc": places,
            "names": names,
            "propertyID": kinds,
            "pointsGeom": self.outlines,
            "offsetYGeom": self.heights,
            "attributes": [{"cycle": flood.cycle, "water_level": flood.level, "gate_closed": flood.gate_is_closed()}],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flood() -> Flood {
        let mut flood = Flood::new(1, 3);
        flood.create_player("A").unwrap();
        flood.create_player("B").unwrap();
        flood
    }

    fn first_key(contents: &Json) -> &str {
        contents.as_object().unwrap().keys().next().unwrap()
    }

    #[test]
    fn the_first_key_names_the_kind() {
        let flood = flood();
        assert_eq!(first_key(&precision(&flood, "A")), "precision");
        assert_eq!(first_key(&properties()), "properties");
        assert_eq!(first_key(&Scene::of(&flood, 0).for_player(&flood, "A")), "pointsLoc");
    }

    #[test]
    fn every_thing_has_a_name_a_property_and_its_place_or_outline() {
        let flood = flood();
        let world = Scene::of(&flood, 0).for_player(&flood, "A");
        let len = |key: &str| world[key].as_array().unwrap().len();
        assert_eq!(len("names"), len("propertyID"));
        assert_eq!(len("names"), len("pointsLoc") + len("pointsGeom"));
        assert_eq!(len("pointsGeom"), len("offsetYGeom"));
        let properties = properties();
        let known: Vec<&Json> = properties["properties"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| &one["id"])
            .collect();
        assert!(
            world["propertyID"]
                .as_array()
                .unwrap()
                .iter()
                .all(|kind| known.contains(&kind))
        );
    }

    #[test]
    fn a_player_sees_the_others_and_not_themselves() {
        let flood = flood();
        let names = |id| Scene::of(&flood, 0).for_player(&flood, id)["names"].to_string();
        assert!(names("A").contains("\"B\"") && !names("A").contains("\"A\""));
        assert!(names("B").contains("\"A\"") && !names("B").contains("\"B\""));
    }

    #[test]
    fn a_world_is_at_least_as_large_as_it_should_be_and_not_much_larger() {
        let flood = flood();
        let size = |bytes| Scene::of(&flood, bytes).for_player(&flood, "A").to_string().len();
        for bytes in [10_000, 100_000] {
            assert!(
                (bytes..bytes * 14 / 10).contains(&size(bytes)),
                "{bytes}: {}",
                size(bytes)
            );
        }
    }

    #[test]
    fn an_output_is_a_text_with_one_element_for_each_player() {
        let text = output(&[("A".into(), json!({"z": 1, "a": 2})), ("B".into(), json!(1))]);
        assert_eq!(
            text,
            r#"{"contents":[{"id":["A"],"contents":{"z":1,"a":2}},{"id":["B"],"contents":1}]}"#
        );
    }
}
