//! The `net` section: lines become nodes of the graph, shapes checked as they are built.
//!
//! After a fault the network goes on with a value of unknown width, so that one run finds the faults
//! of all lines; a graph that holds one is never used.

mod blocks;
mod bodies;
mod declarations;
mod expressions;
mod lines;
mod names;
mod outputs;
mod stages;
#[cfg(test)]
mod tests;
mod trial;

use std::collections::{HashMap, HashSet};

use super::advice;
use super::constant::{Facts, Scope};
use super::inputs::Inputs;
use super::watch::Stage;
use crate::data::spec::{DataSpec, Role, Schema};
use crate::diagnostics::{Code, Diagnostic, Span};
use crate::graph::ops::{InputKind, Op};
use crate::graph::shape::{Dim, Shape};
use crate::graph::{Graph, OriginId, SEVERAL_INPUTS, ValueId};
use crate::syntax::ast::Section;
use names::Binding;

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
    let deferred = |name: &str| Dim::deferred(name);
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
    /// What stands for the result of a faulty line or stage: any width fits it.
    fn placeholder(&mut self) -> ValueId {
        let kind = InputKind::Features;
        let width = Dim::deferred("?");
        self.graph.push(Op::Input { kind, width }, &[])
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
}
