//! Dividing a table's rows into training, validation and test.

use crate::data::holes::nothing_kept;
use crate::data::spec::{DataSpec, Split, SplitRows};
use crate::data::table::{Part, Table};
use crate::diagnostics::{Code, Diagnostic, Faults, Span};
use crate::random::Stream;

/// The rows of each part, in the file's order; row 0 is the first after the header.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Division {
    pub train: Vec<u32>,
    pub validate: Vec<u32>,
    pub test: Vec<u32>,
}

impl Division {
    pub fn rows(&self) -> SplitRows {
        SplitRows {
            train: self.train.len(),
            validate: self.validate.len(),
            test: self.test.len(),
        }
    }

    pub fn part(&self, part: Part) -> &[u32] {
        match part {
            Part::Train => &self.train,
            Part::Validate => &self.validate,
            Part::Test => &self.test,
        }
    }

    /// The parts of a table's rows, or of those that are kept.
    fn from_parts(table: &Table, parts: impl IntoIterator<Item = Part>) -> Self {
        let all = || (0..).take(table.rows);
        let kept = table.kept.as_ref();
        let rows: Box<dyn Iterator<Item = u32>> = match kept {
            None => Box::new(all()),
            Some(kept) => Box::new(kept.iter().copied()),
        };
        let mut division = Division::default();
        for (row, part) in rows.zip(parts) {
            match part {
                Part::Train => division.train.push(row),
                Part::Validate => division.validate.push(row),
                Part::Test => division.test.push(row),
            }
        }
        division
    }
}

/// Divides the rows of a table that was read for training.
///
/// A random division is that of the stream (the split's own seed, `split`, no path): the rows are shuffled, the first
/// validate, the next test, the others train; a stratified one takes for each category the share of
/// each part by largest remainders, so that the totals stay `floor(p · rows)`. Faults: no row is left
/// to train, or a part that the model asks for gets no row.
pub fn divide(table: &Table, spec: &DataSpec) -> Result<Division, Faults> {
    if table.kept_rows() == 0 {
        return Err(vec![nothing_kept(table, spec)]);
    }
    let division = match &spec.split {
        Split::None => Division::from_parts(table, std::iter::repeat(Part::Train)),
        Split::Random {
            validate,
            test,
            seed,
            span,
            ..
        } => {
            let counts = counts(table, *validate, *test, *span)?;
            Division::from_parts(table, random_parts(table, counts, *seed))
        }
        Split::Ordered {
            validate,
            test,
            span,
        } => {
            let counts = counts(table, *validate, *test, *span)?;
            let part = |row| match row {
                row if row < counts.train => Part::Train,
                row if row < counts.train + counts.validate => Part::Validate,
                _ => Part::Test,
            };
            Division::from_parts(table, (0..table.kept_rows()).map(part))
        }
        Split::Column { name, .. } => {
            let parts = table.parts.as_deref().unwrap_or_default();
            let division = Division::from_parts(table, of_kept(table, parts));
            if division.train.is_empty() {
                let message = format!("no row of the column `{}` says `train`", name.text);
                return Err(vec![
                    Diagnostic::new(Code::TooFewRows, name.span, message)
                        .label("nothing to train on"),
                ]);
            }
            division
        }
    };
    Ok(division)
}

/// What the rows have that are kept, of what all have.
fn of_kept<V: Copy>(table: &Table, all: &[V]) -> Vec<V> {
    match &table.kept {
        None => all.to_vec(),
        Some(kept) => kept.iter().map(|&row| all[row as usize]).collect(),
    }
}

/// `floor(share · rows)`. A share such as 29 % lies a rounding error below its decimal, which must
/// not cost a row.
fn share_of(share: f64, rows: usize) -> usize {
    let exact = share * rows as f64;
    let nearest = exact.round();
    let whole = if (exact - nearest).abs() <= 1e-12 * exact.abs() {
        nearest
    } else {
        exact.floor()
    };
    whole as usize
}

fn counts(table: &Table, validate: f64, test: f64, span: Span) -> Result<SplitRows, Faults> {
    let rows = table.kept_rows();
    let counts = [(validate, "validate"), (test, "test")].map(|(share, word)| {
        let count = share_of(share, rows);
        let empty = share > 0.0 && count == 0;
        (count, empty.then_some((share, word)))
    });
    let mut faults = Faults::new();
    for (share, word) in counts.iter().filter_map(|(_, empty)| *empty) {
        faults.push(
            Diagnostic::new(
                Code::TooFewRows,
                span,
                format!(
                    "`{word}` takes {}% of {rows} rows, which is no row",
                    percent(share)
                ),
            )
            .label("a part without rows")
            .help("take a greater share, or remove it"),
        );
    }
    let [(validate, _), (test, _)] = counts;
    match rows.checked_sub(validate.saturating_add(test)) {
        Some(train) if train > 0 => {
            if faults.is_empty() {
                return Ok(SplitRows {
                    train,
                    validate,
                    test,
                });
            }
        }
        Some(_) | None => faults.push(
            Diagnostic::new(
                Code::BadSplit,
                span,
                format!("validation and test take all {rows} rows, none is left to train"),
            )
            .label(format!("{validate} rows to validate, {test} to test")),
        ),
    }
    Err(faults)
}

fn percent(share: f64) -> f64 {
    (share * 1e8).round() / 1e6
}

fn random_parts(table: &Table, counts: SplitRows, seed: u64) -> Vec<Part> {
    let count = table.kept_rows();
    let rows = u32::try_from(count).expect("the reader bounds the rows by u32");
    let mut order: Vec<u32> = (0..rows).collect();
    Stream::new(seed, "split", "").shuffle(0, &mut order);
    let strata = match &table.strata {
        Some(strata) => of_kept(table, strata),
        None => vec![0; count],
    };
    let mut sizes = vec![0_usize; strata.iter().max().map_or(0, |&last| last as usize + 1)];
    for &stratum in &strata {
        sizes[stratum as usize] += 1;
    }
    let mut validate = apportion(counts.validate, &sizes, &sizes);
    let left: Vec<usize> = sizes
        .iter()
        .zip(&validate)
        .map(|(size, taken)| size - taken)
        .collect();
    let mut test = apportion(counts.test, &sizes, &left);
    let mut parts = vec![Part::Train; count];
    for row in order {
        let stratum = strata[row as usize] as usize;
        if validate[stratum] > 0 {
            validate[stratum] -= 1;
            parts[row as usize] = Part::Validate;
        } else if test[stratum] > 0 {
            test[stratum] -= 1;
            parts[row as usize] = Part::Test;
        }
    }
    parts
}

/// Shares `total` in proportion to `sizes`, by largest remainders (of equal ones the first), giving
/// none more than `most`; the sum of `most` is at least `total`.
fn apportion(total: usize, sizes: &[usize], most: &[usize]) -> Vec<usize> {
    let sum = sizes.iter().map(|&size| size as u128).sum::<u128>().max(1);
    let quotas: Vec<u128> = sizes
        .iter()
        .map(|&size| size as u128 * total as u128)
        .collect();
    let mut shares: Vec<usize> = quotas
        .iter()
        .zip(most)
        .map(|(quota, &most)| usize::try_from(quota / sum).map_or(most, |share| share.min(most)))
        .collect();
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|&at| std::cmp::Reverse(quotas[at] % sum));
    let mut missing = total - shares.iter().sum::<usize>();
    while missing > 0 {
        let before = missing;
        for &at in &order {
            if missing > 0 && shares[at] < most[at] {
                shares[at] += 1;
                missing -= 1;
            }
        }
        assert!(missing < before, "the parts are no more than the rows");
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::spec::ColumnPattern;

    fn table(rows: usize) -> Table {
        Table {
            name: "t.csv".to_owned(),
            rows,
            ..Table::default()
        }
    }

    fn spec(split: Split) -> DataSpec {
        DataSpec {
            split,
            ..DataSpec::default()
        }
    }

    fn random(validate: f64, test: f64, seed: u64) -> DataSpec {
        spec(Split::Random {
            validate,
            test,
            stratify: None,
            seed,
            span: Span::default(),
        })
    }

    fn ordered(validate: f64, test: f64) -> DataSpec {
        spec(Split::Ordered {
            validate,
            test,
            span: Span::default(),
        })
    }

    fn codes(result: Result<Division, Faults>) -> Vec<Code> {
        let faults = result.expect_err("faults");
        faults.into_iter().map(|fault| fault.code).collect()
    }

    #[test]
    fn a_random_division_is_that_of_the_seed() {
        let division = divide(&table(11), &random(0.2, 0.1, 42)).expect("a division");
        // The shuffled rows of tests/oracles/random_vectors.py, cut after two and after one more.
        assert_eq!(division.validate, [1, 5]);
        assert_eq!(division.test, [7]);
        let mut all = [
            division.train.clone(),
            division.validate.clone(),
            division.test,
        ]
        .concat();
        assert!(division.train.is_sorted());
        all.sort_unstable();
        assert_eq!(all, (0..11).collect::<Vec<u32>>());
        let again = divide(&table(11), &random(0.2, 0.1, 42)).expect("a division");
        assert_eq!(again.train, division.train);
        let other = divide(&table(1000), &random(0.2, 0.1, 43)).expect("a division");
        let first = divide(&table(1000), &random(0.2, 0.1, 42)).expect("a division");
        assert_ne!(other.validate, first.validate);
    }

    #[test]
    fn counts_are_floors_of_the_decimal_share() {
        for (share, rows, count) in [
            (0.29, 100, 29),
            (0.15, 20, 3),
            (0.07, 100, 7),
            (0.2, 9, 1),
            (0.999_999, 1_000_000, 999_999),
            (1.0 / 3.0, 10, 3),
        ] {
            assert_eq!(share_of(share, rows), count, "{share} of {rows}");
        }
    }

    #[test]
    fn an_ordered_division_takes_the_last_rows() {
        let division = divide(&table(10), &ordered(0.2, 0.1)).expect("a division");
        assert_eq!(division.train, [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!((division.validate, division.test), (vec![7, 8], vec![9]));
        let all = divide(&table(3), &spec(Split::None)).expect("a division");
        assert_eq!((all.train, all.test), (vec![0, 1, 2], vec![]));
    }

    #[test]
    fn a_column_says_the_part_of_each_row() {
        let split = spec(Split::Column {
            name: ColumnPattern {
                text: "fold".to_owned(),
                glob: false,
                span: Span::default(),
            },
            span: Span::default(),
        });
        let mut table = table(3);
        table.parts = Some(vec![Part::Test, Part::Train, Part::Validate]);
        let division = divide(&table, &split).expect("a division");
        assert_eq!(division.part(Part::Test), [0]);
        assert_eq!(division.part(Part::Train), [1]);
        assert_eq!(division.part(Part::Validate), [2]);
        table.parts = Some(vec![Part::Test; 3]);
        assert_eq!(codes(divide(&table, &split)), [Code::TooFewRows]);
    }

    #[test]
    fn strata_keep_their_shares_and_the_totals() {
        let mut table = table(103);
        let stratum = |row: u32| match row {
            row if row % 10 == 0 => 2,
            row => row % 2,
        };
        table.strata = Some((0..103).map(stratum).collect());
        let division = divide(&table, &random(0.2, 0.1, 7)).expect("a division");
        assert_eq!((division.validate.len(), division.test.len()), (20, 10));
        let count = |rows: &[u32], code| rows.iter().filter(|row| stratum(**row) == code).count();
        // 41, 51 and 11 rows: 7.96, 9.90 and 2.14 to validate, 3.98, 4.95 and 1.07 to test.
        assert_eq!(
            [0, 1, 2].map(|code| count(&division.validate, code)),
            [8, 10, 2]
        );
        assert_eq!([0, 1, 2].map(|code| count(&division.test, code)), [4, 5, 1]);
    }

    #[test]
    fn shares_never_exceed_what_is_there() {
        for rows in 2..40_usize {
            for validate in 0..rows {
                for test in 0..(rows - validate) {
                    let sizes = [1, rows / 3, rows - rows / 3 - 1];
                    let first = apportion(validate, &sizes, &sizes);
                    let left: Vec<usize> = (0..3).map(|at| sizes[at] - first[at]).collect();
                    let second = apportion(test, &sizes, &left);
                    assert_eq!(first.iter().sum::<usize>(), validate);
                    assert_eq!(second.iter().sum::<usize>(), test);
                    assert!((0..3).all(|at| second[at] <= left[at]));
                }
            }
        }
    }

    #[test]
    fn a_part_without_rows_is_a_fault() {
        assert_eq!(
            codes(divide(&table(4), &random(0.2, 0.2, 1))),
            [Code::TooFewRows; 2]
        );
        assert_eq!(
            codes(divide(&table(10), &ordered(0.5, 0.5))),
            [Code::BadSplit]
        );
        assert_eq!(
            codes(divide(&table(10), &ordered(0.9, 0.9))),
            [Code::BadSplit]
        );
        assert_eq!(
            codes(divide(&table(1), &random(0.2, 0.0, 1))),
            [Code::TooFewRows]
        );
    }
}
