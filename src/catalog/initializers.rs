//! Initializers: torch.nn.init's, named as there without underscores.

use super::arguments::{ArgumentKind, Arguments, Default, Parameter, Range, named, positional};
use super::{Entry, Meaning};
use crate::graph::state::Initializer;

const GAIN: Parameter = named(
    "gain",
    ArgumentKind::Number(Range::POSITIVE),
    Default::Number(1.0),
    "scale of the distribution",
);
const SLOPE: Parameter = named(
    "a",
    ArgumentKind::Number(Range::NOT_NEGATIVE),
    Default::Number(0.0),
    "negative slope of the LeakyReLU that follows",
);
const MODE: Parameter = named(
    "mode",
    ArgumentKind::Word(&["fan_in", "fan_out"]),
    Default::Word("fan_in"),
    "whether the forward or the backward pass keeps its variance",
);
const NONLINEARITY: Parameter = named(
    "nonlinearity",
    ArgumentKind::Word(&["leaky_relu", "relu", "tanh", "sigmoid", "linear", "selu"]),
    Default::Word("leaky_relu"),
    "the activation that follows, which sets the gain",
);

pub const ENTRIES: &[Entry] = &[
    Entry {
        name: "XavierUniform",
        summary: "Uniform, with the same variance forward and backward.",
        formula: "uniform(±gain · √(6 / (fan_in + fan_out)))",
        source: "torch.nn.init.xavier_uniform_; Glorot and Bengio 2010",
        example: "params \"*.weight\" { init = XavierUniform }",
        parameters: &[GAIN],
        also_known_as: &["GlorotUniform", "glorot_uniform", "xavier_uniform_"],
        meaning: Meaning::Initializer(|arguments| Initializer::XavierUniform {
            gain: arguments.number("gain"),
        }),
    },
    Entry {
        name: "XavierNormal",
        summary: "Normal, with the same variance forward and backward.",
        formula: "normal(0, gain · √(2 / (fan_in + fan_out)))",
        source: "torch.nn.init.xavier_normal_; Glorot and Bengio 2010",
        example: "params \"*.weight\" { init = XavierNormal(gain = 2) }",
        parameters: &[GAIN],
        also_known_as: &["GlorotNormal", "glorot_normal", "xavier_normal_"],
        meaning: Meaning::Initializer(|arguments| Initializer::XavierNormal {
            gain: arguments.number("gain"),
        }),
    },
    Entry {
        name: "KaimingUniform",
        summary: "Uniform, for a rectifier that follows.",
        formula: "uniform(±gain · √(3 / fan))",
        source: "torch.nn.init.kaiming_uniform_; He et al. 2015",
        example: "params \"*.weight\" { init = KaimingUniform(nonlinearity = relu) }",
        parameters: &[SLOPE, MODE, NONLINEARITY],
        also_known_as: &["HeUniform", "he_uniform", "kaiming_uniform_"],
        meaning: Meaning::Initializer(|arguments| Initializer::KaimingUniform {
            gain: gain(arguments),
            fan_out: arguments.word("mode") == "fan_out",
        }),
    },
    Entry {
        name: "KaimingNormal",
        summary: "Normal, for a rectifier that follows.",
        formula: "normal(0, gain / √fan)",
        source: "torch.nn.init.kaiming_normal_; He et al. 2015",
        example: "params \"*.weight\" { init = KaimingNormal(nonlinearity = relu) }",
        parameters: &[SLOPE, MODE, NONLINEARITY],
        also_known_as: &["HeNormal", "he_normal", "kaiming_normal_"],
        meaning: Meaning::Initializer(|arguments| Initializer::KaimingNormal {
            gain: gain(arguments),
            fan_out: arguments.word("mode") == "fan_out",
        }),
    },
    Entry {
        name: "Zeros",
        summary: "All elements 0.",
        formula: "0",
        source: "torch.nn.init.zeros_",
        example: "params \"*.bias\" { init = Zeros }",
        parameters: &[],
        also_known_as: &["zero", "zeros_"],
        meaning: Meaning::Initializer(|_| Initializer::Constant(0.0)),
    },
    Entry {
        name: "Ones",
        summary: "All elements 1.",
        formula: "1",
        source: "torch.nn.init.ones_",
        example: "params \"*.bias\" { init = Ones }",
        parameters: &[],
        also_known_as: &["one", "ones_"],
        meaning: Meaning::Initializer(|_| Initializer::Constant(1.0)),
    },
    Entry {
        name: "Constant",
        summary: "All elements the same number.",
        formula: "val",
        source: "torch.nn.init.constant_",
        example: "params \"*.bias\" { init = Constant(0.1) }",
        parameters: &[positional(
            "val",
            ArgumentKind::Number(Range::ANY),
            Default::Required,
            "the number",
        )],
        also_known_as: &["constant_"],
        meaning: Meaning::Initializer(|arguments| Initializer::Constant(arguments.number("val"))),
    },
];

/// torch.nn.init.calculate_gain.
fn gain(arguments: &Arguments) -> f64 {
    let slope = arguments.number("a");
    match arguments.word("nonlinearity") {
        "relu" => 2f64.sqrt(),
        "tanh" => 5.0 / 3.0,
        "selu" => 0.75,
        "linear" | "sigmoid" => 1.0,
        _ => (2.0 / (1.0 + slope * slope)).sqrt(),
    }
}
