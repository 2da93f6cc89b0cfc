//! What a column of the `data` section holds: its kind with the settings that go with it.

use super::arguments::Call;
use super::constant::number_text;
use super::data::faulty_from;
use super::net::MOST_ELEMENTS;
use crate::catalog::arguments::{ArgumentValue, Arguments};
use crate::data::spec::{
    Category, CategoryFill, ColumnKind, Embed, Normalize, NumberFill, NumberPreparation, Role,
    Unknown,
};
use crate::diagnostics::{Code, Diagnostic};
use crate::graph::shape::Dim;
use crate::syntax::ast::ColumnName;

/// What a column holds. `None` leaves a fault.
pub fn column_kind(
    call: &Call,
    role: Role,
    from: Option<&ColumnName>,
    names: &[ColumnName],
    faults: &mut Vec<Diagnostic>,
) -> Option<ColumnKind> {
    if let Some(fault) = from.and_then(|_| faulty_from(names)) {
        faults.push(fault);
        return None;
    }
    let before = faults.len();
    let kind = match call.entry.name {
        "vector" | "number" => {
            if call.entry.name == "vector" && from.is_none() {
                faults.push(
                    Diagnostic::new(
                        Code::MissingArgument,
                        call.span,
                        "a vector is taken from many columns",
                    )
                    .label("write `from \"x*\"` after this"),
                );
                return None;
            }
            let number = number(call, role, faults)?;
            if call.entry.name == "vector" {
                ColumnKind::Vector(number)
            } else {
                ColumnKind::Number(number)
            }
        }
        "boolean" => ColumnKind::Boolean(category_fill(call, role, faults)),
        _ => ColumnKind::Category(category(call, role, faults)?),
    };
    (faults.len() == before).then_some(kind)
}

/// The texts of an argument that lists them.
pub fn texts(arguments: &Arguments, name: &str) -> Option<Vec<String>> {
    match arguments.get(name) {
        Some(ArgumentValue::Texts(values)) => Some(values.clone()),
        Some(_) | None => None,
    }
}

/// Whether an argument was given, and is not a default.
fn is_given(call: &Call, name: &str) -> bool {
    call.arguments.get(name).is_some() && call.arguments.span_of(name) != call.arguments.span
}

/// The fault of an argument that does not fit beside another, or to what the column is for.
fn misplaced(call: &Call, name: &str, message: &str, label: &str) -> Diagnostic {
    let place = call.arguments.span_of(name);
    Diagnostic::new(Code::Misplaced, place, message).label(label)
}

/// How numbers are prepared. `None` leaves a fault.
fn number(call: &Call, role: Role, faults: &mut Vec<Diagnostic>) -> Option<NumberPreparation> {
    let arguments = &call.arguments;
    let before = faults.len();
    let mut wrong = |name: &str, message: &str, label: String| {
        let place = arguments.span_of(name);
        faults.push(Diagnostic::new(Code::OutOfRange, place, message).label(label));
    };
    if arguments.number("scale") == 0.0 {
        wrong(
            "scale",
            "a scale of 0 makes every row the same",
            "this is 0".to_owned(),
        );
    }
    let clip = match arguments.get("clip") {
        Some(ArgumentValue::Pair(least, greatest)) => Some((*least, *greatest)),
        Some(_) | None => None,
    };
    if let Some((least, greatest)) = clip.filter(|(least, greatest)| least >= greatest) {
        let label = format!("from {} to {}", number_text(least), number_text(greatest));
        wrong(
            "clip",
            "`clip` needs a greatest value above its least",
            label,
        );
    }
    let fill = number_fill(call);
    let normalize = match arguments.word("normalize") {
        "zscore" => Normalize::ZScore,
        "minmax" => Normalize::MinMax,
        "maxabs" => Normalize::MaxAbs,
        "robust" => Normalize::Robust,
        "quantile" => Normalize::Quantile,
        "power" => Normalize::Power,
        _ => Normalize::None,
    };
    if role == Role::Target {
        faults.extend(not_of_a_target(call, normalize));
    }
    (faults.len() == before).then(|| NumberPreparation {
        fill,
        indicator: arguments.is_set("indicator"),
        scale: arguments.number("scale"),
        offset: arguments.number("offset"),
        clip,
        log: arguments.is_set("log"),
        normalize,
    })
}

fn number_fill(call: &Call) -> Option<NumberFill> {
    match call.arguments.get("fill") {
        Some(ArgumentValue::Word("median")) => Some(NumberFill::Median),
        Some(ArgumentValue::Word("mean")) => Some(NumberFill::Mean),
        Some(ArgumentValue::Word("mode")) => Some(NumberFill::Mode),
        Some(ArgumentValue::Word(_)) => Some(NumberFill::Forward),
        Some(ArgumentValue::Number(value)) => Some(NumberFill::Value(*value)),
        Some(_) | None => None,
    }
}

/// The faults of a target whose preparation cannot be undone.
fn not_of_a_target(call: &Call, normalize: Normalize) -> Vec<Diagnostic> {
    let mut faults = Vec::new();
    for (name, message, label) in [
        (
            "fill",
            "a target is not filled",
            "write `drop = missing_target` instead",
        ),
        (
            "indicator",
            "a target has no indicator",
            "only inputs have one",
        ),
        (
            "clip",
            "a target is not clipped",
            "what is cut off cannot be undone in predictions",
        ),
    ] {
        if is_given(call, name) {
            faults.push(misplaced(call, name, message, label));
        }
    }
    if normalize == Normalize::Quantile {
        let message = "a target is not normalised by `quantile`";
        faults.push(misplaced(
            call,
            "normalize",
            message,
            "ranks cannot be undone in predictions",
        ));
    }
    faults
}

fn category_fill(call: &Call, role: Role, faults: &mut Vec<Diagnostic>) -> Option<CategoryFill> {
    let fill = match call.arguments.get("fill")? {
        ArgumentValue::Word("mode") => CategoryFill::Mode,
        ArgumentValue::Word(_) => CategoryFill::Forward,
        ArgumentValue::Number(value) => CategoryFill::Value(format!("{value}")),
        ArgumentValue::Text(text) => {
            let statistic = ["median", "mean"].contains(&text.as_str());
            if statistic && !values_hold(call, text) {
                let message = format!("the values of a `{}` have no {text}", call.entry.name);
                let label = "write `mode`, or one of the values";
                faults.push(misplaced(call, "fill", &message, label));
            }
            CategoryFill::Value(text.clone())
        }
        _ => return None,
    };
    if role == Role::Target {
        let label = "write `drop = missing_target` instead";
        faults.push(misplaced(call, "fill", "a target is not filled", label));
    }
    Some(fill)
}

/// Whether a call lists a value.
fn values_hold(call: &Call, text: &str) -> bool {
    let lists = ["values", "ordered"].map(|name| texts(&call.arguments, name));
    lists.iter().flatten().flatten().any(|value| value == text)
}

/// What a category is. `None` leaves a fault.
fn category(call: &Call, role: Role, faults: &mut Vec<Diagnostic>) -> Option<Category> {
    let arguments = &call.arguments;
    let before = faults.len();
    let embed = match arguments.get("embed") {
        Some(ArgumentValue::Size(Dim::Known(width))) => Some(Embed::Width(*width)),
        Some(ArgumentValue::Word(_)) => Some(Embed::Auto),
        Some(_) | None => None,
    };
    let unknown = match arguments.get("unknown") {
        Some(ArgumentValue::Word("own")) => Some(Unknown::Own),
        Some(ArgumentValue::Word(_)) => Some(Unknown::Zero),
        Some(ArgumentValue::Text(text)) => Some(Unknown::Value(text.clone())),
        Some(ArgumentValue::Number(value)) => Some(Unknown::Value(format!("{value}"))),
        Some(_) | None => None,
    };
    let fill = category_fill(call, role, faults);
    let (values, order) = (texts(arguments, "values"), texts(arguments, "ordered"));
    let ordered = order.is_some();
    let mut refuse = |name: &str, message: &str, label: &str| {
        faults.push(misplaced(call, name, message, label));
    };
    if ordered && values.is_some() {
        refuse(
            "values",
            "`values` and `ordered` both list the values",
            "write one of them",
        );
    }
    unfit(call, role, faults);
    if unknown == Some(Unknown::Zero) && embed.is_some() {
        let label = "write `own`: a learned row";
        faults.push(misplaced(
            call,
            "unknown",
            "an embedding has no row of zeros",
            label,
        ));
    }
    if let Some(Embed::Width(width)) = embed.filter(|embed| match embed {
        Embed::Width(width) => *width > MOST_ELEMENTS,
        Embed::Auto => false,
    }) {
        faults.push(
            Diagnostic::new(
                Code::TooBig,
                arguments.span_of("embed"),
                format!("an embedding of {width} numbers a value is too big"),
            )
            .label("more than 2^36 numbers in one parameter"),
        );
    }
    let min_count = match arguments.get("min_count") {
        Some(ArgumentValue::Size(Dim::Known(count))) => Some(*count),
        Some(_) | None => None,
    };
    (faults.len() == before).then(|| Category {
        values: values.or(order),
        ordered,
        embed,
        exact: arguments.is_set("exact"),
        min_count,
        unknown,
        fill,
    })
}

/// Settings of a category that do not fit to what it is for, or to one another.
fn unfit(call: &Call, role: Role, faults: &mut Vec<Diagnostic>) {
    let ordered = is_given(call, "ordered");
    let mut refuse = |name: &str, message: &str, label: &str| {
        faults.push(misplaced(call, name, message, label));
    };
    for name in ["embed", "unknown", "min_count"]
        .into_iter()
        .filter(|name| is_given(call, name))
    {
        if role == Role::Target && name == "embed" {
            refuse(
                name,
                "a target is not embedded",
                "only inputs have an embedding",
            );
        } else if role == Role::Target {
            let message = format!("a target takes no `{name}`");
            refuse(name, &message, "every class has training rows");
        } else if ordered {
            let message = format!("`ordered` takes no `{name}`");
            refuse(name, &message, "one number for each value");
        }
    }
    if is_given(call, "min_count") {
        if !is_given(call, "unknown") && role == Role::Input && !ordered {
            let label = "write `unknown = own` beside it";
            refuse(
                "min_count",
                "`min_count` does not say what rare values become",
                label,
            );
        }
        if is_given(call, "values") {
            let label = "`values` says which values there are";
            refuse(
                "min_count",
                "`min_count` and `values` cannot be combined",
                label,
            );
        }
    }
}
