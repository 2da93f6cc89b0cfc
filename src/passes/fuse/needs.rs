//! What a node waits for, and what must stand in memory whole before it is read.

use super::fuser::Fuser;
use super::{GroupId, Placement, Reader, Separation, UnfusedReason};
use crate::graph::ops::Op;
use crate::graph::state::StateId;
use crate::graph::{Assignment, ValueId};

/// What a value waits for: of all values that it needs, those of the last group that computes any.
#[derive(Clone, Copy, Default)]
pub(super) struct Needs {
    last: Option<LastNeeds>,
}

/// The needs that the last group meets.
#[derive(Clone, Copy)]
pub(super) struct LastNeeds {
    pub group: GroupId,
    /// The region of the first of them.
    pub region: usize,
    /// Why nothing that has them can run in that group, if one needs a whole value.
    pub whole: Option<UnfusedReason>,
    /// Whether another region of the group computes one, too.
    pub two_regions: bool,
}

impl Needs {
    pub fn is_empty(&self) -> bool {
        self.last.is_none()
    }

    pub fn last(&self) -> Option<LastNeeds> {
        self.last
    }

    /// Adds a need. `elementwise` says that its own element is enough, so that it can be met within the same
    /// region.
    fn add(&mut self, value: ValueId, place: Placement, elementwise: bool) {
        let whole = (!elementwise).then_some(if place.reduced {
            UnfusedReason::Whole(value)
        } else {
            UnfusedReason::Reshaped(value)
        });
        match &mut self.last {
            Some(last) if place.group < last.group => {}
            Some(last) if place.group == last.group => {
                last.whole = last.whole.or(whole);
                last.two_regions |= place.region != last.region;
            }
            Some(_) | None => {
                self.last = Some(LastNeeds {
                    group: place.group,
                    region: place.region,
                    whole,
                    two_regions: false,
                });
            }
        }
    }
}

impl Fuser<'_> {
    /// What the operands of a node wait for, through whatever floats.
    pub(super) fn needs(&mut self, value: ValueId) -> Needs {
        let mut needs = Needs::default();
        let operands = self.graph.node(value).operands.clone();
        self.collect_needs(&operands, &mut needs);
        needs
    }

    fn collect_needs(&mut self, values: &[ValueId], needs: &mut Needs) {
        self.walks += 1;
        let walk = self.walks;
        // The next one last.
        let mut waiting: Vec<ValueId> = values.iter().rev().copied().collect();
        while let Some(value) = waiting.pop() {
            self.fusion.looks += 1;
            if let Some(place) = self.place(value) {
                needs.add(value, place, !place.reduced);
                continue;
            }
            let walked = std::mem::replace(&mut self.walked[value.index()], walk);
            if walked == walk || self.is_free(value) {
                continue;
            }
            let node = self.graph.node(value);
            match &node.op {
                Op::Input { .. }
                | Op::State(_)
                | Op::Constant(_)
                | Op::Scalar(_)
                | Op::DropoutMask(_) => {}
                Op::Broadcast { .. } | Op::Slice { .. } | Op::OneHot { .. } => {
                    // Read with another shape than its own, so it must be whole; a view of a view too.
                    let source = self.view_source(node.operands[0]);
                    self.place_floating(source);
                    if let Some(place) = self.place(source) {
                        needs.add(source, place, false);
                    }
                }
                Op::Map(_) | Op::MapDerivative(_) | Op::Binary(_) => {
                    waiting.extend(node.operands.iter().rev());
                }
                Op::Reduce { .. } => {
                    // A sum of rows that waits for the kernel of the weight's gradient.
                    self.place_weight_gradient(node.operands[0]);
                    let place = self.place(value);
                    let place = place.expect("the kernel of the weight's gradient sums the rows");
                    needs.add(value, place, true);
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
    }

    /// What a value is a view of, through views of views; itself if it is none.
    pub(super) fn view_source(&self, value: ValueId) -> ValueId {
        let mut source = value;
        while let (Op::Broadcast { .. } | Op::Slice { .. } | Op::OneHot { .. }, None) =
            (&self.graph.node(source).op, self.place(source))
        {
            source = self.graph.node(source).operands[0];
        }
        source
    }

    /// Whether a node is computed where it is read, unless it has a place.
    pub(super) fn floats(&self, value: ValueId) -> bool {
        matches!(
            self.graph.node(value).op,
            Op::Map(_) | Op::MapDerivative(_) | Op::Binary(_) | Op::DropoutMask(_)
        )
    }

    /// Places a floating node that is about to be read whole.
    pub(super) fn place_floating(&mut self, value: ValueId) {
        if self.floats(value) && self.place(value).is_none() {
            let needs = self.needs(value);
            self.place_elementwise(value, &needs);
        }
    }

    /// Places a value that is to be read whole. Gives the value that must be stored for it, which is
    /// the value itself or what it is a view of; none for what is in memory anyway.
    pub(super) fn materialize(&mut self, value: ValueId) -> Option<ValueId> {
        let mut value = value;
        while let (Op::Slice { .. }, None) = (&self.graph.node(value).op, self.place(value)) {
            value = self.graph.node(value).operands[0];
        }
        if self.place(value).is_some() {
            return Some(value);
        }
        let node = self.graph.node(value);
        match &node.op {
            Op::Input { .. } | Op::State(_) => return None,
            Op::Constant(_) | Op::Scalar(_) | Op::Broadcast { .. } | Op::OneHot { .. } => {
                let mut needs = Needs::default();
                self.collect_needs(&[value], &mut needs);
                let shape = node.shape.clone();
                let (group, region) = self.region_for(value, &needs, &shape);
                self.merge(value, group, region, false);
            }
            Op::Map(_) | Op::MapDerivative(_) | Op::Binary(_) | Op::DropoutMask(_) => {
                self.place_floating(value);
            }
            Op::Reduce { .. } => self.merge_reduction(value),
            Op::MatMul(_)
            | Op::Gather
            | Op::ScatterAdd { .. }
            | Op::Concat
            | Op::LogSoftmax
            | Op::CrossEntropy { .. }
            | Op::CrossEntropyGradient { .. }
            | Op::Slice { .. }
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
        self.place_floating(assignment.value);
        let (group, region) = match self.region_to_write(assignment) {
            Ok(place) => (place.group, place.region),
            Err(refusal) => self.assign_apart(assignment, refusal),
        };
        self.fusion.groups[group.0 as usize].regions[region]
            .assignments
            .push(assignment);
    }

    /// Where a state's new value is computed, or why it cannot be written there.
    fn region_to_write(&self, assignment: Assignment) -> Result<Placement, UnfusedReason> {
        let place = self.place(assignment.value);
        let place = place.ok_or(UnfusedReason::NothingToJoin)?;
        let readers = self.readers[assignment.state.0 as usize];
        let here = place.group.0 + 1;
        let old_value_read =
            |by: u32| UnfusedReason::OldValueRead(assignment.state, GroupId(by - 1));
        let beside = readers.program.0 == here && readers.program.1 != place.region;
        if place.reduced {
            Err(UnfusedReason::Whole(assignment.value))
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
    fn assign_apart(&mut self, assignment: Assignment, refusal: UnfusedReason) -> (GroupId, usize) {
        let from = self.place(assignment.value).map(|place| place.group);
        let kept = self.materialize(assignment.value);
        let shape = self.graph.shape(assignment.value).clone();
        let table = self.table_of(assignment.value);
        let (group, region) = self.new_loop(&shape, table);
        if let Some(kept) = kept {
            self.store(kept, Reader::Program(group));
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
