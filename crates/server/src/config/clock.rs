//! How the hub's time goes at the start.

use crosstie_hub::clock::ClockMode;

/// `[clock]`: how the hub's time goes at the start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClockConfig {
    /// The mode, as [`ClockConfig::MODES`] has it.
    pub(super) mode: &'static str,
    /// How many times as fast a scaled clock goes.
    pub rate: f64,
}

impl Default for ClockConfig {
    fn default() -> ClockConfig {
        ClockConfig {
            mode: ClockConfig::MODES[0],
            rate: 1.0,
        }
    }
}

impl ClockConfig {
    /// The words of the file. A recording leads the clock only when somebody plays it.
    pub(crate) const MODES: [&str; 3] = ["real", "scaled", "stepped"];

    /// How the time goes.
    pub fn mode(&self) -> ClockMode {
        match self.mode {
            "scaled" => ClockMode::Scaled(self.rate),
            "stepped" => ClockMode::Stepped,
            _ => ClockMode::Real,
        }
    }
}
