//! Calls against the catalog: finds the entry, checks each argument's name, type and range.

use super::constant::{Scope, kind_text, number_text};
use super::habits;
use super::unknown::{article, example, too_many, unknown_argument, unknown_entry};
use super::values;
use crate::catalog::arguments::{ArgumentValue, Arguments, Default, Parameter};
use crate::catalog::{self, Entry, Kind, foreign};
use crate::diagnostics::{Code, Diagnostic, Span};
use crate::syntax::ast::{Argument, Expr, ExprKind, Name};

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
        self.text_of(Vec::new())
    }

    /// The same with something before the arguments.
    pub fn text_with(&self, first: &str) -> String {
        self.text_of(vec![first.to_string()])
    }

    /// The call with the arguments that are not their defaults, as one would write it: `Linear(8)`.
    pub fn short_text(&self) -> String {
        let parameters = self.entry.parameters.iter();
        let given = parameters.filter_map(|parameter| {
            let value = self.arguments.get(parameter.name)?;
            let text = value_text(value);
            // First values are told by the plan.
            let told = matches!(value, ArgumentValue::Initializer(_));
            (!told && text != parameter.default.text()).then_some((parameter, text))
        });
        let texts = given.enumerate().map(|(at, (parameter, text))| {
            if at == 0 && parameter.positional {
                text
            } else {
                format!("{} = {text}", parameter.name)
            }
        });
        let texts: Vec<String> = texts.collect();
        if texts.is_empty() {
            self.entry.name.to_string()
        } else {
            format!("{}({})", self.entry.name, texts.join(", "))
        }
    }

    fn text_of(&self, mut texts: Vec<String>) -> String {
        let parameters = self.entry.parameters.iter();
        texts.extend(parameters.filter_map(|parameter| {
            let value = self.arguments.get(parameter.name)?;
            let text = value_text(value);
            Some(format!("{} = {text}", parameter.name))
        }));
        if texts.is_empty() {
            self.entry.name.to_string()
        } else {
            format!("{}({})", self.entry.name, texts.join(", "))
        }
    }
}

fn value_text(value: &ArgumentValue) -> String {
    match value {
        ArgumentValue::Size(dim) => dim.to_string(),
        ArgumentValue::Width {
            input: Some(input),
            output,
        } => format!("{input} -> {output}"),
        ArgumentValue::Width {
            input: None,
            output,
        } => output.to_string(),
        ArgumentValue::Number(number) => format!("{number:?}").trim_end_matches(".0").to_string(),
        ArgumentValue::Boolean(boolean) => boolean.to_string(),
        ArgumentValue::Word(word) => word.to_string(),
        ArgumentValue::Pair(first, second) => format!("[{first}, {second}]"),
        ArgumentValue::Texts(texts) => format!("[{}]", texts.join(", ")),
        ArgumentValue::Text(text) => format!("{text:?}"),
        ArgumentValue::Column(name) | ArgumentValue::Path(name) => name.clone(),
        ArgumentValue::Shape(dims) => {
            let texts: Vec<String> = dims.iter().map(ToString::to_string).collect();
            format!("[{}]", texts.join(", "))
        }
        ArgumentValue::Initializer(initializer) => format!("{initializer:?}"),
        ArgumentValue::Length(length) => length.text(),
        ArgumentValue::Lengths(lengths) => {
            let texts: Vec<String> = lengths.iter().map(|length| length.text()).collect();
            format!("[{}]", texts.join(", "))
        }
        ArgumentValue::Deferred(text) => text.clone(),
    }
}

/// Resolves a name or call to an entry of a kind, with its arguments. Faults are added to `faults`;
/// without a result there is one, here or where a block is declared.
pub fn call(expr: &Expr, kind: Kind, scope: &Scope, faults: &mut Vec<Diagnostic>) -> Option<Call> {
    if let ExprKind::Name(name) = &expr.kind
        && let Some((_, declared)) = scope.parameters.get(name)
        && catalog::find(kind, name).is_none()
    {
        let Some(value) = scope.parameter(name) else {
            faults.push(scope.circle(name));
            return None;
        };
        let place = (expr.span, *declared);
        return call_of(value, kind, scope, Some(place), faults);
    }
    call_of(expr, kind, scope, None, faults)
}

/// `param`: where a parameter whose value this is was used, and where it was declared.
fn call_of(
    expr: &Expr,
    kind: Kind,
    scope: &Scope,
    param: Option<(Span, Span)>,
    faults: &mut Vec<Diagnostic>,
) -> Option<Call> {
    let (name, name_span, arguments): (&str, Span, &[Argument]) = match &expr.kind {
        ExprKind::Name(name) => (name, expr.span, &[]),
        ExprKind::Call { name, arguments } => (&name.text, name.span, arguments),
        ExprKind::Number { .. }
        | ExprKind::Text(_)
        | ExprKind::Bool(_)
        | ExprKind::List(_)
        | ExprKind::Negate(_)
        | ExprKind::Binary { .. }
        | ExprKind::Pipeline { .. }
        | ExprKind::Labelled { .. }
        | ExprKind::Repeat { .. }
        | ExprKind::Residual { .. } => {
            // What no `param` can be is told at its value.
            let told =
                |fault: &Diagnostic| fault.labels.iter().any(|label| label.span == expr.span);
            if param.is_none() || !faults.iter().any(told) {
                faults.push(not_an_entry(expr, kind, param));
            }
            return None;
        }
    };
    let Some(entry) = catalog::find(kind, name) else {
        if scope.waiting.contains(name) {
            return None;
        }
        let block = kind == Kind::Layer
            && (scope.blocks.contains_key(name)
                || scope.imports && !catalog::planned(kind).contains(&name));
        if !block {
            let mut fault = unknown_entry(name, name_span, kind, scope);
            let edit = fault.suggestion.as_ref();
            let meant = edit.and_then(|edit| catalog::find(kind, &edit.replacement));
            let given = arguments
                .iter()
                .filter_map(|argument| argument.name.as_ref());
            for words in given.filter_map(|given| foreign::otherwise(name, &given.text)) {
                // The name alone does not mend it.
                fault.suggestion = None;
                fault = fault.help(words);
            }
            faults.push(fault);
            // What it was most likely meant to be says what else is wrong.
            if let Some(meant) = meant.filter(|_| !arguments.is_empty()) {
                check(meant, arguments, expr.span, scope, faults);
            }
        }
        return None;
    };
    let before = faults.len();
    let arguments = check(entry, arguments, expr.span, scope, faults)?;
    (faults.len() == before).then_some(Call {
        entry,
        arguments,
        span: expr.span,
    })
}

fn not_an_entry(expr: &Expr, kind: Kind, param: Option<(Span, Span)>) -> Diagnostic {
    let noun = kind.noun();
    let message = format!("{} {noun} is expected here", article(noun));
    let fault = match param {
        Some((used, declared)) => Diagnostic::new(Code::WrongType, used, message)
            .label(format!("this `param` is {}", kind_text(expr)))
            .also(declared, "declared here"),
        None => Diagnostic::new(Code::WrongType, expr.span, message)
            .label(format!("this is {}", kind_text(expr))),
    };
    if let ExprKind::Text(text) = &expr.kind
        && let Some(entry) = catalog::find(kind, text).or_else(|| catalog::find_foreign(kind, text))
    {
        return fault
            .help(format!("write `{}`, without quotes", entry.name))
            .suggest(expr.span, entry.name);
    }
    fault.help(format!("write `{}`, say", example(kind)))
}

/// Reports an argument that the entry does not have.
fn unknown_name(
    entry: &'static Entry,
    name: &Name,
    value: &Expr,
    scope: &Scope,
    faults: &mut Vec<Diagnostic>,
) {
    let fault = unknown_argument(entry, &name.text, name.span);
    let meant = fault.suggestion.as_ref().map(|edit| &edit.replacement);
    let mut parameters = entry.parameters.iter();
    let meant = meant.and_then(|meant| parameters.find(|known| known.name == meant));
    faults.push(fault);
    // A value that is wrong for what was most likely meant is reported in the same run.
    let value = meant.map(|meant| values::value(entry, meant, value, scope));
    faults.extend(value.and_then(Result::err).map(|fault| *fault));
}

fn missing(entry: &Entry, parameter: &Parameter, span: Span) -> Diagnostic {
    Diagnostic::new(
        Code::MissingArgument,
        span,
        format!("`{}` needs its `{}`", entry.name, parameter.name),
    )
    .label(format!("`{}` is missing", parameter.name))
    .help(format!(
        "`{}` ({}) is {}",
        parameter.name,
        parameter.summary,
        parameter.kind.text()
    ))
}

/// Checks the arguments of a call; what is faulty or missing is reported, and left out of the result.
/// `None` if what they are is not known yet.
fn check(
    entry: &'static Entry,
    given: &[Argument],
    span: Span,
    scope: &Scope,
    faults: &mut Vec<Diagnostic>,
) -> Option<Arguments> {
    let (fault, in_torchs_order) = habits::in_torchs_order(entry, given, scope).unzip();
    faults.extend(fault);
    let given = in_torchs_order.as_deref().unwrap_or(given);
    let mut arguments = Arguments::new(span);
    let mut seen: Vec<(&str, Span)> = Vec::new();
    let (mut unknown, mut waits) = (false, false);
    let mut positional = entry
        .parameters
        .iter()
        .filter(|parameter| parameter.positional);
    for argument in given {
        let parameter = match &argument.name {
            Some(name) => {
                let mut known = entry.parameters.iter();
                let found = known.find(|known| known.name == name.text);
                if found.is_none() {
                    unknown = true;
                    unknown_name(entry, name, &argument.value, scope, faults);
                }
                found
            }
            None => {
                let next = positional.next();
                if next.is_none() {
                    faults.push(too_many(entry, &argument.value, scope));
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
        if scope.waits(&argument.value) && !parameter.kind.is_number() {
            waits = true;
            continue;
        }
        match values::value(entry, parameter, &argument.value, scope) {
            Ok(value) => arguments.set(parameter.name, value, argument.value.span),
            Err(fault) => faults.push(*fault),
        }
    }
    for parameter in entry.parameters {
        // An argument of an unknown name is most likely the missing one.
        let given = unknown || seen.iter().any(|(name, _)| *name == parameter.name);
        if parameter.default == Default::Required && !given {
            faults.push(missing(entry, parameter, span));
        }
    }
    if waits {
        return None;
    }
    let arguments = arguments.complete(entry.parameters);
    let mut parameters = entry.parameters.iter();
    if parameters
        .all(|known| known.default != Default::Required || arguments.get(known.name).is_some())
    {
        faults.extend(together(entry, &arguments));
    }
    Some(arguments)
}

/// Arguments that are right alone and wrong together: what PyTorch refuses too.
fn together(entry: &Entry, arguments: &Arguments) -> Option<Diagnostic> {
    match (entry.meaning.kind(), entry.name) {
        (Kind::Optimizer, "SGD") => {
            let momentum = arguments.number("momentum");
            let dampening = arguments.number("dampening");
            let wrong = arguments.boolean("nesterov") && (momentum == 0.0 || dampening != 0.0);
            wrong.then(|| {
                Diagnostic::new(
                    Code::OutOfRange,
                    arguments.span_of("nesterov"),
                    "nesterov needs a momentum and no dampening",
                )
                .label(format!(
                    "the momentum is {}, the dampening {}",
                    number_text(momentum),
                    number_text(dampening)
                ))
                .help("write `SGD(momentum = 0.9, nesterov = true)`")
            })
        }
        (Kind::Layer, "Hardtanh") => {
            let (low, high) = (arguments.number("min_val"), arguments.number("max_val"));
            (low >= high).then(|| {
                Diagnostic::new(
                    Code::OutOfRange,
                    arguments.span_of("max_val"),
                    "`Hardtanh` needs a `max_val` above its `min_val`",
                )
                .label(format!(
                    "`min_val` is {}, `max_val` {}",
                    number_text(low),
                    number_text(high)
                ))
            })
        }
        (Kind::Schedule, "Cyclic") => {
            let (base, max) = (arguments.number("base_lr"), arguments.number("max_lr"));
            let gamma = arguments.span_of("gamma");
            if max < base {
                let fault = Diagnostic::new(
                    Code::OutOfRange,
                    arguments.span_of("max_lr"),
                    "`Cyclic` needs a `max_lr` of at least its `base_lr`",
                );
                return Some(fault.label(format!(
                    "`base_lr` is {}, `max_lr` {}",
                    number_text(base),
                    number_text(max)
                )));
            }
            let idle = gamma != arguments.span && arguments.word("mode") != "exp_range";
            idle.then(|| {
                Diagnostic::new(
                    Code::OutOfRange,
                    gamma,
                    "`gamma` of `Cyclic` counts only with `mode = exp_range`",
                )
                .label(format!("the mode is `{}`", arguments.word("mode")))
            })
        }
        _ => None,
    }
}
