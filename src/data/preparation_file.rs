//! A [`Preparation`] as JSON: the `preparation.json` of a run folder.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use crate::data::category::{PreparedCategory, PreparedUnknown};
use crate::data::comparison::Comparison;
use crate::data::prepare::{Preparation, PreparedColumn, PreparedField, PreparedKind};
use crate::data::spec::Role;
use crate::data::transform::Transform;

const FORMAT: &str = "nnc preparation";
const VERSION: u64 = 2;

impl Preparation {
    /// The preparation as JSON, with the version of its form.
    pub fn to_json(&self) -> Value {
        let fields: Vec<Value> = self.fields.iter().map(field_to_json).collect();
        json!({"format": FORMAT, "version": VERSION, "fields": fields})
    }

    /// Reads what [`Preparation::to_json`] gave. The error says what is wrong and where.
    pub fn from_json(value: &Value) -> Result<Self, String> {
        let format = text(value, "format", "the file")?;
        if format != FORMAT {
            return Err(format!("the format is `{format}`, not `{FORMAT}`"));
        }
        match value.get("version").and_then(Value::as_u64) {
            // Version 1 knows scales and lists of values, and nothing else.
            Some(1 | VERSION) => {}
            Some(other) => {
                return Err(format!(
                    "version {other} is unknown here; versions 1 and {VERSION} are known"
                ));
            }
            None => return Err("`version` is missing, or not a whole number".to_owned()),
        }
        let fields = list(value, "fields", "the file")?;
        let fields = fields
            .iter()
            .enumerate()
            .map(|(at, field)| field_from_json(field, &format!("field {at}")))
            .collect::<Result<Vec<PreparedField>, String>>()?;
        distinct(fields.iter().map(|field| field.name.as_str()), "the file")?;
        if !fields.iter().any(|field| field.role == Role::Input) {
            return Err("no field is an input".to_owned());
        }
        Ok(Preparation { fields })
    }
}

fn field_to_json(field: &PreparedField) -> Value {
    let mut object = Map::new();
    let role = match field.role {
        Role::Input => "input",
        Role::Target => "target",
        Role::Weight => "weight",
    };
    object.insert("role".to_owned(), json!(role));
    object.insert("name".to_owned(), json!(field.name));
    object.insert("declared".to_owned(), json!(field.declared));
    match &field.kind {
        PreparedKind::Numbers(columns) => {
            let columns: Vec<Value> = columns.iter().map(column_to_json).collect();
            object.insert("kind".to_owned(), json!("numbers"));
            object.insert("columns".to_owned(), Value::Array(columns));
        }
        PreparedKind::Indicators(columns) => {
            object.insert("kind".to_owned(), json!("indicators"));
            object.insert("columns".to_owned(), json!(columns));
        }
        PreparedKind::Category(category) => {
            object.insert("kind".to_owned(), json!("category"));
            category_to_json(category, &mut object);
        }
    }
    Value::Object(object)
}

/// What is not said holds as in version 1: nothing but a scale.
fn column_to_json(column: &PreparedColumn) -> Value {
    let mut json = json!({
        "name": column.name,
        "scale": column.scale,
        "offset": column.offset,
        "centre": column.centre,
        "spread": column.spread,
    });
    let mut say = |key: &str, value: Value| json[key] = value;
    if let Some(fill) = column.fill {
        say("fill", json!(fill));
    }
    if let Some((least, greatest)) = column.clip {
        say("clip", json!([least, greatest]));
    }
    if column.log {
        say("log", json!(true));
    }
    match &column.transform {
        None => {}
        Some(Transform::Quantile(quantiles)) => say("quantiles", json!(quantiles)),
        Some(Transform::Power(power)) => say("power", json!(power)),
    }
    if column.constant {
        say("constant", json!(true));
    }
    json
}

fn category_to_json(category: &PreparedCategory, object: &mut Map<String, Value>) {
    let mut say = |key: &str, value: Value| object.insert(key.to_owned(), value);
    say("column", json!(category.column));
    say("values", json!(category.values));
    match category.comparison {
        Comparison::Text => {}
        Comparison::Number => drop(say("comparison", json!("number"))),
        Comparison::Boolean => drop(say("comparison", json!("boolean"))),
    }
    if category.ordered {
        say("ordered", json!(true));
    }
    match category.unknown {
        PreparedUnknown::Refused => {}
        PreparedUnknown::Own { trained } => drop(say("unknown", json!({"own": trained}))),
        PreparedUnknown::Zero => drop(say("unknown", json!("zero"))),
        PreparedUnknown::Value(place) => drop(say("unknown", json!(place))),
    }
    if let Some(place) = category.fill {
        say("fill", json!(place));
    }
}

fn category_from_json(value: &Value, place: &str) -> Result<PreparedCategory, String> {
    let values = texts(value, "values", place)?;
    let of_values = |key: &str, found: &Value| {
        let at = found.as_u64().and_then(|at| usize::try_from(at).ok());
        at.filter(|at| *at < values.len())
            .ok_or_else(|| format!("{place}: `{key}` is no place among the values"))
    };
    let comparison = match value.get("comparison").map(Value::as_str) {
        None => Comparison::Text,
        Some(Some("number")) => Comparison::Number,
        Some(Some("boolean")) if values.len() == 2 => Comparison::Boolean,
        Some(_) => return Err(format!("{place}: `comparison` is not known")),
    };
    let unknown = match value.get("unknown") {
        None => PreparedUnknown::Refused,
        Some(Value::String(word)) if word == "zero" => PreparedUnknown::Zero,
        Some(Value::Object(own)) => match own.get("own").and_then(Value::as_bool) {
            Some(trained) => PreparedUnknown::Own { trained },
            None => return Err(format!("{place}: `unknown` is not known")),
        },
        Some(found) => PreparedUnknown::Value(of_values("unknown", found)?),
    };
    let fill = value.get("fill").map(|found| of_values("fill", found));
    Ok(PreparedCategory {
        column: text(value, "column", place)?.to_owned(),
        comparison,
        ordered: truth(value, "ordered", place)?,
        unknown,
        fill: fill.transpose()?,
        values,
    })
}

fn field_from_json(value: &Value, place: &str) -> Result<PreparedField, String> {
    let role = match text(value, "role", place)? {
        "input" => Role::Input,
        "target" => Role::Target,
        "weight" => Role::Weight,
        other => return Err(format!("{place}: `{other}` is no role")),
    };
    let kind = match text(value, "kind", place)? {
        "numbers" => {
            let columns = list(value, "columns", place)?
                .iter()
                .enumerate()
                .map(|(at, column)| column_from_json(column, &format!("{place}, column {at}")))
                .collect::<Result<Vec<PreparedColumn>, String>>()?;
            distinct(columns.iter().map(|column| column.name.as_str()), place)?;
            PreparedKind::Numbers(columns)
        }
        "indicators" => PreparedKind::Indicators(texts(value, "columns", place)?),
        "category" => PreparedKind::Category(category_from_json(value, place)?),
        other => return Err(format!("{place}: `{other}` is no kind")),
    };
    Ok(PreparedField {
        role,
        name: text(value, "name", place)?.to_owned(),
        declared: text(value, "declared", place)?.to_owned(),
        kind,
    })
}

fn column_from_json(value: &Value, place: &str) -> Result<PreparedColumn, String> {
    let number = |key: &str| {
        value
            .get(key)
            .and_then(Value::as_f64)
            .filter(|number| number.is_finite())
            .ok_or_else(|| format!("{place}: `{key}` is missing, or not a finite number"))
    };
    let finite = |found: &Value| found.as_f64().filter(|number| number.is_finite());
    let numbers = |key: &str| match value.get(key) {
        None => Ok(None),
        Some(found) => {
            let list = found.as_array().filter(|list| !list.is_empty());
            let numbers = list.and_then(|list| list.iter().map(finite).collect());
            let numbers: Option<Vec<f64>> = numbers;
            let rises = |list: &Vec<f64>| list.is_sorted();
            let numbers = numbers.filter(rises).map(Some);
            numbers.ok_or_else(|| format!("{place}: `{key}` is no list of numbers that rise"))
        }
    };
    let optional = |key: &str| match value.get(key) {
        None => Ok(None),
        Some(_) => number(key).map(Some),
    };
    let clip = match numbers("clip")?.as_deref() {
        None => None,
        Some(&[least, greatest]) => Some((least, greatest)),
        Some(_) => return Err(format!("{place}: `clip` is not two numbers")),
    };
    let transform = match (numbers("quantiles")?, optional("power")?) {
        (None, None) => None,
        (Some(quantiles), None) => Some(Transform::Quantile(quantiles)),
        (None, Some(power)) => Some(Transform::Power(power)),
        (Some(_), Some(_)) => return Err(format!("{place}: both `quantiles` and `power`")),
    };
    let column = PreparedColumn {
        name: text(value, "name", place)?.to_owned(),
        fill: optional("fill")?,
        scale: number("scale")?,
        offset: number("offset")?,
        clip,
        log: truth(value, "log", place)?,
        transform,
        centre: number("centre")?,
        spread: number("spread")?,
        constant: truth(value, "constant", place)?,
    };
    if column.spread > 0.0 {
        Ok(column)
    } else {
        Err(format!("{place}: `spread` is not above 0"))
    }
}

/// A truth value; `false` if nothing is said.
fn truth(value: &Value, key: &str, place: &str) -> Result<bool, String> {
    match value.get(key) {
        None => Ok(false),
        Some(found) => {
            let truth = found.as_bool();
            truth.ok_or_else(|| format!("{place}: `{key}` is not true or false"))
        }
    }
}

/// A list of different texts.
fn texts(value: &Value, key: &str, place: &str) -> Result<Vec<String>, String> {
    let texts = list(value, key, place)?.iter();
    let texts = texts.map(|value| value.as_str().map(str::to_owned));
    let texts: Option<Vec<String>> = texts.collect();
    let texts = texts.ok_or_else(|| format!("{place}: a value is not text"))?;
    distinct(texts.iter().map(String::as_str), place)?;
    Ok(texts)
}

fn text<'v>(value: &'v Value, key: &str, place: &str) -> Result<&'v str, String> {
    value
        .get(key)
        .and_then(Value::as_str)
        .ok_or_else(|| format!("{place}: `{key}` is missing, or not text"))
}

fn list<'v>(value: &'v Value, key: &str, place: &str) -> Result<&'v [Value], String> {
    match value.get(key).and_then(Value::as_array) {
        Some(list) if !list.is_empty() => Ok(list),
        Some(_) => Err(format!("{place}: `{key}` is empty")),
        None => Err(format!("{place}: `{key}` is missing, or not a list")),
    }
}

fn distinct<'n>(names: impl Iterator<Item = &'n str>, place: &str) -> Result<(), String> {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(format!("{place}: `{name}` is there twice"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::too_many_lines, reason = "one field of each kind")]
    fn preparation() -> Preparation {
        let column = |name: &str, spread| PreparedColumn {
            name: name.to_owned(),
            fill: None,
            scale: 0.1,
            offset: -1.0 / 3.0,
            clip: None,
            log: false,
            transform: None,
            centre: 123_456_789.123_456_78,
            spread,
            constant: false,
        };
        let power = PreparedColumn {
            fill: Some(0.1),
            clip: Some((-0.3, 1e6)),
            log: true,
            transform: Some(Transform::Power(-1.0 / 3.0)),
            ..column("p2", 0.7)
        };
        let ranks = PreparedColumn {
            transform: Some(Transform::Quantile(vec![0.1, 0.1, 0.3])),
            constant: true,
            ..column("p3", 1.0)
        };
        let category = |unknown, comparison| PreparedCategory {
            column: "label".to_owned(),
            values: vec!["no".to_owned(), "ja, \"ÿ\"".to_owned()],
            comparison,
            ordered: comparison == Comparison::Boolean,
            unknown,
            fill: (comparison == Comparison::Number).then_some(1),
        };
        let input = |name: &str, kind| PreparedField {
            role: Role::Input,
            name: name.to_owned(),
            declared: name.to_owned(),
            kind,
        };
        Preparation {
            fields: vec![
                PreparedField {
                    role: Role::Input,
                    name: "pixels".to_owned(),
                    declared: "pixels".to_owned(),
                    kind: PreparedKind::Numbers(vec![
                        column("p0", 5e-300),
                        column("p1", 7.1e19),
                        power,
                        ranks,
                    ]),
                },
                PreparedField {
                    role: Role::Target,
                    name: "label".to_owned(),
                    declared: "lab*".to_owned(),
                    kind: PreparedKind::Category(category(
                        PreparedUnknown::Refused,
                        Comparison::Text,
                    )),
                },
                input(
                    "pixels.missing",
                    PreparedKind::Indicators(vec!["p0".to_owned()]),
                ),
                input(
                    "own",
                    PreparedKind::Category(category(
                        PreparedUnknown::Own { trained: false },
                        Comparison::Number,
                    )),
                ),
                input(
                    "zero",
                    PreparedKind::Category(category(PreparedUnknown::Zero, Comparison::Boolean)),
                ),
                input(
                    "value",
                    PreparedKind::Category(category(PreparedUnknown::Value(1), Comparison::Text)),
                ),
            ],
        }
    }

    #[test]
    fn a_file_of_version_1_is_read() {
        let json = json!({"format": FORMAT, "version": 1, "fields": [
            {"role": "input", "name": "x", "declared": "x", "kind": "numbers", "columns": [
                {"name": "x", "scale": 2.0, "offset": 1.0, "centre": 3.0, "spread": 0.5}]},
            {"role": "target", "name": "y", "declared": "y", "kind": "category", "column": "y",
                "values": ["3", "3.0"]},
        ]});
        let read = Preparation::from_json(&json).expect("a preparation");
        let (PreparedKind::Numbers(columns), PreparedKind::Category(category)) =
            (&read.fields[0].kind, &read.fields[1].kind)
        else {
            panic!("a number and a category");
        };
        assert_eq!(columns[0].prepare(4.0), 12.0);
        let words = ["3", "3.0"].map(|word| Some(word.to_owned()));
        assert_eq!(category.indices_of(&words), [Some(0), Some(1)]);
    }

    #[test]
    fn what_is_written_is_read_to_the_last_bit() {
        let text = preparation().to_json().to_string();
        let value: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(Preparation::from_json(&value), Ok(preparation()));
        // Every bit of a double survives, which needs an exact reader of decimals.
        let mut bits = 0x3FF0_0000_0000_0001_u64;
        for _ in 0..2000 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let spread = f64::from_bits(bits & 0x7FEF_FFFF_FFFF_FFFF).max(f64::MIN_POSITIVE);
            let mut one = preparation();
            if let PreparedKind::Numbers(columns) = &mut one.fields[0].kind {
                columns[0].spread = spread;
            }
            let value: Value = serde_json::from_str(&one.to_json().to_string()).expect("JSON");
            assert_eq!(Preparation::from_json(&value), Ok(one));
        }
    }

    #[test]
    fn a_damaged_file_is_refused_with_its_reason() {
        let damaged = |pointer: &str, value: Value| {
            let mut json = preparation().to_json();
            *json.pointer_mut(pointer).expect("a place") = value;
            Preparation::from_json(&json).expect_err("refused")
        };
        for (pointer, value, reason) in [
            ("/format", json!("other"), "the format is `other`"),
            ("/version", json!(3), "version 3 is unknown"),
            ("/version", json!("1"), "`version` is missing"),
            ("/fields", json!([]), "`fields` is empty"),
            ("/fields/0", json!(3), "field 0: `role` is missing"),
            ("/fields/0/role", json!("row"), "`row` is no role"),
            ("/fields/0/kind", json!("image"), "`image` is no kind"),
            ("/fields/0/name", json!("label"), "`label` is there twice"),
            ("/fields/0/columns", json!([]), "`columns` is empty"),
            (
                "/fields/0/columns/1/name",
                json!("p0"),
                "`p0` is there twice",
            ),
            (
                "/fields/0/columns/1/spread",
                json!(0.0),
                "`spread` is not above 0",
            ),
            (
                "/fields/0/columns/1/scale",
                json!("x"),
                "`scale` is missing",
            ),
            (
                "/fields/0/columns/2/clip",
                json!([1.0]),
                "`clip` is not two",
            ),
            (
                "/fields/0/columns/2/log",
                json!(1),
                "`log` is not true or false",
            ),
            (
                "/fields/0/columns/3/quantiles",
                json!([1.0, 0.5]),
                "`quantiles` is no list",
            ),
            ("/fields/3/fill", json!(2), "`fill` is no place"),
            ("/fields/3/unknown", json!("own"), "`unknown` is no place"),
            (
                "/fields/4/comparison",
                json!("x"),
                "`comparison` is not known",
            ),
            ("/fields/1/values", json!(["a", 1]), "a value is not text"),
            ("/fields/1/values", json!(["a", "a"]), "`a` is there twice"),
        ] {
            let error = damaged(pointer, value);
            assert!(error.contains(reason), "{pointer}: {error}");
        }
        assert!(Preparation::from_json(&Value::Null).is_err());
        let mut targets = preparation().to_json();
        targets["fields"].as_array_mut().expect("a list").drain(2..);
        targets["fields"][0]["role"] = json!("target");
        let error = Preparation::from_json(&targets).expect_err("refused");
        assert!(error.contains("no field is an input"), "{error}");
    }
}
