//! The `net` section: lines become nodes of the graph, shapes checked as they are built.
//!
//! After a fault the network goes on with a value of unknown width, so that one run finds the faults
//! of all lines; a graph that holds one is never used.

mod blocks;
mod bodies;
mod expressions;
mod names;
mod outputs;
mod stages;
#[cfg(test)]
mod tests;
mod trial;

use std::collections::{HashMap, HashSet};

use super::advice;
use super::arguments;
use super::constant::{Facts, Scope};
use super::inputs::Inputs;
use super::watch::Stage;
use crate::catalog::Kind;
use crate::data::spec::{DataSpec, Role, Schema};
use crate::diagnostics::{Code, Diagnostic, Span};
use crate::graph::ops::{InputKind, Op};
use crate::graph::shape::{Dim, Shape};
use crate::graph::{Graph, OriginId, SEVERAL_INPUTS, ValueId};
use crate::syntax;
use crate::syntax::ast::{ColumnName, Expr, ExprKind, Name, Section, Statement, StatementKind};
use expressions::Operand;
use names::{Binding, Bound};

/// The entry that is written where values are.
const PARAMETER: &str = "Parameter";

/// The largest tensor: more elements than any machine's memory holds.
pub const MOST_ELEMENTS: usize = 1 << 36;

/// The result of a line that the next line may continue from.
#[derive(Clone)]
struct Flow {
    value: ValueId,
    span: Span,
    /// The name that the line gave it.
    name: Option<String>,
    used: bool,
}

/// The network's part of a graph.
pub struct Network {
    pub graph: Graph,
    /// The value of the last line; with several targets, none.
    pub result: Option<ValueId>,
    /// The value for each target; with one it is the result, and without any too.
    pub outputs: Vec<Option<Output>>,
    /// What the text calls by a path or a name.
    pub stages: Vec<Stage>,
    /// Warnings.
    pub advice: Vec<Diagnostic>,
    /// What its numbers and repetitions wait for, as expressions of the facts of the data.
    pub deferred: Vec<String>,
    /// Whether a body stands once that the data repeats.
    pub shortened: bool,
}

/// A value that predicts a target, and where it was written.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    pub value: ValueId,
    pub span: Span,
}

/// Builds the network of a `net` section. It is whole if no fault was added.
pub fn resolve(
    section: &Section,
    schema: &Schema,
    data: &DataSpec,
    scope: &Scope,
    faults: &mut Vec<Diagnostic>,
) -> Network {
    let mut graph = Graph::new();
    let origin = graph.add_origin(SEVERAL_INPUTS, section.keyword.span);
    let inputs = Inputs::new(schema, origin);
    let mut scope = scope.clone();
    scope.facts = Some(facts_of(schema, &inputs));
    let places = inputs.places();
    scope
        .values
        .extend(places.map(|(name, place)| (name.to_string(), place)));
    let targets = schema.targets.iter();
    let mut file_scope = scope.clone();
    file_scope.values.clear();
    let mut net = Net {
        graph,
        inputs,
        targets: targets
            .map(|field| (field.name.clone(), field.span))
            .collect(),
        unseen: unseen(data),
        scope,
        file_scope,
        frames: vec![Frame::default()],
        open_blocks: Vec::new(),
        applied: HashSet::new(),
        spent: 0,
        reported: HashSet::new(),
        advice: Vec::new(),
        stages: Vec::new(),
        deferred: Vec::new(),
        shortened: false,
        faults,
    };
    net.check_parameters();
    let before = net.faults.len();
    let result = net.body(&section.body, section.keyword.span, "the network");
    let outputs = match schema.targets.len() {
        0 | 1 => vec![result.as_ref().map(|flow| Output {
            value: flow.value,
            span: flow.span,
        })],
        _ => {
            let faultless = net.faults.len() == before;
            net.outputs(schema, section.keyword.span, result.filter(|_| faultless))
        }
    };
    let outputs = outputs
        .into_iter()
        .map(|output| net.flat(output?))
        .collect::<Vec<_>>();
    net.report_unused();
    net.report_too_big(0);
    net.try_unused_blocks();
    let unused = net.inputs.unused().map(advice::unused_input);
    net.advice.extend(unused);
    Network {
        advice: net.advice,
        stages: net.stages,
        deferred: net.deferred,
        shortened: net.shortened,
        graph: net.graph,
        result: outputs.first().and_then(|output| Some((*output)?.value)),
        outputs,
    }
}

/// The columns that a file names, but not for its network.
fn unseen(data: &DataSpec) -> HashMap<String, (&'static str, Span)> {
    let weights = data.columns.iter().filter(|it| it.role == Role::Weight);
    let weights = weights.map(|column| (&column.name, "the weight of the rows"));
    let ignored = data
        .ignored
        .iter()
        .map(|name| (name, "a column that is ignored"));
    weights
        .chain(ignored)
        .map(|(name, what)| (name.text.clone(), (what, name.span)))
        .collect()
}

/// The facts of the data, as far as they are known.
pub fn facts(schema: &Schema) -> Facts {
    facts_of(schema, &Inputs::new(schema, OriginId::default()))
}

fn facts_of(schema: &Schema, inputs: &Inputs) -> Facts {
    use crate::data::spec::FieldKind;
    let deferred = |name: &str| Dim::Deferred(name.into());
    let categories = schema.targets.iter().filter_map(|field| match &field.kind {
        FieldKind::Category { classes, .. } => Some((field.name.clone(), classes)),
        FieldKind::Numbers { .. } => None,
    });
    let categories: Vec<_> = categories.collect();
    // Of several categories none is *the* target.
    let classes = match &categories[..] {
        [(_, classes)] => Some(classes.map_or_else(|| deferred("classes"), Into::into)),
        _ => None,
    };
    Facts {
        classes,
        categories: categories.into_iter().map(|(name, _)| name).collect(),
        features: inputs.width(),
        rows: schema
            .rows
            .map_or_else(|| deferred("rows"), |rows| rows.train.into()),
    }
}

struct Net<'n> {
    graph: Graph,
    inputs: Inputs,
    /// Names of the targets, which the network cannot see.
    targets: HashMap<String, Span>,
    /// Columns that are no values, each with what it is.
    unseen: HashMap<String, (&'static str, Span)>,
    scope: Scope,
    /// What the blocks of the file see beside their parameters.
    file_scope: Scope,
    /// The bodies that are being built, the innermost last.
    frames: Vec<Frame>,
    /// The blocks that are being applied, with the places of their uses.
    open_blocks: Vec<OpenBlock>,
    /// The blocks that have been applied, by where they are declared.
    applied: HashSet<Span>,
    /// Lines and stages built so far, blocks and repetitions unfolded.
    spent: usize,
    /// Places whose parameters have been reported as too big.
    reported: HashSet<Span>,
    advice: Vec<Diagnostic>,
    stages: Vec<Stage>,
    deferred: Vec<String>,
    shortened: bool,
    faults: &'n mut Vec<Diagnostic>,
}

/// A block that is being applied.
struct OpenBlock {
    /// Where it is declared, which tells it apart.
    declared: Span,
    /// Its whole declaration.
    text: Span,
    used: Span,
    /// The open block whose text uses it; `None` of the network.
    writer: Option<usize>,
}

/// A body that is being built.
#[derive(Default)]
struct Frame {
    /// What the paths of its stages begin with: nothing, or a path and a dot.
    prefix: String,
    names: HashMap<String, Binding>,
    /// Stages so far; unlabelled ones are numbered by it.
    stages: usize,
    /// The path that the only, unlabelled stage of the body takes instead of its own.
    sole: Option<String>,
    /// The name that the line being built binds.
    line_name: Option<String>,
    /// What flows into the body; of the network, all inputs.
    input: Option<Flow>,
    /// Whether names around the body are out of sight.
    of_block: bool,
    /// How often the body was built at this path before: a shared block is.
    use_number: usize,
}

impl Frame {
    fn path_of(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }
}

impl Net<'_> {
    /// Builds the lines of a body; without a result there is a fault.
    fn body(&mut self, statements: &[Statement], span: Span, what: &str) -> Option<Flow> {
        if statements.is_empty() {
            self.faults.push(
                Diagnostic::new(Code::MissingSection, span, format!("{what} has no lines"))
                    .label("nothing between the braces")
                    .help("write `Linear(1)`, say"),
            );
            return None;
        }
        let before = self.faults.len();
        let mut flow: Option<Flow> = None;
        for statement in statements {
            if let Some((name, value)) = self.line_of(statement) {
                if !self.spend(statement.span) {
                    break;
                }
                flow = self.line(name, value, flow);
            }
        }
        // With several targets the last line is a line as any other.
        let of_targets = self.frames.len() == 1 && self.targets.len() > 1;
        match &flow {
            Some(_) if of_targets => {}
            Some(flow) => self.mark_used(flow.name.as_deref()),
            None => {
                let names = &mut self.frame_mut().names;
                names.values_mut().for_each(|name| name.used = true);
                if self.faults.len() == before {
                    self.faults.push(
                        Diagnostic::new(
                            Code::MissingSection,
                            span,
                            format!("{what} has no result"),
                        )
                        .label("none of its lines gives a value")
                        .help("end it with a layer or a value: `Linear(1)`, say"),
                    );
                }
            }
        }
        flow
    }

    /// The name and the value of a line; what is no line is declared or reported.
    fn line_of<'s>(&mut self, statement: &'s Statement) -> Option<(Option<&'s Name>, &'s Expr)> {
        match &statement.kind {
            StatementKind::Assign { name, value } => return Some((Some(name), value)),
            StatementKind::Line(value) => return Some((None, value)),
            StatementKind::Declare {
                keyword,
                names,
                kind,
                from,
            } => self.declare(keyword, names, kind.as_ref(), from.as_ref()),
            StatementKind::Section(section) => self.misplaced_section(section),
            StatementKind::Param { name, .. } => {
                self.faults.push(
                    Diagnostic::new(
                        Code::Misplaced,
                        statement.span,
                        "a `param` stands at the top level of the file",
                    )
                    .label("inside of a body")
                    .help("move it above the sections"),
                );
                self.bind_faulty(name);
            }
            StatementKind::Use { .. } => self.faults.push(
                Diagnostic::new(
                    Code::Misplaced,
                    statement.span,
                    "`use` stands at the top level of the file",
                )
                .label("inside of a body"),
            ),
        }
        None
    }

    /// Builds a line; gives what the next one may continue from.
    fn line(&mut self, name: Option<&Name>, value: &Expr, before: Option<Flow>) -> Option<Flow> {
        self.frame_mut().line_name = name.map(|name| name.text.clone());
        // Whether a parameter without a value is a layer or a number, only a use of its block tells.
        if self.scope.is_waiting(value) {
            name.iter().for_each(|name| self.bind_faulty(name));
            return Some(self.faulty_flow(value.span));
        }
        let first = head(value);
        if self.is_stage(first) {
            let start = match before {
                Some(before) => {
                    self.mark_used(before.name.as_deref());
                    before
                }
                None => self.body_input(first.span),
            };
            let result = self.pipeline_from(value, start);
            return Some(self.result(name, value.span, result));
        }
        let operand = self.expression(value);
        match operand {
            Some(Operand::Value(result)) => {
                // A label stands for no value: most likely its stage's result was meant, which is used.
                let of_label = self.is_label(first);
                self.report_dropped(before.filter(|_| !of_label));
                Some(self.result(name, value.span, result))
            }
            Some(Operand::List(items)) => {
                self.list_as_value(value.span, items.len());
                if let Some(name) = name {
                    self.bind_faulty(name);
                }
                self.report_dropped(before);
                Some(self.faulty_flow(value.span))
            }
            Some(Operand::Number(number)) => {
                match name {
                    Some(name) => {
                        self.bind(name, Bound::Number(number));
                    }
                    None => self.faults.push(
                        Diagnostic::new(Code::UnusedResult, value.span, "a number alone on a line")
                            .label("this number is unused"),
                    ),
                }
                before
            }
            None => {
                if let Some(name) = name {
                    self.bind_faulty(name);
                }
                Some(self.faulty_flow(value.span))
            }
        }
    }

    fn faulty_flow(&mut self, span: Span) -> Flow {
        Flow {
            value: self.placeholder(),
            span,
            name: None,
            used: true,
        }
    }

    /// Binds the result of a line to its name.
    fn result(&mut self, name: Option<&Name>, span: Span, value: ValueId) -> Flow {
        if let Some(name) = name {
            self.bind(name, Bound::Value(value));
            let path = self.frame().path_of(&name.text);
            let node = &mut self.graph.nodes[value.index()];
            node.name.get_or_insert_with(|| path.as_str().into());
            // A parameter is recorded as such.
            if !matches!(node.op, Op::State(_)) {
                self.stages.push(Stage { path, value });
            }
        }
        Flow {
            value,
            span,
            name: name.map(|name| name.text.clone()),
            used: false,
        }
    }

    /// Applies the stages of a line that begins with one.
    fn pipeline_from(&mut self, expr: &Expr, start: Flow) -> ValueId {
        match &expr.kind {
            ExprKind::Pipeline { head, stages } => {
                let first = self.stage(head, start);
                self.stages_of(stages, first)
            }
            ExprKind::Number { .. }
            | ExprKind::Text(_)
            | ExprKind::Bool(_)
            | ExprKind::Name(_)
            | ExprKind::List(_)
            | ExprKind::Call { .. }
            | ExprKind::Negate(_)
            | ExprKind::Binary { .. }
            | ExprKind::Labelled { .. }
            | ExprKind::Repeat { .. }
            | ExprKind::Residual { .. } => self.stage(expr, start).value,
        }
    }

    fn stages_of(&mut self, stages: &[Expr], mut flow: Flow) -> ValueId {
        for stage in stages {
            flow = self.stage(stage, flow);
        }
        flow.value
    }

    /// What stands for the result of a faulty line or stage: any width fits it.
    fn placeholder(&mut self) -> ValueId {
        let kind = InputKind::Features;
        let width = Dim::Deferred("?".into());
        self.graph.push(Op::Input { kind, width }, &[])
    }

    /// Whether a line that begins with this expression continues from the line above.
    fn is_stage(&self, head: &Expr) -> bool {
        match &head.kind {
            ExprKind::Call { name, .. } => name.text != PARAMETER,
            ExprKind::Labelled { .. } | ExprKind::Repeat { .. } | ExprKind::Residual { .. } => true,
            ExprKind::Name(name) => self.is_layer_name(name),
            ExprKind::Number { .. }
            | ExprKind::Text(_)
            | ExprKind::Bool(_)
            | ExprKind::List(_)
            | ExprKind::Negate(_)
            | ExprKind::Binary { .. }
            | ExprKind::Pipeline { .. } => false,
        }
    }

    fn is_layer_name(&self, name: &str) -> bool {
        if let Some(binding) = self.binding(name) {
            return matches!(binding.bound, Bound::Shared { .. } | Bound::FaultyLayer);
        }
        if name == PARAMETER || self.sees_inputs() && self.inputs.has(name) {
            return false;
        }
        let layer = match self.scope.parameter(name).map(|expr| &expr.kind) {
            Some(ExprKind::Name(value)) => value,
            Some(ExprKind::Call { .. }) => return true,
            Some(_) => return false,
            None => name,
        };
        layer.starts_with(|first: char| first.is_uppercase())
    }

    /// What flows into the body.
    fn body_input(&mut self, span: Span) -> Flow {
        if let Some(flow) = &self.frame().input {
            return flow.clone();
        }
        Flow {
            value: self.whole_input(span),
            span: self.inputs.place().unwrap_or(span),
            name: None,
            used: true,
        }
    }

    fn whole_input(&mut self, span: Span) -> ValueId {
        if let Some(value) = self.inputs.whole(&mut self.graph) {
            return value;
        }
        self.faults.push(
            Diagnostic::new(Code::NoInput, span, "the network has no input")
                .label("nothing flows in here")
                .help("declare one in the `data` section: `input x: number`"),
        );
        self.placeholder()
    }

    /// A result, unless its rows have several axes, which is reported: a prediction has one.
    fn flat(&mut self, output: Output) -> Option<Output> {
        let shape = self.graph.shape(output.value);
        if shape.dims.len() == 1 {
            return Some(output);
        }
        let fault = Diagnostic::new(
            Code::ShapeMismatch,
            output.span,
            format!(
                "a prediction is a row of one axis, not of shape {}",
                shape.row_text()
            ),
        );
        let fault = fault.label(format!("shape {}", shape.row_text()));
        self.faults
            .push(fault.help("end the line with `-> Flatten`"));
        None
    }

    fn begin(&mut self, label: &str, span: Span) -> OriginId {
        let origin = self.graph.add_origin(label, span);
        self.graph.current_origin = origin;
        origin
    }

    /// Reports parameters, from the given one on, beyond what any machine can hold: one at each place.
    /// Gives whether there were any.
    fn report_too_big(&mut self, first: usize) -> bool {
        let too_big = |shape: &Shape| {
            let known = shape.dims.iter().all(|dim| dim.known().is_some());
            let elements = shape.elements();
            shape.dims.contains(&Dim::TooLarge)
                || known && elements.is_none_or(|elements| elements > MOST_ELEMENTS)
        };
        let before = self.reported.len();
        for state in &self.graph.states[first..] {
            if !too_big(&state.shape) || !self.reported.insert(state.span) {
                continue;
            }
            self.faults.push(
                Diagnostic::new(
                    Code::TooBig,
                    state.span,
                    format!(
                        "`{}` of shape {} is too big",
                        state.name,
                        state.shape.row_text()
                    ),
                )
                .label("more than 2^36 numbers in one parameter"),
            );
        }
        self.reported.len() > before
    }

    /// `shared enc: Linear(64)`.
    fn declare(
        &mut self,
        keyword: &Name,
        names: &[ColumnName],
        kind: Option<&Expr>,
        from: Option<&ColumnName>,
    ) {
        let names = names.iter().map(|name| Name {
            text: name.text.clone(),
            span: name.span,
        });
        if keyword.text != "shared" {
            let names: Vec<Name> = names.collect();
            let fault = self.not_shared(keyword, &names);
            self.faults.push(fault);
            self.mark_used(Some(&keyword.text));
            for name in names {
                match self.taken(&name.text) {
                    Some(_) => self.mark_used(Some(&name.text)),
                    None => self.bind_faulty(&name),
                }
            }
            return;
        }
        if let Some(from) = from {
            self.faults.push(
                Diagnostic::new(Code::Misplaced, from.span, "a shared layer takes no `from`")
                    .label("has no meaning here"),
            );
        }
        let Some(kind) = kind else {
            self.faults.push(
                Diagnostic::new(
                    Code::MissingArgument,
                    keyword.span,
                    "`shared` does not say which layer is shared",
                )
                .label("write `shared enc: Linear(64)`"),
            );
            names.for_each(|name| self.bind_faulty_layer(&name));
            return;
        };
        // The layer is checked where it is declared, whether it is used or not; a block's body, where
        // it is used.
        let checked = self.block_of(kind).is_some()
            || arguments::call(kind, Kind::Layer, &self.scope, self.faults).is_some();
        for name in names {
            if !checked {
                self.bind_faulty_layer(&name);
                continue;
            }
            let shared = Bound::Shared {
                layer: kind.clone(),
                path: self.frame().path_of(&name.text),
                uses: 0,
            };
            self.bind(&name, shared);
        }
    }

    /// The fault of a line that begins with two words, of which the first declares nothing.
    fn not_shared(&self, keyword: &Name, names: &[Name]) -> Diagnostic {
        if let (Some(Some(_)), Some(second)) = (self.taken(&keyword.text), names.first())
            && self.taken(&second.text).is_some()
        {
            return Diagnostic::new(
                Code::Misplaced,
                second.span,
                format!(
                    "nothing stands between `{}` and `{}`",
                    keyword.text, second.text
                ),
            )
            .label("expected an operator before this");
        }
        let fault = Diagnostic::new(
            Code::Misplaced,
            keyword.span,
            format!("`{}` does not begin a line of a network", keyword.text),
        )
        .label("expected a layer, a value, or `shared name: Layer`")
        .near(&keyword.text, keyword.span, ["shared"]);
        match keyword.text.as_str() {
            "input" | "target" | "ignore" | "weight" => {
                fault.help("columns are declared in the `data` section")
            }
            other => match syntax::foreign_statement(other) {
                Some(help) => fault.help(help),
                None => fault,
            },
        }
    }

    fn misplaced_section(&mut self, section: &Section) {
        let fault = Diagnostic::new(
            Code::Misplaced,
            section.keyword.span,
            format!(
                "a section `{}` is not allowed in a body",
                section.keyword.text
            ),
        )
        .label("has no meaning here")
        .near(
            &section.keyword.text,
            section.keyword.span,
            ["residual", "repeat"],
        );
        self.faults
            .push(match syntax::foreign_statement(&section.keyword.text) {
                Some(help) => fault.help(help),
                None => fault,
            });
    }

    /// A line that starts from a value leaves the result of the line above without a user.
    fn report_dropped(&mut self, before: Option<Flow>) {
        let Some(flow) = before else {
            return;
        };
        // A result with a name may be used by it further on.
        if !flow.used && flow.name.is_none() {
            self.faults.push(
                Diagnostic::new(
                    Code::UnusedResult,
                    flow.span,
                    "the result of this line is unused",
                )
                .label("the next line starts from another value")
                .help("name it (`h = …`) and use the name, or remove the line"),
            );
        }
    }
}

/// The expression that a line begins with.
fn head(expr: &Expr) -> &Expr {
    if let ExprKind::Pipeline { head, .. } = &expr.kind {
        return head;
    }
    expr
}
