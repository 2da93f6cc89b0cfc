//! What missing numbers become: the median, the mean or the mode of the training rows, or a stated number.

use crate::data::numbers::Numbers;
use crate::data::spec::NumberFill;

/// How many numbers are drawn to find out where the middle one is among very many.
const SAMPLE: usize = 2048;

/// From how many numbers on a sample is drawn.
const VERY_MANY: usize = 16 * SAMPLE;

/// What stands for the missing numbers at each place of a row, by the chosen rows; `None` where nothing does, or
/// where no row has a number. `fills` says what is wanted at each place; a mode is not looked for.
pub(super) fn fillings(
    numbers: &Numbers,
    rows: &[u32],
    fills: &[Option<NumberFill>],
) -> Vec<Option<f64>> {
    let places_of = |wanted: NumberFill| -> Vec<usize> {
        let places = fills.iter().enumerate();
        let places = places.filter(|(_, fill)| **fill == Some(wanted));
        places.map(|(place, _)| place).collect()
    };
    let stated = fills.iter().map(|fill| match fill {
        Some(NumberFill::Value(value)) => Some(*value),
        Some(NumberFill::Median | NumberFill::Mean | NumberFill::Mode | NumberFill::Forward)
        | None => None,
    });
    let mut found: Vec<Option<f64>> = stated.collect();
    let means = places_of(NumberFill::Mean);
    for (place, mean) in means.iter().zip(means_of(numbers, rows, &means)) {
        found[*place] = mean;
    }
    let medians = places_of(NumberFill::Median);
    for (place, median) in medians.iter().zip(medians_of(numbers, rows, &medians)) {
        found[*place] = median;
    }
    found
}

/// What missing numbers of one column become, from those that are there; `None` if none is.
pub(super) fn filling(fill: NumberFill, numbers: &[f64]) -> Option<f64> {
    match fill {
        NumberFill::Forward => None,
        NumberFill::Value(value) => Some(value),
        NumberFill::Median => median(numbers),
        NumberFill::Mean => {
            let count = present(numbers).count();
            (count > 0).then(|| present(numbers).sum::<f64>() / count as f64)
        }
        NumberFill::Mode => {
            let mut present: Vec<f64> = present(numbers).collect();
            present.sort_unstable_by(f64::total_cmp);
            let runs = present.chunk_by(|left, right| left == right);
            // Of equally long runs `max_by_key` gives the last.
            runs.rev().max_by_key(|run| run.len()).map(|run| run[0])
        }
    }
}

/// The numbers that are not missing.
fn present(numbers: &[f64]) -> impl Iterator<Item = f64> {
    numbers.iter().copied().filter(|number| !number.is_nan())
}

/// The mean at each of these places, summed in the order of the rows.
fn means_of(numbers: &Numbers, rows: &[u32], places: &[usize]) -> Vec<Option<f64>> {
    let mut sums = vec![(0.0, 0_usize); places.len()];
    if !places.is_empty() {
        let mut lookup = numbers.lookup();
        for &row in rows {
            let row = lookup.row(row as usize);
            for ((sum, count), &place) in sums.iter_mut().zip(places) {
                let there = !row[place].is_nan();
                *sum += if there { row[place] } else { 0.0 };
                *count += usize::from(there);
            }
        }
    }
    let means = sums.into_iter();
    means
        .map(|(sum, count)| (count > 0).then(|| sum / count as f64))
        .collect()
}

/// The median at each of these places. Of very many rows, what a sample says is near a median is collected in
/// one pass over them.
fn medians_of(numbers: &Numbers, rows: &[u32], places: &[usize]) -> Vec<Option<f64>> {
    let median_at = |place: usize| {
        let mut column = [Vec::new()];
        numbers.gather(&[place], rows, &mut column);
        median(&column[0])
    };
    if rows.len() < VERY_MANY {
        return places.iter().map(|place| median_at(*place)).collect();
    }
    let sampled = rows.iter().copied().step_by(rows.len() / SAMPLE);
    let sampled: Vec<u32> = sampled.collect();
    let mut samples = vec![Vec::new(); places.len()];
    numbers.gather(places, &sampled, &mut samples);
    let mut brackets: Vec<Option<MedianBracket>> =
        samples.into_iter().map(MedianBracket::of).collect();
    let found = brackets.iter_mut().zip(places);
    let mut found: Vec<(&mut MedianBracket, usize)> = found
        .filter_map(|(bracket, place)| Some((bracket.as_mut()?, *place)))
        .collect();
    // No thread decides what is found: a median is the same in any order of the rows.
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let parts = rows.chunks(rows.len().div_ceil(workers));
        let parts = parts.map(|rows| {
            let mut own: Vec<(MedianBracket, usize)> = found
                .iter()
                .map(|(bracket, place)| (MedianBracket::new(bracket.low, bracket.high), *place))
                .collect();
            scope.spawn(move || {
                let mut lookup = numbers.lookup();
                for &row in rows {
                    let row = lookup.row(row as usize);
                    for (bracket, place) in &mut own {
                        bracket.add(row[*place]);
                    }
                }
                own
            })
        });
        let parts: Vec<_> = parts.collect();
        for part in parts {
            let part = part.join();
            let part = part.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            for ((bracket, _), (more, _)) in found.iter_mut().zip(part) {
                bracket.merge(more);
            }
        }
    });
    let medians = brackets.into_iter().zip(places);
    let medians = medians.map(|(bracket, place)| {
        let median = bracket.and_then(MedianBracket::median);
        median.or_else(|| median_at(*place))
    });
    medians.collect()
}

/// The middle one of the numbers that are not missing, or the mean of the two in the middle; `None` of none.
fn median(numbers: &[f64]) -> Option<f64> {
    if numbers.len() >= VERY_MANY {
        let sample = numbers.iter().copied().step_by(numbers.len() / SAMPLE);
        if let Some(mut bracket) = MedianBracket::of(sample.collect()) {
            numbers.iter().for_each(|number| bracket.add(*number));
            if let Some(median) = bracket.median() {
                return Some(median);
            }
        }
    }
    let all = MedianBracket {
        between: present(numbers).collect(),
        ..MedianBracket::new(f64::NEG_INFINITY, f64::INFINITY)
    };
    all.median()
}

/// Two numbers between which the median of many lies most often, and what was found there: the others need not
/// be sorted.
///
/// After R. W. Floyd and R. L. Rivest, "Expected time bounds for selection" (1975).
struct MedianBracket {
    low: f64,
    high: f64,
    /// How many numbers are less than `low`, the same as it, the same as `high`, and greater.
    below: usize,
    at_low: usize,
    at_high: usize,
    above: usize,
    between: Vec<f64>,
}

impl MedianBracket {
    fn new(low: f64, high: f64) -> Self {
        MedianBracket {
            low,
            high,
            below: 0,
            at_low: 0,
            at_high: 0,
            above: 0,
            between: Vec::new(),
        }
    }

    /// That of a sample; `None` if it has too few numbers.
    fn of(mut sample: Vec<f64>) -> Option<Self> {
        sample.retain(|number| !number.is_nan());
        sample.sort_unstable_by(f64::total_cmp);
        // Four and a half standard deviations of the place of a sample's median.
        let (half, away) = (sample.len() / 2, SAMPLE / 20);
        let low = sample.get(half.checked_sub(away)?)?;
        Some(MedianBracket::new(*low, *sample.get(half + away)?))
    }

    #[inline]
    fn add(&mut self, number: f64) {
        self.below += usize::from(number < self.low);
        self.above += usize::from(number > self.high);
        if number >= self.low && number <= self.high {
            if number == self.low {
                self.at_low += 1;
            } else if number == self.high {
                self.at_high += 1;
            } else {
                self.between.push(number);
            }
        }
    }

    /// Adds what was added to one between the same two numbers.
    fn merge(&mut self, more: MedianBracket) {
        self.below += more.below;
        self.at_low += more.at_low;
        self.at_high += more.at_high;
        self.above += more.above;
        self.between.extend(more.between);
    }

    /// The median of the numbers that were added; `None` if it is not between the two, or of none.
    fn median(mut self) -> Option<f64> {
        let around = self.at_low + self.between.len() + self.at_high;
        let count = self.below + around + self.above;
        let first = self.at(count.checked_sub(1)? / 2)?;
        let second = self.at(count / 2)?;
        Some(if first == second {
            first
        } else {
            (first + second) / 2.0
        })
    }

    /// The number at a place in the order of all.
    fn at(&mut self, place: usize) -> Option<f64> {
        let place = place.checked_sub(self.below)?;
        let Some(place) = place.checked_sub(self.at_low) else {
            return Some(self.low);
        };
        if let Some(place) = place.checked_sub(self.between.len()) {
            return (place < self.at_high).then_some(self.high);
        }
        let (_, number, _) = self.between.select_nth_unstable_by(place, f64::total_cmp);
        Some(*number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;

    #[test]
    fn fills_are_medians_means_and_modes() {
        let values = [3.0, 1.0, f64::NAN, 3.0, 1.0, 9.0, 0.0];
        assert_eq!(filling(NumberFill::Median, &values), Some(2.0));
        assert_eq!(filling(NumberFill::Median, &[5.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(filling(NumberFill::Mean, &values), Some(17.0 / 6.0));
        assert_eq!(filling(NumberFill::Mode, &values), Some(1.0));
        for fill in [NumberFill::Median, NumberFill::Mean, NumberFill::Mode] {
            assert_eq!(filling(fill, &[]), None);
            assert_eq!(filling(fill, &[f64::NAN; 3]), None);
        }
    }

    /// Columns of so many rows that a sample is drawn.
    fn columns(count: usize) -> Vec<Vec<f64>> {
        let mut draws = Stream::new(3, "test", "").draws(0, 0);
        let drawn: Vec<f64> = (0..count).map(|_| draws.uniform()).collect();
        let few_values = drawn.iter().map(|number| (number * 3.0).floor()).collect();
        let mostly_one = drawn.iter().map(|number| (number * 1.2).floor()).collect();
        // The sample has only numbers of the second kind.
        let every = count / SAMPLE;
        let misleading = (0..count).map(|at| if at.is_multiple_of(every) { 1.0 } else { 0.0 });
        let rising = |at: usize| at as f64;
        let half_missing = |at: usize| if at % 7 < 3 { f64::NAN } else { at as f64 };
        let empty_but_one = |at: usize| if at == 7 { 7.0 } else { f64::NAN };
        vec![
            drawn,
            few_values,
            mostly_one,
            misleading.collect(),
            vec![7.0; count],
            (0..count).map(rising).collect(),
            (0..count).map(half_missing).collect(),
            (0..count).map(empty_but_one).collect(),
            vec![f64::NAN; count],
        ]
    }

    #[test]
    fn columns_and_tables_of_many_rows_have_the_medians_and_means_of_the_sorted_numbers() {
        for count in [20 * SAMPLE, 20 * SAMPLE + 1, 100] {
            let columns = columns(count.max(SAMPLE));
            let columns: Vec<&[f64]> = columns.iter().map(|column| &column[..count]).collect();
            let mut numbers = Numbers::new(2 * columns.len());
            let row = |at: usize| columns.iter().flat_map(move |column| [column[at]; 2]);
            numbers.push(count, (0..count).flat_map(row).collect());
            let rows: Vec<u32> = (0..count as u32).collect();
            let fills = [NumberFill::Median, NumberFill::Mean]
                .map(Some)
                .repeat(columns.len());
            let found = fillings(&numbers, &rows, &fills);
            for (column, found) in columns.iter().zip(found.chunks(2)) {
                let mut sorted: Vec<f64> = present(column).collect();
                sorted.sort_by(f64::total_cmp);
                let median = sorted
                    .len()
                    .checked_sub(1)
                    .map(|last| (sorted[last / 2] + sorted[sorted.len() / 2]) / 2.0);
                let mean = filling(NumberFill::Mean, column);
                assert_eq!(found, [median, mean]);
                assert_eq!(filling(NumberFill::Median, column), median);
            }
        }
    }
}
