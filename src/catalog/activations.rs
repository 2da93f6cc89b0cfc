//! Activations: scalar functions under PyTorch's names, arguments and defaults.

use super::arguments::{ArgumentKind, Default, Range, named, positional};
use super::{Entry, Meaning};
use crate::graph::scalar::ScalarFunction;

const NUMBER: ArgumentKind = ArgumentKind::Number(Range::ANY);
const POSITIVE: ArgumentKind = ArgumentKind::Number(Range::POSITIVE);

pub const ENTRIES: &[Entry] = &[
    Entry {
        name: "Tanh",
        summary: "Hyperbolic tangent, between -1 and 1.",
        formula: "tanh(x)",
        source: "torch.nn.Tanh",
        example: "Linear(8) -> Tanh",
        parameters: &[],
        also_known_as: &["TanH"],
        meaning: Meaning::Activation(|_| ScalarFunction::Tanh),
    },
    Entry {
        name: "Sigmoid",
        summary: "Logistic function, between 0 and 1.",
        formula: "1 / (1 + exp(-x))",
        source: "torch.nn.Sigmoid",
        example: "Linear(8) -> Sigmoid",
        parameters: &[],
        also_known_as: &["Logistic", "Expit"],
        meaning: Meaning::Activation(|_| ScalarFunction::Sigmoid),
    },
    Entry {
        name: "ReLU",
        summary: "The positive part.",
        formula: "max(x, 0)",
        source: "torch.nn.ReLU",
        example: "Linear(8) -> ReLU",
        parameters: &[],
        also_known_as: &["Rectifier"],
        meaning: Meaning::Activation(|_| ScalarFunction::ReLU),
    },
    Entry {
        name: "LeakyReLU",
        summary: "The positive part, and a small slope below 0.",
        formula: "x where x > 0, else negative_slope · x",
        source: "torch.nn.LeakyReLU",
        example: "Linear(8) -> LeakyReLU(0.1)",
        parameters: &[positional(
            "negative_slope",
            NUMBER,
            Default::Number(0.01),
            "slope where x is negative",
        )],
        also_known_as: &[],
        meaning: Meaning::Activation(|arguments| ScalarFunction::LeakyReLU {
            negative_slope: arguments.number("negative_slope"),
        }),
    },
    Entry {
        name: "ELU",
        summary: "Exponential linear unit.",
        formula: "x where x > 0, else alpha · (exp(x) - 1)",
        source: "torch.nn.ELU",
        example: "Linear(8) -> ELU",
        parameters: &[positional(
            "alpha",
            NUMBER,
            Default::Number(1.0),
            "limit at -∞, negated",
        )],
        also_known_as: &[],
        meaning: Meaning::Activation(|arguments| ScalarFunction::ELU {
            alpha: arguments.number("alpha"),
        }),
    },
    Entry {
        name: "GELU",
        summary: "Gaussian error linear unit.",
        formula: "x · Φ(x); with approximate = tanh, 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³)))",
        source: "torch.nn.GELU",
        example: "Linear(8) -> GELU(approximate = tanh)",
        parameters: &[named(
            "approximate",
            ArgumentKind::Word(&["none", "tanh"]),
            Default::Word("none"),
            "which formula",
        )],
        also_known_as: &[],
        meaning: Meaning::Activation(|arguments| match arguments.word("approximate") {
            "tanh" => ScalarFunction::GELUTanh,
            _ => ScalarFunction::GELU,
        }),
    },
    Entry {
        name: "SiLU",
        summary: "Sigmoid linear unit.",
        formula: "x · sigmoid(x)",
        source: "torch.nn.SiLU",
        example: "Linear(8) -> SiLU",
        parameters: &[],
        also_known_as: &["Swish"],
        meaning: Meaning::Activation(|_| ScalarFunction::SiLU),
    },
    Entry {
        name: "Softplus",
        summary: "A smooth positive part; the identity where beta · x > threshold.",
        formula: "log(1 + exp(beta · x)) / beta",
        source: "torch.nn.Softplus",
        example: "Linear(8) -> Softplus(beta = 2)",
        parameters: &[
            named("beta", POSITIVE, Default::Number(1.0), "sharpness"),
            named(
                "threshold",
                NUMBER,
                Default::Number(20.0),
                "where it becomes the identity",
            ),
        ],
        also_known_as: &[],
        meaning: Meaning::Activation(|arguments| ScalarFunction::Softplus {
            beta: arguments.number("beta"),
            threshold: arguments.number("threshold"),
        }),
    },
    Entry {
        name: "Hardtanh",
        summary: "x, held between two numbers.",
        formula: "min(max(x, min_val), max_val)",
        source: "torch.nn.Hardtanh",
        example: "Linear(8) -> Hardtanh(min_val = 0, max_val = 6)",
        parameters: &[
            named("min_val", NUMBER, Default::Number(-1.0), "lower bound"),
            named("max_val", NUMBER, Default::Number(1.0), "upper bound"),
        ],
        also_known_as: &["Clip"],
        meaning: Meaning::Activation(|arguments| ScalarFunction::Hardtanh {
            min_val: arguments.number("min_val"),
            max_val: arguments.number("max_val"),
        }),
    },
];
