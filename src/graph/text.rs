//! The graph as text: one node a line, with its shape and where it came from.

use super::ops::Op;
use super::state::StateId;
use super::{Graph, Node, ValueId};

/// A line of a graph's text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Line {
    Value(ValueId),
    /// The assignment of this place among all.
    Assignment(usize),
    Prediction,
    Loss,
    /// What is recorded, by its place.
    Watch(usize),
    /// A state, which only the marked text shows.
    State(StateId),
}

/// All nodes, then what the graph gives.
pub fn render(graph: &Graph) -> String {
    render_marked(graph, None)
}

/// The text with one line marked, for the verifier's message. The graph may break any rule.
pub fn render_marked(graph: &Graph, marked: Option<Line>) -> String {
    let mut text = String::new();
    let mut line = |line: Line, content: String| {
        let mark = if marked == Some(line) { ">" } else { " " };
        text.push_str(&format!("{mark} {content}\n"));
    };
    if let Some(bad @ Line::State(state)) = marked {
        let shape = graph.states.get(state.0 as usize).map(|state| &state.shape);
        let shape = shape.map_or(String::new(), |shape| format!(" {shape}"));
        line(bad, format!("state {}{shape}", state_name(graph, state)));
    }
    for value in graph.values() {
        line(Line::Value(value), node_text(graph, value));
    }
    for (index, assignment) in graph.assignments.iter().enumerate() {
        let name = state_name(graph, assignment.state);
        let text = format!("{name} := %{}", assignment.value.0);
        line(Line::Assignment(index), text);
    }
    if let Some(prediction) = graph.prediction {
        line(Line::Prediction, format!("prediction %{}", prediction.0));
    }
    if let Some(loss) = graph.loss {
        line(Line::Loss, format!("loss %{}", loss.0));
    }
    for (index, watch) in graph.watches.iter().enumerate() {
        let value = watch
            .value
            .map_or(String::new(), |id| format!(" %{}", id.0));
        let text = format!("watch {} {}{value}", watch.name, watch.subject.word());
        line(Line::Watch(index), text);
    }
    text
}

fn node_text(graph: &Graph, value: ValueId) -> String {
    let node = graph.node(value);
    let operands = node.operands.iter();
    let operands: Vec<String> = operands.map(|id| format!("%{}", id.0)).collect();
    let text = if is_printable(graph, node) {
        node.op.text(&operands, graph)
    } else {
        format!("{:?} of {}", node.op, operands.join(", "))
    };
    let origin = graph.origins.get(node.origin.0 as usize);
    let label = origin.map_or("", |origin| &origin.label);
    let part = node.part;
    format!("%{} {} = {text}  # {part:?} {label}", value.0, node.shape)
        .trim_end()
        .to_string()
}

/// Whether the operation has the operands, the state and the scalar that its text names.
fn is_printable(graph: &Graph, node: &Node) -> bool {
    let operands = node.op.takes(node.operands.len());
    if let Op::State(state) = node.op {
        operands && (state.0 as usize) < graph.states.len()
    } else if let Op::Scalar(scalar) = node.op {
        operands && (scalar.0 as usize) < graph.scalars.len()
    } else {
        operands
    }
}

fn state_name(graph: &Graph, state: StateId) -> String {
    match graph.states.get(state.0 as usize) {
        Some(known) => known.name.clone(),
        None => format!("#{}", state.0),
    }
}

/// The text of an expression, in parentheses if it is a sum, a product or a quotient.
pub fn atom(text: &str) -> String {
    bracketed(text, &[" + ", " - ", "·", "/", " · "])
}

/// The text of a factor, in parentheses if it is a sum or a product of matrices.
pub fn factor(text: &str) -> String {
    bracketed(text, &[" + ", " - ", " · "])
}

/// The text of what is subtracted, in parentheses if it is a sum.
pub fn subtrahend(text: &str) -> String {
    bracketed(text, &[" + ", " - "])
}

/// The text in parentheses if one of the signs stands in it outside of all brackets.
fn bracketed(text: &str, signs: &[&str]) -> String {
    let mut depth = 0usize;
    let found = text.char_indices().any(|(at, character)| {
        match character {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && signs.iter().any(|sign| text[at..].starts_with(sign))
    });
    if found {
        format!("({text})")
    } else {
        text.to_string()
    }
}
