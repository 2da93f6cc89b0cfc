//! How a CSV is written, as it was recognised.

use std::fmt;

use crate::data::recognise::Packing;

/// How a CSV is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dialect {
    /// How the file is packed, if it is.
    pub packing: Option<Packing>,
    /// The character between two cells.
    pub delimiter: char,
    /// The line that names the columns; without it the model does.
    pub header_line: Option<u64>,
    /// Whether the rows begin with names for which the header has no field, as those of R's `write.table`.
    pub row_names: bool,
    /// Whether a delimiter ends the lines.
    pub trailing_delimiters: bool,
    /// Whether blanks stand before quotes.
    pub blanks_before_quotes: bool,
}

impl Default for Dialect {
    /// Commas, and the header in the first line.
    fn default() -> Self {
        Dialect {
            packing: None,
            delimiter: ',',
            header_line: Some(1),
            row_names: false,
            trailing_delimiters: false,
            blanks_before_quotes: false,
        }
    }
}

impl Dialect {
    /// The delimiter in words.
    pub fn delimiter_name(&self) -> String {
        match self.delimiter {
            ',' => "comma".to_owned(),
            ';' => "semicolon".to_owned(),
            '\t' => "tab".to_owned(),
            '|' => "pipe".to_owned(),
            other => format!("`{other}`"),
        }
    }

    /// What is unusual about it, in words.
    pub fn remarks(&self) -> Vec<&'static str> {
        let remarks = [
            (self.row_names, "the first field of a row is its name"),
            (self.trailing_delimiters, "lines end in a delimiter"),
            (
                self.blanks_before_quotes,
                "blanks before quotes are left out",
            ),
        ];
        let holds = remarks.into_iter().filter(|(holds, _)| *holds);
        holds.map(|(_, remark)| remark).collect()
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(packing) = self.packing {
            write!(formatter, "{} · ", packing.name())?;
        }
        let delimiter = self.delimiter_name();
        write!(formatter, "delimiter: {delimiter} · UTF-8 · header: ")?;
        match self.header_line {
            Some(line) => write!(formatter, "line {line}")?,
            None => write!(formatter, "none")?,
        }
        for remark in self.remarks() {
            write!(formatter, " · {remark}")?;
        }
        Ok(())
    }
}
