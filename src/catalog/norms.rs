//! Layers that normalise, over the batch or each row by itself, under PyTorch's names, arguments and
//! defaults.

use super::arguments::{ArgumentKind, ArgumentValue, Arguments, Default, Range, named, positional};
use super::axes::flat_only;
use super::layers::{Fans, LayerContext};
use super::{Entry, Meaning};
use crate::diagnostics::{Code, Diagnostic};
use crate::graph::ops::{Axis, BinaryOperator, Op};
use crate::graph::scalar::ScalarFunction;
use crate::graph::shape::{Dim, Shape};
use crate::graph::state::{Initializer, StateId, StateKind, StepScalar};
use crate::graph::{Assignment, Graph, ValueId};

const EPS: ArgumentKind = ArgumentKind::Number(Range::POSITIVE);

pub const ENTRIES: &[Entry] = &[
    Entry {
        name: "BatchNorm1d",
        summary: "Normalises each feature: over the batch while training, by running statistics otherwise.",
        formula: "(x - mean) / √(variance + eps) · weight + bias; running = (1 - momentum) · running + momentum · that of the batch, its variance with n - 1",
        source: "torch.nn.BatchNorm1d",
        example: "Linear(8, bias = false) -> BatchNorm1d -> ReLU",
        parameters: &[
            named(
                "eps",
                ArgumentKind::Number(Range::POSITIVE),
                Default::Number(1e-5),
                "added to the variance",
            ),
            named(
                "momentum",
                ArgumentKind::Number(Range::UNIT),
                Default::Number(0.1),
                "share of the batch in the running statistics; Keras's is 1 minus it",
            ),
            named(
                "affine",
                ArgumentKind::Boolean,
                Default::Boolean(true),
                "whether weight and bias are learned",
            ),
        ],
        also_known_as: &["BatchNormalization", "BatchNorm"],
        meaning: Meaning::Layer(batch_norm),
    },
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
        meaning: Meaning::LastAxis(layer_norm),
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
        meaning: Meaning::LastAxis(rms_norm),
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
fn mean_features(context: &mut LayerContext, x: ValueId, name: &str) -> ValueId {
    let share = share(context.graph, x);
    let scaled = context.graph.scale(x, share);
    let mean = context.graph.sum(scaled, Axis::Last);
    context.name(mean, name);
    mean
}

/// x / √(mean(x²) + eps), the mean over the features of each row.
fn over_root_mean_square(context: &mut LayerContext, x: ValueId, eps: f64, name: &str) -> ValueId {
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
fn normalised(context: &mut LayerContext, x: ValueId, eps: f64) -> ValueId {
    let shape = context.graph.shape(x).clone();
    let mean = mean_features(context, x, "mean");
    let mean = context.graph.broadcast(mean, &shape);
    let centred = context.graph.subtract(x, mean);
    context.name(centred, "centred");
    over_root_mean_square(context, centred, eps, "variance")
}

/// x · weight + bias, each with a number a feature, as far as they are wanted.
fn affine(context: &mut LayerContext, x: ValueId, weight: bool, bias: bool) -> ValueId {
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
    context: &mut LayerContext,
    arguments: &Arguments,
    x: ValueId,
) -> Result<ValueId, Box<Diagnostic>> {
    advise_single(context, "LayerNorm", &context.graph.shape(x).width());
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
    context: &mut LayerContext,
    arguments: &Arguments,
    x: ValueId,
) -> Result<ValueId, Box<Diagnostic>> {
    let eps = arguments.number("eps");
    advise_single(context, "RMSNorm", &context.graph.shape(x).width());
    let x = over_root_mean_square(context, x, eps, "mean_square");
    let weight = arguments.boolean("elementwise_affine");
    Ok(affine(context, x, weight, false))
}

fn group_norm(
    context: &mut LayerContext,
    arguments: &Arguments,
    x: ValueId,
) -> Result<ValueId, Box<Diagnostic>> {
    flat_only(context, "GroupNorm", x, context.input_span)?;
    let groups = match arguments.get("num_groups") {
        Some(ArgumentValue::Size(groups)) => groups.clone(),
        other => panic!("internal: `num_groups` is {other:?}, not a size"),
    };
    let width = context.graph.shape(x).width();
    let shown: Shape = context.graph.shape(x).clone();
    let normalised = match (groups.known(), width.known()) {
        (Some(groups), Some(width)) if width % groups == 0 => {
            advise_single(context, "GroupNorm", &Dim::Known(width / groups));
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

fn in_groups(
    context: &mut LayerContext,
    x: ValueId,
    groups: usize,
    length: usize,
    eps: f64,
) -> ValueId {
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

/// Of one feature alone nothing is left when it is normalised.
fn advise_single(context: &mut LayerContext, norm: &str, width: &Dim) {
    if *width != Dim::Known(1) {
        return;
    }
    let (left, help) = match norm {
        "RMSNorm" => (
            "is its sign",
            "let more features flow in, or remove the norm",
        ),
        "GroupNorm" => (
            "is 0 for every row",
            "choose fewer groups, so that each has several features",
        ),
        _ => (
            "is 0 for every row",
            "let more features flow in, or remove the norm",
        ),
    };
    context.advice.push(
        Diagnostic::new(
            Code::SingleFeatureNorm,
            context.span,
            format!("`{norm}` of one feature {left}"),
        )
        .label("little or nothing of the row goes on from here")
        .help(help),
    );
}

/// What stands before a BatchNorm and does not belong there.
fn advise_norm(context: &mut LayerContext, x: ValueId) {
    let graph = &*context.graph;
    let node = graph.node(x);
    let op = |value: ValueId| &graph.node(value).op;
    let operand = |value: ValueId, at: usize| graph.node(value).operands.get(at).copied();
    let learned = |value: ValueId| {
        let broadcast = matches!(op(value), Op::Broadcast { .. });
        let state = operand(value, 0).filter(|_| broadcast).map(&op);
        matches!(state, Some(Op::State(state)) if graph.state(*state).kind == StateKind::Parameter)
    };
    let biased = node.op == Op::Binary(BinaryOperator::Add)
        && matches!(op(node.operands[0]), Op::MatMul(_))
        && learned(node.operands[1]);
    // Activations in between change nothing of it.
    let mut before = x;
    while matches!(op(before), Op::Map(_)) {
        before = graph.node(before).operands[0];
    }
    let dropped = *op(before) == Op::ByPhase
        && operand(graph.node(before).operands[0], 1)
            .is_some_and(|mask| matches!(op(mask), Op::DropoutMask(_)));
    let place = graph.origin(node.origin).span;
    let dropout = graph.origin(graph.node(before).origin).span;
    if biased {
        context.advice.push(
            Diagnostic::new(
                Code::BiasBeforeNorm,
                place,
                "the BatchNorm that follows takes this layer's bias away",
            )
            .label("learns a bias without effect")
            .also(
                context.span,
                "subtracts the mean, and adds a bias of its own",
            )
            .help("write `bias = false` here"),
        );
    }
    if dropped {
        context.advice.push(
            Diagnostic::new(
                Code::DropoutBeforeNorm,
                dropout,
                "Dropout before BatchNorm: the running variance is that of dropped values, which prediction does not see",
            )
            .label("changes the variance while training")
            .also(context.span, "keeps the variance for prediction")
            .help("put the Dropout behind the BatchNorm and its activation"),
        );
    }
}

/// A running statistic moves towards the batch's.
fn move_running(graph: &mut Graph, state: StateId, batch: ValueId, momentum: f64) {
    // A shared layer moves it once with every use.
    let mut assignments = graph.assignments.iter();
    let earlier = assignments.position(|assignment| assignment.state == state);
    let old = match earlier {
        Some(earlier) => graph.assignments[earlier].value,
        None => graph.state_value(state),
    };
    let kept = graph.scale(old, 1.0 - momentum);
    let moved = graph.scale(batch, momentum);
    let value = graph.add(kept, moved);
    match earlier {
        Some(earlier) => graph.assignments[earlier].value = value,
        None => graph.assignments.push(Assignment { state, value }),
    }
}

fn batch_norm(
    context: &mut LayerContext,
    arguments: &Arguments,
    x: ValueId,
) -> Result<ValueId, Box<Diagnostic>> {
    flat_only(context, "BatchNorm1d", x, context.input_span)?;
    let eps = arguments.number("eps");
    let momentum = arguments.number("momentum");
    let shape = context.graph.shape(x).clone();
    let width = shape.width();
    advise_norm(context, x);
    let affine = arguments.boolean("affine").then(|| {
        [("weight", 1.0), ("bias", 0.0)]
            .map(|(name, start)| context.per_feature(name, StateKind::Parameter, &width, start))
    });
    let running_mean = context.per_feature("running_mean", StateKind::Buffer, &width, 0.0);
    let running_var = context.per_feature("running_var", StateKind::Buffer, &width, 1.0);
    let fans = Fans {
        fan_in: Dim::Known(1),
        fan_out: Dim::Known(1),
    };
    let tracked = context.state(
        "num_batches_tracked",
        StateKind::Buffer,
        Shape::scalar(),
        Initializer::Constant(0.0),
        fans,
    );
    let tracked = &mut context.graph.states[tracked.0 as usize];
    tracked.integer = true;
    tracked.uses += 1;

    let graph = &mut *context.graph;
    let row = Shape::fixed([width]);
    // While training: the batch's own mean and biased variance.
    let batch_mean = graph.mean_rows(x);
    let mean_wide = graph.broadcast(batch_mean, &shape);
    let batch_centred = graph.subtract(x, mean_wide);
    let square = graph.map(ScalarFunction::Square, batch_centred);
    let batch_variance = graph.mean_rows(square);
    let guarded = graph.offset(batch_variance, eps);
    let batch_inverse = graph.map(ScalarFunction::ReciprocalSqrt, guarded);
    let inverse_wide = graph.broadcast(batch_inverse, &shape);
    let trained = graph.multiply(batch_centred, inverse_wide);
    // The running statistics move towards the batch's, the variance unbiased.
    let unbiased = graph.scale_by(batch_variance, StepScalar::BesselCorrection);
    for (state, batch) in [(running_mean, batch_mean), (running_var, unbiased)] {
        move_running(graph, state, batch, momentum);
    }
    // Otherwise: the running statistics.
    let mean = graph.state_value(running_mean);
    let mean = graph.broadcast(mean, &shape);
    let centred = graph.subtract(x, mean);
    let variance = graph.state_value(running_var);
    let eps = graph.constant(eps, &row);
    let guarded = graph.add(variance, eps);
    let inverse = graph.map(ScalarFunction::ReciprocalSqrt, guarded);
    let inverse_wide = graph.broadcast(inverse, &shape);
    let evaluated = graph.multiply(centred, inverse_wide);

    let normalised = graph.push(Op::ByPhase, &[trained, evaluated]);
    for (value, word) in [
        (batch_mean, "mean"),
        (batch_centred, "centred"),
        (batch_variance, "variance"),
        (batch_inverse, "inverse_deviation"),
        (trained, "normalised"),
        (inverse, "inverse_deviation"),
    ] {
        context.name(value, word);
    }
    let graph = &mut *context.graph;
    let Some([weight, bias]) = affine else {
        return Ok(normalised);
    };
    let weight = graph.state_value(weight);
    let weight = graph.broadcast(weight, &shape);
    let bias = graph.state_value(bias);
    let bias = graph.broadcast(bias, &shape);
    let scaled = graph.multiply(normalised, weight);
    Ok(graph.add(scaled, bias))
}
