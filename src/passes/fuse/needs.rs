//! What a node waits for, and what must stand in memory whole before it is read.

use super::fuser::{Fuser, Need};
use super::{GroupId, Placement, Reader, Refusal, Separation};
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
                value,
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
                // Read with another shape than its own, so it must be whole; a view of a view too.
                let inner = self.beneath(node.operands[0]);
                self.settle(inner);
                if let Some(place) = self.place(inner) {
                    needs.push(Need {
                        value: inner,
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
            Op::Reduce { .. } => {
                // A sum of rows that waits for the kernel of the weight's gradient.
                let operand = node.operands[0];
                self.place_weight_gradient(operand);
                let place = self.place(value);
                needs.push(Need {
                    value,
                    place: place.expect("the kernel of the weight's gradient sums the rows"),
                    elementwise: true,
                });
            }
            Op::MatMul(_)
            | Op::Gather
            | Op::ScatterAdd { .. }
            | Op::Concat
            | Op::LogSoftmax
            | Op::CrossEntropy { .. }
            | Op::CrossEntropyGradient { .. }
            | Op::Reshape { .. }
            | Op::ByPhase => unreachable!("kernels are placed when they are visited"),
        }
    }

    /// What a value is a view of, through views of views; itself if it is none.
    fn beneath(&self, value: ValueId) -> ValueId {
        let mut inner = value;
        while let (Op::Broadcast { .. } | Op::Slice { .. } | Op::OneHot { .. }, None) =
            (&self.graph.node(inner).op, self.place(inner))
        {
            inner = self.graph.node(inner).operands[0];
        }
        inner
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

    /// Places a value that is to be read whole. Gives the value that must be kept in memory for it,
    /// which is the value itself or what it is a view of; none for what is in memory anyway.
    pub(super) fn materialize(&mut self, value: ValueId) -> Option<ValueId> {
        if self.place(value).is_some() {
            return Some(value);
        }
        let node = self.graph.node(value);
        match &node.op {
            Op::Input { .. } | Op::State(_) => return None,
            Op::Slice { .. } => return self.materialize(node.operands[0]),
            Op::Constant(_) | Op::Scalar(_) | Op::Broadcast { .. } | Op::OneHot { .. } => {
                let mut needs = Vec::new();
                self.collect_needs(value, &mut needs);
                let shape = node.shape.clone();
                let (group, region) = self.region_for(value, &needs, &shape);
                self.join(value, group, region, false);
            }
            Op::Map(_) | Op::MapDerivative(_) | Op::Binary(_) | Op::DropoutMask { .. } => {
                self.settle(value);
            }
            Op::Reduce { .. } => {
                let shape = self.graph.shape(node.operands[0]).clone();
                let needs = self.needs(value);
                let (group, region) = self.region_for(value, &needs, &shape);
                self.join(value, group, region, true);
            }
            Op::MatMul(_)
            | Op::Gather
            | Op::ScatterAdd { .. }
            | Op::Concat
            | Op::LogSoftmax
            | Op::CrossEntropy { .. }
            | Op::CrossEntropyGradient { .. }
            | Op::Reshape { .. }
            | Op::ByPhase => unreachable!("kernels are placed when they are visited"),
        }
        Some(value)
    }

    /// The state that a kernel's operand is, if it is one.
    pub(super) fn state_of(&self, value: ValueId) -> Option<StateId> {
        if let Op::State(state) = self.graph.node(value).op {
            Some(state)
        } else {
            None
        }
    }

    /// Writes a state's new value in the region that computes it, if nothing reads the old value
    /// afterwards; else in a loop of its own at the end.
    pub(super) fn assign(&mut self, assignment: Assignment) {
        self.settle(assignment.value);
        let (group, region) = match self.region_to_write(assignment) {
            Ok(place) => (place.group, place.region),
            Err(refusal) => self.assign_apart(assignment, refusal),
        };
        self.fusion.groups[group.0 as usize].regions[region]
            .assignments
            .push(assignment);
    }

    /// Where a state's new value is computed, or why it cannot be written there.
    fn region_to_write(&self, assignment: Assignment) -> Result<Placement, Refusal> {
        let place = self.place(assignment.value);
        let place = place.ok_or(Refusal::NothingToJoin)?;
        let readers = self.readers[assignment.state.0 as usize];
        let here = place.group.0 + 1;
        let old_value_read = |by: u32| Refusal::OldValueRead(assignment.state, GroupId(by - 1));
        let beside = readers.program.0 == here && readers.program.1 != place.region;
        if place.reduced {
            Err(Refusal::Whole(assignment.value))
        } else if readers.kernel >= here {
            // A kernel reads its operands while the program behind it writes.
            Err(old_value_read(readers.kernel))
        } else if readers.program.0 > here || beside {
            Err(old_value_read(readers.program.0))
        } else {
            Ok(place)
        }
    }

    /// A new loop for a state's new value, which is kept until then.
    fn assign_apart(&mut self, assignment: Assignment, refusal: Refusal) -> (GroupId, usize) {
        let from = self.place(assignment.value).map(|place| place.group);
        let kept = self.materialize(assignment.value);
        let shape = self.graph.shape(assignment.value).clone();
        let table = self.table_of(assignment.value);
        let (group, region) = self.new_loop(&shape, table);
        if let Some(kept) = kept {
            self.keep(kept, Reader::Program(group));
        }
        self.fusion.separations.push(Separation {
            value: assignment.value,
            from,
            refusal,
            into: group,
        });
        (group, region)
    }
}
