//! What compiles, but most likely is not what was meant: warnings, which `allow` silences by code.

use super::constant::number_text;
use super::loss::{LossSpec, OutputRange};
use super::net::Output;
use super::train_spec::{BatchSize, TrainSpec};
use crate::catalog::Link;
use crate::catalog::arguments::{ArgumentValue, Length};
use crate::catalog::schedules::{Schedule, sets_rate};
use crate::catalog::{Kind, Meaning};
use crate::data::spec::Field;
use crate::diagnostics::{Code, Diagnostic, Severity, Span};
use crate::graph::ops::{BinaryOperator, Op};
use crate::graph::scalar::ScalarFunction;
use crate::graph::state::StateKind;
use crate::graph::{Graph, ValueId};
use crate::syntax::ast::{Expr, ExprKind};

/// The codes of warnings in `allow = [W0101, …]`.
pub fn allowed(value: &Expr, faults: &mut Vec<Diagnostic>) -> Vec<Code> {
    let one = std::slice::from_ref(value);
    let items = if let ExprKind::List(items) = &value.kind {
        &items[..]
    } else {
        one
    };
    let warnings = Code::ALL
        .iter()
        .filter(|code| code.severity() == Severity::Warning);
    let mut codes = Vec::new();
    for item in items {
        let word = if let ExprKind::Name(name) = &item.kind {
            Some(name.as_str())
        } else {
            None
        };
        let known = |code: &&Code| word == Some(code.id());
        if let Some(code) = warnings.clone().find(known) {
            codes.push(*code);
            continue;
        }
        let fault = match word {
            Some(word) if Code::ALL.iter().any(|code| code.id() == word) => Diagnostic::new(
                Code::OutOfRange,
                item.span,
                format!("{word} is not a warning"),
            )
            .label("only warnings can be silenced"),
            Some(word) => Diagnostic::new(
                Code::UnknownName,
                item.span,
                format!("no warning has the code `{word}`"),
            )
            .label("unknown code")
            .near(word, item.span, warnings.clone().map(|code| code.id())),
            None => Diagnostic::new(
                Code::WrongType,
                item.span,
                "`allow` takes a list of codes of warnings",
            )
            .label("write `allow = [W0105]`, say"),
        };
        faults.push(fault);
    }
    codes
}

/// What a network and its losses suggest.
pub fn of_network(
    graph: &Graph,
    outputs: &[Option<Output>],
    loss: Option<&LossSpec>,
    advice: &mut Vec<Diagnostic>,
) {
    let Some(loss) = loss else { return };
    for (output, spec) in outputs.iter().zip(&loss.outputs) {
        let Some(output) = output else { continue };
        advice.extend(link_applied(graph, output.value, spec.link));
    }
    without_loss(graph, advice);
}

/// A loss that owns its link function is given what went through it already.
fn link_applied(graph: &Graph, value: ValueId, link: Link) -> Option<Diagnostic> {
    let node = graph.node(value);
    let first = node
        .operands
        .first()
        .map(|operand| &graph.node(*operand).op);
    let place = graph.origin(node.origin).span;
    let logarithm = node.op == Op::LogSoftmax;
    let exponent = node.op == Op::Map(ScalarFunction::Exp) && first == Some(&Op::LogSoftmax);
    let sigmoid = node.op == Op::Map(ScalarFunction::Sigmoid);
    match link {
        Link::Softmax if exponent || logarithm => Some(
            Diagnostic::new(
                Code::SoftmaxBeforeLoss,
                place,
                "`CrossEntropy` takes logits, and applies the softmax itself",
            )
            .label(if logarithm {
                "changes nothing: the softmax of a log-softmax is that of its logits"
            } else {
                "a softmax of a softmax learns slowly"
            })
            .help("remove this layer: predictions are probabilities all the same"),
        ),
        Link::Sigmoid if sigmoid => Some(
            Diagnostic::new(
                Code::SigmoidBeforeLoss,
                place,
                "`BCEWithLogits` takes logits, and applies the sigmoid itself",
            )
            .label("a sigmoid of a sigmoid stays between 0.5 and 0.73")
            .help("remove this layer: predictions are probabilities all the same"),
        ),
        Link::Softmax | Link::Sigmoid | Link::Identity => None,
    }
}

/// Parameters whose gradient is 0 for all rows.
fn without_loss(graph: &Graph, advice: &mut Vec<Diagnostic>) {
    let Some(loss) = graph.loss else { return };
    let reached = reached(graph, loss);
    for (index, node) in graph.nodes.iter().enumerate() {
        let Op::State(state) = &node.op else { continue };
        let state = graph.state(*state);
        if reached[index] || state.kind != StateKind::Parameter || state.training.frozen {
            continue;
        }
        advice.push(
            Diagnostic::new(
                Code::NoGradient,
                state.span,
                format!(
                    "no loss reaches `{}`, which keeps its first values",
                    state.name
                ),
            )
            .label("is not trained")
            .help("say so with `params \"…\" { freeze = true }`, or remove it"),
        );
    }
}

/// Which nodes the loss depends on, by other factors than 0.
fn reached(graph: &Graph, loss: ValueId) -> Vec<bool> {
    let mut reached = vec![false; graph.nodes.len()];
    let mut open = vec![loss];
    while let Some(value) = open.pop() {
        if std::mem::replace(&mut reached[value.index()], true) {
            continue;
        }
        let node = graph.node(value);
        let product = node.op == Op::Binary(BinaryOperator::Multiply);
        if product && node.operands.iter().any(|operand| is_zero(graph, *operand)) {
            continue;
        }
        open.extend(&node.operands);
    }
    reached
}

fn is_zero(graph: &Graph, value: ValueId) -> bool {
    let node = graph.node(value);
    let repeated = matches!(node.op, Op::Broadcast { .. });
    node.op == Op::Constant(0.0) || repeated && is_zero(graph, node.operands[0])
}

/// The numbers that a value can be, if a function bounds them.
pub fn range(graph: &Graph, value: ValueId) -> Option<OutputRange> {
    let node = graph.node(value);
    let Op::Map(function) = &node.op else {
        return None;
    };
    let (low, high) = function.range();
    (low.is_finite() || high.is_finite()).then(|| OutputRange {
        low,
        high,
        span: graph.origin(node.origin).span,
    })
}

/// An input that no line of the network takes.
pub fn unused_input(field: &Field) -> Diagnostic {
    Diagnostic::new(
        Code::UnusedInput,
        field.span,
        format!("the input `{}` is never used", field.name),
    )
    .label("no line of `net` takes it")
    .help("write `ignore` in the place of `input`, or let a line begin with it")
}

/// A learning rate of the optimizer that no update uses.
fn replaced_rate(train: &TrainSpec, advice: &mut Vec<Diagnostic>) {
    let Some(optimizer) = &train.optimizer else {
        return;
    };
    let place = optimizer.arguments.span_of("lr");
    let mut calls = train.schedule.iter();
    if let Some(first) = calls.next().filter(|call| sets_rate(call.entry))
        && place != optimizer.span
    {
        advice.push(
            Diagnostic::new(
                Code::ReplacedRate,
                place,
                format!(
                    "`{}` sets the learning rate itself, whatever the optimizer says",
                    first.entry.name
                ),
            )
            .label("has no effect")
            .also(first.span, "the schedule")
            .help("remove `lr`: `max_lr` is the highest rate"),
        );
    }
}

/// A batch, or batches of an update, that the training rows do not fill.
pub fn of_batches(train: &TrainSpec, rows: usize, advice: &mut Vec<Diagnostic>) {
    let mut unfilled = |place: Option<Span>, message: String, label: &str, help: &str| {
        let warning = place.map(|place| Diagnostic::new(Code::UnfilledBatch, place, message));
        advice.extend(warning.map(|warning| warning.label(label).help(help)));
    };
    let batches = train.batches(rows).count();
    if let BatchSize::Rows(batch) = train.batch
        && batch > rows
    {
        unfilled(
            train.batch_span,
            format!("a batch has {batch} rows, but there are {rows} to train on"),
            "every batch is the whole table",
            "write `batch = all`, or a smaller batch",
        );
    }
    if train.accumulate > batches && train.deferred("accumulate").is_none() {
        let each = match batches {
            1 => "1 batch".to_owned(),
            batches => format!("{batches} batches"),
        };
        unfilled(
            train.accumulate_span,
            format!(
                "an update waits for {} batches, but an epoch has {each}",
                train.accumulate
            ),
            "an epoch's end makes the update before",
            "give a smaller number, or smaller batches",
        );
    }
}

fn lengths(value: &ArgumentValue) -> &[Length] {
    if let ArgumentValue::Length(length) = value {
        std::slice::from_ref(length)
    } else if let ArgumentValue::Lengths(lengths) = value {
        lengths
    } else {
        &[]
    }
}

/// The share of a run of so many epochs that a part of a schedule lasts, or waits for.
fn share_of(value: &ArgumentValue, run: f64) -> Option<f64> {
    if let ArgumentValue::Number(patience) = value {
        return Some((patience + 1.0) / run);
    }
    let shares = lengths(value).iter().map(|length| match length {
        Length::Share(share) => *share,
        Length::Epochs(epochs) => epochs / run,
    });
    shares.reduce(f64::max)
}

/// A schedule, or a patience, that the run is too short for.
pub fn of_schedule(train: &TrainSpec, advice: &mut Vec<Diagnostic>) {
    if train.deferred("epochs").is_some() {
        return;
    }
    let run = train.epochs.max(1) as f64;
    replaced_rate(train, advice);
    let mut share = 0.0;
    for (index, call) in train.schedule.iter().enumerate() {
        let Meaning::Schedule(Schedule { length, turns, .. }) = &call.entry.meaning else {
            continue;
        };
        let given = length.or(*turns);
        let given = given.and_then(|name| Some((name, call.arguments.get(name)?)));
        let Some((name, value)) = given else { continue };
        let Some(own) = share_of(value, run) else {
            continue;
        };
        share += own;
        if share.is_nan() {
            return;
        }
        // A share of a third three times is a run.
        let next = train.schedule.get(index + 1);
        if let Some(next) = next.filter(|_| length.is_some() && (share - 1.0).abs() <= 1e-9) {
            let name = next.entry.name;
            advice.push(
                Diagnostic::new(
                    Code::LongSchedule,
                    next.span,
                    format!("the run ends before `{name}` begins"),
                )
                .label("is never used")
                .also(call.span, "lasts to the last epoch"),
            );
            break;
        }
        if share <= 1.0 + 1e-9 {
            continue;
        }
        let epochs = number_text((share * run * 100.0).round() / 100.0);
        let kind = Kind::Schedule.noun();
        let message = match (length, value) {
            (Some(_), _) => format!(
                "the {kind} lasts to epoch {epochs}, but the run has {} epochs",
                train.epochs
            ),
            (None, ArgumentValue::Number(patience)) => format!(
                "{} waits for {patience} epochs without a better loss, but the run has {}",
                call.entry.name, train.epochs
            ),
            (None, _) => format!(
                "the {kind} first turns at epoch {epochs}, but the run has {} epochs",
                train.epochs
            ),
        };
        let fault = Diagnostic::new(Code::LongSchedule, call.arguments.span_of(name), message)
            .label("does not come to its end");
        let in_epochs = lengths(value)
            .iter()
            .any(|length| matches!(length, Length::Epochs(_)));
        let patience = matches!(value, ArgumentValue::Number(_));
        advice.push(fault.help(match (patience, in_epochs) {
            (true, _) => "the rate never changes; give a smaller `patience`, or more epochs",
            (false, true) => {
                "give lengths as shares of the run, such as `20%`, and they keep their meaning"
            }
            (false, false) => "give smaller shares: those of a schedule are 100% together at most",
        }));
        break;
    }
    advice.extend(early_too_late(train));
}

/// An early stop that the run is too short for.
fn early_too_late(train: &TrainSpec) -> Option<Diagnostic> {
    let (early, place) = (train.stop?, train.watched?);
    (early.patience >= train.epochs).then(|| {
        Diagnostic::new(
            Code::LongSchedule,
            place,
            format!(
                "`early` waits for {} epochs without a better loss, but the run has {}",
                early.patience, train.epochs
            ),
        )
        .label("never ends the run before its last epoch")
        .help("give a smaller `patience`, or more epochs; `restore = best` alone keeps the best")
    })
}
