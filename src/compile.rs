//! From a model's text to its plans: the table of contents of the compiler.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::catalog::Meaning;
use crate::data::schema_from_spec;
use crate::data::spec::Schema;
use crate::diagnostics::{Code, Diagnostic, Faults, FileId, MOST_LABELS, Sources, Span, limited};
use crate::graph::schedule::RateSchedule;
use crate::graph::shape::{Dim, Shape};
use crate::graph::{Graph, Phase};
use crate::passes::average::read_averages;
use crate::passes::{self, Accumulation, Updates};
use crate::plan::layout::StateLayout;
use crate::plan::lower::{Request, lower};
use crate::plan::{Plan, Target, Variant};
use crate::resolve::loss::LossSpec;
use crate::resolve::train_spec::{BatchSize, Early, Restore, TrainSpec};
use crate::resolve::uses::{Library, Uses};
use crate::resolve::{self, Declaration, Override, schedule};
use crate::syntax;

/// A model's text among the sources, and what the command line adds to it.
#[derive(Clone, Debug)]
pub struct ModelSource<'s> {
    pub sources: &'s Sources,
    pub file: FileId,
    /// The files that it uses, if they have been read.
    pub library: Option<&'s Library>,
    /// Values of `param`s that replace the file's.
    pub overrides: &'s [Override],
    /// The seed of all random draws; the file's own, else 0, if it is not given here.
    pub seed: Option<u64>,
}

impl<'s> ModelSource<'s> {
    pub fn new(sources: &'s Sources, file: FileId) -> Self {
        ModelSource {
            sources,
            file,
            library: None,
            overrides: &[],
            seed: None,
        }
    }

    /// The model's name: that of its file, without folder and ending.
    pub fn name(&self) -> String {
        let path = std::path::Path::new(&self.sources.get(self.file).name);
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        stem.unwrap_or("model").to_string()
    }

    /// The name of its file, without the folder.
    fn file_name(&self) -> &str {
        let path = std::path::Path::new(&self.sources.get(self.file).name);
        path.file_name()
            .and_then(|name| name.to_str())
            .unwrap_or("")
    }

    /// The line of a place, with the name of the file if it is not the model's own.
    fn line(&self, span: Span) -> String {
        let line = self.sources.line(span);
        if span.file == self.file {
            return line.to_string();
        }
        let name = &self.sources.get(span.file).name;
        let own = &self.sources.get(self.file).name;
        let folder = own.strip_suffix(self.file_name()).unwrap_or("");
        format!("{}:{line}", name.strip_prefix(folder).unwrap_or(name))
    }

    fn whole(&self) -> Span {
        // The first line stands for a file that lacks something.
        let text = &self.sources.get(self.file).text;
        Span::new(self.file, 0..text.find('\n').unwrap_or(text.len()))
    }
}

/// A model with a plan for each phase.
#[derive(Clone, Debug)]
pub struct Compiled {
    pub name: String,
    pub declaration: Declaration,
    pub schema: Schema,
    pub loss: Option<LossSpec>,
    pub states: StateLayout,
    /// Present if the model has parameters and a loss.
    pub train: Option<PhasePlan>,
    /// Present if several batches make one update: what is done for all of them but the last.
    pub accumulate: Option<PhasePlan>,
    /// Present if something is recorded of the training: runs instead of `train` where it is.
    pub watch: Option<PhasePlan>,
    /// Present if the model has a loss.
    pub evaluate: Option<PhasePlan>,
    pub predict: PhasePlan,
    pub seed: u64,
    /// Elements of the arena that holds the states and the parts of all plans.
    pub arena_elements: usize,
    /// The network with its loss, as the text has it, before it is divided into phases.
    pub network: Graph,
    /// Warnings, without those that the file silences.
    pub advice: Vec<Diagnostic>,
}

impl Compiled {
    /// The phases that a training runs, in the order of their use.
    pub fn trained(&self) -> impl Iterator<Item = &PhasePlan> {
        let phases = [&self.accumulate, &self.train, &self.watch, &self.evaluate];
        phases.into_iter().flatten()
    }

    /// Numbers of the network's output for a row.
    pub fn output_width(&self) -> usize {
        let output = self.predict.plan.prediction;
        output
            .expect("a plan that predicts keeps its result")
            .features
    }
}

/// A phase's graph with the plan that was made from it.
#[derive(Clone, Debug)]
pub struct PhasePlan {
    pub graph: Arc<Graph>,
    pub plan: Plan,
}

/// The largest batch of rows that is evaluated or predicted at once.
const EVALUATION_BATCH: usize = 1024;

/// Nodes of a network whose phases are worth threads of their own.
const MANY_NODES: usize = 2000;

/// Checks a model's text as far as it can be without the network: syntax, columns, settings.
///
/// # Errors
/// All faults of these, and of the network as far as it can be told without the table.
pub fn declare(source: &ModelSource) -> Result<Declaration, Faults> {
    let text = &source.sources.get(source.file).text;
    let parsed = syntax::parse(text, source.file);
    let mut faults = Vec::new();
    let mut syntax_faults = parsed.faults;
    syntax_faults.extend(source.library.map(Library::faults).unwrap_or_default());
    let declaration = resolve::declare(
        &parsed.file,
        source.overrides,
        source.whole(),
        Uses::new(source.library, source.file_name()),
        &mut faults,
    );
    if syntax_faults.is_empty() && faults.is_empty() {
        return declaration.ok_or(faults);
    }
    if let Some(declaration) = &declaration {
        declaration.resolve(&schema_from_spec(&declaration.data), &mut faults);
    }
    let words = resolve::data::declarators(&parsed.file);
    let faults = with_syntax_faults(syntax_faults, faults, &words, source.sources);
    Err(distinct(faults))
}

/// Faults of meaning beside faults of syntax: only those that a line's own words show, since a
/// line that could not be read may hold what seems to be missing.
/// `words` are those that begin declarations of columns: nothing declares them.
fn with_syntax_faults(
    syntax: Faults,
    mut meaning: Faults,
    words: &HashSet<Span>,
    sources: &Sources,
) -> Faults {
    if syntax.is_empty() {
        return meaning;
    }
    let place = |fault: &Diagnostic| fault.labels.first().map(|label| label.span);
    // Where a brace is missing, lines may stand in another section than they were meant to.
    let round = |fault: &Diagnostic| {
        let bracket = place(fault).map(|span| sources.text(span));
        matches!(bracket, Some("(" | ")" | "[" | "]"))
    };
    let sections = syntax
        .iter()
        .all(|fault| fault.code != Code::Brackets || round(fault));
    // What stands for a literal that could not be read is nobody's fault.
    let literals: HashSet<Option<Span>> = syntax.iter().map(place).collect();
    meaning.retain(|fault| !literals.contains(&place(fault)));
    // What is missing in a line may stand in the part of it that could not be read, and a name that is
    // bound there may be none.
    let line = |fault: &Diagnostic| place(fault).map(|span| (span.file, sources.line(span)));
    let broken: HashSet<Option<(FileId, usize)>> = syntax.iter().map(line).collect();
    let doubtful = |code| matches!(code, Code::MissingArgument | Code::DuplicateName);
    meaning.retain(|fault| !doubtful(fault.code) || !broken.contains(&line(fault)));
    meaning.retain(|fault| {
        let of_a_line = matches!(
            fault.code,
            Code::UnknownEntry
                | Code::UnknownArgument
                | Code::MissingArgument
                | Code::DuplicateArgument
                | Code::WrongType
                | Code::OutOfRange
                | Code::NotSupported
        );
        let of_a_section = matches!(
            fault.code,
            Code::UnknownSection
                | Code::UnknownSetting
                | Code::DuplicateName
                | Code::DuplicateColumn
                | Code::LossTarget
                | Code::MetricTarget
                | Code::Misplaced
                | Code::BadSplit
                | Code::BadUse
        );
        let declarator = place(fault).is_some_and(|place| words.contains(&place));
        of_a_line || declarator || sections && of_a_section
    });
    syntax.into_iter().chain(meaning).collect()
}

/// The faults in the order of their places, each told once with the places that lead to it, and no more
/// than can be read.
fn distinct(faults: Faults) -> Faults {
    let mut told: Faults = Vec::new();
    let mut seen = HashMap::new();
    for fault in faults {
        let first = fault.labels.first().cloned();
        match seen.entry((fault.code, first, fault.message.clone())) {
            Entry::Vacant(free) => {
                free.insert(told.len());
                told.push(fault);
            }
            Entry::Occupied(known) => {
                let labels = &mut told[*known.get()].labels;
                for label in fault.labels {
                    if labels.len() < MOST_LABELS && !labels.contains(&label) {
                        labels.push(label);
                    }
                }
            }
        }
    }
    limited(told)
}

/// Compiles a model: its text, what is known of its table, and for whom the plans are written down.
/// Without a schema, facts of the data are deferred and printed by their names.
///
/// ```
/// use nnc::diagnostics::Sources;
/// use nnc::{ModelSource, compile, plan::Target};
///
/// let mut sources = Sources::new();
/// let file = sources.add("scale.nn", "
///     data  { input t_u: number(scale = 0.1); target t_c: number }
///     net   { linear: Linear(1) }
///     train { loss = MSE; optimizer = SGD(lr = 1e-2); epochs = 100; batch = 8 }
/// ");
/// let compiled = compile(&ModelSource::new(&sources, file), None, Target::Reference).unwrap();
/// // Hold the plan in a snapshot: `insta::assert_snapshot!(compiled.train.unwrap().plan)`.
/// let plan = compiled.train.unwrap().plan.to_string();
/// assert!(plan.contains("linear [8, 1] = t_u · linear.weightᵀ + linear.bias"), "{plan}");
/// ```
///
/// # Errors
/// All faults of the text, each at its place.
pub fn compile(
    source: &ModelSource,
    schema: Option<&Schema>,
    target: Target,
) -> Result<Compiled, Faults> {
    let mut declaration = declare(source)?;
    let schema = schema
        .cloned()
        .unwrap_or_else(|| schema_from_spec(&declaration.data));
    let mut faults = Vec::new();
    declaration.tell(&schema, &mut faults);
    let resolved = match declaration.resolve(&schema, &mut faults) {
        Some(resolved) if faults.is_empty() => resolved,
        Some(resolved) => {
            faults.extend(declaration.unsilenced(resolved.advice));
            return Err(distinct(faults));
        }
        None => return Err(distinct(faults)),
    };
    let train = declaration.train.clone().unwrap_or_default();
    let seed = source.seed.or(train.seed).unwrap_or(0);
    let graphs = phase_graphs(&resolved.graph, &train);
    let widest = graphs.train.as_ref().unwrap_or(&resolved.graph);
    if let Some(fault) = too_big(widest, batch(&train, &schema, Phase::Train)) {
        return Err(vec![fault]);
    }
    let states = StateLayout::new(widest, train.precision);
    let evaluate = graphs
        .evaluate
        .map(|graph| read_averages(graph, &widest.states));
    let predict = read_averages(graphs.predict, &widest.states);
    let mut end = states.end;
    let mut plan_of = |graph: Graph, phase: Phase, variant: Variant| {
        let graph = Arc::new(graph);
        let plan = lower(
            &graph,
            Request {
                name: &source.name(),
                phase,
                variant,
                precision: train.precision,
                target,
                batch: batch(&train, &schema, phase),
                seed,
                settings: settings(&train, phase),
                waits: match phase {
                    Phase::Train => [&resolved.deferred[..], &train.waits()].concat(),
                    Phase::Evaluate | Phase::Predict => resolved.deferred.clone(),
                },
                states: &states,
                schedule: schedule(&train, &schema, phase),
                start: end,
                line: &|span| source.line(span),
            },
        );
        end = plan.arena_end;
        PhasePlan { graph, plan }
    };
    let mut training =
        |graph: Option<Graph>, variant| graph.map(|graph| plan_of(graph, Phase::Train, variant));
    let accumulate = training(graphs.accumulate, Variant::Accumulate);
    let train_plan = training(graphs.train, Variant::Whole);
    let watch = training(graphs.watch, Variant::Watch);
    let evaluate = evaluate.map(|graph| plan_of(graph, Phase::Evaluate, Variant::Whole));
    let predict = plan_of(predict, Phase::Predict, Variant::Whole);
    Ok(Compiled {
        name: source.name(),
        advice: distinct(declaration.unsilenced(resolved.advice)),
        declaration,
        schema,
        loss: resolved.loss,
        network: resolved.graph,
        train: train_plan,
        accumulate,
        watch,
        evaluate,
        predict,
        seed,
        arena_elements: end,
        states,
    })
}

/// The graphs of the phases; none of a phase that there is not.
struct PhaseGraphs {
    accumulate: Option<Graph>,
    train: Option<Graph>,
    watch: Option<Graph>,
    evaluate: Option<Graph>,
    predict: Graph,
}

fn phase_graphs(network: &Graph, train: &TrainSpec) -> PhaseGraphs {
    let learned = |state| !network.state(state).training.frozen;
    let learns = network.loss.is_some() && network.parameters().any(learned);
    let accumulates = learns && train.accumulate > 1;
    let updates_by = if accumulates {
        Accumulation::Ends
    } else {
        Accumulation::None
    };
    let train_graph = |accumulation, watched| {
        let updates = updates(train, accumulation, watched);
        passes::lower(network, Phase::Train, updates.as_ref())
    };
    let watches = learns && !network.watches.is_empty();
    let trained = || {
        let adds = accumulates.then(|| train_graph(Accumulation::Adds, false));
        let train = learns.then(|| train_graph(updates_by, false));
        (adds, train)
    };
    // The graph that is watched is as large as that of the training, so it is built beside it.
    let others = || {
        let watched = watches.then(|| train_graph(updates_by, true));
        let graph_of = |phase| passes::lower(network, phase, None);
        let evaluate = network.loss.is_some().then(|| graph_of(Phase::Evaluate));
        (watched, evaluate, graph_of(Phase::Predict))
    };
    let many = network.nodes.len() > MANY_NODES;
    let ((accumulate, train), (watch, evaluate, predict)) = together(many, trained, others);
    PhaseGraphs {
        accumulate,
        train,
        watch,
        evaluate,
        predict,
    }
}

/// The results of two pieces of work, done at the same time if they are worth a thread.
fn together<A, B: Send>(
    worth: bool,
    here: impl FnOnce() -> A,
    elsewhere: impl FnOnce() -> B + Send,
) -> (A, B) {
    if !worth {
        return (here(), elsewhere());
    }
    std::thread::scope(|scope| {
        let other = scope.spawn(elsewhere);
        let here = here();
        let other = other.join();
        (
            here,
            other.unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
        )
    })
}

/// The fault of a step beyond what any machine can hold: the offsets of its values may not overflow.
fn too_big(graph: &Graph, batch: Option<usize>) -> Option<Diagnostic> {
    const MOST_ELEMENTS: u128 = 1 << 42;
    let rows = batch.unwrap_or(1).max(EVALUATION_BATCH) as u128;
    let elements = |shape: &Shape| {
        let dims = shape.dims.iter().map(|dim| match dim {
            Dim::Known(length) => *length as u128,
            Dim::Deferred(_) => 1,
            Dim::TooLarge => u128::MAX,
        });
        let row = dims.fold(1_u128, u128::saturating_mul);
        row.saturating_mul(if shape.batch { rows } else { 1 })
    };
    let all = graph.nodes.iter().map(|node| elements(&node.shape));
    if all.fold(0_u128, u128::saturating_add) <= MOST_ELEMENTS {
        return None;
    }
    let largest = graph
        .nodes
        .iter()
        .max_by_key(|node| elements(&node.shape))?;
    let origin = graph.origin(largest.origin);
    Some(
        Diagnostic::new(
            Code::TooBig,
            origin.span,
            format!("a step of {rows} rows holds more than 2^42 numbers"),
        )
        .label(format!(
            "most of them here: {}",
            largest.shape.text(&rows.to_string())
        ))
        .help("choose a smaller `batch` or smaller layers"),
    )
}

/// The optimizer with what is done to gradients before it; `None` without an optimizer.
pub fn updates(train: &TrainSpec, accumulation: Accumulation, watched: bool) -> Option<Updates> {
    let optimizer = train.optimizer.as_ref()?;
    let Meaning::Optimizer(build) = &optimizer.entry.meaning else {
        return None;
    };
    Some(Updates {
        build: *build,
        arguments: optimizer.arguments.clone(),
        clip_norm: train.clip_norm,
        clip_value: train.clip_value,
        accumulation,
        average: train.average,
        watched,
    })
}

/// Rows of a full batch in a phase. Evaluation and prediction take larger batches than training, but
/// none larger than the largest part of the table.
fn batch(train: &TrainSpec, schema: &Schema, phase: Phase) -> Option<usize> {
    let trained = match (train.batch, schema.rows) {
        (BatchSize::All, rows) => rows.map(|rows| rows.train),
        (BatchSize::Rows(batch), Some(rows)) => Some(batch.min(rows.train)),
        (BatchSize::Rows(batch), None) => Some(batch),
    };
    match (phase, schema.rows) {
        (Phase::Train, _) => trained,
        (Phase::Evaluate | Phase::Predict, Some(rows)) => {
            let largest = rows.train.max(rows.validate).max(rows.test).max(1);
            Some(largest.min(EVALUATION_BATCH))
        }
        (Phase::Evaluate, None) => trained,
        (Phase::Predict, None) => Some(EVALUATION_BATCH),
    }
}

/// How the learning rate changes, once the table has told how many updates there are.
fn schedule(train: &TrainSpec, schema: &Schema, phase: Phase) -> Option<RateSchedule> {
    match phase {
        Phase::Train => train.schedule_for(schema.rows?.train),
        Phase::Evaluate | Phase::Predict => None,
    }
}

/// The settings in force, defaults included, as the plan prints them.
fn settings(train: &TrainSpec, phase: Phase) -> Vec<(String, String)> {
    let mut settings = Vec::new();
    let mut set = |name: &str, text: String| settings.push((name.to_string(), text));
    let told = |name: &str, text: String| train.deferred(name).map_or(text, str::to_owned);
    if !train.loss.terms.is_empty() && phase != Phase::Predict {
        set("loss", train.loss.text());
    }
    if phase != Phase::Train {
        return settings;
    }
    if let Some(optimizer) = &train.optimizer {
        set("optimizer", optimizer.text());
        set("update", optimizer.entry.formula.to_string());
    }
    if !train.schedule.is_empty() {
        set("schedule", schedule::text(&train.schedule));
    }
    set("epochs", told("epochs", train.epochs.to_string()));
    let rows = match train.batch {
        BatchSize::All => train.deferred("batch").map(str::to_owned),
        BatchSize::Rows(rows) => Some(rows.to_string()),
    };
    let batch = match rows {
        None => "all, in the file's order".to_string(),
        Some(rows) => {
            let order = if train.shuffle {
                "in a new order every epoch"
            } else {
                "in the file's order"
            };
            let last = if train.drop_last {
                "; a smaller last batch is left out"
            } else {
                ""
            };
            format!("{rows}, {order}{last}")
        }
    };
    set("batch", batch);
    if train.accumulate > 1 {
        let batches = told("accumulate", train.accumulate.to_string());
        set(
            "accumulate",
            format!("{batches} batches make an update, each by the share of its rows"),
        );
    }
    if let Some(early) = train.stop {
        let Early {
            patience,
            min_delta,
        } = early;
        let text = format!("early(patience = {patience}, min_delta = {min_delta})");
        set("stop", told("stop", text));
    }
    if train.restore == Restore::Best {
        set("restore", "best, by the validation loss".to_string());
    }
    if let Some(decay) = train.average {
        let average = told("average", format!("ema(decay = {decay})"));
        set("average", format!("{average}, evaluated and kept"));
    }
    if let Some(bound) = train.clip_value {
        set("clip_value", told("clip_value", format!("{bound}")));
    }
    if let Some(norm) = train.clip_norm {
        set("clip_norm", told("clip_norm", format!("{norm}")));
    }
    settings
}
