//! How a player without legs walks.

use std::str::FromStr;

use crate::practice::chance::Chance;

/// Ways to walk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Walk {
    /// Here and there
    #[default]
    Random,
    /// Not at all; the position is said all the same
    Still,
    /// Round and round
    Circle,
    /// To a place in the world, and stays there
    To {
        /// Along the first axis of the world, in mm, from 0 to 1,000,000 m.
        x: i64,
        /// Along the second, the same.
        y: i64,
    },
}

/// The furthest place to walk to, in mm: no world is larger than that. A further one is refused.
const PLACE_MAX: i64 = 1_000_000_000;

impl FromStr for Walk {
    type Err = String;

    /// `random`, `still`, `circle`, or a place in metres, such as `50,10` or `50.5,10`.
    fn from_str(text: &str) -> Result<Walk, String> {
        let millimetres = |text: &str| {
            let metres: f64 = text.trim().parse().ok()?;
            let most = PLACE_MAX as f64 / 1_000.0;
            (0.0..=most)
                .contains(&metres)
                .then(|| (metres * 1_000.0).round() as i64)
        };
        let place = |text: &str| {
            let (x, y) = text.split_once(',')?;
            Some(Walk::To {
                x: millimetres(x)?,
                y: millimetres(y)?,
            })
        };
        match text {
            "random" => Ok(Walk::Random),
            "still" => Ok(Walk::Still),
            "circle" => Ok(Walk::Circle),
            other => place(other).ok_or_else(|| {
                String::from("expected random, still, circle, or a place X,Y in metres of the world, such as 50,10")
            }),
        }
    }
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
    /// Units of the world in a metre.
    precision: i64,
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
            precision: 1_000,
        }
    }

    /// The simulation says how many units a metre has; from 1 on.
    pub(super) fn measure(&mut self, precision: i64) {
        self.precision = precision.max(1);
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
            Walk::To { x, y } => self.go_to(x, y),
            Walk::Circle => self.way = (self.way + usize::from(self.steps.is_multiple_of(4))) % CIRCLE.len(),
            Walk::Random if self.steps.is_multiple_of(KEEPS) => {
                self.way = self.chance.below(CIRCLE.len() as u32) as usize;
            }
            Walk::Random => {}
        }
        if matches!(self.walk, Walk::Random | Walk::Circle) {
            let (x, y) = CIRCLE[self.way];
            self.x = (self.x + x * STEP / 1_000).clamp(0, self.world.0);
            self.y = (self.y + y * STEP / 1_000).clamp(0, self.world.1);
        }
        (self.x, self.y, self.way as i64 * 30)
    }

    /// One step on the straight way to a place in mm; who is there stays. A place outside of the world is its edge.
    fn go_to(&mut self, x: i64, y: i64) {
        let units = |place: i64, most: i64| (place.saturating_mul(self.precision) / 1_000).clamp(0, most);
        let (to_x, to_y) = (units(x, self.world.0), units(y, self.world.1));
        let (dx, dy) = ((to_x - self.x) as f64, (to_y - self.y) as f64);
        let distance = dx.hypot(dy);
        if distance == 0.0 {
            return;
        }
        let part = (STEP as f64 / distance).min(1.0);
        self.x += (dx * part).round() as i64;
        self.y += (dy * part).round() as i64;
        let along = |way: &usize| CIRCLE[*way].0 as f64 * dx + CIRCLE[*way].1 as f64 * dy;
        let nearest = (0..CIRCLE.len()).max_by(|a, b| along(a).total_cmp(&along(b)));
        self.way = nearest.unwrap_or(self.way);
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
    fn who_goes_to_a_place_comes_there_and_stays() {
        let path = |walk: &str, precision, from| {
            let mut walker = Walker::new(walk.parse().unwrap(), 1);
            walker.measure(precision);
            walker.place(from, Some((100 * precision, 60 * precision)));
            (0..600).map(|_| walker.step()).collect::<Vec<_>>()
        };
        let steps = path("50,10", 1_000, (70_000, 30_000));
        assert!(steps.windows(2).all(|two| (two[0].0 - two[1].0).abs() <= STEP));
        assert_eq!(
            (steps[0].2, steps[598], steps[599]),
            (240, (50_000, 10_000, steps[599].2), steps[598])
        );
        let steps = path("50.5, 10", 100, (0, 0));
        assert_eq!((steps[599].0, steps[599].1), (5_050, 1_000), "units of a centimetre");
        let steps = path("500,10", 1_000, (99_000, 10_000));
        assert_eq!((steps[599].0, steps[599].1), (100_000, 10_000), "the edge of the world");
    }

    #[test]
    fn a_walk_is_a_word_or_a_place() {
        let read = |text: &str| text.parse::<Walk>();
        assert_eq!(read("circle"), Ok(Walk::Circle));
        assert_eq!(read("50,10.25"), Ok(Walk::To { x: 50_000, y: 10_250 }));
        for wrong in ["", "50", "50,", "-1,3", "1,2,3", "nan,0", "1e9,0", "Circle"] {
            assert!(read(wrong).unwrap_err().contains("such as 50,10"), "{wrong}");
        }
    }

    #[test]
    fn who_stands_still_stays() {
        let mut walker = Walker::new(Walk::Still, 1);
        walker.place((7, 8), None);
        let (x, y, _) = walker.step();
        assert_eq!((x, y), (7, 8));
    }
}
