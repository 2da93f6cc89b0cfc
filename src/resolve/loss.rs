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

/// Appends the loss to the graph.
pub fn resolve(
    train: &TrainSpec,
    graph: &mut Graph,
    output_span: Span,
    schema: &Schema,
    data: &DataSpec,
    faults: &mut Vec<Diagnostic>,
) -> Option<LossSpec> {
    let call = train.loss.as_ref()?;
    let Meaning::Loss(loss) = &call.entry.meaning else {
        return None;
    };
    let target = target(schema, data, call.span, faults)?;
    let output = graph.prediction?;
    let comparison = Comparison {
        name: call.entry.name,
        span: call.span,
        output: graph.shape(output),
        output_span,
        target: &target,
    };
    if let Some(fault) = comparison.fault(loss.target) {
        faults.push(fault);
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
        metrics: metrics(train, &target, faults),
        target,
    })
}

fn target(
    schema: &Schema,
    data: &DataSpec,
    loss_span: Span,
    faults: &mut Vec<Diagnostic>,
) -> Option<Field> {
    match &schema.targets[..] {
        [] => {
            let declared = data
                .columns
                .iter()
                .any(|column| column.role == Role::Target);
            if !declared {
                faults.push(
                    Diagnostic::new(
                        Code::NoTarget,
                        data.span,
                        "there is no target to compare with",
                    )
                    .label("no `target` is declared")
                    .also(loss_span, "the loss compares with it")
                    .help("write `target name: number` or `target name: category` in `data`"),
                );
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

/// A loss between the network's output and the target.
struct Comparison<'c> {
    /// The loss's name and place.
    name: &'static str,
    span: Span,
    output: &'c Shape,
    output_span: Span,
    target: &'c Field,
}

impl Comparison<'_> {
    /// Why the loss cannot compare the two, if it cannot.
    fn fault(&self, wants: LossTarget) -> Option<Diagnostic> {
        match (wants, &self.target.kind) {
            (LossTarget::Numbers, FieldKind::Numbers { width }) => self.same_width(*width),
            (LossTarget::Numbers, FieldKind::Category { .. }) => Some(self.needs_numbers()),
            (LossTarget::Classes, FieldKind::Numbers { .. }) => Some(self.needs_category()),
            (LossTarget::Classes, FieldKind::Category { classes, .. }) => {
                let classes = (*classes)?;
                if classes < 2 {
                    return Some(few_classes(self.target, classes));
                }
                self.width_is(
                    classes,
                    format!(
                        "{classes}, one logit for each class of `{}`",
                        self.target.name
                    ),
                    "end the network with `Linear(classes)`".to_string(),
                )
            }
            (LossTarget::Binary, FieldKind::Category { classes, .. }) => match classes {
                Some(classes) if *classes < 2 => Some(few_classes(self.target, *classes)),
                Some(classes) if *classes > 2 => Some(self.needs_two_classes(*classes)),
                Some(_) | None => self.width_is(
                    1,
                    "1, the logit of the second class".to_string(),
                    "end the network with `Linear(1)`, or use `loss = CrossEntropy`".to_string(),
                ),
            },
            (LossTarget::Binary, FieldKind::Numbers { width }) => self.same_width(*width),
        }
    }

    /// The output must be as wide as a target of numbers.
    fn same_width(&self, width: Option<usize>) -> Option<Diagnostic> {
        let width = width?;
        self.width_is(
            width,
            format!("{width}, the width of `{}`", self.target.name),
            format!("end the network with `Linear({width})`"),
        )
    }

    fn width_is(&self, width: usize, needs: String, help: String) -> Option<Diagnostic> {
        let found = self.output.width();
        if found.fits(&Dim::Known(width)) {
            return None;
        }
        let message = format!(
            "`{}` needs an output of {needs}, but the network gives {found}",
            self.name
        );
        Some(
            Diagnostic::new(Code::LossOutput, self.output_span, message)
                .label(format!("the network's result: {}", self.output.row_text()))
                .also(self.span, "the loss")
                .also(self.target.span, "the target")
                .help(help),
        )
    }

    fn needs_numbers(&self) -> Diagnostic {
        let message = format!(
            "`{}` compares with numbers, but `{}` is a category",
            self.name, self.target.name
        );
        Diagnostic::new(Code::LossTarget, self.span, message)
            .label("this loss is for numbers")
            .also(self.target.span, "declared as a category here")
            .help("use `loss = CrossEntropy`, or declare the target as `number`")
    }

    fn needs_category(&self) -> Diagnostic {
        let message = format!(
            "`{}` compares with a category, but `{}` holds numbers",
            self.name, self.target.name
        );
        Diagnostic::new(Code::LossTarget, self.span, message)
            .label("this loss is for classes")
            .also(self.target.span, "declared as numbers here")
            .help("declare the target as `category`, or use `loss = MSE`")
    }

    fn needs_two_classes(&self, classes: usize) -> Diagnostic {
        let message = format!(
            "`{}` tells two classes apart, but `{}` has {classes}",
            self.name, self.target.name
        );
        Diagnostic::new(Code::LossTarget, self.span, message)
            .label("this loss is for two classes")
            .also(self.target.span, format!("{classes} classes"))
            .help("use `loss = CrossEntropy` and end the network with `Linear(classes)`")
    }
}

fn few_classes(target: &Field, classes: usize) -> Diagnostic {
    Diagnostic::new(
        Code::LossTarget,
        target.span,
        format!(
            "the category `{}` has {classes} value, so there is nothing to tell apart",
            target.name
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
    if single {
        faults.push(
            Diagnostic::new(
                Code::TooFewRows,
                train.span,
                "BatchNorm1d cannot train on a batch of one row",
            )
            .label(format!(
                "{} training rows in batches of {batch} leave a batch of 1",
                rows.train
            ))
            .help("choose another `batch`, or set `drop_last = true`"),
        );
    }
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
                true => ("numbers", "a category"),
                false => ("a category", "numbers"),
            };
            faults.push(
                Diagnostic::new(
                    Code::MetricTarget,
                    *span,
                    format!(
                        "`{name}` is a metric of {needs}, but `{}` is {has}",
                        target.name
                    ),
                )
                .label("does not fit the target")
                .also(target.span, "the target"),
            );
        }
    }
    asked
        .iter()
        .map(|(metric, name, _)| (*metric, *name))
        .collect()
}
