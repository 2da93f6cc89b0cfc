//! How the words of a category are compared.

/// How words are compared with values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Comparison {
    /// By their characters.
    Text,
    /// As numbers: `3`, `3.0` and `03` are one.
    Number,
    /// As truth values: the first value is `false`, the second `true`, in their usual spellings.
    Boolean,
}

/// What of a word decides which value it is.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) enum Key {
    Number(u64),
    Truth(bool),
    Text(String),
}

impl Comparison {
    pub(super) fn key(self, word: &str) -> Option<Key> {
        match self {
            Comparison::Text => Some(Key::Text(word.to_owned())),
            // Adding 0 makes one of -0 and 0.
            Comparison::Number => number(word).map(|number| Key::Number((number + 0.0).to_bits())),
            Comparison::Boolean => truth(word).map(Key::Truth),
        }
    }

    /// How these words are compared: as numbers if all are such.
    pub(super) fn of<'w>(mut words: impl Iterator<Item = &'w str>, exact: bool) -> Self {
        if !exact && words.all(|word| number(word).is_some()) {
            Comparison::Number
        } else {
            Comparison::Text
        }
    }
}

/// The finite number that a word writes.
pub(super) fn number(word: &str) -> Option<f64> {
    let number = word.parse::<f64>().ok();
    number.filter(|number| number.is_finite())
}

/// The truth value that a word writes.
pub(super) fn truth(word: &str) -> Option<bool> {
    const FALSE: [&str; 4] = ["false", "no", "f", "0"];
    const TRUE: [&str; 4] = ["true", "yes", "t", "1"];
    let is = |spelling: &&str| word.eq_ignore_ascii_case(spelling);
    if TRUE.iter().any(&is) {
        Some(true)
    } else {
        FALSE.iter().any(is).then_some(false)
    }
}

/// Whether a number is written with zeros before it, as codes are that are no numbers.
pub(super) fn has_leading_zeros(word: &str) -> bool {
    let digits = word.trim_start_matches(['+', '-']).as_bytes();
    matches!(digits, [b'0', b'0'..=b'9', ..])
}

/// Sorts values: by number where all are such, else bytewise.
pub(super) fn sort(values: &mut [String]) {
    if values.iter().all(|value| number(value).is_some()) {
        let by_number = |value: &String| number(value).unwrap_or_default();
        values.sort_by(|left, right| {
            let order = by_number(left).total_cmp(&by_number(right));
            order.then_with(|| left.cmp(right))
        });
    } else {
        values.sort();
    }
}

#[cfg(test)]
mod tests {
    use super::has_leading_zeros;

    #[test]
    fn codes_of_leading_zeros_are_told_apart_from_numbers() {
        let found = ["02139", "-01", "0", "0.5", "10", "00"].map(has_leading_zeros);
        assert_eq!(found, [true, true, false, false, false, true]);
    }
}
