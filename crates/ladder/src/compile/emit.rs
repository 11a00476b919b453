//! The tree of operations becomes the flat form: contacts into graphs, everything else one after the other.

use super::resolve::{Node, Resolved};
use crate::flat::{Contact, FALSE, Flat, MAX_GRAPH_NODES, Op, Stream, TRUE, Test};

/// Lays out a program in both forms.
pub(super) fn flat(resolved: &Resolved) -> Flat {
    let mut flat = Flat {
        word_ops: resolved.word_ops.clone(),
        debounce_us: resolved.debounce_us.clone(),
        ..Flat::default()
    };
    for rung in &resolved.rungs {
        let start = flat.plain.ops.len() as u32;
        plain_path(rung, &mut flat);
        flat.plain.rungs.push(start..flat.plain.ops.len() as u32);
        let start = flat.traced.ops.len() as u32;
        traced_path(rung, &mut flat.traced);
        flat.traced.rungs.push(start..flat.traced.ops.len() as u32);
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
            graph(&rest[..run], flat);
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

/// How many elements at the front are nothing but contacts, and fit into one graph.
fn contacts_ahead(nodes: &[Node]) -> usize {
    let mut total = 0;
    let fits = |node: &&Node| {
        total += contacts(node).unwrap_or(MAX_GRAPH_NODES);
        total < MAX_GRAPH_NODES
    };
    nodes.iter().take_while(fits).count()
}

/// How many contacts an element consists of; `None` when it has anything else in it.
fn contacts(node: &Node) -> Option<usize> {
    match node {
        Node::Instruction { ops, .. } => matches!(ops.as_slice(), [Op::Contact(_)]).then_some(1),
        Node::Branch(paths) => paths.iter().flatten().map(contacts).sum(),
    }
}

/// Where a walk through a graph goes on. Nodes are counted from the end of the graph, because it is built backwards.
#[derive(Clone, Copy)]
enum Goal {
    True,
    False,
    Node(usize),
}

/// Appends the graph of a run of contacts, and the operation that walks it.
fn graph(run: &[Node], flat: &mut Flat) {
    let mut backwards = Vec::new();
    // Where the walk begins; without a node to begin at, the run conducts always and needs no graph.
    let Goal::Node(entry) = series(run, Goal::True, Goal::False, &mut backwards) else {
        return;
    };
    // What lies before the entry is beside an empty path: no walk reaches it.
    backwards.truncate(entry + 1);
    let count = backwards.len();
    let from_front = |goal| match goal {
        Goal::True => TRUE,
        Goal::False => FALSE,
        Goal::Node(from_end) => (count - 1 - from_end) as u16,
    };
    flat.plain.ops.push(Op::Graph(flat.nodes.len() as u32));
    flat.nodes
        .extend(backwards.iter().rev().map(|(contact, when_true, when_false)| Test {
            contact: *contact,
            when_true: from_front(*when_true),
            when_false: from_front(*when_false),
        }));
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
