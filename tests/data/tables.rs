use nnc::data::prepare::PreparedKind;
use nnc::data::spec::{DataSpec, FieldKind, Role, SplitRows};
use nnc::data::table::{Part, Table, Values};
use nnc::data::{
    Division, Preparation, Purpose, divide, read_table, schema, schema_from_spec, schema_of_table,
};
use nnc::diagnostics::{Code, Sources, render_all};

use crate::model::model;

fn read(csv: impl AsRef<[u8]>, spec: &DataSpec, sources: &mut Sources) -> Table {
    read_table(csv.as_ref(), "table.csv", spec, Purpose::Train, sources)
        .unwrap_or_else(|faults| panic!("{}", render_all(&faults, sources)))
}

fn numbers(table: &Table, name: &str) -> Vec<Vec<f64>> {
    let field = table.fields.iter().find(|field| field.name == name);
    match &field.expect("a field").values {
        Values::Numbers(places) => {
            let columns = places.clone().map(|place| table.numbers.column(place));
            columns.collect()
        }
        Values::Indicators(_) | Values::Words { .. } => panic!("{name} is no number"),
    }
}

/// The codes of a column of words, and the words: nothing for a missing one.
fn category(table: &Table, name: &str) -> (Vec<u32>, Vec<String>) {
    let field = table.fields.iter().find(|field| field.name == name);
    match &field.expect("a field").values {
        Values::Words { codes, words } => {
            let words = words.iter().map(|word| word.clone().unwrap_or_default());
            (codes.clone(), words.collect())
        }
        Values::Numbers(_) | Values::Indicators(_) => panic!("{name} is a number"),
    }
}

#[test]
fn numbers_and_categories_are_read() {
    let (spec, mut sources) = model(&["input a: number", "target y: category", "ignore id"]);
    let csv = "id,a,y,free text\n1, 0.5 ,b,x\n2,-1e3, a,?\n3,7,b,\n";
    let table = read(csv, &spec, &mut sources);
    assert_eq!(table.rows, 3);
    assert_eq!(table.header, ["id", "a", "y", "free text"]);
    assert_eq!(table.dialect.delimiter, ',');
    assert_eq!(numbers(&table, "a"), [[0.5, -1000.0, 7.0]]);
    assert_eq!(
        category(&table, "y"),
        (vec![0, 1, 0], vec!["b".to_owned(), "a".to_owned()])
    );
    // xxh128sum of the same bytes.
    assert_eq!(table.fingerprint, "535e23e37c7ef57468f29fee64f666ec");
}

#[test]
fn delimiters_line_ends_quotes_and_byte_order_marks_are_accepted() {
    let (spec, mut sources) = model(&["input a_b: number", "target y: number"]);
    for (csv, delimiter) in [
        ("a_b,y\n1,2\n3,4\n", ','),
        ("a_b,y\n1,2\n3,4", ','),
        ("a_b;y\r\n1;2\r\n3;4\r\n", ';'),
        ("a_b\ty\n1\t2\n3\t4\n", '\t'),
        ("\u{feff}a_b,y\n1,2\n3,4\n", ','),
        ("\u{feff}\"a_b\",\"y\"\n\"1\",2\n\n3, 4\n\n", ','),
        ("\"a_b\";\"x,\";y\n1;,;2\n3;\"a\"\"b;\n\";4\n", ';'),
        ("a_b,y\r1,2\r3,4\r", ','),
    ] {
        let table = read(csv, &spec, &mut sources);
        assert_eq!(table.dialect.delimiter, delimiter, "{csv}");
        assert_eq!(numbers(&table, "a_b"), [[1.0, 3.0]], "{csv}");
        assert_eq!(numbers(&table, "y"), [[2.0, 4.0]], "{csv}");
    }
}

#[test]
fn unusual_spellings_are_read_and_named() {
    let (spec, mut sources) = model(&["input \"a*\": number", "target y: category"]);
    for (csv, dialect) in [
        (
            "a,y\n1,u\n3,v w\n",
            "delimiter: comma · UTF-8 · header: line 1",
        ),
        (
            "a|y\n1|u\n3|v w\n",
            "delimiter: pipe · UTF-8 · header: line 1",
        ),
        (
            "sep=;\r\n\r\na;y\r\n1;u\r\n3;v w\r\n",
            "delimiter: semicolon · UTF-8 · header: line 3",
        ),
        (
            "sep=^\na^y\n1^u\n3^v w\n",
            "delimiter: `^` · UTF-8 · header: line 2",
        ),
        (
            "a, \"y\"\n1, \"u\"\n 3 ,\"v w\"  \n",
            "delimiter: comma · UTF-8 · header: line 1 · blanks before quotes are left out",
        ),
        (
            "a,y,\n1,u,\n3,v w,\n",
            "delimiter: comma · UTF-8 · header: line 1 · lines end in a delimiter",
        ),
        (
            "a\ty\n1\tu\t\n3\tv w\t\n",
            "delimiter: tab · UTF-8 · header: line 1 · lines end in a delimiter",
        ),
        (
            "\"a\",\"y\"\n\"1\",1,\"u\"\n\"2\",3,\"v w\"\n",
            "delimiter: comma · UTF-8 · header: line 1 · the first field of a row is its name",
        ),
        // Two files with a byte order mark, put together.
        (
            "\u{feff}a,y\n1,u\n\u{feff}3,v w\n",
            "delimiter: comma · UTF-8 · header: line 1",
        ),
        (
            "\u{feff}\u{feff}\"a\",y\n1,u\n\u{feff}\"3\",v w\n",
            "delimiter: comma · UTF-8 · header: line 1",
        ),
    ] {
        let table = read(csv, &spec, &mut sources);
        assert_eq!(table.dialect.to_string(), dialect, "{csv:?}");
        assert_eq!(numbers(&table, "a"), [[1.0, 3.0]], "{csv:?}");
        assert_eq!(category(&table, "y").1, ["u", "v w"], "{csv:?}");
    }
}

/// Reads a table by a model's text.
fn read_by(model: &str, csv: &str) -> (Result<Table, String>, Sources) {
    let mut sources = Sources::new();
    let file = sources.add("m.nn", model);
    let declared = nnc::declare(&nnc::ModelSource::new(&sources, file));
    let spec = declared.unwrap_or_else(|faults| panic!("{}", render_all(&faults, &sources)));
    let read = read_table(
        csv.as_bytes(),
        "t.csv",
        &spec.data,
        Purpose::Train,
        &mut sources,
    );
    let read = read.map_err(|faults| render_all(&faults, &sources));
    (read, sources)
}

const NET: &str = "net { Linear(1) }\ntrain { loss = MSE; epochs = 1 }";

#[test]
fn the_model_says_how_a_table_is_written() {
    for (settings, csv, dialect) in [
        (
            "header = [a, \"y\"]",
            "1,2\n3,4\n",
            "delimiter: comma · UTF-8 · header: none",
        ),
        ("header = none; input c1: number", "1,2,\n3,4,\n", ""),
        (
            "comment = \"#\"",
            "# \"x\na,y\n1,2\n  # z\n3,4\n#\n",
            "delimiter: comma · UTF-8 · header: line 2",
        ),
        (
            "skip = 2",
            "Report;x\n\na,y\n1,2\n3,4\n",
            "delimiter: comma · UTF-8 · header: line 3",
        ),
        (
            "decimal = \",\"; thousands = \".\"",
            "a;y\n1,0;2\n3;4,00\n",
            "delimiter: semicolon · UTF-8 · header: line 1",
        ),
        (
            "header = [a, y]; skip = 1; comment = \"//\"",
            "A B\n// \n1 |2\n3|4\n",
            "delimiter: pipe · UTF-8 · header: none",
        ),
    ] {
        let (a, y) = if settings.contains("none") {
            ("", "c2")
        } else {
            ("input a: number;", "y")
        };
        let model = format!("data {{ {settings}; {a} target {y}: number }}\n{NET}");
        let table = read_by(&model, csv)
            .0
            .unwrap_or_else(|faults| panic!("{faults}"));
        if !dialect.is_empty() {
            assert_eq!(table.dialect.to_string(), dialect, "{csv:?}");
        }
        assert_eq!(
            numbers(&table, &table.fields[0].name),
            [[1.0, 3.0]],
            "{csv:?}"
        );
        assert_eq!(numbers(&table, y), [[2.0, 4.0]], "{csv:?}");
    }
    let model = "data { decimal = \",\"; thousands = \".\"; input a: number; target y: number }";
    let csv = "a;y\n-1.234.567,5;-2\n998;1,5e1\n";
    let table = read_by(&format!("{model}\n{NET}"), csv).0;
    let table = table.unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(numbers(&table, "a"), [[-1_234_567.5, 998.0]]);
    assert_eq!(numbers(&table, "y"), [[-2.0, 15.0]]);
}

#[test]
fn settings_that_do_not_fit_a_table_are_faults() {
    let mut faults = String::new();
    for (settings, csv) in [
        ("header = [a, b, y]", "1,2\n3,4\n"),
        ("header = [a, y]", "1,2,3\n3,4,5\n"),
        ("skip = 9", "a,y\n1,2\n"),
        ("decimal = \",\"", "a;y\n1,5;2.5\n3;1\n"),
        ("thousands = \",\"", "a;y\n1,234;2\n1,23;4\n"),
    ] {
        let model = format!("data {{ {settings}; input a: number; target y: number }}\n{NET}");
        faults += &read_by(&model, csv).0.expect_err("faults");
        faults.push('\n');
    }
    insta::with_settings!({
        snapshot_path => "../cases/data",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { insta::assert_snapshot!("settings-that-do-not-fit", faults) });
}

#[test]
fn a_glob_takes_neither_the_names_of_rows_nor_what_is_behind_the_last_delimiter() {
    let (spec, mut sources) = model(&["input \"*\": number", "target y: number"]);
    for csv in [
        "a,b,y\nr1,1,2,3\nr2,4,5,6\n",
        "a,b,y,\n1,2,3,\n4,5,6,\n",
        "a,b,y\n1,2,3,\n4,5,6,\n",
        "a,b,y,\n1,2,3\n4,5,6\n",
    ] {
        let table = read(csv, &spec, &mut sources);
        let names: Vec<&str> = table.fields.iter().map(|field| &*field.name).collect();
        assert_eq!(names, ["a", "b", "y"], "{csv:?}");
        assert_eq!(numbers(&table, "b"), [[2.0, 5.0]], "{csv:?}");
    }
    let csv = "a,b,y\n1,2,3,\n4,5,6,\n7,8,9,x\n";
    let faults = read_table(csv.as_bytes(), "t.csv", &spec, Purpose::Train, &mut sources);
    let faults = faults.expect_err("a field too many");
    assert_eq!(
        faults[0].message,
        "line 4: 4 fields, where the header has 3"
    );
    let csv = "a,b,y\nr1,1,2,3\nr2,4,5,6\n7,8,9\n";
    let faults = read_table(csv.as_bytes(), "t.csv", &spec, Purpose::Train, &mut sources);
    assert!(faults.is_err(), "not all rows have names");
}

#[test]
fn category_values_sort_numerically_or_bytewise_and_listed_ones_keep_their_order() {
    let (spec, mut sources) = model(&[
        "input n: category",
        "input t: category",
        "target y: category low NA high",
    ]);
    let csv = "n,t,y\n10,10,high\n9,x,NA\n-1,Ab,low\n9.0,ab,low\n9,x,low\n";
    let table = read(csv, &spec, &mut sources);
    let division = divide(&table, &spec).expect("a division");
    let preparation = Preparation::learn(&table, &spec, &division).expect("a preparation");
    let values = preparation.fields.iter().map(|field| match &field.kind {
        PreparedKind::Category(category) => category.values.clone(),
        other => panic!("{other:?}"),
    });
    let values: Vec<Vec<String>> = values.collect();
    // 9 and 9.0 are one number.
    assert_eq!(values[0], ["-1", "9", "10"]);
    assert_eq!(values[1], ["10", "Ab", "ab", "x"]);
    assert_eq!(values[2], ["low", "NA", "high"]);
    let inputs: Vec<f64> = preparation
        .matrix(Role::Input, &table, &division.train)
        .expect("a matrix");
    assert_eq!(inputs, [2.0, 0.0, 1.0, 3.0, 0.0, 1.0, 1.0, 2.0, 1.0, 3.0]);
    let targets: Vec<f64> = preparation
        .matrix(Role::Target, &table, &division.train)
        .expect("a matrix");
    assert_eq!(targets, [2.0, 1.0, 0.0, 0.0, 0.0]);
}

#[test]
fn globs_take_what_no_other_declaration_names_in_the_files_order() {
    let (spec, mut sources) = model(&[
        "input \"x*\": number",
        "input p: vector from \"p?\"",
        "input x1: number",
        "target xt: number",
        "ignore \"x_*\"",
        "column xs",
    ]);
    let csv = "x3,p2,x1,xt,x_a,p1,x2,xs,other\n3,2,1,9,a,1,2,train,w\n3,2,1,9,a,1,2,test,w\n";
    let table = read(csv, &spec, &mut sources);
    let names: Vec<&str> = table
        .fields
        .iter()
        .map(|field| field.name.as_str())
        .collect();
    assert_eq!(names, ["x3", "x2", "p", "x1", "xt"]);
    assert_eq!(table.fields[2].columns, ["p2", "p1"]);
    assert_eq!(numbers(&table, "p"), [[2.0, 2.0], [1.0, 1.0]]);
    assert_eq!(table.parts, Some(vec![Part::Train, Part::Test]));

    let unknown = schema_from_spec(&spec);
    let widths: Vec<Option<usize>> = unknown
        .inputs
        .iter()
        .map(|field| field.kind.width())
        .collect();
    assert_eq!(widths, [None, None, Some(1)]);
    let division = divide(&table, &spec).expect("a division");
    let preparation = Preparation::learn(&table, &spec, &division).expect("a preparation");
    let known = schema(&spec, &preparation, division.rows());
    let inputs: Vec<(&str, Option<usize>)> = known
        .inputs
        .iter()
        .map(|field| (field.name.as_str(), field.kind.width()))
        .collect();
    assert_eq!(
        inputs,
        [
            ("x3", Some(1)),
            ("x2", Some(1)),
            ("p", Some(2)),
            ("x1", Some(1))
        ]
    );
    assert_eq!(known.targets[0].kind, FieldKind::Numbers { width: Some(1) });
    assert_eq!(
        known.rows,
        Some(SplitRows {
            train: 1,
            validate: 0,
            test: 1
        })
    );
}

#[test]
fn a_split_may_be_stratified_by_a_column_of_its_own() {
    for line in [
        "target y: category",
        "target y: category from label",
        "input b: number",
    ] {
        let by = if line.contains(" y:") { "y" } else { "label" };
        let split = format!("random 0.5 0 by {by}");
        let (spec, mut sources) = model(&["input a: number", line, &split]);
        let csv = "a,b,y,label\n1,0,v,v\n2,0,v,v\n3,0,w,w\n4,0,w,w\n";
        let table = read(csv, &spec, &mut sources);
        assert_eq!(table.strata, Some(vec![0, 0, 1, 1]), "{line}");
        let division = divide(&table, &spec).expect("a division");
        let below_two = division.validate.iter().filter(|row| **row < 2).count();
        assert_eq!((division.validate.len(), below_two), (2, 1));
    }
}

/// A table of five rows: a glob, a vector, a category input, a number and a category target.
fn prepared() -> (DataSpec, Sources, Table, Division, Preparation) {
    let (spec, mut sources) = model(&[
        "input \"x*\": number minmax",
        "input c: category",
        "target v: vector from \"t*\" zscore",
        "target y: category",
        "ordered 0.2 0.2",
    ]);
    let csv = "t1,x1,y,c,x2,t2\n0,1,no,red,5,0\n2,3,yes,blue,5.5,10\n4,5,no,green,6,20\n9,9,no,blue,9,9\n6,7,no,red,7,0\n";
    let table = read(csv, &spec, &mut sources);
    let division = divide(&table, &spec).expect("a division");
    let preparation = Preparation::learn(&table, &spec, &division).expect("a preparation");
    (spec, sources, table, division, preparation)
}

#[test]
fn matrices_are_column_major_in_the_order_of_the_declarations() {
    let (_, _, table, division, preparation) = prepared();
    assert_eq!(preparation.width(Role::Input), 3);
    let training: Vec<f64> = preparation
        .matrix(Role::Input, &table, &division.train)
        .expect("a matrix");
    // x1, x2 from 0 to 1 over the training rows; c counts blue, green, red.
    assert_eq!(training, [0.0, 0.0, 2.0, 0.5, 0.5, 0.0, 1.0, 1.0, 1.0]);
    let validation: Vec<f32> = preparation
        .matrix(Role::Input, &table, &division.validate)
        .expect("a matrix");
    assert_eq!(validation, [2.0, 4.0, 0.0]);
    let targets: Vec<f64> = preparation
        .matrix(Role::Target, &table, &[2, 0])
        .expect("a matrix");
    let deviation = (8.0_f64 / 3.0).sqrt();
    assert_eq!(targets[0], 2.0 / deviation);
    assert_eq!(targets[2], 0.0);
    assert!((preparation.restore_target(0, targets[0]) - 4.0).abs() < 1e-12);
    assert!((preparation.restore_target(1, targets[1]) - 20.0).abs() < 1e-12);
    assert_eq!(preparation.restore_target(2, 1.0), 1.0);
}

#[test]
fn parts_are_the_matrices_of_their_rows_also_when_the_table_gives_its_inputs_up() {
    let (_, _, mut table, division, preparation) = prepared();
    let parts = preparation
        .parts::<f32>(&table, &division, true)
        .expect("matrices");
    for (part, prepared) in Part::ALL.into_iter().zip(&parts) {
        let rows = division.part(part);
        let matrix = |role| preparation.matrix::<f32>(role, &table, rows);
        assert_eq!(prepared.inputs, matrix(Role::Input).expect("a matrix"));
        assert_eq!(prepared.targets, matrix(Role::Target).expect("a matrix"));
        assert_eq!(prepared.rows, rows.len());
    }
    let without = preparation.parts::<f32>(&table, &division, false);
    for (without, part) in without.expect("matrices").iter().zip(&parts) {
        assert_eq!((&without.inputs, without.targets.len()), (&part.inputs, 0));
    }
    let (targets, values) = (numbers(&table, "v"), category(&table, "y"));
    let taken = preparation.take_parts::<f32>(&mut table, &division, true);
    assert_eq!(taken.expect("matrices"), parts);
    assert_eq!(table.rows, 5);
    assert!(table.fields.iter().all(|field| field.role == Role::Target));
    assert_eq!(
        (numbers(&table, "v"), category(&table, "y")),
        (targets, values)
    );
    assert_eq!(table.numbers.width(), 2);
}

#[test]
fn prediction_reads_the_columns_that_training_saw_and_no_target() {
    let (spec, mut sources, table, _, preparation) = prepared();
    let csv = "x9,x2,c,x1\nfree,5,red,1\n?,6,green,9\n";
    let purpose = Purpose::Predict(&preparation);
    let new = read_table(csv.as_bytes(), "new.csv", &spec, purpose, &mut sources)
        .unwrap_or_else(|faults| panic!("{}", render_all(&faults, &sources)));
    let matrix: Vec<f64> = preparation
        .matrix(Role::Input, &new, &[0, 1])
        .expect("a matrix");
    assert_eq!(matrix, [0.0, 0.0, 2.0, 2.0, 1.0, 1.0]);
    let of_run = preparation.schema(&spec).expect("the same model");
    let of_table = schema(&spec, &preparation, SplitRows::default());
    assert_eq!(
        (&of_run.inputs, &of_run.targets),
        (&of_table.inputs, &of_table.targets)
    );
    assert_eq!(
        schema_of_table(&spec, &table).inputs.len(),
        of_run.inputs.len()
    );
    let (other, mut sources) = model(&["input a: number", "target y: category"]);
    assert_eq!(preparation.schema(&other), None);
    let faults = read_table(csv.as_bytes(), "new.csv", &other, purpose, &mut sources)
        .expect_err("another model");
    assert!(faults.iter().all(|fault| fault.code == Code::BadRun));
}

#[test]
fn statistics_come_from_the_training_rows_alone() {
    let (_, _, _, _, preparation) = prepared();
    let (spec, mut sources) = model(&[
        "input \"x*\": number minmax",
        "input c: category",
        "target v: vector from \"t*\" zscore",
        "target y: category",
        "ordered 0.2 0.2",
    ]);
    let csv = "t1,x1,y,c,x2,t2\n0,1,no,red,5,0\n2,3,yes,blue,5.5,10\n4,5,no,green,6,20\n-9,-9,no,blue,-9,-9\n60,70,no,red,70,99\n";
    let table = read(csv, &spec, &mut sources);
    let division = divide(&table, &spec).expect("a division");
    let other = Preparation::learn(&table, &spec, &division).expect("a preparation");
    assert_eq!(other, preparation);
}

#[test]
fn a_number_too_large_for_its_precision_is_a_fault() {
    let (spec, mut sources) = model(&["input a: number", "target y: number"]);
    let table = read("a,y\n1,2\n1e300,3\n", &spec, &mut sources);
    let division = divide(&table, &spec).expect("a division");
    let preparation = Preparation::learn(&table, &spec, &division).expect("a preparation");
    assert!(
        preparation
            .matrix::<f64>(Role::Input, &table, &division.train)
            .is_ok()
    );
    let faults = preparation
        .matrix::<f32>(Role::Input, &table, &division.train)
        .expect_err("a fault");
    assert_eq!(faults[0].code, Code::NonFinite);
    assert_eq!(
        faults[0].message,
        "`table.csv`, row 2, column `a`: 1e300 is, prepared, beyond what 32 bits hold"
    );
}
