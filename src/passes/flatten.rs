//! Rows lie as one axis in memory: what stands on several is computed on one, where every operation on
//! several axes goes element by element.

use super::rebuild::{Keep, Rebuild};
use crate::graph::Graph;
use crate::graph::ops::{DropoutMask, Op};
use crate::graph::shape::Shape;

pub fn rewrite(graph: Graph) -> Graph {
    let reshapes = |op: &Op| matches!(op, Op::Reshape { .. });
    if !graph.nodes.iter().any(|node| reshapes(&node.op)) {
        return graph;
    }
    let mut rebuild = Rebuild::new(&graph);
    for value in graph.values() {
        let node = graph.node(value);
        let operand = |at: usize| node.operands[at];
        let flat = |shape: &Shape| {
            if shape.batch {
                shape.flat()
            } else {
                shape.clone()
            }
        };
        let new = if reshapes(&node.op) {
            rebuild.mapped(operand(0))
        } else if let Op::Broadcast { shape } = &node.op {
            rebuild.at(node);
            let repeated = rebuild.mapped(operand(0));
            rebuild.new.broadcast(repeated, &flat(shape))
        } else if let Op::DropoutMask(mask) = &node.op {
            rebuild.at(node);
            let mask = DropoutMask {
                shape: flat(&mask.shape),
                ..DropoutMask::clone(mask)
            };
            rebuild.new.push(Op::DropoutMask(Box::new(mask)), &[])
        } else {
            rebuild.copy(value)
        };
        rebuild.map(value, new);
    }
    rebuild.finish(Keep::ALL)
}
