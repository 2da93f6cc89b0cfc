//! The loss against the network's output and the target's type; what is reported about it.

use super::train::{Batch, TrainSpec};
use crate::catalog::{Link, LossTarget, Meaning, Metric};
use crate::data::spec::{DataSpec, Field, FieldKind, Role, Schema};
use crate::diagnostics::{Code, Diagnostic, Span};
use crate::graph::Graph;
use crate::graph::ops::{InputKind, Op};
use crate::graph::shape::{Dim, Shape};
use crate::graph::state::StepScalar;

/// What becomes of the network's output.
#[derive(Clone, PartialEq, Debug)]
pub struct LossSpec {
    pub link: Link,
    pub target: Field,
    /// Metrics of each split, with their names.
    pub metrics: Vec<(Metric, &'static str)>,
}

/// Where the network's result was written, and whether the network is without a fault.
#[derive(Clone, Copy)]
pub struct Output {
    pub span: Span,
    pub whole: bool,
}

/// Appends the loss to the graph.
pub fn resolve(
    train: &TrainSpec,
    graph: &mut Graph,
    written: Output,
    schema: &Schema,
    data: &DataSpec,
    faults: &mut Vec<Diagnostic>,
) -> Option<LossSpec> {
    let loss_span = train.loss.as_ref().map(|call| call.span);
    let target = target(schema, data, loss_span, faults)?;
    let metrics = metrics(train, &target, faults);
    let call = train.loss.as_ref()?;
    let Meaning::Loss(loss) = &call.entry.meaning else {
        return None;
    };
    let comparison = Comparison {
        name: call.entry.name,
        span: call.span,
        target: &target,
    };
    if let Some(fault) = comparison.with_target(loss.target) {
        faults.push(fault);
        return None;
    }
    let output = graph.prediction?;
    let shape = graph.shape(output);
    if let Some(fault) = comparison.with_output(loss.target, shape, written.span) {
        faults.push(fault);
        return None;
    }
    if !written.whole {
        return None;
    }
    let origin = graph.add_origin(call.entry.name, call.span);
    graph.current_origin = origin;
    let width = match target.kind.width() {
        Some(width) => Dim::Known(width),
        None => Dim::Deferred(format!("columns of {}", target.name).into()),
    };
    let kind = InputKind::Targets;
    let value = graph.push(Op::Input { kind, width }, &[]);
    graph.nodes[value.index()].name = Some(target.name.as_str().into());
    let loss_value = (loss.build)(graph, &call.arguments, output, value);
    graph.loss = Some(loss_value);
    check_batches(train, graph, schema, faults);
    Some(LossSpec {
        link: loss.link,
        metrics,
        target,
    })
}

fn target(
    schema: &Schema,
    data: &DataSpec,
    loss_span: Option<Span>,
    faults: &mut Vec<Diagnostic>,
) -> Option<Field> {
    match &schema.targets[..] {
        [] => {
            let declared = data
                .columns
                .iter()
                .any(|column| column.role == Role::Target);
            if !declared {
                let fault = Diagnostic::new(
                    Code::NoTarget,
                    data.span,
                    "there is no target to compare with",
                )
                .label("no `target` is declared")
                .help("write `target name: number` or `target name: category` in `data`");
                faults.push(match loss_span {
                    Some(span) => fault.also(span, "the loss compares with it"),
                    None => fault,
                });
            }
            None
        }
        [target] => Some(target.clone()),
        [first, second, ..] => {
            faults.push(
                Diagnostic::new(
                    Code::NotSupported,
                    second.span,
                    "several targets are not supported yet",
                )
                .label("a second target")
                .also(first.span, "the first target"),
            );
            None
        }
    }
}

/// A loss and what it compares with.
struct Comparison<'c> {
    name: &'c str,
    span: Span,
    target: &'c Field,
}

impl Comparison<'_> {
    /// Whether the loss fits the target's type.
    fn with_target(&self, wants: LossTarget) -> Option<Diagnostic> {
        let Comparison { name, span, target } = *self;
        let wrong = |message: String| Diagnostic::new(Code::LossTarget, span, message);
        match (wants, &target.kind) {
            (LossTarget::Numbers, FieldKind::Category { .. }) => Some(
                wrong(format!(
                    "`{name}` compares with numbers, but `{}` is a category",
                    target.name
                ))
                .label("this loss is for numbers")
                .also(target.span, "declared as a category here")
                .help("use `loss = CrossEntropy`, or declare the target as `number`"),
            ),
            (LossTarget::Classes, FieldKind::Numbers { .. }) => Some(
                wrong(format!(
                    "`{name}` compares with a category, but `{}` holds numbers",
                    target.name
                ))
                .label("this loss is for classes")
                .also(target.span, "declared as numbers here")
                .help("declare the target as `category`, or use `loss = MSE`"),
            ),
            (LossTarget::Classes | LossTarget::Binary, FieldKind::Category { classes, .. }) => {
                match (wants, classes) {
                    (_, Some(classes)) if *classes < 2 => Some(few_classes(target, *classes)),
                    (LossTarget::Binary, Some(classes)) if *classes > 2 => Some(
                        wrong(format!(
                            "`{name}` tells two classes apart, but `{}` has {classes}",
                            target.name
                        ))
                        .label("this loss is for two classes")
                        .also(target.span, format!("{classes} classes"))
                        .help(
                            "use `loss = CrossEntropy` and end the network with `Linear(classes)`",
                        ),
                    ),
                    (_, Some(_) | None) => None,
                }
            }
            (LossTarget::Numbers | LossTarget::Binary, FieldKind::Numbers { .. }) => None,
        }
    }

    /// Whether the network's output has the width that the loss needs.
    fn with_output(&self, wants: LossTarget, output: &Shape, written: Span) -> Option<Diagnostic> {
        let Comparison { name, span, target } = *self;
        let width = output.width();
        let wrong_width = |needs: String, help: String| {
            Diagnostic::new(
                Code::LossOutput,
                written,
                format!("`{name}` needs an output of {needs}, but the network gives {width}"),
            )
            .label(format!("the network's result: {}", output.row_text()))
            .also(span, "the loss")
            .also(target.span, "the target")
            .help(help)
        };
        let needed = match (wants, &target.kind) {
            (_, FieldKind::Numbers { width }) => *width,
            (LossTarget::Binary, FieldKind::Category { .. }) => Some(1),
            (LossTarget::Numbers | LossTarget::Classes, FieldKind::Category { classes, .. }) => {
                *classes
            }
        }?;
        if width.fits(&Dim::Known(needed)) {
            return None;
        }
        Some(match (wants, &target.kind) {
            (_, FieldKind::Numbers { .. }) => wrong_width(
                format!("{needed}, the width of `{}`", target.name),
                format!("end the network with `Linear({needed})`"),
            ),
            (LossTarget::Binary, FieldKind::Category { .. }) => wrong_width(
                "1, the logit of the second class".to_string(),
                "end the network with `Linear(1)`, or use `loss = CrossEntropy`".to_string(),
            ),
            (LossTarget::Numbers | LossTarget::Classes, FieldKind::Category { .. }) => wrong_width(
                format!("{needed}, one logit for each class of `{}`", target.name),
                "end the network with `Linear(classes)`".to_string(),
            ),
        })
    }
}

fn few_classes(target: &Field, classes: usize) -> Diagnostic {
    Diagnostic::new(
        Code::LossTarget,
        target.span,
        format!(
            "the category `{}` has {}, so there is nothing to tell apart",
            target.name,
            match classes {
                1 => "one value".to_string(),
                count => format!("{count} values"),
            }
        ),
    )
    .label("needs at least two values")
}

/// BatchNorm's variance of one row does not exist; PyTorch fails in the middle of a run.
fn check_batches(train: &TrainSpec, graph: &Graph, schema: &Schema, faults: &mut Vec<Diagnostic>) {
    let normalises = graph.scalars.contains(&StepScalar::Bessel);
    let (true, Some(rows)) = (normalises, schema.rows) else {
        return;
    };
    let batch = match train.batch {
        Batch::All => rows.train,
        Batch::Rows(batch) => batch.min(rows.train),
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

/// The metrics asked for, or those of the target's type.
fn metrics(
    train: &TrainSpec,
    target: &Field,
    faults: &mut Vec<Diagnostic>,
) -> Vec<(Metric, &'static str)> {
    let classes = matches!(target.kind, FieldKind::Category { .. });
    let Some(asked) = &train.metrics else {
        return match classes {
            true => vec![(Metric::Accuracy, "accuracy")],
            false => vec![
                (Metric::MeanAbsoluteError, "mae"),
                (Metric::RootMeanSquaredError, "rmse"),
                (Metric::R2, "r2"),
            ],
        };
    };
    for (metric, name, span) in asked {
        let for_classes = match metric {
            Metric::Accuracy => true,
            Metric::MeanAbsoluteError | Metric::RootMeanSquaredError | Metric::R2 => false,
        };
        if for_classes != classes {
            let (needs, has) = match classes {
                true => ("numbers", "is a category"),
                false => ("categories", "holds numbers"),
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
                .help(match classes {
                    true => "for categories there is: accuracy",
                    false => "for numbers there are: mae, rmse, r2",
                }),
            );
        }
    }
    asked
        .iter()
        .map(|(metric, name, _)| (*metric, *name))
        .collect()
}
