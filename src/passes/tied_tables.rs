//! A table that is read by index lies row by row, a weight in panels. One that is both lies as a weight,
//! and is read by products: the row of a one-hot index.

use super::rebuild::{Keep, Rebuild};
use crate::graph::ops::{MatMulForm, Op, tables};
use crate::graph::{Graph, ValueId};

pub fn rewrite(graph: Graph) -> Graph {
    let tied = tied(&graph);
    if !tied.contains(&true) {
        return graph;
    }
    let mut rebuild = Rebuild::new(&graph);
    for value in graph.values() {
        let new = match look_up(&graph, value, &tied) {
            Some([table, index]) => {
                rebuild.at(graph.node(value));
                let classes = graph.shape(table).dims[0].clone();
                let index = rebuild.mapped(index);
                let one_hot = rebuild.new.push(Op::OneHot { classes }, &[index]);
                let operands = [one_hot, rebuild.mapped(table)];
                rebuild.new.push(Op::MatMul(MatMulForm::Plain), &operands)
            }
            None => rebuild.copy(value),
        };
        rebuild.map(value, new);
    }
    rebuild.finish(Keep::ALL)
}

/// For each state, whether it is a table and a weight.
fn tied(graph: &Graph) -> Vec<bool> {
    let mut weights = vec![false; graph.states.len()];
    let products = graph
        .nodes
        .iter()
        .filter(|node| matches!(node.op, Op::MatMul(_)));
    for operand in products.flat_map(|node| &node.operands) {
        if let Op::State(weight) = graph.node(*operand).op {
            weights[weight.0 as usize] = true;
        }
    }
    let both = tables(graph).into_iter().zip(weights);
    both.map(|(table, weight)| table && weight).collect()
}

/// The table and the index of a look-up in a tied table.
fn look_up(graph: &Graph, value: ValueId, tied: &[bool]) -> Option<[ValueId; 2]> {
    let node = graph.node(value);
    if node.op != Op::Gather {
        return None;
    }
    let [table, index] = [node.operands[0], node.operands[1]];
    let Op::State(state) = graph.node(table).op else {
        return None;
    };
    tied[state.0 as usize].then_some([table, index])
}
