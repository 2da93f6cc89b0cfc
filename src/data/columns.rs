//! The columns of a table while it is read.

use std::collections::HashMap;

use crate::data::bind::{Binding, BoundKind, CategoryValues};
use crate::data::cell::{self, CellContext, CellFault, Expected};
use crate::data::cells::{Rows, Selection};
use crate::data::excerpt::quoted;
use crate::data::faults::Cause;
use crate::data::format::NumberFormat;
use crate::data::header::Header;
use crate::data::numbers::Numbers;
use crate::data::read::Limits;
use crate::data::table::Part;
use crate::diagnostics::{Code, Diagnostic, Span, near_miss};

/// The columns that are read, and what was read of them.
pub(super) struct Columns {
    selection: Selection,
    /// All columns that are read, in the file's order.
    pub kinds: Vec<(usize, Kind)>,
    pub numbers: Numbers,
    /// The columns of words, in the selection's order.
    pub words: Vec<WordColumn>,
}

/// What a column holds, with its place among those that hold the same.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Number(usize),
    Word(usize),
}

/// A column of words: of a category, or of the parts of the split.
pub(super) struct WordColumn {
    /// For each row the position of its word among the values.
    pub codes: Vec<u32>,
    values: Vec<String>,
    positions: HashMap<String, u32>,
    /// How many different values there may be, if they are found in the data.
    limit: usize,
    origin: Origin,
}

/// Where a column's values are from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Origin {
    Found,
    Listed,
    Learned,
    /// They are the words of [`Part`], in the order of [`Part::ALL`].
    Parts,
}

/// What is wrong with a cell of a column.
pub(super) enum ColumnFault {
    Cell(CellFault, Expected),
    UnknownValue,
    UnknownPart,
    TooManyValues,
}

impl Columns {
    /// The columns of a binding, from a table with that header.
    pub fn open(binding: &Binding, header: &Header, format: NumberFormat, limits: &Limits) -> Self {
        let mut selection = Selection {
            cells: header.names.len(),
            empty: header.empty,
            format,
            numbers: Vec::new(),
            words: Vec::new(),
        };
        let mut words = Vec::new();
        for field in &binding.fields {
            match &field.kind {
                BoundKind::Numbers => selection.numbers.extend(&field.columns),
                BoundKind::Category(values) => {
                    for &at in &field.columns {
                        selection.words.push(at);
                        words.push(WordColumn::of_category(values, limits.categories));
                    }
                }
            }
        }
        if let Some(at) = binding.parts {
            selection.words.push(at);
            words.push(WordColumn::of_parts());
        }
        if let Some(at) = binding.strata.filter(|at| !selection.words.contains(at)) {
            selection.words.push(at);
            let found = CategoryValues::Found;
            words.push(WordColumn::of_category(&found, limits.categories));
        }
        let numbers = selection.numbers.iter().enumerate();
        let numbers = numbers.map(|(place, &at)| (at, Kind::Number(place)));
        let kinds = selection.words.iter().enumerate();
        let kinds = kinds.map(|(place, &at)| (at, Kind::Word(place)));
        let mut kinds: Vec<(usize, Kind)> = kinds.chain(numbers).collect();
        kinds.sort_by_key(|(at, _)| *at);
        Columns {
            kinds,
            numbers: Numbers::new(selection.numbers.len()),
            words,
            selection,
        }
    }

    /// Which columns they are.
    pub fn selection(&self) -> &Selection {
        &self.selection
    }

    /// Takes the column of words at a position of the header.
    ///
    /// # Panics
    /// The binding has no such column, or it was taken before.
    pub fn word_column(&mut self, at: usize) -> WordColumn {
        let mut positions = self.selection.words.iter();
        let place = positions.position(|word| *word == at);
        let place = place.expect("every bound column is read");
        self.selection.words.swap_remove(place);
        self.words.swap_remove(place)
    }

    /// Adds the rows of a block, all or, if a word is not a value of its column, none: then it is
    /// `false`.
    pub fn add(&mut self, rows: Rows) -> bool {
        let known = self
            .words
            .iter_mut()
            .zip(&rows.words)
            .map(|(column, words)| {
                let values = words.values.iter();
                let positions = values.map(|word| column.position(word).ok());
                positions.collect::<Option<Vec<u32>>>()
            });
        let Some(known) = known.collect::<Option<Vec<Vec<u32>>>>() else {
            return false;
        };
        for ((column, words), known) in self.words.iter_mut().zip(rows.words).zip(known) {
            let codes = words.codes.iter();
            column.codes.extend(codes.map(|&code| known[code as usize]));
        }
        self.numbers.push(rows.count, rows.numbers);
        true
    }
}

impl WordColumn {
    fn of_category(values: &CategoryValues, limit: usize) -> Self {
        let (values, origin) = match values {
            CategoryValues::Found => (Vec::new(), Origin::Found),
            CategoryValues::Listed(values) => (values.clone(), Origin::Listed),
            CategoryValues::Learned(values) => (values.clone(), Origin::Learned),
        };
        WordColumn::new(values, limit, origin)
    }

    fn of_parts() -> Self {
        let words = Part::ALL.map(|part| part.word().to_owned());
        WordColumn::new(words.to_vec(), Part::ALL.len(), Origin::Parts)
    }

    fn new(values: Vec<String>, limit: usize, origin: Origin) -> Self {
        let positions = values.iter().zip(0..);
        WordColumn {
            codes: Vec::new(),
            positions: positions.map(|(value, at)| (value.clone(), at)).collect(),
            values,
            limit,
            origin,
        }
    }

    /// Adds the next row's cell.
    pub fn push(&mut self, cell: &[u8]) -> Result<(), ColumnFault> {
        let position = self.position(cell)?;
        self.codes.push(position);
        Ok(())
    }

    /// The position of a cell's word among the values, to which it is added if they are those that
    /// are found.
    fn position(&mut self, cell: &[u8]) -> Result<u32, ColumnFault> {
        let expected = match self.origin {
            Origin::Found | Origin::Listed | Origin::Learned => Expected::Category,
            Origin::Parts => Expected::Part,
        };
        let wrong = |fault| ColumnFault::Cell(fault, expected);
        let word = cell::word(cell).map_err(wrong)?;
        if let Some(&position) = self.positions.get(word) {
            return Ok(position);
        }
        if cell::is_missing(word) {
            return Err(wrong(CellFault::Missing));
        }
        match self.origin {
            Origin::Listed | Origin::Learned => return Err(ColumnFault::UnknownValue),
            Origin::Parts => return Err(ColumnFault::UnknownPart),
            Origin::Found => {}
        }
        let position = match u32::try_from(self.values.len()) {
            Ok(position) if self.values.len() < self.limit => position,
            _ => return Err(ColumnFault::TooManyValues),
        };
        self.values.push(word.to_owned());
        self.positions.insert(word.to_owned(), position);
        Ok(position)
    }

    /// The part of each row.
    pub fn parts(&self) -> Vec<Part> {
        let codes = self.codes.iter();
        codes.map(|&code| Part::ALL[code as usize]).collect()
    }

    /// The codes and the values they count; values that were found are sorted, numerically if all are
    /// numbers, else bytewise.
    pub fn values(mut self) -> (Vec<u32>, Vec<String>) {
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
    /// What is reported together.
    pub fn cause(&self, cell: &[u8], context: &CellContext) -> Cause {
        match self {
            ColumnFault::Cell(fault, expected) => fault.cause(
                cell,
                &CellContext {
                    expected: *expected,
                    ..*context
                },
            ),
            ColumnFault::UnknownValue => Cause::UnknownValue(context.column.to_owned()),
            ColumnFault::UnknownPart => Cause::UnknownPart,
            ColumnFault::TooManyValues => Cause::TooManyValues(context.column.to_owned()),
        }
    }

    /// The fault in words, at the cell's place.
    pub fn describe(
        self,
        column: Option<&WordColumn>,
        cell: &[u8],
        context: &CellContext,
        place: Span,
    ) -> Diagnostic {
        let CellContext {
            line, column: name, ..
        } = *context;
        let at = format!("line {line}, column `{name}`");
        let found = quoted(cell.trim_ascii());
        let word = String::from_utf8_lossy(cell.trim_ascii());
        match self {
            ColumnFault::Cell(fault, expected) => {
                let context = CellContext {
                    expected,
                    ..*context
                };
                fault.describe(cell, &context, place)
            }
            ColumnFault::UnknownPart => Diagnostic::new(
                Code::BadSplit,
                place,
                format!("{at}: {found} is no part of the split"),
            )
            .label("not `train`, `validate` or `test`")
            .near(&word, place, Part::ALL.map(Part::word)),
            ColumnFault::UnknownValue => {
                let (values, learned) = match column {
                    Some(column) => (&column.values[..], column.origin == Origin::Learned),
                    None => (&[][..], false),
                };
                let what = if learned {
                    "was not seen in training"
                } else {
                    "is not one of the listed values"
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
    if wrong.len() <= LENGTH {
        near_miss(wrong, short)
    } else {
        None
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
