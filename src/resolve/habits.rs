//! Calls as another library writes them: PyTorch's own order of arguments, and values as arguments.

use super::constant::{Scope, number_text};
use crate::catalog::{Entry, foreign};
use crate::diagnostics::{Code, Diagnostic};
use crate::syntax::ast::{Argument, Expr, ExprKind, Name};

/// A simple expression as it is written; `None` for one that a message should not repeat.
pub fn written(expr: &Expr) -> Option<String> {
    Some(match &expr.kind {
        ExprKind::Number {
            value,
            percent: true,
            ..
        } => format!("{}%", number_text((value * 1e8).round() / 1e6)),
        ExprKind::Number { value, .. } => number_text(*value),
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::Name(name) => name.clone(),
        ExprKind::List(items) => {
            let items: Option<Vec<String>> = items.iter().map(written).collect();
            format!("[{}]", items?.join(", "))
        }
        ExprKind::Text(_)
        | ExprKind::Call { .. }
        | ExprKind::Negate(_)
        | ExprKind::Binary { .. }
        | ExprKind::Pipeline { .. }
        | ExprKind::Labelled { .. }
        | ExprKind::Repeat { .. }
        | ExprKind::Residual { .. } => return None,
    })
}

/// An argument that can only be meant as what flows in, as it is written before an arrow.
pub fn flows(argument: &ExprKind, scope: &Scope) -> Option<String> {
    let is_value = |name: &str| !scope.parameters.contains_key(name) && scope.fact(name).is_none();
    if let ExprKind::Name(name) = argument {
        return is_value(name).then(|| name.clone());
    }
    let ExprKind::List(items) = argument else {
        return None;
    };
    let names = items.iter().map(|item| {
        let ExprKind::Name(name) = &item.kind else {
            return None;
        };
        is_value(name).then_some(name.as_str())
    });
    let names: Option<Vec<&str>> = names.collect();
    let names = names.filter(|names| !names.is_empty())?;
    Some(format!("[{}]", names.join(", ")))
}

/// More arguments without names than the entry takes, as PyTorch would read them: the fault of the
/// first that is not given here, and the others by their names.
pub fn in_torchs_order(
    entry: &Entry,
    given: &[Argument],
    scope: &Scope,
) -> Option<(Diagnostic, Vec<Argument>)> {
    let unnamed = given.iter().take_while(|argument| argument.name.is_none());
    let unnamed: Vec<&Expr> = unnamed.map(|argument| &argument.value).collect();
    let own = || entry.parameters.iter().filter(|known| known.positional);
    let signature = foreign::signature(entry);
    let counts = own().count() + 1..=signature.len();
    let mut kinds = unnamed.iter().map(|value| &value.kind);
    let flows = |kind| flows(kind, scope).is_some() || matches!(kind, ExprKind::Call { .. });
    if !counts.contains(&unnamed.len()) || kinds.any(flows) {
        return None;
    }
    let mut left_away = None;
    let mut kept = Vec::new();
    for (name, value) in signature.iter().zip(&unnamed) {
        match foreign::needless(entry, name) {
            Some(reason) => {
                left_away.get_or_insert((*name, reason, value.span));
            }
            None => kept.push((*name, *value)),
        }
    }
    let (name, reason, span) = left_away?;
    let mut own = own();
    let texts = kept.iter().map(|(name, value)| {
        let value = written(value)?;
        Some(if own.next().is_some_and(|own| own.name == *name) {
            value
        } else {
            format!("{name} = {value}")
        })
    });
    let texts: Option<Vec<String>> = texts.collect();
    let whole = given.len() == unnamed.len();
    let call = match texts.as_deref() {
        Some([]) if whole => entry.name.to_owned(),
        Some(texts) if whole => format!("{}({})", entry.name, texts.join(", ")),
        Some(_) | None => format!("{}(…)", entry.name),
    };
    let mut fault = Diagnostic::new(
        Code::UnknownArgument,
        span,
        format!(
            "`{}` has no argument `{name}`, unlike PyTorch's",
            entry.name
        ),
    )
    .label("not needed here");
    let stated = match (entry.name, &unnamed[..]) {
        ("Linear", [input, output]) => written(input).zip(written(output)),
        _ => None,
    };
    let stated = stated.map(|(input, output)| format!("{input} -> {output}"));
    fault = match &stated {
        Some(stated) => fault.help(format!(
            "write `{call}`, or `Linear({stated})` to state both"
        )),
        None => fault.help(format!("write `{call}`: {reason}")),
    };
    let edit = stated.or_else(|| Some(texts?.join(", "))).filter(|_| whole);
    if let (Some(edit), [first, ..], Some(last)) = (edit, &unnamed[..], unnamed.last()) {
        fault = fault.suggest(first.span.to(last.span), edit);
    }
    let named = kept.into_iter().map(|(name, value)| Argument {
        name: Some(Name {
            text: name.to_owned(),
            span: value.span,
        }),
        value: value.clone(),
    });
    let others = given[unnamed.len()..].iter().cloned();
    Some((fault, named.chain(others).collect()))
}
