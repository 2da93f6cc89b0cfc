//! What was recognised of a table, and done to it, as reports say it.

use nnc::data::Table;
use nnc::data::report::TableReport;
use serde_json::{Value, json};

/// A table in lines: its rows and how its file is written, then what was dropped and filled.
pub fn table_lines(table: &Table, report: &TableReport) -> Vec<String> {
    let first = format!("{} · rows: {} · {}", table.name, table.rows, table.dialect);
    std::iter::once(first).chain(report.lines()).collect()
}

/// The same as members of an object.
pub fn table_to_json(table: &Table, report: &TableReport) -> Value {
    let dialect = &table.dialect;
    json!({
        "name": table.name,
        "rows": table.rows,
        "fingerprint": table.fingerprint,
        "packed": dialect.packing.map(|packing| packing.name()),
        "delimiter": dialect.delimiter.to_string(),
        "encoding": "UTF-8",
        "header_line": dialect.header_line,
        "remarks": dialect.remarks(),
        "dropped": report.dropped,
        "filled": report.filled_to_json(),
        "unknown": report.unknown_to_json(),
    })
}
