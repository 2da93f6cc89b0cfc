//! `params "glob" { … }`: how the parameters that a glob selects begin and are trained.

use super::arguments;
use super::constant::{Number, Scope, number_text};
use super::selection::{Selecting, selects_no_parameter};
use super::setting_values::boolean;
use crate::catalog::arguments::{DEFERRED, Range};
use crate::catalog::settings::PARAMS;
use crate::catalog::{Kind, Meaning};
use crate::diagnostics::{Code, Diagnostic, Span};
use crate::graph::Graph;
use crate::graph::ops::Axis;
use crate::graph::scalar::ScalarFunction;
use crate::graph::state::{Initializer, State, StateId, StateKind};
use crate::syntax::ast::{ColumnName, Expr, Section};

/// One `params` section; what it does not say stays as it is.
#[derive(Clone, PartialEq, Debug)]
pub struct ParameterGroup {
    pub selector: ColumnName,
    pub initializer: Option<Initializer>,
    /// The rate, and where it is set.
    pub lr: Option<(f64, Span)>,
    pub weight_decay: Option<f64>,
    pub l1: Option<f64>,
    pub l2: Option<f64>,
    /// The bound, and where it is set.
    pub max_norm: Option<(f64, Span)>,
    pub freeze: Option<bool>,
}

const SECTION: Selecting = Selecting {
    keyword: "params",
    words: "a `params` section",
    what: "parameters",
    glob: "*.weight",
    example: "init = Zeros",
    settings: PARAMS,
};

/// Checks a section; `None` if it selects nothing.
pub fn resolve(
    section: &Section,
    scope: &Scope,
    faults: &mut Vec<Diagnostic>,
) -> Option<ParameterGroup> {
    let (selector, mut settings) = SECTION.resolve(section, faults)?;
    let mut number = |name: &str, range: Range, faults: &mut Vec<Diagnostic>| {
        let value = settings.take(name)?;
        Some((rate(name, &value, range, scope, faults)?, value.span))
    };
    let lr = number("lr", Range::NOT_NEGATIVE, faults);
    let mut rate = |name: &str, faults: &mut Vec<Diagnostic>| {
        number(name, Range::NOT_NEGATIVE, faults).map(|(rate, _)| rate)
    };
    let weight_decay = rate("weight_decay", faults);
    let (l1, l2) = (rate("l1", faults), rate("l2", faults));
    let max_norm = number("max_norm", Range::POSITIVE, faults);
    let freeze = settings.take("freeze");
    let freeze = freeze.and_then(|value| boolean("freeze", &value, scope, faults));
    let call = settings.take("init");
    let call = call.and_then(|value| arguments::call(&value, Kind::Initializer, scope, faults));
    let initializer = call.and_then(|call| {
        let Meaning::Initializer(initializer) = &call.entry.meaning else {
            return None;
        };
        Some(initializer(&call.arguments))
    });
    Some(ParameterGroup {
        selector,
        initializer,
        lr,
        weight_decay,
        l1,
        l2,
        max_norm,
        freeze,
    })
}

fn rate(
    name: &str,
    value: &Expr,
    range: Range,
    scope: &Scope,
    faults: &mut Vec<Diagnostic>,
) -> Option<f64> {
    let fault = match scope.number(value) {
        Ok(Number::Known(number)) if range.contains(number) => return Some(number),
        Ok(Number::Known(number)) => Diagnostic::new(
            Code::OutOfRange,
            value.span,
            format!("`{name}` takes a number, {}", range.text()),
        )
        .label(format!("this is {}", number_text(number))),
        Ok(Number::Deferred(_)) => return Some(DEFERRED),
        Err(fault) => *fault,
    };
    faults.push(scope.told(fault, value));
    None
}

/// Tells the parameters of a graph what the sections say of them; of two that select one parameter
/// the later wins, setting by setting. A section that selects nothing is a fault.
///
/// `shortened` says that the data tells of more parameters than the graph has.
pub fn apply(
    groups: &[ParameterGroup],
    graph: &mut Graph,
    shortened: bool,
    faults: &mut Vec<Diagnostic>,
) {
    for group in groups {
        let mut selected = 0;
        let mut rowless = None;
        for state in &mut graph.states {
            let chosen = state.kind == StateKind::Parameter
                && crate::glob::matches(&group.selector.text, &state.name);
            if !chosen {
                continue;
            }
            selected += 1;
            let training = &mut state.training;
            training.lr = group.lr.map(|(rate, _)| rate).or(training.lr);
            training.weight_decay = group.weight_decay.or(training.weight_decay);
            training.l1 = group.l1.unwrap_or(training.l1);
            training.l2 = group.l2.unwrap_or(training.l2);
            training.max_norm = group.max_norm.map(|(bound, _)| bound).or(training.max_norm);
            training.frozen = group.freeze.unwrap_or(training.frozen);
            state.initializer = group.initializer.unwrap_or(state.initializer);
            let place = group.max_norm.filter(|_| state.shape.dims.len() < 2);
            rowless = rowless.or(place.map(|(_, place)| without_rows(state, place)));
        }
        faults.extend(rowless);
        if selected == 0 && !shortened {
            faults.push(selects_no_parameter(&group.selector, graph));
        }
    }
}

/// The fault of a bound on the rows of what has none.
fn without_rows(state: &State, place: Span) -> Diagnostic {
    let State { name, shape, .. } = state;
    let glob = name.rsplit_once('.').map_or("*", |(label, _)| label);
    Diagnostic::new(
        Code::ShapeMismatch,
        place,
        format!("`max_norm` bounds the rows of a matrix, and `{name}` has none"),
    )
    .label(format!("`{name}` is {}", shape.row_text()))
    .also(state.span, "it is of this stage")
    .help(format!(
        "select weights of two axes alone: `params \"{glob}.weight\" {{ max_norm = … }}`, say"
    ))
}

/// Adds what `l1` and `l2` say to the loss: l1 Σ|p| + l2 Σp² (keras.regularizers.L1L2).
pub fn penalise(graph: &mut Graph) {
    let Some(mut loss) = graph.loss else { return };
    let of = |state: StateId, graph: &Graph| graph.state(state).training;
    let penalised: Vec<StateId> = graph
        .state_ids()
        .filter(|state| of(*state, graph).l1 != 0.0 || of(*state, graph).l2 != 0.0)
        .collect();
    for parameter in penalised {
        let training = of(parameter, graph);
        let (name, span) = {
            let state = graph.state(parameter);
            (state.name.clone(), state.span)
        };
        let terms = [
            ("l1", training.l1, ScalarFunction::Abs),
            ("l2", training.l2, ScalarFunction::Square),
        ];
        for (key, weight, function) in terms.into_iter().filter(|(_, weight, _)| *weight != 0.0) {
            let label = format!("{key} of {name}");
            graph.current_origin = graph.add_origin(&label, span);
            let value = graph.state_value(parameter);
            let each = graph.map(function, value);
            let sum = graph.sum(each, Axis::All);
            let term = graph.scale(sum, weight);
            loss = graph.add(loss, term);
        }
    }
    graph.loss = Some(loss);
}
