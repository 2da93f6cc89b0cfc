//! Whether a loss fits the target that it compares with, and the network's output.

use crate::catalog::LossTarget;
use crate::data::spec::{Field, FieldKind};
use crate::diagnostics::{Code, Diagnostic, Span};
use crate::graph::shape::{Dim, Shape};

/// A loss and what it compares with.
pub(super) struct LossComparison<'c> {
    pub name: &'c str,
    pub span: Span,
    pub target: &'c Field,
    /// Whether it is the only target, so that `classes` are its classes.
    pub alone: bool,
}

impl LossComparison<'_> {
    /// Whether the loss fits the target's type.
    pub fn with_target(&self, wants: LossTarget) -> Option<Diagnostic> {
        let LossComparison {
            name, span, target, ..
        } = *self;
        let wrong = |message: String| Diagnostic::new(Code::LossTarget, span, message);
        match (wants, &target.kind) {
            (LossTarget::Numbers, FieldKind::Category { .. }) => Some(
                wrong(format!(
                    "`{name}` compares with numbers, but `{}` is a category",
                    target.name
                ))
                .label("this loss is for numbers")
                .also(target.span, "declared as a category here")
                .help("use `CrossEntropy`, or declare the target as `number`"),
            ),
            (LossTarget::Classes, FieldKind::Numbers { width }) => Some(
                wrong(format!(
                    "`{name}` compares with a category, but `{}` holds numbers",
                    target.name
                ))
                .label("this loss is for classes")
                .also(target.span, "declared as numbers here")
                .help(if *width == Some(1) {
                    "declare the target as `category`, or use `MSE`"
                } else {
                    "one-hot columns are one class: put the class into one column, and declare that as \
                     `category`; for numbers use `MSE`"
                }),
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
                        .help("use `CrossEntropy`, with one output for each class"),
                    ),
                    (_, Some(_) | None) => None,
                }
            }
            (LossTarget::Numbers | LossTarget::Binary, FieldKind::Numbers { .. }) => None,
        }
    }

    /// Whether the network's output has the width that the loss needs.
    pub fn with_output(
        &self,
        wants: LossTarget,
        output: &Shape,
        written: Span,
    ) -> Option<Diagnostic> {
        let LossComparison {
            name,
            span,
            target,
            alone,
        } = *self;
        let end = |layer: String| {
            if alone {
                format!("end the network with `{layer}`")
            } else {
                format!("end the line of `{}` with `{layer}`", target.name)
            }
        };
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
                end(format!("Linear({needed})")),
            ),
            (LossTarget::Binary, FieldKind::Category { .. }) => wrong_width(
                "1, the logit of the second class".to_string(),
                format!("{}, or use `CrossEntropy`", end("Linear(1)".to_string())),
            ),
            (LossTarget::Numbers | LossTarget::Classes, FieldKind::Category { .. }) => wrong_width(
                format!("{needed}, one logit for each class of `{}`", target.name),
                end(if alone {
                    "Linear(classes)".to_string()
                } else {
                    format!("Linear({needed})")
                }),
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
