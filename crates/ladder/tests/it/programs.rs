//! Random programs of every instruction family, with few addresses, so that instructions meet.

use crosstie_ladder::instruction::{DecoratorKind, InstructionKind, OperandRole, OperandSpec};
use crosstie_ladder::program::{
    Branch, Decorator, Element, Instruction, Operand, OperandValue, Program, Rung, SymbolEntry,
};
use crosstie_ladder::{Address, Symbol};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Addresses that stand behind the symbols of every program.
pub(crate) const SYMBOLS: [(&str, &str); 5] = [
    ("Start", "I:0/1"),
    ("SOR", "B:0/1"),
    ("Level", "N:1"),
    ("Delay", "T:1"),
    ("Parts", "C:1"),
];

pub(crate) const WORDS: [&str; 9] = ["I:0", "I:1", "O:0", "B:0", "B:1", "N:0", "N:1", "N:2", "N:3"];
pub(crate) const SHORTS: [&str; 6] = ["T:0.PRE", "T:0.ACC", "T:1.ACC", "C:0.PRE", "C:0.ACC", "C:1.ACC"];
const OUTPUT_BITS: [&str; 9] = [
    "O:0/0", "O:0/1", "O:0/31", "B:0/0", "B:0/1", "B:1/31", "N:0/0", "I:0/2", "O:0/7",
];
const FLAGS: [&str; 13] = [
    "T:0.EN", "T:0.TT", "T:0.DN", "T:1.EN", "T:1.TT", "T:1.DN", "C:0.DN", "C:0.OV", "C:0.UN", "C:0.CU", "C:0.CD",
    "C:1.DN", "C:1.CU",
];
const INPUT_BITS: [&str; 5] = ["I:0/0", "I:0/1", "I:0/2", "I:1/31", "Start"];

/// Every bit that programs, clients and forces touch.
pub(crate) fn bits() -> impl Strategy<Value = Address> {
    one_of(&[&OUTPUT_BITS, &FLAGS, &INPUT_BITS[..4]]).prop_map(|text| text.parse().unwrap())
}

/// Every word and member.
pub(crate) fn words() -> impl Strategy<Value = Address> {
    one_of(&[&WORDS, &SHORTS]).prop_map(|text| text.parse().unwrap())
}

pub(crate) fn numbers() -> impl Strategy<Value = i32> {
    prop_oneof![
        4 => -3..40_i32,
        1 => any::<i32>(),
        1 => select(vec![i32::MIN, i32::MIN + 1, i32::MAX, 32767, 32768, -32768, -32769]),
    ]
}

fn one_of(lists: &[&[&'static str]]) -> impl Strategy<Value = &'static str> + use<> {
    select(lists.concat())
}

fn operand(spec: &OperandSpec) -> BoxedStrategy<Operand> {
    let text = |lists: &[&[&'static str]]| one_of(lists).prop_map(Operand::parse).boxed();
    let number = |range| {
        numbers_in(range)
            .prop_map(|number| Operand::from(OperandValue::Number(number)))
            .boxed()
    };
    match spec.role {
        OperandRole::Bit => text(&[&INPUT_BITS, &INPUT_BITS, &OUTPUT_BITS, &FLAGS, &["SOR"]]),
        OperandRole::OutputBit => text(&[&OUTPUT_BITS, &["SOR"]]),
        OperandRole::Timer => text(&[&["T:0", "T:1", "Delay"]]),
        OperandRole::Counter => text(&[&["C:0", "C:1", "Parts"]]),
        OperandRole::TimerOrCounter => text(&[&["T:0", "T:1", "C:0", "C:1", "Parts"]]),
        OperandRole::TimerPreset => number(0..60),
        OperandRole::CounterPreset => number(-2..4),
        OperandRole::Number => numbers()
            .prop_map(|number| Operand::from(OperandValue::Number(number)))
            .boxed(),
        OperandRole::Source => prop_oneof![
            text(&[&WORDS, &SHORTS, &["Level", "B:1/3", "N:2/1"]]),
            numbers().prop_map(|number| Operand::from(OperandValue::Number(number))),
        ]
        .boxed(),
        OperandRole::Destination => text(&[&WORDS, &["Level", "B:1/3"]]),
        OperandRole::MoveDestination => text(&[&WORDS, &SHORTS, &["Level"]]),
        OperandRole::Control => text(&[&["B:0", "B:1", "B:1/7", "SOR", ""]]),
    }
}

fn numbers_in(range: std::ops::Range<i32>) -> impl Strategy<Value = i32> {
    prop_oneof![20 => range, 1 => select(vec![-70_000, 32767, 32768, 70_000])]
}

fn operands(specs: &'static [OperandSpec]) -> BoxedStrategy<Vec<Operand>> {
    specs.iter().map(operand).collect::<Vec<_>>().boxed()
}

fn decorator() -> impl Strategy<Value = Decorator> {
    select(DecoratorKind::ALL.to_vec()).prop_flat_map(|kind| {
        operands(kind.operands()).prop_map(move |operands| Decorator {
            kind,
            operands,
            place: None,
        })
    })
}

fn instruction() -> impl Strategy<Value = Instruction> {
    let contacts = vec![InstructionKind::Xic, InstructionKind::Xio];
    let kinds = prop_oneof![1 => select(contacts), 1 => select(InstructionKind::ALL.to_vec())];
    kinds.prop_flat_map(|kind| {
        let decorators = match kind.takes_decorators() {
            true => prop_oneof![3 => Just(Vec::new()), 1 => vec(decorator(), 1..4)].boxed(),
            false => Just(Vec::new()).boxed(),
        };
        (operands(kind.operands()), decorators).prop_map(move |(operands, decorators)| Instruction {
            decorators,
            ..Instruction::new(kind, operands)
        })
    })
}

fn element() -> impl Strategy<Value = Element> {
    instruction()
        .prop_map(Element::Instruction)
        .prop_recursive(3, 24, 3, |inner| {
            let paths = vec(vec(inner, 0..4), 1..4);
            paths.prop_map(|paths| Element::Branch(Branch { paths, place: None }))
        })
}

/// A program of a few rungs; its columns are those that a text gives.
pub(crate) fn program() -> impl Strategy<Value = Program> {
    let title = select(vec!["", "Motor", "say \"hi\"\\\n", "# no remark", "ä\tb"]);
    let rung = (title.clone(), title, vec(element(), 0..6)).prop_map(|(title, comment, elements)| {
        let mut elements = elements;
        number_columns(&mut elements, &mut 0);
        Rung {
            title: title.to_owned(),
            comment: comment.to_owned(),
            elements,
            place: None,
        }
    });
    vec(rung, 1..5).prop_map(|rungs| Program {
        name: "random".to_owned(),
        symbols: symbols(),
        rungs,
    })
}

fn symbols() -> Vec<SymbolEntry> {
    let entry = |(name, address): (&str, &str)| SymbolEntry {
        name: Symbol::new(name).unwrap(),
        address: address.parse().unwrap(),
        data_type: String::new(),
        description: "what it is".to_owned(),
        place: None,
    };
    SYMBOLS.into_iter().map(entry).collect()
}

fn number_columns(elements: &mut [Element], next: &mut u32) {
    for element in elements {
        match element {
            Element::Instruction(instruction) => {
                instruction.column = *next;
                *next += 1;
            }
            Element::Branch(branch) => branch.paths.iter_mut().for_each(|path| number_columns(path, next)),
        }
    }
}
