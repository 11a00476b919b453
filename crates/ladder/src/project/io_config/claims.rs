//! What the devices of a PLC move, and whether two of them want the same (PL-72).
//!
//! A bit of I or a word of N that two devices write would hold now the one and now the other: that is refused when the
//! configurations are taken, with both names. Several devices may carry the same bit of O: they show it in several places.

use std::fmt;

use super::{Direction, IoConfig, IoProvider};
use crate::address::{INTEGER_WORDS, IO_WORDS};

/// The places of the memory that devices move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IoClaims {
    /// Bits of I that devices drive.
    pub inputs: [u32; IO_WORDS],
    /// Bits of O that devices carry.
    pub outputs: [u32; IO_WORDS],
    /// Words of N that devices write.
    pub numbers_in: NumberSet,
    /// Words of N that devices carry.
    pub numbers_out: NumberSet,
}

impl Default for IoClaims {
    /// Nothing.
    fn default() -> IoClaims {
        IoClaims {
            inputs: [0; IO_WORDS],
            outputs: [0; IO_WORDS],
            numbers_in: NumberSet::default(),
            numbers_out: NumberSet::default(),
        }
    }
}

/// Words of N, each there or not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NumberSet([u64; INTEGER_WORDS / 64]);

impl NumberSet {
    /// Whether a word is there.
    pub fn holds(&self, word: u8) -> bool {
        self.0[usize::from(word / 64)] >> (word % 64) & 1 == 1
    }

    /// Puts a word in.
    pub fn add(&mut self, word: u8) {
        self.0[usize::from(word / 64)] |= 1 << (word % 64);
    }

    /// Puts in what another one holds.
    pub fn add_all(&mut self, other: &NumberSet) {
        self.0.iter_mut().zip(other.0).for_each(|(own, other)| *own |= other);
    }

    /// The words, the lowest first.
    pub fn iter(&self) -> impl Iterator<Item = u8> + '_ {
        (0..=u8::MAX).filter(|word| self.holds(*word))
    }

    fn common(&self, other: &NumberSet) -> Option<u8> {
        self.iter().find(|word| other.holds(*word))
    }
}

impl IoClaims {
    /// Takes over what another device moves.
    pub fn add(&mut self, other: &IoClaims) {
        let bits = |own: &mut [u32; IO_WORDS], other: &[u32; IO_WORDS]| {
            own.iter_mut().zip(other).for_each(|(own, other)| *own |= other);
        };
        bits(&mut self.inputs, &other.inputs);
        bits(&mut self.outputs, &other.outputs);
        self.numbers_in.add_all(&other.numbers_in);
        self.numbers_out.add_all(&other.numbers_out);
    }

    /// The inputs that devices write, for people: `I:0/3` for a bit, `I:0` for a whole word, `N:3` for a number.
    pub fn input_places(&self) -> Vec<String> {
        let mut places = Vec::new();
        for (word, bits) in self.inputs.iter().enumerate() {
            match *bits {
                u32::MAX => places.push(format!("I:{word}")),
                bits => places.extend(
                    (0..u32::BITS)
                        .filter(|bit| bits >> bit & 1 == 1)
                        .map(|bit| format!("I:{word}/{bit}")),
                ),
            }
        }
        places.extend(self.numbers_in.iter().map(|word| format!("N:{word}")));
        places
    }

    fn clash(&self, other: &IoClaims) -> Option<String> {
        let mut words = self.inputs.iter().zip(&other.inputs).enumerate();
        let bit = words.find_map(|(word, (a, b))| {
            let both = a & b;
            (both != 0).then(|| format!("I:{word}/{}", both.trailing_zeros()))
        });
        bit.or_else(|| {
            let number = self.numbers_in.common(&other.numbers_in);
            number.map(|word| format!("N:{word}"))
        })
    }
}

/// Two devices want the same, or one wants what excludes itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IoConflict {
    /// The place of the first device in the list.
    pub first: usize,
    /// That of the second; it is the first where one contradicts itself.
    pub second: usize,
    /// What it is about, for people.
    pub text: String,
}

impl fmt::Display for IoConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl IoConfig {
    /// What the provider of this configuration moves.
    pub fn claims(&self) -> IoClaims {
        let mut claims = IoClaims::default();
        let bit = |words: &mut [u32; IO_WORDS], word: u8, bit: u8| words[usize::from(word)] |= 1 << bit;
        match (self.provider, &self.modbus_client) {
            (IoProvider::Gpio, _) => {
                for pin in &self.digital_pins {
                    match pin.direction {
                        Direction::Input => bit(&mut claims.inputs, pin.plc_word, pin.plc_bit),
                        Direction::Output => bit(&mut claims.outputs, pin.plc_word, pin.plc_bit),
                    }
                }
                for channel in &self.analog_channels {
                    match channel.direction {
                        Direction::Input => claims.numbers_in.add(channel.plc_n_word),
                        Direction::Output => claims.numbers_out.add(channel.plc_n_word),
                    }
                }
            }
            (IoProvider::ModbusTcpClient, Some(client)) => {
                let (inputs, coils) = (client.discrete_inputs.iter(), client.coils.iter());
                inputs.for_each(|mapping| bit(&mut claims.inputs, mapping.plc_word, mapping.plc_bit));
                coils.for_each(|mapping| bit(&mut claims.outputs, mapping.plc_word, mapping.plc_bit));
                let (read, written) = (client.input_registers.iter(), client.holding_registers.iter());
                read.for_each(|mapping| claims.numbers_in.add(mapping.plc_n_word));
                written.for_each(|mapping| claims.numbers_out.add(mapping.plc_n_word));
            }
            (IoProvider::Virtual | IoProvider::ModbusTcpClient, _) => {}
        }
        claims
    }
}

/// The first conflict among the devices of one PLC, if there is one.
pub fn io_conflict(configs: &[IoConfig]) -> Option<IoConflict> {
    let claims: Vec<IoClaims> = configs.iter().map(IoConfig::claims).collect();
    let name = |index: usize| configs[index].provider_name();
    for (second, own) in claims.iter().enumerate() {
        for (first, other) in claims.iter().enumerate().take(second + 1) {
            let shared = own.numbers_out.common(&other.numbers_in);
            if let Some(word) = shared.or_else(|| own.numbers_in.common(&other.numbers_out)) {
                let text = match first == second {
                    true => format!(
                        "{} writes N:{word} and carries it too: one word cannot be both",
                        name(first)
                    ),
                    false => format!(
                        "N:{word} is written by one of {} and {} and carried by the other: one word cannot be both",
                        name(first),
                        name(second)
                    ),
                };
                return Some(IoConflict { first, second, text });
            }
            if first == second {
                continue;
            }
            if let Some(place) = own.clash(other) {
                let text = format!("{place} is driven by {} and by {}", name(first), name(second));
                return Some(IoConflict { first, second, text });
            }
            if let Some(what) = same_output(&configs[first], &configs[second]) {
                let text = format!("{} and {} both write {what}", name(first), name(second));
                return Some(IoConflict { first, second, text });
            }
        }
    }
    None
}

/// A line, coil or register of the world that both write.
fn same_output(a: &IoConfig, b: &IoConfig) -> Option<String> {
    match (a.provider, b.provider) {
        (IoProvider::Gpio, IoProvider::Gpio) if a.gpio_chip == b.gpio_chip => {
            let lines = a.digital_pins.iter().map(|pin| pin.gpio_line);
            let mut both = lines.filter(|line| b.digital_pins.iter().any(|pin| pin.gpio_line == *line));
            both.next()
                .map(|line| format!("or read line {line} of {}", a.gpio_chip))
        }
        (IoProvider::ModbusTcpClient, IoProvider::ModbusTcpClient) => {
            let (a, b) = (a.modbus_client.as_ref()?, b.modbus_client.as_ref()?);
            if (&a.host, a.port, a.unit_id) != (&b.host, b.port, b.unit_id) {
                return None;
            }
            let mut coils = a.coils.iter().map(|coil| coil.modbus_addr);
            let coil = coils.find(|addr| b.coils.iter().any(|coil| coil.modbus_addr == *addr));
            let mut registers = a.holding_registers.iter().map(|register| register.modbus_addr);
            let register = registers.find(|addr| {
                let mut theirs = b.holding_registers.iter();
                theirs.any(|register| register.modbus_addr == *addr)
            });
            let coil = coil.map(|addr| format!("coil {addr}"));
            coil.or_else(|| register.map(|addr| format!("holding register {addr}")))
        }
        _ => None,
    }
}
