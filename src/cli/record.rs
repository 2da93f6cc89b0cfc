//! What a run says of itself: the members of its events and of its `run.json`.

use std::time::Duration;

use nnc::data::spec::SplitRows;
use nnc::data::table::Part;
use nnc::graph::elements::Elements;
use serde_json::{Map, Value, json};

use super::arguments::{SetArgument, setting};

pub type Members = Map<String, Value>;

/// Members of an object, from a literal one.
pub fn members(value: Value) -> Members {
    match value {
        Value::Object(members) => members,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Members::new()
        }
    }
}

/// How long the stages of a run took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Times {
    pub compile: Duration,
    pub data: Duration,
    /// The epoch loop with its validation alone.
    pub train: Duration,
    pub total: Duration,
}

impl Times {
    pub fn to_json(self) -> Value {
        json!({
            "compile": self.compile.as_secs_f64(),
            "data": self.data.as_secs_f64(),
            "train": self.train.as_secs_f64(),
            "total": self.total.as_secs_f64(),
        })
    }
}

/// How good a model is on a part of the table.
pub struct PartScores {
    pub part: Part,
    pub rows: usize,
    pub loss: f64,
    pub metrics: Vec<(String, f64)>,
}

/// The scores by part; a figure that is not finite is null.
pub fn scores_to_json(scores: &[PartScores]) -> Value {
    let parts = scores.iter().map(|scores| {
        let mut figures = Members::new();
        figures.insert("loss".to_owned(), Value::from(scores.loss));
        for (name, value) in &scores.metrics {
            figures.insert(name.clone(), Value::from(*value));
        }
        (scores.part.word().to_owned(), Value::Object(figures))
    });
    Value::Object(parts.collect())
}

pub fn rows_to_json(rows: SplitRows) -> Value {
    json!({"train": rows.train, "validate": rows.validate, "test": rows.test})
}

/// How many numbers a model keeps; null while the table is not known.
pub fn elements_members(elements: Option<Elements>) -> Members {
    members(json!({
        "parameters": elements.map(|elements| elements.parameters()),
        "frozen": elements.map(|elements| elements.frozen),
        "buffer_elements": elements.map(|elements| elements.buffers),
    }))
}

pub fn versions() -> Value {
    json!({
        "nnc": env!("CARGO_PKG_VERSION"),
        "system": format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
    })
}

const FORMAT: &str = "nnc run";
const VERSION: u64 = 1;

/// What `run.json` begins with.
pub fn header() -> Members {
    members(json!({"format": FORMAT, "version": VERSION}))
}

/// What of a `run.json` is needed to compile the run's model again.
#[derive(Debug)]
pub struct RunHead {
    pub seed: u64,
    pub rows: SplitRows,
    pub settings: Vec<SetArgument>,
}

impl RunHead {
    /// # Errors
    /// What is wrong, and where.
    pub fn from_json(value: &Value) -> Result<Self, String> {
        match value.get("format").and_then(Value::as_str) {
            Some(FORMAT) => {}
            Some(other) => return Err(format!("the format is `{other}`, not `{FORMAT}`")),
            None => return Err("`format` is missing, or not text".to_owned()),
        }
        match value.get("version").and_then(Value::as_u64) {
            Some(VERSION) => {}
            Some(other) => {
                return Err(format!(
                    "version {other} is unknown here; version {VERSION} is known"
                ));
            }
            None => return Err("`version` is missing, or not a whole number".to_owned()),
        }
        let whole = |pointer: &str| {
            let number = value.pointer(pointer).and_then(Value::as_u64);
            let name = pointer[1..].replace('/', ".");
            number.ok_or_else(|| format!("`{name}` is missing, or not a whole number"))
        };
        let rows = |part: &str| {
            let rows = whole(&format!("/rows/{part}"))?;
            u32::try_from(rows)
                .map(|rows| rows as usize)
                .map_err(|_| format!("`rows.{part}` is beyond what a table holds"))
        };
        let settings = value.get("set").and_then(Value::as_array);
        let settings = settings.ok_or("`set` is missing, or not a list")?;
        let settings = settings.iter().map(|text| {
            let text = text
                .as_str()
                .ok_or("`set` holds something that is not text")?;
            setting(text).map_err(|_| format!("`set` holds `{text}`, which is not NAME=VALUE"))
        });
        let rows = SplitRows {
            train: rows("train")?,
            validate: rows("validate")?,
            test: rows("test")?,
        };
        match rows.train {
            0 => Err("`rows.train` is 0".to_owned()),
            _ => Ok(RunHead {
                seed: whole("/seed")?,
                rows,
                settings: settings.collect::<Result<_, String>>()?,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Value {
        let mut head = header();
        head.extend(members(json!({
            "seed": u64::MAX,
            "rows": {"train": 9, "validate": 2, "test": 0},
            "set": ["width=4"],
        })));
        Value::Object(head)
    }

    #[test]
    fn what_is_written_is_read() {
        let read = RunHead::from_json(&head()).expect("a head");
        assert_eq!(read.seed, u64::MAX);
        assert_eq!(
            (read.rows.train, read.rows.validate, read.rows.test),
            (9, 2, 0)
        );
        assert_eq!(read.settings[0].value(), "4");
    }

    #[test]
    fn a_damaged_file_is_refused_with_its_reason() {
        for (pointer, value, reason) in [
            ("/format", json!("other"), "the format is `other`"),
            ("/version", json!(2), "version 2 is unknown"),
            ("/seed", json!(-1), "`seed` is missing"),
            ("/rows/train", json!(0), "`rows.train` is 0"),
            (
                "/rows/test",
                json!(1_u64 << 40),
                "beyond what a table holds",
            ),
            ("/rows", json!([]), "`rows.train` is missing"),
            ("/set", json!(["width"]), "not NAME=VALUE"),
            ("/set", json!([1]), "not text"),
            ("/set", json!({}), "not a list"),
        ] {
            let mut damaged = head();
            *damaged.pointer_mut(pointer).expect("a place") = value;
            let error = RunHead::from_json(&damaged).expect_err("refused");
            assert!(error.contains(reason), "{pointer}: {error}");
        }
    }
}
