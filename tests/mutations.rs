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

/// Words with one letter left out, doubled, exchanged with the next, or another: of each kind one, at a
/// place that depends on the word's.
fn typos(word: &str, seed: usize) -> Vec<String> {
    let letters: Vec<char> = word.chars().collect();
    let count = letters.len();
    let place = |salt: usize| (seed * 7 + salt * 3) % count;
    let of = |letters: Vec<char>| letters.into_iter().collect::<String>();
    let mut typos = Vec::new();
    if count > 2 {
        let mut left_out = letters.clone();
        left_out.remove(place(1));
        typos.push(of(left_out));
        let at = place(2).min(count - 2);
        let mut exchanged = letters.clone();
        exchanged.swap(at, at + 1);
        typos.push(of(exchanged));
    }
    let mut doubled = letters.clone();
    doubled.insert(place(3), letters[place(3)]);
    typos.push(of(doubled));
    let mut other = letters;
    let at = place(4);
    other[at] = match other[at] {
        'z' => 'y',
        'Z' => 'Y',
        '_' => 'x',
        letter => char::from_u32(letter as u32 + 1).expect("an ASCII letter"),
    };
    typos.push(of(other));
    typos.retain(|typo| typo != word && !typo.starts_with(|first: char| first.is_ascii_digit()));
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
}

#[test]
fn misspelt_words_get_the_right_suggestion() {
    let mut count = Count::default();
    let mut wrong: Vec<String> = Vec::new();
    let mut missed: BTreeMap<String, usize> = BTreeMap::new();
    for model in models() {
        let plan = answer(&model, &model.text)
            .unwrap_or_else(|faults| panic!("{}: {faults:?}", model.name));
        let names = declared(&model);
        for (index, range) in words(&model.text).into_iter().enumerate() {
            let word = &model.text[range.clone()];
            for typo in typos(word, index) {
                if names.contains(&typo) {
                    count.other_names += 1;
                    continue;
                }
                let mut text = model.text.clone();
                text.replace_range(range.clone(), &typo);
                match answer(&model, &text) {
                    Ok(found) if renamed(&found, word, &typo) == renamed(&plan, word, &typo) => {
                        count.renamed += 1;
                    }
                    Ok(_) => wrong.push(format!(
                        "{}: `{typo}` for `{word}` at {range:?}",
                        model.name
                    )),
                    Err(faults) => {
                        count.typos += 1;
                        if suggests(&faults, word, &typo) {
                            count.suggested += 1;
                        } else {
                            *missed.entry(format!("{word}: {typo}")).or_default() += 1;
                        }
                    }
                }
            }
        }
    }
    let Count {
        typos,
        suggested,
        renamed,
        other_names,
    } = count;
    println!(
        "{suggested} of {typos} typos get the right suggestion; {renamed} only give another name to \
         something, {other_names} spell another name; missed: {missed:#?}"
    );
    assert!(
        wrong.is_empty(),
        "taken for another model:\n{}",
        wrong.join("\n")
    );
    assert!(typos > 2400, "{typos} typos");
    assert!(
        suggested * 100 >= typos * 95,
        "{suggested} of {typos}: {missed:#?}"
    );
}
