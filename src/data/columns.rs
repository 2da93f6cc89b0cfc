//! The columns of a table while it is read.

use std::collections::HashMap;

use crate::data::bind::{BoundKind, ColumnBindings};
use crate::data::cell::{self, CellContext, CellFault, Expected};
use crate::data::cells::{Begins, ParsedRows, Selection};
use crate::data::excerpt::quoted;
use crate::data::faults::Cause;
use crate::data::format::NumberFormat;
use crate::data::header::Header;
use crate::data::lines::Lines;
use crate::data::missing::Markers;
use crate::data::numbers::Numbers;
use crate::data::read::Limits;
use crate::data::table::Part;
use crate::diagnostics::{Code, Diagnostic, Span, near_miss};

/// The columns that are read, and what was read of them.
pub(super) struct RawColumns {
    selection: Selection,
    /// All columns that are read, in the file's order.
    pub kinds: Vec<(usize, ColumnSlot)>,
    pub numbers: Numbers,
    /// How many numbers are missing in each column of numbers.
    pub holes: Vec<usize>,
    /// The columns of words, in the selection's order.
    pub words: Vec<WordColumn>,
    pub lines: Lines,
}

/// What a column holds, with its place among those that hold the same.
#[derive(Clone, Copy)]
pub(super) enum ColumnSlot {
    Number(usize),
    Word(usize),
}

/// A column of words: of a category, or of the parts of the split.
pub(super) struct WordColumn {
    /// For each row the position of its word among the words.
    pub codes: Vec<u32>,
    /// The different words in the order of appearance; `None` stands for a missing one.
    words: Vec<Option<String>>,
    positions: HashMap<String, u32>,
    /// The position of the missing one.
    missing: Option<u32>,
    markers: Markers,
    /// How many different words there may be.
    limit: usize,
    /// Whether they are the words of [`Part`], in the order of [`Part::ALL`].
    parts: bool,
}

/// What is wrong with a cell of a column.
pub(super) enum ColumnFault {
    Cell(CellFault, Expected),
    UnknownPart,
    TooManyValues,
}

impl RawColumns {
    /// The columns of a binding, from a table with that header.
    pub fn open(
        binding: &ColumnBindings,
        header: &Header,
        format: NumberFormat,
        limits: &Limits,
    ) -> Self {
        let mut selection = Selection {
            cells: header.names.len(),
            empty: header.empty,
            format,
            numbers: Vec::new(),
            markers: Vec::new(),
            words: Vec::new(),
        };
        let mut words = Vec::new();
        for field in &binding.fields {
            let markers = field.columns.iter().map(|_| field.markers.clone());
            match &field.kind {
                BoundKind::Numbers | BoundKind::Indicators => {
                    selection.markers.extend(markers);
                    selection.numbers.extend(&field.columns);
                }
                BoundKind::Words => {
                    selection.words.extend(&field.columns);
                    words.extend(markers.map(|markers| WordColumn::new(markers, limits)));
                }
            }
        }
        if let Some(at) = binding.parts {
            selection.words.push(at);
            words.push(WordColumn::of_parts(limits));
        }
        if let Some(at) = binding.strata.filter(|at| !selection.words.contains(at)) {
            selection.words.push(at);
            words.push(WordColumn::new(Markers::of_words(), limits));
        }
        let numbers = selection.numbers.iter().enumerate();
        let numbers = numbers.map(|(place, &at)| (at, ColumnSlot::Number(place)));
        let kinds = selection.words.iter().enumerate();
        let kinds = kinds.map(|(place, &at)| (at, ColumnSlot::Word(place)));
        let mut kinds: Vec<(usize, ColumnSlot)> = kinds.chain(numbers).collect();
        kinds.sort_by_key(|(at, _)| *at);
        RawColumns {
            kinds,
            numbers: Numbers::new(selection.numbers.len()),
            holes: vec![0; selection.numbers.len()],
            words,
            lines: Lines::default(),
            selection,
        }
    }

    /// Which columns they are.
    pub fn selection(&self) -> &Selection {
        &self.selection
    }

    /// Adds the rows of a block that begins in line `line`, all or, if a word is not one that its column
    /// may hold, none: then it is `false`.
    pub fn add(&mut self, rows: ParsedRows, line: u64) -> bool {
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
        self.count_holes(&rows.holes);
        match rows.begins {
            Begins::InTurn(before) => self.lines.push_rows(rows.count, line + before),
            Begins::Each(before) => before
                .iter()
                .for_each(|before| self.lines.push(line + before)),
        }
        self.numbers.push(rows.count, rows.numbers);
        true
    }

    /// Adds missing numbers, counted by column.
    pub fn count_holes(&mut self, holes: &[usize]) {
        for (count, more) in self.holes.iter_mut().zip(holes) {
            *count += more;
        }
    }
}

impl WordColumn {
    fn new(markers: Markers, limits: &Limits) -> Self {
        WordColumn {
            codes: Vec::new(),
            words: Vec::new(),
            positions: HashMap::new(),
            missing: None,
            markers,
            limit: limits.categories,
            parts: false,
        }
    }

    fn of_parts(limits: &Limits) -> Self {
        let words = Part::ALL.map(|part| part.word().to_owned());
        let positions = words.iter().cloned().zip(0..).collect();
        WordColumn {
            words: words.into_iter().map(Some).collect(),
            positions,
            parts: true,
            ..WordColumn::new(Markers::of_words(), limits)
        }
    }

    /// Adds the next row's cell.
    pub fn push(&mut self, cell: &[u8]) -> Result<(), ColumnFault> {
        let position = self.position(cell)?;
        self.codes.push(position);
        Ok(())
    }

    /// The position of a cell's word, which is added if it is new.
    fn position(&mut self, cell: &[u8]) -> Result<u32, ColumnFault> {
        let expected = if self.parts {
            Expected::Part
        } else {
            Expected::Category
        };
        let wrong = |fault| ColumnFault::Cell(fault, expected);
        let word = cell::word(cell).map_err(wrong)?;
        if let Some(&position) = self.positions.get(word) {
            return Ok(position);
        }
        let missing = self.markers.is_missing(word);
        if self.parts {
            return Err(if missing {
                wrong(CellFault::Missing)
            } else {
                ColumnFault::UnknownPart
            });
        }
        if let Some(position) = self.missing.filter(|_| missing) {
            return Ok(position);
        }
        let position = match u32::try_from(self.words.len()) {
            Ok(position) if self.words.len() < self.limit => position,
            Ok(_) | Err(_) => return Err(ColumnFault::TooManyValues),
        };
        if missing {
            self.missing = Some(position);
            self.words.push(None);
        } else {
            self.words.push(Some(word.to_owned()));
            self.positions.insert(word.to_owned(), position);
        }
        Ok(position)
    }

    /// The part of each row.
    pub fn into_parts(self) -> Vec<Part> {
        let codes = self.codes.iter();
        codes.map(|&code| Part::ALL[code as usize]).collect()
    }

    /// The codes and the words that they count.
    pub fn into_words(self) -> (Vec<u32>, Vec<Option<String>>) {
        (self.codes, self.words)
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
            ColumnFault::UnknownPart => Cause::UnknownPart,
            ColumnFault::TooManyValues => Cause::TooManyValues(context.column.to_owned()),
        }
    }

    /// The fault in words, at the cell's place.
    pub fn describe(self, cell: &[u8], context: &CellContext, place: Span) -> Diagnostic {
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
pub fn listed(names: &[String]) -> String {
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
