//! The graph's verifier: what holds of every graph, and what the passes promise beyond that. It
//! believes nothing of the graph: ids may lead nowhere.

use smallvec::SmallVec;

use super::ops::{InputKind, Op};
use super::shape::Shape;
use super::state::{StateId, StateKind};
use super::text::{Line, render_marked};
use super::watch::Subject;
use super::{Graph, GraphPart, Phase, ValueId};
use crate::violation::Violation;

/// What the passes have made of a graph so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Form {
    /// Rows have one axis, so nothing is reshaped.
    pub flat: bool,
    /// The phase that was chosen: nothing depends on it any more.
    pub phase: Option<Phase>,
    /// Gradients and updates have been appended.
    pub differentiated: bool,
    /// Every node is needed for a result.
    pub pruned: bool,
}

impl Form {
    /// As the text has it.
    pub const NETWORK: Form = Form {
        flat: false,
        phase: None,
        differentiated: false,
        pruned: false,
    };
}

/// A broken rule, and where.
struct Broken {
    line: Line,
    rule: String,
}

type Verified = Result<(), Broken>;

fn hold(holds: bool, line: Line, rule: &str) -> Verified {
    if holds {
        Ok(())
    } else {
        let rule = rule.to_string();
        Err(Broken { line, rule })
    }
}

/// Holds a graph to the rules of its form.
///
/// # Errors
/// The first rule that it breaks, and its text with that line marked.
pub fn verify(graph: &Graph, form: Form) -> Result<(), Violation> {
    let verified = states(graph)
        .and_then(|()| nodes(graph, form))
        .and_then(|()| results(graph, form))
        .and_then(|()| assignments(graph))
        .and_then(|()| watches(graph))
        .and_then(|()| if form.pruned { needed(graph) } else { Ok(()) });
    verified.map_err(|Broken { line, rule }| Violation {
        rule,
        text: render_marked(graph, Some(line)),
    })
}

fn kind(graph: &Graph, state: StateId) -> Option<StateKind> {
    let state = graph.states.get(state.0 as usize)?;
    Some(state.kind)
}

fn states(graph: &Graph) -> Verified {
    for id in graph.state_ids() {
        let (state, line) = (graph.state(id), Line::State(id));
        hold(!state.shape.batch, line, "a state depends on the batch")?;
        if let StateKind::Slot(of) | StateKind::Average(of) = state.kind {
            let parameter = kind(graph, of) == Some(StateKind::Parameter);
            hold(parameter, line, "a state is kept for what is no parameter")?;
            let same = graph.state(of).shape == state.shape;
            hold(same, line, "a state has another shape than its parameter")?;
        }
    }
    Ok(())
}

fn nodes(graph: &Graph, form: Form) -> Verified {
    for value in graph.values() {
        let (node, line) = (graph.node(value), Line::Value(value));
        let takes = node.op.takes(node.operands.len());
        hold(takes, line, "an operation has too few or too many operands")?;
        let earlier = node.operands.iter().all(|operand| *operand < value);
        hold(earlier, line, "a node uses a later one")?;
        ids(graph, value)?;

        let mut operands = node.operands.iter();
        let done = operands.all(|operand| graph.node(*operand).part <= node.part);
        hold(done, line, "a node uses one of a later part")?;
        let forward = node.part == GraphPart::Forward;
        let of_gradients = node.op.is_of_gradients();
        let differentiable = !(forward && of_gradients);
        hold(
            differentiable,
            line,
            "a gradient stands in the forward part",
        )?;
        let early = !forward && !form.differentiated;
        hold(!early, line, "a node stands behind the forward part")?;

        let shapes = node.operands.iter().map(|id| graph.shape(*id));
        let shapes: SmallVec<[&Shape; 4]> = shapes.collect();
        let shape = node.op.shape(&shapes, graph);
        let shape = shape.map_err(|fault| Broken {
            line,
            rule: fault.0,
        })?;
        let ruled = shape.fits(&node.shape);
        hold(ruled, line, "a node has another shape than its rule gives")?;
        formed(graph, value, form)?;
    }
    Ok(())
}

/// The ids that a node holds lead somewhere, and its numbers are in their ranges.
fn ids(graph: &Graph, value: ValueId) -> Verified {
    let (node, line) = (graph.node(value), Line::Value(value));
    let origin = (node.origin.0 as usize) < graph.origins.len();
    hold(origin, line, "a node comes from nowhere in the text")?;
    if let Op::State(state) = node.op {
        let known = (state.0 as usize) < graph.states.len();
        hold(known, line, "a node reads a state that there is not")?;
    }
    if let Op::Scalar(scalar) = node.op {
        let known = (scalar.0 as usize) < graph.scalars.len();
        hold(known, line, "a node reads a scalar that there is not")?;
    }
    if let Op::DropoutMask(mask) = &node.op {
        let keep = mask.keep;
        // One that waits for the data is NaN.
        let share = keep > 0.0 && keep <= 1.0 || keep.is_nan();
        hold(share, line, "a mask keeps no share between 0 and 1")?;
    }
    Ok(())
}

/// What the passes have removed has not come back.
fn formed(graph: &Graph, value: ValueId, form: Form) -> Verified {
    let (node, line) = (graph.node(value), Line::Value(value));
    if form.flat {
        let reshapes = matches!(node.op, Op::Reshape { .. });
        hold(!reshapes, line, "a flat graph reshapes")?;
        let axes = node.shape.dims.len();
        let flat = if node.shape.batch {
            axes == 1
        } else {
            axes <= 2
        };
        hold(flat, line, "a value of a flat graph has too many axes")?;
    }
    if let Some(phase) = form.phase {
        hold(node.op != Op::ByPhase, line, "the phase is chosen twice")?;
        let targets = matches!(node.op, Op::Input { kind, .. } if kind == InputKind::Targets);
        let reads = targets && phase == Phase::Predict && form.pruned;
        hold(!reads, line, "a prediction reads the targets")?;
    }
    Ok(())
}

fn results(graph: &Graph, form: Form) -> Verified {
    let known = |value: ValueId| value.index() < graph.nodes.len();
    let Some(prediction) = graph.prediction else {
        return hold(false, Line::Prediction, "there is no prediction");
    };
    let line = Line::Prediction;
    hold(known(prediction), line, "the prediction is no node")?;
    let rows = graph.shape(prediction).batch;
    hold(rows, line, "the prediction is not one of each row")?;
    let forward = graph.node(prediction).part == GraphPart::Forward;
    hold(forward, line, "the prediction is not of the forward part")?;
    if let Some(loss) = graph.loss {
        let line = Line::Loss;
        hold(known(loss), line, "the loss is no node")?;
        let scalar = graph.shape(loss).is_scalar();
        hold(scalar, line, "the loss is not one number")?;
        let forward = graph.node(loss).part == GraphPart::Forward;
        hold(forward, line, "the loss is not of the forward part")?;
        let predicts = form.phase == Some(Phase::Predict);
        hold(!predicts, line, "a prediction has a loss")?;
    } else if form.differentiated {
        hold(false, Line::Loss, "a graph with gradients has no loss")?;
    }
    let fixed = matches!(form.phase, Some(Phase::Evaluate | Phase::Predict));
    let kept = graph.assignments.is_empty() && graph.watches.is_empty();
    hold(
        !fixed || kept,
        Line::Assignment(0),
        "evaluation leaves a state behind",
    )
}

fn assignments(graph: &Graph) -> Verified {
    let mut assigned = vec![false; graph.states.len()];
    for (index, assignment) in graph.assignments.iter().enumerate() {
        let line = Line::Assignment(index);
        let Some(state) = graph.states.get(assignment.state.0 as usize) else {
            return hold(false, line, "what is assigned is no state");
        };
        let slot = &mut assigned[assignment.state.0 as usize];
        let twice = std::mem::replace(slot, true);
        hold(!twice, line, "a state is assigned twice")?;
        let known = assignment.value.index() < graph.nodes.len();
        hold(known, line, "a state is assigned what is no node")?;
        let node = graph.node(assignment.value);
        let fits = node.shape.fits(&state.shape.as_matrix());
        hold(fits, line, "a state is assigned a value of another shape")?;
        if state.kind == StateKind::Parameter {
            let moves = !state.training.frozen;
            hold(moves, line, "a parameter that is frozen is assigned")?;
            let updated = node.part == GraphPart::Update;
            hold(updated, line, "a parameter is assigned what is no update")?;
        }
    }
    companions(graph, &assigned)
}

/// A parameter moves with its slots and its average, unless none does because gradients are accumulated.
fn companions(graph: &Graph, assigned: &[bool]) -> Verified {
    let mut moved = graph.parameters().filter(|id| assigned[id.0 as usize]);
    if moved.next().is_none() {
        return Ok(());
    }
    for (index, assignment) in graph.assignments.iter().enumerate() {
        let of = match graph.state(assignment.state).kind {
            StateKind::Slot(of) | StateKind::Average(of) => of,
            StateKind::Parameter | StateKind::Buffer => continue,
        };
        let line = Line::Assignment(index);
        let together = assigned[of.0 as usize];
        hold(together, line, "a state is assigned without its parameter")?;
    }
    Ok(())
}

fn watches(graph: &Graph) -> Verified {
    for (index, watch) in graph.watches.iter().enumerate() {
        let line = Line::Watch(index);
        let known = watch
            .value
            .is_none_or(|value| value.index() < graph.nodes.len());
        hold(known, line, "what is watched is no node")?;
        if let Subject::Gradient(state) | Subject::Weight(state) = watch.subject {
            let Some(state) = graph.states.get(state.0 as usize) else {
                return hold(false, line, "what is watched is no state");
            };
            let shape = state.shape.as_matrix();
            let fits = |value| graph.shape(value).fits(&shape);
            let fits = watch.value.is_none_or(fits);
            hold(
                fits,
                line,
                "a gradient has another shape than its parameter",
            )?;
        }
    }
    Ok(())
}

/// Every node is needed for a result.
fn needed(graph: &Graph) -> Verified {
    let mut needed = vec![false; graph.nodes.len()];
    let assigned = graph.assignments.iter().map(|assignment| assignment.value);
    let results = assigned.chain(graph.watched());
    for result in results.chain(graph.prediction).chain(graph.loss) {
        needed[result.index()] = true;
    }
    for value in graph.values().rev() {
        let line = Line::Value(value);
        hold(needed[value.index()], line, "no result needs a node")?;
        for operand in &graph.node(value).operands {
            needed[operand.index()] = true;
        }
    }
    Ok(())
}
