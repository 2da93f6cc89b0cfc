//! The faults of one CSV: one report for each cause, with all columns that have it, their counts and first
//! places.

use std::collections::HashSet;
use std::ops::Range;

use crate::data::cell::Expected;
use crate::data::excerpt::{Excerpt, RawRecord, quoted};
use crate::data::number_hint::NumberHint;
use crate::data::odd_lines::OddLine;
use crate::diagnostics::{Diagnostic, Faults, Sources, Span};

/// After how many faults reading stops.
const COUNTED: usize = 100_000;
/// How many columns a report names, lines of a column, and texts.
const COLUMNS: usize = 8;
const LINES: usize = 5;
const EXAMPLES: usize = 4;
/// How many causes are told.
const CAUSES: usize = 20;

/// Why cells or rows are not what they should be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Cause {
    Missing(Expected),
    Encoding,
    NotANumber(NumberHint),
    NotFinite(&'static str),
    UnknownPart,
    TooManyValues(String),
    TooFewFields,
    TooManyFields,
    /// A quotation mark joins lines.
    JoinedLines,
    OddLine(OddLine),
}

pub(super) struct TableFaults<'s> {
    /// The name of the CSV.
    pub name: String,
    pub sources: &'s mut Sources,
    /// How many rows were read.
    pub rows: usize,
    /// Whether the table is read for the predictions of a run, which cannot be changed any more.
    pub learned: bool,
    /// The names of columns in which a number was read.
    pub with_numbers: HashSet<String>,
    /// Those of the file as a whole, or of its header.
    whole: Faults,
    reports: Vec<Report>,
    counted: usize,
    /// How many faults are of further causes.
    elsewhere: usize,
}

/// All faults of a cause.
struct Report {
    cause: Cause,
    /// The first one.
    fault: Diagnostic,
    places: Vec<Places>,
    /// How many are in further columns.
    elsewhere: usize,
}

/// The faults of a column; those of whole rows have none.
struct Places {
    column: Option<String>,
    count: usize,
    /// The first lines and the first different texts.
    lines: Vec<u64>,
    examples: Vec<String>,
}

/// Where a fault is, and what stands there.
pub(super) struct FaultyCell<'f> {
    pub record: &'f RawRecord,
    pub cell: usize,
    pub column: Option<&'f str>,
    pub text: &'f [u8],
}

impl<'s> TableFaults<'s> {
    pub fn new(name: &str, sources: &'s mut Sources) -> Self {
        TableFaults {
            name: name.to_owned(),
            sources,
            rows: 0,
            learned: false,
            with_numbers: HashSet::new(),
            whole: Faults::new(),
            reports: Vec::new(),
            counted: 0,
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
        self.whole.push(fault);
    }

    /// Adds a way out to the last fault of the file as a whole, or of its header.
    pub fn help_last(&mut self, help: &str) {
        if let Some(fault) = self.whole.pop() {
            self.whole.push(fault.help(help));
        }
    }

    /// Puts one fault in the place of those of the header.
    pub fn replace(&mut self, fault: Diagnostic) {
        self.whole = vec![fault];
    }

    /// Adds a fault of a row. `describe` gets the cell's place, and is called for the first of a cause.
    pub fn push_cell(
        &mut self,
        cause: Cause,
        found: &FaultyCell,
        describe: impl FnOnce(Span) -> Diagnostic,
    ) {
        self.counted += 1;
        let known = self.reports.iter().position(|it| it.cause == cause);
        let at = match known {
            Some(at) => at,
            None if self.reports.len() == CAUSES => {
                self.elsewhere += 1;
                return;
            }
            None => {
                let place = self.place(found.record, found.cell);
                self.reports.push(Report {
                    cause,
                    fault: describe(place),
                    places: Vec::new(),
                    elsewhere: 0,
                });
                self.reports.len() - 1
            }
        };
        self.reports[at].count(found);
    }

    /// Whether there are so many faults that reading on tells nothing new.
    pub fn enough(&self) -> bool {
        self.counted >= COUNTED
    }

    pub fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.reports.is_empty()
    }

    /// The faults, each cause with its counts.
    pub fn finish(self) -> Faults {
        let enough = self.enough();
        let mut faults = self.whole;
        let (rows, learned, with_numbers) = (self.rows, self.learned, &self.with_numbers);
        let reports = self.reports.into_iter();
        let reports = reports.map(|report| {
            let report = report.with_way_out(learned, with_numbers);
            report.finish(rows, enough)
        });
        faults.extend(reports);
        if self.elsewhere > 0
            && let Some(last) = faults.pop()
        {
            let more = self.elsewhere;
            faults.push(last.note(format!("and {more} more faults in `{}`", self.name)));
        }
        faults
    }
}

impl Report {
    fn count(&mut self, found: &FaultyCell) {
        let known = self
            .places
            .iter()
            .position(|it| it.column.as_deref() == found.column);
        let at = match known {
            Some(at) => at,
            None if self.places.len() == COLUMNS => {
                self.elsewhere += 1;
                return;
            }
            None => {
                self.places.push(Places {
                    column: found.column.map(str::to_owned),
                    count: 0,
                    lines: Vec::new(),
                    examples: Vec::new(),
                });
                self.places.len() - 1
            }
        };
        let places = &mut self.places[at];
        places.count += 1;
        if places.lines.len() < LINES {
            places.lines.push(found.record.line);
        }
        if places.examples.len() < EXAMPLES {
            let example = match found.text.trim_ascii() {
                b"" => "empty".to_owned(),
                text => quoted(text),
            };
            if !places.examples.contains(&example) {
                places.examples.push(example);
            }
        }
    }

    /// What can be done about words in columns of numbers, which depends on the rest of the columns.
    fn with_way_out(mut self, learned: bool, with_numbers: &HashSet<String>) -> Report {
        let mut columns = self.places.iter().filter_map(|it| it.column.as_ref());
        if self.cause != Cause::NotANumber(NumberHint::Words) || learned {
            return self;
        }
        self.fault = if columns.any(|column| with_numbers.contains(column)) {
            self.fault
                .help("a word that stands for a missing value is listed in `missing`")
        } else {
            self.fault
                .help("a column of words is declared as `category`")
        };
        self
    }

    fn finish(self, rows: usize, enough: bool) -> Diagnostic {
        let mut fault = self.fault;
        let single = self.places.iter().map(|places| places.count).sum::<usize>() == 1;
        if single && self.elsewhere == 0 {
            return fault;
        }
        let least = if enough { "at least " } else { "" };
        for (at, places) in self.places.iter().enumerate() {
            fault = fault.note(places.words(rows, least, at > 0));
        }
        match self.elsewhere {
            0 => fault,
            more => fault.note(format!("and {least}{more} cells of further columns")),
        }
    }
}

impl Places {
    /// The counts in words, with the texts unless there is one that is shown already.
    fn words(&self, rows: usize, least: &str, examples: bool) -> String {
        let count = self.count;
        let plural = if count == 1 { "" } else { "s" };
        let what = match &self.column {
            Some(column) => format!(
                "{least}{count} of {rows} cells of {}",
                quoted(column.as_bytes())
            ),
            None => format!("{least}{count} row{plural}"),
        };
        let lines: Vec<String> = self.lines.iter().map(u64::to_string).collect();
        let more = if count > lines.len() { ", …" } else { "" };
        let mut words = format!("{what}: line{plural} {}{more}", lines.join(", "));
        if self.column.is_some() && (examples || self.examples.len() > 1) {
            let more = if self.examples.len() == EXAMPLES {
                ", …"
            } else {
                ""
            };
            words += &format!(" ({}{more})", self.examples.join(", "));
        }
        words
    }
}
