//! What a model keeps between steps: parameters, buffers, optimizer slots; and the numbers that are
//! set before each step.

use super::shape::{Dim, Shape};
use crate::diagnostics::Span;

/// How a parameter gets its first values.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Initializer {
    /// PyTorch's `Linear`: uniform(±1/√fan_in), for weight and bias.
    LinearDefault,
    /// uniform(±1/√features), PyTorch's `Bilinear`; the features of its first value, if they are known.
    InverseRoot {
        features: Option<usize>,
    },
    /// normal(0, 1), PyTorch's `Embedding`.
    StandardNormal,
    /// uniform(±gain √(6 / (fan_in + fan_out))).
    XavierUniform {
        gain: f64,
    },
    /// normal(0, gain √(2 / (fan_in + fan_out))).
    XavierNormal {
        gain: f64,
    },
    /// uniform(±gain √(3 / fan)), the gain that of the nonlinearity.
    KaimingUniform {
        gain: f64,
        fan_out: bool,
    },
    /// normal(0, gain / √fan), the gain that of the nonlinearity.
    KaimingNormal {
        gain: f64,
        fan_out: bool,
    },
    Constant(f64),
}

/// A distribution with its figures worked out.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Distribution {
    /// Uniform in [-bound, bound).
    Uniform {
        bound: f64,
    },
    /// Normal with mean 0.
    Normal {
        deviation: f64,
    },
    Constant(f64),
}

impl Initializer {
    /// Whether it depends on fans, which a tensor of one axis does not have.
    pub fn needs_two_axes(self) -> bool {
        match self {
            Initializer::LinearDefault
            | Initializer::InverseRoot { .. }
            | Initializer::XavierUniform { .. }
            | Initializer::XavierNormal { .. }
            | Initializer::KaimingUniform { .. }
            | Initializer::KaimingNormal { .. } => true,
            Initializer::StandardNormal | Initializer::Constant(_) => false,
        }
    }

    /// The distribution for a parameter with these fans; `None` while a fan is not known.
    pub fn distribution(self, fan_in: &Dim, fan_out: &Dim) -> Option<Distribution> {
        let fans = || Some((fan_in.known()? as f64, fan_out.known()? as f64));
        let one_fan = |out: bool| {
            let fan = if out { fan_out } else { fan_in };
            Some(fan.known()? as f64)
        };
        Some(match self {
            Initializer::Constant(value) => Distribution::Constant(value),
            Initializer::StandardNormal => Distribution::Normal { deviation: 1.0 },
            Initializer::LinearDefault => Distribution::Uniform {
                bound: 1.0 / one_fan(false)?.sqrt(),
            },
            Initializer::InverseRoot { features } => Distribution::Uniform {
                bound: 1.0 / (features? as f64).sqrt(),
            },
            Initializer::XavierUniform { gain } => {
                let (fan_in, fan_out) = fans()?;
                Distribution::Uniform {
                    bound: gain * (6.0 / (fan_in + fan_out)).sqrt(),
                }
            }
            Initializer::XavierNormal { gain } => {
                let (fan_in, fan_out) = fans()?;
                Distribution::Normal {
                    deviation: gain * (2.0 / (fan_in + fan_out)).sqrt(),
                }
            }
            Initializer::KaimingUniform { gain, fan_out } => Distribution::Uniform {
                bound: gain * (3.0 / one_fan(fan_out)?).sqrt(),
            },
            Initializer::KaimingNormal { gain, fan_out } => Distribution::Normal {
                deviation: gain / one_fan(fan_out)?.sqrt(),
            },
        })
    }
}

impl Distribution {
    /// The distribution as the plan writes it.
    pub fn text(self) -> String {
        match self {
            Distribution::Uniform { bound } => format!("uniform(±{})", short(bound)),
            Distribution::Normal { deviation } => format!("normal(0, {})", short(deviation)),
            Distribution::Constant(0.0) => "zeros".to_string(),
            Distribution::Constant(1.0) => "ones".to_string(),
            Distribution::Constant(value) => format!("constant({})", short(value)),
        }
    }
}

/// A number in at most four significant digits.
pub fn short(value: f64) -> String {
    if value.is_nan() {
        // A number that only the data tells.
        return "…".to_owned();
    }
    let rounded: f64 = format!("{value:.3e}")
        .parse()
        .expect("a printed float parses");
    if rounded == 0.0 || (1e-4..1e6).contains(&rounded.abs()) {
        format!("{rounded}")
    } else {
        format!("{rounded:e}")
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct StateId(pub u32);

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum StateKind {
    /// Learned by the optimizer.
    Parameter,
    /// Kept by the network itself, such as BatchNorm's running statistics.
    Buffer,
    /// Kept by the optimizer for the parameter it names.
    Slot(StateId),
    /// The average of the parameter it names, which evaluation reads in its place.
    Average(StateId),
}

/// One tensor that lives as long as the model.
#[derive(Clone, PartialEq, Debug)]
pub struct State {
    /// PyTorch's path, such as `hidden_linear.weight`; of a slot, `path.exp_avg`.
    pub name: String,
    /// Paths of other layers that use the same tensor.
    pub aliases: Vec<String>,
    pub kind: StateKind,
    /// PyTorch's shape; never batched.
    pub shape: Shape,
    pub initializer: Initializer,
    pub fan_in: Dim,
    pub fan_out: Dim,
    /// A whole number, saved as int64 (BatchNorm's `num_batches_tracked`).
    pub integer: bool,
    /// Of such a number: how many batches an update counts, one for each use of a shared layer.
    pub uses: u64,
    pub span: Span,
    pub training: Training,
}

/// How one parameter is trained, where that is not as all are.
#[derive(Clone, Copy, PartialEq, Debug, Default)]
pub struct Training {
    /// It keeps its first value.
    pub frozen: bool,
    /// In place of the optimizer's own.
    pub lr: Option<f64>,
    pub weight_decay: Option<f64>,
    /// What times the sum of magnitudes, and of squares, is added to the loss.
    pub l1: f64,
    pub l2: f64,
    /// The largest norm of a row after an update.
    pub max_norm: Option<f64>,
}

impl Training {
    /// What is not as for all, as the plan writes it; empty if nothing is.
    pub fn text(self) -> String {
        let penalty = |name: &str, factor: f64| {
            let text = format!("{name} {}", short(factor));
            (factor != 0.0).then_some(text)
        };
        let penalties = penalty("l1", self.l1)
            .into_iter()
            .chain(penalty("l2", self.l2));
        if self.frozen {
            let parts: Vec<String> = ["frozen".to_string()]
                .into_iter()
                .chain(penalties)
                .collect();
            return parts.join(", ");
        }
        let lr = self.lr.map(|lr| format!("lr {}", short(lr)));
        let decay = self.weight_decay;
        let decay = decay.map(|decay| format!("weight_decay {}", short(decay)));
        let norm = self.max_norm;
        let norm = norm.map(|norm| format!("max_norm {}", short(norm)));
        let parts = lr.into_iter().chain(decay).chain(penalties).chain(norm);
        parts.collect::<Vec<String>>().join(", ")
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ScalarId(pub u32);

/// A number that is written into its slot before a step: it depends on the number of the update or
/// on the rows of the batch, never on values.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum StepScalar {
    LearningRate {
        lr: f64,
    },
    /// 1 - lr · weight_decay.
    DecoupledDecay {
        lr: f64,
        weight_decay: f64,
    },
    /// lr / (1 - beta1ᵗ), t the number of the update, from 1.
    AdamStepSize {
        lr: f64,
        beta1: f64,
    },
    /// 1 / √(1 - beta2ᵗ).
    AdamRootCorrection {
        beta2: f64,
    },
    /// What of a gradient enters the momentum buffer: all of it in the first update, then 1 - dampening.
    Undamped {
        dampening: f64,
    },
    /// factor / rows.
    MeanScale {
        factor: f64,
    },
    /// rows / (rows - 1).
    BesselCorrection,
    /// 0 in the first update, then decay.
    AverageDecay {
        decay: f64,
    },
    /// What of the gradients that are accumulated is the batch's: its rows over those of the group
    /// so far.
    Share,
}

impl StepScalar {
    /// The number for an update (from 1) on a batch of `rows`, which are `share` of those whose gradients
    /// are accumulated, where `rate` gives the learning rate that
    /// the schedule makes of the optimizer's.
    pub fn value(self, update: u64, rows: usize, share: f64, rate: impl Fn(f64) -> f64) -> f64 {
        let t = update as f64;
        match self {
            StepScalar::LearningRate { lr } => rate(lr),
            StepScalar::DecoupledDecay { lr, weight_decay } => 1.0 - rate(lr) * weight_decay,
            StepScalar::AdamStepSize { lr, beta1 } => rate(lr) / (1.0 - beta1.powf(t)),
            StepScalar::AdamRootCorrection { beta2 } => 1.0 / (1.0 - beta2.powf(t)).sqrt(),
            StepScalar::Undamped { dampening } => match update {
                0 | 1 => 1.0,
                _ => 1.0 - dampening,
            },
            StepScalar::MeanScale { factor } => factor / rows as f64,
            StepScalar::BesselCorrection => rows as f64 / (rows as f64 - 1.0),
            StepScalar::AverageDecay { decay } => match update {
                0 | 1 => 0.0,
                _ => decay,
            },
            StepScalar::Share => share,
        }
    }

    /// Whether the number changes from one update to the next on batches of the same size.
    pub fn changes_with_update(self) -> bool {
        match self {
            StepScalar::AdamStepSize { .. }
            | StepScalar::AdamRootCorrection { .. }
            | StepScalar::Undamped { .. }
            | StepScalar::AverageDecay { .. }
            | StepScalar::Share => true,
            StepScalar::LearningRate { .. }
            | StepScalar::DecoupledDecay { .. }
            | StepScalar::MeanScale { .. }
            | StepScalar::BesselCorrection => false,
        }
    }

    /// Whether the number depends on the learning rate.
    pub fn follows_schedule(self) -> bool {
        match self {
            StepScalar::LearningRate { .. }
            | StepScalar::DecoupledDecay { .. }
            | StepScalar::AdamStepSize { .. } => true,
            StepScalar::AdamRootCorrection { .. }
            | StepScalar::Undamped { .. }
            | StepScalar::MeanScale { .. }
            | StepScalar::AverageDecay { .. }
            | StepScalar::Share
            | StepScalar::BesselCorrection => false,
        }
    }

    /// The number as the plan writes it.
    pub fn text(self) -> String {
        match self {
            StepScalar::LearningRate { .. } => "lr".to_string(),
            StepScalar::DecoupledDecay { .. } => "(1 - lr·weight_decay)".to_string(),
            StepScalar::AdamStepSize { .. } => "lr/(1 - beta1ᵗ)".to_string(),
            StepScalar::AdamRootCorrection { .. } => "1/sqrt(1 - beta2ᵗ)".to_string(),
            StepScalar::Undamped { .. } => "undamped".to_string(),
            StepScalar::MeanScale { factor: 1.0 } => "1/rows".to_string(),
            StepScalar::MeanScale { factor } => format!("{}/rows", short(factor)),
            StepScalar::BesselCorrection => "rows/(rows - 1)".to_string(),
            StepScalar::AverageDecay { .. } => "decay".to_string(),
            StepScalar::Share => "share".to_string(),
        }
    }
}
