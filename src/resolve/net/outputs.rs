//! The values that predict the targets, where there are several.

use super::expressions::as_word;
use super::names::Bound;
use super::{Flow, Net, Output};
use crate::data::spec::{FieldKind, Schema};
use crate::diagnostics::{Code, Diagnostic, MOST_FAULTS, Span, near_miss};

impl Net<'_> {
    /// With several targets: the values that their names are bound to. Each must have one; `last` is
    /// the last line's result, which nothing uses unless it is one of them.
    pub(super) fn outputs(
        &mut self,
        schema: &Schema,
        span: Span,
        last: Option<Flow>,
    ) -> Vec<Option<Output>> {
        let mut outputs = Vec::new();
        for field in &schema.targets {
            self.mark_used(Some(&field.name));
            let bound = self.binding(&field.name);
            let bound = bound.map(|binding| (binding.bound.clone(), binding.span));
            outputs.push(match bound {
                Some((Bound::Value(value), span)) => Some(Output { value, span }),
                Some((Bound::Faulty | Bound::FaultyLayer, _)) => None,
                Some((Bound::Number(_) | Bound::Shared { .. } | Bound::Label, place)) => {
                    self.faults.push(
                        Diagnostic::new(
                            Code::WrongType,
                            place,
                            format!("the target `{}` needs a value of the network", field.name),
                        )
                        .label("not a value")
                        .also(field.span, "the target"),
                    );
                    None
                }
                None => {
                    let looked_for = self.faults.len() < MOST_FAULTS;
                    let unused = self.frame().names.iter();
                    let unused = unused.filter(|(_, binding)| looked_for && !binding.used);
                    let near = near_miss(&field.name, unused.map(|(name, _)| name.as_str()));
                    let near = near.filter(|_| as_word(&field.name).is_none());
                    let near = near.and_then(|name| Some((name, self.binding(name)?.span)));
                    let near = near.map(|(name, place)| (name.to_owned(), place));
                    let (width, each) = match &field.kind {
                        FieldKind::Numbers { width } => (width.unwrap_or(1).to_string(), ""),
                        FieldKind::Category {
                            classes: Some(classes),
                            ..
                        } => (classes.to_string(), ""),
                        FieldKind::Category { classes: None, .. } => {
                            ("…".to_owned(), ", with an output for each class")
                        }
                    };
                    let fault = Diagnostic::new(
                        Code::MissingSection,
                        span,
                        format!("nothing predicts the target `{}`", field.name),
                    )
                    .label("no line of this section has its name")
                    .also(field.span, "the target")
                    .help(match as_word(&field.name) {
                        None => format!(
                            "with several targets each is given a value: `{} = … -> Linear({width})`{each}",
                            field.name
                        ),
                        Some(word) => format!(
                            "with several targets each is given a value by its name, a word: declare \
                             `target {word}: … from \"{name}\"`, and write `{word} = … -> Linear({width})`{each}",
                            name = field.name
                        ),
                    });
                    let fault = match &near {
                        Some((name, place)) => fault
                            .help(format!("did you mean `{}` by `{name}`?", field.name))
                            .suggest(*place, &field.name),
                        None => fault,
                    };
                    self.faults.push(fault);
                    self.mark_used(near.as_ref().map(|(name, _)| name.as_str()));
                    None
                }
            });
        }
        let all = outputs.iter().all(Option::is_some);
        if let Some(last) = last.filter(|last| all && last.name.is_none()) {
            self.report_dropped(Some(last));
        }
        outputs
    }
}
