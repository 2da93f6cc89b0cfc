//! The value of one argument against the type and range that its parameter states.

use std::collections::HashMap;

use super::arguments;
use super::constant::{Number, Scope, kind_text, number_text};
use super::habits::written;
use super::setting_values::{TRUTHS, word_of};
use super::unit::is_share;
use super::unknown::near_value;
use crate::catalog::arguments::{ArgumentKind, ArgumentValue, Length, Parameter, Range};
use crate::catalog::{Entry, Kind, Meaning};
use crate::diagnostics::{Code, Diagnostic, Span, near_miss};
use crate::graph::shape::Dim;
use crate::syntax::ast::{Expr, ExprKind};

/// What may be given, for messages.
struct Place<'p> {
    entry: &'p Entry,
    parameter: &'static Parameter,
    scope: &'p Scope,
}

/// The text that a value of a table is written as.
pub fn cell_text(expr: &Expr) -> Option<String> {
    if let ExprKind::Text(text) | ExprKind::Name(text) = &expr.kind {
        return Some(text.clone());
    }
    if let ExprKind::Bool(value) = &expr.kind {
        return Some(value.to_string());
    }
    let (negative, number) = match &expr.kind {
        ExprKind::Negate(inner) => (true, &inner.kind),
        number => (false, number),
    };
    let ExprKind::Number { value, .. } = number else {
        return None;
    };
    Some(if negative {
        format!("{}", -value)
    } else {
        format!("{value}")
    })
}

/// Checks an argument's value.
///
/// # Errors
/// The fault, at the value.
#[expect(clippy::too_many_lines, reason = "one arm a kind of argument")]
pub fn value(
    entry: &Entry,
    parameter: &'static Parameter,
    expr: &Expr,
    scope: &Scope,
) -> Result<ArgumentValue, Box<Diagnostic>> {
    let place = Place {
        entry,
        parameter,
        scope,
    };
    match parameter.kind {
        ArgumentKind::Size => place.size(expr).map(ArgumentValue::Size),
        ArgumentKind::Width => place.width(expr),
        ArgumentKind::Number(range) => Ok(match place.number(expr, range)? {
            Number::Known(value) => ArgumentValue::Number(value),
            Number::Deferred(text) => ArgumentValue::Deferred(text),
        }),
        ArgumentKind::Count => match place.number(expr, Range::NOT_NEGATIVE)? {
            Number::Known(value) if value.fract() != 0.0 => {
                Err(place.told(*place.out_of_range(expr.span, number_text(value)), expr))
            }
            Number::Known(value) => Ok(ArgumentValue::Number(value)),
            Number::Deferred(text) => Ok(ArgumentValue::Deferred(text)),
        },
        ArgumentKind::Boolean => {
            let ExprKind::Bool(value) = place.followed(expr).kind else {
                let fault = *place.wrong_type(expr);
                return Err(Box::new(near_value(
                    fault,
                    word_of(expr),
                    expr.span,
                    &TRUTHS,
                )));
            };
            Ok(ArgumentValue::Boolean(value))
        }
        ArgumentKind::Word(words) => place.word(expr, words),
        ArgumentKind::Pair(range) => place.pair(expr, range),
        ArgumentKind::Path => match &expr.kind {
            ExprKind::Name(path) | ExprKind::Text(path) => Ok(ArgumentValue::Path(path.clone())),
            _ => Err(place.wrong_type(expr)),
        },
        ArgumentKind::Shape => {
            let ExprKind::List(items) = &place.followed(expr).kind else {
                let fault = *place.wrong_type(expr);
                return Err(Box::new(match written(expr) {
                    Some(text) => fault
                        .help(format!("write `[{text}]`"))
                        .suggest(expr.span, format!("[{text}]")),
                    None => fault,
                }));
            };
            let dims = items.iter().map(|item| place.size(item));
            Ok(ArgumentValue::Shape(dims.collect::<Result<_, _>>()?))
        }
        ArgumentKind::Initializer => place.initializer(expr),
        ArgumentKind::Length => Ok(match place.length(expr)? {
            Ok(length) => ArgumentValue::Length(length),
            Err(text) => ArgumentValue::Deferred(text),
        }),
        ArgumentKind::Lengths => {
            let ExprKind::List(items) = &place.followed(expr).kind else {
                return Err(place.wrong_type(expr));
            };
            let lengths = items.iter().map(|item| place.length(item));
            let lengths: Vec<Result<Length, String>> = lengths.collect::<Result<_, _>>()?;
            let texts = lengths.iter().map(|length| match length {
                Ok(length) => length.text(),
                Err(text) => text.clone(),
            });
            let texts: Vec<String> = texts.collect();
            let known: Result<Vec<Length>, String> = lengths.into_iter().collect();
            Ok(known.map_or_else(
                |_| ArgumentValue::Deferred(format!("[{}]", texts.join(", "))),
                ArgumentValue::Lengths,
            ))
        }
        ArgumentKind::Texts => place.texts(expr).map(ArgumentValue::Texts),
        ArgumentKind::TextOrTexts => place.text_or_texts(expr).map(ArgumentValue::Texts),
        ArgumentKind::WordOrNumber(words) => place.word_or_number(expr, words),
        ArgumentKind::WordOrValue(words) => place.word_or_value(expr, words),
        ArgumentKind::WordOrSize(words) => match &expr.kind {
            ExprKind::Name(name) if words.contains(&name.as_str()) => place.word(expr, words),
            _ => place.size(expr).map(ArgumentValue::Size),
        },
        ArgumentKind::Column => {
            let (ExprKind::Name(name) | ExprKind::Text(name)) = &expr.kind else {
                return Err(place.wrong_type(expr));
            };
            Ok(ArgumentValue::Column(name.clone()))
        }
    }
}

impl Place<'_> {
    fn takes(&self) -> String {
        format!(
            "`{}` of `{}` takes {}",
            self.parameter.name,
            self.entry.name,
            self.parameter.kind.text()
        )
    }

    /// The value of a bare word that is a `param`.
    fn followed<'e>(&'e self, expr: &'e Expr) -> &'e Expr {
        self.scope.followed(expr)
    }

    fn wrong_type(&self, expr: &Expr) -> Box<Diagnostic> {
        let fault = Diagnostic::new(Code::WrongType, expr.span, self.takes());
        let ExprKind::Name(name) = &expr.kind else {
            return Box::new(fault.label(format!("this is {}", kind_text(expr))));
        };
        Box::new(match self.scope.parameters.get(name) {
            Some((_, declared)) => match self.scope.parameter(name) {
                Some(value) => fault
                    .label(format!("this `param` is {}", kind_text(value)))
                    .also(*declared, "declared here"),
                None => self.scope.circle(name),
            },
            None => fault.label("this is a name"),
        })
    }

    fn out_of_range(&self, span: Span, text: String) -> Box<Diagnostic> {
        let fault = Diagnostic::new(Code::OutOfRange, span, self.takes());
        Box::new(fault.label(format!("this is {text}")))
    }

    /// What the facts of the data are that a number was computed from.
    fn told(&self, fault: Diagnostic, expr: &Expr) -> Box<Diagnostic> {
        Box::new(self.scope.told(fault, expr))
    }

    fn numeric(&self, expr: &Expr) -> Result<Number, Box<Diagnostic>> {
        let numeric = matches!(
            self.followed(expr).kind,
            ExprKind::Number { .. }
                | ExprKind::Negate(_)
                | ExprKind::Binary { .. }
                | ExprKind::Name(_)
        );
        if numeric {
            self.scope.number(expr)
        } else {
            Err(self.wrong_type(expr))
        }
    }

    fn size(&self, expr: &Expr) -> Result<Dim, Box<Diagnostic>> {
        let number = self.numeric(expr)?;
        number.size().ok_or_else(|| {
            let fault = *self.out_of_range(expr.span, number.text());
            let fault = match number {
                Number::Known(value) if value > 1e15 => fault.note("the largest is 2^53"),
                Number::Known(_) | Number::Deferred(_) => fault,
            };
            self.told(fault, expr)
        })
    }

    fn width(&self, expr: &Expr) -> Result<ArgumentValue, Box<Diagnostic>> {
        let ExprKind::Pipeline { head, stages } = &expr.kind else {
            let output = self.size(expr)?;
            return Ok(ArgumentValue::Width {
                input: None,
                output,
            });
        };
        let [output] = &stages[..] else {
            return Err(Box::new(
                self.wrong_type(expr).label("one `->` states one width"),
            ));
        };
        Ok(ArgumentValue::Width {
            input: Some(self.size(head)?),
            output: self.size(output)?,
        })
    }

    /// A number in a range, or what only the data tells.
    fn number(&self, expr: &Expr, range: Range) -> Result<Number, Box<Diagnostic>> {
        let share = matches!(expr.kind, ExprKind::Number { percent: true, .. });
        self.number_of(expr, range, share)
    }

    /// The same; of a share, messages tell the percentage.
    fn number_of(&self, expr: &Expr, range: Range, share: bool) -> Result<Number, Box<Diagnostic>> {
        match self.numeric(expr)? {
            Number::Known(value) if !range.contains(value) => {
                let fault = self.out_of_range(
                    expr.span,
                    if share {
                        format!("{}%", number_text((value * 1e8).round() / 1e6))
                    } else {
                        number_text(value)
                    },
                );
                Err(self.told(*fault, expr))
            }
            number @ (Number::Known(_) | Number::Deferred(_)) => Ok(number),
        }
    }

    fn initializer(&self, expr: &Expr) -> Result<ArgumentValue, Box<Diagnostic>> {
        let mut faults = Vec::new();
        let call = arguments::call(expr, Kind::Initializer, self.scope, &mut faults);
        match call.map(|call| (&call.entry.meaning, call.arguments)) {
            Some((Meaning::Initializer(build), arguments)) => {
                Ok(ArgumentValue::Initializer(build(&arguments)))
            }
            Some(_) | None => Err(faults.pop().map_or_else(|| self.wrong_type(expr), Box::new)),
        }
    }

    /// A percentage is a share of the run, at most all of it; any other number counts epochs. Or the text
    /// of what only the data tells.
    fn length(&self, expr: &Expr) -> Result<Result<Length, String>, Box<Diagnostic>> {
        // What is no number is told first.
        self.numeric(expr)?;
        let share = is_share(expr, self.scope)?;
        let (range, length): (Range, fn(f64) -> Length) = if share {
            let range = Range {
                low_open: true,
                ..Range::UNIT
            };
            (range, Length::Share)
        } else {
            (Range::POSITIVE, Length::Epochs)
        };
        Ok(match self.number_of(expr, range, share)? {
            Number::Known(value) => Ok(length(value)),
            Number::Deferred(text) => Err(text),
        })
    }

    fn pair(&self, expr: &Expr, range: Range) -> Result<ArgumentValue, Box<Diagnostic>> {
        let ExprKind::List(items) = &self.followed(expr).kind else {
            return Err(self.wrong_type(expr));
        };
        let [first, second] = &items[..] else {
            let count = format!("this is a list of {}", items.len());
            return Err(Box::new(self.wrong_type(expr).label(count)));
        };
        Ok(
            match (self.number(first, range)?, self.number(second, range)?) {
                (Number::Known(first), Number::Known(second)) => ArgumentValue::Pair(first, second),
                (first, second) => {
                    ArgumentValue::Deferred(format!("[{}, {}]", first.text(), second.text()))
                }
            },
        )
    }

    fn word(
        &self,
        expr: &Expr,
        words: &'static [&'static str],
    ) -> Result<ArgumentValue, Box<Diagnostic>> {
        let own = matches!(&expr.kind, ExprKind::Name(name) if words.contains(&name.as_str()));
        let meant = if own { expr } else { self.followed(expr) };
        let (ExprKind::Name(given) | ExprKind::Text(given)) = &meant.kind else {
            return Err(self.wrong_type(expr));
        };
        match words.iter().find(|word| *word == given) {
            Some(word) => Ok(ArgumentValue::Word(word)),
            None => {
                let fault = Diagnostic::new(Code::WrongType, expr.span, self.takes())
                    .label(format!("`{given}` is none of these"));
                Err(Box::new(near_value(fault, given, expr.span, words)))
            }
        }
    }

    fn word_or_number(
        &self,
        expr: &Expr,
        words: &'static [&'static str],
    ) -> Result<ArgumentValue, Box<Diagnostic>> {
        match &expr.kind {
            ExprKind::Name(name) if words.contains(&name.as_str()) => self.word(expr, words),
            _ => match &self.followed(expr).kind {
                ExprKind::Name(_) | ExprKind::Text(_) => self.word(expr, words),
                _ => self.known_number(expr),
            },
        }
    }

    fn word_or_value(
        &self,
        expr: &Expr,
        words: &'static [&'static str],
    ) -> Result<ArgumentValue, Box<Diagnostic>> {
        let meant = match &expr.kind {
            ExprKind::Name(name) if words.contains(&name.as_str()) => expr,
            _ => self.followed(expr),
        };
        if let ExprKind::Name(name) = &meant.kind {
            if let Some(word) = words.iter().find(|word| *word == name) {
                return Ok(ArgumentValue::Word(word));
            }
            // A misspelt word would become a value of its own.
            if near_miss(name, words.iter().copied()).is_some() {
                let fault = Diagnostic::new(Code::WrongType, expr.span, self.takes())
                    .label("a text that looks like one of these words is written in quotes");
                return Err(Box::new(near_value(fault, name, expr.span, words)));
            }
            return Ok(ArgumentValue::Text(name.clone()));
        }
        if let ExprKind::Text(text) = &meant.kind {
            return Ok(ArgumentValue::Text(text.clone()));
        }
        self.known_number(expr)
    }

    /// A number that does not wait for the data.
    fn known_number(&self, expr: &Expr) -> Result<ArgumentValue, Box<Diagnostic>> {
        match self.number(expr, Range::ANY)? {
            Number::Known(value) => Ok(ArgumentValue::Number(value)),
            Number::Deferred(_) => Err(self.wrong_type(expr)),
        }
    }

    fn text_or_texts(&self, expr: &Expr) -> Result<Vec<String>, Box<Diagnostic>> {
        match cell_text(expr) {
            Some(text) => Ok(vec![text]),
            None => self.texts(expr),
        }
    }

    fn texts(&self, expr: &Expr) -> Result<Vec<String>, Box<Diagnostic>> {
        let ExprKind::List(items) = &expr.kind else {
            return Err(self.wrong_type(expr));
        };
        if items.is_empty() {
            return Err(Box::new(
                self.wrong_type(expr).label("this list has no values"),
            ));
        }
        let mut texts: Vec<String> = Vec::new();
        let mut seen = HashMap::new();
        for item in items {
            let Some(text) = cell_text(item) else {
                return Err(Box::new(
                    self.wrong_type(item).label("not a text or a number"),
                ));
            };
            if let Some(first) = seen.insert(text.clone(), item.span) {
                return Err(Box::new(
                    Diagnostic::new(
                        Code::DuplicateName,
                        item.span,
                        format!("the value `{text}` is listed twice"),
                    )
                    .label("listed again here")
                    .also(first, "listed first here"),
                ));
            }
            texts.push(text);
        }
        Ok(texts)
    }
}
