//! Equal iterations in a list, to be shown once: what is equal in them, and the numbers in which they
//! differ.
//!
//! An entry's [`Signature`] is all that its entry depends on, with the numbers in the paths of names
//! (`trunk.3.0:Linear`, `mix#4`) taken out. Entries with equal texts whose numbers change by the same
//! steps from one iteration to the next are a [`Repetition`]: the first of them, its title and how many they
//! are tell the others exactly.

use std::collections::HashMap;

/// Fewer iterations are listed one by one.
const FEWEST: usize = 3;
/// Iterations of more entries are not looked for.
const MOST_ENTRIES: usize = 256;

/// Stands for a number in a signature's text.
const NUMBER: char = '\0';

/// What an entry of a list depends on.
#[derive(Default)]
pub struct Signature {
    text: String,
    numbers: Vec<Number>,
}

/// A number in the path of a name.
struct Number {
    value: i64,
    /// What stands before it in its name.
    prefix: String,
}

impl Signature {
    /// Adds what must be equal.
    pub fn text(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// Adds a name, which is returned without the numbers in its path.
    pub fn name(&mut self, name: &str) -> String {
        let mut without = String::with_capacity(name.len());
        for part in name.split_inclusive(['.', ':', '#']) {
            let word = part.trim_end_matches(['.', ':', '#']);
            let (mark, digits) = match word.strip_prefix('∂') {
                Some(digits) => ("∂", digits),
                None => ("", word),
            };
            without.push_str(mark);
            match number(digits) {
                Some(value) => {
                    let prefix = prefix(&without);
                    self.numbers.push(Number { value, prefix });
                    without.push(NUMBER);
                }
                None => without.push_str(digits),
            }
            without.push_str(&part[word.len()..]);
        }
        self.text(&without);
        without
    }
}

/// What the title shows before a number: a gradient stands for the stage that it belongs to.
fn prefix(before: &str) -> String {
    let is_path = !before.ends_with('#');
    let of = before.strip_prefix('∂').filter(|_| is_path);
    of.unwrap_or(before).to_owned()
}

/// The number that a part of a path is, if it is one.
fn number(part: &str) -> Option<i64> {
    let canonical = part == "0" || !part.starts_with('0');
    let digits = part.bytes().all(|byte| byte.is_ascii_digit());
    (canonical && digits).then(|| part.parse().ok()).flatten()
}

/// A part of a folded list.
#[derive(Clone, Debug)]
pub enum Folded {
    /// An entry, by its place in the list.
    One(usize),
    Run(Repetition),
}

/// Equal iterations.
#[derive(Clone, Debug)]
pub struct Repetition {
    pub times: usize,
    /// What changes: `trunk.1 to trunk.13`.
    pub title: String,
    /// The first iteration.
    pub body: Vec<Folded>,
    /// Entries from the beginning of an iteration to that of the next.
    pub stride: usize,
}

impl Repetition {
    /// The line above the first iteration.
    pub fn heading(&self) -> String {
        format!("{}, {} times:", self.title, self.times)
    }
}

/// The lists of one text: equal signatures have equal kinds.
#[derive(Default)]
struct Kinds {
    entries: HashMap<(String, Vec<u32>), u32>,
    runs: HashMap<(usize, Vec<u32>, Vec<i64>), u32>,
    prefixes: HashMap<String, u32>,
    prefix_texts: Vec<String>,
    count: u32,
}

/// An entry or a run, while runs are looked for.
#[derive(Clone)]
struct Item {
    kind: u32,
    numbers: Vec<i64>,
    /// What stands before each number in its name.
    prefixes: Vec<u32>,
    entries: usize,
    folded: Folded,
}

/// The list with equal iterations as runs. An entry without a signature is equal to no other.
pub fn fold(entries: Vec<Option<Signature>>) -> Vec<Folded> {
    let mut kinds = Kinds::default();
    let entries = entries.into_iter().enumerate();
    let items = entries.map(|(place, signature)| kinds.item(place, signature));
    let items = items.collect();
    let items = kinds.fold(items).into_iter();
    items.map(|item| item.folded).collect()
}

impl Kinds {
    fn next(&mut self) -> u32 {
        self.count += 1;
        self.count
    }

    fn item(&mut self, place: usize, signature: Option<Signature>) -> Item {
        let unlike_all = signature.is_none();
        let Signature { text, numbers } = signature.unwrap_or_default();
        let values = numbers.iter().map(|number| number.value).collect();
        let prefixes: Vec<u32> = numbers
            .into_iter()
            .map(|number| self.prefix(number.prefix))
            .collect();
        let key = (text, prefixes.clone());
        let kind = match self.entries.get(&key) {
            Some(kind) if !unlike_all => *kind,
            Some(_) | None => {
                let kind = self.next();
                if !unlike_all {
                    self.entries.insert(key, kind);
                }
                kind
            }
        };
        Item {
            kind,
            numbers: values,
            prefixes,
            entries: 1,
            folded: Folded::One(place),
        }
    }

    fn prefix(&mut self, text: String) -> u32 {
        if let Some(known) = self.prefixes.get(&text) {
            return *known;
        }
        let id = self.prefix_texts.len() as u32;
        self.prefix_texts.push(text.clone());
        self.prefixes.insert(text, id);
        id
    }

    /// Folds the shortest iterations first, wherever they stand, and then those that have runs in them.
    fn fold(&mut self, mut items: Vec<Item>) -> Vec<Item> {
        let mut period = 1;
        while period <= (items.len() / FEWEST).min(MOST_ENTRIES) {
            let count = items.len();
            items = self.fold_once(items, period);
            period = if items.len() < count { 1 } else { period + 1 };
        }
        items
    }

    /// Folds all runs of iterations of so many items.
    fn fold_once(&mut self, items: Vec<Item>, period: usize) -> Vec<Item> {
        if !(0..items.len()).any(|at| self.run_of(&items[at..], 0, period).is_some()) {
            return items;
        }
        let mut folded = Vec::new();
        let mut rest = &items[..];
        while let [first, others @ ..] = rest {
            let Some(found) = self.first_run(rest, period) else {
                folded.push(first.clone());
                rest = others;
                continue;
            };
            let (before, run) = rest.split_at(found.before);
            folded.extend_from_slice(before);
            folded.push(self.run(run[..period].to_vec(), found.times, found.changes));
            rest = &run[period * found.times..];
        }
        folded
    }

    /// The run that begins these items, or within their first iteration if that is where one begins to
    /// speak of its own.
    fn first_run(&self, items: &[Item], period: usize) -> Option<Found> {
        let found = self.run_of(items, 0, period)?;
        let mut later = (0..period).filter_map(|before| {
            let found = self.run_of(items, before, period)?;
            is_one_iteration(&items[before..before + period], &found.changes).then_some(found)
        });
        Some(later.next().unwrap_or(found))
    }

    /// Iterations of so many items behind the first of these.
    fn run_of(&self, items: &[Item], before: usize, period: usize) -> Option<Found> {
        let items = &items[before..];
        let changes = changes(items, period)?;
        self.consistent(&items[..period], &changes).then(|| Found {
            before,
            times: times(items, period, &changes),
            changes,
        })
    }

    /// Whether a name's number changes by the same in all places, so that the title tells how.
    fn consistent(&self, body: &[Item], changes: &[i64]) -> bool {
        let prefixes = body.iter().flat_map(|item| &item.prefixes);
        let mut known: HashMap<u32, i64> = HashMap::new();
        prefixes
            .zip(changes)
            .all(|(prefix, change)| *known.entry(*prefix).or_insert(*change) == *change)
    }

    fn run(&mut self, body: Vec<Item>, times: usize, changes: Vec<i64>) -> Item {
        let numbers: Vec<i64> = body
            .iter()
            .flat_map(|item| &item.numbers)
            .copied()
            .collect();
        let prefixes: Vec<u32> = body
            .iter()
            .flat_map(|item| &item.prefixes)
            .copied()
            .collect();
        let stride = body.iter().map(|item| item.entries).sum();
        let title = self.title(&numbers, &prefixes, &changes, times);
        let key = (times, body.iter().map(|item| item.kind).collect(), changes);
        let kind = match self.runs.get(&key) {
            Some(kind) => *kind,
            None => {
                let kind = self.next();
                self.runs.insert(key, kind);
                kind
            }
        };
        let body = self
            .fold(body)
            .into_iter()
            .map(|item| item.folded)
            .collect();
        Item {
            kind,
            numbers,
            prefixes,
            entries: stride * times,
            folded: Folded::Run(Repetition {
                times,
                title,
                body,
                stride,
            }),
        }
    }

    /// The names that change, from the first iteration to the last: a path before counts of uses.
    fn title(&self, numbers: &[i64], prefixes: &[u32], changes: &[i64], times: usize) -> String {
        let mut told: Vec<(&str, String)> = Vec::new();
        for (place, change) in changes.iter().enumerate() {
            let prefix = self.prefix_texts[prefixes[place] as usize].as_str();
            if *change == 0 || told.iter().any(|(known, _)| *known == prefix) {
                continue;
            }
            // The numbers that stand before it in its name.
            let earlier = prefix.matches(NUMBER).count();
            let mut earlier = numbers[place - earlier..place].iter();
            let mut path = String::new();
            for letter in prefix.chars() {
                if letter == NUMBER
                    && let Some(number) = earlier.next()
                {
                    path.push_str(&number.to_string());
                } else {
                    path.push(letter);
                }
            }
            let first = numbers[place];
            let last = first + change * (times as i64 - 1);
            told.push((prefix, format!("{path}{first} to {path}{last}")));
        }
        told.sort_by_key(|(prefix, _)| prefix.ends_with('#'));
        let names: Vec<String> = told.into_iter().map(|(_, names)| names).collect();
        names.join(", ")
    }
}

/// Iterations that follow each other.
struct Found {
    /// How many items stand before the first of them.
    before: usize,
    times: usize,
    /// By what each number of an iteration changes to the next.
    changes: Vec<i64>,
}

/// Whether the first of each item's names that change agree: the items do not begin in the middle of one
/// iteration and end in that of the next.
fn is_one_iteration(items: &[Item], changes: &[i64]) -> bool {
    let mut known: HashMap<u32, i64> = HashMap::new();
    let mut changes = changes.iter();
    items.iter().all(|item| {
        let named = item.prefixes.iter().zip(&item.numbers);
        let changed = named
            .zip(changes.by_ref())
            .filter(|(_, change)| **change != 0);
        let changed: Vec<(&u32, &i64)> = changed.map(|(named, _)| named).collect();
        let first = changed.first();
        first.is_none_or(|(prefix, number)| *known.entry(**prefix).or_insert(**number) == **number)
    })
}

/// By what the numbers change from each of the first iterations of so many items to the next, if they
/// are iterations.
fn changes(items: &[Item], period: usize) -> Option<Vec<i64>> {
    let mut changes = Vec::new();
    for at in 0..period {
        let [first, next, third] = [0, 1, 2].map(|iteration| items.get(at + iteration * period));
        let (first, next, third) = (first?, next?, third?);
        if first.kind != next.kind || first.kind != third.kind {
            return None;
        }
        let numbers = first.numbers.iter().zip(&next.numbers).zip(&third.numbers);
        for ((first, next), third) in numbers {
            if next - first != third - next {
                return None;
            }
            changes.push(next - first);
        }
    }
    changes.iter().any(|change| *change != 0).then_some(changes)
}

/// How many iterations follow each other with these changes.
fn times(items: &[Item], period: usize, changes: &[i64]) -> usize {
    let pairs = items
        .chunks_exact(period)
        .zip(items[period..].chunks_exact(period));
    let follows = |before: &[Item], next: &[Item]| {
        let alike = before.iter().zip(next).all(|(a, b)| a.kind == b.kind);
        let numbers = |items: &[Item]| -> Vec<i64> {
            items
                .iter()
                .flat_map(|item| &item.numbers)
                .copied()
                .collect()
        };
        alike
            && numbers(before)
                .iter()
                .zip(numbers(next))
                .zip(changes)
                .all(|((before, next), change)| next - before == *change)
    };
    1 + pairs
        .take_while(|(before, next)| follows(before, next))
        .count()
}

/// Names as a list, with runs as their first and last iteration.
pub fn names(names: &[&str], folded: &[Folded], separator: &str) -> Vec<String> {
    names_shifted(names, folded, separator, 0)
}

fn names_shifted(names: &[&str], folded: &[Folded], separator: &str, shift: usize) -> Vec<String> {
    let one = |part: &Folded| match part {
        Folded::One(place) => names[place + shift].to_string(),
        Folded::Run(run) => {
            let iteration = |number: usize| {
                let shift = shift + number * run.stride;
                let body = names_shifted(names, &run.body, separator, shift).join(separator);
                match run.body[..] {
                    [Folded::One(_)] => body,
                    [..] => format!("({body})"),
                }
            };
            format!("{} to {}", iteration(0), iteration(run.times - 1))
        }
    };
    folded.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::{Folded, Signature, fold, names};

    fn folded(list: &[&str]) -> Vec<Folded> {
        let entries = list.iter().map(|name| {
            let mut signature = Signature::default();
            signature.name(name);
            Some(signature)
        });
        fold(entries.collect())
    }

    fn text(list: &[&str]) -> String {
        names(list, &folded(list), ", ").join(", ")
    }

    #[test]
    fn equal_iterations_are_a_run() {
        assert_eq!(text(&["a.0.w", "a.1.w"]), "a.0.w, a.1.w");
        assert_eq!(
            text(&["x", "a.0.w", "a.1.w", "a.2.w", "y"]),
            "x, a.0.w to a.2.w, y"
        );
        assert_eq!(
            text(&["a.0.w", "a.0.b", "a.1.w", "a.1.b", "a.2.w", "a.2.b"]),
            "(a.0.w, a.0.b) to (a.2.w, a.2.b)"
        );
    }

    #[test]
    fn what_differs_stands_apart() {
        assert_eq!(
            text(&[
                "a.0.w", "a.1.w", "a.2.w", "a.3.b", "a.4.w", "a.5.w", "a.6.w"
            ]),
            "a.0.w to a.2.w, a.3.b, a.4.w to a.6.w"
        );
        // An iteration is shown from its beginning.
        assert_eq!(
            text(&[
                "a.0.v", "a.0.b", "a.1.w", "a.1.b", "a.2.w", "a.2.b", "a.3.w", "a.3.b"
            ]),
            "a.0.v, a.0.b, (a.1.w, a.1.b) to (a.3.w, a.3.b)"
        );
        // The numbers do not go on by the same.
        assert_eq!(text(&["a.0.w", "a.1.w", "a.3.w"]), "a.0.w, a.1.w, a.3.w");
        assert_eq!(text(&["a.9", "a.8", "a.7", "a.5"]), "a.9 to a.7, a.5");
        // Numbers within a word are part of it.
        assert_eq!(text(&["a1.w", "a2.w", "a3.w"]), "a1.w, a2.w, a3.w");
    }

    #[test]
    fn runs_stand_in_iterations_of_others() {
        let list: Vec<String> = (0..4)
            .flat_map(|outer| {
                let inner = (0..5).map(move |inner| format!("a.{outer}.{inner}.w"));
                inner.chain([format!("a.{outer}.end")])
            })
            .collect();
        let list: Vec<&str> = list.iter().map(String::as_str).collect();
        let folded = folded(&list);
        let [Folded::Run(outer)] = &folded[..] else {
            panic!("one run: {folded:?}");
        };
        assert_eq!(outer.heading(), "a.0 to a.3, 4 times:");
        let [Folded::Run(inner), Folded::One(5)] = &outer.body[..] else {
            panic!("a run and what follows it: {:?}", outer.body);
        };
        assert_eq!(inner.heading(), "a.0.0 to a.0.4, 5 times:");
        assert_eq!(
            names(&list, &folded, ", "),
            ["(a.0.0.w to a.0.4.w, a.0.end) to (a.3.0.w to a.3.4.w, a.3.end)"]
        );
    }

    #[test]
    fn a_title_tells_all_that_changes() {
        let entry = |names: [&str; 3]| {
            let mut signature = Signature::default();
            for name in names {
                signature.name(name);
            }
            Some(signature)
        };
        let list = |third: [&str; 3]| {
            vec![
                entry(["∂a.3:Tanh", "mix#2", "a.4"]),
                entry(["∂a.2:Tanh", "mix#4", "a.3"]),
                entry(third),
            ]
        };
        let folded = fold(list(["∂a.1:Tanh", "mix#6", "a.2"]));
        let [Folded::Run(run)] = &folded[..] else {
            panic!("one run: {folded:?}");
        };
        assert_eq!(run.heading(), "a.3 to a.1, mix#2 to mix#6, 3 times:");
        assert_eq!(fold(list(["∂a.1:Tanh", "mix#6", "a.3"])).len(), 3);
    }

    #[test]
    fn entries_of_unlike_texts_are_no_run() {
        let entry = |number: usize, text: &str| {
            let mut signature = Signature::default();
            signature.name(&format!("a.{number}.w"));
            signature.text(text);
            Some(signature)
        };
        let list = |texts: [&str; 3]| {
            let entries = texts.iter().enumerate();
            entries.map(|(number, text)| entry(number, text)).collect()
        };
        assert_eq!(fold(list(["zeros", "zeros", "zeros"])).len(), 1);
        assert_eq!(fold(list(["zeros", "ones", "zeros"])).len(), 3);
        assert_eq!(fold(vec![None, None, None]).len(), 3);
    }
}
