//! The `train` section: what is made small, how, for how long.

use super::arguments;
use super::constant::Scope;
use super::groups;
use super::loss_terms;
use super::schedule;
use super::setting_values::{Deferred, boolean, positive, whole};
use super::settings::{Settings, TRAIN_WORDS};
use super::train_spec::{BatchSize, Early, Restore, TrainSpec};
use super::unknown::near_value;
use super::watch;
use crate::catalog::schedules::sets_rate;
use crate::catalog::settings::TRAIN;
use crate::catalog::{Entry, Kind, Meaning, Metric};
use crate::diagnostics::{Code, Diagnostic, Span};
use crate::plan::Precision;
use crate::syntax::ast::{Expr, ExprKind, Section, StatementKind};

/// Checks the section and gives what it says; faulty settings keep their defaults.
pub fn resolve(section: &Section, scope: &Scope, faults: &mut Vec<Diagnostic>) -> TrainSpec {
    let mut spec = TrainSpec {
        span: section.keyword.span,
        ..TrainSpec::default()
    };
    let mut settings = Settings::new(TRAIN_WORDS, TRAIN);
    statements(section, scope, &mut spec, &mut settings, faults);
    let mut required = |name: &str, example: &str| {
        let value = settings.take(name);
        if value.is_none() {
            faults.push(missing(section, name, example));
        }
        value
    };
    let loss = required("loss", "loss = MSE");
    let epochs = required("epochs", "epochs = 100");
    if let Some(value) = loss {
        spec.loss = loss_terms::resolve(&value, scope, faults);
    }
    if let Some(value) = epochs {
        let epochs = whole("epochs", &value, scope, 1, &mut spec.deferred, faults);
        spec.epochs = epochs.unwrap_or(1) as usize;
    }
    spec.optimizer = match settings.take("optimizer") {
        Some(value) => arguments::call(&value, Kind::Optimizer, scope, faults),
        None => {
            let expr = Expr {
                kind: ExprKind::Name("SGD".to_string()),
                span: section.keyword.span,
            };
            arguments::call(&expr, Kind::Optimizer, &Scope::default(), faults)
        }
    };
    if let Some(value) = settings.take("batch") {
        spec.batch_span = Some(value.span);
        spec.batch = batch(&value, scope, &mut spec.deferred, faults).unwrap_or(spec.batch);
    }
    if let Some(value) = settings.take("seed") {
        spec.seed = seed(&value, scope, faults);
    }
    if let Some(value) = settings.take("clip_norm") {
        spec.clip_norm = positive("clip_norm", &value, scope, &mut spec.deferred, faults);
    }
    if let Some(value) = settings.take("clip_value") {
        spec.clip_value = positive("clip_value", &value, scope, &mut spec.deferred, faults);
    }
    if let Some(value) = settings.take("accumulate") {
        accumulate(&value, scope, &mut spec, faults);
    }
    kept(&mut settings, scope, &mut spec, faults);
    if let Some(value) = settings.take("schedule") {
        let epochs = spec.deferred("epochs").is_none().then_some(spec.epochs);
        spec.schedule = schedule::resolve(&value, epochs, scope, faults).unwrap_or_default();
        faults.extend(replaced_rates(&spec));
    }
    for (name, place) in [
        ("shuffle", &mut spec.shuffle),
        ("drop_last", &mut spec.drop_last),
    ] {
        if let Some(value) = settings.take(name) {
            *place = boolean(name, &value, scope, faults).unwrap_or(*place);
        }
    }
    if let Some(value) = settings.take("precision") {
        spec.precision = precision(&value, scope, faults).unwrap_or_default();
    }
    if let Some(value) = settings.take("metrics") {
        spec.metrics = Some(metrics(&value, scope, faults));
    }
    spec
}

/// Takes the settings and the inner sections apart.
fn statements(
    section: &Section,
    scope: &Scope,
    spec: &mut TrainSpec,
    settings: &mut Settings,
    faults: &mut Vec<Diagnostic>,
) {
    for statement in &section.body {
        match &statement.kind {
            StatementKind::Assign { name, value } => settings.add(name, value, faults),
            StatementKind::Section(inner) if inner.keyword.text == "params" => {
                spec.groups.extend(groups::resolve(inner, scope, faults));
            }
            StatementKind::Section(inner) if inner.keyword.text == "watch" => {
                spec.watches
                    .extend(watch::resolve(inner, scope, &mut spec.deferred, faults));
            }
            StatementKind::Section(inner) => faults.push(inner_section(inner)),
            StatementKind::Declare { .. }
            | StatementKind::Param { .. }
            | StatementKind::Use { .. }
            | StatementKind::Line(_) => faults.push(
                Diagnostic::new(
                    Code::Misplaced,
                    statement.span,
                    "a `train` section holds settings, each `name = value`",
                )
                .label("has no meaning here"),
            ),
        }
    }
}

fn missing(section: &Section, name: &str, example: &str) -> Diagnostic {
    Diagnostic::new(
        Code::MissingSetting,
        section.keyword.span,
        format!("the `train` section does not say its `{name}`"),
    )
    .label(format!("no `{name}` in this section"))
    .help(format!("write `{example}`"))
}

fn seed(value: &Expr, scope: &Scope, faults: &mut Vec<Diagnostic>) -> Option<u64> {
    let mut deferred = Vec::new();
    let seed = whole("seed", value, scope, 0, &mut deferred, faults);
    faults.extend(deferred.pop().map(|(_, text)| {
        Diagnostic::new(
            Code::WrongType,
            value.span,
            format!("`seed` cannot depend on `{text}`"),
        )
        .label("divides the rows, so it is needed before the data is known")
    }));
    seed
}

fn accumulate(value: &Expr, scope: &Scope, spec: &mut TrainSpec, faults: &mut Vec<Diagnostic>) {
    spec.accumulate_span = Some(value.span);
    let batches = whole("accumulate", value, scope, 1, &mut spec.deferred, faults);
    // More than one, until the data tells how many.
    let unknown = match spec.deferred("accumulate") {
        Some(_) => 2,
        None => 1,
    };
    spec.accumulate = batches.map_or(unknown, |batches| {
        usize::try_from(batches).unwrap_or(usize::MAX)
    });
}

/// Which parameters are kept: `average`, `stop` and `restore`.
fn kept(
    settings: &mut Settings,
    scope: &Scope,
    spec: &mut TrainSpec,
    faults: &mut Vec<Diagnostic>,
) {
    if let Some(value) = settings.take("average") {
        let call = arguments::call(&value, Kind::Average, scope, faults);
        spec.defer("average", call.as_ref());
        spec.average = call.map(|call| call.arguments.number("decay"));
    }
    if let Some(value) = settings.take("stop") {
        spec.watched = Some(value.span);
        let call = arguments::call(&value, Kind::Stop, scope, faults);
        spec.defer("stop", call.as_ref());
        spec.stop = call.map(|call| Early {
            patience: call.arguments.size("patience"),
            min_delta: call.arguments.number("min_delta"),
        });
        spec.restore = Restore::Best;
    }
    if let Some(value) = settings.take("restore") {
        spec.restore = restore(&value, scope, faults).unwrap_or(spec.restore);
        if spec.restore == Restore::Best {
            spec.watched.get_or_insert(value.span);
        }
    }
}

/// The faults of groups with a learning rate of their own, where the schedule sets the rate of all.
fn replaced_rates(spec: &TrainSpec) -> Vec<Diagnostic> {
    let mut calls = spec.schedule.iter();
    let Some(call) = calls.find(|call| sets_rate(call.entry)) else {
        return Vec::new();
    };
    let name = call.entry.name;
    let rates = spec.groups.iter().filter_map(|group| group.lr);
    let faults = rates.map(|(_, place)| {
        let fault = Diagnostic::new(
            Code::Misplaced,
            place,
            format!("`{name}` sets the learning rate of all parameters, so a group has none"),
        );
        let fault = fault.label("would have no effect");
        fault
            .also(call.span, "the schedule")
            .help("remove it, or choose a schedule of the optimizer's rate: `CosineAnnealing`, say")
    });
    faults.collect()
}

/// Rows in a step: `all`, or as many as a table may have.
fn batch(
    value: &Expr,
    scope: &Scope,
    deferred: &mut Deferred,
    faults: &mut Vec<Diagnostic>,
) -> Option<BatchSize> {
    const LARGEST: u64 = 1 << 32;
    let followed = scope.followed(value);
    let word = match &followed.kind {
        ExprKind::Name(word) if scope.fact(word).is_none() => Some(word),
        _ => None,
    };
    let fault = if let Some(word) = word {
        if word == "all" {
            return Some(BatchSize::All);
        }
        let fault = Diagnostic::new(
            Code::WrongType,
            value.span,
            "`batch` takes `all` or a whole number",
        )
        .label(format!("`{word}` is neither"));
        near_value(fault, word, value.span, &["all"])
    } else {
        let waiting = deferred.len();
        let rows = whole("batch", value, scope, 1, deferred, faults);
        if deferred.len() > waiting {
            return Some(BatchSize::All);
        }
        let rows = rows?;
        if rows <= LARGEST {
            return Some(BatchSize::Rows(rows as usize));
        }
        Diagnostic::new(
            Code::OutOfRange,
            value.span,
            format!("`batch` is at most {LARGEST}, the most rows of a table"),
        )
        .label(format!("this is {rows}"))
        .help("write `batch = all` to take all rows in one step")
    };
    faults.push(fault);
    None
}

fn inner_section(section: &Section) -> Diagnostic {
    let name = &section.keyword.text;
    Diagnostic::new(
        Code::UnknownSection,
        section.keyword.span,
        format!("a `train` section has no section `{name}` in it"),
    )
    .label("unknown section")
    .near(name, section.keyword.span, ["params", "watch"])
}

fn precision(value: &Expr, scope: &Scope, faults: &mut Vec<Diagnostic>) -> Option<Precision> {
    let followed = scope.followed(value);
    let word = match &followed.kind {
        ExprKind::Name(word) => word.as_str(),
        _ => "",
    };
    match word {
        "f32" => Some(Precision::F32),
        "f64" => Some(Precision::F64),
        _ => {
            let fault = Diagnostic::new(
                Code::WrongType,
                value.span,
                "`precision` takes `f32` or `f64`",
            )
            .label("neither of them");
            faults.push(near_value(fault, word, value.span, &["f32", "f64"]));
            None
        }
    }
}

fn restore(value: &Expr, scope: &Scope, faults: &mut Vec<Diagnostic>) -> Option<Restore> {
    let word = match &scope.followed(value).kind {
        ExprKind::Name(word) => word.as_str(),
        _ => "",
    };
    match word {
        "last" => Some(Restore::Last),
        "best" => Some(Restore::Best),
        _ => {
            faults.push(
                Diagnostic::new(
                    Code::WrongType,
                    value.span,
                    "`restore` takes `last` or `best`",
                )
                .label("neither of them")
                .near(word, value.span, ["last", "best"]),
            );
            None
        }
    }
}

fn metrics(
    value: &Expr,
    scope: &Scope,
    faults: &mut Vec<Diagnostic>,
) -> Vec<(Metric, &'static str, Span)> {
    let items: &[Expr] = match &value.kind {
        ExprKind::List(items) => items,
        _ => std::slice::from_ref(value),
    };
    let mut found: Vec<(Metric, &'static str, Span)> = Vec::new();
    for item in items {
        let Some(call) = arguments::call(item, Kind::Metric, scope, faults) else {
            continue;
        };
        let entry: &'static Entry = call.entry;
        let Meaning::Metric(metric) = &entry.meaning else {
            continue;
        };
        if let Some((_, _, first)) = found.iter().find(|(known, _, _)| known == metric) {
            faults.push(
                Diagnostic::new(
                    Code::DuplicateName,
                    item.span,
                    format!("the metric `{}` is listed twice", entry.name),
                )
                .label("listed again")
                .also(*first, "listed first here"),
            );
            continue;
        }
        found.push((*metric, entry.name, item.span));
    }
    found
}
