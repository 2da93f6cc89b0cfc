//! What a plan's step does, with every decision made: kernel, operands as offsets into one arena,
//! and the tile program that runs on the kernel's result while it is warm.
//!
//! Values of the network lie as column-major matrices `[features × rows]`, so that a sample is
//! contiguous and a batch is a range of columns. The weight of `Linear` (`[out, in]` in PyTorch) lies
//! in panels for its whole life: `[32 × in]` column-major for the first 32 outputs (16 in f64), then
//! the next, the last filled up with zeros. As a matrix it is `[32 × panels · in]`; a weight of no
//! more outputs is one panel of just these. An embedding table (`[entries, width]`) lies as
//! `[width × entries]`.

use crate::graph::ops::{BinaryOperator, Reduction};
use crate::graph::scalar::ScalarFunction;

/// A place in the arena, in elements.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Offset(pub usize);

/// How many columns a matrix has.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Columns {
    /// As many as the batch has rows; a tail batch has fewer.
    Batch,
    Fixed(usize),
}

impl Columns {
    pub fn count(self, batch_rows: usize) -> usize {
        match self {
            Columns::Batch => batch_rows,
            Columns::Fixed(count) => count,
        }
    }
}

/// A column-major matrix in the arena: `features` contiguous elements a column, a column every
/// `stride` elements.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Matrix {
    pub at: Offset,
    pub features: usize,
    pub columns: Columns,
    pub stride: usize,
}

impl Matrix {
    /// How many elements it spans for a batch, gaps between its columns included.
    pub fn extent(&self, batch_rows: usize) -> usize {
        match self.columns.count(batch_rows) {
            0 => 0,
            columns => (columns - 1) * self.stride + self.features,
        }
    }

    /// Whether an element is in both, for a batch. A stride may be anything.
    pub fn overlaps(&self, other: &Matrix, batch_rows: usize) -> bool {
        let range = |matrix: &Matrix| {
            let columns = matrix.columns.count(batch_rows);
            (
                columns,
                matrix.at.0,
                matrix.at.0 + matrix.extent(batch_rows),
            )
        };
        let [
            (columns, start, end),
            (other_columns, other_start, other_end),
        ] = [range(self), range(other)];
        let elements = columns
            .min(self.features)
            .min(other_columns.min(other.features));
        if elements == 0 || end <= other_start || other_end <= start {
            return false;
        }
        let (few, many) = if columns <= other_columns {
            (self, other)
        } else {
            (other, self)
        };
        let mut of_few = 0..few.columns.count(batch_rows);
        let many_columns = many.columns.count(batch_rows);
        of_few.any(|column| {
            let start = few.at.0 + column * few.stride;
            let end = start + few.features;
            // The first column of the other that may end behind this one's beginning.
            let before = (start + 1).saturating_sub(many.at.0 + many.features);
            let first = before.div_ceil(many.stride.max(1));
            let at = many.at.0 + first * many.stride;
            first < many_columns && at < end && start < at + many.features
        })
    }
}

/// One of a tile program's temporaries: `features × block_columns` elements, private to a worker.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Scratch(pub u32);

impl Scratch {
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Where an instruction reads.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Source {
    Scratch(Scratch),
    /// The kernel's own result, for this tile.
    Accumulator,
    /// A matrix of the region's shape whose columns adjoin (stride = features).
    Memory(Offset),
    /// One number for all elements, in the arena.
    Scalar(Offset),
    /// One number for all elements, known to the plan.
    Constant(f64),
}

/// Where an instruction writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Destination {
    Scratch(Scratch),
    /// A matrix of the region's shape whose columns adjoin. Never a place that the same
    /// instruction reads.
    Memory(Offset),
}

/// What a load brings into a temporary that is not simply contiguous memory.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Load {
    /// A matrix of the region's shape with a stride of its own.
    Strided {
        at: Offset,
        stride: usize,
    },
    /// One number a feature, the same in every column.
    PerFeature {
        at: Offset,
    },
    /// One number a column, the same in all its features; the numbers are `stride` apart.
    PerColumn {
        at: Offset,
        stride: usize,
    },
    /// One number for all, from the arena.
    Scalar {
        at: Offset,
    },
    Constant(f64),
    /// The number of rows in this batch.
    Rows,
    /// 1 in the feature whose index the column holds at `at + column · stride`, else 0.
    OneHot {
        at: Offset,
        stride: usize,
    },
    /// `1 / keep` with probability `keep`, else 0: a pure function of the key, the number of the
    /// update, and the element's position `column · features + feature`.
    Dropout {
        key: RandomKey,
        keep: f64,
    },
}

/// The key of one random stream, derived from (seed, purpose, path).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RandomKey(pub [u8; 32]);

/// Along what a region's elements are reduced.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ReductionAxis {
    /// Over the features of each column: one number a column, adjoining.
    Features,
    /// Over the columns: one number a feature.
    Columns,
    /// Over everything: one number.
    All,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Instruction {
    Load {
        to: Scratch,
        load: Load,
    },
    /// f(x), or f'(x) from what [`ScalarFunction::derivative_of`] names.
    Unary {
        to: Destination,
        from: Source,
        function: ScalarFunction,
        derivative: bool,
    },
    Binary {
        to: Destination,
        left: Source,
        right: Source,
        operator: BinaryOperator,
    },
    /// Stores a whole block; `stride` is that of the destination's columns.
    Store {
        from: Source,
        at: Offset,
        stride: usize,
    },
    /// Reduces over the region. The elements of each tile are combined into `partials` (one result
    /// a tile, adjoining), and the tiles' results, in the order of the tiles, into `into`. With
    /// [`ReductionAxis::Features`] there is nothing to combine and `partials` is not used.
    Reduce {
        from: Source,
        axis: ReductionAxis,
        reduction: Reduction,
        into: Offset,
        partials: Offset,
    },
}

/// A tile program over a matrix of `features × columns`.
///
/// The columns are cut into tiles of `tile_columns`, and each tile into blocks of `block_columns`;
/// both depend on the shape alone, so that results do not depend on the number of threads. A worker
/// takes whole tiles. The kernel computes its result for a tile, then the program runs block by block.
#[derive(Clone, PartialEq, Debug)]
pub struct Region {
    pub features: usize,
    pub columns: Columns,
    pub tile_columns: usize,
    /// Where the columns are those of a weight's panels, one after the other: how many a panel has.
    /// No tile belongs to two.
    pub panel_columns: Option<usize>,
    pub block_columns: usize,
    /// Where the kernel's own result goes; `None` if it goes to the worker's scratch.
    pub accumulator: Option<Offset>,
    pub scratches: u32,
    pub program: Vec<Instruction>,
}

/// A tile: a range of a region's columns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tile {
    pub index: usize,
    /// No other tile shares the region.
    pub only: bool,
    pub first: usize,
    pub columns: usize,
}

/// How columns are cut into tiles.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tiling {
    columns: usize,
    panel_columns: usize,
    pub tile_columns: usize,
}

impl Tiling {
    /// Tiles of `tile_columns`, each within one of the panels, if there are any.
    pub fn new(columns: usize, panel_columns: Option<usize>, tile_columns: usize) -> Tiling {
        Tiling {
            columns,
            panel_columns: panel_columns.unwrap_or(columns).max(1),
            tile_columns: tile_columns.max(1),
        }
    }

    fn tiles_of_a_panel(&self) -> usize {
        self.panel_columns.div_ceil(self.tile_columns)
    }

    pub fn tiles(&self) -> usize {
        self.columns / self.panel_columns * self.tiles_of_a_panel()
    }

    pub fn tile(&self, index: usize) -> Tile {
        let panel = index / self.tiles_of_a_panel();
        let within = index % self.tiles_of_a_panel() * self.tile_columns;
        Tile {
            index,
            only: self.tiles() == 1,
            first: panel * self.panel_columns + within,
            columns: (self.panel_columns - within).min(self.tile_columns),
        }
    }
}

impl Region {
    /// The region's tiles for a batch.
    pub fn tiling(&self, batch_rows: usize) -> Tiling {
        let columns = self.columns.count(batch_rows);
        Tiling::new(columns, self.panel_columns, self.tile_columns)
    }
}

/// The work of a step.
#[derive(Clone, PartialEq, Debug)]
pub enum Kernel {
    /// Elementwise work and reductions, with no result of the kernel's own.
    Loop { region: Region },
    /// `weight · input + bias`: region `[out × rows]`, the weight in panels. The input's columns may
    /// be the batch's or fixed.
    Forward {
        weight: Matrix,
        input: Matrix,
        bias: Option<Offset>,
        region: Region,
    },
    /// `weightᵀ · gradient`: region `[in × rows]`, the weight in panels.
    DataGradient {
        weight: Matrix,
        gradient: Matrix,
        region: Region,
    },
    /// `gradient · inputᵀ`, its region that of a weight in panels; and the gradient's sum over the rows, region
    /// `[out × 1]`. At least one of them is present.
    WeightGradient {
        gradient: Matrix,
        input: Matrix,
        weight: Option<Region>,
        bias: Option<Region>,
    },
    /// The table's columns that the index names: region `[width × rows]`.
    Gather {
        table: Matrix,
        index: Matrix,
        region: Region,
    },
    /// For each column of the table, the sum of the gradient's columns whose index names it, in the
    /// order of the rows: region `[width × entries]`.
    ScatterAdd {
        gradient: Matrix,
        index: Matrix,
        region: Region,
    },
    /// Softmax with cross-entropy. Of a column z with class c and K classes, and target weights
    /// `t_k = on · [k = c] + off`: the loss `-Σ t_k log softmax(z)_k`, accumulator of `loss`
    /// (`[1 × rows]`), and its gradient `softmax(z) · Σt - t`, accumulator of `gradient` (`[K × rows]`).
    /// Both regions have the same tiles.
    CrossEntropy {
        logits: Matrix,
        index: Matrix,
        on: f64,
        off: f64,
        loss: Option<Region>,
        gradient: Option<Region>,
    },
    /// `log softmax` over the features of each column.
    LogSoftmax { input: Matrix, region: Region },
    /// Matrices side by side along the features.
    Concat { parts: Vec<Matrix>, to: Matrix },
}

impl Kernel {
    /// The kernel's name and its regions.
    pub fn parts(&self) -> (&'static str, Vec<&Region>) {
        let name = match self {
            Kernel::Loop { .. } => "loop",
            Kernel::Forward { .. } => "forward",
            Kernel::DataGradient { .. } => "data gradient",
            Kernel::WeightGradient { .. } => "weight gradient",
            Kernel::Gather { .. } => "gather",
            Kernel::ScatterAdd { .. } => "scatter add",
            Kernel::CrossEntropy { .. } => "cross-entropy",
            Kernel::LogSoftmax { .. } => "log softmax",
            Kernel::Concat { .. } => "concat",
        };
        (name, self.regions().into_iter().flatten().collect())
    }

    /// The kernel's regions, in the order in which they run.
    pub fn regions(&self) -> [Option<&Region>; 2] {
        match self {
            Kernel::Loop { region }
            | Kernel::Forward { region, .. }
            | Kernel::DataGradient { region, .. }
            | Kernel::Gather { region, .. }
            | Kernel::ScatterAdd { region, .. }
            | Kernel::LogSoftmax { region, .. } => [Some(region), None],
            Kernel::WeightGradient {
                weight: first,
                bias: second,
                ..
            }
            | Kernel::CrossEntropy {
                loss: first,
                gradient: second,
                ..
            } => [first.as_ref(), second.as_ref()],
            Kernel::Concat { .. } => [None, None],
        }
    }

    /// As [`regions`](Self::regions).
    pub fn regions_mut(&mut self) -> [Option<&mut Region>; 2] {
        match self {
            Kernel::Loop { region }
            | Kernel::Forward { region, .. }
            | Kernel::DataGradient { region, .. }
            | Kernel::Gather { region, .. }
            | Kernel::ScatterAdd { region, .. }
            | Kernel::LogSoftmax { region, .. } => [Some(region), None],
            Kernel::WeightGradient {
                weight: first,
                bias: second,
                ..
            }
            | Kernel::CrossEntropy {
                loss: first,
                gradient: second,
                ..
            } => [first.as_mut(), second.as_mut()],
            Kernel::Concat { .. } => [None, None],
        }
    }

    /// The matrices that the kernel itself reads whole.
    pub fn operands(&self) -> Vec<Matrix> {
        match self {
            Kernel::Loop { .. } => Vec::new(),
            Kernel::Forward { weight, input, .. } => vec![*weight, *input],
            Kernel::DataGradient {
                weight, gradient, ..
            } => vec![*weight, *gradient],
            Kernel::WeightGradient {
                gradient, input, ..
            } => vec![*gradient, *input],
            Kernel::Gather { table, index, .. } => vec![*table, *index],
            Kernel::ScatterAdd {
                gradient, index, ..
            } => vec![*gradient, *index],
            Kernel::CrossEntropy { logits, index, .. } => vec![*logits, *index],
            Kernel::LogSoftmax { input, .. } => vec![*input],
            Kernel::Concat { parts, .. } => parts.clone(),
        }
    }
}
