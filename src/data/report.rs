//! What was done to a table's cells before the network sees them: rows that were dropped, cells that
//! were filled or stand for what training does not know.

use serde_json::{Value, json};

use crate::data::category::{PreparedCategory, PreparedUnknown};
use crate::data::holes::{divided_rows, holes_in};
use crate::data::prepare::{Preparation, PreparedKind};
use crate::data::spec::Role;
use crate::data::split::Division;
use crate::data::table::{Table, TableField, Values};
use crate::diagnostics::listed;

/// What was dropped, filled and taken for unknown in a table that a model trains on.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct TableReport {
    /// How many rows there are, and how many of them were dropped.
    pub rows: usize,
    pub dropped: usize,
    pub filled: Vec<Filled>,
    /// Cells that share one more value, are all zeros or take a value, by column.
    pub unknown: Vec<(String, usize)>,
    /// Columns whose further value no training row has.
    pub untrained: Vec<String>,
}

/// The filled cells of a column.
#[derive(Clone, PartialEq, Debug)]
pub struct Filled {
    /// The column's name in the file.
    pub column: String,
    pub count: usize,
    /// What they got: a number, a value, or that of the row above.
    pub by: String,
}

impl TableReport {
    /// That of the rows that were divided, or that are predicted.
    pub fn new(table: &Table, division: &Division, preparation: &Preparation) -> Self {
        let forward = table.forward.iter().map(|(column, count)| Filled {
            column: column.clone(),
            count: *count,
            by: "the row above".to_owned(),
        });
        let mut report = TableReport {
            rows: table.rows,
            dropped: table.rows - table.kept_rows(),
            filled: forward.collect(),
            ..TableReport::default()
        };
        let rows = divided_rows(division);
        let roles = [Role::Input, Role::Target, Role::Weight];
        let fields = roles.into_iter().flat_map(|role| {
            let prepared = preparation.fields_of(role);
            prepared.zip(table.fields_of(role))
        });
        for (prepared, field) in fields {
            match &prepared.kind {
                PreparedKind::Numbers(columns) => {
                    for holes in holes_in(table, field, &rows) {
                        let mut columns = columns.iter();
                        let column = columns.find(|column| column.name == holes.column);
                        if let Some(fill) = column.and_then(|column| column.fill) {
                            report.filled.push(Filled {
                                column: holes.column,
                                count: holes.count,
                                by: format!("{fill}"),
                            });
                        }
                    }
                }
                PreparedKind::Indicators(_) => {}
                PreparedKind::Category(category) => report.add_words(category, table, field, &rows),
            }
        }
        report
    }

    fn add_words(
        &mut self,
        category: &PreparedCategory,
        table: &Table,
        field: &TableField,
        rows: &[u32],
    ) {
        let Values::Words { codes, words } = &field.values else {
            return;
        };
        let column = &field.columns[0];
        if let Some(place) = category.fill {
            let holes = holes_in(table, field, rows);
            self.filled.extend(holes.into_iter().map(|holes| Filled {
                column: holes.column,
                count: holes.count,
                by: format!("`{}`", category.values[place]),
            }));
        }
        let knows = category.knows(words);
        if knows.iter().any(|known| !known) {
            let unknown = rows
                .iter()
                .filter(|row| !knows[codes[**row as usize] as usize]);
            let count = unknown.count();
            if count > 0 {
                self.unknown.push((column.clone(), count));
            }
        }
        if category.unknown == (PreparedUnknown::Own { trained: false }) {
            self.untrained.push(column.clone());
        }
    }

    /// The report in lines.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.dropped > 0 {
            let (dropped, rows) = (self.dropped, self.rows);
            lines.push(format!(
                "dropped {dropped} of {rows} rows for missing cells"
            ));
        }
        if !self.filled.is_empty() {
            let filled = self.filled.iter();
            let filled = filled
                .map(|Filled { column, count, by }| format!("{count} of `{column}` with {by}"));
            let filled: Vec<String> = filled.collect();
            lines.push(format!(
                "filled missing cells: {}",
                listed(filled.iter().map(String::as_str))
            ));
        }
        if !self.unknown.is_empty() {
            let unknown = self.unknown.iter();
            let unknown = unknown.map(|(column, count)| format!("{count} of `{column}`"));
            let unknown: Vec<String> = unknown.collect();
            lines.push(format!(
                "cells taken for `unknown`: {}",
                listed(unknown.iter().map(String::as_str))
            ));
        }
        if !self.untrained.is_empty() {
            let columns = self.untrained.iter().map(|column| format!("`{column}`"));
            let columns: Vec<String> = columns.collect();
            lines.push(format!(
                "no training row has the `unknown` of {}",
                listed(columns.iter().map(String::as_str))
            ));
        }
        lines
    }

    /// The filled cells, an object a column.
    pub fn filled_to_json(&self) -> Value {
        let filled = self.filled.iter();
        filled
            .map(|filled| json!({"column": filled.column, "cells": filled.count, "by": filled.by}))
            .collect()
    }

    /// The cells taken for unknown, an object a column.
    pub fn unknown_to_json(&self) -> Value {
        let unknown = self.unknown.iter();
        unknown
            .map(|(column, count)| json!({"column": column, "cells": count}))
            .collect()
    }
}
