//! Statistics of columns of numbers, and what is learned from them.

use crate::data::fillings::{filling, fillings};
use crate::data::numbers::Numbers;
use crate::data::prepare::{PreparedColumn, filled};
use crate::data::spec::{Normalize, NumberFill, NumberPreparation};
use crate::data::transform::{Transform, quantile_of};
use crate::diagnostics::Code;

/// What filling needs to know of plain columns of numbers, and normalising after fill, `scale` and `offset`;
/// nothing of use if none of them is normalised.
pub(super) struct Statistics {
    fillings: Vec<Option<f64>>,
    least: Vec<f64>,
    greatest: Vec<f64>,
    mean: Vec<f64>,
    /// The standard deviation, over n as in scikit-learn's StandardScaler.
    deviation: Vec<f64>,
}

impl Statistics {
    /// Those of the chosen rows. A column's sums are taken in the order of the rows.
    pub fn of(numbers: &Numbers, rows: &[u32], declared: &[NumberPreparation]) -> Self {
        let width = numbers.width();
        let plain = || declared.iter().filter(|number| is_plain(number));
        let uses = |wanted| plain().any(|number| number.normalize == wanted);
        let fills = declared
            .iter()
            .map(|number| number.fill.filter(|_| is_plain(number)));
        let fillings = fillings(numbers, rows, &fills.collect::<Vec<Option<NumberFill>>>());
        let filling: Vec<f64> = fillings
            .iter()
            .map(|filling| filling.unwrap_or(f64::NAN))
            .collect();
        let count = rows.len() as f64;
        let scale: Vec<f64> = declared.iter().map(|number| number.scale).collect();
        let offset: Vec<f64> = declared.iter().map(|number| number.offset).collect();
        let steps = (&filling[..], &scale[..], &offset[..]);
        let mut least = vec![f64::INFINITY; width];
        let mut greatest = vec![f64::NEG_INFINITY; width];
        let mut mean = vec![0.0; width];
        let mut deviation = vec![0.0; width];
        if uses(Normalize::ZScore) || uses(Normalize::MinMax) {
            for_each_row(numbers, rows, steps, |at, value| {
                least[at] = least[at].min(value);
                greatest[at] = greatest[at].max(value);
                mean[at] += value;
            });
            mean.iter_mut().for_each(|sum| *sum /= count);
        }
        if uses(Normalize::ZScore) {
            for_each_row(numbers, rows, steps, |at, value| {
                deviation[at] += (value - mean[at]) * (value - mean[at]);
            });
            let squares = deviation.iter_mut();
            squares.for_each(|sum| *sum = (*sum / count).sqrt());
        }
        Statistics {
            fillings,
            least,
            greatest,
            mean,
            deviation,
        }
    }
}

/// Calls `each` with every column's number in every chosen row, filled, scaled and moved.
#[inline(always)]
fn for_each_row(
    numbers: &Numbers,
    rows: &[u32],
    (filling, scale, offset): (&[f64], &[f64], &[f64]),
    mut each: impl FnMut(usize, f64),
) {
    let mut lookup = numbers.lookup();
    for &row in rows {
        let row = lookup.row(row as usize).iter().zip(filling);
        let row = row.zip(scale).zip(offset);
        for (at, (((value, filling), scale), offset)) in row.enumerate() {
            each(at, filled(*value, *filling) * scale + offset);
        }
    }
}

/// Whether [`Statistics`] tells what the preparation of a column needs: it is filled, scaled, and normalised by
/// what a few passes over the rows sum up.
pub(super) fn is_plain(number: &NumberPreparation) -> bool {
    let summed = match number.normalize {
        Normalize::None | Normalize::ZScore | Normalize::MinMax => true,
        Normalize::MaxAbs | Normalize::Robust | Normalize::Quantile | Normalize::Power => false,
    };
    summed && number.fill != Some(NumberFill::Mode) && number.clip.is_none() && !number.log
}

/// A column prepared as it is declared, without fill and normalisation.
pub(super) fn untouched(name: &str, number: &NumberPreparation) -> PreparedColumn {
    PreparedColumn {
        name: name.to_owned(),
        fill: None,
        scale: number.scale,
        offset: number.offset,
        clip: number.clip,
        log: number.log,
        transform: None,
        centre: 0.0,
        spread: 1.0,
        constant: false,
    }
}

/// Why a column's preparation cannot be learned.
pub(super) type Refusal = (Code, String);

/// A column with what missing numbers become, as it was found, and no normalisation yet.
fn with_filling(
    name: &str,
    number: &NumberPreparation,
    found: Option<f64>,
) -> Result<PreparedColumn, Refusal> {
    let looked_for = !matches!(number.fill, None | Some(NumberFill::Forward));
    if looked_for && found.is_none() {
        let message = format!("no training row has a number in the column `{name}`");
        return Err((Code::MissingCells, message));
    }
    Ok(PreparedColumn {
        fill: found,
        ..untouched(name, number)
    })
}

/// What a plain column's preparation is, from the statistics at its place.
pub(super) fn learn_plain(
    name: &str,
    number: &NumberPreparation,
    statistics: &Statistics,
    place: usize,
) -> Result<PreparedColumn, Refusal> {
    let column = with_filling(name, number, statistics.fillings[place])?;
    let (least, greatest) = (statistics.least[place], statistics.greatest[place]);
    let (centre, spread) = match number.normalize {
        Normalize::MinMax => (least, greatest - least),
        Normalize::ZScore => (statistics.mean[place], statistics.deviation[place]),
        Normalize::None
        | Normalize::MaxAbs
        | Normalize::Robust
        | Normalize::Quantile
        | Normalize::Power => return Ok(column),
    };
    normalised(column, (least, greatest), centre, spread)
}

/// What any other column's preparation is, from its numbers in the training rows: NaN where one is
/// missing.
pub(super) fn learn_column(
    name: &str,
    number: &NumberPreparation,
    numbers: &mut [f64],
) -> Result<PreparedColumn, Refusal> {
    let found = number.fill.and_then(|fill| filling(fill, numbers));
    let mut column = with_filling(name, number, found)?;
    numbers
        .iter_mut()
        .for_each(|it| *it = column.before_statistics(*it));
    if let Normalize::Power = number.normalize {
        let transform = Transform::power(numbers);
        numbers.iter_mut().for_each(|it| *it = transform.apply(*it));
        column.transform = Some(transform);
    }
    let (least, greatest) = range(numbers);
    let count = numbers.len() as f64;
    let (centre, spread) = match number.normalize {
        Normalize::None => return Ok(column),
        Normalize::ZScore | Normalize::Power => {
            let mean = numbers.iter().sum::<f64>() / count;
            let squares = numbers.iter().map(|value| (value - mean) * (value - mean));
            (mean, (squares.sum::<f64>() / count).sqrt())
        }
        Normalize::MinMax => (least, greatest - least),
        Normalize::MaxAbs => (0.0, least.abs().max(greatest.abs())),
        Normalize::Robust => {
            numbers.sort_unstable_by(f64::total_cmp);
            let [first, median, third] = [0.25, 0.5, 0.75].map(|it| quantile_of(numbers, it));
            // scikit-learn leaves the scale of a column as it is that is the same in most rows.
            (median, if third == first { 1.0 } else { third - first })
        }
        Normalize::Quantile => {
            numbers.sort_unstable_by(f64::total_cmp);
            column.transform = Some(Transform::quantile(numbers));
            (0.0, 1.0)
        }
    };
    normalised(column, (least, greatest), centre, spread)
}

/// The least and the greatest number. Several are compared side by side.
fn range(numbers: &[f64]) -> (f64, f64) {
    const LANES: usize = 8;
    let mut least = [f64::INFINITY; LANES];
    let mut greatest = [f64::NEG_INFINITY; LANES];
    for numbers in numbers.chunks(LANES) {
        let lanes = least.iter_mut().zip(&mut greatest);
        for ((least, greatest), &number) in lanes.zip(numbers) {
            *least = if number < *least { number } else { *least };
            *greatest = if number > *greatest {
                number
            } else {
                *greatest
            };
        }
    }
    let least = least.into_iter().fold(f64::INFINITY, f64::min);
    let greatest = greatest.into_iter().fold(f64::NEG_INFINITY, f64::max);
    (least, greatest)
}

/// The column with what is subtracted and what is divided by; it is constant if the numbers are all the
/// same.
fn normalised(
    column: PreparedColumn,
    (least, greatest): (f64, f64),
    centre: f64,
    spread: f64,
) -> Result<PreparedColumn, Refusal> {
    if least == greatest {
        return Ok(PreparedColumn {
            transform: None,
            centre: least,
            spread: 1.0,
            constant: true,
            ..column
        });
    }
    if !centre.is_finite() || !spread.is_normal() {
        let name = &column.name;
        let message = format!("the spread of the column `{name}` is not a number of 64 bits");
        return Err((Code::NonFinite, message));
    }
    Ok(PreparedColumn {
        centre,
        spread,
        ..column
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learned(normalize: Normalize, values: &[f64]) -> Result<PreparedColumn, (Code, String)> {
        let number = NumberPreparation {
            scale: 2.0,
            offset: 1.0,
            normalize,
            ..NumberPreparation::default()
        };
        if !is_plain(&number) {
            return learn_column("x", &number, &mut values.to_vec());
        }
        let mut numbers = Numbers::new(1);
        // Two runs of rows, as a table of several blocks has.
        let (first, second) = values.split_at(values.len() / 2);
        numbers.push(first.len(), first.to_vec());
        numbers.push(second.len(), second.to_vec());
        let rows: Vec<u32> = (0..values.len() as u32).collect();
        let statistics = Statistics::of(&numbers, &rows, &[number]);
        learn_plain("x", &number, &statistics, 0)
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
        for normalize in [
            Normalize::None,
            Normalize::ZScore,
            Normalize::MinMax,
            Normalize::MaxAbs,
            Normalize::Robust,
            Normalize::Power,
        ] {
            let column = learned(normalize, &[1.5, -7.0, 1e3]).expect("statistics");
            for value in [0.1, -3.0, 1e3] {
                let back = column.restore(column.prepare(value));
                assert!(
                    (back - value).abs() <= 1e-12 * f64::abs(value).max(1e3),
                    "{back} {value}"
                );
            }
        }
    }

    #[test]
    fn a_column_without_spread_is_constant() {
        for normalize in [
            Normalize::ZScore,
            Normalize::MinMax,
            Normalize::MaxAbs,
            Normalize::Robust,
            Normalize::Quantile,
            Normalize::Power,
        ] {
            for values in [&[0.1; 7][..], &[0.1], &[0.0, 1e-320]] {
                let column = learned(normalize, values).expect("a column");
                assert!(column.constant, "{normalize:?}");
                // Also where a row of another table has another number.
                assert_eq!([column.prepare(0.1), column.prepare(8.0)], [0.0, 0.0]);
            }
        }
        let wide = learned(Normalize::ZScore, &[-1e308, 1e307]).expect_err("a fault");
        assert_eq!(wide.0, Code::NonFinite);
    }

    #[test]
    fn steps_come_in_their_order() {
        // fill, scale and offset, clip, log, then the range.
        let number = NumberPreparation {
            fill: Some(NumberFill::Median),
            scale: 2.0,
            offset: 1.0,
            clip: Some((0.0, 7.0)),
            log: true,
            normalize: Normalize::MinMax,
            ..NumberPreparation::default()
        };
        let mut numbers = [1.0, f64::NAN, 2.0, 100.0, -5.0];
        let column = learn_column("x", &number, &mut numbers).expect("a column");
        assert_eq!(column.fill, Some(1.5));
        let top = 8.0_f64.ln();
        for (value, expected) in [
            (f64::NAN, 5.0_f64.ln() / top),
            (1.0, 4.0_f64.ln() / top),
            (100.0, 1.0),
            (-5.0, 0.0),
        ] {
            assert!((column.prepare(value) - expected).abs() < 1e-15, "{value}");
        }
    }
}
