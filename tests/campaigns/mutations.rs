//! Models with one word misspelt: each gets the right suggestion, and none is taken for another model.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::Path;

use nnc::diagnostics::{Diagnostic, Sources};
use nnc::plan::Target;
use nnc::{Compiled, ModelSource, compile};

use crate::support;
use crate::support::campaign::{self, Share};

/// One typo in so many is in the sample.
const SAMPLE: u64 = 64;
/// How many typos the sample has, and all models.
const IN_SAMPLE: usize = 4099;
const IN_ALL: usize = 262_311;

/// A model with its table.
struct Model {
    name: String,
    text: String,
    csv: Option<String>,
}

/// The models of `models/`, and those of the parity fixtures that compose networks.
fn models() -> Vec<Model> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut models = Vec::new();
    let mut paths: Vec<_> = fs::read_dir(root.join("models"))
        .expect("the models")
        .map(|entry| entry.expect("a readable entry").path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "nn"))
        .collect();
    paths.sort();
    for path in paths {
        models.push(Model {
            name: path.file_stem().unwrap().to_string_lossy().into_owned(),
            text: fs::read_to_string(&path).unwrap(),
            csv: fs::read_to_string(path.with_extension("csv")).ok(),
        });
    }
    for fixture in [
        "composed-blocks-f64",
        "composed-nested-f64",
        "composed-lists-f64",
        "composed-siamese-f64",
        "composed-tied-f64",
        "targets-f64",
        "groups-f64",
        "schedule-warmup-cosine-f64",
        "row-weights-f64",
        "penalties-f64",
        "embedding-f64",
        "accumulate-average-f64",
    ] {
        let folder = root.join("tests/parity").join(fixture);
        models.push(Model {
            name: fixture.to_owned(),
            text: fs::read_to_string(folder.join("model.nn")).unwrap(),
            csv: fs::read_to_string(folder.join("data.csv")).ok(),
        });
    }
    models
}

/// What is said of a model, and the plan of one without a fault.
fn answer(model: &Model, text: &str) -> Result<String, Vec<Diagnostic>> {
    let plan = |compiled: &Compiled| {
        let phase = compiled.train.as_ref().unwrap_or(&compiled.predict);
        phase.plan.to_string()
    };
    if let Some(csv) = &model.csv {
        let mut all = match support::try_load(&model.name, text, csv) {
            Ok(loaded) => return Ok(plan(&loaded.compiled)),
            Err((faults, _)) => faults,
        };
        all.extend(alone(&model.name, text).err().unwrap_or_default());
        return Err(all);
    }
    alone(&model.name, text).map(|compiled| plan(&compiled))
}

fn alone(name: &str, text: &str) -> Result<Compiled, Vec<Diagnostic>> {
    let mut sources = Sources::new();
    let file = sources.add(format!("{name}.nn"), text);
    compile(&ModelSource::new(&sources, file), None, Target::Reference)
}

/// The words of a model outside of comments and texts.
fn words(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut words = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        match bytes[at] {
            b'#' => at += text[at..].find('\n').unwrap_or(text.len() - at),
            b'"' => {
                at += text[at + 1..]
                    .find('"')
                    .map_or(text.len() - at, |end| end + 2)
            }
            byte if word(byte) => {
                let start = at;
                while at < bytes.len() && (word(bytes[at]) || bytes[at] == b'.') {
                    at += 1;
                }
                // What begins with a digit is a number.
                if !byte.is_ascii_digit() {
                    words.push(start..at);
                }
            }
            _ => at += 1,
        }
    }
    words
}

/// What a letter may be typed as.
const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz_";

/// Every word one edit away: a letter more, another one, one left out, two exchanged.
fn typos(word: &str) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    let of = |letters: Vec<char>| letters.into_iter().collect::<String>();
    let any = || LETTERS.iter().copied().map(char::from);
    let mut typos = Vec::new();
    for place in 0..=letters.len() {
        for letter in any() {
            let mut more = letters.clone();
            more.insert(place, letter);
            typos.push(of(more));
        }
        let Some(old) = letters.get(place) else {
            continue;
        };
        for letter in any() {
            let letter = if old.is_ascii_uppercase() {
                letter.to_ascii_uppercase()
            } else {
                letter
            };
            let mut other = letters.clone();
            other[place] = letter;
            typos.push(of(other));
        }
        if letters.len() > 2 {
            let mut left_out = letters.clone();
            left_out.remove(place);
            typos.push(of(left_out));
        }
        if place + 1 < letters.len() && letters.len() > 2 {
            let mut exchanged = letters.clone();
            exchanged.swap(place, place + 1);
            typos.push(of(exchanged));
        }
    }
    // What begins otherwise is no word of the language any more.
    typos
        .retain(|typo| typo != word && typo.starts_with(|first: char| first.is_ascii_alphabetic()));
    typos.sort_unstable();
    typos.dedup();
    typos
}

/// Whether the faults name the word that was meant: at the typo, or, of a name that is declared under the
/// typo, that one where the name is used.
fn suggests(faults: &[Diagnostic], word: &str, typo: &str) -> bool {
    faults.iter().any(|fault| {
        let edit = fault
            .suggestion
            .as_ref()
            .map(|edit| edit.replacement.as_str());
        let edited = edit.is_some_and(|edit| {
            let mut parts = edit.split(|letter: char| !(letter.is_alphanumeric() || letter == '_'));
            edit == word || edit == typo || parts.any(|part| part == word || part == typo)
        });
        let said = |text: &String| text.contains(&format!("`{word}`"));
        let labelled = fault
            .labels
            .iter()
            .map(|label| &label.message)
            .any(|text| said(text) && text.contains("called"));
        let helped = fault
            .notes
            .iter()
            .any(|note| note.starts_with("help") && said(note));
        edited || labelled || helped
    })
}

/// A plan with two names made one, and without what only sets its columns apart.
fn renamed(plan: &str, word: &str, typo: &str) -> String {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let mut pieces = String::new();
    for piece in plan.split_inclusive(|letter| !is_name(letter)) {
        let name = piece.trim_end_matches(|letter| !is_name(letter));
        let rest = &piece[name.len()..];
        pieces += if name == word || name == typo {
            "§"
        } else {
            name
        };
        pieces += rest.trim_matches([' ', '─']);
        pieces += " ";
    }
    pieces.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A model, the plan that it has without a typo, and all names that a typo may happen to spell.
struct Meant<'m> {
    model: &'m Model,
    plan: String,
    names: BTreeSet<String>,
}

impl<'m> Meant<'m> {
    fn new(model: &'m Model) -> Self {
        let plan = answer(model, &model.text)
            .unwrap_or_else(|faults| panic!("{}: {faults:?}", model.name));
        let words = words(&model.text).into_iter();
        let words = words.map(|range| model.text[range].to_owned());
        let entries = nnc::catalog::entries().map(|entry| entry.name.to_owned());
        Meant {
            model,
            plan,
            names: words.chain(entries).collect(),
        }
    }

    /// Every typo of every word.
    fn typos(&self) -> impl Iterator<Item = Typo<'_>> {
        let typos = move |range: Range<usize>| {
            let typos = typos(&self.model.text[range.clone()]).into_iter();
            typos.map(move |typo| Typo {
                meant: self,
                range: range.clone(),
                typo,
            })
        };
        words(&self.model.text).into_iter().flat_map(typos)
    }
}

/// One word of a model misspelt.
struct Typo<'m> {
    meant: &'m Meant<'m>,
    range: Range<usize>,
    typo: String,
}

/// What a typo comes to.
enum Outcome {
    /// It spells another name of the model or the catalog.
    OtherName,
    /// Something has another name, and nothing else changes.
    Renamed,
    /// A fault, with the word that was meant.
    Suggested,
    /// A fault without it.
    Missed,
    /// Another model.
    Wrong,
}

impl Typo<'_> {
    fn word(&self) -> &str {
        &self.meant.model.text[self.range.clone()]
    }

    fn outcome(&self) -> Outcome {
        let Meant { model, plan, names } = self.meant;
        let (word, typo) = (self.word(), &self.typo);
        if names.contains(typo) {
            return Outcome::OtherName;
        }
        let mut text = model.text.clone();
        text.replace_range(self.range.clone(), typo);
        match answer(model, &text) {
            Ok(found) if renamed(&found, word, typo) == renamed(plan, word, typo) => {
                Outcome::Renamed
            }
            Ok(_) => Outcome::Wrong,
            Err(faults) if suggests(&faults, word, typo) => Outcome::Suggested,
            Err(_) => Outcome::Missed,
        }
    }
}

#[test]
fn misspelt_words_get_the_right_suggestion() {
    let models = models();
    let meant: Vec<Meant> = models.iter().map(Meant::new).collect();
    let typos: Vec<Typo> = meant.iter().flat_map(Meant::typos).collect();
    let outcomes = campaign::run("typos", typos.len(), SAMPLE, |number| {
        (number, typos[number].outcome())
    });
    let tried = outcomes.len();
    let [mut other_names, mut renamed, mut suggested] = [0; 3];
    let mut wrong = Vec::new();
    let mut missed: BTreeMap<String, usize> = BTreeMap::new();
    for (number, outcome) in outcomes {
        let typo = &typos[number];
        let what = format!("{}: {}", typo.word(), typo.typo);
        match outcome {
            Outcome::OtherName => other_names += 1,
            Outcome::Renamed => renamed += 1,
            Outcome::Suggested => suggested += 1,
            Outcome::Missed => *missed.entry(what).or_default() += 1,
            Outcome::Wrong => wrong.push(format!("{what} in {}", typo.meant.model.name)),
        }
    }
    let faulty = suggested + missed.values().sum::<usize>();
    println!(
        "{suggested} of {faulty} typos get the right suggestion; {renamed} only give another name to \
         something, {other_names} spell another name"
    );
    assert!(
        wrong.is_empty(),
        "taken for another model:\n{}",
        wrong.join("\n")
    );
    match campaign::share() {
        Share::Sample => assert_eq!(tried, IN_SAMPLE),
        Share::Hash { .. } => {}
        Share::All => assert_eq!(tried, IN_ALL),
    }
    let mut most: Vec<(&String, &usize)> = missed.iter().collect();
    most.sort_by_key(|(_, times)| std::cmp::Reverse(**times));
    most.truncate(60);
    assert!(
        suggested * 100 >= faulty * 95,
        "{suggested} of {faulty}: {most:#?}"
    );
}
