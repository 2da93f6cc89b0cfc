//! What was recognised of a table, as reports say it.

use nnc::data::Table;
use serde_json::{Value, json};

/// A table in a line: its rows, and how its file is written.
pub fn table_line(table: &Table) -> String {
    format!("{} · rows: {} · {}", table.name, table.rows, table.dialect)
}

/// The same as members of an object.
pub fn table_to_json(table: &Table) -> Value {
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
    })
}
