//! The bound on the norms of a parameter's rows after its update, as torch.renorm(p = 2, dim = 0) has it.

use crate::graph::ops::{Axis, MatMulForm, Op};
use crate::graph::scalar::ScalarFunction;
use crate::graph::shape::Shape;
use crate::graph::state::StateId;
use crate::graph::{Graph, ValueId};

/// The new value of a parameter `[rows, columns]` with every row scaled to a norm of at most `max_norm`.
/// `table` says whether the parameter is read by index.
pub fn bound(
    graph: &mut Graph,
    parameter: StateId,
    value: ValueId,
    max_norm: f64,
    table: bool,
) -> ValueId {
    let square = graph.map(ScalarFunction::Square, value);
    let shape = graph.shape(value).clone();
    let scale = ScalarFunction::Renorm { max_norm };
    let (norm, factor, wide) = if table {
        // A table's rows adjoin.
        let sum = graph.sum(square, Axis::Last);
        let norm = graph.map(ScalarFunction::Sqrt, sum);
        let factor = graph.map(scale, norm);
        (norm, factor, graph.broadcast(factor, &shape))
    } else {
        // The rows of a weight stand side by side in panels, so they are summed and repeated as
        // products with ones, which read panels.
        let ones = graph.constant(1.0, &Shape::fixed([shape.width()]));
        graph.nodes[ones.index()].name = Some("ones".into());
        let sum = Op::MatMul(MatMulForm::RightTransposed);
        let sum = graph.push(sum, &[ones, square]);
        let norm = graph.map(ScalarFunction::Sqrt, sum);
        let factor = graph.map(scale, norm);
        let wide = Op::MatMul(MatMulForm::LeftTransposed);
        (norm, factor, graph.push(wide, &[factor, ones]))
    };
    let name = graph.state(parameter).name.clone();
    let named = [
        (value, "moved"),
        (square, "squares"),
        (norm, "norms"),
        (factor, "scales"),
    ];
    for (value, word) in named {
        graph.nodes[value.index()].name = Some(format!("{name}.{word}").into());
    }
    graph.multiply(value, wide)
}
