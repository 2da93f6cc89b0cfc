//! Fusion: which nodes become one step.
//!
//! Matrix products, look-ups and losses each begin a group; elementwise nodes and reductions join the
//! group that computes the last of what they need, if it has their shape, and else begin a loop of
//! their own. Groups run in the order of their numbers, so a node may join a group only if all else
//! it needs comes from earlier ones; with that one rule no cycle can arise. What needs nothing
//! computed (a mask, a decayed parameter) or is cheaper to compute again than to keep (a derivative)
//! floats until something that uses it is placed.

use crate::graph::ops::{Axis, BinaryOperator, MatMulForm, Op};
use crate::graph::shape::Shape;
use crate::graph::state::StateId;
use crate::graph::{Assignment, Graph, ValueId};
use crate::plan::step::Reduction;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct GroupId(pub u32);

/// Where a node is computed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    pub group: GroupId,
    pub section: usize,
    /// The result is known only when the whole group has run.
    pub reduced: bool,
}

/// What a group's kernel computes before its sections' programs run.
#[derive(Clone, PartialEq, Debug)]
pub enum GroupKind {
    Loop,
    Forward {
        input: ValueId,
        weight: ValueId,
        bias: Option<StateId>,
    },
    DataGradient {
        gradient: ValueId,
        weight: ValueId,
    },
    WeightGradient {
        gradient: ValueId,
        input: ValueId,
    },
    Gather {
        table: ValueId,
        index: ValueId,
    },
    ScatterAdd {
        gradient: ValueId,
        index: ValueId,
    },
    /// Section 0 is the loss by row; section 1, if there, the gradient of the logits.
    CrossEntropy {
        logits: ValueId,
        index: ValueId,
        on: f64,
        off: f64,
    },
    LogSoftmax {
        input: ValueId,
    },
    Concat {
        parts: Vec<ValueId>,
    },
}

impl GroupKind {
    /// The values that the kernel reads whole.
    pub fn operands(&self) -> Vec<ValueId> {
        match self {
            GroupKind::Loop => Vec::new(),
            GroupKind::Forward { input, weight, .. } => vec![*input, *weight],
            GroupKind::DataGradient { gradient, weight } => vec![*gradient, *weight],
            GroupKind::WeightGradient { gradient, input } => vec![*gradient, *input],
            GroupKind::Gather { table, index } => vec![*table, *index],
            GroupKind::ScatterAdd { gradient, index } => vec![*gradient, *index],
            GroupKind::CrossEntropy { logits, index, .. } => vec![*logits, *index],
            GroupKind::LogSoftmax { input } => vec![*input],
            GroupKind::Concat { parts } => parts.clone(),
        }
    }
}

/// Elementwise work over one shape, behind a kernel's result or by itself.
#[derive(Clone, PartialEq, Debug)]
pub struct Draft {
    pub shape: Shape,
    /// The value that the kernel gives.
    pub anchor: Option<ValueId>,
    /// Elementwise nodes and reductions, in the order of the graph.
    pub values: Vec<ValueId>,
    pub assignments: Vec<Assignment>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Group {
    pub kind: GroupKind,
    pub sections: Vec<Draft>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Fusion {
    pub groups: Vec<Group>,
    pub placed: Vec<Option<Place>>,
    /// Which placed values are kept in memory, because another step or the caller reads them.
    pub stored: Vec<bool>,
}

/// Divides a graph of one phase into groups.
pub fn fuse(graph: &Graph) -> Fusion {
    let mut fuser = Fuser::new(graph);
    for value in graph.values() {
        fuser.visit(value);
    }
    for result in graph.prediction.into_iter().chain(graph.loss) {
        fuser.materialize(result);
    }
    for assignment in &graph.assignments {
        fuser.assign(*assignment);
    }
    for group in &mut fuser.fusion.groups {
        for section in &mut group.sections {
            section.values.sort_unstable();
        }
    }
    fuser.fusion
}

/// The last places that read a state.
#[derive(Clone, Copy, Default)]
struct Readers {
    /// The last group whose kernel reads it, plus 1.
    kernel: u32,
    /// The last section whose program reads it: (group plus 1, section).
    program: (u32, usize),
}

struct Fuser<'g> {
    graph: &'g Graph,
    users: Vec<Vec<ValueId>>,
    readers: Vec<Readers>,
    fusion: Fusion,
}

/// What a value waits for.
#[derive(Clone, Copy)]
struct Need {
    place: Place,
    /// Its own element is enough, so the need can be met within the same section.
    elementwise: bool,
}

impl<'g> Fuser<'g> {
    fn new(graph: &'g Graph) -> Self {
        let mut users = vec![Vec::new(); graph.nodes.len()];
        for value in graph.values() {
            for operand in &graph.node(value).operands {
                users[operand.index()].push(value);
            }
        }
        Fuser {
            graph,
            users,
            readers: vec![Readers::default(); graph.states.len()],
            fusion: Fusion {
                groups: Vec::new(),
                placed: vec![None; graph.nodes.len()],
                stored: vec![false; graph.nodes.len()],
            },
        }
    }

    fn place(&self, value: ValueId) -> Option<Place> {
        self.fusion.placed[value.index()]
    }

    fn visit(&mut self, value: ValueId) {
        if self.place(value).is_some() {
            return;
        }
        let node = self.graph.node(value);
        let operands = &node.operands;
        match &node.op {
            // Read where they are used.
            Op::Input { .. }
            | Op::State(_)
            | Op::Constant(_)
            | Op::Scalar(_)
            | Op::Broadcast { .. }
            | Op::Slice { .. }
            | Op::OneHot { .. }
            | Op::DropoutMask { .. }
            | Op::MapDerivative(_) => {}
            Op::Map(_) | Op::Binary(_) => {
                if !self.needs(value).is_empty() {
                    self.place_elementwise(value);
                }
            }
            Op::Reduce { .. } => self.place_reduction(value),
            Op::MatMul(form) => self.place_matmul(*form, value),
            Op::Gather => {
                let kind = GroupKind::Gather {
                    table: operands[0],
                    index: operands[1],
                };
                self.place_kernel(kind, &[value]);
            }
            Op::ScatterAdd { .. } => {
                let kind = GroupKind::ScatterAdd {
                    gradient: operands[0],
                    index: operands[1],
                };
                self.place_kernel(kind, &[value]);
            }
            Op::LogSoftmax => {
                let kind = GroupKind::LogSoftmax { input: operands[0] };
                self.place_kernel(kind, &[value]);
            }
            Op::Concat => {
                let parts = operands.clone();
                self.place_kernel(GroupKind::Concat { parts }, &[value]);
            }
            Op::CrossEntropy { on, off } => {
                let gradient = self.users[operands[0].index()]
                    .iter()
                    .copied()
                    .find(|user| {
                        let user = self.graph.node(*user);
                        user.op == (Op::CrossEntropyGradient { on: *on, off: *off })
                            && user.operands == *operands
                    });
                let anchors: Vec<ValueId> = std::iter::once(value).chain(gradient).collect();
                self.place_cross_entropy(*on, *off, operands, &anchors);
            }
            Op::CrossEntropyGradient { .. } => {
                unreachable!("the gradient is placed with its loss, which stands before it")
            }
            Op::ByPhase => unreachable!("phases are chosen before fusion"),
        }
    }

    fn place_cross_entropy(
        &mut self,
        on: f64,
        off: f64,
        operands: &[ValueId],
        anchors: &[ValueId],
    ) {
        let kind = GroupKind::CrossEntropy {
            logits: operands[0],
            index: operands[1],
            on,
            off,
        };
        self.place_kernel(kind, anchors);
    }

    fn place_matmul(&mut self, form: MatMulForm, value: ValueId) {
        let operands = &self.graph.node(value).operands;
        let [left, right] = [operands[0], operands[1]];
        match form {
            MatMulForm::RightTransposed => {
                let (anchor, bias) = match self.bias_of(value) {
                    Some((sum, bias)) => (sum, Some(bias)),
                    None => (value, None),
                };
                let kind = GroupKind::Forward {
                    input: left,
                    weight: right,
                    bias,
                };
                let group = self.place_kernel(kind, &[anchor]);
                if let Some(bias) = bias {
                    self.readers[bias.0 as usize].kernel = group.0 + 1;
                    // The product is inside the kernel; nothing else uses it.
                    self.fusion.placed[value.index()] = self.place(anchor);
                }
            }
            MatMulForm::Plain => {
                let kind = GroupKind::DataGradient {
                    gradient: left,
                    weight: right,
                };
                self.place_kernel(kind, &[value]);
            }
            MatMulForm::LeftTransposed => {
                let sum = self.unplaced_row_sum(left);
                let anchors: Vec<ValueId> = std::iter::once(value).chain(sum).collect();
                let kind = GroupKind::WeightGradient {
                    gradient: left,
                    input: right,
                };
                self.place_kernel(kind, &anchors);
            }
        }
    }

    /// The sum `product + bias` and the bias, if that is all that uses the product.
    fn bias_of(&self, product: ValueId) -> Option<(ValueId, StateId)> {
        let [sum] = self.users[product.index()][..] else {
            return None;
        };
        let node = self.graph.node(sum);
        let result = [self.graph.prediction, self.graph.loss].contains(&Some(product));
        if node.op != Op::Binary(BinaryOperator::Add) || node.operands[0] != product || result {
            return None;
        }
        let wide = self.graph.node(node.operands[1]);
        let Op::Broadcast { .. } = wide.op else {
            return None;
        };
        let state = self.state_of(wide.operands[0])?;
        let per_feature = self.graph.shape(wide.operands[0]).dims.len() == 1;
        per_feature.then_some((sum, state))
    }

    /// The sum of a gradient over the rows, if the graph has one that no group computes yet.
    fn unplaced_row_sum(&self, gradient: ValueId) -> Option<ValueId> {
        let users = self.users[gradient.index()].iter().copied();
        users
            .filter(|user| self.place(*user).is_none())
            .find(|user| is_row_sum(self.graph, *user))
    }

    /// Whether a weight gradient will be computed from this value, and can sum its rows on the way.
    fn has_weight_gradient(&self, gradient: ValueId) -> bool {
        self.users[gradient.index()].iter().any(|user| {
            let node = self.graph.node(*user);
            node.op == Op::MatMul(MatMulForm::LeftTransposed)
                && node.operands[0] == gradient
                && self.place(*user).is_none()
        })
    }

    /// Begins a group whose kernel reads its operands whole and gives the anchors.
    fn place_kernel(&mut self, kind: GroupKind, anchors: &[ValueId]) -> GroupId {
        for operand in kind.operands() {
            self.materialize(operand);
        }
        let group = self.next_group();
        for operand in kind.operands() {
            if let Some(state) = self.state_of(operand) {
                self.readers[state.0 as usize].kernel = group.0 + 1;
            }
        }
        let sections = anchors
            .iter()
            .map(|anchor| Draft {
                shape: self.graph.shape(*anchor).clone(),
                anchor: Some(*anchor),
                values: Vec::new(),
                assignments: Vec::new(),
            })
            .collect();
        self.fusion.groups.push(Group { kind, sections });
        for (section, anchor) in anchors.iter().enumerate() {
            self.fusion.placed[anchor.index()] = Some(Place {
                group,
                section,
                reduced: false,
            });
        }
        group
    }

    fn next_group(&self) -> GroupId {
        GroupId(u32::try_from(self.fusion.groups.len()).expect("fewer than 2^32 groups"))
    }

    fn new_loop(&mut self, shape: &Shape) -> (GroupId, usize) {
        let group = self.next_group();
        self.fusion.groups.push(Group {
            kind: GroupKind::Loop,
            sections: vec![Draft {
                shape: shape.clone(),
                anchor: None,
                values: Vec::new(),
                assignments: Vec::new(),
            }],
        });
        (group, 0)
    }

    /// The section in which a node over `shape` with these needs runs: the one that computes the last
    /// of them, or a new loop.
    fn section_for(&mut self, needs: &[Need], shape: &Shape) -> (GroupId, usize) {
        let last = needs.iter().map(|need| need.place.group).max();
        let Some(last) = last else {
            return self
                .last_loop(needs, shape)
                .unwrap_or_else(|| self.new_loop(shape));
        };
        let mut at_last = needs.iter().filter(|need| need.place.group == last);
        let section = at_last
            .clone()
            .next()
            .expect("one need is the last")
            .place
            .section;
        let same = at_last.all(|need| need.elementwise && need.place.section == section);
        match same && self.accepts(last, section, shape) {
            true => (last, section),
            false => self
                .last_loop(needs, shape)
                .unwrap_or_else(|| self.new_loop(shape)),
        }
    }

    /// The last group, if it is a loop over this shape that comes after all needs.
    fn last_loop(&self, needs: &[Need], shape: &Shape) -> Option<(GroupId, usize)> {
        let last = GroupId(self.next_group().0.checked_sub(1)?);
        let group = &self.fusion.groups[last.0 as usize];
        let fits = group.kind == GroupKind::Loop && group.sections[0].shape == *shape;
        let ready = needs
            .iter()
            .all(|need| need.place.group < last || need.place.group == last && need.elementwise);
        (fits && ready).then_some((last, 0))
    }

    /// Whether a group's section can run a program over `shape`.
    fn accepts(&self, group: GroupId, section: usize, shape: &Shape) -> bool {
        let group = &self.fusion.groups[group.0 as usize];
        let copies = matches!(group.kind, GroupKind::Concat { .. });
        !copies && group.sections[section].shape == *shape
    }

    fn place_elementwise(&mut self, value: ValueId) {
        let needs = self.needs(value);
        let shape = self.graph.shape(value).clone();
        let (group, section) = self.section_for(&needs, &shape);
        self.join(value, group, section, false);
    }

    fn place_reduction(&mut self, value: ValueId) {
        let operand = self.graph.node(value).operands[0];
        if is_row_sum(self.graph, value) && self.has_weight_gradient(operand) {
            // The kernel of the weight's gradient sums the rows; it is placed when that is visited.
            return;
        }
        let shape = self.graph.shape(operand).clone();
        let needs = self.needs(value);
        let (group, section) = self.section_for(&needs, &shape);
        self.join(value, group, section, true);
    }

    /// Puts a node into a section, with everything that floated until now, and marks what it reads
    /// from other sections as kept in memory.
    fn join(&mut self, value: ValueId, group: GroupId, section: usize, reduced: bool) {
        let place = Place {
            group,
            section,
            reduced,
        };
        self.fusion.placed[value.index()] = Some(place);
        self.fusion.groups[group.0 as usize].sections[section]
            .values
            .push(value);
        for operand in self.graph.node(value).operands.clone() {
            self.read(operand, group, section);
        }
    }

    /// Notes that a section's program reads a value.
    fn read(&mut self, value: ValueId, group: GroupId, section: usize) {
        if let Some(place) = self.place(value) {
            if place.group != group || place.section != section || place.reduced {
                self.fusion.stored[value.index()] = true;
            }
            return;
        }
        let node = self.graph.node(value);
        match node.op {
            Op::State(state) => {
                let readers = &mut self.readers[state.0 as usize];
                readers.program = readers.program.max((group.0 + 1, section));
            }
            Op::Input { .. } | Op::Constant(_) | Op::Scalar(_) => {}
            Op::Broadcast { .. } | Op::Slice { .. } | Op::OneHot { .. } => {
                let inner = node.operands[0];
                if self.place(inner).is_some() {
                    self.fusion.stored[inner.index()] = true;
                } else {
                    self.read(inner, group, section);
                }
            }
            // A floating node: it is computed here.
            Op::Map(_) | Op::MapDerivative(_) | Op::Binary(_) | Op::DropoutMask { .. } => {
                self.join(value, group, section, false);
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

    /// What the operands of a node wait for, through whatever floats.
    fn needs(&mut self, value: ValueId) -> Vec<Need> {
        let mut needs = Vec::new();
        for operand in self.graph.node(value).operands.clone() {
            self.collect_needs(operand, &mut needs);
        }
        needs
    }

    fn collect_needs(&mut self, value: ValueId, needs: &mut Vec<Need>) {
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
    fn settle(&mut self, value: ValueId) {
        let floats = matches!(
            self.graph.node(value).op,
            Op::Map(_) | Op::MapDerivative(_) | Op::Binary(_) | Op::DropoutMask { .. }
        );
        if floats && self.place(value).is_none() {
            self.place_elementwise(value);
        }
    }

    /// Makes a value one that stands in memory whole: placed and stored, or a view of what is.
    fn materialize(&mut self, value: ValueId) {
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
    fn state_of(&self, value: ValueId) -> Option<StateId> {
        if let Op::State(state) = self.graph.node(value).op {
            Some(state)
        } else {
            None
        }
    }

    /// Writes a state's new value in the section that computes it, if nothing reads the old value
    /// afterwards; else in a loop of its own at the end.
    fn assign(&mut self, assignment: Assignment) {
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

fn is_row_sum(graph: &Graph, value: ValueId) -> bool {
    graph.node(value).op
        == Op::Reduce {
            axis: Axis::Batch,
            reduction: Reduction::Sum,
        }
}
