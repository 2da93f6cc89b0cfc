//! `watch "glob" { … }`: what a training records of stages and parameters.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use super::constant::Scope;
use super::selection::{Selecting, selects_no_parameter, selects_nothing};
use super::setting_values::{Deferred, whole, word_of};
use crate::catalog::settings::WATCH;
use crate::diagnostics::{Code, Diagnostic, Span, listed};
use crate::glob;
use crate::graph::state::StateId;
use crate::graph::watch::{DEFAULT_EVERY, Measure, Subject, Watch};
use crate::graph::{Graph, ValueId};
use crate::syntax::ast::{ColumnName, Expr, ExprKind, Section};

/// One `watch` section.
#[derive(Clone, PartialEq, Debug)]
pub struct WatchSpec {
    pub selector: ColumnName,
    pub output: Vec<Measure>,
    pub grad: Vec<Measure>,
    pub weight: Vec<Measure>,
    pub every: u64,
}

/// A value of the network that a `watch` section may select.
#[derive(Clone, PartialEq, Debug)]
pub struct Stage {
    /// The path that its parameters have, or would have; or the name of the line's value.
    pub path: String,
    pub value: ValueId,
}

const SECTION: Selecting = Selecting {
    keyword: "watch",
    words: "a `watch` section",
    what: "stages and parameters",
    glob: "head*",
    example: "output = stats",
    settings: WATCH,
};

/// Checks a section; `None` if it selects or asks for nothing.
pub fn resolve(
    section: &Section,
    scope: &Scope,
    deferred: &mut Deferred,
    faults: &mut Vec<Diagnostic>,
) -> Option<WatchSpec> {
    let before = faults.len();
    let (selector, mut settings) = SECTION.resolve(section, faults)?;
    let mut measures = |name: &str, faults: &mut Vec<Diagnostic>| {
        let value = settings.take(name);
        value.map_or_else(Vec::new, |value| measures(name, &value, scope, faults))
    };
    let output = measures("output", faults);
    let grad = measures("grad", faults);
    let weight = measures("weight", faults);
    let every = settings.take("every");
    let every = every.map_or(Some(DEFAULT_EVERY), |value| {
        whole("every", &value, scope, 1, deferred, faults)
    });
    let nothing = [&output, &grad, &weight].iter().all(|it| it.is_empty());
    if nothing && faults.len() == before {
        faults.push(
            Diagnostic::new(
                Code::MissingSetting,
                section.keyword.span,
                "this `watch` section does not say what is recorded",
            )
            .label("none of `output`, `grad`, `weight` in it")
            .help("write `output = stats`, `grad = norm` or `weight = histogram`, say"),
        );
    }
    (!nothing).then_some(WatchSpec {
        selector,
        output,
        grad,
        weight,
        every: every.unwrap_or(DEFAULT_EVERY),
    })
}

/// A measure or a list of them, each once, in the order of [`Measure::ALL`].
fn measures(name: &str, value: &Expr, scope: &Scope, faults: &mut Vec<Diagnostic>) -> Vec<Measure> {
    let value = scope.followed(value);
    let items = match &value.kind {
        ExprKind::List(items) => items.as_slice(),
        ExprKind::Number { .. }
        | ExprKind::Text(_)
        | ExprKind::Bool(_)
        | ExprKind::Name(_)
        | ExprKind::Call { .. }
        | ExprKind::Negate(_)
        | ExprKind::Binary { .. }
        | ExprKind::Pipeline { .. }
        | ExprKind::Labelled { .. }
        | ExprKind::Repeat { .. }
        | ExprKind::Residual { .. } => std::slice::from_ref(value),
    };
    let words = Measure::ALL.map(Measure::word);
    let mut found: Vec<(Measure, Span)> = Vec::new();
    for item in items {
        let word = word_of(scope.followed(item));
        let Some(measure) = Measure::ALL.into_iter().find(|it| it.word() == word) else {
            let known = "`norm`, `stats`, `histogram`, or a list of them";
            let fault = Diagnostic::new(
                Code::WrongType,
                item.span,
                format!("`{name}` takes {known}"),
            )
            .label("none of these");
            let alias = match word.to_lowercase().as_str() {
                "hist" | "distribution" | "hists" => Some("histogram"),
                "mean" | "std" | "min" | "max" | "summary" | "statistics" => Some("stats"),
                "l2" | "l2_norm" | "magnitude" => Some("norm"),
                _ => None,
            };
            faults.push(match alias {
                Some(alias) => fault
                    .label(format!("`{alias}` records this"))
                    .suggest(item.span, alias),
                None => fault.near(word, item.span, words),
            });
            continue;
        };
        match found.iter().find(|(known, _)| *known == measure) {
            Some((_, first)) => faults.push(
                Diagnostic::new(
                    Code::DuplicateName,
                    item.span,
                    format!("`{}` is listed twice", measure.word()),
                )
                .label("listed again")
                .also(*first, "listed first here"),
            ),
            None => found.push((measure, item.span)),
        }
    }
    found.sort_unstable_by_key(|(measure, _)| *measure);
    found.into_iter().map(|(measure, _)| measure).collect()
}

/// Tells a graph what is recorded of it. Of two sections about the same, the later one counts. A
/// section that selects nothing of what it asks for is a fault, unless the data says how often a body is
/// repeated (`shortened`).
pub fn apply(
    specs: &[WatchSpec],
    stages: &[Stage],
    graph: &mut Graph,
    shortened: bool,
    faults: &mut Vec<Diagnostic>,
) {
    let mut watches = Watches::default();
    for (section, spec) in specs.iter().enumerate() {
        watches.section = section;
        let selection = Selection::new(&spec.selector, stages, graph);
        match selection.fault(spec, stages, graph).filter(|_| !shortened) {
            Some(fault) => faults.push(fault),
            None => watches.add(spec, &selection, graph),
        }
    }
    graph.watches = watches.found;
}

/// What a selector matches.
struct Selection<'s> {
    stages: Vec<&'s Stage>,
    /// Selected by their own paths, or with the layer that has them.
    parameters: Vec<StateId>,
    /// Those of them that are trained.
    learned: Vec<StateId>,
}

impl<'s> Selection<'s> {
    fn new(selector: &ColumnName, stages: &'s [Stage], graph: &Graph) -> Self {
        let selected = |path: &str| glob::matches(&selector.text, path);
        let parameters = graph.parameters().filter(|parameter| {
            let path = graph.state(*parameter).name.as_str();
            let layer = path.rsplit_once('.').map_or("", |(layer, _)| layer);
            selected(path) || !layer.is_empty() && selected(layer)
        });
        let parameters: Vec<StateId> = parameters.collect();
        let learned = parameters.iter().copied();
        let learned = learned.filter(|parameter| !graph.state(*parameter).training.frozen);
        // A value that has a name beside its path is selected once.
        let mut values = HashSet::new();
        let stages = stages
            .iter()
            .filter(|stage| selected(&stage.path) || selected(declared(&stage.path)));
        Selection {
            stages: stages.filter(|stage| values.insert(stage.value)).collect(),
            learned: learned.collect(),
            parameters,
        }
    }

    /// The fault of a section that would record nothing, or nothing of one kind.
    fn fault(&self, spec: &WatchSpec, stages: &[Stage], graph: &Graph) -> Option<Diagnostic> {
        let stage_paths = || stages.iter().map(|stage| stage.path.as_str());
        let parameter_paths = || graph.parameters().map(|it| graph.state(it).name.as_str());
        let wants_stages = !spec.output.is_empty();
        let wants_parameters = !(spec.grad.is_empty() && spec.weight.is_empty());
        let lacks_stages = wants_stages && self.stages.is_empty();
        let lacks_parameters = wants_parameters && self.parameters.is_empty();
        if lacks_stages && (lacks_parameters || !wants_parameters) {
            let names = if wants_parameters {
                stage_paths().chain(parameter_paths()).collect()
            } else {
                stage_paths().collect()
            };
            return Some(selects_nothing(&spec.selector, "stage", names));
        }
        if lacks_parameters && !wants_stages {
            return Some(selects_no_parameter(&spec.selector, graph));
        }
        let nothing = |what: &str, key: &str| {
            Diagnostic::new(
                Code::UnknownName,
                spec.selector.span,
                format!("`{}` selects no {what}", spec.selector.text),
            )
            .label(format!("so `{key}` records nothing"))
        };
        if lacks_stages {
            let names = listed(stage_paths());
            return Some(nothing("stage", "output").note(format!("there are: {names}")));
        }
        let key = if spec.grad.is_empty() {
            "weight"
        } else {
            "grad"
        };
        if lacks_parameters {
            let names = listed(parameter_paths());
            return Some(nothing("parameter", key).note(format!("there are: {names}")));
        }
        let frozen = !spec.grad.is_empty() && self.learned.is_empty();
        frozen.then(|| {
            nothing("parameter that is trained", "grad")
                .help("what is frozen has no gradient; `weight` is recorded of it")
        })
    }
}

/// The path that a shared layer is declared by: its later uses have a number behind it.
fn declared(path: &str) -> &str {
    path.split_once('#').map_or(path, |(path, _)| path)
}

/// What is recorded so far.
#[derive(Default)]
struct Watches {
    /// The place of the section that is being read.
    section: usize,
    found: Vec<Watch>,
    places: HashMap<(String, Subject), usize>,
}

impl Watches {
    fn add(&mut self, spec: &WatchSpec, selection: &Selection, graph: &Graph) {
        for stage in &selection.stages {
            let value = Some(stage.value);
            self.set(
                &stage.path,
                Subject::Output,
                &spec.output,
                spec.every,
                value,
            );
        }
        let name = |parameter: StateId| graph.state(parameter).name.as_str();
        for parameter in selection.learned.iter().copied() {
            let subject = Subject::Gradient(parameter);
            self.set(name(parameter), subject, &spec.grad, spec.every, None);
        }
        for parameter in selection.parameters.iter().copied() {
            let subject = Subject::Weight(parameter);
            self.set(name(parameter), subject, &spec.weight, spec.every, None);
        }
    }

    fn set(
        &mut self,
        name: &str,
        subject: Subject,
        measures: &[Measure],
        every: u64,
        value: Option<ValueId>,
    ) {
        if measures.is_empty() {
            return;
        }
        let watch = Watch {
            section: self.section,
            name: name.to_string(),
            subject,
            measures: measures.to_vec(),
            every,
            value,
        };
        match self.places.entry((name.to_string(), subject)) {
            Entry::Occupied(place) => self.found[*place.get()] = watch,
            Entry::Vacant(place) => {
                place.insert(self.found.len());
                self.found.push(watch);
            }
        }
    }
}
