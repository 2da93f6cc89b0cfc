//! Statistics of columns of numbers, and what is learned from them.

use crate::data::numbers::Numbers;
use crate::data::prepare::PreparedColumn;
use crate::data::spec::{Normalize, Number};
use crate::diagnostics::Code;

/// What normalising needs to know of columns of numbers, after `scale` and `offset`; nothing of use
/// if none of them is normalised.
pub(super) struct Statistics {
    least: Vec<f64>,
    greatest: Vec<f64>,
    mean: Vec<f64>,
    /// The standard deviation, over n as in scikit-learn's StandardScaler.
    deviation: Vec<f64>,
}

impl Statistics {
    /// Those of the chosen rows. A column's sums are taken in the order of the rows.
    pub fn of(numbers: &Numbers, rows: &[u32], declared: &[Number]) -> Self {
        let width = numbers.width();
        let uses = |wanted| declared.iter().any(|number| number.normalize == wanted);
        let count = rows.len() as f64;
        let scale: Vec<f64> = declared.iter().map(|number| number.scale).collect();
        let offset: Vec<f64> = declared.iter().map(|number| number.offset).collect();
        let mut least = vec![f64::INFINITY; width];
        let mut greatest = vec![f64::NEG_INFINITY; width];
        let mut mean = vec![0.0; width];
        let mut deviation = vec![0.0; width];
        if uses(Normalize::ZScore) || uses(Normalize::MinMax) {
            for_each_row(numbers, rows, &scale, &offset, |at, value| {
                least[at] = least[at].min(value);
                greatest[at] = greatest[at].max(value);
                mean[at] += value;
            });
            mean.iter_mut().for_each(|sum| *sum /= count);
        }
        if uses(Normalize::ZScore) {
            for_each_row(numbers, rows, &scale, &offset, |at, value| {
                deviation[at] += (value - mean[at]) * (value - mean[at]);
            });
            let squares = deviation.iter_mut();
            squares.for_each(|sum| *sum = (*sum / count).sqrt());
        }
        Statistics {
            least,
            greatest,
            mean,
            deviation,
        }
    }
}

/// Calls `each` with every column's scaled number in every chosen row.
#[inline(always)]
fn for_each_row(
    numbers: &Numbers,
    rows: &[u32],
    scale: &[f64],
    offset: &[f64],
    mut each: impl FnMut(usize, f64),
) {
    let mut lookup = numbers.lookup();
    for &row in rows {
        let row = lookup.row(row as usize).iter().zip(scale).zip(offset);
        for (at, ((value, scale), offset)) in row.enumerate() {
            each(at, value * scale + offset);
        }
    }
}

/// A column prepared as it is declared, without normalisation.
pub(super) fn untouched(name: &str, number: &Number) -> PreparedColumn {
    PreparedColumn {
        name: name.to_owned(),
        scale: number.scale,
        offset: number.offset,
        centre: 0.0,
        spread: 1.0,
    }
}

/// What a column's preparation is, from the statistics at its place.
pub(super) fn learn_column(
    name: &str,
    number: &Number,
    statistics: &Statistics,
    place: usize,
) -> Result<PreparedColumn, (Code, String)> {
    let (least, greatest) = (statistics.least[place], statistics.greatest[place]);
    let (centre, spread) = match number.normalize {
        Normalize::None => return Ok(untouched(name, number)),
        Normalize::MinMax => (least, greatest - least),
        Normalize::ZScore => (statistics.mean[place], statistics.deviation[place]),
    };
    if least >= greatest {
        let message = format!("the column `{name}` is {least:?} in every training row");
        return Err((Code::ConstantColumn, message));
    }
    if !centre.is_finite() || !spread.is_normal() {
        let message = format!("the spread of the column `{name}` is not a number of 64 bits");
        return Err((Code::NonFinite, message));
    }
    Ok(PreparedColumn {
        centre,
        spread,
        ..untouched(name, number)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(normalize: Normalize, values: &[f64]) -> Result<PreparedColumn, (Code, String)> {
        let number = Number {
            scale: 2.0,
            offset: 1.0,
            normalize,
        };
        let mut numbers = Numbers::new(1);
        // Two runs of rows, as a table of several blocks has.
        let (first, second) = values.split_at(values.len() / 2);
        numbers.push(first.len(), first.to_vec());
        numbers.push(second.len(), second.to_vec());
        let rows: Vec<u32> = (0..values.len() as u32).collect();
        let statistics = Statistics::of(&numbers, &rows, &[number]);
        learn_column("x", &number, &statistics, 0)
    }

    #[test]
    fn statistics_are_those_of_scikit_learn() {
        // StandardScaler and MinMaxScaler on 2x + 1 of 1, 2, 4: 3, 5, 9.
        let values = [1.0, 2.0, 4.0];
        let z_score = learned(Normalize::ZScore, &values).expect("statistics");
        assert_eq!(z_score.centre, 17.0 / 3.0);
        assert!((z_score.spread - (56.0_f64 / 9.0).sqrt()).abs() < 1e-15);
        let min_max = learned(Normalize::MinMax, &values).expect("statistics");
        assert_eq!((min_max.centre, min_max.spread), (3.0, 6.0));
        let prepared: Vec<f64> = values.iter().map(|&value| min_max.prepare(value)).collect();
        assert_eq!(prepared, [0.0, 1.0 / 3.0, 1.0]);
        let none = learned(Normalize::None, &values).expect("statistics");
        assert_eq!(none.prepare(4.0), 9.0);
    }

    #[test]
    fn restoring_undoes_preparing() {
        for normalize in [Normalize::None, Normalize::ZScore, Normalize::MinMax] {
            let column = learned(normalize, &[1.5, -7.0, 1e3]).expect("statistics");
            for value in [0.1, -3.0, 1e6] {
                let back = column.restore(column.prepare(value));
                assert!(
                    (back - value).abs() <= 1e-12 * f64::abs(value).max(1e3),
                    "{back} {value}"
                );
            }
        }
    }

    #[test]
    fn a_column_without_spread_cannot_be_normalised() {
        let code = |values: &[f64]| learned(Normalize::ZScore, values).expect_err("a fault").0;
        assert_eq!(code(&[0.1; 7]), Code::ConstantColumn);
        assert_eq!(code(&[0.1]), Code::ConstantColumn);
        assert_eq!(code(&[-1e308, 1e307]), Code::NonFinite);
        assert_eq!(code(&[0.0, 1e-320]), Code::ConstantColumn);
    }
}
