//! The result of reading does not depend on how the file is cut into blocks, nor on the threads.

use nnc::data::spec::DataSpec;
use nnc::data::table::{Part, Table, Values};
use nnc::data::{Limits, Purpose, Reading, read_table_by};
use nnc::diagnostics::{Sources, render_all};
use nnc::random::{Draws, Stream};

use crate::model::model;

/// All that a table holds, its numbers by columns.
#[derive(Clone, PartialEq, Debug)]
struct Content {
    header: Vec<String>,
    fingerprint: String,
    numbers: Vec<Vec<u64>>,
    categories: Vec<(Vec<u32>, Vec<Option<String>>)>,
    holes: Vec<usize>,
    lines: Vec<u64>,
    parts: Option<Vec<Part>>,
}

fn content(table: Table) -> Content {
    let places = 0..table.numbers.width();
    let numbers = places.map(|place| table.numbers.column(place));
    let numbers = numbers.map(|column| column.into_iter().map(f64::to_bits).collect());
    let numbers = numbers.collect();
    let categories = table
        .fields
        .into_iter()
        .filter_map(|field| match field.values {
            Values::Words { codes, words } => Some((codes, words)),
            Values::Numbers(_) | Values::Indicators(_) => None,
        });
    let content = Content {
        header: table.header,
        fingerprint: table.fingerprint,
        numbers,
        categories: categories.collect(),
        parts: table.parts,
        holes: table.holes,
        lines: (0..)
            .take(table.rows)
            .map(|row| table.lines.of(row))
            .collect(),
    };
    for column in &content.numbers {
        assert_eq!(column.len(), table.rows);
    }
    content
}

/// What is read, or the rendered faults.
fn read(
    csv: &[u8],
    spec: &DataSpec,
    sources: &Sources,
    reading: &Reading,
) -> Result<Content, String> {
    let mut sources = sources.clone();
    read_table_by(reading, csv, "t.csv", spec, Purpose::Train, &mut sources)
        .map(content)
        .map_err(|faults| render_all(&faults, &sources))
}

/// Reads in many ways, of which the first takes the whole file as one block.
#[track_caller]
fn same_in_all_ways(csv: &[u8], lines: &[&str], limits: Limits) -> Result<Content, String> {
    let (spec, sources) = model(lines);
    let way = |threads, block_bytes| Reading {
        limits,
        threads,
        block_bytes,
    };
    let first = read(csv, &spec, &sources, &way(1, 1 << 20));
    for threads in [1, 2, 3, 8] {
        for block_bytes in [1, 30, 64, 1000] {
            let other = read(csv, &spec, &sources, &way(threads, block_bytes));
            let shown = String::from_utf8_lossy(csv);
            assert!(
                other == first,
                "{threads} threads, blocks of {block_bytes} bytes:\n{shown}\n{first:?}\n{other:?}"
            );
        }
    }
    first
}

const LINES: [&str; 5] = [
    "input \"x*\": number",
    "input c: category",
    "input d: category u v w",
    "target y: number",
    "column part",
];

/// A row of a table with the columns of [`LINES`]; the higher `wrong`, the fewer faults.
fn row(draws: &mut Draws, wrong: u64) -> String {
    let mut pick =
        |choices: &[&str]| choices[draws.below(choices.len() as u64) as usize].to_owned();
    let mut cells = [
        pick(&["1", "-2.5", " 3e-4", "\"0.1\"", "123456789.123456789"]),
        pick(&[
            "red",
            " green ",
            "\"bl\"\"ue\"",
            "\"a,b\"",
            "\"two\nlines\"",
            "ä",
        ]),
        pick(&["u", "v", "\"w\""]),
        pick(&["free", "\"te\r\nxt\"", ""]),
        pick(&["0.5", "-0", "7"]),
        pick(&["train", "test", "validate", " train"]),
        pick(&["2", "1.25", "00.50"]),
    ];
    let end = pick(&["\n", "\n", "\r\n", "\n\n", "\r\r\n"]);
    let faulty = pick(&["?", "", "1,5", "\u{1}", "nan", "1e999", "\"\""]);
    if draws.below(wrong) == 0 {
        let cell = draws.below(cells.len() as u64) as usize;
        cells[cell] = faulty;
    }
    cells.join(",") + &end
}

#[test]
fn blocks_and_threads_change_nothing() {
    let mut draws = Stream::new(17, "test", "reading").draws(0, 0);
    let (mut tables, mut faulty) = (0, 0);
    for case in 0..60 {
        let rows = draws.below(80);
        let wrong = [3, 40, 100_000][case % 3];
        let mut csv = "x1,c,d,free,x2,part,y\n".to_owned();
        csv.extend((0..rows).map(|_| row(&mut draws, wrong)));
        if case % 7 == 0 {
            csv += "\"never closed";
        }
        match same_in_all_ways(csv.as_bytes(), &LINES, Limits::default()) {
            Ok(_) => tables += 1,
            Err(_) => faulty += 1,
        }
    }
    assert!(tables >= 10 && faulty >= 10, "{tables} {faulty}");
}

#[test]
fn limits_are_reached_at_the_same_place() {
    let table = |rows: usize| {
        let rows = (0..rows).map(|row| format!("{row},k{row}\n"));
        "a,y\n".to_owned() + &rows.collect::<String>()
    };
    let lines = ["input a: number", "target y: category"];
    let limits = Limits {
        rows: 50,
        categories: 40,
        record_bytes: 60,
        ..Limits::default()
    };
    let read = |csv: &str| same_in_all_ways(csv.as_bytes(), &lines, limits);
    assert_eq!(read(&table(40)).expect("a table").numbers[0].len(), 40);
    let faults = read(&table(41)).expect_err("a fault");
    assert!(
        faults.contains("line 42, column `y`: the category has too many"),
        "{faults}"
    );
    let same = table(40) + &"1,k1\n".repeat(11);
    let faults = read(&same).expect_err("a fault");
    assert!(faults.contains("more than 50 rows"), "{faults}");
    // The longest record allowed, with and without an end, and one byte more.
    let long = |bytes: usize| table(20) + &format!("1,{}", "k".repeat(bytes - 2));
    for end in ["\n", "", "\r\n2,k\n"] {
        read(&(long(60) + end)).expect("a table");
        let faults = read(&(long(61) + end)).expect_err("a fault");
        assert!(
            faults.contains("line 22: the record is longer than 60 bytes"),
            "{faults}"
        );
    }
}

#[test]
fn blank_lines_between_blocks_are_empty_cells_of_one_column() {
    for csv in [
        "a\n1\n\n\n2\n\n3\n\n\n",
        "a\r\n1\r\n\r\n2\r\n3\r\n\r\n",
        "a\r1\r\r2\r",
        "\n\na\n1\n2",
    ] {
        let found = same_in_all_ways(csv.as_bytes(), &["input a: number"], Limits::default());
        let missing =
            csv.trim().contains("\n\n") || csv.contains("\r\n\r\n2") || csv.contains("\r\r");
        assert_eq!(found.is_err(), missing, "{csv:?}");
    }
}
