//! Where parameters, buffers and slots lie, and in which order: one layout for all phases of a model.

use std::collections::HashMap;

use super::Precision;
use super::memory::align;
use super::step::{Columns, Matrix, Offset};
use crate::graph::Graph;
use crate::graph::elements::Elements;
use crate::graph::ops::tables;
use crate::graph::shape::Shape;
use crate::graph::state::{State, StateId, StateKind};

/// The order in which a two-dimensional tensor lies.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum MatrixLayout {
    /// PyTorch's: the last axis is contiguous.
    RowMajor,
    /// In panels of [`panel_rows`] along the first axis, or in one of all its rows: a `Linear`'s
    /// weights of one input stand side by side.
    PackedPanels,
}

/// Bytes of a panel's rows: two lines of a cache, a whole register tile on every machine.
const PANEL_BYTES: usize = 128;

/// A weight is one panel if more than one row in so many would only fill up the last of several:
/// optimizers would work on these too.
const ROWS_A_FILLED: usize = 8;

/// How many rows a panel of a weight has if there are several.
pub fn panel_rows(precision: Precision) -> usize {
    PANEL_BYTES / precision.bytes()
}

impl MatrixLayout {
    /// That of a table that is read by index, or of anything else.
    pub fn of(table: bool) -> Self {
        if table {
            MatrixLayout::RowMajor
        } else {
            MatrixLayout::PackedPanels
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            MatrixLayout::RowMajor => "row-major",
            MatrixLayout::PackedPanels => "in panels",
        }
    }
}

/// One state with its place.
#[derive(Clone, PartialEq, Debug)]
pub struct StatePlace {
    pub state: State,
    pub matrix: Matrix,
    pub layout: MatrixLayout,
}

impl StatePlace {
    /// The number of elements.
    pub fn elements(&self) -> usize {
        self.axes().0 * self.axes().1
    }

    /// The elements that it takes in the arena, with those that fill up its last panel.
    pub fn span(&self) -> usize {
        self.matrix.features * self.matrix.columns.count(0)
    }

    /// The first axis, and all others.
    fn axes(&self) -> (usize, usize) {
        axes(&self.state.shape)
    }

    /// For each element in PyTorch's order, its position from the state's place in the arena.
    pub fn positions(&self) -> impl Iterator<Item = usize> + Clone + use<> {
        positions(self.axes(), self.matrix.features, self.layout)
    }
}

/// The first axis, and all others, without that of the batch.
pub fn axes(shape: &Shape) -> (usize, usize) {
    let mut lengths = shape.dims.iter().map(|dim| dim.known().unwrap_or(1));
    (lengths.next().unwrap_or(1), lengths.product())
}

/// For each element of rows and columns in PyTorch's order, its position in memory, with panels of
/// `height` rows.
pub fn positions(
    (rows, columns): (usize, usize),
    height: usize,
    layout: MatrixLayout,
) -> impl Iterator<Item = usize> + Clone + use<> {
    (0..rows * columns).map(move |index| match layout {
        MatrixLayout::RowMajor => index,
        MatrixLayout::PackedPanels => {
            let (row, column) = (index / columns, index % columns);
            let panel = row / height * height * columns;
            panel + column * height + row % height
        }
    })
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct StateLayout {
    pub places: Vec<StatePlace>,
    /// How many rows a panel of a weight has.
    pub panel: usize,
    /// The end of the states in the arena, in elements.
    pub end: usize,
}

impl StateLayout {
    /// Lays out the states of a graph: in the order of their declaration, from the arena's start.
    pub fn new(graph: &Graph, precision: Precision) -> Self {
        let mut states = StateLayout {
            panel: panel_rows(precision),
            ..StateLayout::default()
        };
        for (state, table) in graph.states.iter().zip(tables(graph)) {
            let layout = MatrixLayout::of(table);
            let (features, columns) = extents(&state.shape.as_matrix(), layout, states.panel);
            let matrix = Matrix {
                at: Offset(states.end),
                features,
                columns,
                stride: features,
            };
            states.end += align(features * columns.count(0));
            states.places.push(StatePlace {
                state: state.clone(),
                matrix,
                layout,
            });
        }
        states
    }

    pub fn place(&self, state: StateId) -> &StatePlace {
        &self.places[state.0 as usize]
    }

    /// Where the averages of parameters lie, if the training keeps them: parameter to average, both
    /// by their place among the states.
    pub fn averages(&self) -> HashMap<usize, usize> {
        let places = self.places.iter().enumerate();
        places
            .filter_map(|(average, place)| match place.state.kind {
                StateKind::Average(parameter) => Some((parameter.0 as usize, average)),
                StateKind::Parameter | StateKind::Buffer | StateKind::Slot(_) => None,
            })
            .collect()
    }

    /// The elements of parameters and buffers.
    pub fn elements(&self) -> Elements {
        let places = self.places.iter();
        places
            .map(|place| Elements::of(&place.state, place.elements()))
            .sum()
    }
}

/// Features and columns of a value's matrix, with panels of `panel` rows. A length that is not known
/// counts as 1: such a plan is printed, never run.
pub fn extents(shape: &Shape, layout: MatrixLayout, panel: usize) -> (usize, Columns) {
    let length = |axis: usize| shape.dims[axis].known().unwrap_or(1);
    match (shape.batch, shape.dims.len()) {
        (false, 0) => (1, Columns::Fixed(1)),
        (false, 1) => (length(0), Columns::Fixed(1)),
        (false, 2) => match layout {
            MatrixLayout::PackedPanels => {
                let height = panel_height(length(0), panel);
                let panels = length(0).div_ceil(height.max(1));
                (height, Columns::Fixed(panels * length(1)))
            }
            MatrixLayout::RowMajor => (length(1), Columns::Fixed(length(0))),
        },
        (true, 1) => (length(0), Columns::Batch),
        (batch, rank) => {
            panic!("internal: no layout for rank {rank} (batch: {batch})")
        }
    }
}

/// How many rows each panel of a value of `rows` has, where several have `panel`.
fn panel_height(rows: usize, panel: usize) -> usize {
    let filled = rows.next_multiple_of(panel.max(1)) - rows;
    if rows <= panel || filled * ROWS_A_FILLED > rows {
        rows
    } else {
        panel
    }
}

/// How many columns each panel of a value has, if it lies in panels.
pub fn panel_columns(shape: &Shape, layout: MatrixLayout) -> Option<usize> {
    match (shape.batch, shape.dims.len(), layout) {
        (false, 2, MatrixLayout::PackedPanels) => Some(shape.dims[1].known().unwrap_or(1)),
        _ => None,
    }
}
