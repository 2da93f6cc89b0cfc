//! From a region's program to the actions on a tile.

use super::LinkTarget;
use crate::kernels::action::{Action, ActionOperand, Address, UpdateAction};
use crate::kernels::element::Element;
use crate::kernels::update::recognise::Recognised;
use crate::plan::step::{
    Destination, Instruction, Load, Offset, ReductionAxis, Region, Scratch, Source, Tile,
};

/// A region's program on one tile.
pub(super) struct Program<'s> {
    pub region: &'s Region,
    pub tile: Tile,
    /// The kernel's result for the tile, columns adjoining.
    pub accumulator: Address,
    /// The worker's temporaries.
    pub scratch: usize,
    pub target: LinkTarget,
}

impl Program<'_> {
    pub(super) fn features(&self) -> usize {
        self.region.features
    }

    fn scratch(&self, scratch: Scratch) -> Address {
        let elements = self.features() * self.region.block_columns;
        Address::work(self.scratch + scratch.index() * elements)
    }

    /// A matrix' column `first` of the tile, its columns `stride` apart.
    fn column(&self, at: Offset, stride: usize, first: usize) -> Address {
        self.target
            .place(at.0)
            .plus((self.tile.first + first) * stride)
            .advancing(self.region.block_columns * stride)
    }

    pub(super) fn value<T: Element>(&self, source: Source, first: usize) -> ActionOperand<T> {
        match source {
            Source::Scratch(scratch) => ActionOperand::Run(self.scratch(scratch)),
            Source::Accumulator => ActionOperand::Run(
                self.accumulator
                    .plus(first * self.features())
                    .advancing(self.region.block_columns * self.features()),
            ),
            Source::Memory(at) => ActionOperand::Run(self.column(at, self.features(), first)),
            Source::Scalar(at) => ActionOperand::Number(Address::arena(at.0)),
            Source::Constant(value) => ActionOperand::Constant(T::constant(value)),
        }
    }

    pub(super) fn destination(&self, destination: Destination, first: usize) -> Address {
        match destination {
            Destination::Scratch(scratch) => self.scratch(scratch),
            Destination::Memory(at) => self.column(at, self.features(), first),
        }
    }

    /// Where a tile's reduction goes.
    pub(super) fn reduced(
        &self,
        axis: ReductionAxis,
        into: Offset,
        partials: Offset,
        first: usize,
    ) -> Address {
        let partial = |elements: usize| {
            if self.tile.only {
                Address::arena(into.0)
            } else {
                Address::arena(partials.0 + self.tile.index * elements)
            }
        };
        match axis {
            ReductionAxis::Features => self.column(into, 1, first),
            ReductionAxis::Columns => partial(self.features()),
            ReductionAxis::All => partial(1),
        }
    }

    /// The places that the program reads or writes on this tile, temporaries excepted.
    pub fn touched(&self) -> Vec<(Address, usize, bool)> {
        let mut touched = Vec::new();
        let columns = self.tile.columns;
        let span = |features: usize, stride: usize| (columns - 1) * stride + features;
        let whole = |at: Offset| {
            (
                self.column(at, self.features(), 0),
                columns * self.features(),
            )
        };
        let source = |source: Source| match source {
            Source::Memory(at) => Some(whole(at)),
            Source::Scalar(at) => Some((Address::arena(at.0), 1)),
            Source::Scratch(_) | Source::Accumulator | Source::Constant(_) => None,
        };
        let destination = |destination: Destination| match destination {
            Destination::Memory(at) => Some(whole(at)),
            Destination::Scratch(_) => None,
        };
        for instruction in &self.region.program {
            let (reads, write) = match *instruction {
                Instruction::Load { ref load, .. } => {
                    let read = match *load {
                        Load::Strided { at, stride } => {
                            Some((self.column(at, stride, 0), span(self.features(), stride)))
                        }
                        Load::PerFeature { at } => Some((Address::arena(at.0), self.features())),
                        Load::PerColumn { at, stride } | Load::OneHot { at, stride } => {
                            Some((self.column(at, stride, 0), span(1, stride)))
                        }
                        Load::Scalar { at } => Some((Address::arena(at.0), 1)),
                        Load::Constant(_) | Load::Rows | Load::Dropout { .. } => None,
                    };
                    ([read, None], None)
                }
                Instruction::Unary { to, from, .. } => ([source(from), None], destination(to)),
                Instruction::Binary {
                    to, left, right, ..
                } => ([source(left), source(right)], destination(to)),
                Instruction::Store { from, at, stride } => {
                    let to = (self.column(at, stride, 0), span(self.features(), stride));
                    ([source(from), None], Some(to))
                }
                Instruction::Reduce {
                    from,
                    axis,
                    into,
                    partials,
                    ..
                } => {
                    let elements = match axis {
                        ReductionAxis::Features => columns,
                        ReductionAxis::Columns => self.features(),
                        ReductionAxis::All => 1,
                    };
                    let to = self.reduced(axis, into, partials, 0);
                    ([source(from), None], Some((to, elements)))
                }
            };
            let reads = reads.into_iter().flatten();
            touched.extend(reads.map(|(place, elements)| (place, elements, false)));
            touched.extend(write.map(|(place, elements)| (place, elements, true)));
        }
        touched
    }

    /// The program on a kernel's result that lies elsewhere.
    pub fn at(&self, accumulator: Address) -> Self {
        Program {
            accumulator,
            ..*self
        }
    }

    /// The whole program at once, for `length` of the tile's elements from `first` on, where the accumulator
    /// begins. The new parameter goes to `result`, or to its own place.
    pub fn update<T: Element>(
        &self,
        recognised: &Recognised,
        first: usize,
        length: usize,
        result: Option<Address>,
    ) -> Action<T> {
        let place = |at: &Offset| self.state(*at, first);
        Action::Update(Box::new(UpdateAction {
            update: recognised.update,
            length,
            gradient: self.accumulator,
            states: recognised.states.iter().map(place).collect(),
            result,
            numbers: recognised
                .numbers
                .iter()
                .map(|number| self.value(*number, 0))
                .collect(),
        }))
    }

    /// Where an updated state has the tile's element `first`.
    pub fn state(&self, at: Offset, first: usize) -> Address {
        Address::arena(at.0 + self.tile.first * self.features() + first)
    }

    /// The actions on a block of columns, the first of them counted from the tile's.
    pub fn block<T: Element>(&self, first: usize, columns: usize) -> Vec<Action<T>> {
        let program = &self.region.program;
        let mut actions = Vec::with_capacity(program.len());
        let mut index = 0;
        while index < program.len() {
            if let Some((action, count)) = self.residual(&program[index..], first, columns) {
                actions.push(action);
                index += count;
                continue;
            }
            if let Some(action) = self.gradient(&program[index..], first, columns) {
                actions.push(action);
                index += 2;
                continue;
            }
            actions.push(self.action(&program[index], first, columns));
            index += 1;
        }
        actions
    }

    fn action<T: Element>(
        &self,
        instruction: &Instruction,
        first: usize,
        columns: usize,
    ) -> Action<T> {
        let features = self.features();
        let length = columns * features;
        match *instruction {
            Instruction::Load { to, ref load } => self.load(self.scratch(to), load, first, columns),
            Instruction::Unary {
                to,
                from,
                function,
                derivative,
            } => Action::Unary {
                length,
                from: self.value(from, first),
                to: self.destination(to, first),
                function,
                derivative,
            },
            Instruction::Binary {
                to,
                left,
                right,
                operator,
            } => Action::Binary {
                length,
                left: self.value(left, first),
                right: self.value(right, first),
                to: self.destination(to, first),
                operator,
            },
            Instruction::Store { from, at, stride } => {
                let to = self.column(at, stride, first);
                match self.value(from, first) {
                    ActionOperand::Run(from) => Action::Copy {
                        features,
                        columns,
                        from,
                        from_stride: features,
                        to,
                        to_stride: stride,
                    },
                    from @ (ActionOperand::Number(_) | ActionOperand::Constant(_)) => {
                        Action::Spread {
                            features,
                            columns,
                            from,
                            stride: 0,
                            to,
                            to_stride: stride,
                        }
                    }
                }
            }
            Instruction::Reduce {
                from,
                axis,
                reduction,
                into,
                partials,
            } => {
                let ActionOperand::Run(from) = self.value::<T>(from, first) else {
                    unreachable!("the verifier refuses the reduction of a number");
                };
                Action::Reduce {
                    features,
                    columns,
                    stride: features,
                    from,
                    axis,
                    reduction,
                    into: self.reduced(axis, into, partials, first),
                    resume: first > 0,
                }
            }
        }
    }

    fn load<T: Element>(
        &self,
        to: Address,
        load: &Load,
        first: usize,
        columns: usize,
    ) -> Action<T> {
        let features = self.features();
        let length = columns * features;
        let fill = |value| Action::Fill { length, value, to };
        match *load {
            Load::Strided { at, stride } => Action::Copy {
                features,
                columns,
                from: self.column(at, stride, first),
                from_stride: stride,
                to,
                to_stride: features,
            },
            Load::PerFeature { at } => Action::Copy {
                features,
                columns,
                from: Address::arena(at.0),
                from_stride: 0,
                to,
                to_stride: features,
            },
            Load::PerColumn { at, stride } => Action::Spread {
                features,
                columns,
                from: ActionOperand::Run(self.column(at, stride, first)),
                stride,
                to,
                to_stride: features,
            },
            Load::Scalar { at } => fill(ActionOperand::Number(Address::arena(at.0))),
            Load::Constant(value) => fill(ActionOperand::Constant(T::constant(value))),
            Load::Rows => fill(ActionOperand::Constant(T::constant(
                self.target.rows as f64,
            ))),
            Load::OneHot { at, stride } => Action::OneHot {
                features,
                columns,
                index: self.column(at, stride, first),
                stride,
                to,
            },
            Load::Dropout { key, keep } => Action::Dropout {
                key: Box::new(key),
                keep,
                first: (self.tile.first + first) * features,
                advance: self.region.block_columns * features,
                length,
                to,
            },
        }
    }
}
