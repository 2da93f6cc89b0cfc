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
