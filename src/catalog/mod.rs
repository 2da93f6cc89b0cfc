//! Every layer, activation, loss, optimizer, initializer, metric, column kind and split: one
//! definition each.
//!
//! An [`Entry`] says its name, its arguments with type, range and default, its formula and source, and
//! what it means in operations of the graph. The argument checker, the plan, and the tests over all
//! entries read it from here.

pub mod activations;
pub mod arguments;
pub mod averages;
pub mod axes;
mod bilinear;
pub mod columns;
pub mod combinations;
pub mod foreign;
pub mod initializers;
pub mod layers;
pub mod losses;
pub mod metrics;
pub mod norms;
pub mod optimizers;
pub mod schedules;
pub mod settings;
pub mod stops;
pub mod words;

use crate::diagnostics::{Diagnostic, Span};
use crate::graph::scalar::ScalarFunction;
use crate::graph::state::Initializer;
use crate::graph::{Graph, ValueId};
use arguments::{Arguments, Parameter};

/// One definition of the catalog.
#[derive(Debug)]
pub struct Entry {
    pub name: &'static str,
    pub summary: &'static str,
    pub formula: &'static str,
    /// The documentation or paper that the formula and the defaults are taken from.
    pub source: &'static str,
    /// A line with it, as it stands in its section.
    pub example: &'static str,
    pub parameters: &'static [Parameter],
    /// What other libraries call it; used in suggestions only.
    pub also_known_as: &'static [&'static str],
    pub meaning: Meaning,
}

/// What an entry is, and how it is expressed in operations.
#[derive(Debug)]
pub enum Meaning {
    Activation(fn(&Arguments) -> ScalarFunction),
    Layer(BuildLayer),
    /// A layer along the last axis, the same at every place on the others.
    LastAxis(BuildLayer),
    /// A value that learns.
    Parameter,
    /// A layer that makes one value of a list.
    Combination(BuildCombination),
    Loss(Loss),
    Optimizer(BuildUpdate),
    Schedule(schedules::Schedule),
    Initializer(fn(&Arguments) -> Initializer),
    Metric(Metric),
    /// What a column holds; `resolve::data` reads its arguments.
    ColumnKind,
    /// When a training ends; `resolve::train` reads its arguments.
    Stop,
    /// What is kept of the weights, by the training engine.
    Average,
    /// How rows are divided; `resolve::data` reads its arguments.
    Split,
}

/// Applies a layer to the value that flows in.
pub type BuildLayer =
    fn(&mut layers::LayerContext, &Arguments, ValueId) -> Result<ValueId, Box<Diagnostic>>;

/// Makes one value of several, each with its place in the text.
pub type BuildCombination = fn(
    &mut layers::LayerContext,
    &Arguments,
    &[(ValueId, Span)],
) -> Result<ValueId, Box<Diagnostic>>;

/// Builds one parameter's update from its value and gradient: the new value, and the new values of
/// slots through the context.
pub type BuildUpdate = fn(
    &mut optimizers::UpdateContext,
    &Arguments,
    parameter: ValueId,
    gradient: ValueId,
) -> ValueId;

#[derive(Debug)]
pub struct Loss {
    pub target: LossTarget,
    /// What turns the network's output into a prediction.
    pub link: Link,
    /// The loss of the batch, one number, from the output and the target.
    pub build: fn(&mut Graph, &Arguments, output: ValueId, target: ValueId) -> ValueId,
}

/// What a loss compares with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LossTarget {
    /// As many numbers as the output has.
    Numbers,
    /// A category of as many classes as the output has logits.
    Classes,
    /// A category of two classes with one logit, or numbers between 0 and 1.
    Binary,
}

/// The function from the network's output to a prediction, owned by the loss.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Link {
    Identity,
    Softmax,
    Sigmoid,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Metric {
    Accuracy,
    MeanAbsoluteError,
    RootMeanSquaredError,
    R2,
}

/// What kinds of entries can stand in a place.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    Layer,
    Loss,
    Optimizer,
    Schedule,
    Initializer,
    Metric,
    Stop,
    Average,
    ColumnKind,
    Split,
}

impl Kind {
    pub const ALL: [Kind; 10] = [
        Kind::Layer,
        Kind::Loss,
        Kind::Optimizer,
        Kind::Schedule,
        Kind::Stop,
        Kind::Average,
        Kind::Initializer,
        Kind::Metric,
        Kind::ColumnKind,
        Kind::Split,
    ];

    /// The section in which entries of the kind stand.
    pub fn section(self) -> &'static str {
        match self {
            Kind::Layer => "net",
            Kind::Loss
            | Kind::Optimizer
            | Kind::Schedule
            | Kind::Stop
            | Kind::Average
            | Kind::Initializer
            | Kind::Metric => "train",
            Kind::ColumnKind | Kind::Split => "data",
        }
    }

    /// The kind as the heading of a list.
    pub fn plural(self) -> &'static str {
        match self {
            Kind::Layer => "Layers",
            Kind::Loss => "Losses",
            Kind::Optimizer => "Optimizers",
            Kind::Schedule => "Schedules",
            Kind::Stop => "Ways to stop",
            Kind::Average => "Averages of the weights",
            Kind::Initializer => "Initializers",
            Kind::Metric => "Metrics",
            Kind::ColumnKind => "Kinds of columns",
            Kind::Split => "Ways to split",
        }
    }

    /// The kind in a message: "no layer is called …".
    pub fn noun(self) -> &'static str {
        match self {
            Kind::Layer => "layer",
            Kind::Loss => "loss",
            Kind::Optimizer => "optimizer",
            Kind::Schedule => "schedule",
            Kind::Initializer => "initializer",
            Kind::Metric => "metric",
            Kind::Stop => "way to stop",
            Kind::Average => "average of the weights",
            Kind::ColumnKind => "kind of column",
            Kind::Split => "way to split",
        }
    }
}

impl Meaning {
    pub fn kind(&self) -> Kind {
        match self {
            Meaning::Activation(_)
            | Meaning::Layer(_)
            | Meaning::LastAxis(_)
            | Meaning::Parameter
            | Meaning::Combination(_) => Kind::Layer,
            Meaning::Loss(_) => Kind::Loss,
            Meaning::Optimizer(_) => Kind::Optimizer,
            Meaning::Schedule(_) => Kind::Schedule,
            Meaning::Initializer(_) => Kind::Initializer,
            Meaning::Metric(_) => Kind::Metric,
            Meaning::ColumnKind => Kind::ColumnKind,
            Meaning::Stop => Kind::Stop,
            Meaning::Average => Kind::Average,
            Meaning::Split => Kind::Split,
        }
    }
}

/// All entries, by module.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    [
        layers::ENTRIES,
        norms::ENTRIES,
        combinations::ENTRIES,
        activations::ENTRIES,
        losses::ENTRIES,
        optimizers::ENTRIES,
        schedules::ENTRIES,
        stops::ENTRIES,
        averages::ENTRIES,
        initializers::ENTRIES,
        metrics::ENTRIES,
        columns::ENTRIES,
    ]
    .into_iter()
    .flatten()
}

/// The entry of a kind with a name.
pub fn find(kind: Kind, name: &str) -> Option<&'static Entry> {
    entries().find(|entry| entry.meaning.kind() == kind && entry.name == name)
}

/// The entry of a kind that another library calls `name`.
pub fn find_foreign(kind: Kind, name: &str) -> Option<&'static Entry> {
    find(kind, foreign::entry(kind, name)?)
}

/// Entries that the language reserves and this version does not give a meaning yet.
pub fn planned(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Layer => &[
            "Conv1d",
            "Conv2d",
            "MaxPool1d",
            "MaxPool2d",
            "AvgPool1d",
            "AvgPool2d",
            "AdaptiveAvgPool2d",
            "BatchNorm2d",
            "Dropout1d",
            "Dropout2d",
            "LSTM",
            "GRU",
            "RNN",
            "MultiheadAttention",
            "SelfAttention",
            "PositionEmbedding",
            "MeanPool",
            "PReLU",
            "SELU",
            "CELU",
            "Mish",
            "Hardswish",
            "Hardsigmoid",
            "ReLU6",
            "Softsign",
            "LogSigmoid",
        ],
        Kind::Loss => &[
            "NLL",
            "SmoothL1",
            "KLDiv",
            "PoissonNLL",
            "GaussianNLL",
            "BCE",
            "HingeEmbedding",
            "MultiMargin",
        ],
        Kind::Optimizer => &[
            "RMSprop",
            "Adagrad",
            "Adadelta",
            "Adamax",
            "NAdam",
            "RAdam",
            "LBFGS",
            "LAMB",
            "Muon",
            "Adafactor",
            "Lion",
        ],
        Kind::Initializer => &[
            "Orthogonal",
            "TruncNormal",
            "Uniform",
            "Normal",
            "Dirac",
            "Eye",
        ],
        Kind::Metric => &[
            "f1",
            "precision",
            "recall",
            "roc_auc",
            "log_loss",
            "balanced_accuracy",
            "mse",
            "mape",
            "confusion_matrix",
        ],
        Kind::ColumnKind => &["image", "sequence", "date", "text"],
        Kind::Schedule | Kind::Stop | Kind::Average | Kind::Split => &[],
    }
}
