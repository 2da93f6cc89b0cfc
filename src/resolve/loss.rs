//! The losses against the network's outputs and the targets' types; what is reported about them.

use super::advice;
use super::arguments::Call;
use super::comparison::LossComparison;
use super::constant::Number;
use super::loss_terms::LossTerm;
use super::net::Output;
use super::train_spec::{BatchSize, TrainSpec};
use crate::catalog::arguments::DEFERRED;
use crate::catalog::{Link, Loss, Meaning, Metric};
use crate::data::spec::{DataSpec, Field, FieldKind, Role, Schema};
use crate::diagnostics::{Code, Diagnostic, Span, listed};
use crate::graph::ops::{Axis, InputKind, Op};
use crate::graph::shape::Dim;
use crate::graph::state::StepScalar;
use crate::graph::{Graph, ValueId};

/// What becomes of the network's outputs: one for each target, in their order.
#[derive(Clone, PartialEq, Debug)]
pub struct LossSpec {
    pub outputs: Vec<OutputSpec>,
}

/// What becomes of the output for one target.
#[derive(Clone, PartialEq, Debug)]
pub struct OutputSpec {
    pub link: Link,
    pub target: Field,
    /// The output's place among the network's outputs, all side by side.
    pub first: usize,
    pub width: usize,
    /// Metrics of each split, with their names.
    pub metrics: Vec<(Metric, &'static str)>,
    /// What the network can give for it, where a function bounds that.
    pub range: Option<OutputRange>,
}

/// The numbers that the network's output for a target can be.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct OutputRange {
    pub low: f64,
    pub high: f64,
    /// The function that bounds it.
    pub span: Span,
}

/// The sum of the losses, each of the output and the target at its place.
fn sum(
    graph: &mut Graph,
    terms: &[(&LossTerm, usize)],
    outputs: &[Option<Output>],
    targets: &[ValueId],
) -> Option<Option<ValueId>> {
    let mut total: Option<ValueId> = None;
    for (term, index) in terms {
        let origin = graph.add_origin(term.call.entry.name, term.call.span);
        graph.classify(origin, term.call.entry.name);
        graph.show(origin, &term.short_text());
        graph.current_origin = origin;
        let output = outputs[*index]?.value;
        let build = loss_of(&term.call).build;
        let loss = build(graph, &term.call.arguments, output, targets[*index]);
        let loss = match term.weight {
            Number::Known(1.0) => loss,
            Number::Known(weight) => graph.scale(loss, weight),
            Number::Deferred(_) => graph.scale(loss, DEFERRED),
        };
        total = Some(match total {
            None => loss,
            Some(total) => graph.add(total, loss),
        });
    }
    Some(total)
}

/// Appends the losses to the graph. `outputs` are the values for the schema's targets; whether the
/// network is without a fault is `whole`.
pub fn resolve(
    train: &TrainSpec,
    graph: &mut Graph,
    outputs: &[Option<Output>],
    whole: bool,
    schema: &Schema,
    data: &DataSpec,
    faults: &mut Vec<Diagnostic>,
) -> Option<LossSpec> {
    let targets = &schema.targets[..];
    if targets.is_empty() {
        faults.extend(no_target(train, data));
        return None;
    }
    check_metrics(train, targets, faults);
    let before = faults.len();
    let mut terms: Vec<(&LossTerm, usize)> = Vec::new();
    for term in &train.loss.terms {
        match target_of(term, targets) {
            Ok(index) => terms.push((term, index)),
            Err(fault) => faults.push(*fault),
        }
    }
    if train.loss.terms.is_empty() {
        return None;
    }
    if faults.len() == before && train.loss.whole {
        faults.extend(without_loss(train, targets, &terms));
    }
    for (term, index) in &terms {
        let comparison = LossComparison {
            name: term.call.entry.name,
            span: term.call.span,
            target: &targets[*index],
            alone: targets.len() == 1,
        };
        let wants = loss_of(&term.call).target;
        if let Some(fault) = comparison.with_target(wants) {
            faults.push(fault);
        } else if let Some(output) = outputs.get(*index).copied().flatten() {
            let shape = graph.shape(output.value);
            faults.extend(comparison.with_output(wants, shape, output.span));
        }
    }
    if faults.len() > before || !whole {
        return None;
    }
    let span = terms.first()?.0.call.span;
    let (values, weights) = target_values(graph, targets, data, span);
    graph.row_shares = weights.map(|weights| shares(graph, weights));
    graph.loss = sum(graph, &terms, outputs, &values)?;
    graph.row_shares = None;
    check_batches(train, graph, schema, faults);
    let mut first = 0;
    let specs = targets.iter().enumerate().map(|(index, target)| {
        let width =
            outputs[index].map_or(Dim::Known(0), |output| graph.shape(output.value).width());
        let width = width.known().unwrap_or(0);
        let term = terms.iter().find(|(_, of)| *of == index);
        let spec = OutputSpec {
            link: term.map_or(Link::Identity, |(term, _)| loss_of(&term.call).link),
            target: target.clone(),
            first,
            width,
            metrics: metrics(train, target),
            range: outputs[index].and_then(|output| advice::range(graph, output.value)),
        };
        first += width;
        spec
    });
    Some(LossSpec {
        outputs: specs.collect(),
    })
}

fn loss_of(call: &Call) -> &'static Loss {
    let Meaning::Loss(loss) = &call.entry.meaning else {
        unreachable!("the call was resolved as a loss")
    };
    loss
}

/// Each row's share of the weights of its batch. A batch whose weights are all 0 has no loss.
fn shares(graph: &mut Graph, weights: ValueId) -> ValueId {
    let shape = graph.shape(weights).clone();
    let total = graph.sum(weights, Axis::All);
    graph.nodes[total.index()].name = Some("weights".into());
    let total = graph.clamp_below(total, f64::from(f32::MIN_POSITIVE));
    let total = graph.broadcast(total, &shape);
    let shares = graph.divide(weights, total);
    graph.nodes[shares.index()].name = Some("weight_share".into());
    shares
}

/// The values of the targets and of the rows' weights, each a part of the prepared matrix of all.
fn target_values(
    graph: &mut Graph,
    targets: &[Field],
    data: &DataSpec,
    span: Span,
) -> (Vec<ValueId>, Option<ValueId>) {
    let width = |target: &Field| match target.kind.width() {
        Some(width) => Dim::Known(width),
        None => Dim::deferred(format!("columns of {}", target.name)),
    };
    let kind = InputKind::Targets;
    let origin = graph.add_origin("targets", span);
    graph.current_origin = origin;
    let mut columns = data.columns.iter();
    let weight_column = columns.find(|column| column.role == Role::Weight);
    let weighted = weight_column.is_some();
    if let ([target], false) = (targets, weighted) {
        graph.show(origin, &target.name);
        let value = graph.push(
            Op::Input {
                kind,
                width: width(target),
            },
            &[],
        );
        graph.nodes[value.index()].name = Some(target.name.as_str().into());
        return (vec![value], None);
    }
    let mut starts = Vec::new();
    let mut total = Dim::Known(0);
    for target in targets {
        let next = total.plus(&width(target));
        starts.push(std::mem::replace(&mut total, next));
    }
    let weight = total.clone();
    if weighted {
        total = total.plus(&Dim::Known(1));
    }
    let all = graph.push(Op::Input { kind, width: total }, &[]);
    let slices: Vec<ValueId> = targets
        .iter()
        .zip(starts)
        .map(|(target, start)| {
            graph.current_origin = graph.add_origin("targets", span);
            graph.show(graph.current_origin, &target.name);
            let length = width(target);
            let value = graph.push(Op::Slice { start, length }, &[all]);
            // With several targets, the network's value for one has its name.
            let name = match targets.len() {
                1 => target.name.clone(),
                _ => format!("{}.target", target.name),
            };
            graph.nodes[value.index()].name = Some(name.into());
            value
        })
        .collect();
    // The shares of the rows, which follow, come of the weights.
    let weights = weight_column.map(|column| {
        graph.current_origin = graph.add_origin("weights", column.name.span);
        graph.show(
            graph.current_origin,
            &format!("weight {}", column.name.text),
        );
        let length = Dim::Known(1);
        let start = weight;
        let value = graph.push(Op::Slice { start, length }, &[all]);
        graph.nodes[value.index()].name = Some("weight".into());
        value
    });
    (slices, weights)
}

fn no_target(train: &TrainSpec, data: &DataSpec) -> Option<Diagnostic> {
    let mut columns = data.columns.iter();
    if columns.any(|column| column.role == Role::Target) {
        return None;
    }
    let fault = Diagnostic::new(
        Code::NoTarget,
        data.span,
        "there is no target to compare with",
    )
    .label("no `target` is declared")
    .help("write `target name: number` or `target name: category` in `data`");
    Some(match train.loss.terms.first() {
        Some(term) => fault.also(term.call.span, "the loss compares with it"),
        None => fault,
    })
}

/// The number of the target that a loss compares with.
fn target_of(term: &LossTerm, targets: &[Field]) -> Result<usize, Box<Diagnostic>> {
    let names = || targets.iter().map(|target| target.name.as_str());
    let Some(name) = &term.target else {
        return match targets {
            [_] => Ok(0),
            _ => Err(Box::new(which_target(term, targets))),
        };
    };
    names().position(|known| known == name.text).ok_or_else(|| {
        Box::new(
            Diagnostic::new(
                Code::UnknownName,
                name.span,
                format!("no target is called `{}`", name.text),
            )
            .label("not a target")
            .near(&name.text, name.span, names())
            .note(format!("there are: {}", listed(names()))),
        )
    })
}

/// The fault of a loss that does not say with which of several targets it compares.
fn which_target(term: &LossTerm, targets: &[Field]) -> Diagnostic {
    let call = &term.call;
    let fits = |target: &&Field| {
        let comparison = LossComparison {
            name: call.entry.name,
            span: call.span,
            target,
            alone: false,
        };
        comparison.with_target(loss_of(call).target).is_none()
    };
    let target = targets.iter().find(fits).unwrap_or(&targets[0]);
    let rest = if call.short_text().contains('(') {
        ", …"
    } else {
        ""
    };
    let names = targets.iter().map(|target| target.name.as_str());
    Diagnostic::new(
        Code::MissingArgument,
        call.span,
        "with several targets a loss names the one that it compares with",
    )
    .label("which target?")
    .help(format!(
        "write `{}({}{rest})`, say",
        call.entry.name, target.name
    ))
    .note(format!("there are: {}", listed(names)))
}

/// The faults of targets that no loss compares with.
fn without_loss(
    train: &TrainSpec,
    targets: &[Field],
    terms: &[(&LossTerm, usize)],
) -> Vec<Diagnostic> {
    let missing = targets
        .iter()
        .enumerate()
        .filter(|(index, _)| terms.iter().all(|(_, of)| of != index));
    missing
        .map(|(_, target)| {
            Diagnostic::new(
                Code::UnusedResult,
                target.span,
                format!("no loss compares with the target `{}`", target.name),
            )
            .label("is not learned")
            .also(train.loss.terms[0].call.span, "the loss")
            .help(if is_category(target) {
                format!("add a term: `… + CrossEntropy({})`", target.name)
            } else {
                format!("add a term: `… + MSE({})`", target.name)
            })
        })
        .collect()
}

/// BatchNorm's variance of one row does not exist; PyTorch fails in the middle of a run.
fn check_batches(train: &TrainSpec, graph: &Graph, schema: &Schema, faults: &mut Vec<Diagnostic>) {
    let normalises = graph.scalars.contains(&StepScalar::BesselCorrection);
    let (true, Some(rows)) = (normalises, schema.rows) else {
        return;
    };
    let batch = match train.batch {
        BatchSize::All => rows.train,
        BatchSize::Rows(batch) => batch.min(rows.train),
    };
    let single = batch == 1 || (!train.drop_last && rows.train % batch.max(1) == 1);
    if !single {
        return;
    }
    let mut states = graph.states.iter();
    let normaliser = states.find(|state| state.name.ends_with(".running_var"));
    let place = normaliser.map_or(train.span, |state| state.span);
    let last = match (rows.train, batch) {
        (1, _) => "there is one training row".to_string(),
        (_, 1) => "each batch has one row".to_string(),
        (rows, batch) => {
            format!("{rows} training rows in batches of {batch} leave a last batch of 1")
        }
    };
    let fault = Diagnostic::new(
        Code::TooFewRows,
        place,
        "BatchNorm1d cannot train on a batch of one row, which has no variance",
    )
    .label("normalises over the rows of a batch")
    .also(train.batch_span.unwrap_or(train.span), last);
    faults.push(match batch {
        1 => fault.help("choose a larger `batch`"),
        _ => fault.help("choose another `batch`, or set `drop_last = true`"),
    });
}

/// Whether a metric is for classes or for numbers.
fn for_classes(metric: Metric) -> bool {
    match metric {
        Metric::Accuracy => true,
        Metric::MeanAbsoluteError | Metric::RootMeanSquaredError | Metric::R2 => false,
    }
}

fn is_category(target: &Field) -> bool {
    matches!(target.kind, FieldKind::Category { .. })
}

/// The metrics of a target: of those asked for, the ones that are for its type; else all of its type.
fn metrics(train: &TrainSpec, target: &Field) -> Vec<(Metric, &'static str)> {
    let classes = is_category(target);
    let Some(asked) = &train.metrics else {
        return if classes {
            vec![(Metric::Accuracy, "accuracy")]
        } else {
            vec![
                (Metric::MeanAbsoluteError, "mae"),
                (Metric::RootMeanSquaredError, "rmse"),
                (Metric::R2, "r2"),
            ]
        };
    };
    asked
        .iter()
        .filter(|(metric, _, _)| for_classes(*metric) == classes)
        .map(|(metric, name, _)| (*metric, *name))
        .collect()
}

/// Reports metrics that fit no target.
fn check_metrics(train: &TrainSpec, targets: &[Field], faults: &mut Vec<Diagnostic>) {
    for (metric, name, span) in train.metrics.iter().flatten() {
        let fits = |target: &Field| is_category(target) == for_classes(*metric);
        let target = match targets {
            [] => continue,
            _ if targets.iter().any(fits) => continue,
            [target, ..] => target,
        };
        let (needs, has) = if is_category(target) {
            ("numbers", "is a category")
        } else {
            ("categories", "holds numbers")
        };
        faults.push(
            Diagnostic::new(
                Code::MetricTarget,
                *span,
                format!(
                    "`{name}` is a metric for {needs}, but `{}` {has}",
                    target.name
                ),
            )
            .label("does not fit the target")
            .also(target.span, format!("the target {has}"))
            .help(if is_category(target) {
                "for categories there is: accuracy"
            } else {
                "for numbers there are: mae, rmse, r2"
            }),
        );
    }
}
