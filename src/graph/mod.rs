//! The network as tensor operations with a checked shape on every value.
//!
//! A [`Graph`] is built only through [`Graph::push`], which runs the operation's shape rule, so a
//! node with an unchecked shape cannot exist. Nodes stand in an order in which each uses only
//! earlier ones.

pub mod arithmetic;
pub mod build;
pub mod elements;
pub mod ops;
pub mod reference;
pub mod scalar;
pub mod scalars;
pub mod schedule;
pub mod shape;
pub mod state;
pub mod text;
pub mod verify;
pub mod watch;

use std::collections::HashMap;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::diagnostics::Span;
use ops::Op;
use scalars::Scalars;
use shape::Shape;
use state::{ScalarId, State, StateId, StateKind, StepScalar};
use watch::Watch;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ValueId(pub u32);

impl ValueId {
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct OriginId(pub u32);

/// What of the model's text a node came from: a stage, or a line of arithmetic.
#[derive(Clone, PartialEq, Debug)]
pub struct Origin {
    /// The stage's label or path, or the name that a line binds.
    pub label: Arc<str>,
    pub span: Span,
    /// The catalog's name of the layer or loss; a line of arithmetic has none.
    pub kind: Option<&'static str>,
    /// What a picture writes, where that is not the text at the place: names stand for what they are
    /// bound to.
    pub shown: Option<Arc<str>>,
}

/// The label of what stands for several inputs side by side.
pub const SEVERAL_INPUTS: &str = "inputs";

/// In which part of a training step a node stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum GraphPart {
    #[default]
    Forward,
    Backward,
    Update,
}

/// The values that an operation takes: seldom more than two.
pub type Operands = SmallVec<[ValueId; 4]>;

#[derive(Clone, PartialEq, Debug)]
pub struct Node {
    pub op: Op,
    pub operands: Operands,
    pub shape: Shape,
    pub origin: OriginId,
    pub part: GraphPart,
    /// The name that the text gives to this very value, if it gives one.
    pub name: Option<Arc<str>>,
}

/// A state that takes a new value at the end of a step.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Assignment {
    pub state: StateId,
    pub value: ValueId,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Phase {
    /// Forward, loss, backward and update.
    Train,
    /// Forward with the loss, nothing changes.
    Evaluate,
    /// Forward alone; no target.
    Predict,
}

impl Phase {
    pub fn name(self) -> &'static str {
        match self {
            Phase::Train => "train",
            Phase::Evaluate => "evaluate",
            Phase::Predict => "predict",
        }
    }
}

#[derive(Clone, PartialEq, Debug, Default)]
pub struct Graph {
    pub nodes: Vec<Node>,
    pub states: Vec<State>,
    /// The states that were added to this graph, by their names.
    pub named_states: HashMap<String, StateId>,
    pub scalars: Scalars,
    pub origins: Vec<Origin>,
    /// What the network computes: logits or values, before the loss's link function.
    pub prediction: Option<ValueId>,
    /// The loss, one number: the mean over the rows of the batch.
    pub loss: Option<ValueId>,
    pub assignments: Vec<Assignment>,
    /// What is recorded of a training.
    pub watches: Vec<Watch>,
    /// While losses are added, where rows have weights: each row's share of the batch's, `[batch, 1]`.
    pub row_shares: Option<ValueId>,
    /// What new nodes get for origin and part.
    pub current_origin: OriginId,
    pub current_part: GraphPart,
}

/// Why a node cannot be: in the words of the operation, without a place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ShapeFault(pub String);

impl Graph {
    pub fn new() -> Self {
        Graph::default()
    }

    pub fn node(&self, value: ValueId) -> &Node {
        &self.nodes[value.index()]
    }

    pub fn shape(&self, value: ValueId) -> &Shape {
        &self.node(value).shape
    }

    pub fn state(&self, state: StateId) -> &State {
        &self.states[state.0 as usize]
    }

    pub fn origin(&self, origin: OriginId) -> &Origin {
        &self.origins[origin.0 as usize]
    }

    pub fn values(&self) -> impl DoubleEndedIterator<Item = ValueId> + use<> {
        (0..self.nodes.len() as u32).map(ValueId)
    }

    pub fn state_ids(&self) -> impl Iterator<Item = StateId> + use<> {
        (0..self.states.len() as u32).map(StateId)
    }

    /// The parameters, in the order of their declaration.
    pub fn parameters(&self) -> impl Iterator<Item = StateId> + '_ {
        self.state_ids()
            .filter(|state| self.state(*state).kind == StateKind::Parameter)
    }

    /// Says which layer or loss an origin is.
    pub fn classify(&mut self, origin: OriginId, kind: &'static str) {
        self.origins[origin.0 as usize].kind = Some(kind);
    }

    /// Says what a picture writes for an origin.
    pub fn show(&mut self, origin: OriginId, text: &str) {
        self.origins[origin.0 as usize].shown = Some(text.into());
    }

    /// The values that are recorded, as far as they are computed.
    pub fn watched(&self) -> impl Iterator<Item = ValueId> + '_ {
        self.watches.iter().filter_map(|watch| watch.value)
    }

    /// Appends an operation after its shape rule has been run.
    pub fn try_push(&mut self, op: Op, operands: &[ValueId]) -> Result<ValueId, ShapeFault> {
        let shape = {
            let shapes = operands.iter().map(|operand| self.shape(*operand));
            let shapes: SmallVec<[&Shape; 4]> = shapes.collect();
            op.shape(&shapes, self)?
        };
        let id = ValueId(u32::try_from(self.nodes.len()).expect("fewer than 2^32 nodes"));
        self.nodes.push(Node {
            op,
            operands: operands.into(),
            shape,
            origin: self.current_origin,
            part: self.current_part,
            name: None,
        });
        Ok(id)
    }

    /// Appends an operation whose operands are known to fit.
    ///
    /// # Panics
    /// If they do not: that is a bug of the caller, not a fault of a model.
    pub fn push(&mut self, op: Op, operands: &[ValueId]) -> ValueId {
        self.try_push(op, operands)
            .unwrap_or_else(|fault| panic!("internal: {}\n{}", fault.0, text::render(self)))
    }

    pub fn add_state(&mut self, state: State) -> StateId {
        let id = StateId(u32::try_from(self.states.len()).expect("fewer than 2^32 states"));
        self.named_states.insert(state.name.clone(), id);
        self.states.push(state);
        id
    }

    /// The state of a name that was added to this graph, not copied from another.
    pub fn state_of(&self, name: &str) -> Option<StateId> {
        self.named_states.get(name).copied()
    }

    /// The name of the parameter that another layer has tied to its own path.
    pub fn tied(&self, path: &str) -> Option<&str> {
        let states = self.parameters().map(|id| self.state(id));
        let mut tied = states.filter(|state| state.aliases.iter().any(|alias| alias == path));
        tied.next().map(|state| state.name.as_str())
    }

    /// The id of a number that is set before each step; equal ones share a slot.
    pub fn add_scalar(&mut self, scalar: StepScalar) -> ScalarId {
        self.scalars.id_of(scalar)
    }

    pub fn add_origin(&mut self, label: &str, span: Span) -> OriginId {
        let id = OriginId(u32::try_from(self.origins.len()).expect("fewer than 2^32 origins"));
        self.origins.push(Origin {
            label: label.into(),
            span,
            kind: None,
            shown: None,
        });
        id
    }
}
