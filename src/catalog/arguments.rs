//! The arguments of entries: what may be given, and what was given after it has been checked.

use crate::diagnostics::Span;
use crate::graph::shape::Dim;
use crate::graph::state::Initializer;

/// One argument that an entry takes.
#[derive(Debug)]
pub struct Parameter {
    pub name: &'static str,
    pub kind: ArgumentKind,
    pub default: Default,
    /// May be given without its name, in the order of the positional parameters.
    pub positional: bool,
    pub summary: &'static str,
}

impl Parameter {
    /// What it means, what it takes, and what holds without it.
    pub fn text(&self) -> String {
        let takes = self.kind.text();
        let default = match self.default {
            Default::Required => "required".to_owned(),
            Default::Absent(words) => format!("without it: {words}"),
            default @ (Default::Number(_)
            | Default::Boolean(_)
            | Default::Word(_)
            | Default::Pair(..)
            | Default::Size(_)
            | Default::Epochs(_)) => format!("default {}", default.text()),
        };
        let place = if self.positional {
            "; may be given without its name"
        } else {
            ""
        };
        format!("{}: {takes}; {default}{place}", self.summary)
    }
}

/// What an argument may be.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum ArgumentKind {
    /// A number of features or elements, at least 1; it may be a fact of the data.
    Size,
    /// A whole number of at least 0.
    Count,
    /// As `Size`, and `in -> out` states the width that flows in too.
    Width,
    Number(Range),
    Boolean,
    /// One of the argument's own words.
    Word(&'static [&'static str]),
    /// A list of two numbers, both in the range.
    Pair(Range),
    /// A list of texts or numbers, taken as texts.
    Texts,
    /// The same, or one alone.
    TextOrTexts,
    /// One of the argument's own words, or a number.
    WordOrNumber(&'static [&'static str]),
    /// One of the argument's own words, a number, or a text.
    WordOrValue(&'static [&'static str]),
    /// One of the argument's own words, or a size.
    WordOrSize(&'static [&'static str]),
    /// The name of a column.
    Column,
    /// The path of a parameter, as seen from the body.
    Path,
    /// A list of lengths of axes.
    Shape,
    /// A call of an initializer.
    Initializer,
    /// How long something lasts: a share of the run (`5%`) or epochs.
    Length,
    /// A list of lengths.
    Lengths,
}

/// How long something lasts.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Length {
    Epochs(f64),
    /// A share of the run.
    Share(f64),
}

impl Length {
    pub fn text(self) -> String {
        match self {
            Length::Epochs(1.0) => "1 epoch".to_string(),
            Length::Epochs(epochs) => format!("{epochs} epochs"),
            Length::Share(share) => match (share * 1e8).round() / 1e6 {
                0.0 => format!("{:e}%", share * 100.0),
                percent => format!("{percent}%"),
            },
        }
    }
}

/// A range of numbers; infinite bounds are open.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Range {
    pub low: f64,
    pub low_open: bool,
    pub high: f64,
    pub high_open: bool,
}

impl Range {
    pub const ANY: Range = Range {
        low: f64::NEG_INFINITY,
        low_open: true,
        high: f64::INFINITY,
        high_open: true,
    };
    /// More than 0.
    pub const POSITIVE: Range = Range {
        low: 0.0,
        ..Range::ANY
    };
    /// 0 or more.
    pub const NOT_NEGATIVE: Range = Range {
        low: 0.0,
        low_open: false,
        ..Range::ANY
    };
    /// 0 to 1, both included.
    pub const UNIT: Range = Range {
        low: 0.0,
        low_open: false,
        high: 1.0,
        high_open: false,
    };
    /// 0 to 1, 1 left out.
    pub const BELOW_ONE: Range = Range {
        high_open: true,
        ..Range::UNIT
    };

    pub fn contains(self, value: f64) -> bool {
        let above = value > self.low || (value == self.low && !self.low_open);
        let below = value < self.high || (value == self.high && !self.high_open);
        above && below
    }

    /// The range in words: "at least 0 and less than 1".
    pub fn text(self) -> String {
        let low = match (self.low, self.low_open) {
            (f64::NEG_INFINITY, _) => None,
            (low, true) => Some(format!("more than {low}")),
            (low, false) => Some(format!("at least {low}")),
        };
        let high = match (self.high, self.high_open) {
            (f64::INFINITY, _) => None,
            (high, true) => Some(format!("less than {high}")),
            (high, false) => Some(format!("at most {high}")),
        };
        match (low, high) {
            (Some(low), Some(high)) => format!("{low} and {high}"),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => "any finite number".to_string(),
        }
    }
}

impl ArgumentKind {
    /// Whether it takes one number, which arithmetic and facts may give.
    pub fn is_number(self) -> bool {
        match self {
            ArgumentKind::Size
            | ArgumentKind::Count
            | ArgumentKind::Width
            | ArgumentKind::Number(_)
            | ArgumentKind::Length => true,
            ArgumentKind::Boolean
            | ArgumentKind::Word(_)
            | ArgumentKind::Pair(_)
            | ArgumentKind::Texts
            | ArgumentKind::TextOrTexts
            | ArgumentKind::WordOrNumber(_)
            | ArgumentKind::WordOrValue(_)
            | ArgumentKind::WordOrSize(_)
            | ArgumentKind::Column
            | ArgumentKind::Path
            | ArgumentKind::Shape
            | ArgumentKind::Initializer
            | ArgumentKind::Lengths => false,
        }
    }

    /// What the argument takes, in words: "a number, at least 0".
    pub fn text(self) -> String {
        match self {
            ArgumentKind::Size => "a whole number of at least 1".to_string(),
            ArgumentKind::Count => "a whole number of at least 0".to_string(),
            ArgumentKind::Width => "a whole number of at least 1, or `in -> out`".to_string(),
            ArgumentKind::Number(range) if range == Range::ANY => "a number".to_string(),
            ArgumentKind::Number(range) => format!("a number, {}", range.text()),
            ArgumentKind::Boolean => "`true` or `false`".to_string(),
            ArgumentKind::Word(words) => quoted_words(words).join(" or "),
            ArgumentKind::WordOrNumber(words) => {
                format!("{} or a number", quoted_words(words).join(", "))
            }
            ArgumentKind::WordOrValue(words) => {
                format!("{}, a number or a text", quoted_words(words).join(", "))
            }
            ArgumentKind::WordOrSize(words) => {
                let words = quoted_words(words).join(", ");
                format!("a whole number of at least 1, or {words}")
            }
            ArgumentKind::TextOrTexts => "a value or a list of values".to_string(),
            ArgumentKind::Pair(range) => {
                format!("a list of two numbers, each {}", range.text())
            }
            ArgumentKind::Texts => "a list of values".to_string(),
            ArgumentKind::Column => "the name of a column".to_string(),
            ArgumentKind::Path => "the path of a parameter, as in `embed.weight`".to_string(),
            ArgumentKind::Shape => "a list of whole numbers of at least 1".to_string(),
            ArgumentKind::Initializer => "an initializer".to_string(),
            ArgumentKind::Length => {
                "a share of the run (`5%`, at most `100%`) or a number of epochs, more than 0"
                    .to_string()
            }
            ArgumentKind::Lengths => {
                "a list of shares of the run (`50%`, at most `100%`) or of epochs, each more than the \
                 one before"
                    .to_string()
            }
        }
    }
}

fn quoted_words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| format!("`{word}`")).collect()
}

/// What holds when an argument is not given.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Default {
    Required,
    Number(f64),
    Boolean(bool),
    Word(&'static str),
    Pair(f64, f64),
    Size(usize),
    Epochs(f64),
    /// Nothing, with the meaning that the words give.
    Absent(&'static str),
}

impl Default {
    /// The default in words.
    pub fn text(self) -> String {
        match self {
            Default::Required => "required".to_owned(),
            Default::Number(value) if value != 0.0 && value.abs() < 1e-3 => format!("{value:e}"),
            Default::Number(value) => format!("{value}"),
            Default::Boolean(value) => format!("{value}"),
            Default::Word(word) => word.to_owned(),
            Default::Pair(first, second) => format!("[{first}, {second}]"),
            Default::Size(size) => size.to_string(),
            Default::Epochs(epochs) => Length::Epochs(epochs).text(),
            Default::Absent(words) => words.to_owned(),
        }
    }
}

/// One argument after its check.
#[derive(Clone, PartialEq, Debug)]
pub enum ArgumentValue {
    Size(Dim),
    Width {
        input: Option<Dim>,
        output: Dim,
    },
    Number(f64),
    Boolean(bool),
    Word(&'static str),
    Pair(f64, f64),
    Texts(Vec<String>),
    Text(String),
    Column(String),
    Path(String),
    Shape(Vec<Dim>),
    Initializer(Initializer),
    Length(Length),
    Lengths(Vec<Length>),
    /// What stands for a number, or for a list of them, that only the data tells: until then it counts
    /// as [`DEFERRED`], which no plan that runs ever holds.
    Deferred(String),
}

/// What stands for a number that only the data tells.
pub const DEFERRED: f64 = f64::NAN;

/// The checked arguments of one call: each has the type and range that its parameter states.
#[derive(Clone, PartialEq, Debug)]
pub struct Arguments {
    /// The call's place.
    pub span: Span,
    values: Vec<(&'static str, ArgumentValue, Span)>,
}

impl Arguments {
    pub fn new(span: Span) -> Self {
        Arguments {
            span,
            values: Vec::new(),
        }
    }

    pub fn set(&mut self, name: &'static str, value: ArgumentValue, span: Span) {
        self.values.push((name, value, span));
    }

    /// Fills in the defaults of what was not given.
    pub fn complete(mut self, parameters: &'static [Parameter]) -> Self {
        for parameter in parameters {
            let value = match parameter.default {
                Default::Required | Default::Absent(_) => continue,
                Default::Number(value) => ArgumentValue::Number(value),
                Default::Boolean(value) => ArgumentValue::Boolean(value),
                Default::Word(value) => ArgumentValue::Word(value),
                Default::Pair(first, second) => ArgumentValue::Pair(first, second),
                Default::Size(size) => ArgumentValue::Size(Dim::Known(size)),
                Default::Epochs(epochs) => ArgumentValue::Length(Length::Epochs(epochs)),
            };
            if self.get(parameter.name).is_none() {
                self.set(parameter.name, value, self.span);
            }
        }
        self
    }

    pub fn get(&self, name: &str) -> Option<&ArgumentValue> {
        let found = self.values.iter().find(|(known, _, _)| *known == name);
        found.map(|(_, value, _)| value)
    }

    /// The facts of the data that arguments still wait for, as expressions.
    pub fn deferred(&self) -> impl Iterator<Item = String> {
        self.values.iter().filter_map(|(_, value, _)| match value {
            ArgumentValue::Deferred(text) => Some(text.clone()),
            ArgumentValue::Size(Dim::Deferred(text)) => Some(text.to_string()),
            ArgumentValue::Size(_)
            | ArgumentValue::Width { .. }
            | ArgumentValue::Number(_)
            | ArgumentValue::Boolean(_)
            | ArgumentValue::Word(_)
            | ArgumentValue::Pair(..)
            | ArgumentValue::Texts(_)
            | ArgumentValue::Text(_)
            | ArgumentValue::Column(_)
            | ArgumentValue::Path(_)
            | ArgumentValue::Shape(_)
            | ArgumentValue::Initializer(_)
            | ArgumentValue::Length(_)
            | ArgumentValue::Lengths(_) => None,
        })
    }

    /// The place of an argument; the call's if it was not given.
    pub fn span_of(&self, name: &str) -> Span {
        let found = self.values.iter().find(|(known, _, _)| *known == name);
        found.map_or(self.span, |(_, _, span)| *span)
    }

    pub fn number(&self, name: &str) -> f64 {
        match self.get(name) {
            Some(ArgumentValue::Number(value)) => *value,
            Some(ArgumentValue::Deferred(_)) => DEFERRED,
            other => panic!("internal: `{name}` is {other:?}, not a number"),
        }
    }

    pub fn boolean(&self, name: &str) -> bool {
        match self.get(name) {
            Some(ArgumentValue::Boolean(value)) => *value,
            other => panic!("internal: `{name}` is {other:?}, not a truth value"),
        }
    }

    /// A truth value, `false` if it was not given.
    pub fn is_set(&self, name: &str) -> bool {
        matches!(self.get(name), Some(ArgumentValue::Boolean(true)))
    }

    pub fn word(&self, name: &str) -> &'static str {
        match self.get(name) {
            Some(ArgumentValue::Word(value)) => value,
            other => panic!("internal: `{name}` is {other:?}, not a word"),
        }
    }

    /// The arguments with another value for one of them.
    pub fn with(mut self, name: &'static str, value: ArgumentValue) -> Self {
        let span = self.span_of(name);
        self.values.retain(|(known, _, _)| *known != name);
        self.set(name, value, span);
        self
    }

    /// A size; 1 while only the data tells it.
    pub fn size(&self, name: &str) -> usize {
        match self.get(name) {
            Some(ArgumentValue::Size(Dim::Known(size))) => *size,
            Some(ArgumentValue::Size(Dim::Deferred(_))) => 1,
            other => panic!("internal: `{name}` is {other:?}, not a size"),
        }
    }

    pub fn length(&self, name: &str) -> Length {
        match self.get(name) {
            Some(ArgumentValue::Length(length)) => *length,
            Some(ArgumentValue::Deferred(_)) => Length::Epochs(DEFERRED),
            other => panic!("internal: `{name}` is {other:?}, not a length"),
        }
    }

    pub fn lengths(&self, name: &str) -> &[Length] {
        match self.get(name) {
            Some(ArgumentValue::Lengths(lengths)) => lengths,
            Some(ArgumentValue::Deferred(_)) => &[],
            other => panic!("internal: `{name}` is {other:?}, not a list of lengths"),
        }
    }

    pub fn pair(&self, name: &str) -> (f64, f64) {
        match self.get(name) {
            Some(ArgumentValue::Pair(first, second)) => (*first, *second),
            Some(ArgumentValue::Deferred(_)) => (DEFERRED, DEFERRED),
            other => panic!("internal: `{name}` is {other:?}, not a pair"),
        }
    }
}

/// A parameter that must be given by name.
pub const fn named(
    name: &'static str,
    kind: ArgumentKind,
    default: Default,
    summary: &'static str,
) -> Parameter {
    Parameter {
        name,
        kind,
        default,
        positional: false,
        summary,
    }
}

/// A parameter that may be given without its name.
pub const fn positional(
    name: &'static str,
    kind: ArgumentKind,
    default: Default,
    summary: &'static str,
) -> Parameter {
    Parameter {
        name,
        kind,
        default,
        positional: true,
        summary,
    }
}
