//! Compile-time values: numbers with arithmetic, parameters of the file, facts of the data.

use std::collections::HashMap;

use crate::diagnostics::{Code, Diagnostic, Span};
use crate::graph::shape::Dim;
use crate::syntax::ast::{Expr, ExprKind, Operator};

/// A number that is known now, or the text of one that only the data tells.
#[derive(Clone, PartialEq, Debug)]
pub enum Number {
    Known(f64),
    Deferred(String),
}

impl Number {
    pub fn text(&self) -> String {
        match self {
            Number::Known(value) => format!("{value}"),
            Number::Deferred(text) => text.clone(),
        }
    }

    /// The number as a length: whole, at least 1, and small enough to be exact.
    pub fn size(&self) -> Option<Dim> {
        const LARGEST: f64 = 9_007_199_254_740_992.0;
        match self {
            Number::Known(value) if value.fract() == 0.0 && (1.0..=LARGEST).contains(value) => {
                Some(Dim::Known(*value as usize))
            }
            Number::Known(_) => None,
            Number::Deferred(text) => Some(Dim::Deferred(text.as_str().into())),
        }
    }
}

/// Facts of the data that are numbers in arguments and arithmetic.
#[derive(Clone, PartialEq, Debug)]
pub struct Facts {
    pub classes: Option<Dim>,
    pub features: Dim,
    pub rows: Dim,
}

/// What a bare word can mean at compile time.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// The file's `param`s, with what `--set` made of them.
    pub parameters: HashMap<String, (Expr, Span)>,
    pub facts: Option<Facts>,
}

const FACTS: [&str; 3] = ["classes", "features", "rows"];

/// Parameters may refer to each other this many times.
const DEEPEST_REFERENCE: usize = 32;

impl Scope {
    /// What a parameter of the file stands for, references to other parameters followed.
    pub fn parameter(&self, name: &str) -> Option<&Expr> {
        let mut found = &self.parameters.get(name)?.0;
        for _ in 0..DEEPEST_REFERENCE {
            match &found.kind {
                ExprKind::Name(next) => match self.parameters.get(next) {
                    Some((expr, _)) => found = expr,
                    None => return Some(found),
                },
                _ => return Some(found),
            }
        }
        None
    }

    /// Names that stand for something here.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let facts = self.facts.iter().flat_map(|_| FACTS);
        self.parameters.keys().map(String::as_str).chain(facts)
    }

    /// The fact of a name.
    pub fn fact(&self, name: &str) -> Option<Number> {
        let facts = self.facts.as_ref()?;
        let dim = match name {
            "classes" => facts.classes.as_ref()?,
            "features" => &facts.features,
            "rows" => &facts.rows,
            _ => return None,
        };
        Some(match dim {
            Dim::Known(value) => Number::Known(*value as f64),
            Dim::Deferred(text) => Number::Deferred(text.to_string()),
        })
    }

    /// The value of an expression of numbers.
    pub fn number(&self, expr: &Expr) -> Result<Number, Box<Diagnostic>> {
        self.number_within(expr, 0)
    }

    fn number_within(&self, expr: &Expr, depth: usize) -> Result<Number, Box<Diagnostic>> {
        match &expr.kind {
            ExprKind::Number { value, .. } => Ok(Number::Known(*value)),
            ExprKind::Name(name) => {
                if depth > DEEPEST_REFERENCE {
                    return Err(Box::new(
                        Diagnostic::new(
                            Code::Misplaced,
                            expr.span,
                            format!("`{name}` is defined by itself"),
                        )
                        .label("refers back to itself"),
                    ));
                }
                if let Some((value, _)) = self.parameters.get(name) {
                    return self.number_within(value, depth + 1);
                }
                self.fact(name)
                    .ok_or_else(|| Box::new(self.unknown(name, expr.span)))
            }
            ExprKind::Negate(inner) => Ok(match self.number_within(inner, depth)? {
                Number::Known(value) => Number::Known(-value),
                Number::Deferred(text) => Number::Deferred(format!("-{text}")),
            }),
            ExprKind::Binary {
                operator,
                left,
                right,
                ..
            } => {
                let left = self.number_within(left, depth)?;
                let right = self.number_within(right, depth)?;
                self.arithmetic(*operator, left, right, expr.span)
            }
            ExprKind::Text(_)
            | ExprKind::Bool(_)
            | ExprKind::List(_)
            | ExprKind::Call { .. }
            | ExprKind::Pipeline { .. }
            | ExprKind::Labelled { .. }
            | ExprKind::Repeat { .. }
            | ExprKind::Residual { .. } => Err(Box::new(
                Diagnostic::new(Code::WrongType, expr.span, "a number is expected here")
                    .label(format!("this is {}", kind_text(expr))),
            )),
        }
    }

    /// The result of an operation on two numbers.
    pub fn arithmetic(
        &self,
        operator: Operator,
        left: Number,
        right: Number,
        span: Span,
    ) -> Result<Number, Box<Diagnostic>> {
        let (Number::Known(a), Number::Known(b)) = (&left, &right) else {
            let text = format!("{} {} {}", left.text(), operator.symbol(), right.text());
            return Ok(Number::Deferred(text));
        };
        let value = match operator {
            Operator::Add => a + b,
            Operator::Subtract => a - b,
            Operator::Multiply => a * b,
            Operator::Divide => a / b,
        };
        match value.is_finite() {
            true => Ok(Number::Known(value)),
            false => Err(Box::new(
                Diagnostic::new(
                    Code::OutOfRange,
                    span,
                    format!("{a} {} {b} is not a finite number", operator.symbol()),
                )
                .label("computed here"),
            )),
        }
    }

    fn unknown(&self, name: &str, span: Span) -> Diagnostic {
        Diagnostic::new(
            Code::UnknownName,
            span,
            format!("nothing is called `{name}` here"),
        )
        .label("not a number, a `param` or a fact of the data")
        .near(name, span, self.names())
    }
}

/// What an expression is, in words.
pub fn kind_text(expr: &Expr) -> &'static str {
    match &expr.kind {
        ExprKind::Number { .. } => "a number",
        ExprKind::Text(_) => "a text",
        ExprKind::Bool(_) => "a truth value",
        ExprKind::Name(_) => "a name",
        ExprKind::List(_) => "a list",
        ExprKind::Call { .. } => "a call",
        ExprKind::Negate(_) | ExprKind::Binary { .. } => "arithmetic",
        ExprKind::Pipeline { .. } => "a pipeline",
        ExprKind::Labelled { .. } => "a labelled stage",
        ExprKind::Repeat { .. } => "a repetition",
        ExprKind::Residual { .. } => "a residual body",
    }
}
