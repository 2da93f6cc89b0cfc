//! Numbers that may stand for missing ones: `-9999` among temperatures.

use crate::data::listed_columns;
use crate::data::spec::{ColumnKind, DataSpec, Role};
use crate::data::table::{Table, TableField, Values};
use crate::diagnostics::{Code, Diagnostic};

/// A number that occurs again and again, far from all other numbers of its column.
#[derive(Clone, PartialEq, Debug)]
pub struct Sentinel {
    field: usize,
    /// The column's name in the file.
    column: String,
    value: f64,
    /// How many training rows have it.
    count: usize,
    /// The first of them.
    first: u32,
    /// The least and the greatest of the other numbers that were looked at.
    others: (f64, f64),
}

/// How often a number has to occur.
const AGAIN: usize = 3;

/// How many different numbers there have to be beside it: codes and counts are often far apart.
const DIFFERENT: usize = 8;

/// How many times as far from the others as these are from each other.
const FAR: f64 = 2.0;

/// How many such numbers a column may have at each end.
const MOST_AT_AN_END: usize = 2;

/// All such numbers of the inputs and targets, in `rows` of the training rows, which are counted in all of them.
pub fn sentinels(table: &Table, rows: &[u32], training: &[u32]) -> Vec<Sentinel> {
    let mut found = Vec::new();
    for (field, declared) in table.fields.iter().enumerate() {
        let Values::Numbers(places) = &declared.values else {
            continue;
        };
        if declared.role == Role::Weight {
            continue;
        }
        for (place, column) in places.clone().zip(&declared.columns) {
            let mut columns = [Vec::new()];
            table.numbers.gather(&[place], rows, &mut columns);
            let [numbers] = columns;
            let Some((values, others)) = far_values(numbers) else {
                continue;
            };
            found.extend(values.into_iter().filter_map(|value| {
                let mut lookup = table.numbers.lookup();
                let training = training.iter().copied();
                let mut having = training.filter(|row| lookup.row(*row as usize)[place] == value);
                let first = having.next()?;
                Some(Sentinel {
                    field,
                    column: column.clone(),
                    value,
                    count: 1 + having.count(),
                    first,
                    others,
                })
            }));
        }
    }
    found
}

/// The numbers that occur again and again, far from all others, and the range of the others.
fn far_values(mut numbers: Vec<f64>) -> Option<(Vec<f64>, (f64, f64))> {
    numbers.retain(|number| !number.is_nan());
    numbers.sort_unstable_by(f64::total_cmp);
    let runs: Vec<&[f64]> = numbers.chunk_by(|left, right| left == right).collect();
    let ends =
        (0..=MOST_AT_AN_END).flat_map(|low| (0..=MOST_AT_AN_END).map(move |high| (low, high)));
    let mut ends: Vec<(usize, usize)> = ends.filter(|(low, high)| low + high > 0).collect();
    ends.sort_unstable_by_key(|(low, high)| std::cmp::Reverse(low + high));
    for (low, high) in ends {
        if runs.len() < DIFFERENT + low + high {
            continue;
        }
        let (below, rest) = runs.split_at(low);
        let (between, above) = rest.split_at(rest.len() - high);
        let (least, greatest) = (between[0][0], between[between.len() - 1][0]);
        let far = FAR * (greatest - least);
        let apart =
            |run: &&[f64]| run.len() >= AGAIN && (least - run[0] > far || run[0] - greatest > far);
        if below.iter().chain(above).all(apart) {
            let values = below.iter().chain(above).map(|run| run[0]);
            return Some((values.collect(), (least, greatest)));
        }
    }
    None
}

/// The warning of all such numbers.
pub fn warning(
    found: &[Sentinel],
    table: &Table,
    spec: &DataSpec,
    training: usize,
) -> Option<Diagnostic> {
    const SHOWN: usize = 8;
    let first = found.first()?;
    let what = |sentinel: &Sentinel| {
        let (least, greatest) = sentinel.others;
        format!(
            "`{}` in {} of {training} training rows, first in line {}; the others go from {least} to {greatest}",
            sentinel.value,
            sentinel.count,
            table.lines.of(sentinel.first)
        )
    };
    let declared = |sentinel: &Sentinel| {
        let field: &TableField = &table.fields[sentinel.field];
        &spec.columns[field.declared]
    };
    let message = match found {
        [only] => format!(
            "`{}` of `{}` may stand for a missing value",
            only.value, only.column
        ),
        several => {
            let mut columns: Vec<String> = several.iter().map(|it| it.column.clone()).collect();
            columns.dedup();
            let columns = listed_columns(&columns);
            format!("numbers may stand for missing values in {columns}")
        }
    };
    let mut warning = Diagnostic::new(Code::Sentinel, declared(first).name.span, message);
    match found {
        [only] => warning = warning.label(what(only)),
        several => {
            for sentinel in several.iter().take(SHOWN) {
                warning = warning.note(format!("`{}`: {}", sentinel.column, what(sentinel)));
            }
            if let Some(more @ 1..) = several.len().checked_sub(SHOWN) {
                warning = warning.note(format!("and {more} more"));
            }
        }
    }
    let mut values: Vec<String> = Vec::new();
    for sentinel in found {
        let value = format!("{}", sentinel.value);
        if !values.contains(&value) {
            values.push(value);
        }
    }
    let missing = match &values[..] {
        [value] => value.clone(),
        several => format!("[{}]", several.join(", ")),
    };
    let kind = match declared(first).kind {
        ColumnKind::Vector(_) => "vector",
        ColumnKind::Number(_) | ColumnKind::Category(_) | ColumnKind::Boolean(_) => "number",
    };
    let way = if found.iter().all(|it| declared(it).role == Role::Target) {
        format!("`{kind}(missing = {missing})`, and `drop = missing_target` in `data`")
    } else {
        format!("`{kind}(missing = {missing}, fill = median)`")
    };
    Some(warning.help(format!(
        "if so, write {way}; if not, silence this with `allow = [{}]`",
        Code::Sentinel.id()
    )))
}

impl Sentinel {
    /// Which of the table's fields has it.
    pub fn field(&self) -> usize {
        self.field
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(others: impl IntoIterator<Item = f64>, ends: &[(f64, usize)]) -> Option<Vec<f64>> {
        let ends = ends.iter().flat_map(|(value, count)| vec![*value; *count]);
        far_values(others.into_iter().chain(ends).collect()).map(|(values, _)| values)
    }

    fn temperatures() -> impl Iterator<Item = f64> {
        (0..40).map(|at| 5.0 + 0.7 * f64::from(at))
    }

    #[test]
    fn numbers_far_away_that_occur_again_are_found() {
        assert_eq!(with(temperatures(), &[(-9999.0, 3)]), Some(vec![-9999.0]));
        assert_eq!(with(temperatures(), &[(999.0, 10)]), Some(vec![999.0]));
        let both = with(temperatures(), &[(-999.0, 4), (-888.0, 3), (9999.0, 5)]);
        assert_eq!(both, Some(vec![-999.0, -888.0, 9999.0]));
    }

    #[test]
    fn what_tables_hold_anyway_is_not() {
        assert_eq!(with(temperatures(), &[]), None);
        // Twice may be an accident, and so may a number of its own.
        assert_eq!(with(temperatures(), &[(-9999.0, 2)]), None);
        assert_eq!(with(temperatures(), &[(50.0, 20)]), None);
        let zeros_and_ones = [0.0, 1.0].repeat(30);
        assert_eq!(with(zeros_and_ones, &[(99.0, 5)]), None);
        let squares = (0..60).map(|at| f64::from(at * at));
        assert_eq!(with(squares, &[(6400.0, 4)]), None);
        assert_eq!(with([], &[(1.0, 9)]), None);
    }
}
