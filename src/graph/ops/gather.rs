//! `Gather`: rows of a table by index, and `ScatterAdd`, its gradient.

use super::{MatMulForm, Op};
use crate::graph::reference::Tensor;
use crate::graph::shape::{Dim, Shape};
use crate::graph::state::StateKind;
use crate::graph::{Graph, ShapeFault, ValueId};

/// For each state, whether it is a table that is read by index, or is kept for one.
pub fn tables(graph: &Graph) -> Vec<bool> {
    let mut tables = vec![false; graph.states.len()];
    for node in graph.nodes.iter().filter(|node| node.op == Op::Gather) {
        if let Op::State(table) = graph.node(node.operands[0]).op {
            tables[table.0 as usize] = true;
        }
    }
    for id in graph.state_ids() {
        if let StateKind::Slot(parameter) | StateKind::Average(parameter) = graph.state(id).kind {
            tables[id.0 as usize] |= tables[parameter.0 as usize];
        }
    }
    tables
}

/// For each value of two axes, whether it lies as a table does: as the state, look-up or product that it
/// comes from. What comes from numbers alone lies as what it meets.
pub fn row_major_values(graph: &Graph) -> Vec<bool> {
    let tables = tables(graph);
    let mut lie: Vec<Option<bool>> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let mut operands = node.operands.iter();
        lie.push(if let Op::State(state) = node.op {
            Some(tables[state.0 as usize])
        } else if let Op::ScatterAdd { .. } = node.op {
            Some(true)
        } else if let Op::MatMul(MatMulForm::LeftTransposed) = node.op {
            Some(false)
        } else {
            operands.find_map(|operand| {
                let matrix = graph.shape(*operand).dims.len() == 2;
                lie[operand.index()].filter(|_| matrix)
            })
        });
    }
    lie.into_iter().map(|lies| lies == Some(true)).collect()
}

pub fn shape(operands: &[&Shape]) -> Result<Shape, ShapeFault> {
    let [table, index] = [operands[0], operands[1]];
    let one = Dim::Known(1);
    if !table.batch && table.dims.len() == 2 && index.batch && index.width() == one {
        Ok(Shape::batched([table.width()]))
    } else {
        Err(ShapeFault(format!(
            "a table {table} cannot be read by an index {index}"
        )))
    }
}

pub fn scatter_shape(entries: &Dim, operands: &[&Shape]) -> Result<Shape, ShapeFault> {
    if operands[0].batch && operands[1].batch {
        Ok(Shape::fixed([entries.clone(), operands[0].width()]))
    } else {
        Err(ShapeFault(format!(
            "{} cannot be added to a table by an index {}",
            operands[0], operands[1]
        )))
    }
}

pub fn gradient(
    graph: &mut Graph,
    operands: &[ValueId],
    dy: ValueId,
    wanted: &[bool],
) -> Vec<Option<ValueId>> {
    let entries = graph.shape(operands[0]).dims[0].clone();
    let table = wanted[0].then(|| graph.push(Op::ScatterAdd { entries }, &[dy, operands[1]]));
    vec![table, None]
}

pub fn evaluate(operands: &[&Tensor]) -> Tensor {
    let [table, index] = [operands[0], operands[1]];
    let width = table.width();
    let rows = index.data.iter().flat_map(|entry| {
        let start = *entry as usize * width;
        table.data[start..start + width].iter().copied()
    });
    Tensor {
        shape: vec![index.data.len(), width],
        data: rows.collect(),
    }
}

pub fn evaluate_scatter(entries: &Dim, operands: &[&Tensor]) -> Tensor {
    let [dy, index] = [operands[0], operands[1]];
    let width = dy.width();
    let entries = entries.known().expect("evaluated graphs have known shapes");
    let mut data = vec![0.0; entries * width];
    for (row, entry) in index.data.iter().enumerate() {
        for feature in 0..width {
            data[*entry as usize * width + feature] += dy.data[row * width + feature];
        }
    }
    Tensor {
        shape: vec![entries, width],
        data,
    }
}
