//! Averages of the weights over the updates, which are evaluated and kept in place of the last ones.

use super::arguments::{ArgumentKind, Default, Range, positional};
use super::{Entry, Meaning};

pub const ENTRIES: &[Entry] = &[Entry {
    name: "ema",
    summary: "An exponential moving average of all parameters, taken after each update.",
    formula: "a = p after the first update, then a = decay · a + (1 - decay) · p",
    source: "torch.optim.swa_utils.AveragedModel with get_ema_multi_avg_fn",
    example: "average = ema(decay = 0.99)",
    parameters: &[positional(
        "decay",
        ArgumentKind::Number(Range::BELOW_ONE),
        Default::Number(0.999),
        "what is left of the average with each update",
    )],
    also_known_as: &[
        "EMA",
        "use_ema",
        "AveragedModel",
        "ExponentialMovingAverage",
    ],
    meaning: Meaning::Average,
}];
