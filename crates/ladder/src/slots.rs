//! Timers and counters for decorators that name none (PL-64).

use crate::address::{Address, COUNTERS, Symbol, TIMERS};
use crate::instruction::DecoratorKind;
use crate::program::{Element, Operand, OperandValue, Program, SymbolEntry, visit_mut};

/// Gives every TON, TOF and COUNTER decorator without a slot the lowest timer or counter that nobody uses, and enters it in the
/// symbols as `DEC_TON_n`, `DEC_TOF_n` or `DEC_CTR_n`. When none is left the slot stays missing, and compiling says so.
pub fn assign_slots(program: &mut Program) {
    let mut used = Used::of(program);
    let mut entries = Vec::new();
    for rung in &mut program.rungs {
        visit_mut(&mut rung.elements, &mut |element| {
            let Element::Instruction(instruction) = element else {
                return;
            };
            for decorator in &mut instruction.decorators {
                let (prefix, data_type) = match decorator.kind {
                    DecoratorKind::Ton => ("DEC_TON", "TIMER"),
                    DecoratorKind::Tof => ("DEC_TOF", "TIMER"),
                    DecoratorKind::Counter => ("DEC_CTR", "COUNTER"),
                    DecoratorKind::Osr | DecoratorKind::Osf | DecoratorKind::Debounce => continue,
                };
                let Some(Operand {
                    value: slot @ OperandValue::Missing,
                    ..
                }) = decorator.operands.first_mut()
                else {
                    continue;
                };
                let Some((address, number)) = used.take(decorator.kind) else {
                    continue;
                };
                *slot = OperandValue::Address(address);
                let name = Symbol::new(&format!("{prefix}_{number}"));
                entries.extend(name.map(|name| SymbolEntry {
                    name,
                    address,
                    data_type: data_type.to_owned(),
                    description: "Auto-created for decorator".to_owned(),
                    place: None,
                }));
            }
        });
    }
    for entry in entries {
        // A person may have given the name to something else; the slot works without it.
        if program.symbol(&entry.name).is_none() {
            program.symbols.push(entry);
        }
    }
}

/// Which timers and counters anybody names.
struct Used {
    timers: [bool; TIMERS],
    counters: [bool; COUNTERS],
}

impl Used {
    fn of(program: &Program) -> Used {
        let mut used = Used {
            timers: [false; TIMERS],
            counters: [false; COUNTERS],
        };
        for entry in &program.symbols {
            used.mark(entry.address);
        }
        for (_, instruction) in program.instructions() {
            let decorators = instruction.decorators.iter().flat_map(|decorator| &decorator.operands);
            for operand in instruction.operands.iter().chain(decorators) {
                if let OperandValue::Address(address) = operand.value {
                    used.mark(address);
                }
            }
        }
        used
    }

    fn mark(&mut self, address: Address) {
        match address {
            Address::Timer { timer } | Address::TimerMember { timer, .. } => self.timers[usize::from(timer)] = true,
            Address::Counter { counter } | Address::CounterMember { counter, .. } => {
                self.counters[usize::from(counter)] = true;
            }
            Address::Word { .. } | Address::Bit { .. } => {}
        }
    }

    fn take(&mut self, kind: DecoratorKind) -> Option<(Address, u8)> {
        let is_counter = kind == DecoratorKind::Counter;
        let slots = if is_counter {
            &mut self.counters[..]
        } else {
            &mut self.timers[..]
        };
        let free = slots.iter().position(|is_used| !is_used)?;
        slots[free] = true;
        let number = free as u8;
        let address = if is_counter {
            Address::Counter { counter: number }
        } else {
            Address::Timer { timer: number }
        };
        Some((address, number))
    }
}
