//! The `loss` setting: a loss, or a weighted sum of losses on several targets.

use super::arguments::{self, Call};
use super::constant::{Number, Scope, number_text};
use crate::catalog::Kind;
use crate::diagnostics::{Code, Diagnostic, Span};
use crate::syntax::ast::{Argument, Expr, ExprKind, Name, Operator};

/// The losses that are added up.
#[derive(Clone, Debug, Default)]
pub struct LossTerms {
    pub terms: Vec<LossTerm>,
    /// Whether every term of the text is among them.
    pub whole: bool,
}

/// One loss of a sum.
#[derive(Clone, Debug)]
pub struct LossTerm {
    pub call: Call,
    pub weight: Number,
    /// The target that it compares with; the only one if it is not named.
    pub target: Option<Name>,
}

impl LossTerm {
    /// The loss with its factor, as a picture writes it.
    pub fn short_text(&self) -> String {
        let call = self.call.short_text();
        if self.weight == Number::Known(1.0) {
            call
        } else {
            format!("{} · {call}", self.weight.part())
        }
    }

    fn text(&self) -> String {
        let call = match &self.target {
            None => self.call.text(),
            Some(target) => self.call.text_with(&target.text),
        };
        if self.weight == Number::Known(1.0) {
            call
        } else {
            format!("{} * {call}", self.weight.part())
        }
    }
}

impl LossTerms {
    /// The losses as the plan writes them.
    pub fn text(&self) -> String {
        let texts: Vec<String> = self.terms.iter().map(LossTerm::text).collect();
        texts.join(" + ")
    }
}

/// Checks `A(y) + 0.3 * B(z)`.
pub fn resolve(value: &Expr, scope: &Scope, faults: &mut Vec<Diagnostic>) -> LossTerms {
    let before = faults.len();
    let mut terms = Vec::new();
    add(value, &Number::Known(1.0), scope, &mut terms, faults);
    LossTerms {
        terms,
        whole: faults.len() == before,
    }
}

/// Adds the terms of an expression, all of them times `weight`.
fn add(
    value: &Expr,
    weight: &Number,
    scope: &Scope,
    terms: &mut Vec<LossTerm>,
    faults: &mut Vec<Diagnostic>,
) {
    let ExprKind::Binary {
        operator,
        operator_span,
        left,
        right,
    } = &value.kind
    else {
        terms.extend(term(value, weight, scope, faults));
        return;
    };
    match operator {
        Operator::Add => {
            add(left, weight, scope, terms, faults);
            add(right, weight, scope, terms, faults);
        }
        Operator::Multiply => {
            if is_number(left, scope) {
                scaled(left, right, weight, scope, terms, faults)
            } else {
                scaled(right, left, weight, scope, terms, faults)
            }
        }
        Operator::Subtract | Operator::Divide => {
            let symbol = operator.symbol();
            faults.push(
                Diagnostic::new(
                    Code::WrongType,
                    *operator_span,
                    format!(
                        "losses are added, and multiplied by numbers, not combined by `{symbol}`"
                    ),
                )
                .label("not an operation of losses")
                .help("write `CrossEntropy(label) + 0.3 * MSE(price)`"),
            );
            for side in [left, right] {
                if !is_number(side, scope) {
                    add(side, weight, scope, terms, faults);
                }
            }
        }
    }
}

fn scaled(
    number: &Expr,
    loss: &Expr,
    weight: &Number,
    scope: &Scope,
    terms: &mut Vec<LossTerm>,
    faults: &mut Vec<Diagnostic>,
) {
    let product = weight_of(number, scope).and_then(|factor| match weight {
        Number::Known(1.0) => Ok(factor),
        Number::Known(_) | Number::Deferred(_) => {
            scope.arithmetic(Operator::Multiply, weight.clone(), factor, number.span)
        }
    });
    match product {
        Ok(weight) => add(loss, &weight, scope, terms, faults),
        Err(fault) => {
            faults.push(*fault);
            add(loss, weight, scope, terms, faults);
        }
    }
}

fn is_number(expr: &Expr, scope: &Scope) -> bool {
    match &scope.followed(expr).kind {
        ExprKind::Number { .. } | ExprKind::Negate(_) => true,
        ExprKind::Binary { left, right, .. } => is_number(left, scope) && is_number(right, scope),
        ExprKind::Name(name) => scope.fact(name).is_some(),
        ExprKind::Text(_)
        | ExprKind::Bool(_)
        | ExprKind::List(_)
        | ExprKind::Call { .. }
        | ExprKind::Pipeline { .. }
        | ExprKind::Labelled { .. }
        | ExprKind::Repeat { .. }
        | ExprKind::Residual { .. } => false,
    }
}

fn weight_of(expr: &Expr, scope: &Scope) -> Result<Number, Box<Diagnostic>> {
    let wrong = |text: String, span: Span| {
        let fault = Diagnostic::new(
            Code::OutOfRange,
            span,
            "the weight of a loss is a number more than 0",
        );
        Box::new(fault.label(format!("this is {text}")))
    };
    match scope.number(expr)? {
        Number::Known(value) if value <= 0.0 => {
            let fault = wrong(number_text(value), expr.span);
            Err(Box::new(scope.told(*fault, expr)))
        }
        number @ (Number::Known(_) | Number::Deferred(_)) => Ok(number),
    }
}

/// One loss; its first argument may be the name of a target.
fn term(
    value: &Expr,
    weight: &Number,
    scope: &Scope,
    faults: &mut Vec<Diagnostic>,
) -> Option<LossTerm> {
    let (rest, target) = without_target(value);
    let call = arguments::call(&rest, Kind::Loss, scope, faults)?;
    Some(LossTerm {
        call,
        weight: weight.clone(),
        target,
    })
}

fn without_target(value: &Expr) -> (Expr, Option<Name>) {
    let unchanged = || (value.clone(), None);
    let ExprKind::Call { name, arguments } = &value.kind else {
        return unchanged();
    };
    let Some((first, others)) = arguments.split_first() else {
        return unchanged();
    };
    let target = target_name(first);
    if target.is_none() {
        return unchanged();
    }
    let kind = ExprKind::Call {
        name: name.clone(),
        arguments: others.to_vec(),
    };
    let rest = Expr {
        kind,
        span: value.span,
    };
    (rest, target)
}

fn target_name(argument: &Argument) -> Option<Name> {
    if argument.name.is_some() {
        return None;
    }
    let (ExprKind::Name(text) | ExprKind::Text(text)) = &argument.value.kind else {
        return None;
    };
    Some(Name {
        text: text.clone(),
        span: argument.value.span,
    })
}
