//! The settings of a `data` section that say how tables are written.

use std::collections::HashMap;

use super::constant::{Number, Scope, kind_text};
use super::settings::Settings;
use crate::data::format::{HeaderSetting, NumberFormat, TableFormat};
use crate::diagnostics::{Code, Diagnostic, Span};
use crate::syntax::ast::{Expr, ExprKind};

/// More lines before a header are no title.
const MOST_SKIPPED: f64 = 1000.0;

/// Takes the settings up; those with faults are left out.
pub fn resolve(
    settings: &mut Settings,
    scope: &Scope,
    faults: &mut Vec<Diagnostic>,
) -> TableFormat {
    let mut keep = |fault: Box<Diagnostic>| faults.push(*fault);
    let mut format = TableFormat::default();
    if let Some(value) = settings.take("header") {
        format.header = header(&value).map_err(&mut keep).unwrap_or_default();
    }
    if let Some(value) = settings.take("comment") {
        format.comment = comment(&value, scope).map_err(&mut keep).ok();
    }
    if let Some(value) = settings.take("skip") {
        format.skip = skip(&value, scope).map_err(&mut keep).unwrap_or(0);
    }
    let mut sign = |name: &str, signs: &str, settings: &mut Settings| {
        let value = settings.take(name)?;
        let sign = sign(name, &value, signs, scope).map_err(&mut keep).ok()?;
        Some((sign, value.span))
    };
    let decimal = sign("decimal", ".,", settings);
    let thousands = sign("thousands", ".,' _", settings);
    let decimal_sign = decimal.map_or('.', |(sign, _)| sign);
    match thousands {
        Some((sign, span)) if sign == decimal_sign => {
            let message = format!("`{sign}` cannot be both the decimal sign and that of thousands");
            let fault = Diagnostic::new(Code::OutOfRange, span, message);
            faults.push(match decimal {
                Some((_, decimal)) => fault
                    .label("the same as `decimal`")
                    .also(decimal, "the decimal sign"),
                None => fault
                    .label("numbers have a decimal point if nothing else is said")
                    .help("write `decimal = \",\"`, too"),
            });
        }
        Some(_) | None => {
            format.numbers = NumberFormat {
                decimal: decimal_sign,
                thousands: thousands.map(|(sign, _)| sign),
            }
        }
    }
    format
}

fn wrong_type(expr: &Expr, takes: &str) -> Box<Diagnostic> {
    let fault = Diagnostic::new(Code::WrongType, expr.span, takes.to_owned());
    Box::new(fault.label(format!("this is {}", kind_text(expr))))
}

fn header(value: &Expr) -> Result<HeaderSetting, Box<Diagnostic>> {
    const TAKES: &str = "`header` takes a list of names, or `none` for a table without a header";
    let items = match &value.kind {
        ExprKind::Name(word) if word == "none" => return Ok(HeaderSetting::Numbered),
        ExprKind::Name(word) if word == "None" => {
            let fault = wrong_type(value, TAKES).suggest(value.span, "none");
            return Err(Box::new(fault));
        }
        ExprKind::List(items) if !items.is_empty() => items,
        _ => return Err(wrong_type(value, TAKES)),
    };
    let mut names: Vec<(String, Span)> = Vec::with_capacity(items.len());
    let mut places: HashMap<&str, Span> = HashMap::new();
    for item in items {
        let (ExprKind::Name(name) | ExprKind::Text(name)) = &item.kind else {
            return Err(wrong_type(item, TAKES));
        };
        if let Some(first) = places.insert(name, item.span) {
            let message = format!("`header` names two columns `{name}`");
            let fault = Diagnostic::new(Code::DuplicateColumn, item.span, message);
            return Err(Box::new(
                fault.label("named again").also(first, "named first"),
            ));
        }
        names.push((name.trim().to_owned(), item.span));
    }
    Ok(HeaderSetting::Names(names, value.span))
}

fn comment(value: &Expr, scope: &Scope) -> Result<String, Box<Diagnostic>> {
    const TAKES: &str = "`comment` takes the text that lines begin with which are skipped: `\"#\"`";
    let ExprKind::Text(text) = &scope.followed(value).kind else {
        return Err(wrong_type(value, TAKES));
    };
    let wrong = |character: char| character == '"' || character.is_control();
    if text.is_empty() || text.starts_with(char::is_whitespace) || text.contains(wrong) {
        let fault = Diagnostic::new(Code::OutOfRange, value.span, TAKES);
        let label = if text.is_empty() {
            "this is empty"
        } else {
            "without quotation marks, and without blanks before it"
        };
        return Err(Box::new(fault.label(label)));
    }
    Ok(text.clone())
}

fn skip(value: &Expr, scope: &Scope) -> Result<usize, Box<Diagnostic>> {
    const TAKES: &str = "`skip` takes how many lines to skip at the beginning, from 0 to 1000";
    let is_text = matches!(
        value.kind,
        ExprKind::Text(_) | ExprKind::List(_) | ExprKind::Bool(_)
    );
    if is_text {
        return Err(wrong_type(value, TAKES));
    }
    match scope.number(value)? {
        Number::Known(lines) if lines.fract() == 0.0 && (0.0..=MOST_SKIPPED).contains(&lines) => {
            Ok(lines as usize)
        }
        number @ (Number::Known(_) | Number::Deferred(_)) => {
            let fault = Diagnostic::new(Code::OutOfRange, value.span, TAKES);
            Err(Box::new(fault.label(format!("this is {}", number.text()))))
        }
    }
}

/// One of the signs that may stand in a number.
fn sign(name: &str, value: &Expr, signs: &str, scope: &Scope) -> Result<char, Box<Diagnostic>> {
    let listed: Vec<String> = signs.chars().map(|sign| format!("`\"{sign}\"`")).collect();
    let takes = format!("`{name}` takes one of {}", listed.join(", "));
    let ExprKind::Text(text) = &scope.followed(value).kind else {
        return Err(wrong_type(value, &takes));
    };
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(sign), None) if signs.contains(sign) => Ok(sign),
        _ => {
            let fault = Diagnostic::new(Code::OutOfRange, value.span, takes);
            Err(Box::new(fault.label("none of these")))
        }
    }
}
