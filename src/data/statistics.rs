//! Statistics of columns of numbers, and what is learned from them.

use crate::data::numbers::Numbers;
use crate::data::prepare::PreparedColumn;
use crate::data::spec::{Normalize, NumberFill, NumberPreparation};
use crate::data::transform::{Transform, quantile_of};
use crate::diagnostics::Code;

/// What normalising needs to know of plain columns of numbers, after `scale` and `offset`; nothing of
/// use if none of them is normalised.
pub(super) struct Statistics {
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

/// Whether [`Statistics`] tells what the preparation of a column needs: it is scaled, and normalised by
/// what one pass over the rows, or two, sum up.
pub(super) fn is_plain(number: &NumberPreparation) -> bool {
    let summed = match number.normalize {
        Normalize::None | Normalize::ZScore | Normalize::MinMax => true,
        Normalize::MaxAbs | Normalize::Robust | Normalize::Quantile | Normalize::Power => false,
    };
    summed && number.fill.is_none() && number.clip.is_none() && !number.log
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

/// What a plain column's preparation is, from the statistics at its place.
pub(super) fn learn_plain(
    name: &str,
    number: &NumberPreparation,
    statistics: &Statistics,
    place: usize,
) -> Result<PreparedColumn, Refusal> {
    let (least, greatest) = (statistics.least[place], statistics.greatest[place]);
    let (centre, spread) = match number.normalize {
        Normalize::MinMax => (least, greatest - least),
        Normalize::ZScore => (statistics.mean[place], statistics.deviation[place]),
        Normalize::None
        | Normalize::MaxAbs
        | Normalize::Robust
        | Normalize::Quantile
        | Normalize::Power => return Ok(untouched(name, number)),
    };
    normalised(untouched(name, number), (least, greatest), centre, spread)
}

/// What any other column's preparation is, from its numbers in the training rows: NaN where one is
/// missing.
pub(super) fn learn_column(
    name: &str,
    number: &NumberPreparation,
    numbers: &mut [f64],
) -> Result<PreparedColumn, Refusal> {
    let mut column = untouched(name, number);
    column.fill = match number.fill {
        None | Some(NumberFill::Forward) => None,
        Some(NumberFill::Value(value)) => Some(value),
        Some(fill @ (NumberFill::Median | NumberFill::Mean | NumberFill::Mode)) => {
            let Some(value) = filling(fill, numbers) else {
                let message = format!("no training row has a number in the column `{name}`");
                return Err((Code::MissingCells, message));
            };
            Some(value)
        }
    };
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

/// What missing numbers become, from those that are there; `None` if none is.
fn filling(fill: NumberFill, numbers: &[f64]) -> Option<f64> {
    if let NumberFill::Median = fill {
        return median(numbers);
    }
    let present = present(numbers);
    if let NumberFill::Mean = fill {
        let count = present.clone().count();
        return (count > 0).then(|| present.sum::<f64>() / count as f64);
    }
    let mut present: Vec<f64> = present.collect();
    present.sort_unstable_by(f64::total_cmp);
    let runs = present.chunk_by(|left, right| left == right);
    // Of equally long runs `max_by_key` gives the last.
    runs.rev().max_by_key(|run| run.len()).map(|run| run[0])
}

/// The numbers that are not missing.
fn present(numbers: &[f64]) -> impl Iterator<Item = f64> + Clone {
    numbers.iter().copied().filter(|number| !number.is_nan())
}

/// How many numbers are drawn to find out where the middle one is among very many.
const SAMPLE: usize = 2048;

/// The middle one of the numbers that are not missing, or the mean of the two in the middle; `None` of none.
///
/// Of many, only those between two numbers of a sample are selected from, after R. W. Floyd and R. L. Rivest,
/// "Expected time bounds for selection" (1975).
fn median(numbers: &[f64]) -> Option<f64> {
    let count = present(numbers).count();
    let middle = [count.saturating_sub(1) / 2, count / 2];
    if let Some((low, high)) = around_median(numbers) {
        let below = numbers.iter().filter(|number| **number < low).count();
        let candidates = numbers.iter().copied();
        let mut candidates: Vec<f64> = candidates
            .filter(|number| (low..=high).contains(number))
            .collect();
        let found = below..below + candidates.len();
        if middle.iter().all(|place| found.contains(place)) {
            return middle_of(&mut candidates, count, below);
        }
    }
    middle_of(&mut present(numbers).collect::<Vec<f64>>(), count, 0)
}

/// Two numbers between which the median of many lies most often; `None` of few.
fn around_median(numbers: &[f64]) -> Option<(f64, f64)> {
    if numbers.len() < 16 * SAMPLE {
        return None;
    }
    let sample = numbers.iter().copied().step_by(numbers.len() / SAMPLE);
    let mut sample: Vec<f64> = sample.filter(|number| !number.is_nan()).collect();
    sample.sort_unstable_by(f64::total_cmp);
    // Four and a half standard deviations of the place of a sample's median.
    let (half, away) = (sample.len() / 2, SAMPLE / 20);
    Some((
        *sample.get(half.checked_sub(away)?)?,
        *sample.get(half + away)?,
    ))
}

/// The median of `count` numbers of which these are all but the `below` least and some of the greatest.
fn middle_of(numbers: &mut [f64], count: usize, below: usize) -> Option<f64> {
    let even = count.is_multiple_of(2);
    if numbers.is_empty() {
        return None;
    }
    let (below, middle, _) = numbers.select_nth_unstable_by(count / 2 - below, f64::total_cmp);
    let middle = *middle;
    if !even {
        return Some(middle);
    }
    let before = below.iter().copied().max_by(f64::total_cmp)?;
    Some((before + middle) / 2.0)
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

    #[test]
    fn fills_are_medians_means_and_modes() {
        let fill = |fill, values: &[f64]| filling(fill, values);
        let values = [3.0, 1.0, 3.0, 1.0, 9.0, 0.0];
        assert_eq!(fill(NumberFill::Median, &values), Some(2.0));
        assert_eq!(fill(NumberFill::Median, &[5.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(fill(NumberFill::Mean, &values), Some(17.0 / 6.0));
        assert_eq!(fill(NumberFill::Mode, &values), Some(1.0));
        assert_eq!(fill(NumberFill::Mode, &[]), None);
        assert_eq!(fill(NumberFill::Median, &[]), None);
    }

    #[test]
    fn the_median_of_many_numbers_is_that_of_the_sorted_ones() {
        let many = 40 * SAMPLE;
        let mut draws = crate::random::Stream::new(3, "test", "").draws(0, 0);
        for count in [many, many + 1] {
            let drawn: Vec<f64> = (0..count).map(|_| draws.uniform()).collect();
            let rising = (0..count).map(|at| at as f64).collect();
            let few_values = drawn.iter().map(|number| (number * 3.0).floor()).collect();
            let same = vec![7.0; count];
            // The sample has only numbers of the second kind.
            let every = count / SAMPLE;
            let misleading = (0..count).map(|at| if at.is_multiple_of(every) { 1.0 } else { 0.0 });
            let half_missing = |at: usize| if at % 7 < 3 { f64::NAN } else { at as f64 };
            let holey = (0..count).map(half_missing).collect();
            let empty_but_one = (0..count).map(|at| if at == 7 { 7.0 } else { f64::NAN });
            let columns = [drawn, rising, few_values, same, misleading.collect(), holey];
            for mut numbers in columns.into_iter().chain([empty_but_one.collect()]) {
                let found = filling(NumberFill::Median, &numbers);
                numbers.retain(|number| !number.is_nan());
                let count = numbers.len();
                numbers.sort_by(f64::total_cmp);
                let middle = (numbers[(count - 1) / 2] + numbers[count / 2]) / 2.0;
                assert_eq!(found, Some(middle));
            }
        }
    }
}
