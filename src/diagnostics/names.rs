//! Names in messages: the one that was meant, and lists of those that there are.

/// Names longer than this are not compared: the cost grows with the product of the lengths.
const LONGEST_NAME: usize = 200;

/// The known name that `wrong` most likely stands for, if one is near enough.
///
/// Equal but for case and underscores counts as nearest; otherwise the Damerau-Levenshtein distance
/// may be at most a third of the longer name's length. Of one or two letters, one may be another if no
/// second name is as near.
pub fn near_miss<'n>(wrong: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    if wrong.len() > LONGEST_NAME {
        return None;
    }
    let known: Vec<&str> = known.into_iter().collect();
    let wrong_letters = Letters::of(wrong);
    let plain = |name: &str| name.to_lowercase().replace(['_', '-', ' '], "");
    let wrong_plain = plain(wrong);
    let wrong_length = wrong_plain.chars().count();
    let nearest = known
        .iter()
        .copied()
        .filter(|name| name.len() <= LONGEST_NAME && wrong_letters.may_be_near(&Letters::of(name)))
        .filter_map(|name| {
            let name_plain = plain(name);
            let length = name_plain.chars().count();
            let longest = wrong_length.max(length);
            // The distance is at least the difference of the lengths.
            if 3 * wrong_length.abs_diff(length) > longest {
                return None;
            }
            let distance = strsim::damerau_levenshtein(&wrong_plain, &name_plain);
            let near = distance == 0 || distance * 3 <= longest;
            // Among equally near names one of the same case, then the first of the alphabet: the order of
            // `known` may be a table's.
            near.then(|| (distance, strsim::damerau_levenshtein(wrong, name), name))
        })
        .min()
        .map(|(_, _, name)| name);
    if nearest.is_some() || wrong.chars().count() > 2 {
        return nearest;
    }
    let mut short: Vec<&str> = known
        .into_iter()
        .filter(|name| name.chars().count() <= 2 && strsim::damerau_levenshtein(wrong, name) == 1)
        .collect();
    short.sort_unstable();
    short.dedup();
    match short[..] {
        [only] => Some(only),
        [..] => None,
    }
}

/// How often each letter stands in a name, letters by their last bits: what is too far from another by
/// this alone is not compared. That is most of any list, which may be as long as the file.
struct Letters {
    counts: [u8; 64],
    length: u32,
    ascii: bool,
}

impl Letters {
    /// Of a name of at most [`LONGEST_NAME`] bytes, without case and what divides words.
    fn of(name: &str) -> Letters {
        let mut letters = Letters {
            counts: [0; 64],
            length: 0,
            ascii: name.is_ascii(),
        };
        for letter in name.bytes().filter(|it| !matches!(it, b'_' | b'-' | b' ')) {
            letters.counts[usize::from(letter.to_ascii_lowercase() % 64)] += 1;
            letters.length += 1;
        }
        letters
    }

    /// The distance of two names is at least the letters of the longer that the other does not have.
    fn may_be_near(&self, other: &Letters) -> bool {
        let pairs = self.counts.iter().zip(&other.counts);
        let common: u32 = pairs.map(|(a, b)| u32::from(*a.min(b))).sum();
        let longest = self.length.max(other.length);
        !(self.ascii && other.ascii) || 3 * (longest - common) <= longest
    }
}

/// Names for a note: the first of them, and how many there are.
pub fn listed<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    const SHOWN: usize = 24;
    let mut names = names.into_iter();
    let shown: Vec<&str> = names.by_ref().take(SHOWN).collect();
    let shown_count = shown.len();
    match names.count() {
        0 => shown.join(", "),
        more => format!("{}, … ({} in all)", shown.join(", "), shown_count + more),
    }
}
