//! Metrics, in f64 and the target's own units; scikit-learn's definitions.

use crate::catalog::{Link, Metric};

/// What a network's outputs say, by the loss's link function.
#[derive(Clone, PartialEq, Debug)]
pub enum Predictions {
    /// `width` numbers a row, prepared as the target is.
    Numbers { width: usize, values: Vec<f64> },
    /// A probability for each class, `classes` a row.
    Classes {
        classes: usize,
        probabilities: Vec<f64>,
    },
}

impl Predictions {
    /// Applies the link to outputs of `width` a row. With a sigmoid over a category, the probability
    /// is that of the second class.
    pub fn new(link: Link, category: bool, width: usize, outputs: Vec<f64>) -> Self {
        match (link, category) {
            (Link::Softmax, _) => Predictions::Classes {
                classes: width,
                probabilities: outputs.chunks_exact(width).flat_map(softmax).collect(),
            },
            (Link::Sigmoid, true) => Predictions::Classes {
                classes: 2,
                probabilities: outputs
                    .iter()
                    .flat_map(|logit| {
                        let p = sigmoid(*logit);
                        [1.0 - p, p]
                    })
                    .collect(),
            },
            (Link::Sigmoid, false) => Predictions::Numbers {
                width,
                values: outputs.into_iter().map(sigmoid).collect(),
            },
            (Link::Identity, _) => Predictions::Numbers {
                width,
                values: outputs,
            },
        }
    }

    /// The most probable class of each row, the first of equals.
    pub fn classes(&self) -> Vec<usize> {
        match self {
            Predictions::Numbers { .. } => Vec::new(),
            Predictions::Classes {
                classes,
                probabilities,
            } => {
                let rows = probabilities.chunks_exact(*classes);
                rows.map(|row| {
                    let best = (0..row.len()).reduce(|best, k| match row[k] > row[best] {
                        true => k,
                        false => best,
                    });
                    best.expect("there are classes")
                })
                .collect()
            }
        }
    }
}

fn softmax(logits: &[f64]) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = logits.iter().map(|logit| (logit - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

fn sigmoid(logit: f64) -> f64 {
    match logit >= 0.0 {
        true => 1.0 / (1.0 + (-logit).exp()),
        false => logit.exp() / (1.0 + logit.exp()),
    }
}

/// A metric of predicted against true classes.
pub fn of_classes(metric: Metric, predicted: &[usize], target: &[usize]) -> f64 {
    match metric {
        Metric::Accuracy => {
            let right = predicted.iter().zip(target).filter(|(a, b)| a == b).count();
            right as f64 / target.len() as f64
        }
        Metric::MeanAbsoluteError | Metric::RootMeanSquaredError | Metric::R2 => f64::NAN,
    }
}

/// A metric of predicted against true numbers, `width` a row; R² is the mean over the outputs.
pub fn of_numbers(metric: Metric, width: usize, predicted: &[f64], target: &[f64]) -> f64 {
    let count = target.len() as f64;
    let pairs = || predicted.iter().zip(target);
    match metric {
        Metric::MeanAbsoluteError => pairs().map(|(y, t)| (y - t).abs()).sum::<f64>() / count,
        Metric::RootMeanSquaredError => {
            let by_output = (0..width).map(|output| {
                let squares = pairs().skip(output).step_by(width);
                let sum: f64 = squares.map(|(y, t)| (y - t) * (y - t)).sum();
                (sum / (count / width as f64)).sqrt()
            });
            by_output.sum::<f64>() / width as f64
        }
        Metric::R2 => {
            let by_output = (0..width).map(|output| r2(output, width, predicted, target));
            by_output.sum::<f64>() / width as f64
        }
        Metric::Accuracy => f64::NAN,
    }
}

/// 1 - Σ(y - t)² / Σ(t - mean)²; as in scikit-learn, a constant target gives 1 if it is met exactly,
/// else 0. Of fewer than two rows it is not defined.
fn r2(output: usize, width: usize, predicted: &[f64], target: &[f64]) -> f64 {
    let targets: Vec<f64> = target.iter().skip(output).step_by(width).copied().collect();
    if targets.len() < 2 {
        return f64::NAN;
    }
    let mean = targets.iter().sum::<f64>() / targets.len() as f64;
    let total: f64 = targets.iter().map(|t| (t - mean) * (t - mean)).sum();
    let predictions = predicted.iter().skip(output).step_by(width);
    let residual: f64 = predictions
        .zip(&targets)
        .map(|(y, t)| (y - t) * (y - t))
        .sum();
    match (total == 0.0, residual == 0.0) {
        (true, true) => 1.0,
        (true, false) => 0.0,
        (false, _) => 1.0 - residual / total,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Figures of scikit-learn 1.7: y = [3, -0.5, 2, 7], prediction = [2.5, 0, 2, 8].
    #[test]
    fn numbers_agree_with_scikit_learn() {
        let target = [3.0, -0.5, 2.0, 7.0];
        let predicted = [2.5, 0.0, 2.0, 8.0];
        let of = |metric| of_numbers(metric, 1, &predicted, &target);
        assert_eq!(of(Metric::MeanAbsoluteError), 0.5);
        assert!((of(Metric::RootMeanSquaredError) - 0.612_372_435_695_794_5).abs() < 1e-15);
        assert!((of(Metric::R2) - 0.948_608_137_044_967_9).abs() < 1e-15);
    }

    #[test]
    fn several_outputs_are_averaged() {
        // sklearn.metrics on y = [[0.5, 1], [-1, 1], [7, -6]], prediction = [[0, 2], [-1, 2], [8, -5]].
        let target = [0.5, 1.0, -1.0, 1.0, 7.0, -6.0];
        let predicted = [0.0, 2.0, -1.0, 2.0, 8.0, -5.0];
        let of = |metric| of_numbers(metric, 2, &predicted, &target);
        assert!((of(Metric::MeanAbsoluteError) - 0.75).abs() < 1e-15);
        assert!((of(Metric::RootMeanSquaredError) - 0.822_748_612_183_970_1).abs() < 1e-12);
        assert!((of(Metric::R2) - 0.936_800_526_662_278_6).abs() < 1e-12);
    }

    #[test]
    fn a_softmax_of_large_logits_is_finite_and_classes_are_the_first_of_equals() {
        let predictions = Predictions::new(Link::Softmax, true, 2, vec![1000.0, 1000.0, -5.0, 5.0]);
        assert_eq!(predictions.classes(), [0, 1]);
        let Predictions::Classes { probabilities, .. } = predictions else {
            panic!("a softmax gives classes");
        };
        assert_eq!(probabilities[..2], [0.5, 0.5]);
    }

    #[test]
    fn a_constant_target_has_an_r2_of_0_or_1() {
        assert_eq!(of_numbers(Metric::R2, 1, &[1.0, 1.0], &[1.0, 1.0]), 1.0);
        assert_eq!(of_numbers(Metric::R2, 1, &[1.0, 2.0], &[1.0, 1.0]), 0.0);
        assert!(of_numbers(Metric::R2, 1, &[1.0], &[1.0]).is_nan());
    }
}
