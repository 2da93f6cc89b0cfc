//! Losses: PyTorch's without the suffix `Loss`, the mean over the batch, in which a row counts as much as
//! its weight says. Each owns the link from the
//! network's output to a prediction.

use super::arguments::{ArgumentKind, Arguments, Default, Range, named};
use super::{Entry, Link, Loss, LossTarget, Meaning};
use crate::graph::ops::{Axis, Op};
use crate::graph::scalar::ScalarFunction;
use crate::graph::{Graph, ValueId};

pub const ENTRIES: &[Entry] = &[
    Entry {
        name: "MSE",
        summary: "Mean squared error.",
        formula: "mean((y - t)²)",
        source: "torch.nn.MSELoss",
        example: "loss = MSE",
        parameters: &[],
        also_known_as: &["MSELoss", "mean_squared_error", "L2", "squared_error"],
        meaning: Meaning::Loss(Loss {
            target: LossTarget::Numbers,
            link: Link::Identity,
            build: |graph, _, y, t| mean_of(graph, ScalarFunction::Square, y, t),
        }),
    },
    Entry {
        name: "L1",
        summary: "Mean absolute error.",
        formula: "mean(|y - t|)",
        source: "torch.nn.L1Loss",
        example: "loss = L1",
        parameters: &[],
        also_known_as: &["absolute_error", "L1Loss", "MAE", "mean_absolute_error"],
        meaning: Meaning::Loss(Loss {
            target: LossTarget::Numbers,
            link: Link::Identity,
            build: |graph, _, y, t| mean_of(graph, ScalarFunction::Abs, y, t),
        }),
    },
    Entry {
        name: "Huber",
        summary: "Squared error for small differences, absolute error for large ones.",
        formula: "mean(0.5 d² where |d| ≤ delta, else delta (|d| - delta / 2)), d = y - t",
        source: "torch.nn.HuberLoss",
        example: "loss = Huber(delta = 2)",
        parameters: &[named(
            "delta",
            ArgumentKind::Number(Range::POSITIVE),
            Default::Number(1.0),
            "where squared error becomes absolute",
        )],
        also_known_as: &["HuberLoss"],
        meaning: Meaning::Loss(Loss {
            target: LossTarget::Numbers,
            link: Link::Identity,
            build: |graph, arguments, y, t| {
                let delta = arguments.number("delta");
                mean_of(graph, ScalarFunction::Huber { delta }, y, t)
            },
        }),
    },
    Entry {
        name: "CrossEntropy",
        summary: "Cross-entropy of the softmax of the network's logits; the prediction is the softmax.",
        formula: "mean(-Σ_k w_k log softmax(y)_k), w_k = (1 - label_smoothing) [k = class] + label_smoothing / classes",
        source: "torch.nn.CrossEntropyLoss",
        example: "loss = CrossEntropy(label_smoothing = 0.05)",
        parameters: &[named(
            "label_smoothing",
            ArgumentKind::Number(Range::UNIT),
            Default::Number(0.0),
            "share of the target spread over all classes",
        )],
        also_known_as: &[
            "CrossEntropyLoss",
            "categorical_crossentropy",
            "sparse_categorical_crossentropy",
            "softmax_cross_entropy",
            "log_loss",
        ],
        meaning: Meaning::Loss(Loss {
            target: LossTarget::Classes,
            link: Link::Softmax,
            build: cross_entropy,
        }),
    },
    Entry {
        name: "BCEWithLogits",
        summary: "Binary cross-entropy of the sigmoid of the network's logit; the prediction is the sigmoid.",
        formula: "mean(max(y, 0) - y t + log(1 + exp(-|y|)))",
        source: "torch.nn.BCEWithLogitsLoss",
        example: "loss = BCEWithLogits",
        parameters: &[],
        also_known_as: &[
            "BinaryCrossentropy",
            "sigmoid_cross_entropy",
            "BCEWithLogitsLoss",
            "binary_crossentropy",
        ],
        meaning: Meaning::Loss(Loss {
            target: LossTarget::Binary,
            link: Link::Sigmoid,
            build: bce_with_logits,
        }),
    },
];

fn mean_of(graph: &mut Graph, function: ScalarFunction, y: ValueId, t: ValueId) -> ValueId {
    let difference = graph.subtract(y, t);
    let loss = graph.map(function, difference);
    graph.mean_all(loss)
}

fn cross_entropy(graph: &mut Graph, arguments: &Arguments, y: ValueId, class: ValueId) -> ValueId {
    let smoothing = arguments.number("label_smoothing");
    let shape = graph.shape(y).clone();
    let classes = shape.width();
    let share = smoothing / classes.known().unwrap_or(1) as f64;
    let hot = graph.push(Op::OneHot { classes }, &[class]);
    let hot = graph.scale(hot, 1.0 - smoothing);
    let target = graph.offset(hot, share);
    let log_softmax = graph.push(Op::LogSoftmax, &[y]);
    let terms = graph.multiply(target, log_softmax);
    let sum = graph.sum(terms, Axis::Last);
    let loss = graph.map(ScalarFunction::Negate, sum);
    graph.mean_all(loss)
}

/// softplus(y) - y t, which is the binary cross-entropy of sigmoid(y).
fn bce_with_logits(graph: &mut Graph, _: &Arguments, y: ValueId, t: ValueId) -> ValueId {
    let soft = ScalarFunction::Softplus {
        beta: 1.0,
        threshold: f64::INFINITY,
    };
    let soft = graph.map(soft, y);
    let product = graph.multiply(y, t);
    let loss = graph.subtract(soft, product);
    graph.mean_all(loss)
}
