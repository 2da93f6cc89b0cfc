//! Where parameters, buffers and slots lie, and in which order: one layout for all phases of a model.

use super::memory::align;
use super::step::{Columns, Matrix, Offset};
use crate::graph::Graph;
use crate::graph::ops::Op;
use crate::graph::shape::Shape;
use crate::graph::state::{State, StateId, StateKind};

/// The order in which a two-dimensional tensor lies.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Order {
    /// PyTorch's: the last axis is contiguous.
    RowMajor,
    /// The first axis is contiguous: a `Linear`'s weights of one input stand side by side.
    ColumnMajor,
}

/// One state with its place.
#[derive(Clone, PartialEq, Debug)]
pub struct StatePlace {
    pub state: State,
    pub matrix: Matrix,
    pub order: Order,
}

impl StatePlace {
    /// The number of elements.
    pub fn elements(&self) -> usize {
        self.matrix.features * self.matrix.columns.count(0)
    }

    /// For each element in PyTorch's order, its position from the state's place in the arena.
    pub fn positions(&self) -> impl Iterator<Item = usize> + use<> {
        let rows = self.matrix.features;
        let columns = self.matrix.columns.count(0);
        let order = self.order;
        (0..rows * columns).map(move |index| match order {
            Order::RowMajor => index,
            // PyTorch's [rows, columns] row-major, here [rows × columns] column-major.
            Order::ColumnMajor => (index % columns) * rows + index / columns,
        })
    }
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct StateLayout {
    pub places: Vec<StatePlace>,
    /// The end of the states in the arena, in elements.
    pub end: usize,
}

impl StateLayout {
    /// Lays out the states of a graph: in the order of their declaration, from the arena's start.
    pub fn new(graph: &Graph) -> Self {
        let mut layout = StateLayout::default();
        for (state, order) in graph.states.iter().zip(orders(graph)) {
            let (features, columns) = extents(&state.shape, order);
            let matrix = Matrix {
                at: Offset(layout.end),
                features,
                columns,
                stride: features,
            };
            layout.end += align(features * columns.count(0));
            layout.places.push(StatePlace {
                state: state.clone(),
                matrix,
                order,
            });
        }
        layout
    }

    pub fn place(&self, state: StateId) -> &StatePlace {
        &self.places[state.0 as usize]
    }

    /// The parameters' number of elements.
    pub fn parameter_elements(&self) -> usize {
        let learned = self
            .places
            .iter()
            .filter(|place| place.state.kind == StateKind::Parameter);
        learned.map(StatePlace::elements).sum()
    }
}

/// The order of each state: tables that are read by index lie row by row; weights, and all else,
/// input by input.
fn orders(graph: &Graph) -> Vec<Order> {
    let mut orders = vec![Order::ColumnMajor; graph.states.len()];
    for node in graph.nodes.iter().filter(|node| node.op == Op::Gather) {
        if let Op::State(table) = graph.node(node.operands[0]).op {
            orders[table.0 as usize] = Order::RowMajor;
        }
    }
    for id in graph.state_ids() {
        if let StateKind::Slot(parameter) = graph.state(id).kind {
            orders[id.0 as usize] = orders[parameter.0 as usize];
        }
    }
    orders
}

/// Features and columns of a value's matrix. A length that is not known counts as 1: such a plan is
/// printed, never run.
pub fn extents(shape: &Shape, order: Order) -> (usize, Columns) {
    let length = |axis: usize| shape.dims[axis].known().unwrap_or(1);
    match (shape.batch, shape.dims.len()) {
        (false, 0) => (1, Columns::Fixed(1)),
        (false, 1) => (length(0), Columns::Fixed(1)),
        (false, 2) => match order {
            Order::ColumnMajor => (length(0), Columns::Fixed(length(1))),
            Order::RowMajor => (length(1), Columns::Fixed(length(0))),
        },
        (true, 1) => (length(0), Columns::Batch),
        (batch, rank) => {
            panic!("internal: no layout for rank {rank} (batch: {batch})")
        }
    }
}
