//! The flood: people on a plain between a river and a hill, and a gate that holds the river back. Pure and deterministic: no
//! clock, no socket, the same commands at the same cycles give the same world.
//!
//! ```text
//!   y  60 m ┌──────────────────────────┐
//!           │        the hill          │  safe from 46 m on
//!      46 m ├──────────────────────────┤
//!           │        the plain         │  water comes up from the river, people flee before it
//!      10 m ├───────────╫──────────────┤
//!           │  river   gate            │  open: the water rises; closed: it falls
//!         0 └──────────────────────────┘ 100 m  x
//! ```
//!
//! All lengths are whole millimetres, so that no machine counts them otherwise.

use std::collections::BTreeMap;

use crate::practice::chance::Chance;

/// Extent of the world in mm, along the river.
pub(super) const WIDTH: i64 = 100_000;
/// Extent of the world in mm, from the river to the top of the hill.
pub(super) const DEPTH: i64 = 60_000;
/// The bank of the river, in mm from the lower edge.
pub(super) const BANK: i64 = 10_000;
/// Where the hill begins, in mm from the lower edge.
pub(super) const HILL: i64 = 46_000;
/// Where the gate stands, in mm.
pub(super) const GATE: (i64, i64) = (50_000, BANK);
/// The highest water, in mm.
pub(super) const LEVEL_MAX: i64 = 2_600;
/// Players of one simulation. A further one is refused.
pub(super) const PLAYERS_MAX: usize = 100;

/// A player within this distance of the gate holds it closed, in mm along each axis.
const GATE_REACH: i64 = 3_000;
/// How much the water rises in a cycle while the gate is open, in mm.
const RISE: i64 = 4;
/// How much it falls in a cycle while the gate is closed, in mm.
const FALL: i64 = 6;
/// Ground that the water takes for each millimetre that it rises, in mm.
const SPREAD: i64 = 13;
/// People flee when the water is as near as this, in mm.
const FEAR: i64 = 4_000;
/// Steps of people in a cycle, in mm along each axis.
const WALK: i64 = 50;
const FLEE: i64 = 120;

/// The eight ways to go and their angles in degrees, counted from the x axis.
const WAYS: [(i64, i64, i64); 8] = [
    (1, 0, 0),
    (1, 1, 45),
    (0, 1, 90),
    (-1, 1, 135),
    (-1, 0, 180),
    (-1, -1, 225),
    (0, -1, 270),
    (1, -1, 315),
];

/// Somebody who walks by themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) x: i64,
    pub(super) y: i64,
    way: usize,
    /// Cycles until another way is chosen.
    keeps: u32,
}

impl Person {
    /// Where they look, in degrees.
    pub(super) fn angle(&self) -> i64 {
        WAYS[self.way % WAYS.len()].2
    }

    fn is_safe(&self) -> bool {
        self.y >= HILL
    }
}

/// Somebody with a headset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Player {
    pub(super) x: i64,
    pub(super) y: i64,
    pub(super) z: i64,
    /// Where they look, in degrees.
    pub(super) angle: i64,
    /// Has said that it takes worlds.
    pub(super) is_ready: bool,
}

/// The whole simulation.
#[derive(Clone, Debug)]
pub(super) struct Flood {
    pub(super) cycle: u64,
    pub(super) people: Vec<Person>,
    pub(super) players: BTreeMap<String, Player>,
    /// Height of the water above the river's bed, in mm.
    pub(super) level: i64,
    gate_ordered: bool,
    chance: Chance,
}

/// Why a player cannot come or be addressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PlayerError {
    /// There is one of this name.
    #[error("a player of this name is there already")]
    Doubled,
    /// Too many are there.
    #[error("there is no room for more than {PLAYERS_MAX} players")]
    Full,
    /// Nobody has this name.
    #[error("there is no player of this name: create_player comes first")]
    Unknown,
}

impl Flood {
    /// A dry plain with so many people.
    pub(super) fn new(seed: u64, people: usize) -> Flood {
        let mut chance = Chance::new(seed);
        let people = (0..people).map(|_| Person {
            x: i64::from(chance.below(WIDTH as u32)),
            y: BANK + i64::from(chance.below((HILL - BANK) as u32)),
            way: chance.below(WAYS.len() as u32) as usize,
            keeps: chance.below(60),
        });
        Flood {
            cycle: 0,
            people: people.collect(),
            players: BTreeMap::new(),
            level: 0,
            gate_ordered: false,
            chance,
        }
    }

    /// One cycle passes.
    pub(super) fn step(&mut self) {
        self.cycle += 1;
        let change = if self.gate_is_closed() { -FALL } else { RISE };
        self.level = (self.level + change).clamp(0, LEVEL_MAX);
        let front = self.front();
        for person in &mut self.people {
            if person.y - FEAR < front && !person.is_safe() {
                person.way = 2;
                person.keeps = 20;
                person.y = (person.y + FLEE).min(DEPTH);
                continue;
            }
            if person.keeps == 0 {
                person.way = self.chance.below(WAYS.len() as u32) as usize;
                person.keeps = 20 + self.chance.below(60);
            }
            person.keeps -= 1;
            let (x, y, _) = WAYS[person.way];
            person.x = (person.x + x * WALK).clamp(0, WIDTH);
            // Nobody walks into the water of their own accord.
            person.y = (person.y + y * WALK).clamp((front + FEAR).min(HILL), DEPTH);
        }
    }

    /// How far the water reaches, in mm from the lower edge.
    pub(super) fn front(&self) -> i64 {
        BANK + self.level * SPREAD
    }

    /// Closed by order, or because a player stands at it.
    pub(super) fn gate_is_closed(&self) -> bool {
        self.gate_ordered || self.players_at_gate() > 0
    }

    /// Players who stand at the gate.
    pub(super) fn players_at_gate(&self) -> usize {
        let is_there =
            |player: &&Player| (player.x - GATE.0).abs() <= GATE_REACH && (player.y - GATE.1).abs() <= GATE_REACH;
        self.players.values().filter(is_there).count()
    }

    /// Orders the gate.
    pub(super) fn set_gate(&mut self, is_closed: bool) {
        self.gate_ordered = is_closed;
    }

    /// People on the hill.
    pub(super) fn safe(&self) -> usize {
        self.people.iter().filter(|person| person.is_safe()).count()
    }

    /// A player comes; they stand on the hill, side by side.
    pub(super) fn create_player(&mut self, id: &str) -> Result<(), PlayerError> {
        if self.players.contains_key(id) {
            return Err(PlayerError::Doubled);
        }
        if self.players.len() >= PLAYERS_MAX {
            return Err(PlayerError::Full);
        }
        let place = 5_000 + 9_000 * (self.players.len() as i64 % 11);
        let player = Player {
            x: place,
            y: HILL + 4_000,
            angle: 270,
            ..Player::default()
        };
        self.players.insert(id.to_owned(), player);
        Ok(())
    }

    /// A player goes.
    pub(super) fn remove_player(&mut self, id: &str) -> Result<(), PlayerError> {
        self.players.remove(id).map(drop).ok_or(PlayerError::Unknown)
    }

    /// The player of this name.
    pub(super) fn player(&mut self, id: &str) -> Result<&mut Player, PlayerError> {
        self.players.get_mut(id).ok_or(PlayerError::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(flood: &mut Flood, cycles: u32) {
        for _ in 0..cycles {
            flood.step();
        }
    }

    #[test]
    fn a_seed_gives_the_same_world_again() {
        let world = |seed| {
            let mut flood = Flood::new(seed, 20);
            after(&mut flood, 300);
            flood.people
        };
        assert_eq!(world(1), world(1));
        assert_ne!(world(1), world(2));
    }

    #[test]
    fn water_rises_while_the_gate_is_open_and_falls_while_it_is_closed() {
        let mut flood = Flood::new(1, 0);
        after(&mut flood, 100);
        assert_eq!(flood.level, 400);
        flood.set_gate(true);
        after(&mut flood, 50);
        assert_eq!(flood.level, 100);
        after(&mut flood, 50);
        assert_eq!(flood.level, 0, "not below the bed");
        flood.set_gate(false);
        after(&mut flood, 10_000);
        assert_eq!(flood.level, LEVEL_MAX);
        assert_eq!(flood.cycle, 10_200);
    }

    #[test]
    fn people_flee_to_the_hill_and_nobody_drowns_or_leaves() {
        let mut flood = Flood::new(3, 200);
        assert!(flood.safe() < 20, "they begin on the plain: {}", flood.safe());
        for _ in 0..2_000 {
            flood.step();
            let front = flood.front();
            let is_inside = |person: &Person| (0..=WIDTH).contains(&person.x) && (0..=DEPTH).contains(&person.y);
            assert!(flood.people.iter().all(is_inside));
            assert!(
                flood.people.iter().all(|person| person.y >= front),
                "cycle {}",
                flood.cycle
            );
        }
        assert_eq!(flood.safe(), 200);
        flood.set_gate(true);
        after(&mut flood, 4_000);
        assert!(
            flood.safe() < 150,
            "they come back when the plain is dry: {}",
            flood.safe()
        );
    }

    #[test]
    fn a_player_at_the_gate_holds_it_closed() {
        let mut flood = Flood::new(1, 0);
        flood.create_player("A").unwrap();
        assert!(!flood.gate_is_closed());
        let player = flood.player("A").unwrap();
        (player.x, player.y) = GATE;
        assert!(flood.gate_is_closed());
        flood.remove_player("A").unwrap();
        assert!(!flood.gate_is_closed());
    }

    #[test]
    fn players_come_once_and_are_counted() {
        let mut flood = Flood::new(1, 0);
        assert_eq!(flood.create_player("0"), Ok(()));
        assert_eq!(flood.create_player("0"), Err(PlayerError::Doubled));
        assert_eq!(flood.remove_player("1"), Err(PlayerError::Unknown));
        for id in 1..PLAYERS_MAX {
            assert_eq!(flood.create_player(&id.to_string()), Ok(()));
        }
        assert_eq!(flood.create_player("more"), Err(PlayerError::Full));
    }
}
