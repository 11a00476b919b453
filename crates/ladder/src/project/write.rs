//! A project becomes XML, in the spelling of version 3.2.

use super::kept::below;
use super::read::{
    HMI_PATH, METADATA, METADATA_TEXTS, PROGRAMS, REMOTE_CONNECTION, REMOTE_TEXTS, ROOT, SECTIONS, SYMBOL_TABLE,
    WATCH_ENTRY, WATCH_LIST,
};
use super::xml::{XmlElement, XmlNode};
use super::{Kept, Project};
use crate::instruction::{DecoratorKind, InstructionKind, OperandRole, OperandSpec};
use crate::program::{Branch, Decorator, Element, Instruction, Operand, OperandValue, Rung};

/// The root element of a project.
pub(super) fn project(project: &Project) -> XmlElement {
    let kept = &project.kept;
    let root = XmlElement::new(ROOT).with("version", project.version.to_string());
    let metadata = [&project.name, &project.description];
    let mut sections = vec![
        (METADATA, texts(kept, METADATA, &METADATA_TEXTS, metadata)),
        (SYMBOL_TABLE, symbols(project)),
        (PROGRAMS, programs(project)),
    ];
    if !project.watch_list.is_empty() || kept.has(&[WATCH_LIST as u32]) {
        sections.push((WATCH_LIST, watch_list(project)));
    }
    if let Some(remote) = &project.remote {
        let values = [&remote.host, &remote.port, &remote.context_id, &remote.context_name];
        sections.push((REMOTE_CONNECTION, texts(kept, REMOTE_CONNECTION, &REMOTE_TEXTS, values)));
    }
    if let Some(path) = &project.hmi_path {
        sections.push((HMI_PATH, text(kept, &[HMI_PATH as u32], SECTIONS[HMI_PATH][0], path)));
    }
    kept.complete(&[], root, sections)
}

/// A section of texts, those that are there.
fn texts<const N: usize>(
    kept: &Kept,
    section: usize,
    names: &[&[&str]; N],
    values: [&Option<String>; N],
) -> XmlElement {
    let path = [section as u32];
    let values = values.into_iter().enumerate().filter_map(|(number, value)| {
        let value = value.as_ref()?;
        Some((number, text(kept, &below(&path, number), names[number][0], value)))
    });
    kept.complete(&path, XmlElement::new(SECTIONS[section][0]), values)
}

fn text(kept: &Kept, path: &[u32], name: &str, value: &str) -> XmlElement {
    let mut element = kept.complete(path, XmlElement::new(name), []);
    if !value.is_empty() {
        element.children.insert(0, XmlNode::Text(value.to_owned()));
    }
    element
}

fn symbols(project: &Project) -> XmlElement {
    let (kept, path) = (&project.kept, [SYMBOL_TABLE as u32]);
    let entries = project.program.symbols.iter().enumerate().map(|(number, entry)| {
        let element = XmlElement::new("Symbol")
            .with("name", entry.name.as_str())
            .with("address", entry.address.to_string())
            .with_text("type", &entry.data_type)
            .with_text("description", &entry.description);
        (number, kept.complete(&below(&path, number), element, []))
    });
    kept.complete(&path, XmlElement::new(SECTIONS[SYMBOL_TABLE][0]), entries)
}

fn programs(project: &Project) -> XmlElement {
    let (kept, path) = (&project.kept, [PROGRAMS as u32]);
    let program_path = below(&path, 0);
    let rungs_path = below(&program_path, 0);
    let rungs = project.program.rungs.iter().enumerate();
    let rungs = rungs.map(|(number, line)| (number, rung(kept, &below(&rungs_path, number), number, line)));
    let rungs = kept.complete(&rungs_path, XmlElement::new("Rungs"), rungs);
    let program = XmlElement::new("Program")
        .with("name", project.program.name.as_str())
        .with("type", project.program_type.as_str());
    let program = kept.complete(&program_path, program, [(0, rungs)]);
    kept.complete(&path, XmlElement::new(SECTIONS[PROGRAMS][0]), [(0, program)])
}

fn watch_list(project: &Project) -> XmlElement {
    let (kept, path) = (&project.kept, [WATCH_LIST as u32]);
    let entries = project.watch_list.iter().enumerate().map(|(number, address)| {
        let element = XmlElement::new(WATCH_ENTRY[0]).with("address", address.as_str());
        (number, kept.complete(&below(&path, number), element, []))
    });
    kept.complete(&path, XmlElement::new(SECTIONS[WATCH_LIST][0]), entries)
}

fn rung(kept: &Kept, path: &[u32], number: usize, rung: &Rung) -> XmlElement {
    let element = XmlElement::new("Rung")
        .with("id", number.to_string())
        .with("number", number.to_string())
        .with_text("title", &rung.title)
        .with_text("comment", &rung.comment);
    kept.complete(path, element, elements(kept, path, &rung.elements))
}

fn elements(kept: &Kept, path: &[u32], elements: &[Element]) -> Vec<(usize, XmlElement)> {
    let numbered = elements.iter().enumerate();
    let written = numbered.map(|(number, element)| {
        let path = below(path, number);
        let element = match element {
            Element::Instruction(element) => instruction(kept, &path, element),
            Element::Branch(element) => branch(kept, &path, element),
        };
        (number, element)
    });
    written.collect()
}

fn branch(kept: &Kept, path: &[u32], branch: &Branch) -> XmlElement {
    let paths = branch.paths.iter().enumerate().map(|(number, inner)| {
        let path = below(path, number);
        let element = kept.complete(&path, XmlElement::new("Path"), elements(kept, &path, inner));
        (number, element)
    });
    kept.complete(path, XmlElement::new("Branch"), paths)
}

fn instruction(kept: &Kept, path: &[u32], instruction: &Instruction) -> XmlElement {
    let kind = instruction.kind;
    let mut element = XmlElement::new("Instruction")
        .with("type", kind.mnemonic())
        .with("column", instruction.column.to_string());
    let mut operands: Vec<_> = kind.operands().iter().zip(&instruction.operands).collect();
    if kind == InstructionKind::Scl && operands.len() == kind.operands().len() {
        // In a file the destination stands behind the source.
        operands[1..].rotate_right(1);
    }
    for (spec, operand) in operands {
        let is_optional = spec.role == OperandRole::Control;
        if !is_optional || operand.value != OperandValue::Missing {
            element = with_operand(element, spec, operand);
        }
    }
    let decorators_path = below(path, 0);
    let has_decorators = !instruction.decorators.is_empty() || kept.has(&decorators_path);
    let decorators = has_decorators.then(|| {
        let numbered = instruction.decorators.iter().enumerate();
        let written =
            numbered.map(|(number, inner)| (number, decorator(kept, &below(&decorators_path, number), inner)));
        (
            0,
            kept.complete(&decorators_path, XmlElement::new("Decorators"), written),
        )
    });
    kept.complete(path, element, decorators)
}

fn decorator(kept: &Kept, path: &[u32], decorator: &Decorator) -> XmlElement {
    let name = match decorator.kind {
        DecoratorKind::Debounce => "Debounce",
        DecoratorKind::Counter => "Counter",
        kind => kind.name(),
    };
    let mut element = XmlElement::new("Decorator").with("type", name);
    for (spec, operand) in decorator.kind.operands().iter().zip(&decorator.operands) {
        element = with_operand(element, spec, operand);
    }
    kept.complete(path, element, [])
}

fn with_operand(element: XmlElement, spec: &OperandSpec, operand: &Operand) -> XmlElement {
    element.with(
        spec.name,
        match &operand.value {
            OperandValue::Missing => String::new(),
            OperandValue::Number(number) => number.to_string(),
            OperandValue::Address(address) => address.to_string(),
            OperandValue::Symbol(name) => name.as_str().to_owned(),
            OperandValue::Unreadable(text) => text.clone(),
        },
    )
}
