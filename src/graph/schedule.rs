//! How the learning rate changes from one update to the next: the rules of torch.optim.lr_scheduler,
//! each in its closed form, one after another.

/// Rules that follow one another, each for its own stretch of updates.
#[derive(Clone, PartialEq, Debug)]
pub struct RateSchedule {
    pub pieces: Vec<SchedulePiece>,
}

/// A rule and how many updates it holds for; the last one holds to the end.
#[derive(Clone, PartialEq, Debug)]
pub struct SchedulePiece {
    pub rule: Rule,
    pub updates: u64,
}

/// A learning rate as a function of the updates s made since the rule began; lengths in updates.
#[derive(Clone, PartialEq, Debug)]
pub enum Rule {
    /// base · (s + 1) / length.
    Warmup { length: u64 },
    /// base · gamma^⌊s / length⌋.
    Step { length: u64, gamma: f64 },
    /// base · gamma^(milestones passed).
    MultiStep { milestones: Vec<u64>, gamma: f64 },
    /// base times a factor that goes from `start` to `end` along a line, and stays there.
    Linear { start: f64, end: f64, length: u64 },
    /// base · (1 - s / length)^power, then 0.
    Polynomial { length: u64, power: f64 },
    /// Half a cosine wave from base to `eta_min`, and back again after `length`.
    CosineAnnealing { length: u64, eta_min: f64 },
    /// Half a cosine wave from base to `eta_min`, begun anew; each wave is `factor` times as long.
    CosineAnnealingWarmRestarts {
        first: u64,
        factor: u64,
        eta_min: f64,
    },
    /// Up from `base_lr` to `max_lr` and down again.
    Cyclic {
        base_lr: f64,
        max_lr: f64,
        up: u64,
        down: u64,
        amplitude: Amplitude,
    },
    /// Up from max_lr / div_factor to `max_lr`, then down to max_lr / div_factor / final_div_factor.
    OneCycle {
        max_lr: f64,
        length: u64,
        pct_start: f64,
        linear: bool,
        div_factor: f64,
        final_div_factor: f64,
    },
    /// base · √(timescale / (timescale + s)).
    InverseSqrt { timescale: u64 },
    /// base · factor^reductions, at least `min_lr`: each reduction answers a loss that no longer falls.
    ReduceOnPlateau(Plateau),
}

/// How the height of each cycle follows from its number.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Amplitude {
    Same,
    /// Half as high each time.
    Halved,
    /// gamma^s as high.
    Exponential {
        gamma: f64,
    },
}

/// When a loss counts as one that no longer falls, and what follows.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Plateau {
    pub factor: f64,
    /// Epochs without a better loss that are borne.
    pub patience: u64,
    /// What makes a loss better: less by this share of the best, or by this much.
    pub threshold: f64,
    pub relative: bool,
    /// Epochs after a reduction in which none are counted.
    pub cooldown: u64,
    pub min_lr: f64,
}

impl RateSchedule {
    /// The learning rate of an update (from 1), after so many reductions, for parameters whose rate
    /// would be `base` without a schedule.
    pub fn rate(&self, base: f64, update: u64, reductions: u32) -> f64 {
        let mut since = update.saturating_sub(1);
        let last = self.pieces.len().saturating_sub(1);
        for (index, piece) in self.pieces.iter().enumerate() {
            if since < piece.updates || index == last {
                return piece.rule.rate(base, since, reductions);
            }
            since -= piece.updates;
        }
        base
    }

    /// The rule that answers a loss that no longer falls, if there is one.
    pub fn plateau(&self) -> Option<Plateau> {
        let last = self.pieces.last()?;
        if let Rule::ReduceOnPlateau(plateau) = last.rule {
            return Some(plateau);
        }
        None
    }
}

/// (1 + cos(π · share)) / 2: from 1 down to 0.
fn half_wave(share: f64) -> f64 {
    f64::midpoint(1.0, (std::f64::consts::PI * share).cos())
}

/// How high a cycle stands that rises for `up` steps and falls for `down`: from 0 to 1 and back.
fn height(within: u64, up: u64, down: u64) -> f64 {
    if within <= up {
        within as f64 / up as f64
    } else {
        (up + down - within) as f64 / down as f64
    }
}

/// How many steps ago the last restart was, and the length of the cycle since: the first has `first` steps,
/// each other one `factor` times as many as the one before.
fn restarted(since: u64, first: u64, factor: u64) -> (u64, u64) {
    let (mut length, mut within) = (first, since);
    if factor <= 1 {
        return (within % length, length);
    }
    while within >= length {
        within -= length;
        length = length.saturating_mul(factor);
    }
    (within, length)
}

impl Rule {
    fn rate(&self, base: f64, since: u64, reductions: u32) -> f64 {
        let share = |length: u64| since as f64 / length.max(1) as f64;
        match self {
            Rule::Warmup { length } => {
                base * ((since + 1) as f64 / (*length).max(1) as f64).min(1.0)
            }
            Rule::Step { length, gamma } => base * gamma.powf((since / (*length).max(1)) as f64),
            Rule::MultiStep { milestones, gamma } => {
                let passed = milestones.iter().filter(|milestone| **milestone <= since);
                base * gamma.powf(passed.count() as f64)
            }
            Rule::Linear { start, end, length } => {
                base * (start + (end - start) * share(*length).min(1.0))
            }
            Rule::Polynomial { length, power } => {
                base * (1.0 - share(*length).min(1.0)).powf(*power)
            }
            Rule::CosineAnnealing { length, eta_min } => {
                eta_min + (base - eta_min) * half_wave(share(*length))
            }
            Rule::CosineAnnealingWarmRestarts {
                first,
                factor,
                eta_min,
            } => {
                let (within, length) = restarted(since, (*first).max(1), *factor);
                eta_min + (base - eta_min) * half_wave(within as f64 / length as f64)
            }
            Rule::Cyclic {
                base_lr,
                max_lr,
                up,
                down,
                amplitude,
            } => {
                let (up, down) = ((*up).max(1), (*down).max(1));
                let scale = match amplitude {
                    Amplitude::Same => 1.0,
                    Amplitude::Halved => 0.5f64.powf((since / (up + down)) as f64),
                    Amplitude::Exponential { gamma } => gamma.powf(since as f64),
                };
                base_lr + (max_lr - base_lr) * height(since % (up + down), up, down) * scale
            }
            Rule::OneCycle {
                max_lr,
                length,
                pct_start,
                linear,
                div_factor,
                final_div_factor,
            } => {
                let first = max_lr / div_factor;
                let last = first / final_div_factor;
                // The peak and the end stand on the last update of their phases.
                let peak = pct_start * *length as f64 - 1.0;
                let end = *length as f64 - 1.0;
                let step = (since as f64).min(end);
                let (from, to, share) = if step > peak {
                    (*max_lr, last, (step - peak) / (end - peak))
                } else if peak <= 0.0 {
                    (first, *max_lr, 1.0)
                } else {
                    (first, *max_lr, step / peak)
                };
                if *linear {
                    from + (to - from) * share
                } else {
                    to + (from - to) * half_wave(share)
                }
            }
            Rule::InverseSqrt { timescale } => {
                let timescale = (*timescale).max(1) as f64;
                base * (timescale / (timescale + since as f64)).sqrt()
            }
            Rule::ReduceOnPlateau(plateau) => {
                let reduced = base * plateau.factor.powf(f64::from(reductions));
                reduced.max(plateau.min_lr.min(base))
            }
        }
    }
}
