//! What every fault of a table looks like: `tests/cases/data/NAME.csv` under the declarations given
//! here, the diagnostics in a snapshot.

use std::path::Path;

use nnc::data::spec::Role;
use nnc::data::{
    Division, Limits, Preparation, Purpose, Reading, divide, read_table, read_table_by,
};
use nnc::diagnostics::{Code, Sources, render_all};

use crate::model::model;

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/data")
}

/// Reads, divides and prepares the table, and holds the faults against the snapshot `name`.
#[track_caller]
fn check(name: &str, csv: &str, lines: &[&str]) {
    let (spec, mut sources) = model(lines);
    let bytes = std::fs::read(folder().join(csv)).expect("the case's table");
    let result = read_table(bytes.as_slice(), csv, &spec, Purpose::Train, &mut sources)
        .and_then(|table| divide(&table, &spec).map(|division| (table, division)))
        .and_then(|(table, division)| Preparation::learn(&table, &spec, &division));
    snapshot(name, lines, &result.expect_err("faults"), &sources);
}

fn snapshot(
    name: &str,
    lines: &[&str],
    faults: &[nnc::diagnostics::Diagnostic],
    sources: &Sources,
) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder());
    settings.set_prepend_module_to_snapshot(false);
    settings.set_description(lines.join("\n"));
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, render_all(faults, sources)));
}

const PEOPLE: [&str; 3] = [
    "input age: number",
    "input job: category",
    "target income: category",
];

#[test]
fn columns_that_do_not_fit_the_header() {
    check(
        "missing-columns",
        "people.csv",
        &[
            "input Age: number",
            "input hours: number",
            "input \"capital-*\": number",
            "target incme: category",
            "ignore ident",
        ],
    );
    check(
        "columns-twice",
        "people.csv",
        &[
            "input age: number",
            "input years: number from age",
            "input \"j*\": category",
            "input \"*b\": category",
            "target income: category",
            "ignore income",
        ],
    );
    check(
        "header-twice",
        "header-twice.csv",
        &[
            "input a: number",
            "input \"x*\": number",
            "target y: number",
        ],
    );
    check(
        "value-names-twice",
        "people.csv",
        &[
            "input job: number from age",
            "input \"j*\": category",
            "target income: category",
        ],
    );
    check(
        "many-columns-for-one",
        "people.csv",
        &["input a: number from \"*\"", "target income: category"],
    );
    check(
        "no-header",
        "no-header.csv",
        &["input age: number", "target y: number"],
    );
    check(
        "mostly-numbers-header",
        "no-header-words.csv",
        &["input age: number", "target y: category"],
    );
}

#[test]
fn cells_that_are_not_what_is_declared() {
    check(
        "bad-cells",
        "bad-cells.csv",
        &["input a: number", "input b: number", "target y: category"],
    );
    check(
        "unknown-category",
        "people.csv",
        &[
            "input age: number",
            "input job: category Clerk Salse",
            "target income: category",
        ],
    );
    check("not-utf8", "not-utf8.csv", &PEOPLE);
    check("not-utf8-header", "not-utf8-header.csv", &PEOPLE);
    check("utf16", "utf16.csv", &PEOPLE);
    check(
        "many-faults",
        "many-faults.csv",
        &["input a: number", "input b: number", "target y: number"],
    );
    check(
        "long-line",
        "long-line.csv",
        &["input x: vector from \"x*\"", "target y: number"],
    );
}

#[test]
fn rows_that_do_not_fit_the_header() {
    check(
        "ragged",
        "ragged.csv",
        &["input a: number", "target y: number"],
    );
    check(
        "unclosed-quote",
        "unclosed-quote.csv",
        &["input size: number", "target price: number"],
    );
    check(
        "closed-too-late",
        "closed-too-late.csv",
        &["input size: number", "target price: number"],
    );
    check(
        "blanks-between",
        "blanks-between.csv",
        &["input size: number", "target price: number"],
    );
    check("empty", "empty.csv", &PEOPLE);
    check("header-only", "header-only.csv", &PEOPLE);
}

#[test]
fn lines_that_are_no_rows_are_told_in_one_report() {
    let lines = ["input size: number", "target price: number"];
    let (spec, mut sources) = model(&lines);
    let mut said = String::new();
    for csv in [
        "# exported\nsize,price\n1,2\n2,4\n",
        "A report\n\nof May\nsize,price\n1,2\n2,4\n",
        "#size,price\n1,2\n2,4\n",
        "size,price\n1,2\n# second half\n2,4\n# end\n",
        "size,price\n1,2\nsize,price\n2,4\nsize,price\n3,6\n",
        "size,price\nm2,EUR\n1,2\n2,4\n",
        "size,price\n1,2\n2,4\nTotal,6\n",
        "size,price\nred,2\nblue,4\n",
        "size,price\nred,2\n1,4\n",
        "size,price\n\u{2212}1,2\n\u{2212}2,4\n3\u{a0}000,5\n",
    ] {
        let read = read_table(csv.as_bytes(), "t.csv", &spec, Purpose::Train, &mut sources);
        said += &render_all(&read.expect_err("faults"), &sources);
        said.push('\n');
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(folder());
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("odd-lines", said));
}

#[test]
fn files_of_other_kinds_are_told_by_their_content() {
    let (spec, mut sources) = model(&["input a: number", "target y: number"]);
    let mut said = Vec::new();
    for content in [
        &b"PAR1\x15\x04\x15\x10\x15\x14"[..],
        b"PK\x03\x04\x14\0\x06\0\x08\0[Content_Types].xml",
        b"{\"a\": 1, \"y\": 2}\n{\"a\": 3, \"y\": 4}\n",
        b"SQLite format 3\0\x10\0\x01\x01",
        b"<!DOCTYPE html>\n<html><body>Not found</body></html>\n",
        b"\x80\x04\x95\x10\0\0\0",
        b"\xFD7zXZ\0\0\x04",
        b"a\0,\0y\0\n\x001\0,\x002\0\n\0",
        b"a,y\n1,2\n\0\0\0\x01",
    ] {
        let read = read_table(content, "t.csv", &spec, Purpose::Train, &mut sources);
        let faults = read.expect_err("a fault");
        assert_eq!(faults.len(), 1);
        said.extend(faults);
    }
    snapshot("other-kinds", &[], &said, &sources);
}

#[test]
fn splits_that_cannot_be_made() {
    check(
        "split-word",
        "split-word.csv",
        &["input a: number", "target y: number", "column fold"],
    );
    check(
        "split-without-training",
        "people.csv",
        &[PEOPLE[0], PEOPLE[1], PEOPLE[2], "ordered 0.5 0.5"],
    );
    check(
        "split-without-rows",
        "people.csv",
        &[PEOPLE[0], PEOPLE[1], PEOPLE[2], "random 0.2 0.1"],
    );
    check(
        "stratify-number",
        "people.csv",
        &[PEOPLE[0], PEOPLE[1], PEOPLE[2], "random 0.5 0 by age"],
    );
    check(
        "stratify-missing",
        "people.csv",
        &[PEOPLE[0], PEOPLE[1], PEOPLE[2], "random 0.5 0 by incme"],
    );
}

#[test]
fn a_target_that_is_constant() {
    check(
        "constant",
        "constant.csv",
        &[
            "input \"x*\": number minmax",
            "input y: number",
            "target a: number zscore",
        ],
    );
}

#[test]
fn prediction_on_a_table_that_training_did_not_see() {
    let lines = [
        "input \"x*\": number",
        "input job: category",
        "target y: number",
    ];
    let (spec, mut sources) = model(&lines);
    let csv = "x1,x2,job,y\n1,2,Sales,1\n3,4,Clerk,2\n";
    let table = read_table(
        csv.as_bytes(),
        "train.csv",
        &spec,
        Purpose::Train,
        &mut sources,
    )
    .expect("a table");
    let rows = Division {
        train: vec![0, 1],
        ..Division::default()
    };
    let preparation = Preparation::learn(&table, &spec, &rows).expect("a preparation");
    let purpose = Purpose::Predict(&preparation);
    let csv = "x1,x3,Job\n1,2,Clerk\n";
    let faults =
        read_table(csv.as_bytes(), "new.csv", &spec, purpose, &mut sources).expect_err("faults");
    snapshot("predict-missing-column", &lines, &faults, &sources);
    let csv = "x1,x2,job\n1,2,Clerk\n1,?,sales\n2,3,Sales\n";
    let new = read_table(csv.as_bytes(), "new.csv", &spec, purpose, &mut sources).expect("a table");
    let unfilled = preparation.unfilled(&new);
    assert_eq!((unfilled[0].column.as_str(), unfilled[0].first), ("x2", 1));
    let unknown = preparation.unknown(&new);
    assert_eq!(unknown[0].words, [("sales".to_owned(), 1)]);
    assert_eq!(preparation.answerable(&new), [0, 2]);
}

#[test]
fn limits_end_in_a_diagnostic() {
    let (spec, mut sources) = model(&["input a: number", "target y: category"]);
    let limits = Limits {
        columns: 3,
        record_bytes: 100_000,
        rows: 3,
        cells: 1000,
        categories: 2,
    };
    let mut codes = |csv: String| {
        let reading = Reading {
            limits,
            ..Reading::by(1)
        };
        let faults = read_table_by(
            &reading,
            csv.as_bytes(),
            "t.csv",
            &spec,
            Purpose::Train,
            &mut sources,
        )
        .expect_err("faults");
        faults
            .into_iter()
            .map(|fault| (fault.code, fault.message))
            .collect::<Vec<_>>()
    };
    let too_large = |message: &str| vec![(Code::TableTooLarge, message.to_owned())];
    assert_eq!(
        codes("a,y,b,c\n1,v,1,1\n".to_owned()),
        too_large("`t.csv` has 4 columns")
    );
    assert_eq!(
        codes("a,y\n".to_owned() + &"1,v\n".repeat(4)),
        too_large("`t.csv` has more than 3 rows, the most that can be read with 2 columns")
    );
    assert_eq!(
        codes("a,y\n1,u\n1,v\n1,w\n".to_owned()),
        too_large("line 4, column `y`: the category has too many different values")
    );
    let long = "x".repeat(1_000_000);
    assert_eq!(
        codes(format!("a,y\n1,{long}\n")),
        too_large("`t.csv`, line 2: the record is longer than 100000 bytes")
    );
    let message = "line 3: a quotation mark is never closed";
    assert_eq!(
        codes(format!("a,y\n1,2\n1,\"{long}\n")),
        vec![(Code::UnclosedQuote, message.to_owned())]
    );
    assert_eq!(
        codes(long),
        too_large("`t.csv`, line 1: the record is longer than 100000 bytes")
    );
    let reading = Reading {
        limits,
        ..Reading::by(1)
    };
    let csv = "a,y\n1,u\n1,v\n1,w\n";
    let purpose = Purpose::Train;
    let faults = read_table_by(
        &reading,
        csv.as_bytes(),
        "t.csv",
        &spec,
        purpose,
        &mut sources,
    );
    let lines = ["input a: number", "target y: category"];
    snapshot("too-large", &lines, &faults.expect_err("faults"), &sources);
}

#[test]
fn places_are_those_of_the_file() {
    let (spec, mut sources) = model(&["input a: number", "target y: number"]);
    let csv = "\u{feff}note,a,y\r\n\r\n\"two\r\nlines, ä\", wrong ,1\r\n";
    let faults = read_table(csv.as_bytes(), "t.csv", &spec, Purpose::Train, &mut sources)
        .expect_err("a fault");
    let span = faults[0].labels[0].span;
    let source = sources.get(span.file);
    let at = source.first_byte + span.start as usize;
    assert_eq!(&csv[at..at + 5], "wrong");
    assert_eq!(sources.line_column(span.file, span.start as usize), (4, 12));
}

#[test]
fn a_blank_line_is_a_missing_value_where_there_is_one_column() {
    let (spec, mut sources) = model(&["input a: number"]);
    for (csv, lines) in [
        ("a\n1\n2\n\n\n", None),
        ("a\r\n1\r\n2\r\n\r\n", None),
        ("a\r1\r2\r", None),
        ("a\n\n1\n\n\n2\n", Some("lines 2, 4")),
        ("a\r\n1\r\n\r\n2\r\n\r\n3\r\n", Some("lines 3, 5")),
    ] {
        let found = read_table(csv.as_bytes(), "t.csv", &spec, Purpose::Train, &mut sources);
        let faults = found.err().unwrap_or_default();
        assert_eq!(faults.len(), usize::from(lines.is_some()), "{csv:?}");
        if let Some(lines) = lines {
            let rendered = render_all(&faults, &sources);
            assert!(rendered.contains(lines), "{csv:?}: {rendered}");
        }
    }
}

#[test]
fn every_cut_and_every_changed_byte_ends_in_a_table_or_faults() {
    let (spec, model_sources) =
        model(&["input a: number", "input c: category", "target y: number"]);
    let csv = "\u{feff}a,c,\"y\"\r\n1,\"x\"\"\n,z\",2\n3, ä ,4\n5,x,1e9\n";
    let mut read = 0;
    for cut in 0..=csv.len() {
        for byte in [
            None,
            Some(0),
            Some(b'"'),
            Some(b','),
            Some(b'\n'),
            Some(0xFF),
            Some(b'\r'),
        ] {
            let mut bytes = csv.as_bytes().to_vec();
            match byte {
                None => bytes.truncate(cut),
                Some(byte) => bytes.insert(cut, byte),
            }
            let mut sources = model_sources.clone();
            match read_table(
                bytes.as_slice(),
                "t.csv",
                &spec,
                Purpose::Train,
                &mut sources,
            ) {
                Ok(table) => {
                    read += 1;
                    assert!(table.rows > 0);
                }
                Err(faults) => {
                    assert!(!faults.is_empty());
                    assert!(render_all(&faults, &sources).contains("error[E"));
                }
            }
        }
    }
    assert!(read > 50);
}

#[test]
fn hostile_headers_and_values_stay_cheap() {
    let (spec, mut sources) = model(&[
        "input \"x*\": number",
        "input a: category u v",
        "target y: number",
    ]);
    let long = "a".repeat(2_000_000);
    let header = format!("{long},x1\n1,2\n");
    let value = format!("a,x1,y\n{long},1,2\n");
    let quotes = "a,x1,y\n\"".to_owned() + &long + &long + &long;
    let commas = ",".repeat(4_000_000);
    let columns: Vec<String> = (0..99_998).map(|at| format!("x{at}")).collect();
    let wide = columns.join(",") + ",a,y\n" + &"z,".repeat(99_999) + "1\n";
    for csv in [header, value, quotes, commas, wide] {
        let faults = read_table(csv.as_bytes(), "t.csv", &spec, Purpose::Train, &mut sources)
            .and_then(|table| divide(&table, &spec).map(|division| (table, division)))
            .and_then(|(table, division)| Preparation::learn(&table, &spec, &division))
            .expect_err("faults");
        assert!(render_all(&faults, &sources).len() < 20_000);
    }
}

#[test]
fn a_hundred_thousand_columns_are_prepared() {
    let (spec, mut sources) = model(&["input \"x*\": number", "target y: number"]);
    let columns: Vec<String> = (0..99_999).map(|at| format!("x{at}")).collect();
    let csv = columns.join(",") + ",y\n" + &"1,".repeat(99_999) + "1\n";
    let table = read_table(csv.as_bytes(), "t.csv", &spec, Purpose::Train, &mut sources)
        .unwrap_or_else(|faults| panic!("{}", render_all(&faults, &sources)));
    let rows = Division {
        train: vec![0],
        ..Division::default()
    };
    let preparation = Preparation::learn(&table, &spec, &rows).expect("a preparation");
    let matrix: Vec<f32> = preparation
        .matrix(Role::Input, &table, &[0])
        .expect("a matrix");
    assert_eq!(matrix, vec![1.0; 99_999]);
}
