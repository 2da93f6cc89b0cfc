//! From the AST to what it means: names and arguments against the catalog, columns, the network's
//! graph with its loss. The only room that sees both syntax and catalog.

pub mod arguments;
pub mod constant;
pub mod data;
mod inputs;
pub mod loss;
mod net;
mod settings;
pub mod train;

use std::collections::HashMap;

use crate::catalog::settings::TOP_LEVEL;
use crate::data::spec::{DataSpec, Schema};
use crate::diagnostics::{Code, Diagnostic, Span};
use crate::graph::Graph;
use crate::syntax::ast::{Expr, File, Name, Section, StatementKind};
use constant::Scope;
use loss::LossSpec;
use train::TrainSpec;

/// A parameter's value given from outside: `--set width=128`.
#[derive(Clone, Debug)]
pub struct Override {
    pub name: Name,
    pub value: Expr,
}

/// A file whose sections have been checked, all but the network, which needs the table's schema.
#[derive(Clone, Debug)]
pub struct Declaration {
    pub scope: Scope,
    pub data: DataSpec,
    pub train: Option<TrainSpec>,
    net: Section,
}

/// The network with its loss.
#[derive(Clone, Debug)]
pub struct Resolved {
    pub graph: Graph,
    pub loss: Option<LossSpec>,
}

const SECTIONS: [&str; 4] = ["data", "net", "train", "block"];

/// Checks the sections of a file. What is faulty is reported and left out; without a `net` section
/// there is nothing to go on with.
pub fn declare(
    file: &File,
    overrides: &[Override],
    whole: Span,
    faults: &mut Vec<Diagnostic>,
) -> Option<Declaration> {
    let mut scope = Scope::default();
    let mut sections: HashMap<&str, (&Section, Span)> = HashMap::new();
    for statement in &file.statements {
        match &statement.kind {
            StatementKind::Param { name, value } => {
                parameter(name, value, &mut scope, faults);
            }
            StatementKind::Section(section) => {
                let keyword = section.keyword.text.as_str();
                if keyword == "block" {
                    faults.push(not_supported(section.keyword.span, "`block`"));
                } else if !SECTIONS.contains(&keyword) {
                    faults.push(unknown_section(section));
                } else if let Some((first, _)) = sections.get(keyword) {
                    faults.push(
                        Diagnostic::new(
                            Code::DuplicateName,
                            section.keyword.span,
                            format!("there are two `{keyword}` sections"),
                        )
                        .label("the second one")
                        .also(first.keyword.span, "the first one"),
                    );
                } else {
                    sections.insert(keyword, (section, statement.span));
                }
            }
            StatementKind::Use { path } => faults.push(not_supported(path.span, "`use`")),
            StatementKind::Assign { name, value } => {
                settings::Settings::new("top level", TOP_LEVEL).add(name, value, faults);
            }
            StatementKind::Declare { .. } | StatementKind::Line(_) => faults.push(
                Diagnostic::new(
                    Code::Misplaced,
                    statement.span,
                    "a file consists of sections and `param`s",
                )
                .label("stands outside of any section")
                .help("columns belong into `data { … }`, layers into `net { … }`"),
            ),
        }
    }
    for given in overrides {
        override_parameter(given, &mut scope, faults);
    }
    let data = match sections.get("data") {
        Some((section, span)) => data::resolve(section, *span, &scope, faults),
        None => DataSpec {
            span: whole,
            ..DataSpec::default()
        },
    };
    let train = sections
        .get("train")
        .map(|(section, _)| train::resolve(section, &scope, faults));
    let Some((net, _)) = sections.get("net") else {
        faults.push(
            Diagnostic::new(Code::MissingSection, whole, "the file has no `net` section")
                .label("a network is declared by `net { … }`"),
        );
        return None;
    };
    Some(Declaration {
        scope,
        data,
        train,
        net: (*net).clone(),
    })
}

fn parameter(name: &Name, value: &Expr, scope: &mut Scope, faults: &mut Vec<Diagnostic>) {
    if let Some((_, first)) = scope.parameters.get(&name.text) {
        faults.push(
            Diagnostic::new(
                Code::DuplicateName,
                name.span,
                format!("the param `{}` is declared twice", name.text),
            )
            .label("declared again here")
            .also(*first, "declared first here"),
        );
        return;
    }
    scope
        .parameters
        .insert(name.text.clone(), (value.clone(), name.span));
}

fn override_parameter(given: &Override, scope: &mut Scope, faults: &mut Vec<Diagnostic>) {
    match scope.parameters.get_mut(&given.name.text) {
        Some((value, _)) => *value = given.value.clone(),
        None => {
            let name = &given.name.text;
            let mut names: Vec<&str> = scope.parameters.keys().map(String::as_str).collect();
            names.sort_unstable();
            let fault = Diagnostic::new(
                Code::UnknownName,
                given.name.span,
                format!("the file has no `param {name}`"),
            )
            .label("given by --set")
            .near(name, given.name.span, names.iter().copied());
            faults.push(match names.is_empty() {
                true => fault.note("the file declares no `param`"),
                false => fault.note(format!("there are: {}", names.join(", "))),
            });
        }
    }
}

fn not_supported(span: Span, what: &str) -> Diagnostic {
    Diagnostic::new(
        Code::NotSupported,
        span,
        format!("{what} is not supported yet"),
    )
    .label("part of the language, without a meaning in this version")
}

fn unknown_section(section: &Section) -> Diagnostic {
    let name = &section.keyword.text;
    Diagnostic::new(
        Code::UnknownSection,
        section.keyword.span,
        format!("there is no section `{name}`"),
    )
    .label("unknown section")
    .near(name, section.keyword.span, SECTIONS)
    .note("a file has the sections `data`, `net` and `train`")
}

impl Declaration {
    /// Builds the network's graph, with its loss if there is a `train` section.
    pub fn resolve(&self, schema: &Schema, faults: &mut Vec<Diagnostic>) -> Option<Resolved> {
        let network = net::resolve(&self.net, schema, &self.scope, faults);
        let mut graph = network.graph;
        graph.prediction = network.result;
        graph.prediction?;
        let learns = graph.parameters().next().is_some();
        let loss = match &self.train {
            Some(train) => loss::resolve(
                train,
                &mut graph,
                network.result_span,
                schema,
                &self.data,
                faults,
            ),
            None => {
                if learns {
                    faults.push(
                        Diagnostic::new(
                            Code::MissingSection,
                            self.net.keyword.span,
                            "the network has parameters, but the file has no `train` section",
                        )
                        .label("this network learns")
                        .help(
                            "add `train { loss = MSE; optimizer = SGD(lr = 1e-3); epochs = 100 }`",
                        ),
                    );
                }
                None
            }
        };
        if let Some(train) = &self.train {
            initial_values(train, &mut graph, faults);
        }
        Some(Resolved { graph, loss })
    }
}

/// Gives parameters the initial values that `params "glob" { init = … }` asks for.
fn initial_values(train: &TrainSpec, graph: &mut Graph, faults: &mut Vec<Diagnostic>) {
    use crate::graph::state::StateKind;
    for values in &train.initial_values {
        let mut selected = 0;
        for state in &mut graph.states {
            let chosen = state.kind == StateKind::Parameter
                && crate::glob::matches(&values.selector.text, &state.name);
            if chosen {
                state.initializer = values.initializer;
                selected += 1;
            }
        }
        if selected == 0 {
            let names: Vec<&str> = graph
                .states
                .iter()
                .map(|state| state.name.as_str())
                .collect();
            faults.push(
                Diagnostic::new(
                    Code::UnknownName,
                    values.selector.span,
                    format!("no parameter's path matches `{}`", values.selector.text),
                )
                .label("selects nothing")
                .note(format!("there are: {}", names.join(", "))),
            );
        }
    }
}
