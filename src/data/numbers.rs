//! The numbers of a table, in the order in which a network takes them: row by row.

/// The numbers of a table's rows.
///
/// They are kept in runs of rows, as they were read, so that what was read need not be moved, and so
/// that the numbers can be given up run by run while something is made of them.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Numbers {
    width: usize,
    rows: usize,
    runs: Vec<Run>,
}

/// Rows that adjoin.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Run {
    pub first_row: usize,
    pub rows: usize,
    /// `width` numbers for each row.
    pub numbers: Vec<f64>,
}

impl Numbers {
    /// No rows yet, of `width` numbers each.
    pub fn new(width: usize) -> Self {
        Numbers {
            width,
            ..Numbers::default()
        }
    }

    /// How many numbers a row has.
    pub fn width(&self) -> usize {
        self.width
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Adds rows.
    ///
    /// # Panics
    /// There are not `width` numbers for each.
    pub fn push(&mut self, rows: usize, numbers: Vec<f64>) {
        assert_eq!(numbers.len(), rows * self.width, "whole rows");
        if rows > 0 {
            self.runs.push(Run {
                first_row: self.rows,
                rows,
                numbers,
            });
            self.rows += rows;
        }
    }

    /// Looks rows up, fastest in ascending order.
    pub fn lookup(&self) -> Lookup<'_> {
        Lookup {
            numbers: self,
            run: 0,
        }
    }

    /// Puts the numbers of some columns in each of these rows into `columns`, one for each place, instead of
    /// what they hold. Few rows are looked at at once, so that they come from memory once.
    pub fn gather(&self, places: &[usize], rows: &[u32], columns: &mut [Vec<f64>]) {
        const AT_ONCE: usize = 256;
        let mut lookup = self.lookup();
        let mut few: Vec<&[f64]> = Vec::with_capacity(AT_ONCE);
        columns.iter_mut().for_each(Vec::clear);
        for rows in rows.chunks(AT_ONCE) {
            few.clear();
            few.extend(rows.iter().map(|row| lookup.row(*row as usize)));
            for (column, &place) in columns.iter_mut().zip(places) {
                column.extend(few.iter().map(|row| row[place]));
            }
        }
    }

    /// One column's number in each row.
    pub fn column(&self, place: usize) -> Vec<f64> {
        let mut lookup = self.lookup();
        (0..self.rows).map(|row| lookup.row(row)[place]).collect()
    }

    /// Gives a missing number of one column the last one above it in these rows, ascending; how many
    /// got one.
    pub(super) fn fill_forward(&mut self, place: usize, rows: &[u32]) -> usize {
        let (mut last, mut filled, mut run) = (f64::NAN, 0, 0);
        for &row in rows {
            let row = row as usize;
            while self.runs[run].first_row + self.runs[run].rows <= row {
                run += 1;
            }
            let found = &mut self.runs[run];
            let number = &mut found.numbers[(row - found.first_row) * self.width + place];
            if number.is_nan() && !last.is_nan() {
                *number = last;
                filled += 1;
            }
            last = *number;
        }
        filled
    }

    /// The rows in order.
    pub(super) fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// Gives the rows up, in order.
    pub(super) fn into_runs(self) -> impl Iterator<Item = Run> {
        self.runs.into_iter()
    }
}

/// Finds the numbers of rows.
pub struct Lookup<'n> {
    numbers: &'n Numbers,
    /// Where the row was that was looked up last.
    run: usize,
}

impl<'n> Lookup<'n> {
    /// # Panics
    /// There is no such row.
    #[inline]
    pub fn row(&mut self, row: usize) -> &'n [f64] {
        let runs = &self.numbers.runs;
        let holds = |run: &Run| (run.first_row..run.first_row + run.rows).contains(&row);
        if !runs.get(self.run).is_some_and(holds) {
            self.run = runs.partition_point(|run| run.first_row + run.rows <= row);
        }
        runs[self.run].row(row, self.numbers.width)
    }
}

impl Run {
    /// The numbers at some of the places of each row, of `width` places.
    pub fn only(&self, places: &[usize], width: usize) -> Vec<f64> {
        let rows = (0..self.rows).map(|row| &self.numbers[row * width..][..width]);
        let chosen = rows.flat_map(|row| places.iter().map(|&place| row[place]));
        chosen.collect()
    }

    /// The numbers of a row of the table that is in this run.
    #[inline]
    pub fn row(&self, row: usize, width: usize) -> &[f64] {
        &self.numbers[(row - self.first_row) * width..][..width]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_in_any_order() {
        let mut numbers = Numbers::new(2);
        for (first, rows) in [(0, 3), (3, 0), (3, 1), (4, 2)] {
            let row = |row: usize| [row as f64, row as f64 + 0.5];
            numbers.push(rows, (first..first + rows).flat_map(row).collect());
        }
        let mut lookup = numbers.lookup();
        for row in [0, 1, 5, 3, 4, 2, 0] {
            assert_eq!(lookup.row(row), [row as f64, row as f64 + 0.5]);
        }
        assert_eq!(numbers.column(1), [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]);
        let runs: Vec<usize> = numbers.into_runs().map(|run| run.rows).collect();
        assert_eq!(runs, [3, 1, 2]);
    }

    #[test]
    fn rows_without_numbers_are_counted() {
        let mut numbers = Numbers::new(0);
        numbers.push(4, Vec::new());
        assert_eq!((numbers.rows(), numbers.lookup().row(3)), (4, &[][..]));
    }
}
