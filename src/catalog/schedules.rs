//! Schedules of the learning rate: torch.optim.lr_scheduler's, named as there without `LR`.
//!
//! They count updates. Their lengths are shares of the run (`5%`) or epochs, so that a schedule keeps
//! its meaning when the batch or the table changes.

use super::arguments::{
    ArgumentKind, Arguments, Default, Length, Parameter, Range, named, positional,
};
use super::{Entry, Meaning};
use crate::graph::schedule::{Amplitude, Plateau, Rule};

/// What a schedule's lengths are measured by.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct RunLengths {
    /// Updates of an epoch.
    pub epoch: u64,
    /// Updates of the whole run.
    pub total: u64,
    /// Updates before the schedule begins, if it follows another.
    pub before: u64,
}

impl RunLengths {
    /// A length in updates, at least one.
    pub fn updates(&self, length: Length) -> u64 {
        let updates = match length {
            Length::Epochs(epochs) => epochs * self.epoch as f64,
            Length::Share(share) => share * self.total as f64,
        };
        (updates.round() as u64).max(1)
    }

    /// Updates that are left when the schedule begins.
    fn rest(&self) -> u64 {
        self.total.saturating_sub(self.before).max(1)
    }
}

/// A schedule's rule.
#[derive(Debug)]
pub struct Schedule {
    /// The argument that says how long it holds when another follows.
    pub length: Option<&'static str>,
    /// The argument, a length or several, at whose end it first does what it is for, in those that hold
    /// to the end of the run.
    pub turns: Option<&'static str>,
    pub rule: fn(&Arguments, &RunLengths) -> Rule,
}

/// The highest rate, of schedules that have one of their own.
const MAX_LR: &str = "max_lr";

/// Whether a schedule sets the rate itself, whatever the optimizer and its groups say.
pub fn sets_rate(entry: &Entry) -> bool {
    entry.parameters.iter().any(|known| known.name == MAX_LR)
}

const GAMMA: Parameter = named(
    "gamma",
    ArgumentKind::Number(Range::POSITIVE),
    Default::Number(0.1),
    "factor of each step",
);
const ETA_MIN: Parameter = named(
    "eta_min",
    ArgumentKind::Number(Range::NOT_NEGATIVE),
    Default::Number(0.0),
    "the lowest learning rate",
);
const FACTOR: ArgumentKind = ArgumentKind::Number(Range::NOT_NEGATIVE);

const fn required(name: &'static str, summary: &'static str) -> Parameter {
    positional(name, ArgumentKind::Length, Default::Required, summary)
}

const fn total_iters(default: Default) -> Parameter {
    named(
        "total_iters",
        ArgumentKind::Length,
        default,
        "how long the rate changes",
    )
}

const FIVE_EPOCHS: Default = Default::Epochs(5.0);

pub const ENTRIES: &[Entry] = &[
    Entry {
        name: "Warmup",
        summary: "Rises to the optimizer's rate along a line.",
        formula: "lr · (s + 1) / length",
        source: "Goyal et al. 2017, gradual warmup",
        example: "schedule = Warmup(5%) -> CosineAnnealing",
        parameters: &[required("length", "how long the rate rises")],
        also_known_as: &["LinearWarmup", "WarmUp"],
        meaning: Meaning::Schedule(Schedule {
            length: Some("length"),
            turns: None,
            rule: |arguments, run| Rule::Warmup {
                length: updates(arguments, run, "length"),
            },
        }),
    },
    Entry {
        name: "Step",
        summary: "Falls by a factor after every so many epochs.",
        formula: "lr · gamma^⌊s / step_size⌋",
        source: "torch.optim.lr_scheduler.StepLR",
        example: "schedule = Step(3, gamma = 0.5)",
        parameters: &[required("step_size", "how long each rate holds"), GAMMA],
        also_known_as: &["StepLR", "StepDecay"],
        meaning: Meaning::Schedule(Schedule {
            length: None,
            turns: Some("step_size"),
            rule: |arguments, run| Rule::Step {
                length: updates(arguments, run, "step_size"),
                gamma: arguments.number("gamma"),
            },
        }),
    },
    Entry {
        name: "MultiStep",
        summary: "Falls by a factor at each milestone.",
        formula: "lr · gamma^(milestones passed)",
        source: "torch.optim.lr_scheduler.MultiStepLR",
        example: "schedule = MultiStep([50%, 75%])",
        parameters: &[
            positional(
                "milestones",
                ArgumentKind::Lengths,
                Default::Required,
                "when the rate falls",
            ),
            GAMMA,
        ],
        also_known_as: &["MultiStepLR", "PiecewiseConstantDecay"],
        meaning: Meaning::Schedule(Schedule {
            length: None,
            turns: Some("milestones"),
            rule: |arguments, run| Rule::MultiStep {
                milestones: arguments
                    .lengths("milestones")
                    .iter()
                    .map(|length| run.updates(*length))
                    .collect(),
                gamma: arguments.number("gamma"),
            },
        }),
    },
    Entry {
        name: "Exponential",
        summary: "Falls by a factor after every epoch.",
        formula: "lr · gamma^⌊epochs⌋",
        source: "torch.optim.lr_scheduler.ExponentialLR",
        example: "schedule = Exponential(0.95)",
        parameters: &[positional(
            "gamma",
            ArgumentKind::Number(Range::POSITIVE),
            Default::Required,
            "factor of each epoch",
        )],
        also_known_as: &["ExponentialLR", "ExponentialDecay"],
        meaning: Meaning::Schedule(Schedule {
            length: None,
            turns: None,
            rule: |arguments, run| Rule::Step {
                length: run.epoch,
                gamma: arguments.number("gamma"),
            },
        }),
    },
    Entry {
        name: "Linear",
        summary: "Changes the rate by a factor that moves along a line.",
        formula: "lr · (start_factor + (end_factor - start_factor) · min(s / total_iters, 1))",
        source: "torch.optim.lr_scheduler.LinearLR",
        example: "schedule = Linear(start_factor = 1, end_factor = 0.1, total_iters = 100%)",
        parameters: &[
            named(
                "start_factor",
                FACTOR,
                Default::Number(1.0 / 3.0),
                "factor at first",
            ),
            named("end_factor", FACTOR, Default::Number(1.0), "factor at last"),
            total_iters(FIVE_EPOCHS),
        ],
        also_known_as: &["LinearLR"],
        meaning: Meaning::Schedule(Schedule {
            length: Some("total_iters"),
            turns: None,
            rule: |arguments, run| Rule::Linear {
                start: arguments.number("start_factor"),
                end: arguments.number("end_factor"),
                length: updates(arguments, run, "total_iters"),
            },
        }),
    },
    Entry {
        name: "Polynomial",
        summary: "Falls to zero along a power.",
        formula: "lr · (1 - min(s / total_iters, 1))^power",
        source: "torch.optim.lr_scheduler.PolynomialLR",
        example: "schedule = Polynomial(total_iters = 100%, power = 2)",
        parameters: &[
            total_iters(FIVE_EPOCHS),
            named(
                "power",
                ArgumentKind::Number(Range::POSITIVE),
                Default::Number(1.0),
                "of the polynomial",
            ),
        ],
        also_known_as: &["PolynomialLR", "PolynomialDecay"],
        meaning: Meaning::Schedule(Schedule {
            length: Some("total_iters"),
            turns: None,
            rule: |arguments, run| Rule::Polynomial {
                length: updates(arguments, run, "total_iters"),
                power: arguments.number("power"),
            },
        }),
    },
    Entry {
        name: "CosineAnnealing",
        summary: "Falls along half a cosine wave.",
        formula: "eta_min + (lr - eta_min) · (1 + cos(π · s / T_max)) / 2",
        source: "torch.optim.lr_scheduler.CosineAnnealingLR; Loshchilov and Hutter, arXiv:1608.03983",
        example: "schedule = CosineAnnealing(eta_min = 1e-5)",
        parameters: &[
            positional(
                "T_max",
                ArgumentKind::Length,
                Default::Absent("what is left of the run"),
                "half of the wave's length",
            ),
            ETA_MIN,
        ],
        also_known_as: &["CosineAnnealingLR", "CosineDecay", "Cosine"],
        meaning: Meaning::Schedule(Schedule {
            length: Some("T_max"),
            turns: None,
            rule: |arguments, run| Rule::CosineAnnealing {
                length: updates_or_rest(arguments, run, "T_max"),
                eta_min: arguments.number("eta_min"),
            },
        }),
    },
    Entry {
        name: "CosineAnnealingWarmRestarts",
        summary: "Falls along half a cosine wave, again and again.",
        formula: "eta_min + (lr - eta_min) · (1 + cos(π · s / T)) / 2, T = T_0, then T_mult times as long each time",
        source: "torch.optim.lr_scheduler.CosineAnnealingWarmRestarts; arXiv:1608.03983",
        example: "schedule = CosineAnnealingWarmRestarts(10%, T_mult = 2)",
        parameters: &[
            required("T_0", "length of the first wave"),
            named(
                "T_mult",
                ArgumentKind::Size,
                Default::Size(1),
                "how many times as long the next wave is",
            ),
            ETA_MIN,
        ],
        also_known_as: &["CosineDecayRestarts", "SGDR"],
        meaning: Meaning::Schedule(Schedule {
            length: None,
            turns: Some("T_0"),
            rule: |arguments, run| Rule::CosineAnnealingWarmRestarts {
                first: updates(arguments, run, "T_0"),
                factor: arguments.size("T_mult") as u64,
                eta_min: arguments.number("eta_min"),
            },
        }),
    },
    Entry {
        name: "Cyclic",
        summary: "Rises and falls between two rates.",
        formula: "base_lr + (max_lr - base_lr) · height of a triangle · its scale",
        source: "torch.optim.lr_scheduler.CyclicLR with cycle_momentum = False; Smith, arXiv:1506.01186",
        example: "schedule = Cyclic(base_lr = 1e-4, max_lr = 1e-2, step_size_up = 2)",
        parameters: &[
            named(
                "base_lr",
                ArgumentKind::Number(Range::NOT_NEGATIVE),
                Default::Required,
                "the lower rate",
            ),
            named(
                MAX_LR,
                ArgumentKind::Number(Range::POSITIVE),
                Default::Required,
                "the upper rate",
            ),
            named(
                "step_size_up",
                ArgumentKind::Length,
                Default::Required,
                "how long the rate rises",
            ),
            named(
                "step_size_down",
                ArgumentKind::Length,
                Default::Absent("as long as it rises"),
                "how long the rate falls",
            ),
            named(
                "mode",
                ArgumentKind::Word(&["triangular", "triangular2", "exp_range"]),
                Default::Word("triangular"),
                "whether cycles keep their height, halve it, or lose it by gamma",
            ),
            named(
                "gamma",
                ArgumentKind::Number(Range::POSITIVE),
                Default::Number(1.0),
                "factor of each update in exp_range",
            ),
        ],
        also_known_as: &["CyclicLR", "CyclicalLearningRate"],
        meaning: Meaning::Schedule(Schedule {
            length: None,
            turns: Some("step_size_up"),
            rule: |arguments, run| {
                let up = updates(arguments, run, "step_size_up");
                Rule::Cyclic {
                    base_lr: arguments.number("base_lr"),
                    max_lr: arguments.number("max_lr"),
                    up,
                    down: match arguments.get("step_size_down") {
                        Some(_) => updates(arguments, run, "step_size_down"),
                        None => up,
                    },
                    amplitude: match arguments.word("mode") {
                        "triangular2" => Amplitude::Halved,
                        "exp_range" => Amplitude::Exponential {
                            gamma: arguments.number("gamma"),
                        },
                        _ => Amplitude::Same,
                    },
                }
            },
        }),
    },
    Entry {
        name: "OneCycle",
        summary: "Rises to a high rate and falls far below the first one.",
        formula: "max_lr / div_factor up to max_lr within pct_start, then down to max_lr / div_factor / final_div_factor",
        source: "torch.optim.lr_scheduler.OneCycleLR with cycle_momentum = False; Smith and Topin, arXiv:1708.07120",
        example: "schedule = OneCycle(max_lr = 1e-2)",
        parameters: &[
            named(
                MAX_LR,
                ArgumentKind::Number(Range::POSITIVE),
                Default::Required,
                "the highest rate",
            ),
            named(
                "total_steps",
                ArgumentKind::Length,
                Default::Absent("what is left of the run"),
                "length of the cycle",
            ),
            named(
                "pct_start",
                ArgumentKind::Number(Range::UNIT),
                Default::Number(0.3),
                "share of the cycle in which the rate rises",
            ),
            named(
                "anneal_strategy",
                ArgumentKind::Word(&["cos", "linear"]),
                Default::Word("cos"),
                "how the rate moves",
            ),
            named(
                "div_factor",
                ArgumentKind::Number(Range::POSITIVE),
                Default::Number(25.0),
                "what max_lr is divided by at first",
            ),
            named(
                "final_div_factor",
                ArgumentKind::Number(Range::POSITIVE),
                Default::Number(1e4),
                "what the first rate is divided by at last",
            ),
        ],
        also_known_as: &["OneCycleLR", "1cycle"],
        meaning: Meaning::Schedule(Schedule {
            length: Some("total_steps"),
            turns: None,
            rule: |arguments, run| Rule::OneCycle {
                max_lr: arguments.number("max_lr"),
                length: updates_or_rest(arguments, run, "total_steps"),
                pct_start: arguments.number("pct_start"),
                linear: arguments.word("anneal_strategy") == "linear",
                div_factor: arguments.number("div_factor"),
                final_div_factor: arguments.number("final_div_factor"),
            },
        }),
    },
    Entry {
        name: "InverseSqrt",
        summary: "Falls with the root of the updates made.",
        formula: "lr · √(timescale / (timescale + s))",
        source: "Vaswani et al. 2017, section 5.3; fairseq's inverse_sqrt after its warmup",
        example: "schedule = Warmup(5%) -> InverseSqrt",
        parameters: &[positional(
            "timescale",
            ArgumentKind::Length,
            Default::Absent("what the schedule before it took, else one epoch"),
            "after so long the rate has fallen to its √½",
        )],
        also_known_as: &["inverse_sqrt", "Noam", "NoamLR"],
        meaning: Meaning::Schedule(Schedule {
            length: None,
            turns: None,
            rule: |arguments, run| Rule::InverseSqrt {
                timescale: match (arguments.get("timescale"), run.before) {
                    (Some(_), _) => updates(arguments, run, "timescale"),
                    (None, 0) => run.epoch,
                    (None, before) => before,
                },
            },
        }),
    },
    Entry {
        name: "ReduceOnPlateau",
        summary: "Falls by a factor when the validation loss, or without validation rows the training loss, no longer does.",
        formula: "lr · factor after more than `patience` epochs without a loss below best · (1 - threshold)",
        source: "torch.optim.lr_scheduler.ReduceLROnPlateau",
        example: "schedule = ReduceOnPlateau(patience = 5)",
        parameters: &[
            named(
                "factor",
                ArgumentKind::Number(Range::BELOW_ONE),
                Default::Number(0.1),
                "factor of each reduction",
            ),
            named(
                "patience",
                ArgumentKind::Count,
                Default::Number(10.0),
                "epochs without a better loss that are borne",
            ),
            named(
                "threshold",
                ArgumentKind::Number(Range::NOT_NEGATIVE),
                Default::Number(1e-4),
                "how much better a loss must be",
            ),
            named(
                "threshold_mode",
                ArgumentKind::Word(&["rel", "abs"]),
                Default::Word("rel"),
                "whether that is a share of the best loss",
            ),
            named(
                "cooldown",
                ArgumentKind::Count,
                Default::Number(0.0),
                "epochs after a reduction in which none are counted",
            ),
            named(
                "min_lr",
                ArgumentKind::Number(Range::NOT_NEGATIVE),
                Default::Number(0.0),
                "the lowest learning rate",
            ),
        ],
        also_known_as: &["ReduceLROnPlateau"],
        meaning: Meaning::Schedule(Schedule {
            length: None,
            turns: Some("patience"),
            rule: |arguments, _| {
                Rule::ReduceOnPlateau(Plateau {
                    factor: arguments.number("factor"),
                    patience: arguments.number("patience") as u64,
                    threshold: arguments.number("threshold"),
                    relative: arguments.word("threshold_mode") == "rel",
                    cooldown: arguments.number("cooldown") as u64,
                    min_lr: arguments.number("min_lr"),
                })
            },
        }),
    },
];

fn updates(arguments: &Arguments, run: &RunLengths, name: &str) -> u64 {
    run.updates(arguments.length(name))
}

fn updates_or_rest(arguments: &Arguments, run: &RunLengths, name: &str) -> u64 {
    match arguments.get(name) {
        Some(_) => updates(arguments, run, name),
        None => run.rest(),
    }
}
