//! Tables of random numbers and categories, each a function of its shape alone.

use nnc::random::Stream;

/// What a column holds.
#[derive(Clone, Copy)]
pub enum Cells {
    /// Numbers between -2 and 2.
    Numbers,
    /// Numbers between 0 and 1.
    Shares,
    /// So many values, each at least once if there are as many rows.
    Values(usize),
    /// `yes` and `no` in turns.
    Booleans,
}

/// A CSV of random cells.
pub fn table(columns: &[(&str, Cells)], rows: usize) -> String {
    let mut draws = Stream::new(11, "table", "").draws(0, 0);
    let names: Vec<&str> = columns.iter().map(|(name, _)| *name).collect();
    let mut csv = names.join(",") + "\n";
    for row in 0..rows {
        let cells: Vec<String> = columns
            .iter()
            .map(|(_, cells)| match cells {
                Cells::Numbers => format!("{:.4}", 4.0 * draws.uniform() - 2.0),
                Cells::Shares => format!("{:.4}", draws.uniform()),
                Cells::Values(values) if row < *values => format!("k{row}"),
                Cells::Values(values) => format!("k{}", draws.below(*values as u64)),
                Cells::Booleans if row % 2 == 0 => "yes".to_owned(),
                Cells::Booleans => "no".to_owned(),
            })
            .collect();
        csv += &(cells.join(",") + "\n");
    }
    csv
}
