//! Layers, under PyTorch's names, arguments, defaults and parameter names.

use super::arguments::{ArgumentKind, ArgumentValue, Arguments, Default, Range, named, positional};
use super::axes::{flatten, unflatten};
use super::{Entry, Meaning};
use crate::diagnostics::{Code, Diagnostic, Span, listed};
use crate::graph::ops::{DropoutMask, MatMulForm, Op};
use crate::graph::scalar::ScalarFunction;
use crate::graph::shape::{Dim, Shape};
use crate::graph::state::{Initializer, State, StateId, StateKind, Training};
use crate::graph::{Graph, ValueId};

/// Where a layer is being built: its path gives its parameters their names. A shared layer finds its
/// parameters where its first use put them.
pub struct LayerContext<'g> {
    pub graph: &'g mut Graph,
    pub path: String,
    /// What the paths of the body begin with.
    pub prefix: String,
    pub span: Span,
    /// Where the value that flows in came from, for messages.
    pub input_span: Span,
    /// How often the layer was applied before: each use draws its own random numbers.
    pub use_number: usize,
    /// Warnings.
    pub advice: &'g mut Vec<Diagnostic>,
}

/// The fans of a tensor: how many inputs and outputs one of its elements stands between.
pub struct Fans {
    pub fan_in: Dim,
    pub fan_out: Dim,
}

impl LayerContext<'_> {
    pub fn state(
        &mut self,
        name: &str,
        kind: StateKind,
        shape: Shape,
        initializer: Initializer,
        fans: Fans,
    ) -> StateId {
        let name = format!("{}.{name}", self.path);
        if let Some(known) = self.graph.state_of(&name) {
            return known;
        }
        self.graph.add_state(State {
            name,
            aliases: Vec::new(),
            kind,
            shape,
            initializer,
            fan_in: fans.fan_in,
            fan_out: fans.fan_out,
            integer: false,
            uses: 0,
            span: self.span,
            training: Training::default(),
        })
    }

    /// A parameter that another layer of the body, or of the network, has declared.
    ///
    /// # Errors
    /// There is none of the path, or its shape is another one.
    fn tied(
        &mut self,
        name: &str,
        path: &str,
        shape: &Shape,
        span: Span,
    ) -> Result<ValueId, Box<Diagnostic>> {
        let known = |wanted: &str, graph: &Graph| {
            let mut parameters = graph.parameters();
            parameters.find(|state| graph.state(*state).name == wanted)
        };
        let from_here = format!("{}{path}", self.prefix);
        let found = known(&from_here, self.graph).or_else(|| known(path, self.graph));
        let Some(found) = found else {
            let prefix = self.prefix.as_str();
            if let Some(owner) = self
                .graph
                .tied(&from_here)
                .or_else(|| self.graph.tied(path))
            {
                let owner = owner.strip_prefix(prefix).unwrap_or(owner);
                return Err(Box::new(
                    Diagnostic::new(
                        Code::UnknownName,
                        span,
                        format!("`{path}` is no parameter of its own, but tied to `{owner}`"),
                    )
                    .label(format!("write `{owner}`"))
                    .suggest(span, owner),
                ));
            }
            let names = self.graph.parameters();
            let names: Vec<String> = names.map(|id| self.graph.state(id).name.clone()).collect();
            let names = || {
                names
                    .iter()
                    .map(|name| name.strip_prefix(prefix).unwrap_or(name))
            };
            return Err(Box::new(
                Diagnostic::new(
                    Code::UnknownName,
                    span,
                    format!("no parameter above has the path `{path}`"),
                )
                .label("a parameter of a layer above is expected")
                .near(path, span, names())
                .note(match names().next() {
                    Some(_) => format!("there are: {}", listed(names())),
                    None => "no layer above has a parameter".to_string(),
                }),
            ));
        };
        let state = &mut self.graph.states[found.0 as usize];
        if !state.shape.fits(shape) {
            return Err(Box::new(
                Diagnostic::new(
                    Code::ShapeMismatch,
                    span,
                    format!(
                        "`{}` has the shape {}, but {} is needed here",
                        state.name,
                        state.shape.row_text(),
                        shape.row_text()
                    ),
                )
                .label(format!("a tensor of {} is needed", shape.row_text()))
                .also(
                    state.span,
                    format!("this one is {}", state.shape.row_text()),
                ),
            ));
        }
        let alias = format!("{}.{name}", self.path);
        if !state.aliases.contains(&alias) {
            state.aliases.push(alias);
        }
        Ok(self.graph.state_value(found))
    }

    /// A tensor that learns.
    pub fn parameter(
        &mut self,
        name: &str,
        shape: Shape,
        initializer: Initializer,
        fans: Fans,
    ) -> ValueId {
        let state = self.state(name, StateKind::Parameter, shape, initializer, fans);
        self.graph.state_value(state)
    }

    /// Gives a value of the layer a name of its own in the plan: that of the stage, and a word.
    pub fn name(&mut self, value: ValueId, word: &str) {
        let origin = self.graph.node(value).origin;
        let label = &self.graph.origin(origin).label;
        self.graph.nodes[value.index()].name = Some(format!("{label}.{word}").into());
    }

    /// One number a feature that learns, or that the layer keeps itself.
    pub fn per_feature(&mut self, name: &str, kind: StateKind, width: &Dim, start: f64) -> StateId {
        let fans = Fans {
            fan_in: width.clone(),
            fan_out: width.clone(),
        };
        let shape = Shape::fixed([width.clone()]);
        self.state(name, kind, shape, Initializer::Constant(start), fans)
    }
}

const PROBABILITY: ArgumentKind = ArgumentKind::Number(Range::BELOW_ONE);

pub const ENTRIES: &[Entry] = &[
    Entry {
        name: "Linear",
        summary: "Every output is a weighted sum of all inputs, plus a bias.",
        formula: "x · weightᵀ + bias; weight [out, in], bias [out], both uniform(±1/√in) at first",
        source: "torch.nn.Linear",
        example: "hidden: Linear(8) -> Tanh",
        parameters: &[
            positional(
                "out_features",
                ArgumentKind::Width,
                Default::Required,
                "width of the result",
            ),
            named(
                "bias",
                ArgumentKind::Boolean,
                Default::Boolean(true),
                "whether a bias is added",
            ),
            named(
                "weight",
                ArgumentKind::Path,
                Default::Absent("a weight of its own"),
                "the weight of another layer, used by both",
            ),
        ],
        also_known_as: &["Dense", "FullyConnected", "FC", "Affine", "InnerProduct"],
        meaning: Meaning::LastAxis(linear),
    },
    Entry {
        name: "Embedding",
        summary: "A learned row for each value of a category.",
        formula: "weight[x]; weight [values, embedding_dim], normal(0, 1) at first",
        source: "torch.nn.Embedding",
        example: "job -> table: Embedding(4)",
        parameters: &[positional(
            "embedding_dim",
            ArgumentKind::Size,
            Default::Required,
            "width of the result",
        )],
        also_known_as: &["EmbeddingBag"],
        meaning: Meaning::Layer(embed),
    },
    Entry {
        name: "Identity",
        summary: "Gives what flows in.",
        formula: "x",
        source: "torch.nn.Identity",
        example: "skip: Identity",
        parameters: &[],
        also_known_as: &["Linear activation", "Passthrough"],
        meaning: Meaning::Layer(|_, _, x| Ok(x)),
    },
    Entry {
        name: "Softmax",
        summary: "Positive numbers with the sum 1, the larger the larger the input.",
        formula: "exp(xᵢ) / Σⱼ exp(xⱼ), over the features of each row",
        source: "torch.nn.Softmax(dim = -1)",
        example: "gates = x -> Linear(8) -> Softmax",
        parameters: &[],
        also_known_as: &[],
        meaning: Meaning::LastAxis(|context, _, x| {
            let logarithm = context.graph.push(Op::LogSoftmax, &[x]);
            context.name(logarithm, "log");
            Ok(context.graph.map(ScalarFunction::Exp, logarithm))
        }),
    },
    Entry {
        name: "LogSoftmax",
        summary: "The logarithm of the softmax, computed without overflow.",
        formula: "xᵢ - log Σⱼ exp(xⱼ), over the features of each row",
        source: "torch.nn.LogSoftmax(dim = -1)",
        example: "Linear(8) -> LogSoftmax -> Linear(4)",
        parameters: &[],
        also_known_as: &[],
        meaning: Meaning::LastAxis(|context, _, x| Ok(context.graph.push(Op::LogSoftmax, &[x]))),
    },
    Entry {
        name: "Flatten",
        summary: "The features of each row on one axis, as those of a table's rows are.",
        formula: "x, of the shape [product of the axes]",
        source: "torch.nn.Flatten",
        example: "Flatten -> Linear(8)",
        parameters: &[],
        also_known_as: &[],
        meaning: Meaning::Layer(flatten),
    },
    Entry {
        name: "Unflatten",
        summary: "The features of each row on several axes; Linear, norms of rows and softmaxes go along the last.",
        formula: "x, of the shape unflattened_size, the last axis adjoining",
        source: "torch.nn.Unflatten(dim = 1)",
        example: "Linear(16) -> Unflatten([2, 8]) -> Softmax -> Flatten",
        parameters: &[positional(
            "unflattened_size",
            ArgumentKind::Shape,
            Default::Required,
            "lengths of the axes, whose product is the width that flows in",
        )],
        also_known_as: &["Reshape", "View"],
        meaning: Meaning::Layer(unflatten),
    },
    Entry {
        name: "Dropout",
        summary: "While training, sets each element to 0 with probability p and scales the others.",
        formula: "training: x · mask / (1 - p), mask drawn by element; otherwise x",
        source: "torch.nn.Dropout",
        example: "Linear(8) -> ReLU -> Dropout(0.2)",
        parameters: &[positional(
            "p",
            PROBABILITY,
            Default::Number(0.5),
            "probability of a zero",
        )],
        also_known_as: &[],
        meaning: Meaning::Layer(dropout),
    },
];

fn linear(
    context: &mut LayerContext,
    arguments: &Arguments,
    x: ValueId,
) -> Result<ValueId, Box<Diagnostic>> {
    let Some(ArgumentValue::Width { input, output }) = arguments.get("out_features") else {
        panic!("internal: Linear without a width");
    };
    let width = context.graph.shape(x).width();
    if let Some(stated) = input
        && !stated.fits(&width)
    {
        let span = arguments.span_of("out_features");
        return Err(Box::new(
            Diagnostic::new(
                Code::ShapeAssertion,
                span,
                format!("`Linear` states that {stated} flow in, but there are {width} features"),
            )
            .label(format!("{stated} stated here"))
            .also(
                context.input_span,
                format!(
                    "{width} come from here: shape {}",
                    context.graph.shape(x).row_text()
                ),
            )
            .help(format!(
                "write `Linear({output})`, which takes the width that flows in"
            ))
            .suggest(span, output.to_string()),
        ));
    }
    let fans = || Fans {
        fan_in: width.clone(),
        fan_out: output.clone(),
    };
    let initializer = Initializer::LinearDefault;
    let shape = Shape::fixed([output.clone(), width.clone()]);
    let weight = match arguments.get("weight") {
        Some(ArgumentValue::Path(path)) => {
            context.tied("weight", path, &shape, arguments.span_of("weight"))?
        }
        _ => context.parameter("weight", shape, initializer, fans()),
    };
    let product = Op::MatMul(MatMulForm::RightTransposed);
    let product = match context.graph.try_push(product, &[x, weight]) {
        Ok(product) => product,
        Err(_) => return Err(Box::new(shared_mismatch(context, x, weight))),
    };
    if !arguments.boolean("bias") {
        return Ok(product);
    }
    let bias = context.parameter("bias", Shape::fixed([output.clone()]), initializer, fans());
    let shape = context.graph.shape(product).clone();
    let bias = context.graph.broadcast(bias, &shape);
    Ok(context.graph.add(product, bias))
}

/// A shared layer is applied to a value of another width than its first one.
fn shared_mismatch(context: &LayerContext, x: ValueId, weight: ValueId) -> Diagnostic {
    let width = context.graph.shape(x).width();
    let first = &context.graph.shape(weight).dims[1];
    Diagnostic::new(
        Code::ShapeMismatch,
        context.input_span,
        format!(
            "`{}` takes a width of {first} since its first use, but {width} flow in here",
            context.path
        ),
    )
    .label(format!("a width of {width}"))
    .also(context.span, "the shared layer is declared here")
}

/// The rows of a learned table `[classes, width]` that an index `[batch, 1]` names (torch.nn.Embedding):
/// what `embed = width` makes of a category. The table is normal(0, 1) at first.
pub fn embedding(context: &mut LayerContext, classes: Dim, width: Dim, index: ValueId) -> ValueId {
    let fans = Fans {
        fan_in: width.clone(),
        fan_out: classes.clone(),
    };
    let shape = Shape::fixed([classes, width]);
    let table = context.parameter("weight", shape, Initializer::StandardNormal, fans);
    context.graph.push(Op::Gather, &[table, index])
}

/// An embedding of a category column, which flows in one-hot.
fn embed(
    context: &mut LayerContext,
    arguments: &Arguments,
    x: ValueId,
) -> Result<ValueId, Box<Diagnostic>> {
    let mut node = context.graph.node(x);
    // Without the index that no training row has, a category is cut from its one-hot form.
    if let Op::Slice { start, .. } = &node.op
        && *start == Dim::Known(0)
        && let Op::OneHot { .. } = context.graph.node(node.operands[0]).op
    {
        node = context.graph.node(node.operands[0]);
    }
    let Op::OneHot { classes } = &node.op else {
        return Err(Box::new(
            Diagnostic::new(
                Code::WrongType,
                arguments.span,
                "`Embedding` takes a category column",
            )
            .label("looks up the rows of a table by a category")
            .also(context.input_span, "no category column comes from here")
            .help(
                "declare `input job: category`, then `job -> Embedding(8)`; `unknown = zero` has no row to \
                 look up: write `unknown = own`",
            ),
        ));
    };
    let (classes, index) = (classes.clone(), node.operands[0]);
    let Some(ArgumentValue::Size(Dim::Known(width))) = arguments.get("embedding_dim") else {
        return Err(Box::new(
            Diagnostic::new(
                Code::NotSupported,
                arguments.span_of("embedding_dim"),
                "the width of an `Embedding` cannot depend on the data",
            )
            .label("only known with the data"),
        ));
    };
    Ok(embedding(context, classes, Dim::Known(*width), index))
}

fn dropout(
    context: &mut LayerContext,
    arguments: &Arguments,
    x: ValueId,
) -> Result<ValueId, Box<Diagnostic>> {
    let keep = 1.0 - arguments.number("p");
    if keep == 1.0 {
        return Ok(x);
    }
    let shape = context.graph.shape(x).clone();
    let stream = match context.use_number {
        0 => context.path.as_str().into(),
        count => format!("{}#{}", context.path, count + 1).into(),
    };
    let graph = &mut *context.graph;
    let mask = DropoutMask {
        shape,
        keep,
        stream,
    };
    let mask = graph.push(Op::DropoutMask(Box::new(mask)), &[]);
    let dropped = graph.multiply(x, mask);
    let result = graph.push(Op::ByPhase, &[dropped, x]);
    context.name(mask, "mask");
    Ok(result)
}
