//! How a player without legs walks.

use clap::ValueEnum;

use crate::practice::chance::Chance;

/// Ways to walk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Walk {
    /// Here and there
    #[default]
    Random,
    /// Not at all; the position is said all the same
    Still,
    /// Round and round
    Circle,
}

/// Directions of a circle: sine and cosine in thousandths, every 30 degrees.
const CIRCLE: [(i64, i64); 12] = [
    (1_000, 0),
    (866, 500),
    (500, 866),
    (0, 1_000),
    (-500, 866),
    (-866, 500),
    (-1_000, 0),
    (-866, -500),
    (-500, -866),
    (0, -1_000),
    (500, -866),
    (866, -500),
];

/// Length of a step, in the units of the world.
const STEP: i64 = 150;

/// Steps until another direction is taken at random.
const KEEPS: u32 = 20;

/// A player on its way.
#[derive(Clone, Debug)]
pub(super) struct Walker {
    walk: Walk,
    chance: Chance,
    x: i64,
    y: i64,
    way: usize,
    steps: u32,
    world: (i64, i64),
}

impl Walker {
    /// Stands at the origin of a world of 100 by 60 m in millimetres until it hears of another.
    pub(super) fn new(walk: Walk, seed: u64) -> Walker {
        let mut chance = Chance::new(seed);
        let way = chance.below(CIRCLE.len() as u32) as usize;
        Walker {
            walk,
            chance,
            x: 0,
            y: 0,
            way,
            steps: 0,
            world: (100_000, 60_000),
        }
    }

    /// The simulation says where the player stands, and how large the world is where it says that.
    pub(super) fn place(&mut self, at: (i64, i64), world: Option<(i64, i64)>) {
        (self.x, self.y) = at;
        if let Some((width, depth)) = world.filter(|(width, depth)| *width > 0 && *depth > 0) {
            self.world = (width, depth);
        }
    }

    /// One step: place and angle in degrees.
    pub(super) fn step(&mut self) -> (i64, i64, i64) {
        self.steps = self.steps.wrapping_add(1);
        match self.walk {
            Walk::Still => {}
            Walk::Circle => self.way = (self.way + usize::from(self.steps.is_multiple_of(4))) % CIRCLE.len(),
            Walk::Random if self.steps.is_multiple_of(KEEPS) => {
                self.way = self.chance.below(CIRCLE.len() as u32) as usize;
            }
            Walk::Random => {}
        }
        if self.walk != Walk::Still {
            let (x, y) = CIRCLE[self.way];
            self.x = (self.x + x * STEP / 1_000).clamp(0, self.world.0);
            self.y = (self.y + y * STEP / 1_000).clamp(0, self.world.1);
        }
        (self.x, self.y, self.way as i64 * 30)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_circle_comes_back_to_where_it_began() {
        let mut walker = Walker::new(Walk::Circle, 1);
        walker.place((50_000, 30_000), None);
        let path: Vec<_> = (0..96).map(|_| walker.step()).collect();
        assert_eq!(path[47], path[95]);
        assert_ne!(path[20], path[47]);
    }

    #[test]
    fn chance_stays_in_the_world_and_is_the_same_again() {
        let path = |seed| {
            let mut walker = Walker::new(Walk::Random, seed);
            walker.place((500, 500), Some((1_000, 2_000)));
            (0..500).map(|_| walker.step()).collect::<Vec<_>>()
        };
        assert!(
            path(1)
                .iter()
                .all(|(x, y, _)| (0..=1_000).contains(x) && (0..=2_000).contains(y))
        );
        assert_eq!(path(1), path(1));
        assert_ne!(path(1), path(2));
    }

    #[test]
    fn who_stands_still_stays() {
        let mut walker = Walker::new(Walk::Still, 1);
        walker.place((7, 8), None);
        let (x, y, _) = walker.step();
        assert_eq!((x, y), (7, 8));
    }
}
