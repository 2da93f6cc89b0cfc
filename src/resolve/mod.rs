//! From the AST to what it means: names and arguments against the catalog, columns, the network's
//! graph with its loss. The only module that sees both syntax and catalog.

pub mod advice;
pub mod arguments;
pub mod block;
mod columns;
mod comparison;
pub mod constant;
pub mod data;
pub mod groups;
mod habits;
mod inputs;
pub mod loss;
pub mod loss_terms;
mod net;
mod parameters;
pub mod schedule;
mod selection;
mod setting_values;
mod settings;
mod table_format;
pub mod train;
pub mod train_spec;
mod unit;
mod unknown;
pub mod uses;
mod values;
pub mod watch;

use std::collections::HashMap;

use crate::catalog;
use crate::catalog::settings::TOP_LEVEL;
use crate::data::spec::{DataSpec, Field, FieldKind, Others, Role, Schema};
use crate::diagnostics::{Code, Diagnostic, Span};
use crate::graph::ops::Op;
use crate::graph::shape::Dim;
use crate::graph::{Graph, ValueId};
use crate::syntax;
use crate::syntax::ast::{Expr, ExprKind, File, Name, Section, Statement, StatementKind};
use constant::{Facts, Scope};
use loss::LossSpec;
use train_spec::TrainSpec;
use uses::Uses;

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
    /// Warnings that the file silences.
    pub allowed: Vec<Code>,
    net: Section,
    /// The `train` section, which is read again when the data has told its facts.
    training: Option<Section>,
    /// Columns whose declarations are faulty: what they hold is not known, only that they are.
    faulty: Vec<FaultyColumn>,
}

/// A column whose declaration has been reported.
#[derive(Clone, PartialEq, Debug)]
pub struct FaultyColumn {
    /// `None` if the fault is in the word that would say so.
    pub role: Option<Role>,
    pub name: String,
    pub span: Span,
}

/// The network with its loss.
#[derive(Clone, Debug)]
pub struct Resolved {
    pub graph: Graph,
    pub loss: Option<LossSpec>,
    /// Warnings.
    pub advice: Vec<Diagnostic>,
    /// What the network waits for, as expressions of the facts of the data.
    pub deferred: Vec<String>,
}

const BLOCK: &str = "block";
const SECTIONS: [&str; 4] = ["data", "net", "train", BLOCK];

fn two_sections(first: &Section, second: &Section) -> Diagnostic {
    let keyword = &second.keyword.text;
    Diagnostic::new(
        Code::DuplicateName,
        second.keyword.span,
        format!("there are two `{keyword}` sections"),
    )
    .label("the second one")
    .also(first.keyword.span, "the first one")
}

/// The fault of a file without a `net` section, which may hold blocks alone.
fn no_network(whole: Span, lends: bool) -> Diagnostic {
    let fault = Diagnostic::new(Code::MissingSection, whole, "the file has no `net` section")
        .label("no network is declared in this file");
    if lends {
        fault.help("a file of blocks is for others: `use` it in a model, and check that")
    } else {
        fault.help("write `net { Linear(1) }`, say")
    }
}

/// Checks the sections of a file. What is faulty is reported and left out; without a `net` section
/// there is nothing to go on with.
pub fn declare(
    file: &File,
    overrides: &[Override],
    whole: Span,
    mut uses: Uses,
    faults: &mut Vec<Diagnostic>,
) -> Option<Declaration> {
    let mut scope = Scope::default();
    let mut sections: HashMap<&str, &Section> = HashMap::new();
    let mut settings = settings::Settings::new(settings::TOP_LEVEL_WORDS, TOP_LEVEL);
    let mut set: Vec<&str> = Vec::new();
    uses.declare_blocks(file, &mut scope, faults);
    for statement in &file.statements {
        match &statement.kind {
            StatementKind::Param { .. } | StatementKind::Use { .. } => {}
            StatementKind::Section(section) => {
                let keyword = section.keyword.text.as_str();
                if keyword == BLOCK {
                    continue;
                }
                if !SECTIONS.contains(&keyword) {
                    faults.push(unknown_section(section));
                } else if let Some(first) = sections.get(keyword) {
                    faults.push(two_sections(first, section));
                } else {
                    faults.extend(named_section(section));
                    sections.insert(keyword, section);
                }
            }
            StatementKind::Assign { name, value } => {
                settings.add(name, value, faults);
                set.push(name.text.as_str());
                // What is set here most likely lacks its `param`: its uses are no faults too.
                if TOP_LEVEL.iter().all(|known| known.name != name.text) {
                    let parameter = (value.clone(), name.span);
                    scope.parameters.declare(&name.text, parameter);
                }
            }
            StatementKind::Declare { .. } | StatementKind::Line(_) => {
                faults.push(outside_of_sections(statement));
            }
        }
    }
    for given in overrides {
        override_parameter(given, &mut scope, faults);
    }
    let allowed = settings.take("allow");
    let allowed = allowed.map(|value| advice::allowed(&value, faults));
    let mut faulty = Vec::new();
    let data = match sections.get("data") {
        Some(section) => data::resolve(section, &scope, &mut faulty, faults),
        None => DataSpec {
            span: whole,
            ..DataSpec::default()
        },
    };
    let training = sections.get("train").copied();
    let train = training.map(|section| {
        let mut scope = scope.clone();
        scope.facts = Some(untold(&data, &faulty));
        train::resolve(section, &scope, faults)
    });
    let Some(net) = sections.get("net") else {
        // A section of an unknown name may be what was meant by it.
        let meant = |fault: &Diagnostic| fault.code == Code::UnknownSection;
        if !faults.iter().any(meant) && !set.contains(&"net") {
            let lends = sections.is_empty() && !scope.blocks.is_empty();
            faults.push(no_network(whole, lends));
        }
        return None;
    };
    Some(Declaration {
        scope,
        data,
        train,
        allowed: allowed.unwrap_or_default(),
        net: (*net).clone(),
        training: training.cloned(),
        faulty,
    })
}

fn outside_of_sections(statement: &Statement) -> Diagnostic {
    let foreign = match &statement.kind {
        StatementKind::Declare { keyword, .. } => syntax::foreign_statement(&keyword.text),
        StatementKind::Param { .. }
        | StatementKind::Use { .. }
        | StatementKind::Assign { .. }
        | StatementKind::Line(_)
        | StatementKind::Section(_) => None,
    };
    let help = foreign.unwrap_or("columns belong into `data { … }`, layers into `net { … }`");
    Diagnostic::new(
        Code::Misplaced,
        statement.span,
        "a file consists of sections and `param`s",
    )
    .label("stands outside of any section")
    .help(help)
}

/// Checks what a file has beside the blocks that it lends: its own data, network and training are left
/// alone, as another model may be what it is.
fn check_lender(file: &File, faults: &mut Vec<Diagnostic>) {
    for statement in &file.statements {
        match &statement.kind {
            StatementKind::Section(section) => {
                if !SECTIONS.contains(&section.keyword.text.as_str()) {
                    faults.push(unknown_section(section));
                }
            }
            StatementKind::Declare { .. } | StatementKind::Line(_) => {
                faults.push(outside_of_sections(statement));
            }
            StatementKind::Param { .. }
            | StatementKind::Use { .. }
            | StatementKind::Assign { .. } => {}
        }
    }
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
    let reserved = name.text == "in" || constant::FACTS.contains(&name.text.as_str());
    if reserved || catalog::entries().any(|entry| entry.name == name.text) {
        faults.push(
            Diagnostic::new(
                Code::DuplicateName,
                name.span,
                format!("a `param` cannot be called `{}`", name.text),
            )
            .label(if reserved {
                "a word of the language"
            } else {
                "an entry of the catalog"
            }),
        );
        return;
    }
    let bound = (value.clone(), name.span);
    scope.parameters.declare(&name.text, bound);
}

fn override_parameter(given: &Override, scope: &mut Scope, faults: &mut Vec<Diagnostic>) {
    match scope.parameters.declared_mut(&given.name.text) {
        Some((value, _)) => {
            let share = matches!(value.kind, ExprKind::Number { percent: true, .. });
            *value = given.value.clone();
            // A share stays one: 0.1 is 10%.
            if let ExprKind::Number { percent, .. } = &mut value.kind {
                *percent |= share;
            }
        }
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
            faults.push(if names.is_empty() {
                fault.note("the file declares no `param`")
            } else {
                fault.note(format!("there are: {}", names.join(", ")))
            });
        }
    }
}

fn unknown_section(section: &Section) -> Diagnostic {
    let name = &section.keyword.text;
    let alias = match name.to_lowercase().as_str() {
        "model" | "network" | "layers" | "architecture" | "module" => Some("net"),
        "dataset" | "columns" | "inputs" | "features" | "input" => Some("data"),
        "training" | "optimizer" | "fit" | "optim" | "trainer" => Some("train"),
        _ => None,
    };
    let fault = Diagnostic::new(
        Code::UnknownSection,
        section.keyword.span,
        format!("there is no section `{name}`"),
    )
    .label("unknown section")
    .near(name, section.keyword.span, SECTIONS)
    .note("a file has the sections `data`, `net`, `train` and `block`; `params` and `watch` stand in `train`");
    match (alias, name.as_str()) {
        (Some(alias), _) => fault
            .label(format!("this is called `{alias}` here"))
            .suggest(section.keyword.span, alias),
        (None, "params" | "watch") => fault.help(format!("`{name}` stands inside of `train`")),
        (None, _) => match syntax::foreign_statement(name) {
            Some(help) => fault.help(help),
            None => fault,
        },
    }
}

/// The fault of a string, a name or parameters after a section's word that takes none.
fn named_section(section: &Section) -> Option<Diagnostic> {
    let selector = section.selector.as_ref().map(|selector| selector.span);
    let name = section.name.as_ref().map(|name| name.span);
    let parameter = section.parameters.first();
    let parameter = parameter.map(|parameter| parameter.name.span);
    let span = selector.or(name).or(parameter)?;
    Some(
        Diagnostic::new(
            Code::Misplaced,
            span,
            format!("a `{}` section has no name", section.keyword.text),
        )
        .label("remove this"),
    )
}

/// The facts of the data before any of it is known: only which there are.
fn untold(data: &DataSpec, faulty: &[FaultyColumn]) -> Facts {
    let deferred = |name: &str| Dim::deferred(name);
    let targets = data
        .columns
        .iter()
        .filter(|column| column.role == Role::Target && column.kind.number().is_none());
    let faulty = faulty
        .iter()
        .filter(|column| column.role == Some(Role::Target));
    Facts {
        classes: (targets.clone().count() + faulty.count() == 1).then(|| deferred("classes")),
        categories: targets.map(|target| target.name.text.clone()).collect(),
        features: deferred("features"),
        rows: deferred("rows"),
    }
}

impl Declaration {
    /// Reads the settings of `train` again, with what the schema tells of the data.
    pub fn tell(&mut self, schema: &Schema, faults: &mut Vec<Diagnostic>) {
        let Some(section) = &self.training else {
            return;
        };
        let mut scope = self.scope.clone();
        scope.facts = Some(net::facts(&self.with_faulty(schema)));
        self.train = Some(train::resolve(section, &scope, faults));
    }

    /// Builds the network's graph, with its loss if there is a `train` section. Without a result there
    /// is a fault; with one there may be faults too.
    pub fn resolve(&self, schema: &Schema, faults: &mut Vec<Diagnostic>) -> Option<Resolved> {
        let schema = &self.with_faulty(schema);
        let before = faults.len();
        let network = net::resolve(&self.net, schema, &self.data, &self.scope, faults);
        let whole = faults.len() == before;
        let mut graph = network.graph;
        let mut advice = network.advice;
        graph.prediction = network.result;
        let several = schema.targets.len() > 1;
        if several && whole {
            graph.prediction = Some(side_by_side(&mut graph, &network.outputs));
        }
        let target = |role: &Option<Role>| matches!(role, Some(Role::Target) | None);
        let Some(train) = &self.train else {
            if graph.parameters().next().is_some() {
                faults.push(
                    Diagnostic::new(
                        Code::MissingSection,
                        self.net.keyword.span,
                        "the network has parameters, but the file has no `train` section",
                    )
                    .label("this network learns")
                    .help("add `train { loss = MSE; optimizer = SGD(lr = 1e-3); epochs = 100 }`"),
                );
            }
            graph.prediction?;
            return Some(Resolved {
                graph,
                loss: None,
                advice,
                deferred: network.deferred,
            });
        };
        let loss = if self.faulty.iter().any(|column| target(&column.role)) {
            None
        } else {
            loss::resolve(
                train,
                &mut graph,
                &network.outputs,
                whole,
                schema,
                &self.data,
                faults,
            )
        };
        if whole {
            check_watched(train, schema, faults);
            groups::apply(&train.groups, &mut graph, network.shortened, faults);
            let shortened = network.shortened;
            watch::apply(
                &train.watches,
                &network.stages,
                &mut graph,
                shortened,
                faults,
            );
            advice::of_network(&graph, &network.outputs, loss.as_ref(), &mut advice);
            advice::of_schedule(train, &mut advice);
            if let Some(rows) = schema.rows {
                advice::of_batches(train, rows.train, &mut advice);
            }
            groups::penalise(&mut graph);
        }
        graph.prediction?;
        // A faulty line seems to lack what it could not be read for.
        advice.retain(|_| whole);
        Some(Resolved {
            graph,
            loss,
            advice,
            deferred: network.deferred,
        })
    }

    /// Those of the warnings that the file does not silence.
    pub fn unsilenced(&self, mut advice: Vec<Diagnostic>) -> Vec<Diagnostic> {
        advice.retain(|warning| !self.allowed.contains(&warning.code));
        advice
    }

    /// The schema with the columns whose declarations are faulty, as numbers of unknown width.
    fn with_faulty(&self, schema: &Schema) -> Schema {
        let mut schema = schema.clone();
        for column in &self.faulty {
            let field = Field {
                name: column.name.clone(),
                span: column.span,
                kind: FieldKind::Numbers { width: None },
            };
            match column.role {
                Some(Role::Weight) => {}
                Some(Role::Input) | None => schema.inputs.push(field),
                Some(Role::Target) => schema.targets.push(Field {
                    kind: FieldKind::Category {
                        classes: None,
                        embed: None,
                        others: Others::Learned,
                    },
                    ..field
                }),
            }
        }
        schema
    }
}

/// The values of all targets as one, in the order of the targets.
fn side_by_side(graph: &mut Graph, outputs: &[Option<net::Output>]) -> ValueId {
    let values: Vec<ValueId> = outputs
        .iter()
        .map(|output| {
            output
                .expect("a whole network has a value for each target")
                .value
        })
        .collect();
    graph.current_origin = graph.node(values[0]).origin;
    let all = graph.push(Op::Concat, &values);
    graph.nodes[all.index()].name = Some("outputs".into());
    all
}

/// `stop` and `restore = best` follow the validation loss, so there must be one.
fn check_watched(train: &TrainSpec, schema: &Schema, faults: &mut Vec<Diagnostic>) {
    let rows = schema.rows.map(|rows| rows.validate);
    if let (Some(place), Some(0)) = (train.watched, rows) {
        faults.push(
            Diagnostic::new(
                Code::TooFewRows,
                place,
                "there are no validation rows whose loss could be followed",
            )
            .label("follows the validation loss")
            .help("divide the rows in `data`: `split = random(validate = 20%)`"),
        );
    }
}
