//! Calls against the catalog: finds the entry, checks each argument's name, type and range.

use super::constant::{Scope, kind_text};
use crate::catalog::arguments::{ArgumentKind, Arguments, Default, Parameter, Range, Value};
use crate::catalog::{self, Entry, Kind};
use crate::diagnostics::{Code, Diagnostic, Span};
use crate::syntax::ast::{Argument, Expr, ExprKind};

/// An entry of the catalog with its checked arguments.
#[derive(Clone, Debug)]
pub struct Call {
    pub entry: &'static Entry,
    pub arguments: Arguments,
    pub span: Span,
}

impl Call {
    /// The call with every argument in force: `SGD(lr = 0.001, momentum = 0, …)`.
    pub fn text(&self) -> String {
        let texts: Vec<String> = self
            .entry
            .parameters
            .iter()
            .filter_map(|parameter| {
                let value = self.arguments.get(parameter.name)?;
                let text = value_text(value);
                Some(format!("{} = {text}", parameter.name))
            })
            .collect();
        match texts.is_empty() {
            true => self.entry.name.to_string(),
            false => format!("{}({})", self.entry.name, texts.join(", ")),
        }
    }
}

fn value_text(value: &Value) -> String {
    match value {
        Value::Size(dim) => dim.to_string(),
        Value::Width {
            input: Some(input),
            output,
        } => format!("{input} -> {output}"),
        Value::Width {
            input: None,
            output,
        } => output.to_string(),
        Value::Number(number) => format!("{number:?}").trim_end_matches(".0").to_string(),
        Value::Boolean(boolean) => boolean.to_string(),
        Value::Word(word) => word.to_string(),
        Value::Pair(first, second) => format!("[{first}, {second}]"),
        Value::Texts(texts) => format!("[{}]", texts.join(", ")),
        Value::Column(name) => name.clone(),
    }
}

/// Resolves a name or call to an entry of a kind, with its arguments. Faults are added to `faults`.
pub fn call(expr: &Expr, kind: Kind, scope: &Scope, faults: &mut Vec<Diagnostic>) -> Option<Call> {
    let (name, name_span, arguments): (&str, Span, &[Argument]) = match &expr.kind {
        ExprKind::Name(name) => (name, expr.span, &[]),
        ExprKind::Call { name, arguments } => (&name.text, name.span, arguments),
        _ => {
            faults.push(
                Diagnostic::new(
                    Code::WrongType,
                    expr.span,
                    format!("a {} is expected here", kind.noun()),
                )
                .label(format!("this is {}", kind_text(expr))),
            );
            return None;
        }
    };
    if let (ExprKind::Name(name), Some(value)) = (&expr.kind, scope.parameter(name))
        && catalog::find(kind, name).is_none()
    {
        let stands_for_itself = matches!(&value.kind, ExprKind::Name(same) if same == name);
        if !stands_for_itself {
            let value = value.clone();
            return call(&value, kind, scope, faults);
        }
    }
    let Some(entry) = catalog::find(kind, name) else {
        faults.push(unknown_entry(name, name_span, kind));
        return None;
    };
    let before = faults.len();
    let arguments = check(entry, arguments, expr.span, scope, faults);
    (faults.len() == before).then_some(Call {
        entry,
        arguments,
        span: expr.span,
    })
}

/// The fault of a name that the catalog does not have in this place.
pub fn unknown_entry(name: &str, span: Span, kind: Kind) -> Diagnostic {
    let noun = kind.noun();
    if catalog::planned(kind).contains(&name) {
        return Diagnostic::new(
            Code::NotSupported,
            span,
            format!("the {noun} `{name}` is not supported yet"),
        )
        .label("part of the language, without a meaning in this version");
    }
    let fault = Diagnostic::new(
        Code::UnknownName,
        span,
        format!("no {noun} is called `{name}`"),
    );
    if let Some(entry) = catalog::find_foreign(kind, name) {
        return fault
            .label(format!("`{name}` is called `{}` here", entry.name))
            .suggest(span, entry.name);
    }
    let elsewhere = catalog::entries().find(|entry| entry.name == name);
    if let Some(entry) = elsewhere {
        return fault.label(format!(
            "`{name}` is a {}, not a {noun}",
            entry.meaning.kind().noun()
        ));
    }
    let known = || {
        catalog::entries()
            .filter(move |entry| entry.meaning.kind() == kind)
            .map(|entry| entry.name)
    };
    let names: Vec<&str> = known().collect();
    fault
        .label("not in the catalog")
        .near(
            name,
            span,
            known().chain(catalog::planned(kind).iter().copied()),
        )
        .note(format!("there are: {}", names.join(", ")))
}

/// Checks the arguments of a call; what is faulty or missing is reported, and left out of the result.
fn check(
    entry: &'static Entry,
    given: &[Argument],
    span: Span,
    scope: &Scope,
    faults: &mut Vec<Diagnostic>,
) -> Arguments {
    let mut arguments = Arguments::new(span);
    let mut seen: Vec<(&str, Span)> = Vec::new();
    let mut positional = entry
        .parameters
        .iter()
        .filter(|parameter| parameter.positional);
    for argument in given {
        let parameter = match &argument.name {
            Some(name) => {
                let found = entry
                    .parameters
                    .iter()
                    .find(|known| known.name == name.text);
                if found.is_none() {
                    faults.push(unknown_argument(entry, &name.text, name.span));
                }
                found
            }
            None => {
                let next = positional.next();
                if next.is_none() {
                    faults.push(too_many(entry, argument.value.span));
                }
                next
            }
        };
        let Some(parameter) = parameter else {
            continue;
        };
        let place = argument
            .name
            .as_ref()
            .map_or(argument.value.span, |name| name.span);
        if let Some((_, first)) = seen.iter().find(|(name, _)| *name == parameter.name) {
            faults.push(
                Diagnostic::new(
                    Code::DuplicateArgument,
                    place,
                    format!("`{}` is given twice", parameter.name),
                )
                .label("given again here")
                .also(*first, "given first here"),
            );
            continue;
        }
        seen.push((parameter.name, place));
        match value(entry, parameter, &argument.value, scope) {
            Ok(value) => arguments.set(parameter.name, value, argument.value.span),
            Err(fault) => faults.push(*fault),
        }
    }
    for parameter in entry.parameters {
        let given = seen.iter().any(|(name, _)| *name == parameter.name);
        if parameter.default == Default::Required && !given {
            faults.push(
                Diagnostic::new(
                    Code::MissingArgument,
                    span,
                    format!("`{}` needs `{}`", entry.name, parameter.name),
                )
                .label(format!(
                    "{}: {} is missing",
                    parameter.name,
                    parameter.kind.text()
                ))
                .help(format!("`{}` is the {}", parameter.name, parameter.summary)),
            );
        }
    }
    arguments.complete(entry.parameters)
}

fn unknown_argument(entry: &Entry, name: &str, span: Span) -> Diagnostic {
    let names: Vec<&str> = entry.parameters.iter().map(|known| known.name).collect();
    let list = match names.is_empty() {
        true => format!("`{}` takes no arguments", entry.name),
        false => format!("`{}` takes: {}", entry.name, names.join(", ")),
    };
    let planned = [
        "fill",
        "clip",
        "log",
        "reduction",
        "weight",
        "pos_weight",
        "ignore_index",
        "init",
        "inplace",
        "track_running_stats",
        "padding_idx",
        "max_norm",
        "device",
        "dtype",
        "foreach",
        "fused",
        "capturable",
        "differentiable",
    ];
    if planned.contains(&name) {
        return Diagnostic::new(
            Code::NotSupported,
            span,
            format!(
                "the argument `{name}` of `{}` is not supported yet",
                entry.name
            ),
        )
        .label("without a meaning in this version")
        .note(list);
    }
    let alias = match name {
        "learning_rate" | "eta" | "alpha" => Some("lr"),
        "units" | "out" | "width" | "n" => Some("out_features"),
        "use_bias" => Some("bias"),
        "rate" | "prob" | "probability" | "drop_prob" => Some("p"),
        "epsilon" => Some("eps"),
        "decay" | "l2" => Some("weight_decay"),
        "normalise" | "norm" | "standardize" => Some("normalize"),
        "validation" | "val" | "valid" | "validation_split" => Some("validate"),
        "beta_1" | "beta_2" | "beta1" | "beta2" => Some("betas"),
        _ => None,
    };
    let fault = Diagnostic::new(
        Code::UnknownArgument,
        span,
        format!("`{}` has no argument `{name}`", entry.name),
    );
    match alias.filter(|alias| names.contains(alias)) {
        Some(alias) => fault
            .label(format!("this is called `{alias}` here"))
            .suggest(span, alias)
            .note(list),
        None => fault
            .label("unknown argument")
            .near(name, span, names.iter().copied())
            .note(list),
    }
}

fn too_many(entry: &Entry, span: Span) -> Diagnostic {
    let positional = entry
        .parameters
        .iter()
        .filter(|parameter| parameter.positional);
    let fault = Diagnostic::new(
        Code::UnknownArgument,
        span,
        match positional.count() {
            0 => format!("`{}` takes no argument without a name", entry.name),
            1 => format!("`{}` takes one argument without a name", entry.name),
            count => format!("`{}` takes {count} arguments without a name", entry.name),
        },
    )
    .label("give this one by name");
    let named: Vec<&str> = entry
        .parameters
        .iter()
        .map(|parameter| parameter.name)
        .collect();
    match named.is_empty() {
        true => fault.label(format!("`{}` takes no arguments at all", entry.name)),
        false => fault.note(format!("`{}` takes: {}", entry.name, named.join(", "))),
    }
}

fn value(
    entry: &Entry,
    parameter: &'static Parameter,
    expr: &Expr,
    scope: &Scope,
) -> Result<Value, Box<Diagnostic>> {
    match parameter.kind {
        ArgumentKind::Size => size(entry, parameter, expr, scope).map(Value::Size),
        ArgumentKind::Width => match &expr.kind {
            ExprKind::Pipeline { head, stages } => {
                let [output] = &stages[..] else {
                    return Err(Box::new(
                        wrong_type(entry, parameter, expr).label("one `->` states one width"),
                    ));
                };
                Ok(Value::Width {
                    input: Some(size(entry, parameter, head, scope)?),
                    output: size(entry, parameter, output, scope)?,
                })
            }
            _ => Ok(Value::Width {
                input: None,
                output: size(entry, parameter, expr, scope)?,
            }),
        },
        ArgumentKind::Number(range) => {
            number(entry, parameter, expr, scope, range).map(Value::Number)
        }
        ArgumentKind::Boolean => match &followed(expr, scope).kind {
            ExprKind::Bool(value) => Ok(Value::Boolean(*value)),
            _ => Err(Box::new(wrong_type(entry, parameter, expr))),
        },
        ArgumentKind::Word(words) => word(entry, parameter, expr, scope, words),
        ArgumentKind::Pair(range) => match &followed(expr, scope).kind {
            ExprKind::List(items) => match &items[..] {
                [first, second] => Ok(Value::Pair(
                    number(entry, parameter, first, scope, range)?,
                    number(entry, parameter, second, scope, range)?,
                )),
                _ => Err(Box::new(
                    wrong_type(entry, parameter, expr).label(format!("a list of {}", items.len())),
                )),
            },
            _ => Err(Box::new(wrong_type(entry, parameter, expr))),
        },
        ArgumentKind::Texts => texts(entry, parameter, expr).map(Value::Texts),
        ArgumentKind::Column => match &expr.kind {
            ExprKind::Name(name) | ExprKind::Text(name) => Ok(Value::Column(name.clone())),
            _ => Err(Box::new(wrong_type(entry, parameter, expr))),
        },
    }
}

/// The value of a bare word that is a `param`.
fn followed<'e>(expr: &'e Expr, scope: &'e Scope) -> &'e Expr {
    match &expr.kind {
        ExprKind::Name(name) => scope.parameter(name).unwrap_or(expr),
        _ => expr,
    }
}

fn wrong_type(entry: &Entry, parameter: &Parameter, expr: &Expr) -> Diagnostic {
    Diagnostic::new(
        Code::WrongType,
        expr.span,
        format!(
            "`{}` of `{}` takes {}",
            parameter.name,
            entry.name,
            parameter.kind.text()
        ),
    )
    .label(format!("this is {}", kind_text(expr)))
}

fn out_of_range(entry: &Entry, parameter: &Parameter, span: Span, value: f64) -> Diagnostic {
    Diagnostic::new(
        Code::OutOfRange,
        span,
        format!(
            "`{}` of `{}` takes {}",
            parameter.name,
            entry.name,
            parameter.kind.text()
        ),
    )
    .label(format!("this is {value}"))
}

fn numeric(
    entry: &Entry,
    parameter: &Parameter,
    expr: &Expr,
    scope: &Scope,
) -> Result<super::constant::Number, Box<Diagnostic>> {
    let numeric = matches!(
        followed(expr, scope).kind,
        ExprKind::Number { .. } | ExprKind::Negate(_) | ExprKind::Binary { .. } | ExprKind::Name(_)
    );
    match numeric {
        true => scope.number(expr),
        false => Err(Box::new(wrong_type(entry, parameter, expr))),
    }
}

fn size(
    entry: &Entry,
    parameter: &Parameter,
    expr: &Expr,
    scope: &Scope,
) -> Result<crate::graph::shape::Dim, Box<Diagnostic>> {
    let number = numeric(entry, parameter, expr, scope)?;
    number.size().ok_or_else(|| {
        Box::new(
            Diagnostic::new(
                Code::OutOfRange,
                expr.span,
                format!(
                    "`{}` of `{}` takes {}",
                    parameter.name,
                    entry.name,
                    parameter.kind.text()
                ),
            )
            .label(format!("this is {}", number.text())),
        )
    })
}

fn number(
    entry: &Entry,
    parameter: &Parameter,
    expr: &Expr,
    scope: &Scope,
    range: Range,
) -> Result<f64, Box<Diagnostic>> {
    use super::constant::Number;
    match numeric(entry, parameter, expr, scope)? {
        Number::Known(value) if range.contains(value) => Ok(value),
        Number::Known(value) => Err(Box::new(out_of_range(entry, parameter, expr.span, value))),
        Number::Deferred(text) => Err(Box::new(
            Diagnostic::new(
                Code::NotSupported,
                expr.span,
                format!(
                    "`{text}` cannot be used in `{}` without the data",
                    parameter.name
                ),
            )
            .label("only known with the data"),
        )),
    }
}

fn word(
    entry: &Entry,
    parameter: &Parameter,
    expr: &Expr,
    scope: &Scope,
    words: &'static [&'static str],
) -> Result<Value, Box<Diagnostic>> {
    let given = match &expr.kind {
        ExprKind::Name(name) if words.contains(&name.as_str()) => name,
        _ => match &followed(expr, scope).kind {
            ExprKind::Name(name) | ExprKind::Text(name) => name,
            _ => return Err(Box::new(wrong_type(entry, parameter, expr))),
        },
    };
    match words.iter().find(|word| *word == given) {
        Some(word) => Ok(Value::Word(word)),
        None => Err(Box::new(
            Diagnostic::new(
                Code::WrongType,
                expr.span,
                format!(
                    "`{}` of `{}` takes {}",
                    parameter.name,
                    entry.name,
                    parameter.kind.text()
                ),
            )
            .label(format!("`{given}` is none of its words"))
            .near(given, expr.span, words.iter().copied()),
        )),
    }
}

fn texts(
    entry: &Entry,
    parameter: &Parameter,
    expr: &Expr,
) -> Result<Vec<String>, Box<Diagnostic>> {
    let ExprKind::List(items) = &expr.kind else {
        return Err(Box::new(wrong_type(entry, parameter, expr)));
    };
    let mut texts: Vec<String> = Vec::new();
    for item in items {
        let text = match &item.kind {
            ExprKind::Text(text) | ExprKind::Name(text) => text.clone(),
            ExprKind::Number { value, .. } => format!("{value}"),
            ExprKind::Bool(value) => value.to_string(),
            _ => {
                return Err(Box::new(
                    wrong_type(entry, parameter, item).label("not a text or a number"),
                ));
            }
        };
        if texts.contains(&text) {
            return Err(Box::new(
                Diagnostic::new(
                    Code::DuplicateName,
                    item.span,
                    format!("the value `{text}` is listed twice"),
                )
                .label("listed again"),
            ));
        }
        texts.push(text);
    }
    Ok(texts)
}
