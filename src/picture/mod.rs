//! The network as a picture: its stages as the model's text has them, with the shapes that flow.

mod bodies;
mod dot;
mod edges;
mod layout;
mod repeats;
mod rows;
mod svg;
mod text;

use std::collections::BTreeMap;

use crate::diagnostics::Span;
use crate::graph::elements::{Elements, unread};
use crate::graph::ops::{BinaryOperator, InputKind, Op};
use crate::graph::shape::Shape;
use crate::graph::state::State;
use crate::graph::{Graph, OriginId, SEVERAL_INPUTS, ValueId};

pub use dot::dot;
pub use svg::svg;

/// What a stage is to the eye.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    Input,
    Stage,
    Target,
    Loss,
}

/// One stage, input, target or loss.
#[derive(Clone, PartialEq, Debug)]
pub struct Shown {
    pub role: Role,
    /// As the model's text has it.
    pub text: String,
    /// The same as it is written in the box, cut where it is long.
    pub lines: Vec<String>,
    /// Its shape for a row, and how many numbers it keeps.
    pub note: String,
    /// The bodies it stands in, the outermost first: parts of its path.
    pub bodies: Vec<String>,
    /// The last part of its path, and where it is written: each use of a shared stage has the same.
    pub own: (String, Span),
}

impl Shown {
    /// Its text uncut, and its note.
    fn whole(&self) -> String {
        if self.note.is_empty() {
            self.text.clone()
        } else {
            format!("{}\n{}", self.text, self.note)
        }
    }
}

/// What flows from one to another, by their places in the picture.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Flow {
    pub from: usize,
    pub to: usize,
}

/// A network's stages in an order in which all flows go forward.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Picture {
    pub name: String,
    pub shown: Vec<Shown>,
    pub flows: Vec<Flow>,
}

impl Picture {
    /// The picture of a network before it is divided into phases. `text` gives what stands at a place of
    /// the model.
    pub fn new(name: &str, graph: &Graph, text: &dyn Fn(Span) -> String) -> Picture {
        let needed = needed(graph);
        let of_targets = of_targets(graph);
        let mut places: BTreeMap<OriginId, usize> = BTreeMap::new();
        let mut last: Vec<ValueId> = Vec::new();
        let mut origins: Vec<OriginId> = Vec::new();
        // How many numbers each keeps; unknown without the table.
        let mut kept: Vec<Option<Elements>> = Vec::new();
        let mut constant: Vec<bool> = Vec::new();
        let mut of_table: Vec<bool> = Vec::new();
        // The earlier one whose parameters it has too.
        let mut shares: Vec<Option<usize>> = Vec::new();
        let mut flows: Vec<Flow> = Vec::new();
        let mut targets: BTreeMap<usize, bool> = BTreeMap::new();
        let mut owners: Vec<Option<usize>> = vec![None; graph.states.len()];
        // The matrices that a batch brings are seen through what is taken of them.
        let sliced = graph.nodes.iter().any(|node| {
            let of = node.operands.first().map(|of| &graph.node(*of).op);
            let targets = of.is_some_and(|op| is_input(op, InputKind::Targets));
            targets && matches!(node.op, Op::Slice { .. })
        });
        let hidden = |op: &Op| {
            matches!(op, Op::Constant(_) | Op::Scalar(_) | Op::State(_))
                || is_input(op, InputKind::Features)
                || sliced && is_input(op, InputKind::Targets)
        };
        for value in graph.values().filter(|value| needed[value.index()]) {
            let node = graph.node(value);
            let is_state = matches!(node.op, Op::State(_));
            if hidden(&node.op) && !is_state {
                continue;
            }
            let place = *places.entry(node.origin).or_insert_with(|| {
                last.push(value);
                origins.push(node.origin);
                kept.push(Some(Elements::default()));
                constant.push(true);
                of_table.push(false);
                shares.push(None);
                last.len() - 1
            });
            if let Op::State(state) = node.op {
                match owners[state.0 as usize] {
                    Some(owner) => shares[place] = Some(owner).filter(|owner| *owner != place),
                    None => {
                        owners[state.0 as usize] = Some(place);
                        kept[place] = with_state(kept[place], graph.state(state));
                    }
                }
                constant[place] = false;
                continue;
            }
            last[place] = value;
            constant[place] &= matches!(node.op, Op::Broadcast { .. });
            let target = of_targets[value.index()];
            targets
                .entry(place)
                .and_modify(|all| *all &= target)
                .or_insert(target);
            // Losses are added up, which is no flow of data.
            let sum = node.op == Op::Binary(BinaryOperator::Add) && node.shape.is_scalar();
            for operand in node.operands.iter().filter(|_| !sum) {
                let from = graph.node(*operand);
                of_table[place] |= is_input(&from.op, InputKind::Features);
                let Some(from_place) = places.get(&from.origin).copied() else {
                    continue;
                };
                if !hidden(&from.op) && from_place != place {
                    let (from, to) = (from_place, place);
                    flows.push(Flow { from, to });
                }
            }
        }
        for (state, origin) in unread(graph) {
            if let Some(place) = places.get(&origin) {
                kept[*place] = with_state(kept[*place], graph.state(state));
            }
        }
        // What is of parameters alone, as a penalty is, comes of the stage that has them.
        let mut entered = vec![false; last.len()];
        flows.iter().for_each(|flow| entered[flow.to] = true);
        for place in 0..last.len() {
            if let (Some(from), false) = (shares[place], entered[place]) {
                flows.push(Flow { from, to: place });
                entered[place] = true;
            }
        }
        flows.sort_unstable();
        flows.dedup();
        let loss = graph.loss.map(|loss| graph.node(loss).origin);
        let shown = (0..last.len()).map(|place| {
            let origin = graph.origin(origins[place]);
            let node = graph.node(last[place]);
            let entering = entered[place];
            let scalar = graph.loss.is_some() && node.shape.is_scalar() && entering;
            let role = if loss == Some(origins[place]) || scalar {
                Role::Loss
            } else if targets.get(&place) == Some(&true) {
                Role::Target
            } else if entering {
                Role::Stage
            } else {
                Role::Input
            };
            // The name of an input, and what a loss is called, are no paths.
            let of_table = role == Role::Input && of_table[place];
            let mut bodies: Vec<String> = match role {
                Role::Target | Role::Loss => Vec::new(),
                Role::Input if of_table => Vec::new(),
                Role::Input | Role::Stage => path_of(&origin.label),
            };
            let own = bodies.pop().unwrap_or_default();
            let text = match &origin.shown {
                Some(names) if of_table => names.lines().collect::<Vec<_>>().join(", "),
                None if of_table => origin.label.to_string(),
                Some(shown) => text::in_one_line(&named(shown, node.name.as_deref(), role)),
                // Its place is the whole section.
                None if &*origin.label == SEVERAL_INPUTS => SEVERAL_INPUTS.to_owned(),
                // A penalty: its place is a parameter's.
                None if role == Role::Loss => origin.label.to_string(),
                None => text::in_one_line(&named(&text(origin.span), node.name.as_deref(), role)),
            };
            Shown {
                role,
                lines: match &origin.shown {
                    Some(names) if of_table => vec![text::names(names)],
                    Some(_) | None => text::lines(&text),
                },
                text,
                note: note(&node.shape, kept[place], shares[place].is_some(), role),
                bodies,
                own: (own, origin.span),
            }
        });
        let shown: Vec<Shown> = shown.collect();
        // A number in a line of arithmetic is no stage.
        let is_number = |place: usize| constant[place] && !entered[place];
        let stages: Vec<usize> = (0..shown.len())
            .filter(|place| !is_number(*place))
            .collect();
        let moved = |place: usize| stages.binary_search(&place).ok();
        repeats::folded(Picture {
            name: name.to_owned(),
            flows: flows
                .iter()
                .filter_map(|flow| {
                    let (from, to) = (moved(flow.from)?, moved(flow.to)?);
                    Some(Flow { from, to })
                })
                .collect(),
            shown: stages.iter().map(|place| shown[*place].clone()).collect(),
        })
    }
}

fn is_input(op: &Op, wanted: InputKind) -> bool {
    matches!(op, Op::Input { kind, .. } if *kind == wanted)
}

fn with_state(sum: Option<Elements>, state: &State) -> Option<Elements> {
    let own = Elements::of(state, state.shape.elements()?);
    Some(sum?.plus(own))
}

/// Which values come of the targets alone.
fn of_targets(graph: &Graph) -> Vec<bool> {
    let mut of_targets: Vec<bool> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let targets = is_input(&node.op, InputKind::Targets);
        let mut operands = node.operands.iter();
        let derived = !node.operands.is_empty() && operands.all(|id| of_targets[id.index()]);
        of_targets.push(targets || derived);
    }
    of_targets
}

/// What a stage is written as, with the name that the text gives to its result.
fn named(text: &str, name: Option<&str>, role: Role) -> String {
    let name = name.and_then(|name| name.rsplit('.').next());
    match (name, role) {
        // The text of a line of arithmetic has its name already.
        (Some(name), Role::Stage) if !text.starts_with(name) => format!("{name} = {text}"),
        (_, Role::Input | Role::Stage | Role::Target | Role::Loss) => text.to_owned(),
    }
}

/// The shape for a row, and the parameters and buffers.
fn note(shape: &Shape, kept: Option<Elements>, shares: bool, role: Role) -> String {
    let shape = match role {
        Role::Loss => String::new(),
        Role::Input | Role::Stage | Role::Target => shape.row_text(),
    };
    let nothing = Elements::default();
    match kept.filter(|_| !shape.is_empty()) {
        Some(kept) if kept == nothing && shares => format!("{shape} · shared"),
        Some(kept) if kept != nothing => format!("{shape} · {kept}"),
        Some(_) | None => shape,
    }
}

/// The parts of a stage's path, which the number of its use may follow.
fn path_of(label: &str) -> Vec<String> {
    let path = label.split('#').next().unwrap_or("");
    path.split('.').map(str::to_owned).collect()
}

/// Which values the loss, or without one the prediction, depends on.
fn needed(graph: &Graph) -> Vec<bool> {
    let mut needed = vec![false; graph.nodes.len()];
    let mut open: Vec<ValueId> = graph.loss.or(graph.prediction).into_iter().collect();
    while let Some(value) = open.pop() {
        if !std::mem::replace(&mut needed[value.index()], true) {
            open.extend(&graph.node(value).operands);
        }
    }
    needed
}
