//! Categories: which values the training rows teach, and what every word of a table becomes.

use std::collections::HashMap;

use crate::data::comparison::{Comparison, Key, number, sort, truth};
use crate::data::spec::{Category, CategoryFill, Unknown};

/// What is learned of a category.
#[derive(Clone, PartialEq, Debug)]
pub struct PreparedCategory {
    /// The column's name in the file.
    pub column: String,
    /// The values of the training rows, or those that the model lists.
    pub values: Vec<String>,
    pub comparison: Comparison,
    /// Whether the network sees the place of the value as a number.
    pub ordered: bool,
    pub unknown: PreparedUnknown,
    /// The place among the values of what a missing cell becomes.
    pub fill: Option<usize>,
}

/// What becomes of a word that is none of the values, and of a missing cell that nothing fills.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PreparedUnknown {
    /// It is refused.
    Refused,
    /// One more index behind the values; whether any training row has it.
    Own { trained: bool },
    /// Index 0, before those of the values: all zeros.
    Zero,
    /// The value at this place.
    Value(usize),
}

impl PreparedCategory {
    /// How many indices there are.
    pub fn indices(&self) -> usize {
        let more = match self.unknown {
            PreparedUnknown::Refused | PreparedUnknown::Value(_) => 0,
            PreparedUnknown::Own { .. } | PreparedUnknown::Zero => 1,
        };
        self.values.len() + more
    }

    /// The index of each of a table's words; `None` for one that is refused.
    pub fn indices_of(&self, words: &[Option<String>]) -> Vec<Option<u32>> {
        let first = match self.unknown {
            PreparedUnknown::Zero => 1,
            PreparedUnknown::Refused | PreparedUnknown::Own { .. } | PreparedUnknown::Value(_) => 0,
        };
        let places = self.places();
        let unknown = match self.unknown {
            PreparedUnknown::Refused => None,
            PreparedUnknown::Own { .. } => Some(self.values.len()),
            PreparedUnknown::Zero => Some(0),
            PreparedUnknown::Value(place) => Some(place),
        };
        let index = |word: &Option<String>| {
            let place = match word {
                Some(word) => self.comparison.key(word).and_then(|it| places.get(&it)),
                None => self.fill.as_ref(),
            };
            let index = place.map(|place| place + first).or(unknown)?;
            Some(u32::try_from(index).expect("fewer than 2^20 values"))
        };
        words.iter().map(index).collect()
    }

    /// For each of a table's words whether it is one of the values, or filled.
    pub fn knows(&self, words: &[Option<String>]) -> Vec<bool> {
        let places = self.places();
        let known = |word: &Option<String>| match word {
            Some(word) => {
                let key = self.comparison.key(word);
                key.is_some_and(|key| places.contains_key(&key))
            }
            None => self.fill.is_some(),
        };
        words.iter().map(known).collect()
    }

    fn places(&self) -> HashMap<Key, usize> {
        let values = self.values.iter().enumerate().rev();
        match self.comparison {
            Comparison::Boolean => [(Key::Truth(false), 0), (Key::Truth(true), 1)].into(),
            Comparison::Text | Comparison::Number => values
                .filter_map(|(place, value)| Some((self.comparison.key(value)?, place)))
                .collect(),
        }
    }
}

/// Codes of a column's rows in the order of its values, a missing one behind them.
pub(super) fn codes_by_value(codes: &[u32], words: &[Option<String>]) -> Vec<u32> {
    let column = Found::new(words, &Category::default(), &vec![1; words.len()]);
    let category = PreparedCategory {
        column: String::new(),
        values: column.values,
        comparison: column.comparison,
        ordered: false,
        unknown: PreparedUnknown::Own { trained: true },
        fill: None,
    };
    let of_word = category.indices_of(words);
    let codes = codes.iter().map(|&code| of_word[code as usize]);
    codes.map(|code| code.expect("none is refused")).collect()
}

/// Why a category cannot be learned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum CategoryFault {
    /// Not one training row has a value that could be learned.
    NoValues,
    /// `unknown` or `fill` names what is no value.
    NoSuchValue {
        setting: &'static str,
        value: String,
    },
}

/// Learns a category from how many training rows have each of a table's words.
pub(super) fn learn(
    column: &str,
    declared: &Category,
    words: &[Option<String>],
    counts: &[usize],
) -> Result<PreparedCategory, CategoryFault> {
    let mut found = Found::new(words, declared, counts);
    let missing = words.iter().zip(counts).filter(|(word, _)| word.is_none());
    let missing: usize = missing.map(|(_, count)| count).sum();
    let fill = match &declared.fill {
        None | Some(CategoryFill::Forward) => None,
        Some(CategoryFill::Mode) => Some(found.most_frequent().ok_or(CategoryFault::NoValues)?),
        Some(CategoryFill::Value(value)) => {
            let known = found.place(value);
            // Cells of other rows would have no value then.
            let lacking = missing == 0 && declared.unknown.is_none();
            if known.is_none() && (declared.values.is_some() || lacking) {
                let (setting, value) = ("fill", value.clone());
                return Err(CategoryFault::NoSuchValue { setting, value });
            }
            // The value of filled cells is one of the training rows', too.
            if known.is_none() && missing > 0 {
                found.add(value.clone());
            }
            Some(value.clone())
        }
    };
    if let Some(place) = fill.as_ref().and_then(|value| found.place(value)) {
        found.counts[place] += missing;
    }
    let before = found.values.len();
    if let Some(least) = declared.min_count {
        found.retain(least);
    }
    let unknown = match &declared.unknown {
        None => PreparedUnknown::Refused,
        Some(Unknown::Zero) => PreparedUnknown::Zero,
        Some(Unknown::Own) => {
            let rare = found.values.len() < before;
            let unfilled = fill.is_none() && missing > 0;
            let unlisted = found.unlisted > 0;
            let trained = rare || unfilled || unlisted;
            PreparedUnknown::Own { trained }
        }
        Some(Unknown::Value(value)) => match found.place(value) {
            Some(place) => PreparedUnknown::Value(place),
            None => {
                let (setting, value) = ("unknown", value.clone());
                return Err(CategoryFault::NoSuchValue { setting, value });
            }
        },
    };
    if found.values.is_empty() {
        return Err(CategoryFault::NoValues);
    }
    Ok(PreparedCategory {
        column: column.to_owned(),
        fill: fill.and_then(|value| found.place(&value)),
        values: found.values,
        comparison: found.comparison,
        ordered: declared.ordered,
        unknown,
    })
}

/// Learns truth values: the values are the spellings of the first training rows that have them.
pub(super) fn learn_boolean(
    column: &str,
    fill: Option<&CategoryFill>,
    words: &[Option<String>],
    counts: &[usize],
    as_number: bool,
) -> Result<PreparedCategory, CategoryFault> {
    let trained = || {
        let trained = words.iter().zip(counts).filter(|(_, count)| **count > 0);
        trained.filter_map(|(word, count)| Some((word.as_deref()?, count)))
    };
    let spelling = |wanted: bool| trained().find(|(word, _)| truth(word) == Some(wanted));
    let value = |wanted: bool| spelling(wanted).map_or(wanted.to_string(), |(it, _)| it.to_owned());
    let fill = match fill {
        None | Some(CategoryFill::Forward) => None,
        Some(CategoryFill::Mode) => {
            let count = |wanted: bool| -> usize {
                let same = trained().filter(|(word, _)| truth(word) == Some(wanted));
                same.map(|(_, count)| count).sum()
            };
            let (no, yes) = (count(false), count(true));
            if no + yes == 0 {
                return Err(CategoryFault::NoValues);
            }
            Some(usize::from(yes > no))
        }
        Some(CategoryFill::Value(value)) => match truth(value) {
            Some(truth) => Some(usize::from(truth)),
            None => {
                let (setting, value) = ("fill", value.clone());
                return Err(CategoryFault::NoSuchValue { setting, value });
            }
        },
    };
    Ok(PreparedCategory {
        column: column.to_owned(),
        values: vec![value(false), value(true)],
        comparison: Comparison::Boolean,
        ordered: as_number,
        unknown: PreparedUnknown::Refused,
        fill,
    })
}

/// Values with the training rows that have them.
struct Found {
    values: Vec<String>,
    counts: Vec<usize>,
    comparison: Comparison,
    /// How many training rows have a word that is not listed.
    unlisted: usize,
}

impl Found {
    fn new(words: &[Option<String>], declared: &Category, counts: &[usize]) -> Self {
        let trained = || {
            let trained = words.iter().zip(counts).filter(|(_, count)| **count > 0);
            trained.filter_map(|(word, count)| Some((word.as_deref()?, *count)))
        };
        let comparison = match &declared.values {
            Some(values) => Comparison::of(values.iter().map(String::as_str), declared.exact),
            None => Comparison::of(trained().map(|(word, _)| word), declared.exact),
        };
        let values = declared.values.clone().unwrap_or_else(|| {
            let shortest = |word: &str| match comparison {
                Comparison::Number => number(word).map(|number| format!("{}", number + 0.0)),
                Comparison::Text | Comparison::Boolean => None,
            };
            let values = trained().map(|(word, _)| shortest(word).unwrap_or(word.to_owned()));
            let mut values: Vec<String> = values.collect();
            sort(&mut values);
            values.dedup();
            values
        });
        let mut found = Found {
            counts: vec![0; values.len()],
            values,
            comparison,
            unlisted: 0,
        };
        let places = found.places();
        for (word, count) in trained() {
            let key = comparison.key(word);
            match key.and_then(|key| places.get(&key)) {
                Some(&place) => found.counts[place] += count,
                None => found.unlisted += count,
            }
        }
        found
    }

    fn places(&self) -> HashMap<Key, usize> {
        let values = self.values.iter().enumerate().rev();
        let keyed = values.filter_map(|(place, value)| Some((self.comparison.key(value)?, place)));
        keyed.collect()
    }

    fn place(&self, value: &str) -> Option<usize> {
        let key = self.comparison.key(value)?;
        let mut values = self.values.iter();
        values.position(|known| self.comparison.key(known).as_ref() == Some(&key))
    }

    /// The most frequent value, of equally frequent ones the first.
    fn most_frequent(&self) -> Option<String> {
        let most = self.counts.iter().copied().max().filter(|most| *most > 0)?;
        let place = self.counts.iter().position(|count| *count == most)?;
        Some(self.values[place].clone())
    }

    /// Adds a value that no row has, in its order.
    fn add(&mut self, value: String) {
        if self.comparison.key(&value).is_none() {
            self.comparison = Comparison::Text;
        }
        let counts: HashMap<String, usize> = self
            .values
            .drain(..)
            .zip(self.counts.drain(..))
            .chain([(value, 0)])
            .collect();
        self.values = counts.keys().cloned().collect();
        sort(&mut self.values);
        self.counts = self.values.iter().map(|value| counts[value]).collect();
    }

    /// Leaves the values that so many training rows have.
    fn retain(&mut self, least: usize) {
        let counts = std::mem::take(&mut self.counts);
        let values = std::mem::take(&mut self.values).into_iter().zip(counts);
        (self.values, self.counts) = values.filter(|(_, count)| *count >= least).unzip();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(texts: &[&str]) -> Vec<Option<String>> {
        let word = |text: &&str| (!text.is_empty()).then(|| (*text).to_owned());
        texts.iter().map(word).collect()
    }

    fn indices(category: &PreparedCategory, texts: &[&str]) -> Vec<Option<u32>> {
        category.indices_of(&words(texts))
    }

    #[test]
    fn values_are_those_of_the_training_rows() {
        let table = words(&["b", "a", "c", ""]);
        let learned = learn("x", &Category::default(), &table, &[1, 2, 0, 0]).expect("values");
        assert_eq!(learned.values, ["a", "b"]);
        let found = indices(&learned, &["a", "b", "c", ""]);
        assert_eq!(found, [Some(0), Some(1), None, None]);
    }

    #[test]
    fn numbers_compare_as_numbers_where_all_are_such() {
        let table = words(&["10", "3.0", "03", "3", "-0", "0"]);
        let counts = [1; 6];
        let learned = learn("x", &Category::default(), &table, &counts).expect("values");
        assert_eq!(learned.values, ["0", "3", "10"]);
        assert_eq!(
            indices(&learned, &["3.00", "1e1", "x"]),
            [Some(1), Some(2), None]
        );
        let exact = Category {
            exact: true,
            ..Category::default()
        };
        let learned = learn("x", &exact, &table, &counts).expect("values");
        assert_eq!(learned.values, ["-0", "0", "03", "3", "3.0", "10"]);
        let mixed = learn(
            "x",
            &Category::default(),
            &words(&["3", "3.0", "x"]),
            &[1; 3],
        );
        assert_eq!(mixed.expect("values").values, ["3", "3.0", "x"]);
    }

    #[test]
    fn a_word_that_fills_is_one_of_the_training_rows() {
        let table = words(&["a", "b", ""]);
        let filled = |word: &str, unknown: Option<Unknown>, counts: &[usize]| {
            let declared = Category {
                fill: Some(CategoryFill::Value(word.to_owned())),
                unknown,
                ..Category::default()
            };
            learn("x", &declared, &table, counts)
        };
        let known = filled("a", None, &[1, 1, 0]).expect("values");
        assert_eq!(indices(&known, &["b", ""]), [Some(1), Some(0)]);
        let own = filled("none", None, &[1, 1, 2]).expect("values");
        assert_eq!(own.values, ["a", "b", "none"]);
        assert_eq!(indices(&own, &["b", ""]), [Some(1), Some(2)]);
        let refused = filled("none", None, &[1, 1, 0]);
        assert!(matches!(refused, Err(CategoryFault::NoSuchValue { .. })));
        let unknown = filled("none", Some(Unknown::Own), &[1, 1, 0]).expect("values");
        assert_eq!(indices(&unknown, &["b", ""]), [Some(1), Some(2)]);
    }

    #[test]
    fn unknown_values_share_a_row_are_zero_or_take_a_value() {
        let table = words(&["a", "b", "c", ""]);
        let with = |unknown: Unknown, min_count: Option<usize>, counts: &[usize]| {
            let declared = Category {
                unknown: Some(unknown),
                min_count,
                ..Category::default()
            };
            learn("x", &declared, &table, counts)
        };
        let own = with(Unknown::Own, None, &[3, 1, 0, 0]).expect("values");
        assert_eq!(own.unknown, PreparedUnknown::Own { trained: false });
        assert_eq!(own.indices(), 3);
        assert_eq!(indices(&own, &["a", "b", "c", ""]), [0, 1, 2, 2].map(Some));
        let rare = with(Unknown::Own, Some(2), &[3, 1, 0, 0]).expect("values");
        assert_eq!(rare.unknown, PreparedUnknown::Own { trained: true });
        assert_eq!(indices(&rare, &["a", "b", "c", ""]), [0, 1, 1, 1].map(Some));
        let missing = with(Unknown::Own, None, &[3, 1, 0, 1]).expect("values");
        assert_eq!(missing.unknown, PreparedUnknown::Own { trained: true });
        let zero = with(Unknown::Zero, None, &[3, 1, 0, 0]).expect("values");
        assert_eq!(indices(&zero, &["a", "b", "c", ""]), [1, 2, 0, 0].map(Some));
        let value = with(Unknown::Value("b".to_owned()), None, &[3, 1, 0, 0]).expect("values");
        assert_eq!(
            (value.indices(), value.unknown),
            (2, PreparedUnknown::Value(1))
        );
        assert_eq!(indices(&value, &["c", ""]), [1, 1].map(Some));
        let none = with(Unknown::Value("c".to_owned()), None, &[3, 1, 0, 0]);
        assert!(matches!(none, Err(CategoryFault::NoSuchValue { .. })));
        let none = with(Unknown::Own, Some(9), &[3, 1, 0, 0]);
        assert_eq!(none, Err(CategoryFault::NoValues));
    }

    #[test]
    fn missing_cells_are_filled_before_they_are_unknown() {
        let table = words(&["b", "a", ""]);
        let with = |fill: CategoryFill| Category {
            fill: Some(fill),
            unknown: Some(Unknown::Own),
            ..Category::default()
        };
        let mode = learn("x", &with(CategoryFill::Mode), &table, &[2, 2, 5]).expect("values");
        assert_eq!(
            (mode.fill, mode.unknown),
            (Some(0), PreparedUnknown::Own { trained: false })
        );
        let word = with(CategoryFill::Value("aa".to_owned()));
        let filled = learn("x", &word, &table, &[2, 2, 5]).expect("values");
        assert_eq!((filled.values.len(), filled.fill), (3, Some(1)));
        let unused = learn("x", &word, &table, &[2, 2, 0]).expect("values");
        assert_eq!((unused.values.len(), unused.fill), (2, None));
    }

    #[test]
    fn truth_values_have_several_spellings() {
        let table = words(&["Yes", "no", "TRUE", "f", "0", "1", "perhaps"]);
        let learned = learn_boolean("x", None, &table, &[1; 7], false).expect("values");
        assert_eq!(learned.values, ["no", "Yes"]);
        let found: Vec<Option<u32>> = learned.indices_of(&table);
        let expected = [Some(1), Some(0), Some(1), Some(0), Some(0), Some(1), None];
        assert_eq!(found, expected);
        let mode = learn_boolean("x", Some(&CategoryFill::Mode), &table, &[1; 7], true);
        assert_eq!(mode.expect("values").fill, Some(0));
    }

    #[test]
    fn strata_are_in_the_order_of_the_values() {
        let table = words(&["10", "2", "", "2.0"]);
        assert_eq!(codes_by_value(&[0, 1, 2, 3, 0], &table), [1, 0, 2, 0, 1]);
    }
}
