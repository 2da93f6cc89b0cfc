//! In which line of its file a row begins.

/// The lines of rows, as far as they do not follow one another.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Lines {
    /// Rows that do not begin in the line behind the row before, each with its line, ascending.
    jumps: Vec<(u32, u64)>,
    rows: u32,
}

impl Lines {
    /// Adds the next row, which begins in `line`.
    pub(super) fn push(&mut self, line: u64) {
        self.push_rows(1, line);
    }

    /// Adds rows of one line each, of which the first is `line`.
    pub(super) fn push_rows(&mut self, rows: usize, line: u64) {
        if rows > 0 && (self.rows == 0 || self.of(self.rows) != line) {
            self.jumps.push((self.rows, line));
        }
        self.rows += rows as u32;
    }

    /// The line in which a row begins: that of row 0 is 2 where nothing is known.
    pub fn of(&self, row: u32) -> u64 {
        let before = self.jumps.partition_point(|(first, _)| *first <= row);
        let (first, line) = match before.checked_sub(1) {
            Some(at) => self.jumps[at],
            None => (0, 2),
        };
        line + u64::from(row - first)
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn rows_begin_in_their_lines() {
        let mut lines = Lines::default();
        lines.push_rows(3, 2);
        lines.push_rows(2, 5);
        lines.push(9);
        lines.push(10);
        lines.push(13);
        let found: Vec<u64> = (0..8).map(|row| lines.of(row)).collect();
        assert_eq!(found, [2, 3, 4, 5, 6, 9, 10, 13]);
        assert_eq!(lines.jumps.len(), 3);
    }
}
