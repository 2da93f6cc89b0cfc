//! The page of an entry of the catalog.

use nnc::catalog::arguments::{Arguments, Default, Parameter};
use nnc::catalog::{Entry, Kind, Meaning};
use nnc::diagnostics::{FileId, Span};
use nnc::graph::scalar::ScalarFunction;

use super::page::Page;
use super::plot;

/// The kind as the heading of a list.
pub fn plural(kind: Kind) -> &'static str {
    match kind {
        Kind::Layer => "Layers",
        Kind::Loss => "Losses",
        Kind::Optimizer => "Optimizers",
        Kind::Schedule => "Schedules",
        Kind::Stop => "Ways to stop",
        Kind::Average => "Averages of the weights",
        Kind::Initializer => "Initializers",
        Kind::Metric => "Metrics",
        Kind::ColumnKind => "Kinds of columns",
        Kind::Split => "Ways to split",
    }
}

pub fn explain(entry: &Entry, page: &mut Page) {
    let kind = entry.meaning.kind();
    let noun = match entry.meaning {
        Meaning::Activation(_) => "activation",
        Meaning::Layer(_)
        | Meaning::Combination(_)
        | Meaning::Parameter
        | Meaning::Loss(_)
        | Meaning::Optimizer(_)
        | Meaning::Schedule(_)
        | Meaning::Stop
        | Meaning::Average
        | Meaning::Initializer(_)
        | Meaning::Metric(_)
        | Meaning::ColumnKind
        | Meaning::Split => kind.noun(),
    };
    page.heading(&format!("{}: {noun}", entry.name));
    page.prose(entry.summary);
    page.caption("formula");
    page.set_in(entry.formula);
    if let Some(function) = function(entry) {
        page.caption(&format!("{}(x) for x from -4 to 4", entry.name));
        page.code(&plot::plot(function));
    }
    if !entry.parameters.is_empty() {
        page.caption("arguments");
        for parameter in entry.parameters {
            page.row(parameter.name, &argument(parameter));
        }
    }
    page.caption(&format!("example, in `{}`", kind.section()));
    page.code(entry.example);
    page.caption("source");
    page.set_in(entry.source);
    if !entry.also_known_as.is_empty() {
        page.caption("called elsewhere");
        page.set_in(&entry.also_known_as.join(", "));
    }
}

/// What an argument means, what it takes, and what holds without it.
fn argument(parameter: &Parameter) -> String {
    let takes = parameter.kind.text();
    let default = match parameter.default {
        Default::Required => "required".to_owned(),
        Default::Absent(words) => format!("without it: {words}"),
        default @ (Default::Number(_)
        | Default::Boolean(_)
        | Default::Word(_)
        | Default::Pair(..)
        | Default::Size(_)
        | Default::Epochs(_)) => format!("default {}", default.text()),
    };
    let place = match parameter.positional {
        true => "; may be given without its name",
        false => "",
    };
    format!("{}: {takes}; {default}{place}", parameter.summary)
}

/// The function of an activation with its defaults.
fn function(entry: &Entry) -> Option<ScalarFunction> {
    let Meaning::Activation(function) = entry.meaning else {
        return None;
    };
    let nowhere = Span::new(FileId(0), 0..0);
    let mut arguments = Arguments::new(nowhere);
    arguments = arguments.complete(entry.parameters);
    Some(function(&arguments))
}
