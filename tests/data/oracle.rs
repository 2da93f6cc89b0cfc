//! What is learned of numbers, against the figures of scikit-learn and pandas that
//! `tests/oracles/preparation.py` prints.

use nnc::data::prepare::{PreparedColumn, PreparedKind};
use nnc::data::spec::Role;
use nnc::data::{Preparation, Purpose, Table, divide, read_table};
use nnc::diagnostics::{Sources, render_all};
use nnc::{ModelSource, declare};
use serde_json::Value;

fn figures() -> Value {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/oracles/preparation.json"
    );
    let text = std::fs::read_to_string(path).expect("the figures");
    serde_json::from_str(&text).expect("JSON")
}

fn numbers(value: &Value) -> Vec<f64> {
    let numbers = value.as_array().expect("a list").iter();
    numbers
        .map(|number| number.as_f64().unwrap_or(f64::NAN))
        .collect()
}

/// What a model with the column `x` learns of these numbers; NaN is an empty cell.
fn learned(declaration: &str, values: &[f64]) -> Result<(Table, Preparation), String> {
    let mut sources = Sources::new();
    let text = format!(
        "data {{ {declaration}; input other: number }}\nnet {{ [x, other] -> Concat -> Linear(1) }}\n"
    );
    let file = sources.add("model.nn", text);
    let rows = values.iter().map(|value| {
        if value.is_nan() {
            ",0\n".to_owned()
        } else {
            format!("{value:?},0\n")
        }
    });
    let csv = "x,other\n".to_owned() + &rows.collect::<String>();
    let found = declare(&ModelSource::new(&sources, file)).and_then(|declaration| {
        let (spec, purpose) = (&declaration.data, Purpose::Train);
        let table = read_table(csv.as_bytes(), "t.csv", spec, purpose, &mut sources)?;
        let division = divide(&table, spec)?;
        let preparation = Preparation::learn(&table, spec, &division)?;
        Ok((table, preparation))
    });
    found.map_err(|faults| render_all(&faults, &sources))
}

fn column(preparation: &Preparation) -> &PreparedColumn {
    match &preparation.fields[0].kind {
        PreparedKind::Numbers(columns) => &columns[0],
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn agree(found: f64, expected: f64, tolerance: f64, what: &str) {
    let scale = expected.abs().max(1.0);
    assert!(
        (found - expected).abs() <= tolerance * scale,
        "{what}: {found} instead of {expected}"
    );
}

#[test]
fn numbers_are_normalised_as_scikit_learn_does() {
    let figures = figures();
    let columns = figures["scaled"].as_object().expect("columns");
    assert_eq!(columns.len(), 7);
    for (name, expected) in columns {
        let (train, new) = (numbers(&expected["train"]), numbers(&expected["new"]));
        for normalize in ["zscore", "minmax", "maxabs", "robust", "quantile"] {
            let declaration = format!("input x: number(normalize = {normalize})");
            let (_, preparation) = learned(&declaration, &train).expect("a preparation");
            let column = column(&preparation);
            let what = format!("{normalize} of {name}");
            for (value, expected) in new.iter().zip(numbers(&expected[normalize])) {
                agree(column.prepare(*value), expected, 1e-12, &what);
            }
            if normalize != "quantile" {
                for value in &new {
                    agree(column.restore(column.prepare(*value)), *value, 1e-12, &what);
                }
            }
        }
    }
}

#[test]
fn powers_are_at_least_as_likely_as_scikit_learns() {
    use nnc::data::transform::Transform;
    let figures = figures();
    for (name, expected) in figures["scaled"].as_object().expect("columns") {
        let (train, new) = (numbers(&expected["train"]), numbers(&expected["new"]));
        let (_, preparation) =
            learned("input x: number(normalize = power)", &train).expect("a preparation");
        let column = column(&preparation);
        let likelihood = |transform: &Transform| {
            let count = train.len() as f64;
            let Transform::Power(power) = transform else {
                panic!("no power");
            };
            let transformed: Vec<f64> = train.iter().map(|x| transform.apply(*x)).collect();
            let mean = transformed.iter().sum::<f64>() / count;
            let variance = transformed.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / count;
            let logs: f64 = train.iter().map(|x| x.abs().ln_1p().copysign(*x)).sum();
            -0.5 * count * variance.ln() + (power - 1.0) * logs
        };
        let theirs = Transform::Power(expected["lambda"].as_f64().expect("a power"));
        let their_likelihood = expected["likelihood"].as_f64().expect("a likelihood");
        agree(likelihood(&theirs), their_likelihood, 1e-10, name);
        let own = column.transform.as_ref().expect("a transform");
        assert!(
            likelihood(own) >= their_likelihood - 1e-10 * their_likelihood.abs().max(1.0),
            "{name}: {own:?} {theirs:?}"
        );
        // With their power, their numbers.
        let transformed: Vec<f64> = train.iter().map(|x| theirs.apply(*x)).collect();
        let count = train.len() as f64;
        let mean = transformed.iter().sum::<f64>() / count;
        let variance = transformed.iter().map(|y| (y - mean).powi(2)).sum::<f64>() / count;
        let same = PreparedColumn {
            transform: Some(theirs),
            centre: mean,
            spread: variance.sqrt(),
            ..column.clone()
        };
        for (value, expected) in new.iter().zip(numbers(&expected["power"])) {
            agree(same.prepare(*value), expected, 1e-10, name);
        }
        for value in &train {
            agree(column.restore(column.prepare(*value)), *value, 1e-9, name);
        }
    }
}

#[test]
fn missing_numbers_are_filled_as_pandas_does() {
    let figures = figures();
    for expected in figures["filled"].as_array().expect("columns") {
        let values = numbers(&expected["values"]);
        for fill in ["median", "mean", "mode"] {
            let declaration = format!("input x: number(fill = {fill}, indicator = true)");
            let (table, preparation) = learned(&declaration, &values).expect("a preparation");
            let wanted = expected[fill].as_f64().expect("a number");
            agree(
                column(&preparation).fill.expect("a fill"),
                wanted,
                1e-12,
                fill,
            );
            let rows: Vec<u32> = (0..).take(values.len()).collect();
            let matrix: Vec<f64> = preparation
                .matrix(Role::Input, &table, &rows)
                .expect("a matrix");
            for (row, value) in matrix.chunks_exact(3).zip(&values) {
                let missing = value.is_nan();
                agree(row[0], if missing { wanted } else { *value }, 1e-12, fill);
                assert_eq!((row[1], row[2]), (f64::from(u8::from(missing)), 0.0));
            }
        }
        let (table, _) = learned("input x: number(fill = forward)", &values).expect("a table");
        assert_eq!(table.numbers.column(0), numbers(&expected["forward"]));
    }
}

#[test]
fn one_value_none_and_always_the_same() {
    for normalize in ["zscore", "minmax", "maxabs", "robust", "quantile", "power"] {
        let declaration = format!("input x: number(fill = median, normalize = {normalize})");
        for values in [&[3.5][..], &[3.5, f64::NAN, 3.5], &[-1.0; 4]] {
            let (_, preparation) = learned(&declaration, values).expect("a preparation");
            let column = column(&preparation);
            assert!(column.constant, "{normalize}");
            assert_eq!([column.prepare(1e6), column.prepare(f64::NAN)], [0.0, 0.0]);
        }
        let faults = learned(&declaration, &[f64::NAN; 3]).expect_err("nothing to learn from");
        assert!(faults.contains("no training row has a number"), "{faults}");
    }
    let leading = learned("input x: number(fill = forward)", &[f64::NAN, 1.0]);
    let faults = leading.expect_err("nothing above");
    assert!(
        faults.contains("1 of 2 cells is missing, first in line 2"),
        "{faults}"
    );
}

#[test]
fn a_logarithm_needs_numbers_above_minus_one() {
    let faults = learned("input x: number(log = true)", &[0.0, -1.0, 3.0, -2.5]);
    let faults = faults.expect_err("a fault");
    assert!(faults.contains("2 numbers are at most -1"), "{faults}");
    assert!(faults.contains("first in line 3: -1.0"), "{faults}");
    let clipped = learned(
        "input x: number(clip = [0, 9], log = true)",
        &[0.0, -1.0, 3.0],
    );
    let (_, preparation) = clipped.expect("a preparation");
    assert_eq!(column(&preparation).prepare(-7.0), 0.0);
    assert_eq!(column(&preparation).prepare(100.0), 10.0_f64.ln());
}
