//! Rungs: XML becomes branches, instructions, decorators and operands.

use roxmltree::Node;

use super::kept::below;
use super::reader::{Reader, attribute, name_of, shown};
use crate::instruction::{DecoratorKind, InstructionKind, OperandRole, OperandSpec};
use crate::program::{Branch, Decorator, Element, Instruction, MAX_BRANCH_DEPTH, Operand, OperandValue, Rung};

/// The elements that carry logic. One of them in a wrong place is refused: ignored, it would change what the program does.
const LOGIC: [&str; 6] = ["Rung", "Branch", "Path", "Instruction", "Decorators", "Decorator"];
/// What stands in a rung or a path.
const ELEMENTS: [&str; 2] = ["Instruction", "Branch"];

impl Reader<'_> {
    /// Refuses logic that stands where nothing would look for it.
    pub(super) fn misplaced(&mut self, node: Node<'_, '_>, expected: &[&str]) {
        for child in node.children() {
            let name = name_of(child);
            if LOGIC.contains(&name) && !expected.contains(&name) {
                let parent = name_of(node);
                let text = match expected {
                    [] => format!("expected nothing in `{parent}`, got `{name}`"),
                    expected => format!("expected `{}` in `{parent}`, got `{name}`", expected.join("` or `")),
                };
                self.problem(self.place(child), text);
            }
        }
    }

    pub(super) fn rung(&mut self, node: Node<'_, '_>, number: usize, path: &[u32]) -> Rung {
        self.rung = Some(number as u32);
        // The numbers are those of the order (PL-50), whatever the file says.
        self.attributes(node, path, &["id", "number", "title", "comment"]);
        let text = |name| node.attribute(name).unwrap_or_default().to_owned();
        let rung = Rung {
            title: text("title"),
            comment: text("comment"),
            elements: self.elements(node, path, 0),
            place: Some(self.place(node)),
        };
        self.rung = None;
        rung
    }

    fn elements(&mut self, node: Node<'_, '_>, path: &[u32], depth: usize) -> Vec<Element> {
        self.misplaced(node, &ELEMENTS);
        let mut elements = Vec::new();
        for (number, child) in self.list(node, path, &ELEMENTS).into_iter().enumerate() {
            let path = below(path, number);
            if name_of(child) == "Branch" {
                elements.extend(self.branch(child, &path, depth).map(Element::Branch));
            } else {
                elements.extend(self.instruction(child, &path).map(Element::Instruction));
            }
        }
        elements
    }

    fn branch(&mut self, node: Node<'_, '_>, path: &[u32], depth: usize) -> Option<Branch> {
        if depth >= MAX_BRANCH_DEPTH {
            let text = format!("expected at most {MAX_BRANCH_DEPTH} branches in each other");
            self.problem(self.place(node), text);
            return None;
        }
        self.attributes(node, path, &[]);
        self.misplaced(node, &["Path"]);
        let mut paths = Vec::new();
        for (number, child) in self.list(node, path, &["Path"]).into_iter().enumerate() {
            let path = below(path, number);
            self.attributes(child, &path, &[]);
            paths.push(self.elements(child, &path, depth + 1));
        }
        Some(Branch {
            paths,
            place: Some(self.place(node)),
        })
    }

    fn instruction(&mut self, node: Node<'_, '_>, path: &[u32]) -> Option<Instruction> {
        // A column that is no number is layout that got lost; the original takes 0 too.
        let column = attribute(node, "column")
            .and_then(|text| text.parse().ok())
            .unwrap_or(0);
        let decorators = self.decorators(node, column, path);
        let Some(name) = attribute(node, "type").filter(|name| !name.is_empty()) else {
            self.problem_in(
                column,
                self.place(node),
                "expected `type` such as `XIC` in `Instruction`",
            );
            return None;
        };
        let kind = match InstructionKind::parse(name) {
            Ok(kind) => kind,
            Err(error) => {
                self.problem_in(column, self.place_of(node, "type"), error.to_string());
                return None;
            }
        };
        let specs = kind.operands();
        let known: Vec<&str> = specs.iter().map(|spec| spec.name).chain(["type", "column"]).collect();
        self.attributes(node, path, &known);
        Some(Instruction {
            kind,
            operands: specs.iter().map(|spec| self.operand(node, spec, 0)).collect(),
            decorators,
            column,
            place: Some(self.place(node)),
        })
    }

    fn decorators(&mut self, node: Node<'_, '_>, column: u32, path: &[u32]) -> Vec<Decorator> {
        self.misplaced(node, &["Decorators"]);
        let mut decorators = Vec::new();
        for (_, list) in self.sections(node, path, &[&["Decorators"]]) {
            let path = below(path, 0);
            self.attributes(list, &path, &[]);
            self.misplaced(list, &["Decorator"]);
            for (number, child) in self.list(list, &path, &["Decorator"]).into_iter().enumerate() {
                decorators.extend(self.decorator(child, column, &below(&path, number)));
            }
            if decorators.is_empty() {
                self.kept.note(&path);
            }
        }
        decorators
    }

    fn decorator(&mut self, node: Node<'_, '_>, column: u32, path: &[u32]) -> Option<Decorator> {
        self.misplaced(node, &[]);
        self.list(node, path, &[]);
        let Some(name) = attribute(node, "type").filter(|name| !name.is_empty()) else {
            self.problem_in(column, self.place(node), "expected `type` such as `TON` in `Decorator`");
            return None;
        };
        let Some(kind) = DecoratorKind::parse(name) else {
            let expected = "expected a decorator: TON, TOF, OSR, OSF, DEBOUNCE or COUNTER";
            let text = format!("{expected}, got `{}`", shown(name));
            self.problem_in(column, self.place_of(node, "type"), text);
            return None;
        };
        let specs = kind.operands();
        let known: Vec<&str> = specs.iter().map(|spec| spec.name).chain(["type"]).collect();
        self.attributes(node, path, &known);
        let preset = i32::from(kind == DecoratorKind::Counter);
        Some(Decorator {
            kind,
            operands: specs.iter().map(|spec| self.operand(node, spec, preset)).collect(),
            place: Some(self.place(node)),
        })
    }

    /// An operand from its attribute. A preset that is not written is `preset`, as in the original.
    fn operand(&self, node: Node<'_, '_>, spec: &OperandSpec, preset: i32) -> Operand {
        let is_preset = matches!(spec.role, OperandRole::TimerPreset | OperandRole::CounterPreset);
        let value = match OperandValue::parse(attribute(node, spec.name).unwrap_or_default()) {
            OperandValue::Missing if is_preset => OperandValue::Number(preset),
            value => value,
        };
        Operand {
            value,
            place: Some(self.place_of(node, spec.name)),
        }
    }
}
