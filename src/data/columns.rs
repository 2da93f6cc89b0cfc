//! The columns of a table while it is read.

use std::collections::HashMap;

use crate::data::bind::CategoryValues;
use crate::data::cell::{self, CellFault, Expected};
use crate::data::excerpt::quoted;
use crate::data::table::Part;
use crate::diagnostics::{Code, Diagnostic, Span, near_miss};

/// A column that is read, and what was read of it.
pub(super) enum Column {
    Number(Vec<f64>),
    Category(CategoryColumn),
    Parts(Vec<Part>),
}

pub(super) struct CategoryColumn {
    pub codes: Vec<u32>,
    pub values: Vec<String>,
    positions: HashMap<String, u32>,
    /// How many different values there may be, if they are found in the data.
    limit: usize,
    origin: Origin,
}

/// Where a category's values are from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Origin {
    Found,
    Listed,
    Learned,
}

/// What is wrong with a cell of a column.
pub(super) enum ColumnFault {
    Cell(CellFault, Expected),
    UnknownValue,
    UnknownPart,
    TooManyValues,
}

impl Column {
    pub fn category(values: &CategoryValues, limit: usize) -> Self {
        let (values, origin) = match values {
            CategoryValues::Found => (Vec::new(), Origin::Found),
            CategoryValues::Listed(values) => (values.clone(), Origin::Listed),
            CategoryValues::Learned(values) => (values.clone(), Origin::Learned),
        };
        let positions = values.iter().zip(0..);
        Column::Category(CategoryColumn {
            codes: Vec::new(),
            positions: positions.map(|(value, at)| (value.clone(), at)).collect(),
            values,
            limit,
            origin,
        })
    }

    /// Adds the next row's cell.
    pub fn push(&mut self, cell: &[u8]) -> Result<(), ColumnFault> {
        match self {
            Column::Number(numbers) => {
                let number = cell::number(cell)
                    .map_err(|fault| ColumnFault::Cell(fault, Expected::Number))?;
                numbers.push(number);
            }
            Column::Category(category) => category.push(cell)?,
            Column::Parts(parts) => {
                let wrong = |fault| ColumnFault::Cell(fault, Expected::Part);
                let word = cell::word(cell).map_err(wrong)?;
                match Part::ALL.into_iter().find(|part| part.word() == word) {
                    Some(part) => parts.push(part),
                    None if cell::is_missing(word) => return Err(wrong(CellFault::Missing)),
                    None => return Err(ColumnFault::UnknownPart),
                }
            }
        }
        Ok(())
    }
}

impl CategoryColumn {
    fn push(&mut self, cell: &[u8]) -> Result<(), ColumnFault> {
        let wrong = |fault| ColumnFault::Cell(fault, Expected::Category);
        let word = cell::word(cell).map_err(wrong)?;
        if let Some(&position) = self.positions.get(word) {
            self.codes.push(position);
            return Ok(());
        }
        if cell::is_missing(word) {
            return Err(wrong(CellFault::Missing));
        }
        match self.origin {
            Origin::Listed | Origin::Learned => return Err(ColumnFault::UnknownValue),
            Origin::Found => {}
        }
        let position = match u32::try_from(self.values.len()) {
            Ok(position) if self.values.len() < self.limit => position,
            _ => return Err(ColumnFault::TooManyValues),
        };
        self.values.push(word.to_owned());
        self.positions.insert(word.to_owned(), position);
        self.codes.push(position);
        Ok(())
    }

    /// The codes and the values they count; values that were found are sorted, numerically if all are
    /// numbers, else bytewise.
    pub fn finish(mut self) -> (Vec<u32>, Vec<String>) {
        if self.origin != Origin::Found {
            return (self.codes, self.values);
        }
        let numbers: Option<Vec<f64>> = self
            .values
            .iter()
            .map(|value| cell::number(value.as_bytes()).ok())
            .collect();
        let mut order: Vec<usize> = (0..self.values.len()).collect();
        order.sort_by(|&left, &right| {
            let by_text = self.values[left].cmp(&self.values[right]);
            match &numbers {
                Some(numbers) => numbers[left].total_cmp(&numbers[right]).then(by_text),
                None => by_text,
            }
        });
        let mut sorted_position = vec![0; order.len()];
        for (&found, position) in order.iter().zip(0..) {
            sorted_position[found] = position;
        }
        for code in &mut self.codes {
            *code = sorted_position[*code as usize];
        }
        let values = order
            .iter()
            .map(|&found| std::mem::take(&mut self.values[found]))
            .collect();
        (self.codes, values)
    }
}

impl ColumnFault {
    /// The fault in words, at the cell's place.
    pub fn describe(
        self,
        column: &Column,
        cell: &[u8],
        line: u64,
        name: &str,
        place: Span,
    ) -> Diagnostic {
        let at = format!("line {line}, column `{name}`");
        let found = quoted(cell.trim_ascii());
        let word = String::from_utf8_lossy(cell.trim_ascii());
        match self {
            ColumnFault::Cell(fault, expected) => fault.describe(cell, line, name, expected, place),
            ColumnFault::UnknownPart => Diagnostic::new(
                Code::BadSplit,
                place,
                format!("{at}: {found} is no part of the split"),
            )
            .label("not `train`, `validate` or `test`")
            .near(&word, place, Part::ALL.map(Part::word)),
            ColumnFault::UnknownValue => {
                let (values, learned) = match column {
                    Column::Category(category) => {
                        (&category.values[..], category.origin == Origin::Learned)
                    }
                    Column::Number(_) | Column::Parts(_) => (&[][..], false),
                };
                let what = match learned {
                    true => "was not seen in training",
                    false => "is not one of the listed values",
                };
                let fault = Diagnostic::new(
                    Code::UnknownCategory,
                    place,
                    format!("{at}: {found} {what}"),
                )
                .label(format!("not a value of `{name}`"));
                let fault = match near_name(&word, values.iter().map(String::as_str)) {
                    Some(near) => fault
                        .help(format!("did you mean `{near}`?"))
                        .suggest(place, near),
                    None => fault,
                };
                fault.note(format!("the values are {}", listed(values)))
            }
            ColumnFault::TooManyValues => Diagnostic::new(
                Code::TableTooLarge,
                place,
                format!("{at}: the category has too many different values"),
            )
            .label("one value more than a category may have")
            .help("a column of numbers is declared as `number`; free text cannot be read"),
        }
    }
}

/// The name of a table that `wrong` most likely stands for. A table's names may be long and many, so
/// that only short ones, and only the first thousands, are compared.
pub(super) fn near_name<'n>(wrong: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    const LENGTH: usize = 100;
    const COMPARED: usize = 10_000;
    let short = names.filter(|name| name.len() <= LENGTH).take(COMPARED);
    match wrong.len() <= LENGTH {
        true => near_miss(wrong, short),
        false => None,
    }
}

/// Names for a note: the first of them, and how many there are.
pub(super) fn listed(names: &[String]) -> String {
    const SHOWN: usize = 12;
    let shown: Vec<String> = names
        .iter()
        .take(SHOWN)
        .map(|name| quoted(name.as_bytes()))
        .collect();
    match names.len() {
        count if count > SHOWN => format!("{}, … ({count} in all)", shown.join(", ")),
        _ => shown.join(", "),
    }
}
