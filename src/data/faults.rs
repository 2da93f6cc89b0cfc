//! The faults of one CSV: all are counted, the first are shown.

use std::ops::Range;

use crate::data::excerpt::{Excerpt, RawRecord};
use crate::diagnostics::{Code, Diagnostic, Faults, Sources, Span};

/// How many faults of the rows are shown.
const SHOWN: usize = 20;
/// After how many faults reading stops.
const COUNTED: usize = 10_000;
/// In how many columns the faults that are not shown are counted one by one.
const COLUMNS: usize = 8;

pub(super) struct TableFaults<'s> {
    /// The name of the CSV.
    pub name: String,
    pub sources: &'s mut Sources,
    shown: Faults,
    /// How many faults are not shown, by column for the first columns that have such; those of whole
    /// rows under `None`.
    more: Vec<(Option<String>, usize)>,
    /// How many faults are not shown in further columns.
    elsewhere: usize,
}

impl<'s> TableFaults<'s> {
    pub fn new(name: &str, sources: &'s mut Sources) -> Self {
        TableFaults {
            name: name.to_owned(),
            sources,
            shown: Faults::new(),
            more: Vec::new(),
            elsewhere: 0,
        }
    }

    /// The place of a cell of the CSV; the end of the line for a cell that the record does not have.
    pub fn place(&mut self, record: &RawRecord, cell: usize) -> Span {
        self.add(record.excerpt(cell))
    }

    /// The place of a range of a record.
    pub fn place_in(&mut self, record: &RawRecord, range: Range<usize>) -> Span {
        self.add(record.excerpt_of(range))
    }

    fn add(&mut self, excerpt: Excerpt) -> Span {
        let whole = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let file = self.sources.add_excerpt(
            self.name.clone(),
            excerpt.text,
            whole(excerpt.line),
            whole(excerpt.byte),
        );
        Span::new(file, excerpt.range)
    }

    /// Adds a fault of the file as a whole, or of its header.
    pub fn push(&mut self, fault: Diagnostic) {
        self.shown.push(fault);
    }

    /// Adds a fault of a row. `describe` gets the cell's place, and is not called when enough faults
    /// are shown already.
    pub fn push_cell(
        &mut self,
        record: &RawRecord,
        cell: usize,
        column: Option<&str>,
        describe: impl FnOnce(Span) -> Diagnostic,
    ) {
        if self.shown.len() < SHOWN {
            let place = self.place(record, cell);
            self.shown.push(describe(place));
            return;
        }
        let room = self.more.len() < COLUMNS;
        match self.more.iter_mut().find(|(of, _)| of.as_deref() == column) {
            Some((_, count)) => *count += 1,
            None if room => self.more.push((column.map(str::to_owned), 1)),
            None => self.elsewhere += 1,
        }
    }

    fn hidden(&self) -> usize {
        self.elsewhere + self.more.iter().map(|(_, count)| count).sum::<usize>()
    }

    /// Whether there are so many faults that reading on tells nothing new.
    pub fn enough(&self) -> bool {
        self.shown.len() + self.hidden() >= COUNTED
    }

    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// The faults, the last of them with a note of how many are not shown.
    pub fn finish(mut self) -> Faults {
        let hidden = self.hidden();
        if hidden == 0 {
            return self.shown;
        }
        let least = if self.enough() { "at least " } else { "" };
        let plural = if hidden == 1 { "" } else { "s" };
        let mut columns: Vec<String> = self
            .more
            .iter()
            .map(|(column, count)| match column {
                Some(column) => format!("{count} in column `{column}`"),
                None => format!("{count} in the length of a row"),
            })
            .collect();
        if self.elsewhere > 0 {
            columns.push(format!("{} in other columns", self.elsewhere));
        }
        let note = format!(
            "and {least}{hidden} more fault{plural} in `{}`: {}",
            self.name,
            columns.join(", ")
        );
        match self.shown.pop() {
            Some(last) => self.shown.push(last.note(note)),
            None => self
                .shown
                .push(Diagnostic::without_place(Code::BadCell, note)),
        }
        self.shown
    }
}
