//! The walk over a graph that places each node: kernels begin groups, the rest is merged into them.

use std::collections::HashSet;

use super::needs::Needs;
use super::{Fusion, Group, GroupId, GroupKind, Placement, Reader, RegionBuilder};
use crate::graph::ops::Reduction;
use crate::graph::ops::{Axis, BinaryOperator, MatMulForm, Op, row_major_values};
use crate::graph::state::StateId;
use crate::graph::{Graph, ValueId};

/// The last places that read a state.
#[derive(Clone, Copy, Default)]
pub(super) struct Readers {
    /// The last group whose kernel reads it, plus 1.
    pub kernel: u32,
    /// The last region whose program reads it: (group plus 1, region).
    pub program: (u32, usize),
}

pub(super) struct Fuser<'g> {
    pub graph: &'g Graph,
    /// Which values are laid out row-major.
    row_major: Vec<bool>,
    users: Vec<Vec<ValueId>>,
    pub readers: Vec<Readers>,
    /// Which values wait for nothing that is placed: no walk over their operands finds a need.
    free: Vec<bool>,
    /// The walk over needs that has last come by each value.
    pub walked: Vec<u32>,
    pub walks: u32,
    /// Each reader of a stored value, to note it once.
    known_readers: HashSet<(ValueId, Reader)>,
    pub fusion: Fusion,
}

impl<'g> Fuser<'g> {
    pub(super) fn new(graph: &'g Graph) -> Self {
        let mut users = vec![Vec::new(); graph.nodes.len()];
        for value in graph.values() {
            for operand in &graph.node(value).operands {
                users[operand.index()].push(value);
            }
        }
        Fuser {
            graph,
            row_major: row_major_values(graph),
            users,
            readers: vec![Readers::default(); graph.states.len()],
            free: vec![false; graph.nodes.len()],
            walked: vec![0; graph.nodes.len()],
            walks: 0,
            known_readers: HashSet::new(),
            fusion: Fusion {
                groups: Vec::new(),
                placed: vec![None; graph.nodes.len()],
                stored: vec![false; graph.nodes.len()],
                readers: vec![Vec::new(); graph.nodes.len()],
                separations: Vec::new(),
                looks: 0,
            },
        }
    }

    pub(super) fn place(&self, value: ValueId) -> Option<Placement> {
        self.fusion.placed[value.index()]
    }

    /// Notes where a value is computed: what is computed from it now waits for that.
    pub(super) fn set_place(&mut self, value: ValueId, place: Placement) {
        self.fusion.placed[value.index()] = Some(place);
        self.free[value.index()] = false;
        let mut waiting = vec![value];
        while let Some(value) = waiting.pop() {
            self.fusion.looks += self.users[value.index()].len();
            for user in &self.users[value.index()] {
                if std::mem::replace(&mut self.free[user.index()], false) {
                    waiting.push(*user);
                }
            }
        }
    }

    /// Whether a value that floats waits for nothing.
    pub(super) fn is_free(&self, value: ValueId) -> bool {
        self.free[value.index()]
    }

    /// Stores a placed value in memory for someone who reads it.
    pub(super) fn store(&mut self, value: ValueId, reader: Reader) {
        self.fusion.stored[value.index()] = true;
        if self.known_readers.insert((value, reader)) {
            self.fusion.readers[value.index()].push(reader);
        }
    }

    pub(super) fn visit(&mut self, value: ValueId) {
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
            | Op::DropoutMask(_) => self.free[value.index()] = true,
            Op::Broadcast { .. } | Op::Slice { .. } | Op::OneHot { .. } => {
                let source = self.view_source(operands[0]);
                self.free[value.index()] = self.is_free(source) && !self.floats(source);
            }
            Op::MapDerivative(_) => {
                self.free[value.index()] = self.is_free(operands[0]);
            }
            Op::Map(_) | Op::Binary(_) => {
                if operands.iter().all(|operand| self.is_free(*operand)) {
                    self.free[value.index()] = true;
                    return;
                }
                let needs = self.needs(value);
                if needs.is_empty() {
                    self.free[value.index()] = true;
                } else {
                    self.place_elementwise(value, &needs);
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
                let parts = operands.to_vec();
                self.place_kernel(GroupKind::Concat { parts }, &[value]);
            }
            Op::CrossEntropy { on, off } => {
                let mut users = self.users[operands[0].index()].iter().copied();
                let gradient = users.find(|user| {
                    let user = self.graph.node(*user);
                    // Bit by bit: a number that waits for the data is NaN.
                    let alike = |on_too: f64, off_too: f64| {
                        [on, off].map(|number| number.to_bits())
                            == [on_too, off_too].map(f64::to_bits)
                    };
                    matches!(user.op, Op::CrossEntropyGradient { on, off } if alike(on, off))
                        && user.operands == *operands
                });
                let accumulators: Vec<ValueId> = std::iter::once(value).chain(gradient).collect();
                self.place_cross_entropy(*on, *off, operands, &accumulators);
            }
            Op::CrossEntropyGradient { .. } => {
                unreachable!("the gradient is placed with its loss, which stands before it")
            }
            Op::Reshape { .. } => unreachable!("rows are flat before fusion"),
            Op::ByPhase => unreachable!("phases are chosen before fusion"),
        }
    }

    fn place_cross_entropy(
        &mut self,
        on: f64,
        off: f64,
        operands: &[ValueId],
        accumulators: &[ValueId],
    ) {
        let kind = GroupKind::CrossEntropy {
            logits: operands[0],
            index: operands[1],
            on,
            off,
        };
        self.place_kernel(kind, accumulators);
    }

    fn place_matmul(&mut self, form: MatMulForm, value: ValueId) {
        let operands = &self.graph.node(value).operands;
        let [left, right] = [operands[0], operands[1]];
        match form {
            MatMulForm::RightTransposed => {
                let (accumulator, bias) = match self.bias_of(value) {
                    Some((sum, bias)) => (sum, Some(bias)),
                    None => (value, None),
                };
                let kind = GroupKind::Forward {
                    input: left,
                    weight: right,
                    bias,
                };
                let group = self.place_kernel(kind, &[accumulator]);
                if let Some(bias) = bias {
                    self.readers[bias.0 as usize].kernel = group.0 + 1;
                    // The product is inside the kernel; nothing else uses it.
                    if let Some(place) = self.place(accumulator) {
                        self.set_place(value, place);
                    }
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
                let accumulators: Vec<ValueId> = std::iter::once(value).chain(sum).collect();
                let kind = GroupKind::WeightGradient {
                    gradient: left,
                    input: right,
                };
                self.place_kernel(kind, &accumulators);
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
        self.unplaced_weight_gradient(gradient).is_some()
    }

    fn unplaced_weight_gradient(&self, gradient: ValueId) -> Option<ValueId> {
        let mut users = self.users[gradient.index()].iter().copied();
        users.find(|user| {
            let node = self.graph.node(*user);
            node.op == Op::MatMul(MatMulForm::LeftTransposed)
                && node.operands[0] == gradient
                && self.place(*user).is_none()
        })
    }

    /// Places the weight gradient that is computed from this value before its turn, for someone who
    /// reads the sum of rows that its kernel gives.
    pub(super) fn place_weight_gradient(&mut self, gradient: ValueId) {
        if let Some(product) = self.unplaced_weight_gradient(gradient) {
            self.visit(product);
        }
    }

    /// Begins a group whose kernel reads its operands whole and gives the accumulators.
    fn place_kernel(&mut self, kind: GroupKind, accumulators: &[ValueId]) -> GroupId {
        let operands = kind.operands().into_iter();
        let kept: Vec<ValueId> = operands
            .filter_map(|operand| self.materialize(operand))
            .collect();
        let group = self.next_group();
        for value in kept {
            self.store(value, Reader::Kernel(group));
        }
        for operand in kind.operands() {
            if let Some(state) = self.state_of(operand) {
                self.readers[state.0 as usize].kernel = group.0 + 1;
            }
        }
        let regions = accumulators
            .iter()
            .map(|accumulator| RegionBuilder {
                shape: self.graph.shape(*accumulator).clone(),
                row_major: self.row_major[accumulator.index()],
                accumulator: Some(*accumulator),
                values: Vec::new(),
                assignments: Vec::new(),
            })
            .collect();
        self.fusion.groups.push(Group { kind, regions });
        for (region, accumulator) in accumulators.iter().enumerate() {
            let place = Placement {
                group,
                region,
                reduced: false,
            };
            self.set_place(*accumulator, place);
        }
        group
    }

    /// Whether a region that computes a value goes over what lies as a table does.
    pub(super) fn table_of(&self, value: ValueId) -> bool {
        let node = self.graph.node(value);
        let over = if matches!(node.op, Op::Reduce { .. }) {
            node.operands[0]
        } else {
            value
        };
        self.row_major[over.index()]
    }

    pub(super) fn next_group(&self) -> GroupId {
        GroupId(u32::try_from(self.fusion.groups.len()).expect("fewer than 2^32 groups"))
    }

    pub(super) fn place_elementwise(&mut self, value: ValueId, needs: &Needs) {
        let shape = self.graph.shape(value).clone();
        let (group, region) = self.region_for(value, needs, &shape);
        self.merge(value, group, region, false);
    }

    fn place_reduction(&mut self, value: ValueId) {
        let operand = self.graph.node(value).operands[0];
        if is_row_sum(self.graph, value) && self.has_weight_gradient(operand) {
            // The kernel of the weight's gradient sums the rows; it is placed when that is visited.
            return;
        }
        self.merge_reduction(value);
    }

    /// Places a reduction in a region over what it reduces.
    pub(super) fn merge_reduction(&mut self, value: ValueId) {
        let shape = self.graph.shape(self.graph.node(value).operands[0]).clone();
        let needs = self.needs(value);
        let (group, region) = self.region_for(value, &needs, &shape);
        self.merge(value, group, region, true);
    }

    /// Puts a node into a region, with everything that floated until now, and stores what it reads
    /// from other regions.
    pub(super) fn merge(&mut self, value: ValueId, group: GroupId, region: usize, reduced: bool) {
        let mut read = Vec::new();
        self.put(value, (group, region), reduced, &mut read);
        // What is read, the next one last.
        while let Some(value) = read.pop() {
            self.fusion.looks += 1;
            if let Some(place) = self.place(value) {
                if place.group != group || place.region != region || place.reduced {
                    self.store(value, Reader::Program(group));
                }
                continue;
            }
            let node = self.graph.node(value);
            match node.op {
                Op::State(state) => {
                    let readers = &mut self.readers[state.0 as usize];
                    readers.program = readers.program.max((group.0 + 1, region));
                }
                Op::Input { .. } | Op::Constant(_) | Op::Scalar(_) => {}
                Op::Broadcast { .. } | Op::Slice { .. } | Op::OneHot { .. } => {
                    let source = node.operands[0];
                    if self.place(source).is_some() {
                        self.store(source, Reader::Reshaped(group));
                    } else {
                        read.push(source);
                    }
                }
                // A floating node: it is computed here.
                Op::Map(_) | Op::MapDerivative(_) | Op::Binary(_) | Op::DropoutMask(_) => {
                    self.put(value, (group, region), false, &mut read);
                }
                Op::Reduce { .. }
                | Op::MatMul(_)
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

    /// Puts a node alone into a region; its operands are still to be read.
    fn put(
        &mut self,
        value: ValueId,
        (group, region): (GroupId, usize),
        reduced: bool,
        read: &mut Vec<ValueId>,
    ) {
        let place = Placement {
            group,
            region,
            reduced,
        };
        self.set_place(value, place);
        let values = &mut self.fusion.groups[group.0 as usize].regions[region].values;
        values.push(value);
        read.extend(self.graph.node(value).operands.iter().rev());
    }
}

fn is_row_sum(graph: &Graph, value: ValueId) -> bool {
    graph.node(value).op
        == Op::Reduce {
            axis: Axis::Batch,
            reduction: Reduction::Sum,
        }
}
