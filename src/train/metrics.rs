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
                    let best =
                        (0..row.len()).reduce(|best, k| if row[k] > row[best] { k } else { best });
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
    if logit >= 0.0 {
        1.0 / (1.0 + (-logit).exp())
    } else {
        logit.exp() / (1.0 + logit.exp())
    }
}

/// A metric of predicted against true classes, each row counted by its weight.
pub fn of_classes(metric: Metric, predicted: &[usize], target: &[usize], weights: &[f64]) -> f64 {
    match metric {
        Metric::Accuracy => {
            let right = predicted.iter().zip(target).zip(weights);
            let right = right.filter(|((y, t), _)| y == t).map(|(_, weight)| weight);
            // The sum of no numbers is -0.0, which a share of none should not be.
            let right = right.fold(0.0, |sum, weight| sum + weight);
            right / weights.iter().sum::<f64>()
        }
        Metric::MeanAbsoluteError | Metric::RootMeanSquaredError | Metric::R2 => f64::NAN,
    }
}

/// A metric of predicted against true numbers, `width` a row, each row counted by its weight; the mean
/// over the outputs.
pub fn of_numbers(
    metric: Metric,
    width: usize,
    predicted: &[f64],
    target: &[f64],
    weights: &[f64],
) -> f64 {
    let column = |values: &[f64], output: usize| -> Vec<f64> {
        values.iter().skip(output).step_by(width).copied().collect()
    };
    let by_output = (0..width).map(|output| {
        let (y, t) = (column(predicted, output), column(target, output));
        match metric {
            Metric::MeanAbsoluteError => {
                mean(y.iter().zip(&t).map(|(y, t)| (y - t).abs()), weights)
            }
            Metric::RootMeanSquaredError => {
                mean(y.iter().zip(&t).map(|(y, t)| (y - t) * (y - t)), weights).sqrt()
            }
            Metric::R2 => r2(&y, &t, weights),
            Metric::Accuracy => f64::NAN,
        }
    });
    by_output.sum::<f64>() / width as f64
}

/// Σ w·x / Σ w.
fn mean(values: impl Iterator<Item = f64>, weights: &[f64]) -> f64 {
    let sum: f64 = values
        .zip(weights)
        .map(|(value, weight)| value * weight)
        .sum();
    sum / weights.iter().sum::<f64>()
}

/// 1 - Σ w·(y - t)² / Σ w·(t - mean)²; as in scikit-learn, a constant target gives 1 if it is met
/// exactly, else 0. Of fewer than two rows it is not defined.
fn r2(predicted: &[f64], target: &[f64], weights: &[f64]) -> f64 {
    if target.len() < 2 {
        return f64::NAN;
    }
    let centre = mean(target.iter().copied(), weights);
    let total = target.iter().map(|t| (t - centre) * (t - centre));
    let total = total.zip(weights).map(|(square, weight)| square * weight);
    let total: f64 = total.sum();
    let residual = predicted.iter().zip(target).map(|(y, t)| (y - t) * (y - t));
    let residual = residual
        .zip(weights)
        .map(|(square, weight)| square * weight);
    let residual: f64 = residual.sum();
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
        let of = |metric| of_numbers(metric, 1, &predicted, &target, &[1.0; 4]);
        assert_eq!(of(Metric::MeanAbsoluteError), 0.5);
        assert!((of(Metric::RootMeanSquaredError) - 0.612_372_435_695_794_5).abs() < 1e-15);
        assert!((of(Metric::R2) - 0.948_608_137_044_967_9).abs() < 1e-15);
    }

    // The same with sample_weight = [1, 0.5, 3, 0.25], and classes [0, 1, 1, 2] against [0, 1, 0, 2].
    #[test]
    fn weights_are_scikit_learns_sample_weight() {
        let weights = [1.0, 0.5, 3.0, 0.25];
        let target = [3.0, -0.5, 2.0, 7.0];
        let predicted = [2.5, 0.0, 2.0, 8.0];
        for (metric, expected) in [
            (Metric::MeanAbsoluteError, 0.210_526_315_789_473_67),
            (Metric::RootMeanSquaredError, 0.362_738_125_055_005_8),
            (Metric::R2, 0.938_511_326_860_841_4),
        ] {
            let found = of_numbers(metric, 1, &predicted, &target, &weights);
            assert!((found - expected).abs() < 1e-15, "{metric:?}: {found}");
        }
        let accuracy = of_classes(Metric::Accuracy, &[0, 1, 0, 2], &[0, 1, 1, 2], &weights);
        assert!((accuracy - 0.368_421_052_631_578_9).abs() < 1e-15);
    }

    #[test]
    fn an_accuracy_of_none_has_no_sign() {
        let accuracy = of_classes(Metric::Accuracy, &[0, 1], &[1, 0], &[1.0; 2]);
        assert!(accuracy == 0.0 && accuracy.is_sign_positive());
    }

    #[test]
    fn several_outputs_are_averaged() {
        // sklearn.metrics on y = [[0.5, 1], [-1, 1], [7, -6]], prediction = [[0, 2], [-1, 2], [8, -5]].
        let target = [0.5, 1.0, -1.0, 1.0, 7.0, -6.0];
        let predicted = [0.0, 2.0, -1.0, 2.0, 8.0, -5.0];
        let of = |metric| of_numbers(metric, 2, &predicted, &target, &[1.0; 3]);
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
        assert_eq!(r2(&[1.0, 1.0], &[1.0, 1.0], &[1.0; 2]), 1.0);
        assert_eq!(r2(&[1.0, 2.0], &[1.0, 1.0], &[1.0; 2]), 0.0);
        assert!(r2(&[1.0], &[1.0], &[1.0]).is_nan());
    }
}
