//! Tables of the plan's text: columns aligned, equal iterations as one under a heading.

use std::fmt;

use super::WIDEST_COLUMN;
use super::fold::Folded;

enum Row {
    Heading(String),
    Cells(Vec<String>),
}

/// Rows that are written together.
pub struct TextTable {
    indent: &'static str,
    rows: Vec<(usize, Row)>,
    /// From which column on cells are aligned to the right.
    right_from: Option<usize>,
}

impl TextTable {
    pub fn new(indent: &'static str) -> TextTable {
        TextTable {
            indent,
            rows: Vec::new(),
            right_from: None,
        }
    }

    /// Aligns the cells of a column and all behind it to the right.
    pub fn right_from(mut self, column: usize) -> TextTable {
        self.right_from = Some(column);
        self
    }

    pub fn row(&mut self, cells: Vec<String>) {
        self.rows.push((0, Row::Cells(cells)));
    }

    /// Adds the rows of a folded list, of which `row` gives each by its place.
    pub fn folded(&mut self, list: &[Folded], row: &mut dyn FnMut(usize) -> Vec<String>) {
        self.folded_at(0, list, row);
    }

    fn folded_at(
        &mut self,
        depth: usize,
        list: &[Folded],
        row: &mut dyn FnMut(usize) -> Vec<String>,
    ) {
        for part in list {
            match part {
                Folded::One(place) => self.rows.push((depth, Row::Cells(row(*place)))),
                Folded::Run(run) => {
                    self.rows.push((depth, Row::Heading(run.heading())));
                    self.folded_at(depth + 1, &run.body, row);
                }
            }
        }
    }
}

/// What a row in iterations of runs begins with.
pub fn indent(depth: usize) -> String {
    "  ".repeat(depth)
}

impl fmt::Display for TextTable {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let mut widths: Vec<usize> = Vec::new();
        for (depth, row) in &self.rows {
            let Row::Cells(cells) = row else { continue };
            widths.resize(widths.len().max(cells.len()), 0);
            for (column, cell) in cells.iter().enumerate() {
                let indent = if column == 0 { 2 * depth } else { 0 };
                let width = (indent + cell.chars().count()).min(WIDEST_COLUMN);
                widths[column] = widths[column].max(width);
            }
        }
        for (depth, row) in &self.rows {
            let mut line = self.indent.to_string();
            match row {
                Row::Heading(text) => line.push_str(&format!("{}{text}", indent(*depth))),
                Row::Cells(cells) => {
                    let cells = cells.iter().zip(&widths).enumerate();
                    let cells: Vec<String> = cells
                        .map(|(column, (cell, &width))| {
                            if column == 0 {
                                format!("{:width$}", format!("{}{cell}", indent(*depth)))
                            } else if self.right_from.is_some_and(|first| column >= first) {
                                format!("{cell:>width$}")
                            } else {
                                format!("{cell:width$}")
                            }
                        })
                        .collect();
                    line.push_str(&cells.join("  "));
                }
            }
            writeln!(formatter, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
