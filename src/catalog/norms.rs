//! Layers that normalise each row by itself, under PyTorch's names, arguments and defaults. What
//! normalises over the batch stands in `layers`.

use super::arguments::{ArgumentKind, Arguments, Default, Range, Value, named, positional};
use super::layers::Context;
use super::{Entry, Meaning};
use crate::diagnostics::{Code, Diagnostic};
use crate::graph::ops::{Axis, Op};
use crate::graph::scalar::ScalarFunction;
use crate::graph::shape::{Dim, Shape};
use crate::graph::state::StateKind;
use crate::graph::{Graph, ValueId};

const EPS: ArgumentKind = ArgumentKind::Number(Range::POSITIVE);

pub const ENTRIES: &[Entry] = &[
    Entry {
        name: "LayerNorm",
        summary: "Normalises each row over its features.",
        formula: "(x - mean) / √(variance + eps) · weight + bias",
        source: "torch.nn.LayerNorm; Ba, Kiros and Hinton 2016",
        example: "Linear(8) -> LayerNorm -> ReLU",
        parameters: &[
            named("eps", EPS, Default::Number(1e-5), "added to the variance"),
            named(
                "elementwise_affine",
                ArgumentKind::Boolean,
                Default::Boolean(true),
                "whether each feature gets a weight and a bias",
            ),
            named(
                "bias",
                ArgumentKind::Boolean,
                Default::Boolean(true),
                "whether the bias is one of the two",
            ),
        ],
        also_known_as: &["LayerNormalization"],
        meaning: Meaning::Layer(layer_norm),
    },
    Entry {
        name: "RMSNorm",
        summary: "Divides each row by the root of its mean square.",
        formula: "x / √(mean(x²) + eps) · weight",
        source: "torch.nn.RMSNorm; Zhang and Sennrich 2019",
        example: "Linear(8) -> RMSNorm -> SiLU",
        parameters: &[
            named(
                "eps",
                EPS,
                // torch.finfo(torch.float32).eps
                Default::Number(1.1920928955078125e-7),
                "added to the mean square; the default is torch's for f32",
            ),
            named(
                "elementwise_affine",
                ArgumentKind::Boolean,
                Default::Boolean(true),
                "whether each feature gets a weight",
            ),
        ],
        also_known_as: &["RMSNormalization"],
        meaning: Meaning::Layer(rms_norm),
    },
    Entry {
        name: "GroupNorm",
        summary: "Normalises each row over groups of adjoining features.",
        formula: "(x - mean of the group) / √(variance of the group + eps) · weight + bias",
        source: "torch.nn.GroupNorm; Wu and He 2018",
        example: "Linear(8) -> GroupNorm(2) -> ReLU",
        parameters: &[
            positional(
                "num_groups",
                ArgumentKind::Size,
                Default::Required,
                "groups that the features are divided into",
            ),
            named("eps", EPS, Default::Number(1e-5), "added to the variance"),
            named(
                "affine",
                ArgumentKind::Boolean,
                Default::Boolean(true),
                "whether each feature gets a weight and a bias",
            ),
        ],
        also_known_as: &["GroupNormalization"],
        meaning: Meaning::Layer(group_norm),
    },
];

/// 1 / width, where the width is known: a plan is made again when the data has told it.
fn share(graph: &Graph, x: ValueId) -> f64 {
    1.0 / graph.shape(x).elements().unwrap_or(1).max(1) as f64
}

/// The mean over the features of each row, `[batch, 1]`.
fn mean_features(context: &mut Context, x: ValueId, name: &str) -> ValueId {
    let share = share(context.graph, x);
    let scaled = context.graph.scale(x, share);
    let mean = context.graph.sum(scaled, Axis::Last);
    context.name(mean, name);
    mean
}

/// x / √(mean(x²) + eps), the mean over the features of each row.
fn over_root_mean_square(context: &mut Context, x: ValueId, eps: f64, name: &str) -> ValueId {
    let shape = context.graph.shape(x).clone();
    let square = context.graph.map(ScalarFunction::Square, x);
    let mean = mean_features(context, square, name);
    let guarded = context.graph.offset(mean, eps);
    let inverse = context.graph.map(ScalarFunction::ReciprocalSqrt, guarded);
    context.name(inverse, "inverse_deviation");
    let inverse = context.graph.broadcast(inverse, &shape);
    let normalised = context.graph.multiply(x, inverse);
    context.name(normalised, "normalised");
    normalised
}

/// (x - mean) / √(variance + eps) over the features of each row, the variance biased.
fn normalised(context: &mut Context, x: ValueId, eps: f64) -> ValueId {
    let shape = context.graph.shape(x).clone();
    let mean = mean_features(context, x, "mean");
    let mean = context.graph.broadcast(mean, &shape);
    let centred = context.graph.subtract(x, mean);
    context.name(centred, "centred");
    over_root_mean_square(context, centred, eps, "variance")
}

/// x · weight + bias, each with a number a feature, as far as they are wanted.
fn affine(context: &mut Context, x: ValueId, weight: bool, bias: bool) -> ValueId {
    let shape = context.graph.shape(x).clone();
    let mut result = x;
    if weight {
        let weight = context.per_feature("weight", StateKind::Parameter, &shape.width(), 1.0);
        let weight = context.graph.state_value(weight);
        let weight = context.graph.broadcast(weight, &shape);
        result = context.graph.multiply(result, weight);
    }
    if bias {
        let bias = context.per_feature("bias", StateKind::Parameter, &shape.width(), 0.0);
        let bias = context.graph.state_value(bias);
        let bias = context.graph.broadcast(bias, &shape);
        result = context.graph.add(result, bias);
    }
    result
}

fn layer_norm(
    context: &mut Context,
    arguments: &Arguments,
    x: ValueId,
) -> Result<ValueId, Box<Diagnostic>> {
    let x = normalised(context, x, arguments.number("eps"));
    let weight = arguments.boolean("elementwise_affine");
    Ok(affine(
        context,
        x,
        weight,
        weight && arguments.boolean("bias"),
    ))
}

fn rms_norm(
    context: &mut Context,
    arguments: &Arguments,
    x: ValueId,
) -> Result<ValueId, Box<Diagnostic>> {
    let eps = arguments.number("eps");
    let x = over_root_mean_square(context, x, eps, "mean_square");
    let weight = arguments.boolean("elementwise_affine");
    Ok(affine(context, x, weight, false))
}

fn group_norm(
    context: &mut Context,
    arguments: &Arguments,
    x: ValueId,
) -> Result<ValueId, Box<Diagnostic>> {
    let groups = match arguments.get("num_groups") {
        Some(Value::Size(groups)) => groups.clone(),
        other => panic!("internal: `num_groups` is {other:?}, not a size"),
    };
    let width = context.graph.shape(x).width();
    let shown: Shape = context.graph.shape(x).clone();
    let normalised = match (groups.known(), width.known()) {
        (Some(groups), Some(width)) if width % groups == 0 => {
            in_groups(context, x, groups, width / groups, arguments.number("eps"))
        }
        (Some(groups), Some(width)) => {
            return Err(Box::new(
                Diagnostic::new(
                    Code::ShapeMismatch,
                    arguments.span_of("num_groups"),
                    format!("{width} features cannot be divided into {groups} equal groups"),
                )
                .label(format!("{groups} groups"))
                .also(
                    context.input_span,
                    format!("{width} come from here: shape {}", shown.row_text()),
                ),
            ));
        }
        // The groups are formed when the data has told the width.
        (None, _) | (_, None) => normalised(context, x, arguments.number("eps")),
    };
    let affine_wanted = arguments.boolean("affine");
    Ok(affine(context, normalised, affine_wanted, affine_wanted))
}

fn in_groups(context: &mut Context, x: ValueId, groups: usize, length: usize, eps: f64) -> ValueId {
    if groups == 1 {
        return normalised(context, x, eps);
    }
    let parts: Vec<ValueId> = (0..groups)
        .map(|group| {
            let slice = Op::Slice {
                start: Dim::Known(group * length),
                length: Dim::Known(length),
            };
            let part = context.graph.push(slice, &[x]);
            normalised(context, part, eps)
        })
        .collect();
    let joined = context.graph.push(Op::Concat, &parts);
    context.name(joined, "normalised");
    joined
}
