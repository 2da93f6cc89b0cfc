//! Reading a CSV: header, binding, rows.

use std::io::Read;
use std::ops::ControlFlow;

use memchr::memchr_iter;

use crate::data::bind::{BoundKind, ColumnBindings, bind, bind_learned};
use crate::data::blocks::Blocks;
use crate::data::category::codes_by_value;
use crate::data::cells::parse;
use crate::data::columns::RawColumns;
use crate::data::dialect::Dialect;
use crate::data::faults::TableFaults;
use crate::data::format::TableFormat;
use crate::data::header::Header;
use crate::data::holes::{fill_forward, kept_rows};
use crate::data::open::{Opened, open, push_error};
use crate::data::ordered::ordered_parallel_map;
use crate::data::prepare::Preparation;
use crate::data::rows::RowReader;
use crate::data::scan::RecordBlock;
use crate::data::sniff::RowShape;
use crate::data::spec::DataSpec;
use crate::data::suspicious::{Suspicious, counters};
use crate::data::table::{Table, TableField, Values};
use crate::data::title::misplaced_header;
use crate::diagnostics::{Code, Diagnostic, Faults, Sources};

/// What a table is read for.
#[derive(Clone, Copy, Debug)]
pub enum Purpose<'p> {
    /// All columns that the model names are read.
    Train,
    /// The inputs alone are read, as the preparation of the training run knows them: the same columns
    /// in the same order.
    Predict(&'p Preparation),
}

/// How large a table may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    pub columns: usize,
    /// The bytes of one record, and so of one field.
    pub record_bytes: usize,
    pub rows: usize,
    /// Rows times columns that are read.
    pub cells: usize,
    /// The different values of one category.
    pub categories: usize,
}

impl Default for Limits {
    /// Rows are counted by `u32`, and every category index is exact in an f32.
    fn default() -> Self {
        Limits {
            columns: 100_000,
            record_bytes: 4 << 20,
            rows: u32::MAX as usize,
            cells: 1 << 34,
            categories: 1 << 20,
        }
    }
}

/// How a table is read. The result depends on the limits alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reading {
    pub limits: Limits,
    pub threads: usize,
    /// How many bytes of the file are read together, and by one thread.
    pub block_bytes: usize,
}

impl Reading {
    /// Reading within the default [`Limits`].
    pub fn by(threads: usize) -> Self {
        Reading {
            limits: Limits::default(),
            threads,
            block_bytes: 1 << 19,
        }
    }
}

/// Reads the columns of a CSV that a model names.
///
/// `name` is the file's name in diagnostics. The first line is the header; its delimiter is a comma, a
/// semicolon, a tab or a pipe, whichever divides the head of the file best, or what a line `sep=;` before
/// the header says. Byte order marks are accepted, spaces around a cell and its quotes are not part of it,
/// and blank lines are skipped. All faults are found in one run: if a
/// declaration does not fit the header, those of the header; else those of the rows, of which the first
/// twenty are given and the others counted. Excerpts of the file that faults point to are added to
/// `sources`.
pub fn read_table(
    reader: impl Read,
    name: &str,
    spec: &DataSpec,
    purpose: Purpose,
    sources: &mut Sources,
) -> Result<Table, Faults> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    read_table_by(&Reading::by(threads), reader, name, spec, purpose, sources)
}

fn no_row(name: &str, header: &Header, faults: &mut TableFaults) -> Diagnostic {
    let message = format!("`{name}` has a header and no row");
    match &header.record {
        Some(record) => {
            let place = faults.place(record, header.names.len());
            Diagnostic::new(Code::EmptyTable, place, message).label("nothing follows")
        }
        None => Diagnostic::without_place(Code::EmptyTable, message),
    }
}

/// Reads a table as [`read_table`] does, in a way of the caller's own.
pub fn read_table_by(
    reading: &Reading,
    reader: impl Read,
    name: &str,
    spec: &DataSpec,
    purpose: Purpose,
    sources: &mut Sources,
) -> Result<Table, Faults> {
    let mut faults = TableFaults::new(name, sources);
    let limits = &reading.limits;
    let bytes = reading.block_bytes;
    let Some(opened) = open(reader, bytes, limits, &spec.format, &mut faults) else {
        return Err(faults.finish());
    };
    let Opened {
        mut blocks,
        packing,
    } = opened;
    let Some(beginning) = Beginning::read(&mut blocks, limits, &spec.format, &mut faults) else {
        return Err(faults.finish());
    };
    let header = beginning.header;
    let binding = match purpose {
        Purpose::Train => bind(&header, spec, &mut faults),
        Purpose::Predict(preparation) => bind_learned(&header, spec, preparation, &mut faults),
    };
    if !faults.is_empty() {
        let learned = matches!(purpose, Purpose::Predict(_));
        let (head, layout) = (blocks.head(), &blocks.layout);
        let fault = misplaced_header(head, layout, &header, spec, learned, &mut faults);
        fault.into_iter().for_each(|fault| faults.replace(fault));
        return Err(faults.finish());
    }
    let columns = RawColumns::open(&binding, &header, spec.format.numbers, limits);
    let read = columns.kinds.len().max(1);
    let numbers_seen = vec![false; columns.numbers.width()];
    let mut reader = RowReader {
        header: &header,
        most_rows: limits.rows.min(limits.cells / read),
        rows: 0,
        learned: matches!(purpose, Purpose::Predict(_)),
        suspicious: Suspicious::new(columns.numbers.width()),
        columns,
        numbers_seen,
        faults: &mut faults,
    };
    let blanks_before_quotes = read_rows(reading, &mut blocks, beginning.rows, &mut reader);
    reader.conclude();
    let RowReader {
        rows,
        columns,
        suspicious,
        ..
    } = reader;
    if rows == 0 && faults.is_empty() {
        let fault = no_row(name, &header, &mut faults);
        faults.push(fault);
    }
    if !faults.is_empty() {
        return Err(faults.finish());
    }
    let advice = suspicious.warnings(columns.selection(), &header, &mut faults);
    let file = Table {
        advice,
        name: name.to_owned(),
        rows,
        dialect: Dialect {
            packing,
            delimiter: char::from(blocks.layout.delimiter),
            header_line: header.record.as_ref().map(|record| record.line),
            row_names: blocks.layout.rows == RowShape::Named,
            trailing_delimiters: header.hidden.is_some() && blocks.layout.rows != RowShape::Named,
            blanks_before_quotes,
        },
        fingerprint: blocks.fingerprint(),
        header_record: header.record.clone(),
        ..Table::default()
    };
    let mut table = assemble(file, header, binding, columns);
    let counters = counters(&table, spec);
    table.advice.extend(counters);
    if let Purpose::Train = purpose {
        table.kept = kept_rows(&table, spec);
    }
    fill_forward(&mut table, spec);
    Ok(table)
}

/// What a table begins with.
struct Beginning {
    header: Header,
    rows: FirstRows,
}

/// The first block that has rows, unless there are none.
struct FirstRows {
    block: RecordBlock,
    /// The number of the record that is the first row.
    from: usize,
    /// The line that the block begins in.
    line: u64,
}

impl Beginning {
    /// Reads to the block with the header, or with the first row if there is no header. `None` leaves a
    /// fault.
    fn read<R: Read>(
        blocks: &mut Blocks<R>,
        limits: &Limits,
        format: &TableFormat,
        faults: &mut TableFaults,
    ) -> Option<Beginning> {
        let mut block = RecordBlock::default();
        let mut line = 1;
        let number = loop {
            match blocks.read(&mut block) {
                Ok(true) => {}
                Ok(false) => {
                    let message = format!("`{}` is empty", faults.name);
                    let fault = Diagnostic::without_place(Code::EmptyTable, message);
                    faults.push(if format.skip > 0 || format.comment.is_some() {
                        fault.help("all of its lines are skipped, as `skip` and `comment` say")
                    } else {
                        fault.help("a table begins with a line that names its columns")
                    });
                    return None;
                }
                Err(error) => {
                    push_error(&error, line, limits, faults);
                    return None;
                }
            }
            let first = (0..block.records()).find(|&number| !block.is_skipped(number));
            match first {
                Some(number) => break number,
                None => line += memchr_iter(b'\n', block.whole()).count() as u64,
            }
        };
        let layout = blocks.layout;
        let header = Header::read(&block, number, line, &layout, limits, format, faults)?;
        let from = number + usize::from(format.header.is_line());
        Some(Beginning {
            header,
            rows: FirstRows { block, from, line },
        })
    }
}

/// Reads the rows: those of blocks in which nothing is wrong on all threads, the others with care. Gives
/// whether blanks stand before a quote.
fn read_rows<R: Read>(
    reading: &Reading,
    blocks: &mut Blocks<R>,
    first: FirstRows,
    reader: &mut RowReader,
) -> bool {
    /// One thread finds where the cells end about as fast as so many read them.
    const MOST_THREADS: usize = 8;
    /// A block, and the number of the first record in it that is a row.
    type Job = (RecordBlock, usize);
    let selection = reader.columns.selection().clone();
    let mut line = first.line;
    let mut first = Some((first.block, first.from));
    let mut failure = None;
    let mut stopped = false;
    let mut spaced_quotes = false;
    ordered_parallel_map(
        reading.threads.min(MOST_THREADS),
        |(mut block, _): Job| {
            if let Some(first) = first.take() {
                return Some(first);
            }
            match blocks.read(&mut block) {
                Ok(true) => Some((block, 0)),
                Ok(false) => None,
                Err(error) => {
                    failure = Some(error);
                    None
                }
            }
        },
        |(block, rows_from)| parse(block, *rows_from, &selection),
        |(block, rows_from), parsed| {
            let begins_in = line;
            line += parsed.lines;
            spaced_quotes |= parsed.spaced_quotes;
            if let Some(rows) = parsed.rows
                && reader.add(rows, block, begins_in)
            {
                return ControlFlow::Continue(());
            }
            let read = reader.read_with_care(block, *rows_from, begins_in);
            stopped = read.is_break();
            read
        },
    );
    if let Some(error) = failure.filter(|_| !stopped) {
        push_error(&error, line, &reading.limits, reader.faults);
    }
    spaced_quotes
}

/// The table of a file, of whose header and columns `file` knows nothing yet.
fn assemble(file: Table, header: Header, binding: ColumnBindings, columns: RawColumns) -> Table {
    let mut fields = Vec::with_capacity(binding.fields.len());
    let mut place = 0;
    let mut strata = None;
    let mut words = columns.words.into_iter();
    let mut next_words = || words.next().expect("every bound column is read");
    for field in binding.fields {
        let names = field.columns.iter().map(|&at| header.names[at].clone());
        let names: Vec<String> = names.collect();
        let values = match field.kind {
            BoundKind::Numbers | BoundKind::Indicators => {
                let first = place;
                place += names.len();
                if let BoundKind::Numbers = field.kind {
                    Values::Numbers(first..place)
                } else {
                    Values::Indicators(first..place)
                }
            }
            BoundKind::Words => {
                let (codes, words) = next_words().into_words();
                if strata.is_none() && binding.strata == field.columns.first().copied() {
                    strata = Some(codes_by_value(&codes, &words));
                }
                Values::Words { codes, words }
            }
        };
        fields.push(TableField {
            role: field.role,
            name: field.name,
            declared: field.declared,
            columns: names,
            values,
        });
    }
    let parts = binding.parts.map(|_| next_words().into_parts());
    if strata.is_none() && binding.strata.is_some() {
        let (codes, words) = next_words().into_words();
        strata = Some(codes_by_value(&codes, &words));
    }
    Table {
        header: header.names,
        fields,
        parts,
        strata,
        numbers: columns.numbers,
        holes: columns.holes,
        lines: columns.lines,
        ..file
    }
}
