//! What stands for a missing value in a cell.

use crate::data::cell::{self, CellFault};
use crate::data::format::NumberFormat;
use crate::data::spec::{ColumnKind, ColumnSpec, DataSpec};

/// What stands for a missing value in the cells of a column.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Markers {
    /// Whether the words do that tables usually hold where a number is missing.
    usual: bool,
    /// Whether nothing at all does.
    empty: bool,
    texts: Vec<String>,
    /// Those of the texts that are numbers, however they are written.
    numbers: Vec<f64>,
}

/// Words that tables hold where a value is missing.
const USUAL: [&str; 14] = [
    "", "?", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "#N/A", "\\N", ".", "<NA>",
];

/// Whether the text, without spaces around it, stands for a missing number.
pub(super) fn is_usual(text: &str) -> bool {
    USUAL.contains(&text)
}

impl Markers {
    /// Those of a declared column. In a category only the empty cell counts besides what the model
    /// lists: `NA` may be a value. What is listed as a value is one.
    pub fn of(column: &ColumnSpec, spec: &DataSpec) -> Self {
        let listed = column.missing.as_ref().unwrap_or(&spec.missing);
        let (usual, values): (bool, &[String]) = match &column.kind {
            ColumnKind::Number(_) | ColumnKind::Vector(_) | ColumnKind::Boolean(_) => (true, &[]),
            ColumnKind::Category(category) => {
                (false, category.values.as_deref().unwrap_or_default())
            }
        };
        let is_value = |text: &str| values.iter().any(|value| value == text);
        let texts = listed.iter().map(|text| text.trim_ascii());
        let texts: Vec<String> = texts
            .filter(|text| !is_value(text))
            .map(str::to_owned)
            .collect();
        let written = [NumberFormat::default(), spec.format.numbers];
        let numbers = texts.iter().flat_map(|text| {
            let read = written.map(|format| cell::number_in(text.as_bytes(), format).ok());
            read.into_iter().flatten()
        });
        Markers {
            usual,
            empty: !is_value(""),
            numbers: numbers.collect(),
            texts,
        }
    }

    /// Those of a column that the model does not declare, such as that of the split's parts.
    pub fn of_words() -> Self {
        Markers {
            empty: true,
            ..Markers::default()
        }
    }

    /// Whether a text, without spaces around it, stands for a missing value.
    pub fn is_missing(&self, text: &str) -> bool {
        (self.empty && text.is_empty())
            || (self.usual && is_usual(text))
            || self.texts.iter().any(|marker| marker == text)
    }

    /// Whether a cell with nothing in it stands for a missing value.
    #[inline]
    pub fn has_empty(&self) -> bool {
        self.empty || self.usual
    }

    /// Whether numbers have to be looked at, too.
    pub fn has_numbers(&self) -> bool {
        !self.numbers.is_empty()
    }

    /// Whether a number stands for a missing one.
    pub fn is_missing_number(&self, number: f64) -> bool {
        self.numbers.contains(&number)
    }

    /// The finite number of a cell, or NaN where it is missing.
    ///
    /// # Errors
    /// The cell holds something else.
    pub fn number(&self, cell: &[u8], format: NumberFormat) -> Result<f64, CellFault> {
        match cell::number_in(cell, format) {
            Ok(number) if self.is_missing_number(number) => Ok(f64::NAN),
            Ok(number) => Ok(number),
            Err(fault) => match std::str::from_utf8(cell) {
                Ok(text) if self.is_missing(text.trim_ascii()) => Ok(f64::NAN),
                Ok(_) | Err(_) => Err(fault),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::spec::{Category, ColumnPattern, NumberPreparation, Role};
    use crate::diagnostics::Span;

    fn markers(kind: ColumnKind, table: &[&str], own: Option<&[&str]>) -> Markers {
        let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        let spec = DataSpec {
            missing: owned(table),
            ..DataSpec::default()
        };
        Markers::of(&column(kind, own.map(owned)), &spec)
    }

    fn column(kind: ColumnKind, missing: Option<Vec<String>>) -> ColumnSpec {
        ColumnSpec {
            role: Role::Input,
            name: ColumnPattern {
                text: "x".to_owned(),
                glob: false,
                span: Span::default(),
            },
            from: None,
            kind,
            missing,
        }
    }

    #[test]
    fn numbers_are_missing_by_text_and_by_value() {
        let number = || ColumnKind::Number(NumberPreparation::default());
        let table = markers(number(), &["-999", "-"], None);
        for cell in [
            "", "  ", "?", " NA", "nan", "\\N", "<NA>", "-", "-999", "-999.0", "-9.99e2",
        ] {
            let read = table.number(cell.as_bytes(), NumberFormat::default());
            assert!(read.is_ok_and(f64::is_nan), "{cell}");
        }
        assert_eq!(table.number(b"-998", NumberFormat::default()), Ok(-998.0));
        assert_eq!(
            table.number(b"none", NumberFormat::default()),
            Err(CellFault::NotANumber)
        );
        assert_eq!(
            table.number(b"inf", NumberFormat::default()),
            Err(CellFault::NotFinite)
        );
        let own = markers(number(), &["-999"], Some(&["inf"]));
        assert_eq!(own.number(b"-999", NumberFormat::default()), Ok(-999.0));
        assert!(
            own.number(b"inf", NumberFormat::default())
                .is_ok_and(f64::is_nan)
        );
    }

    #[test]
    fn numbers_are_missing_in_the_signs_of_the_table() {
        let format = NumberFormat {
            decimal: ',',
            thousands: Some('.'),
        };
        let mut spec = DataSpec {
            missing: vec!["-9.999,50".to_owned(), "-1".to_owned()],
            ..DataSpec::default()
        };
        spec.format.numbers = format;
        let column = column(ColumnKind::Number(NumberPreparation::default()), None);
        let found = Markers::of(&column, &spec);
        for cell in ["-9999,5", "-9.999,500", "-1,0", "."] {
            let read = found.number(cell.as_bytes(), format);
            assert!(read.is_ok_and(f64::is_nan), "{cell}");
        }
        assert_eq!(found.number(b"-1,5", format), Ok(-1.5));
    }

    #[test]
    fn a_category_misses_the_empty_cell_and_what_is_listed() {
        let category = |values: Option<&[&str]>| {
            ColumnKind::Category(Category {
                values: values.map(|values| values.iter().map(|&it| it.to_owned()).collect()),
                ..Category::default()
            })
        };
        let found = markers(category(None), &["?"], None);
        let missing = ["", "?", "NA", "NaN"].map(|text| found.is_missing(text));
        assert_eq!(missing, [true, true, false, false]);
        let listed = markers(category(Some(&["", "?", "a"])), &["?", "-"], None);
        let missing = ["", "?", "-"].map(|text| listed.is_missing(text));
        assert_eq!(missing, [false, false, true]);
    }
}
