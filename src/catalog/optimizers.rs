//! Optimizers: each is an elementwise expression over a parameter, its gradient, its slots, and
//! numbers set before the step, in the order of PyTorch's single-tensor implementations.

use super::arguments::{ArgumentKind, Arguments, Default, Parameter, Range, named};
use super::{Entry, Meaning};
use crate::graph::ops::BinaryOperator;
use crate::graph::scalar::ScalarFunction;
use crate::graph::state::{Initializer, State, StateId, StateKind, StepScalar};
use crate::graph::{Assignment, Graph, ValueId};

/// The parameter whose update is being built.
pub struct UpdateContext<'g> {
    pub graph: &'g mut Graph,
    pub parameter: StateId,
}

impl UpdateContext<'_> {
    /// A slot of the parameter's shape, zero at first, under PyTorch's name.
    pub fn slot(&mut self, name: &str) -> (StateId, ValueId) {
        self.state(name, StateKind::Slot(self.parameter))
    }

    /// The average of the parameter, which evaluation reads in its place.
    pub fn average(&mut self) -> (StateId, ValueId) {
        self.state("average", StateKind::Average(self.parameter))
    }

    fn state(&mut self, name: &str, kind: StateKind) -> (StateId, ValueId) {
        let parameter = self.graph.state(self.parameter).clone();
        let id = self.graph.add_state(State {
            name: format!("{}.{name}", parameter.name),
            aliases: Vec::new(),
            kind,
            initializer: Initializer::Constant(0.0),
            ..parameter
        });
        (id, self.graph.state_value(id))
    }

    pub fn assign(&mut self, state: StateId, value: ValueId) {
        self.graph.assignments.push(Assignment { state, value });
    }
}

const DECAY: ArgumentKind = ArgumentKind::Number(Range::NOT_NEGATIVE);
const LEARNING_RATE: Parameter = named(
    "lr",
    ArgumentKind::Number(Range::NOT_NEGATIVE),
    Default::Number(1e-3),
    "learning rate",
);
const PENALTY: Parameter = named("weight_decay", DECAY, Default::Number(0.0), "L2 penalty");
const BETAS: Parameter = named(
    "betas",
    ArgumentKind::Pair(Range::BELOW_ONE),
    Default::Pair(0.9, 0.999),
    "decay of the two moments",
);
const EPS: Parameter = named(
    "eps",
    ArgumentKind::Number(Range::NOT_NEGATIVE),
    Default::Number(1e-8),
    "added to the denominator",
);
const AMSGRAD: Parameter = named(
    "amsgrad",
    ArgumentKind::Boolean,
    Default::Boolean(false),
    "divide by the largest second moment so far",
);
const MAXIMIZE: Parameter = named(
    "maximize",
    ArgumentKind::Boolean,
    Default::Boolean(false),
    "climb instead of descend",
);

pub const ENTRIES: &[Entry] = &[
    Entry {
        name: "SGD",
        summary: "Stochastic gradient descent, with momentum if given.",
        formula: "g += weight_decay · p; b = momentum · b + (1 - dampening) · g, at first b = g; p -= lr · (without momentum: g, nesterov: g + momentum · b, else b)",
        source: "torch.optim.SGD",
        example: "optimizer = SGD(lr = 1e-2, momentum = 0.9, nesterov = true)",
        parameters: &[
            LEARNING_RATE,
            named(
                "momentum",
                ArgumentKind::Number(Range::NOT_NEGATIVE),
                Default::Number(0.0),
                "share of the last step that is kept",
            ),
            named(
                "dampening",
                ArgumentKind::Number(Range::ANY),
                Default::Number(0.0),
                "share of the gradient left out of the momentum",
            ),
            PENALTY,
            named(
                "nesterov",
                ArgumentKind::Boolean,
                Default::Boolean(false),
                "look ahead along the momentum",
            ),
            MAXIMIZE,
        ],
        also_known_as: &["GradientDescent", "Momentum"],
        meaning: Meaning::Optimizer(sgd),
    },
    Entry {
        name: "Adam",
        summary: "Adaptive moment estimation.",
        formula: "g += weight_decay · p; m = beta1 · m + (1 - beta1) · g; v = beta2 · v + (1 - beta2) · g²; p -= lr/(1 - beta1ᵗ) · m / (√v/√(1 - beta2ᵗ) + eps), with amsgrad of the largest v",
        source: "torch.optim.Adam; Kingma and Ba, arXiv:1412.6980",
        example: "optimizer = Adam(lr = 1e-3)",
        parameters: &[LEARNING_RATE, BETAS, EPS, PENALTY, AMSGRAD, MAXIMIZE],
        also_known_as: &[],
        meaning: Meaning::Optimizer(|context, arguments, parameter, gradient| {
            let weight_decay = arguments.number("weight_decay");
            let gradient = directed(context.graph, arguments, gradient);
            let gradient = penalised(context.graph, parameter, gradient, weight_decay);
            adam_step(context, arguments, parameter, gradient)
        }),
    },
    Entry {
        name: "AdamW",
        summary: "Adam with weight decay apart from the gradient.",
        formula: "p *= 1 - lr · weight_decay; then as Adam with a weight_decay of 0",
        source: "torch.optim.AdamW; Loshchilov and Hutter, arXiv:1711.05101",
        example: "optimizer = AdamW(lr = 1e-3, weight_decay = 1e-2)",
        parameters: &[
            LEARNING_RATE,
            BETAS,
            EPS,
            named(
                "weight_decay",
                DECAY,
                Default::Number(1e-2),
                "decay of the parameters",
            ),
            AMSGRAD,
            MAXIMIZE,
        ],
        also_known_as: &["AdamWeightDecay"],
        meaning: Meaning::Optimizer(|context, arguments, parameter, gradient| {
            let lr = arguments.number("lr");
            let weight_decay = arguments.number("weight_decay");
            let gradient = directed(context.graph, arguments, gradient);
            let decayed = if weight_decay == 0.0 {
                parameter
            } else {
                context
                    .graph
                    .scale_by(parameter, StepScalar::DecoupledDecay { lr, weight_decay })
            };
            adam_step(context, arguments, decayed, gradient)
        }),
    },
];

/// The gradient, or its negative where the loss is to grow.
fn directed(graph: &mut Graph, arguments: &Arguments, gradient: ValueId) -> ValueId {
    if arguments.boolean("maximize") {
        graph.map(ScalarFunction::Negate, gradient)
    } else {
        gradient
    }
}

/// g + weight_decay · p.
fn penalised(
    graph: &mut Graph,
    parameter: ValueId,
    gradient: ValueId,
    weight_decay: f64,
) -> ValueId {
    if weight_decay == 0.0 {
        return gradient;
    }
    let penalty = graph.scale(parameter, weight_decay);
    graph.add(gradient, penalty)
}

fn sgd(
    context: &mut UpdateContext,
    arguments: &Arguments,
    parameter: ValueId,
    gradient: ValueId,
) -> ValueId {
    let lr = arguments.number("lr");
    let momentum = arguments.number("momentum");
    let dampening = arguments.number("dampening");
    let gradient = directed(context.graph, arguments, gradient);
    let gradient = penalised(
        context.graph,
        parameter,
        gradient,
        arguments.number("weight_decay"),
    );
    let direction = if momentum == 0.0 {
        gradient
    } else {
        let (slot, old) = context.slot("momentum_buffer");
        let kept = context.graph.scale(old, momentum);
        let added = if dampening == 0.0 {
            gradient
        } else {
            context
                .graph
                .scale_by(gradient, StepScalar::Undamped { dampening })
        };
        let buffer = context.graph.add(kept, added);
        context.assign(slot, buffer);
        if arguments.boolean("nesterov") {
            let ahead = context.graph.scale(buffer, momentum);
            context.graph.add(gradient, ahead)
        } else {
            buffer
        }
    };
    let step = context
        .graph
        .scale_by(direction, StepScalar::LearningRate { lr });
    context.graph.subtract(parameter, step)
}

fn adam_step(
    context: &mut UpdateContext,
    arguments: &Arguments,
    parameter: ValueId,
    gradient: ValueId,
) -> ValueId {
    let lr = arguments.number("lr");
    let (beta1, beta2) = arguments.pair("betas");
    let (first, m) = context.slot("exp_avg");
    let (second, v) = context.slot("exp_avg_sq");
    let graph = &mut *context.graph;
    let difference = graph.subtract(gradient, m);
    let moved = graph.scale(difference, 1.0 - beta1);
    let m = graph.add(m, moved);
    let square = graph.map(ScalarFunction::Square, gradient);
    let square = graph.scale(square, 1.0 - beta2);
    let kept = graph.scale(v, beta2);
    let v = graph.add(kept, square);
    context.assign(first, m);
    context.assign(second, v);
    let largest = if arguments.boolean("amsgrad") {
        let (slot, old) = context.slot("max_exp_avg_sq");
        let largest = context.graph.binary(BinaryOperator::Maximum, old, v);
        context.assign(slot, largest);
        largest
    } else {
        v
    };
    let graph = &mut *context.graph;
    let root = graph.map(ScalarFunction::Sqrt, largest);
    let shape = graph.shape(root).clone();
    let correction = graph.step_scalar(StepScalar::AdamRootCorrection { beta2 }, &shape);
    let root = graph.multiply(root, correction);
    let denominator = graph.offset(root, arguments.number("eps"));
    let direction = graph.divide(m, denominator);
    let step = graph.scale_by(direction, StepScalar::AdamStepSize { lr, beta1 });
    graph.subtract(parameter, step)
}
