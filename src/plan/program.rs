//! From the nodes of a region to its tile program: sources, destinations, temporaries.

use std::collections::HashMap;

use super::layout::{MatrixLayout, extents, panel_columns};
use super::lower::Lowering;
use super::step::{
    Columns, Destination, Instruction, Load, RandomKey, ReductionAxis, Region, Scratch, Source,
    Tiling,
};
use crate::graph::ValueId;
use crate::graph::ops::{Axis, BroadcastKind, Op, broadcast_kind};
use crate::graph::shape::Shape;
use crate::passes::fuse::{GroupId, RegionBuilder};
use crate::random::Stream;

/// Columns of the batch that a worker takes at least: enough for a product to use what it reads of the
/// weights.
const MIN_TILE_COLUMNS: usize = 32;
/// A batch of more rows than this many tiles is cut into coarser ones.
const MAX_TILES_OF_A_BATCH: usize = 16;
/// Elements of a weight's tile that a worker takes at once: they stay in the first caches between
/// gradient and update.
const TILE_ELEMENTS: usize = 8 * 1024;
/// Weights of fewer elements, each as often as the batch has rows, are one tile.
const FEWEST_PRODUCTS: usize = 64 * 1024;
/// Tiles of a weight, if it has enough columns, so that several workers share them evenly.
const TILES: usize = 16;
const BLOCK_ELEMENTS: usize = 1024;

/// How a region of that shape is cut: by the shape alone. All that has a column for each row of the
/// batch is cut alike, so that what a worker computes from its own columns needs no barrier.
pub fn tiling(
    shape: &Shape,
    layout: MatrixLayout,
    (features, columns): (usize, Columns),
    batch: usize,
) -> Tiling {
    let panel = panel_columns(shape, layout);
    let count = columns.count(batch);
    let tile = match columns {
        Columns::Batch => batch_tile(batch),
        Columns::Fixed(_) if features * count * batch < FEWEST_PRODUCTS => count,
        Columns::Fixed(_) => {
            let most = (TILE_ELEMENTS / features.max(1)).max(MIN_TILE_COLUMNS);
            let wanted = (count / TILES).clamp(MIN_TILE_COLUMNS, most);
            // Tiles of one panel are about the same size.
            let panel = panel.unwrap_or(count);
            panel.div_ceil(panel.div_ceil(wanted).max(1))
        }
    };
    Tiling::new(count, panel, tile)
}

/// Columns of a tile of all that has a column for each row of the batch.
pub fn batch_tile(batch: usize) -> usize {
    MIN_TILE_COLUMNS
        * batch
            .div_ceil(MIN_TILE_COLUMNS * MAX_TILES_OF_A_BATCH)
            .max(1)
}

fn block_columns(features: usize) -> usize {
    (BLOCK_ELEMENTS / features.max(1)).max(1)
}

/// Builds the region's program.
pub fn region(
    lowering: &Lowering,
    group: GroupId,
    index: usize,
    builder: &RegionBuilder,
) -> Region {
    let layout = MatrixLayout::of(builder.row_major);
    let (features, columns) = extents(&builder.shape, layout, lowering.states.panel);
    let tiling = tiling(&builder.shape, layout, (features, columns), lowering.batch);
    let tile_columns = tiling.tile_columns;
    let program = ProgramBuilder {
        lowering,
        group,
        index,
        region: builder,
        features,
        instructions: Vec::new(),
        sources: HashMap::new(),
        temporaries: 0,
    };
    let (program, scratches) = program.build();
    Region {
        features,
        columns,
        tile_columns,
        panel_columns: panel_columns(&builder.shape, layout),
        block_columns: block_columns(features).min(tile_columns),
        accumulator: builder
            .accumulator
            .and_then(|accumulator| lowering.offset(accumulator)),
        scratches,
        program,
    }
}

struct ProgramBuilder<'l> {
    lowering: &'l Lowering<'l>,
    group: GroupId,
    index: usize,
    region: &'l RegionBuilder,
    features: usize,
    instructions: Vec<Instruction>,
    sources: HashMap<ValueId, Source>,
    temporaries: u32,
}

impl ProgramBuilder<'_> {
    fn build(mut self) -> (Vec<Instruction>, u32) {
        if let Some(accumulator) = self.region.accumulator {
            self.sources.insert(accumulator, Source::Accumulator);
        }
        for value in &self.region.values {
            self.compute(*value);
        }
        for assignment in &self.region.assignments {
            let from = self.source(assignment.value);
            let at = self.lowering.states.place(assignment.state).matrix.at;
            self.instructions.push(Instruction::Store {
                from,
                at,
                stride: self.features,
            });
        }
        reuse_temporaries(self.instructions)
    }

    fn temporary(&mut self) -> Scratch {
        let scratch = Scratch(self.temporaries);
        self.temporaries = self
            .temporaries
            .checked_add(1)
            .expect("fewer than 2^32 temporaries");
        scratch
    }

    /// Emits the instruction of a node that belongs to this region.
    fn compute(&mut self, value: ValueId) {
        let graph = self.lowering.graph;
        let node = graph.node(value);
        match &node.op {
            Op::Map(function) | Op::MapDerivative(function) => {
                let from = self.source(node.operands[0]);
                let to = self.destination(value, &[from]);
                self.instructions.push(Instruction::Unary {
                    to,
                    from,
                    function: *function,
                    derivative: matches!(node.op, Op::MapDerivative(_)),
                });
                self.computed(value, to);
            }
            Op::Binary(operator) => {
                let left = self.source(node.operands[0]);
                let right = self.source(node.operands[1]);
                let to = self.destination(value, &[left, right]);
                self.instructions.push(Instruction::Binary {
                    to,
                    left,
                    right,
                    operator: *operator,
                });
                self.computed(value, to);
            }
            Op::Reduce { axis, reduction } => {
                let from = self.source(node.operands[0]);
                let into = self.lowering.offset(value);
                let into = into.expect("the result of a reduction is in memory");
                let partials = self.lowering.partials(value);
                let axis = match axis {
                    Axis::Batch => ReductionAxis::Columns,
                    Axis::Last => ReductionAxis::Features,
                    Axis::All => ReductionAxis::All,
                };
                self.instructions.push(Instruction::Reduce {
                    from,
                    axis,
                    reduction: *reduction,
                    into,
                    partials,
                });
            }
            // Loads that are values of their own, because a kernel reads them whole.
            Op::DropoutMask(_)
            | Op::Broadcast { .. }
            | Op::Constant(_)
            | Op::Scalar(_)
            | Op::OneHot { .. } => {
                let from = self.load(value);
                self.sources.insert(value, from);
                if let Some(at) = self.lowering.offset(value) {
                    self.instructions.push(Instruction::Store {
                        from,
                        at,
                        stride: self.features,
                    });
                }
            }
            Op::Input { .. }
            | Op::State(_)
            | Op::MatMul(_)
            | Op::Gather
            | Op::ScatterAdd { .. }
            | Op::Concat
            | Op::Slice { .. }
            | Op::LogSoftmax
            | Op::CrossEntropy { .. }
            | Op::CrossEntropyGradient { .. }
            | Op::Reshape { .. }
            | Op::ByPhase => unreachable!("not a node of a program"),
        }
    }

    /// Where a node's result goes: straight to its memory if it has any, unless the instruction
    /// reads that very place.
    fn destination(&mut self, value: ValueId, reads: &[Source]) -> Destination {
        match self.lowering.offset(value) {
            Some(at) if !reads.contains(&Source::Memory(at)) => Destination::Memory(at),
            Some(_) | None => Destination::Scratch(self.temporary()),
        }
    }

    fn computed(&mut self, value: ValueId, to: Destination) {
        let source = match to {
            Destination::Scratch(scratch) => Source::Scratch(scratch),
            Destination::Memory(at) => Source::Memory(at),
        };
        self.sources.insert(value, source);
        if let (Destination::Scratch(_), Some(at)) = (to, self.lowering.offset(value)) {
            self.instructions.push(Instruction::Store {
                from: source,
                at,
                stride: self.features,
            });
        }
    }

    /// Where a program finds a value: computed here, in memory, or loaded.
    fn source(&mut self, value: ValueId) -> Source {
        if let Some(source) = self.sources.get(&value) {
            return *source;
        }
        let source = self.find(value);
        self.sources.insert(value, source);
        source
    }

    fn find(&mut self, value: ValueId) -> Source {
        let lowering = self.lowering;
        let graph = lowering.graph;
        let node = graph.node(value);
        if let Some(place) = lowering.fusion.placed[value.index()] {
            debug_assert!(
                (place.group, place.region) != (self.group, self.index) || place.reduced,
                "values of this region are computed before they are read"
            );
            let at = lowering
                .offset(value)
                .expect("a value read elsewhere is stored");
            return Source::Memory(at);
        }
        if let Op::State(state) = node.op {
            return Source::Memory(lowering.states.place(state).matrix.at);
        }
        if let Op::Constant(number) = node.op {
            return Source::Constant(number);
        }
        if let Op::Scalar(scalar) = node.op {
            return Source::Scalar(lowering.scalar(scalar));
        }
        if matches!(node.op, Op::Input { .. } | Op::Slice { .. }) {
            let matrix = lowering.matrix(value);
            if matrix.stride == self.features {
                return Source::Memory(matrix.at);
            }
        }
        let repeats_one =
            matches!(node.op, Op::Broadcast { .. }) && graph.shape(node.operands[0]).is_scalar();
        if !repeats_one {
            return self.load(value);
        }
        match self.source(node.operands[0]) {
            Source::Memory(at) => Source::Scalar(at),
            other @ (Source::Constant(_) | Source::Scalar(_)) => other,
            Source::Scratch(_) | Source::Accumulator => {
                unreachable!("one number is whole before it is repeated")
            }
        }
    }

    /// Emits the load of a value that is not simply contiguous memory.
    fn load(&mut self, value: ValueId) -> Source {
        let load = self.load_of(value);
        let to = self.temporary();
        self.instructions.push(Instruction::Load { to, load });
        Source::Scratch(to)
    }

    fn load_of(&mut self, value: ValueId) -> Load {
        let lowering = self.lowering;
        let graph = lowering.graph;
        let node = graph.node(value);
        match &node.op {
            Op::Input { .. } | Op::Slice { .. } => {
                let matrix = lowering.matrix(value);
                Load::Strided {
                    at: matrix.at,
                    stride: matrix.stride,
                }
            }
            Op::Constant(number) => Load::Constant(*number),
            Op::Scalar(scalar) => Load::Scalar {
                at: lowering.scalar(*scalar),
            },
            Op::OneHot { .. } => {
                let index = lowering.matrix(node.operands[0]);
                Load::OneHot {
                    at: index.at,
                    stride: index.stride,
                }
            }
            Op::DropoutMask(mask) => {
                let purpose = crate::graph::ops::DROPOUT;
                Load::Dropout {
                    key: RandomKey(Stream::new(lowering.seed, purpose, &mask.stream).key()),
                    keep: mask.keep,
                }
            }
            Op::Broadcast { shape } => self.load_repeated(node.operands[0], shape),
            Op::State(_)
            | Op::Map(_)
            | Op::MapDerivative(_)
            | Op::Binary(_)
            | Op::Reduce { .. }
            | Op::MatMul(_)
            | Op::Gather
            | Op::ScatterAdd { .. }
            | Op::Concat
            | Op::LogSoftmax
            | Op::CrossEntropy { .. }
            | Op::CrossEntropyGradient { .. }
            | Op::Reshape { .. }
            | Op::ByPhase => unreachable!("computed values are in memory or in a temporary"),
        }
    }

    fn load_repeated(&mut self, inner: ValueId, to: &Shape) -> Load {
        let graph = self.lowering.graph;
        let repeat = broadcast_kind(graph.shape(inner), to).expect("the node was built");
        if repeat == BroadcastKind::Scalar {
            return match self.source(inner) {
                Source::Constant(number) => Load::Constant(number),
                Source::Scalar(at) | Source::Memory(at) => Load::Scalar { at },
                Source::Scratch(_) | Source::Accumulator => {
                    unreachable!("one number is whole before it is repeated")
                }
            };
        }
        let matrix = self.lowering.matrix(inner);
        match repeat {
            BroadcastKind::Scalar | BroadcastKind::PerFeature => Load::PerFeature { at: matrix.at },
            BroadcastKind::PerRow => Load::PerColumn {
                at: matrix.at,
                stride: matrix.stride,
            },
        }
    }
}

/// Gives temporaries whose last use has passed to later instructions. An instruction never writes
/// where it reads.
fn reuse_temporaries(mut instructions: Vec<Instruction>) -> (Vec<Instruction>, u32) {
    let mut last_use: HashMap<Scratch, usize> = HashMap::new();
    for (index, instruction) in instructions.iter_mut().enumerate() {
        each_read(instruction, &mut |scratch| {
            last_use.insert(*scratch, index);
        });
    }
    let mut renamed: HashMap<Scratch, Scratch> = HashMap::new();
    let mut free: Vec<Scratch> = Vec::new();
    let mut count = 0u32;
    for (index, instruction) in instructions.iter_mut().enumerate() {
        let mut ended: Vec<Scratch> = Vec::new();
        each_read(instruction, &mut |scratch| {
            let new = renamed[scratch];
            if last_use[scratch] == index && !ended.contains(&new) {
                ended.push(new);
            }
            *scratch = new;
        });
        if let Some(scratch) = written(instruction) {
            let new = free.pop().unwrap_or_else(|| {
                count += 1;
                Scratch(count - 1)
            });
            renamed.insert(*scratch, new);
            if !last_use.contains_key(scratch) {
                ended.push(new);
            }
            *scratch = new;
        }
        free.extend(ended);
    }
    (instructions, count)
}

fn each_read(instruction: &mut Instruction, visit: &mut dyn FnMut(&mut Scratch)) {
    let mut source = |source: &mut Source| {
        if let Source::Scratch(scratch) = source {
            visit(scratch);
        }
    };
    match instruction {
        Instruction::Load { .. } => {}
        Instruction::Unary { from, .. }
        | Instruction::Store { from, .. }
        | Instruction::Reduce { from, .. } => source(from),
        Instruction::Binary { left, right, .. } => {
            source(left);
            source(right);
        }
    }
}

fn written(instruction: &mut Instruction) -> Option<&mut Scratch> {
    match instruction {
        Instruction::Load { to, .. } => Some(to),
        Instruction::Unary {
            to: Destination::Scratch(scratch),
            ..
        }
        | Instruction::Binary {
            to: Destination::Scratch(scratch),
            ..
        } => Some(scratch),
        Instruction::Unary { .. }
        | Instruction::Binary { .. }
        | Instruction::Store { .. }
        | Instruction::Reduce { .. } => None,
    }
}

/// The elements that a reduction keeps for each tile.
pub fn partial_elements(features: usize, tiles: usize, axis: Axis) -> usize {
    let tiles = tiles.max(1);
    match axis {
        Axis::All => tiles,
        Axis::Batch => tiles * features,
        Axis::Last => 0,
    }
}
