//! The tree of operations becomes the flat form: contacts into graphs, everything else one after the other.

use super::resolve::{Node, Resolved};
use crate::flat::{Coil, CoilMasks, Contact, FALSE, Flat, Op, RungSpan, Stream, TRUE, Test};

/// Lays out a program in both forms.
pub(super) fn flat(resolved: &Resolved) -> Flat {
    let mut flat = Flat {
        word_ops: resolved.word_ops.clone(),
        debounce_us: resolved.debounce_us.clone(),
        ..Flat::default()
    };
    for rung in &resolved.rungs {
        let lead = contacts_ahead(rung);
        let (behind, coil) = match rung[lead..].split_last() {
            Some((last, before)) if coil(last).is_some() => (before, coil(last)),
            _ => (&rung[lead..], None),
        };
        let lead = lead_test(&rung[..lead], &mut flat);
        let start = flat.plain.ops.len() as u32;
        plain_path(behind, &mut flat);
        let end = flat.plain.ops.len() as u32;
        flat.plain.rungs.push(RungSpan {
            lead,
            start,
            end,
            coil: coil.map_or(CoilMasks::NONE, Coil::masks),
        });
        let start = flat.traced.ops.len() as u32;
        traced_path(rung, &mut flat.traced);
        let end = flat.traced.ops.len() as u32;
        flat.traced.rungs.push(RungSpan {
            lead: Test::PASSES,
            start,
            end,
            coil: CoilMasks::NONE,
        });
    }
    flat
}

fn traced_path(nodes: &[Node], stream: &mut Stream) {
    for node in nodes {
        match node {
            Node::Instruction { number, ops } => {
                stream.ops.extend(ops);
                stream.completes.resize(stream.ops.len() - 1, None);
                stream.completes.push(Some(*number));
            }
            Node::Branch(paths) => {
                for (at, path) in paths.iter().enumerate() {
                    stream.ops.push(if at == 0 { Op::OpenBranch } else { Op::NextPath });
                    traced_path(path, stream);
                }
                stream.ops.push(Op::CloseBranch);
            }
        }
        stream.completes.resize(stream.ops.len(), None);
    }
}

fn plain_path(nodes: &[Node], flat: &mut Flat) {
    let mut rest = nodes;
    while let Some((first, behind)) = rest.split_first() {
        let run = contacts_ahead(rest);
        if run > 0 {
            let graph = graph(&rest[..run], flat);
            flat.plain.ops.extend(graph.map(Op::Graph));
            rest = &rest[run..];
            continue;
        }
        match first {
            Node::Instruction { ops, .. } => flat.plain.ops.extend(ops),
            Node::Branch(paths) => {
                for (at, path) in paths.iter().enumerate() {
                    flat.plain.ops.push(if at == 0 { Op::OpenBranch } else { Op::NextPath });
                    plain_path(path, flat);
                }
                flat.plain.ops.push(Op::CloseBranch);
            }
        }
        rest = behind;
    }
}

fn coil(node: &Node) -> Option<Coil> {
    match node {
        Node::Instruction { ops, .. } => match ops.as_slice() {
            [Op::Coil(coil)] => Some(*coil),
            _ => None,
        },
        Node::Branch(_) => None,
    }
}

/// How many elements at the front are nothing but contacts.
fn contacts_ahead(nodes: &[Node]) -> usize {
    nodes.iter().take_while(|node| is_contacts(node)).count()
}

fn is_contacts(node: &Node) -> bool {
    match node {
        Node::Instruction { ops, .. } => matches!(ops.as_slice(), [Op::Contact(_)]),
        Node::Branch(paths) => paths.iter().flatten().all(is_contacts),
    }
}

/// Where a walk through a graph goes on. Nodes are counted from the end of the graph, because it is built backwards.
#[derive(Clone, Copy)]
enum Goal {
    True,
    False,
    Node(usize),
}

/// Appends the graph of a run of contacts but for its first node, which is handed out.
fn lead_test(run: &[Node], flat: &mut Flat) -> Test {
    let Some(first) = graph(run, flat) else {
        return Test::PASSES;
    };
    // No walk comes back to the first node; it is left where it is, so that all others keep their numbers.
    flat.nodes[first as usize]
}

/// Appends the graph of a run of contacts; its first node, or `None` when the run conducts always.
fn graph(run: &[Node], flat: &mut Flat) -> Option<u32> {
    let mut backwards = Vec::new();
    // Where the walk begins; without a node to begin at, the run conducts always and needs no graph.
    let Goal::Node(entry) = series(run, Goal::True, Goal::False, &mut backwards) else {
        return None;
    };
    // What lies before the entry is beside an empty path: no walk reaches it.
    backwards.truncate(entry + 1);
    let first = flat.nodes.len() as u32;
    let last = first + entry as u32;
    let index = |goal| match goal {
        Goal::True => TRUE,
        Goal::False => FALSE,
        Goal::Node(from_end) => last - from_end as u32,
    };
    flat.nodes.extend(
        backwards
            .iter()
            .rev()
            .map(|(contact, when_true, when_false)| contact.test(index(*when_true), index(*when_false))),
    );
    Some(first)
}

/// Adds elements in series, the last first; where the walk enters them.
fn series(run: &[Node], when_true: Goal, when_false: Goal, backwards: &mut Vec<(Contact, Goal, Goal)>) -> Goal {
    let mut entry = when_true;
    for node in run.iter().rev() {
        entry = match node {
            Node::Branch(paths) => {
                let mut next = when_false;
                for path in paths.iter().rev() {
                    next = series(path, entry, next, backwards);
                }
                next
            }
            Node::Instruction { ops, .. } => match ops.as_slice() {
                [Op::Contact(contact)] => {
                    backwards.push((*contact, entry, when_false));
                    Goal::Node(backwards.len() - 1)
                }
                // Runs hold nothing else.
                _ => entry,
            },
        };
    }
    entry
}
