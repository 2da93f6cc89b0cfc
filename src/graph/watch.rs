//! What a training records of a network's values, as `watch` sections ask for it.

use super::ValueId;
use super::state::StateId;

/// What is recorded of a value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Measure {
    /// The Euclidean norm over all elements: one number.
    Norm,
    /// Mean, standard deviation (of the elements themselves, `ddof = 0`), least and largest element,
    /// and the share of elements that are exactly 0.
    Stats,
    /// Least and largest finite element, and how many of the finite elements fall in each of [`BINS`]
    /// equal parts between them, the last of which has its end (torch.histc).
    Histogram,
}

/// Parts of a histogram.
pub const BINS: usize = 30;

/// Updates between two records where the text does not say.
pub const DEFAULT_EVERY: u64 = 100;

impl Measure {
    pub const ALL: [Measure; 3] = [Measure::Norm, Measure::Stats, Measure::Histogram];

    /// The word for it in a model's text.
    pub fn word(self) -> &'static str {
        match self {
            Measure::Norm => "norm",
            Measure::Stats => "stats",
            Measure::Histogram => "histogram",
        }
    }

    /// Its numbers by name; a histogram's counts follow its two.
    pub fn numbers(self) -> &'static [&'static str] {
        match self {
            Measure::Norm => &["norm"],
            Measure::Stats => &["mean", "std", "min", "max", "zeros"],
            Measure::Histogram => &["low", "high"],
        }
    }

    /// How many numbers it takes to record.
    pub fn width(self) -> usize {
        let counts = if self == Measure::Histogram { BINS } else { 0 };
        self.numbers().len() + counts
    }

    /// Appends the measure of some values, which are gone through in their order, at most three times.
    pub fn append(self, values: impl Iterator<Item = f64> + Clone, to: &mut Vec<f64>) {
        match self {
            Measure::Norm => {
                let squares: f64 = values.map(|value| value * value).sum();
                to.push(squares.sqrt());
            }
            Measure::Stats => {
                let (mut sum, mut count, mut zeros) = (0.0, 0_u64, 0_u64);
                for value in values.clone() {
                    sum += value;
                    count += 1;
                    zeros += u64::from(value == 0.0);
                }
                let count = count.max(1) as f64;
                let mean = sum / count;
                let squares: f64 = values.clone().map(|value| (value - mean).powi(2)).sum();
                let (low, high) = bounds(values);
                let deviation = (squares / count).sqrt();
                to.extend([mean, deviation, low, high, zeros as f64 / count]);
            }
            Measure::Histogram => {
                let finite = values.filter(|value| value.is_finite());
                let (low, high) = match finite.clone().next() {
                    Some(_) => bounds(finite.clone()),
                    None => (f64::NAN, f64::NAN),
                };
                to.extend([low, high]);
                let first = to.len();
                to.extend([0.0; BINS]);
                for value in finite {
                    // Where all are alike this is no number, which is the first part.
                    let part = (value - low) / (high - low) * BINS as f64;
                    to[first + (part as usize).min(BINS - 1)] += 1.0;
                }
            }
        }
    }
}

/// The least and the largest; a NaN among them is both, as in PyTorch.
fn bounds(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        if value.is_nan() || low.is_nan() {
            (f64::NAN, f64::NAN)
        } else {
            (low.min(value), high.max(value))
        }
    })
}

/// Of what in the network.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Subject {
    /// What a stage gives for the rows of the batch.
    Output,
    /// A parameter's gradient, before it is clipped; where batches are accumulated, their mean.
    Gradient(StateId),
    /// A parameter, after the update.
    Weight(StateId),
}

impl Subject {
    /// The word for it in a model's text.
    pub fn word(self) -> &'static str {
        match self {
            Subject::Output => "output",
            Subject::Gradient(_) => "grad",
            Subject::Weight(_) => "weight",
        }
    }
}

/// One value that is watched.
#[derive(Clone, PartialEq, Debug)]
pub struct Watch {
    /// The place of the section that asks for it, among those of the file.
    pub section: usize,
    /// The path of the stage or of the parameter.
    pub name: String,
    pub subject: Subject,
    /// In the order of [`Measure::ALL`], each once.
    pub measures: Vec<Measure>,
    /// The first update is recorded, and each whose number is a multiple of this.
    pub every: u64,
    /// The value that it reads; a parameter needs none, and a gradient has one once it is computed.
    pub value: Option<ValueId>,
}

impl Watch {
    /// Whether an update, counted from 1, is recorded.
    pub fn wants(&self, update: u64) -> bool {
        update == 1 || update.is_multiple_of(self.every)
    }

    /// How many numbers a record has: those of its measures, one after another.
    pub fn width(&self) -> usize {
        self.measures.iter().map(|measure| measure.width()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(measure: Measure, values: &[f64]) -> Vec<f64> {
        let mut found = Vec::new();
        measure.append(values.iter().copied(), &mut found);
        assert_eq!(found.len(), measure.width());
        found
    }

    #[test]
    fn measures_of_few_numbers() {
        let values = [3.0, 0.0, -4.0, 0.0];
        assert_eq!(measured(Measure::Norm, &values), [5.0]);
        let deviation = (25.0_f64 / 4.0 - 1.0 / 16.0).sqrt();
        assert_eq!(
            measured(Measure::Stats, &values),
            [-0.25, deviation, -4.0, 3.0, 0.5]
        );
        let histogram = measured(Measure::Histogram, &values);
        assert_eq!(histogram[..2], [-4.0, 3.0]);
        let counts = &histogram[2..];
        let found = |part: usize| counts[part];
        // 0 is 4/7 of the way: part 17 of 30.
        assert_eq!([found(0), found(17), found(29)], [1.0, 2.0, 1.0]);
        assert_eq!(counts.iter().sum::<f64>(), 4.0);
    }

    #[test]
    fn what_is_not_finite_is_in_no_part_of_a_histogram() {
        let histogram = measured(Measure::Histogram, &[f64::NAN, 1.0, f64::INFINITY, 1.0]);
        assert_eq!(histogram[..4], [1.0, 1.0, 2.0, 0.0]);
        let histogram = measured(Measure::Histogram, &[f64::NAN]);
        assert!(histogram[0].is_nan() && histogram[1].is_nan());
        assert_eq!(histogram[2..].iter().sum::<f64>(), 0.0);
        let extremes = measured(Measure::Histogram, &[f64::MIN, f64::MAX]);
        assert_eq!(extremes[2..].iter().sum::<f64>(), 2.0);
        assert!(measured(Measure::Stats, &[f64::NAN, 1.0])[0].is_nan());
    }

    #[test]
    fn the_first_update_and_every_so_many_are_wanted() {
        let watch = Watch {
            section: 0,
            name: "head".to_string(),
            subject: Subject::Output,
            measures: vec![Measure::Norm, Measure::Histogram],
            every: 3,
            value: None,
        };
        let wanted: Vec<u64> = (1..=9).filter(|update| watch.wants(*update)).collect();
        assert_eq!(wanted, [1, 3, 6, 9]);
        assert_eq!(watch.width(), 33);
    }
}
