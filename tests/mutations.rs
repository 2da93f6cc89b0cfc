//! Models with one word misspelt: each gets the right suggestion, and none is taken for another model.

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::ops::Range;
use std::path::Path;

use nnc::diagnostics::{Diagnostic, Sources};
use nnc::plan::Target;
use nnc::{Compiled, ModelSource, compile};

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

/// Letters that are tried at each place, of those above, unless all are.
const LETTERS_TRIED: usize = 2;

/// Every word with one letter left out, and with two exchanged, at every place; and with one more, and with
/// another, at every place, of letters that go round by the word and the place. With `NNC_ALL_TYPOS` in
/// the environment all letters are tried, every typo of one edit: some 400 a word, in six times the time.
fn typos(word: &str, seed: usize) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    let of = |letters: Vec<char>| letters.into_iter().collect::<String>();
    let tried = match std::env::var_os("NNC_ALL_TYPOS") {
        Some(_) => LETTERS.len(),
        None => LETTERS_TRIED,
    };
    let at = |place: usize| {
        (0..tried).map(move |index| {
            char::from(LETTERS[(seed * 5 + place * 7 + index * 13) % LETTERS.len()])
        })
    };
    let mut typos = Vec::new();
    for place in 0..=letters.len() {
        for letter in at(place) {
            let mut more = letters.clone();
            more.insert(place, letter);
            typos.push(of(more));
        }
        let Some(old) = letters.get(place) else {
            continue;
        };
        for letter in at(place + seed + 1) {
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

/// All names that a typo may happen to spell.
fn declared(model: &Model) -> Vec<String> {
    let mut names: Vec<String> = words(&model.text)
        .into_iter()
        .map(|range| model.text[range].to_owned())
        .collect();
    names.extend(nnc::catalog::entries().map(|entry| entry.name.to_owned()));
    names
}

#[derive(Default)]
struct Count {
    typos: usize,
    suggested: usize,
    renamed: usize,
    other_names: usize,
    wrong: Vec<String>,
    missed: BTreeMap<String, usize>,
}

impl Count {
    /// Tries every typo of one word of a model.
    fn word(
        &mut self,
        model: &Model,
        plan: &str,
        names: &[String],
        index: usize,
        range: &Range<usize>,
    ) {
        let word = &model.text[range.clone()];
        for typo in typos(word, index) {
            if names.contains(&typo) {
                self.other_names += 1;
                continue;
            }
            let mut text = model.text.clone();
            text.replace_range(range.clone(), &typo);
            match answer(model, &text) {
                Ok(found) if renamed(&found, word, &typo) == renamed(plan, word, &typo) => {
                    self.renamed += 1;
                }
                Ok(_) => self.wrong.push(format!(
                    "{}: `{typo}` for `{word}` at {range:?}",
                    model.name
                )),
                Err(faults) => {
                    self.typos += 1;
                    if suggests(&faults, word, &typo) {
                        self.suggested += 1;
                    } else {
                        *self.missed.entry(format!("{word}: {typo}")).or_default() += 1;
                    }
                }
            }
        }
    }

    fn add(&mut self, other: Count) {
        self.typos += other.typos;
        self.suggested += other.suggested;
        self.renamed += other.renamed;
        self.other_names += other.other_names;
        self.wrong.extend(other.wrong);
        for (typo, times) in other.missed {
            *self.missed.entry(typo).or_default() += times;
        }
    }
}

/// Tries the words that leave this rest.
fn count(rest: usize, of: usize) -> Count {
    let mut count = Count::default();
    for model in models() {
        let plan = answer(&model, &model.text)
            .unwrap_or_else(|faults| panic!("{}: {faults:?}", model.name));
        let names = declared(&model);
        let words = words(&model.text).into_iter().enumerate();
        for (index, range) in words.filter(|(index, _)| index % of == rest) {
            count.word(&model, &plan, &names, index, &range);
        }
    }
    count
}

#[test]
fn misspelt_words_get_the_right_suggestion() {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let mut all = Count::default();
    std::thread::scope(|scope| {
        let counts = (0..workers).map(|rest| scope.spawn(move || count(rest, workers)));
        for count in counts.collect::<Vec<_>>() {
            all.add(
                count
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            );
        }
    });
    let Count {
        typos,
        suggested,
        renamed,
        other_names,
        wrong,
        missed,
    } = all;
    println!(
        "{suggested} of {typos} typos get the right suggestion; {renamed} only give another name to \
         something, {other_names} spell another name"
    );
    let mut most: Vec<(&String, &usize)> = missed.iter().collect();
    most.sort_by_key(|(_, times)| std::cmp::Reverse(**times));
    most.truncate(60);
    assert!(
        wrong.is_empty(),
        "taken for another model:\n{}",
        wrong.join("\n")
    );
    assert!(typos > 20_000, "{typos} typos");
    assert!(
        suggested * 100 >= typos * 95,
        "{suggested} of {typos}: {most:#?}"
    );
}
