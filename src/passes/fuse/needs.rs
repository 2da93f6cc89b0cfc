//! What a node waits for, and what must stand in memory whole before it is read.

use super::fuser::{Fuser, Need};
use crate::graph::ops::Op;
use crate::graph::state::StateId;
use crate::graph::{Assignment, ValueId};

impl Fuser<'_> {
    /// What the operands of a node wait for, through whatever floats.
    pub(super) fn needs(&mut self, value: ValueId) -> Vec<Need> {
        let mut needs = Vec::new();
        for operand in self.graph.node(value).operands.clone() {
            self.collect_needs(operand, &mut needs);
        }
        needs
    }

    pub(super) fn collect_needs(&mut self, value: ValueId, needs: &mut Vec<Need>) {
        if let Some(place) = self.place(value) {
            needs.push(Need {
                place,
                elementwise: !place.reduced,
            });
            return;
        }
        let node = self.graph.node(value);
        match &node.op {
            Op::Input { .. }
            | Op::State(_)
            | Op::Constant(_)
            | Op::Scalar(_)
            | Op::DropoutMask { .. } => {}
            Op::Broadcast { .. } | Op::Slice { .. } | Op::OneHot { .. } => {
                // Read with another shape than its own, so it must be whole.
                let inner = node.operands[0];
                self.settle(inner);
                if let Some(place) = self.place(inner) {
                    needs.push(Need {
                        place,
                        elementwise: false,
                    });
                }
            }
            Op::Map(_) | Op::MapDerivative(_) | Op::Binary(_) => {
                for operand in node.operands.clone() {
                    self.collect_needs(operand, needs);
                }
            }
            Op::Reduce { .. }
            | Op::MatMul(_)
            | Op::Gather
            | Op::ScatterAdd { .. }
            | Op::Concat
            | Op::LogSoftmax
            | Op::CrossEntropy { .. }
            | Op::CrossEntropyGradient { .. }
            | Op::ByPhase => unreachable!("kernels are placed when they are visited"),
        }
    }

    /// Places a floating node that is about to be read whole.
    pub(super) fn settle(&mut self, value: ValueId) {
        let floats = matches!(
            self.graph.node(value).op,
            Op::Map(_) | Op::MapDerivative(_) | Op::Binary(_) | Op::DropoutMask { .. }
        );
        if floats && self.place(value).is_none() {
            self.place_elementwise(value);
        }
    }

    /// Makes a value one that stands in memory whole: placed and stored, or a view of what is.
    pub(super) fn materialize(&mut self, value: ValueId) {
        if self.place(value).is_some() {
            self.fusion.stored[value.index()] = true;
            return;
        }
        let node = self.graph.node(value);
        match &node.op {
            Op::Input { .. } | Op::State(_) => {}
            Op::Slice { .. } => self.materialize(node.operands[0]),
            Op::Constant(_) | Op::Scalar(_) | Op::Broadcast { .. } | Op::OneHot { .. } => {
                let mut needs = Vec::new();
                self.collect_needs(value, &mut needs);
                let shape = node.shape.clone();
                let (group, section) = self.section_for(&needs, &shape);
                self.join(value, group, section, false);
                self.fusion.stored[value.index()] = true;
            }
            Op::Map(_) | Op::MapDerivative(_) | Op::Binary(_) | Op::DropoutMask { .. } => {
                self.settle(value);
                self.fusion.stored[value.index()] = true;
            }
            Op::Reduce { .. } => {
                let shape = self.graph.shape(node.operands[0]).clone();
                let needs = self.needs(value);
                let (group, section) = self.section_for(&needs, &shape);
                self.join(value, group, section, true);
                self.fusion.stored[value.index()] = true;
            }
            Op::MatMul(_)
            | Op::Gather
            | Op::ScatterAdd { .. }
            | Op::Concat
            | Op::LogSoftmax
            | Op::CrossEntropy { .. }
            | Op::CrossEntropyGradient { .. }
            | Op::ByPhase => unreachable!("kernels are placed when they are visited"),
        }
    }

    /// The state that a kernel's operand is, if it is one.
    pub(super) fn state_of(&self, value: ValueId) -> Option<StateId> {
        if let Op::State(state) = self.graph.node(value).op {
            Some(state)
        } else {
            None
        }
    }

    /// Writes a state's new value in the section that computes it, if nothing reads the old value
    /// afterwards; else in a loop of its own at the end.
    pub(super) fn assign(&mut self, assignment: Assignment) {
        self.settle(assignment.value);
        let readers = self.readers[assignment.state.0 as usize];
        let in_place = self.place(assignment.value).filter(|place| {
            let here = place.group.0 + 1;
            let kernel = readers.kernel < here;
            let program = readers.program <= (here, place.section)
                && (readers.program.0 < here || readers.program.1 == place.section);
            kernel && program && !place.reduced
        });
        let (group, section) = match in_place {
            Some(place) => (place.group, place.section),
            None => {
                self.materialize(assignment.value);
                let shape = self.graph.shape(assignment.value).clone();
                self.new_loop(&shape)
            }
        };
        self.fusion.groups[group.0 as usize].sections[section]
            .assignments
            .push(assignment);
    }
}
