//! A program as a page draws it: rungs with branches, instructions and operands, each instruction with its number.

use crosstie_hub::api::plc::ProgramRow;
use crosstie_ladder::Symbol;
use crosstie_ladder::instruction::OperandSpec;
use crosstie_ladder::program::{self as ladder, OperandValue, SymbolMap};
use crosstie_ladder::text;
use serde::Serialize;
use utoipa::ToSchema;

use super::rows::{DiagnosticRow, diagnostics};

/// A program with everything.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Drawing {
    /// Name of its context.
    context: String,
    /// Its name, may be empty.
    name: String,
    /// Another number is another program.
    number: u64,
    /// Who loaded it.
    by: String,
    /// Hub time of that, in milliseconds.
    loaded_at_ms: u64,
    /// The names of addresses.
    symbols: Vec<SymbolRow>,
    /// What is doubtful in it; none of it keeps it from running.
    diagnostics: Vec<DiagnosticRow>,
    /// The rungs, executed in this order.
    rungs: Vec<Rung>,
}

/// A name for an address.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct SymbolRow {
    /// The name.
    name: String,
    /// What it stands for.
    address: String,
    /// The type as the document says it; it decides nothing.
    r#type: String,
    /// What it is, for people.
    description: String,
}

/// One rung.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Rung {
    /// Its heading, may be empty.
    title: String,
    /// What it is for, may be empty.
    comment: String,
    /// Its logic in the text form, from `SOR` to `EOR`.
    text: String,
    /// What stands in it, from left to right.
    elements: Vec<Element>,
}

/// What stands in a rung or in a path of a branch.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Element {
    /// One instruction.
    Instruction(Instruction),
    /// Paths beside each other, from top to bottom.
    Branch {
        /// What stands in each path; an empty one conducts.
        #[schema(no_recursion)]
        branch: Vec<Vec<Element>>,
    },
}

/// An instruction with its operands.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Instruction {
    /// Its number in the order of execution, through all rungs: its bit in the power flow.
    instruction: usize,
    /// Its mnemonic.
    #[schema(example = "XIC")]
    r#type: &'static str,
    /// Where an editor draws it.
    column: u32,
    /// The operands, in the order of the text form.
    operands: Vec<Operand>,
    /// What changes the result of a contact, in the order of execution.
    decorators: Vec<Decorator>,
}

/// What changes the result of a contact.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Decorator {
    /// Its name.
    #[schema(example = "TON")]
    r#type: &'static str,
    /// The operands.
    operands: Vec<Operand>,
}

/// One operand.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Operand {
    /// What it is to the instruction.
    #[schema(example = "sourceA")]
    role: &'static str,
    /// As it was written; empty when it was left out.
    text: String,
    /// The address that it means; null when it means none.
    address: Option<String>,
}

impl Drawing {
    /// Takes as long as the program is large.
    pub(super) fn new(row: &ProgramRow) -> Drawing {
        let logic = &*row.program.logic;
        let mut numbering = Numbering {
            symbols: logic.symbol_map(),
            next: 0,
        };
        let rungs = logic.rungs.iter().map(|rung| Rung {
            title: rung.title.clone(),
            comment: rung.comment.clone(),
            text: text::rung(rung),
            elements: numbering.elements(&rung.elements),
        });
        let rungs = rungs.collect();
        Drawing {
            context: row.context.clone(),
            name: row.summary.name.clone(),
            number: row.summary.number,
            by: row.summary.by.clone(),
            loaded_at_ms: row.summary.loaded_at.as_millis(),
            symbols: logic.symbols.iter().map(SymbolRow::from).collect(),
            diagnostics: diagnostics(&row.program.diagnostics),
            rungs,
        }
    }
}

impl From<&ladder::SymbolEntry> for SymbolRow {
    fn from(entry: &ladder::SymbolEntry) -> SymbolRow {
        SymbolRow {
            name: entry.name.as_str().to_owned(),
            address: entry.address.to_string(),
            r#type: entry.data_type.clone(),
            description: entry.description.clone(),
        }
    }
}

/// Counts instructions in the order of the document, which is the order of execution.
struct Numbering<'a> {
    symbols: SymbolMap<'a>,
    next: usize,
}

impl Numbering<'_> {
    fn elements(&mut self, elements: &[ladder::Element]) -> Vec<Element> {
        let drawn = elements.iter().map(|element| match element {
            ladder::Element::Instruction(instruction) => Element::Instruction(self.instruction(instruction)),
            ladder::Element::Branch(branch) => Element::Branch {
                branch: branch.paths.iter().map(|path| self.elements(path)).collect(),
            },
        });
        drawn.collect()
    }

    fn instruction(&mut self, drawn: &ladder::Instruction) -> Instruction {
        let instruction = self.next;
        self.next += 1;
        let decorators = drawn.decorators.iter().map(|decorator| Decorator {
            r#type: decorator.kind.name(),
            operands: self.operands(decorator.kind.operands(), &decorator.operands),
        });
        Instruction {
            instruction,
            r#type: drawn.kind.mnemonic(),
            column: drawn.column,
            operands: self.operands(drawn.kind.operands(), &drawn.operands),
            decorators: decorators.collect(),
        }
    }

    fn operands(&self, specs: &[OperandSpec], operands: &[ladder::Operand]) -> Vec<Operand> {
        let both = specs.iter().zip(operands);
        let drawn = both.map(|(spec, operand)| Operand {
            role: spec.name,
            text: written(&operand.value),
            address: operand.address(&self.symbols).map(|address| address.to_string()),
        });
        drawn.collect()
    }
}

fn written(value: &OperandValue) -> String {
    match value {
        OperandValue::Missing => String::new(),
        OperandValue::Number(number) => number.to_string(),
        OperandValue::Address(address) => address.to_string(),
        OperandValue::Symbol(symbol) => Symbol::as_str(symbol).to_owned(),
        OperandValue::Unreadable(text) => text.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crosstie_hub::Time;
    use crosstie_hub::api::plc::ProgramSummary;
    use crosstie_hub::plc::Program;
    use serde_json::{Value, json};
    use std::sync::Arc;

    fn drawn(document: &str) -> Value {
        let program = Program::read(document).unwrap();
        let summary = ProgramSummary {
            name: program.logic.name.clone(),
            number: 3,
            rungs: program.compiled.rungs(),
            instructions: program.compiled.instructions(),
            diagnostics: program.diagnostics.len(),
            by: String::from("somebody"),
            loaded_at: Time::from_millis(12),
        };
        let row = ProgramRow {
            context: String::from("line"),
            summary,
            program: Arc::new(program),
        };
        serde_json::to_value(Drawing::new(&row)).unwrap()
    }

    /// The mnemonics by their numbers.
    fn numbered(elements: &Value, found: &mut Vec<(u64, String)>) {
        for element in elements.as_array().unwrap() {
            match element["branch"].as_array() {
                Some(paths) => paths.iter().for_each(|path| numbered(path, found)),
                None => found.push((
                    element["instruction"].as_u64().unwrap(),
                    element["type"].as_str().unwrap().to_owned(),
                )),
            }
        }
    }

    #[test]
    fn instructions_are_numbered_as_the_power_flow_counts_them() {
        let document = "SOR BST XIC I:0/0 NXB XIC O:0/0 NXB BND XIO I:0/1 TON T:0 500 OTE O:0/0 EOR\nSOR GRT N:0 5 OTL B:0/1 EOR\n";
        let program = drawn(document);
        let mut found = Vec::new();
        for rung in program["rungs"].as_array().unwrap() {
            numbered(&rung["elements"], &mut found);
        }
        let logic = Program::read(document).unwrap().logic;
        let instructions = logic.instructions();
        let expected = instructions
            .into_iter()
            .enumerate()
            .map(|(number, (_, instruction))| (number as u64, instruction.kind.mnemonic().to_owned()));
        assert_eq!(found, expected.collect::<Vec<_>>());
        assert_eq!(program["rungs"][0]["elements"][0]["branch"][2], json!([]));
    }

    #[test]
    fn operands_are_shown_as_written_with_what_they_mean() {
        let program = drawn(
            "PROGRAM \"Bottling\"\nSYM Start I:0/0 BOOL \"the button\"\nRUNG \"Motor\" \"runs\"\n\
             SOR XIC Start {TON T:3 100} BSL N:1 1 N:2 ? OTE O:0/1 EOR\n",
        );
        assert_eq!(program["name"], "Bottling");
        assert_eq!(
            program["symbols"],
            json!([{"name":"Start","address":"I:0/0","type":"BOOL","description":"the button"}])
        );
        let rung = &program["rungs"][0];
        assert_eq!([&rung["title"], &rung["comment"]], [&json!("Motor"), &json!("runs")]);
        assert_eq!(
            rung["text"],
            "SOR XIC Start {TON T:3 100} BSL N:1 1 N:2 ? OTE O:0/1 EOR"
        );
        assert_eq!(
            rung["elements"][0],
            json!({"instruction":0,"type":"XIC","column":0,
                   "operands":[{"role":"address","text":"Start","address":"I:0/0"}],
                   "decorators":[{"type":"TON","operands":[{"role":"address","text":"T:3","address":"T:3"},
                                                           {"role":"preset","text":"100","address":null}]}]})
        );
        let shift = &rung["elements"][1]["operands"];
        assert_eq!(shift[1], json!({"role":"sourceB","text":"1","address":null}));
        assert_eq!(shift[3], json!({"role":"ctrl","text":"","address":null}));
    }
}
