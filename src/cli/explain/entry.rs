//! The page of an entry of the catalog.

use nnc::catalog::arguments::Arguments;
use nnc::catalog::{Entry, Meaning};
use nnc::diagnostics::{FileId, Span};
use nnc::graph::scalar::ScalarFunction;

use super::page::Page;
use super::plot;

pub fn explain(entry: &Entry, page: &mut Page) {
    let kind = entry.meaning.kind();
    let noun = match entry.meaning {
        Meaning::Activation(_) => "activation",
        Meaning::Layer(_)
        | Meaning::LastAxis(_)
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
            page.row(parameter.name, &parameter.text());
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
