//! A [`Preparation`] as JSON: the `preparation.json` of a run folder.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use crate::data::prepare::{Preparation, PreparedColumn, PreparedField, PreparedKind};
use crate::data::spec::Role;

const FORMAT: &str = "nnc preparation";
const VERSION: u64 = 1;

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
            Some(VERSION) => {}
            Some(other) => {
                return Err(format!(
                    "version {other} is unknown here; version {VERSION} is known"
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
            let columns: Vec<Value> = columns
                .iter()
                .map(|column| {
                    json!({
                        "name": column.name,
                        "scale": column.scale,
                        "offset": column.offset,
                        "centre": column.centre,
                        "spread": column.spread,
                    })
                })
                .collect();
            object.insert("kind".to_owned(), json!("numbers"));
            object.insert("columns".to_owned(), Value::Array(columns));
        }
        PreparedKind::Category { column, values } => {
            object.insert("kind".to_owned(), json!("category"));
            object.insert("column".to_owned(), json!(column));
            object.insert("values".to_owned(), json!(values));
        }
    }
    Value::Object(object)
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
        "category" => {
            let values = list(value, "values", place)?
                .iter()
                .map(|value| value.as_str().map(str::to_owned))
                .collect::<Option<Vec<String>>>()
                .ok_or_else(|| format!("{place}: a value is not text"))?;
            distinct(values.iter().map(String::as_str), place)?;
            let column = text(value, "column", place)?.to_owned();
            PreparedKind::Category { column, values }
        }
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
    let column = PreparedColumn {
        name: text(value, "name", place)?.to_owned(),
        scale: number("scale")?,
        offset: number("offset")?,
        centre: number("centre")?,
        spread: number("spread")?,
    };
    if column.spread > 0.0 {
        Ok(column)
    } else {
        Err(format!("{place}: `spread` is not above 0"))
    }
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

    fn preparation() -> Preparation {
        let column = |name: &str, spread| PreparedColumn {
            name: name.to_owned(),
            scale: 0.1,
            offset: -1.0 / 3.0,
            centre: 123_456_789.123_456_78,
            spread,
        };
        Preparation {
            fields: vec![
                PreparedField {
                    role: Role::Input,
                    name: "pixels".to_owned(),
                    declared: "pixels".to_owned(),
                    kind: PreparedKind::Numbers(vec![column("p0", 5e-300), column("p1", 7.1e19)]),
                },
                PreparedField {
                    role: Role::Target,
                    name: "label".to_owned(),
                    declared: "lab*".to_owned(),
                    kind: PreparedKind::Category {
                        column: "label".to_owned(),
                        values: vec!["no".to_owned(), "ja, \"ÿ\"".to_owned()],
                    },
                },
            ],
        }
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
            ("/version", json!(2), "version 2 is unknown"),
            ("/version", json!("1"), "`version` is missing"),
            ("/fields", json!([]), "`fields` is empty"),
            ("/fields/0", json!(3), "field 0: `role` is missing"),
            ("/fields/0/role", json!("row"), "`row` is no role"),
            ("/fields/0/role", json!("target"), "no field is an input"),
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
            ("/fields/1/values", json!(["a", 1]), "a value is not text"),
            ("/fields/1/values", json!(["a", "a"]), "`a` is there twice"),
        ] {
            let error = damaged(pointer, value);
            assert!(error.contains(reason), "{pointer}: {error}");
        }
        assert!(Preparation::from_json(&Value::Null).is_err());
    }
}
