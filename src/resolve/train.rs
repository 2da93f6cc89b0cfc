//! The `train` section: what is made small, how, for how long.

use super::arguments::{self, Call};
use super::constant::{Number, Scope, kind_text, number_text};
use super::groups::{self, ParameterGroup};
use super::loss_terms::{self, LossTerms};
use super::schedule;
use super::settings::{Settings, TRAIN_WORDS};
use super::unknown::near_value;
use super::watch::{self, WatchSpec};
use crate::catalog::arguments::DEFERRED;
use crate::catalog::schedules::sets_rate;
use crate::catalog::settings::TRAIN;
use crate::catalog::{Entry, Kind, Meaning, Metric};
use crate::diagnostics::{Code, Diagnostic, Span};
use crate::graph::schedule::RateSchedule;
use crate::plan::Precision;
use crate::syntax::ast::{Expr, ExprKind, Section, StatementKind};

/// Rows in a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BatchSize {
    All,
    Rows(usize),
}

/// The checked `train` section.
#[derive(Clone, Debug)]
pub struct TrainSpec {
    pub loss: LossTerms,
    pub optimizer: Option<Call>,
    pub epochs: usize,
    pub batch: BatchSize,
    /// Where `batch` is set, if it is.
    pub batch_span: Option<Span>,
    pub seed: Option<u64>,
    pub shuffle: bool,
    pub precision: Precision,
    pub clip_norm: Option<f64>,
    pub drop_last: bool,
    /// The metrics asked for, with their places; `None` for those of the target's type.
    pub metrics: Option<Vec<(Metric, &'static str, Span)>>,
    /// Schedules that follow one another.
    pub schedule: Vec<Call>,
    pub clip_value: Option<f64>,
    /// Batches whose gradients make one update.
    pub accumulate: usize,
    /// Where `accumulate` is set, if it is.
    pub accumulate_span: Option<Span>,
    /// The decay of the moving average of the weights, if one is kept.
    pub average: Option<f64>,
    pub stop: Option<Early>,
    /// Where `stop` or `restore` asks for validation rows.
    pub watched: Option<Span>,
    pub restore: Restore,
    /// Settings that wait for facts of the data, with their expressions; something stands for their
    /// values until then.
    pub deferred: Vec<(&'static str, String)>,
    /// What is said of parameters by their paths.
    pub groups: Vec<ParameterGroup>,
    /// What is recorded of the training.
    pub watches: Vec<WatchSpec>,
    pub span: Span,
}

/// Which epoch's parameters a training leaves behind.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Restore {
    Last,
    /// Those of the best epoch by validation loss; a better one must be better by `min_delta`.
    Best,
}

/// When a training ends before its last epoch (keras.callbacks.EarlyStopping).
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Early {
    /// Epochs without a better validation loss after which the training ends.
    pub patience: usize,
    /// By how much a better loss must be below the best.
    pub min_delta: f64,
}

/// How the rows of an epoch are divided into batches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Batches {
    /// Rows of a whole batch.
    pub size: usize,
    pub whole: usize,
    /// Rows of the smaller last batch; 0 if there is none, or it is left out.
    pub tail: usize,
}

impl Batches {
    pub fn count(&self) -> usize {
        self.whole + usize::from(self.tail > 0)
    }
}

impl TrainSpec {
    /// The batches of an epoch over so many rows.
    pub fn batches(&self, rows: usize) -> Batches {
        let size = match self.batch {
            BatchSize::All => rows,
            BatchSize::Rows(batch) => batch.min(rows),
        };
        let whole = rows / size.max(1);
        let rest = rows % size.max(1);
        Batches {
            size,
            whole,
            tail: if self.drop_last && whole > 0 { 0 } else { rest },
        }
    }
}

impl TrainSpec {
    /// What only the data tells of a setting.
    pub fn deferred(&self, setting: &str) -> Option<&str> {
        let found = self.deferred.iter().find(|(name, _)| *name == setting);
        found.map(|(_, text)| text.as_str())
    }

    /// Notes that a setting's call waits for the data.
    fn defer(&mut self, setting: &'static str, call: Option<&Call>) {
        let waiting = call.filter(|call| call.arguments.deferred().next().is_some());
        self.deferred
            .extend(waiting.map(|call| (setting, call.text())));
    }

    /// All that waits for the data, as expressions of its facts.
    pub fn waits(&self) -> Vec<String> {
        let weights = self
            .loss
            .terms
            .iter()
            .filter_map(|term| term.deferred.clone());
        let settings = self.deferred.iter().map(|(_, text)| text.clone());
        let terms = self.loss.terms.iter().map(|term| &term.call);
        let calls = terms.chain(&self.optimizer).chain(&self.schedule);
        let arguments = calls.flat_map(|call| call.arguments.deferred());
        weights.chain(settings).chain(arguments).collect()
    }

    /// The schedule of a training over so many rows, if one is set.
    pub fn schedule_for(&self, rows: usize) -> Option<RateSchedule> {
        let epoch = self.batches(rows).count().div_ceil(self.accumulate) as u64;
        let total = epoch.saturating_mul(self.epochs as u64);
        let set = !self.schedule.is_empty();
        set.then(|| schedule::schedule(&self.schedule, epoch, total))
    }
}

/// Rows in a step when the file does not say (Keras's default).
const DEFAULT_BATCH: usize = 32;

impl Default for TrainSpec {
    fn default() -> Self {
        TrainSpec {
            loss: LossTerms::default(),
            optimizer: None,
            epochs: 0,
            batch: BatchSize::Rows(DEFAULT_BATCH),
            batch_span: None,
            seed: None,
            shuffle: true,
            precision: Precision::F32,
            clip_norm: None,
            drop_last: false,
            metrics: None,
            schedule: Vec::new(),
            clip_value: None,
            accumulate: 1,
            accumulate_span: None,
            average: None,
            stop: None,
            watched: None,
            restore: Restore::Last,
            deferred: Vec::new(),
            groups: Vec::new(),
            watches: Vec::new(),
            span: Span::default(),
        }
    }
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

/// Settings that wait for the data, with their expressions.
pub type Deferred = Vec<(&'static str, String)>;

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

fn positive(
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

/// What a boolean is written as.
pub const TRUTHS: [&str; 2] = ["true", "false"];

/// The word that an expression is, or no word.
pub fn word_of(value: &Expr) -> &str {
    match &value.kind {
        ExprKind::Name(word) => word,
        _ => "",
    }
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
