//! The faults of values that training rows lack, each with the ways out that fit its column and the
//! split.

use crate::data::category::PreparedCategory;
use crate::data::columns::{listed, near_name};
use crate::data::excerpt::quoted;
use crate::data::spec::{ColumnKind, ColumnSpec, Role, Split};
use crate::data::table::{Table, TableField};
use crate::data::words::UnknownCells;
use crate::diagnostics::{Code, Diagnostic};

/// How each part gets rows of every value of a column.
pub(crate) fn rows_for_each_part(split: &Split, name: &str) -> String {
    match split {
        Split::Column { name: column, .. } => {
            format!(
                "let the column `{}` give each part rows of each",
                column.text
            )
        }
        Split::Ordered { .. } => format!(
            "`ordered` takes the rows as they stand; `random` with `stratify = {name}` gives each part its share"
        ),
        Split::Random {
            stratify: Some(_), ..
        } => "its rows are too few for all parts: add rows, or remove the value".to_owned(),
        Split::None | Split::Random { stratify: None, .. } => {
            format!("write `stratify = {name}` in the split, and each part gets its share")
        }
    }
}

/// The fault of words that are no values, in training.
pub(super) fn unknown_fault(
    unknown: &UnknownCells,
    table: &Table,
    field: &TableField,
    column: &ColumnSpec,
    learned: &PreparedCategory,
    split: &Split,
) -> Diagnostic {
    let listed =
        matches!(&column.kind, ColumnKind::Category(category) if category.values.is_some());
    let (what, label) = match &column.kind {
        ColumnKind::Boolean(_) => ("no truth value", "declared as a boolean"),
        ColumnKind::Category(_) if listed => ("none of the listed values", "does not list them"),
        ColumnKind::Category(_) | ColumnKind::Number(_) | ColumnKind::Vector(_) => (
            "a value that no training row has",
            "not in any training row",
        ),
    };
    let message = unknown.message(table, what);
    let mut fault = Diagnostic::new(Code::UnknownCategory, column.name.span, message).label(label);
    if let Some((word, _)) = unknown.words.first().filter(|_| listed) {
        let values = learned.values.iter().map(String::as_str);
        if let Some(near) = near_name(word, values) {
            let word = quoted(word.as_bytes());
            fault = fault.help(format!("did you mean `{near}` by {word}?"));
        }
    }
    match way_out(unknown, field, column, split) {
        Some(way_out) => fault.help(way_out),
        None => fault,
    }
}

fn way_out(
    unknown: &UnknownCells,
    field: &TableField,
    column: &ColumnSpec,
    split: &Split,
) -> Option<String> {
    let category = match &column.kind {
        ColumnKind::Boolean(_) => {
            return Some("a boolean is yes/no, true/false, t/f or 0/1, in any case".to_owned());
        }
        ColumnKind::Number(_) | ColumnKind::Vector(_) => return None,
        ColumnKind::Category(category) => category,
    };
    let target = column.role == Role::Target;
    if category.ordered {
        return Some("list them in `ordered`".to_owned());
    }
    if category.values.is_some() {
        let list = "list them in `values`";
        let unknown = if target {
            ""
        } else {
            ", or write `unknown = own`"
        };
        return Some(format!("{list}{unknown}"));
    }
    // A value of one row is in one part, whatever divides the rows.
    let in_one_row = unknown.fewest_cells < 2;
    if target && in_one_row {
        return Some("a class needs rows in each part: add rows, or remove those of it".to_owned());
    }
    if target {
        return Some(rows_for_each_part(split, &field.name));
    }
    let own = "write `unknown = own`, which is a learned row for values that training does not see";
    if !in_one_row && matches!(split, Split::Random { stratify: None, .. }) {
        return Some(format!(
            "{own}, or `stratify = {}` in the split",
            field.name
        ));
    }
    Some(own.to_owned())
}

/// The fault of listed classes that no training row has, by how many rows of each part have each class.
pub(super) fn untrained_classes(
    counts: &[Vec<usize>; 3],
    field: &TableField,
    column: &ColumnSpec,
    learned: &PreparedCategory,
    split: &Split,
) -> Option<Diagnostic> {
    let [train, others @ ..] = counts;
    let lacks = |class: &usize| train[*class] == 0;
    let without: Vec<usize> = (0..learned.values.len()).filter(lacks).collect();
    if without.is_empty() {
        return None;
    }
    let names: Vec<String> = without
        .iter()
        .map(|&class| learned.values[class].clone())
        .collect();
    let message = format!(
        "no training row has the `{}` {}",
        field.columns[0],
        listed(&names)
    );
    let fault = Diagnostic::new(Code::UnknownCategory, column.name.span, message)
        .label("a class that cannot be learned");
    let elsewhere = |class: &usize| others.iter().any(|counts| counts[*class] > 0);
    Some(if without.iter().all(elsewhere) {
        fault.help(rows_for_each_part(split, &field.name))
    } else {
        fault.help("remove it from `values`, or add rows")
    })
}

/// The fault with the values that few training rows have, which are as likely to be unseen elsewhere.
pub(super) fn rare(
    fault: Diagnostic,
    learned: &PreparedCategory,
    words: &[Option<String>],
    counts: &[usize],
    column: &ColumnSpec,
) -> Diagnostic {
    const FEW: usize = 3;
    let found = matches!(&column.kind, ColumnKind::Category(category) if category.values.is_none());
    if !found || column.role == Role::Target {
        return fault;
    }
    let indices = learned.indices_of(words);
    let mut of_value = vec![0; learned.indices()];
    for ((word, index), count) in words.iter().zip(indices).zip(counts) {
        if let (Some(_), Some(index)) = (word, index) {
            of_value[index as usize] += count;
        }
    }
    let few = learned.values.iter().zip(of_value);
    let few: Vec<String> = few
        .filter(|(_, count)| *count < FEW)
        .map(|(value, _)| value.clone())
        .collect();
    if few.is_empty() {
        return fault;
    }
    let few = listed(&few);
    fault.note(format!("fewer than {FEW} training rows have {few}"))
}
