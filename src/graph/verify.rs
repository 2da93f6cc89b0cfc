//! The verifier: runs after every pass in tests and debug builds. A violation is a bug of nnc, so it
//! panics with the graph's text, the bad line marked.

use super::shape::Shape;
use super::text::render_marked;
use super::{Graph, ValueId};

/// # Panics
/// If a node uses a later one, has another shape than its operation's rule gives, or a state is
/// assigned twice or with another shape.
pub fn verify(graph: &Graph, after: &str) {
    let fail = |value: ValueId, what: &str| -> ! {
        panic!(
            "internal: the graph is broken after `{after}`: {what}\n{}",
            render_marked(graph, Some(value))
        )
    };
    for value in graph.values() {
        let node = graph.node(value);
        if node.operands.iter().any(|operand| *operand >= value) {
            fail(value, "a node uses a later one");
        }
        let shapes: Vec<&Shape> = node.operands.iter().map(|id| graph.shape(*id)).collect();
        match node.op.shape(&shapes, graph) {
            Ok(shape) if shape.fits(&node.shape) => {}
            Ok(_) => fail(value, "a node has another shape than its rule gives"),
            Err(fault) => fail(value, &fault.0),
        }
    }
    let mut assigned = vec![false; graph.states.len()];
    for assignment in &graph.assignments {
        let slot = &mut assigned[assignment.state.0 as usize];
        if std::mem::replace(slot, true) {
            fail(assignment.value, "a state is assigned twice");
        }
        let state = graph.state(assignment.state).shape.as_matrix();
        if !graph.shape(assignment.value).fits(&state) {
            fail(
                assignment.value,
                "a state is assigned a value of another shape",
            );
        }
    }
}
