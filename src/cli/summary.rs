//! Figures and small tables for people.

use nnc::diagnostics::visible_in_line;

use super::record::PartScores;

/// A number in four decimals, or in four digits when it is very small or very large. Zero has no sign.
pub fn figure(value: f64) -> String {
    // The sum of -0.0 and 0.0 is 0.0.
    let value = value + 0.0;
    if value == 0.0 || (1e-3..1e6).contains(&value.abs()) || !value.is_finite() {
        format!("{value:.4}")
    } else {
        format!("{value:.3e}")
    }
}

/// A time in three or four digits, and a unit that suits it.
pub fn duration(seconds: f64) -> String {
    let (value, unit) = match seconds {
        long if long >= 3600.0 => (long / 3600.0, "h"),
        long if long >= 60.0 => (long / 60.0, "min"),
        long if long >= 1.0 => (long, "s"),
        short if short >= 1e-3 => (short * 1e3, "ms"),
        short => (short * 1e6, "µs"),
    };
    format!("{} {unit}", digits(value))
}

/// A number in about three digits.
pub fn digits(value: f64) -> String {
    match value {
        large if large >= 99.95 => format!("{large:.0}"),
        middle if middle >= 9.995 => format!("{middle:.1}"),
        small => format!("{small:.2}"),
    }
}

/// A table with its columns aligned, the first to the left, the others to the right. What a cell says
/// stays on its line.
pub fn table(rows: &[Vec<String>]) -> String {
    let shown = |cell: &String| visible_in_line(cell).into_owned();
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(shown).collect())
        .collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let lines = rows.iter().map(|row| {
        let cells = row.iter().zip(&widths).enumerate();
        let cells: Vec<String> = cells
            .map(|(column, (cell, &width))| match column {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            })
            .collect();
        cells.join("  ").trim_end().to_owned()
    });
    lines.collect::<Vec<String>>().join("\n")
}

/// Loss and metrics of each part of the table.
pub fn scores_table(scores: &[PartScores]) -> String {
    let mut rows = Vec::new();
    if let Some(first) = scores.first() {
        let names = first.metrics.iter().map(|(name, _)| name.clone());
        let head = ["", "rows", "loss"].map(str::to_owned);
        rows.push(head.into_iter().chain(names).collect());
    }
    for scores in scores {
        let metrics = scores.metrics.iter().map(|(_, value)| figure(*value));
        let head = [
            scores.part.word().to_owned(),
            scores.rows.to_string(),
            figure(scores.loss),
        ];
        rows.push(head.into_iter().chain(metrics).collect());
    }
    table(&rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short_at_any_size() {
        let texts = [0.0, -0.0, 4.123_449, -1e-7, 3.2e9, f64::NAN].map(figure);
        assert_eq!(
            texts,
            ["0.0000", "0.0000", "4.1234", "-1.000e-7", "3.200e9", "NaN"]
        );
    }

    #[test]
    fn durations_have_units_that_suit_them() {
        let texts = [0.0, 4.2e-7, 9.996e-6, 1.2345e-3, 0.25, 59.0, 150.0, 7200.0].map(duration);
        assert_eq!(
            texts,
            [
                "0.00 µs", "0.42 µs", "10.0 µs", "1.23 ms", "250 ms", "59.0 s", "2.50 min",
                "2.00 h"
            ]
        );
    }

    #[test]
    fn columns_are_aligned() {
        let rows = [["", "rows"], ["train", "9"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(&rows), "       rows\ntrain     9");
        let rows = [["", "c"], ["1", "a\nb\u{1b}"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(&rows), "      c\n1  a?b?");
    }
}
