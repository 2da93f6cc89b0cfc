//! What settings of the `train` section and those in it may hold: whole and positive numbers, truth values, words.

use crate::catalog::arguments::DEFERRED;
use crate::diagnostics::{Code, Diagnostic};
use crate::resolve::constant::{Number, Scope, kind_text, number_text};
use crate::resolve::unknown::near_value;
use crate::syntax::ast::{Expr, ExprKind};

/// Settings that wait for the data, with their expressions.
pub type Deferred = Vec<(&'static str, String)>;

/// What a boolean is written as.
pub const TRUTHS: [&str; 2] = ["true", "false"];

pub fn whole(
    name: &'static str,
    value: &Expr,
    scope: &Scope,
    least: u64,
    deferred: &mut Deferred,
    faults: &mut Vec<Diagnostic>,
) -> Option<u64> {
    // An integer literal is taken exactly, beyond what a double can hold.
    if let ExprKind::Number {
        integer: Some(integer),
        ..
    } = value.kind
        && integer >= least
        && (name == "seed" || integer < 1 << 53)
    {
        return Some(integer);
    }
    let number = known_number(name, value, scope, deferred, faults)?;
    if number.fract() == 0.0 && number >= least as f64 && number < 9e15 {
        return Some(number as u64);
    }
    if number >= 9e15 {
        faults.push(
            Diagnostic::new(
                Code::OutOfRange,
                value.span,
                format!("`{name}` takes a smaller number"),
            )
            .label(format!("this is {}", number_text(number))),
        );
        return None;
    }
    let fault = Diagnostic::new(
        Code::OutOfRange,
        value.span,
        format!("`{name}` takes a whole number of at least {least}"),
    );
    let fault = fault.label(format!("this is {}", number_text(number)));
    faults.push(scope.told(fault, value));
    None
}

pub fn positive(
    name: &'static str,
    value: &Expr,
    scope: &Scope,
    deferred: &mut Deferred,
    faults: &mut Vec<Diagnostic>,
) -> Option<f64> {
    let waiting = deferred.len();
    let number = known_number(name, value, scope, deferred, faults);
    if deferred.len() > waiting {
        return Some(DEFERRED);
    }
    let number = number?;
    if number > 0.0 {
        return Some(number);
    }
    let fault = Diagnostic::new(
        Code::OutOfRange,
        value.span,
        format!("`{name}` takes a number more than 0"),
    );
    let fault = fault.label(format!("this is {}", number_text(number)));
    faults.push(scope.told(fault, value));
    None
}

pub fn boolean(
    name: &str,
    value: &Expr,
    scope: &Scope,
    faults: &mut Vec<Diagnostic>,
) -> Option<bool> {
    let followed = scope.followed(value);
    if let ExprKind::Bool(boolean) = followed.kind {
        return Some(boolean);
    }
    let fault = Diagnostic::new(
        Code::WrongType,
        value.span,
        format!("`{name}` takes `true` or `false`"),
    )
    .label(match &value.kind {
        ExprKind::Name(word) => format!("`{word}` is neither"),
        _ => format!("this is {}", kind_text(value)),
    });
    faults.push(near_value(fault, word_of(value), value.span, &TRUTHS));
    None
}

/// The word that an expression is, or no word.
pub fn word_of(value: &Expr) -> &str {
    match &value.kind {
        ExprKind::Name(word) => word,
        _ => "",
    }
}

fn known_number(
    name: &'static str,
    value: &Expr,
    scope: &Scope,
    deferred: &mut Deferred,
    faults: &mut Vec<Diagnostic>,
) -> Option<f64> {
    match scope.number(value) {
        Ok(Number::Known(number)) => Some(number),
        Ok(Number::Deferred(text)) => {
            deferred.push((name, text));
            None
        }
        Err(fault) => {
            faults.push(*fault);
            None
        }
    }
}
