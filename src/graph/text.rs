//! The graph as text: one node a line, with its shape and where it came from.

use std::fmt::Write;

use super::{Graph, ValueId};

/// All nodes, then what the graph gives.
pub fn render(graph: &Graph) -> String {
    render_marked(graph, None)
}

/// The text with one line marked, for the verifier's message.
pub fn render_marked(graph: &Graph, marked: Option<ValueId>) -> String {
    let mut text = String::new();
    for value in graph.values() {
        let node = graph.node(value);
        let operands: Vec<String> = node
            .operands
            .iter()
            .map(|id| format!("%{}", id.0))
            .collect();
        let label = graph
            .origins
            .get(node.origin.0 as usize)
            .map(|origin| &*origin.label);
        let mark = if marked == Some(value) { ">" } else { " " };
        writeln!(
            text,
            "{mark} %{} {} = {}  # {:?} {}",
            value.0,
            node.shape,
            node.op.text(&operands, graph),
            node.part,
            label.unwrap_or("")
        )
        .expect("writing to a String does not fail");
    }
    for assignment in &graph.assignments {
        let name = &graph.state(assignment.state).name;
        writeln!(text, "  {name} := %{}", assignment.value.0)
            .expect("writing to a String does not fail");
    }
    text
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
