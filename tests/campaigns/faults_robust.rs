//! Whatever a model's text, the compiler answers: with plans, or with faults that have their places;
//! never with a panic, and within a time that grows with the length of the text.

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

use nnc::diagnostics::{Code, Diagnostic, MOST_FAULTS, Sources, render_all};
use nnc::plan::Target;
use nnc::{ModelSource, compile};

use crate::support::random::Random;
use crate::support::{self, campaign};

const MODELS: usize = 4000;
const MODELS_WITH_A_TABLE: usize = 500;
/// One model in so many is in the sample.
const SAMPLE: u64 = 4;

fn models() -> Vec<String> {
    let mut texts = Vec::new();
    for folder in ["models", "tests/cases/plans", "tests/cases/faults"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let entries = fs::read_dir(path).expect("the folder is there");
        let paths = entries.map(|entry| entry.expect("a readable entry").path());
        let mut paths: Vec<_> = paths
            .filter(|path| path.extension().is_some_and(|ending| ending == "nn"))
            .collect();
        paths.sort();
        let read = |path| fs::read_to_string(path).expect("a model is UTF-8 text");
        texts.extend(paths.into_iter().map(read));
    }
    texts
}

/// All faults of a text, each with its places inside of the text, rendered.
fn answer(text: &str) -> (Vec<Diagnostic>, String) {
    let mut sources = Sources::new();
    let file = sources.add("model.nn", text);
    let result = catch_unwind(|| {
        compile(&ModelSource::new(&sources, file), None, Target::Reference)
            .map(|compiled| compiled.predict.plan.to_string())
    });
    let faults = match result.unwrap_or_else(|_| panic!("the compiler panics on\n{text}")) {
        Ok(_) => return (Vec::new(), String::new()),
        Err(faults) => faults,
    };
    assert!(!faults.is_empty(), "refused without a fault:\n{text}");
    for fault in &faults {
        assert!(
            !fault.labels.is_empty(),
            "{fault:?} has no place in\n{text}"
        );
        let spans = fault.labels.iter().map(|label| label.span);
        for span in spans.chain(fault.suggestion.iter().map(|edit| edit.span)) {
            assert!(text.get(span.range()).is_some(), "{fault:?} in\n{text}");
        }
    }
    let rendered = render_all(&faults, &sources);
    (faults, rendered)
}

/// Words, numbers and texts as one token each, all other characters alone.
fn tokens(text: &str) -> Vec<&str> {
    let kind = |character: char| match character {
        _ if character.is_alphanumeric() || character == '_' || character == '.' => 0,
        ' ' => 1,
        _ => 2,
    };
    let mut tokens = Vec::new();
    let mut start = 0;
    let mut before = None;
    for (at, character) in text.char_indices() {
        let now = kind(character);
        if before.is_some_and(|before| before != now || now == 2) {
            tokens.push(&text[start..at]);
            start = at;
        }
        before = Some(now);
    }
    tokens.push(&text[start..]);
    tokens
}

const EXTREMES: [&str; 16] = [
    "0",
    "-1",
    "2.5",
    "1e300",
    "9007199254740992",
    "99999999999",
    "20%",
    "\"\"",
    "[]",
    "true",
    "in",
    "rows",
    "classes",
    "->",
    "shared",
    "repeat 2 { Tanh }",
];

#[test]
fn mutated_models_are_answered() {
    let models = models();
    let (good, faulty): (Vec<&String>, Vec<&String>) =
        models.iter().partition(|model| answer(model).0.is_empty());
    let all: Vec<&str> = models.iter().flat_map(|model| tokens(model)).collect();
    let attempt = |number| {
        let mut random = Random::new("models", number);
        let from = if random.below(4) > 0 { &good } else { &faulty };
        let mut model = tokens(from[random.below(from.len())]);
        for _ in 0..=random.below(3) {
            let at = random.below(model.len());
            match random.below(5) {
                0 => {
                    model.remove(at);
                }
                1 => model.insert(at, random.pick(&model.clone())),
                2 => model[at] = random.pick(&all),
                3 => model[at] = random.pick(&EXTREMES),
                _ => {
                    let other = random.below(model.len());
                    model.swap(at, other);
                }
            }
            if model.is_empty() {
                break;
            }
        }
        let (faults, _) = answer(&model.concat());
        faults.is_empty()
    };
    let compiled = campaign::run("models", MODELS, SAMPLE, attempt);
    let count = compiled.iter().filter(|compiled| **compiled).count();
    assert!(count * 20 > compiled.len(), "{count} models compiled");
}

#[test]
fn mutated_models_with_a_table_are_answered() {
    let model = support::text("models/iris.nn");
    let csv = support::text("models/iris.csv");
    let csv: String = csv.lines().take(40).flat_map(|line| [line, "\n"]).collect();
    let rooms = tokens(&model);
    campaign::run("tables", MODELS_WITH_A_TABLE, SAMPLE, |number| {
        let mut random = Random::new("tables", number);
        let mut changed = rooms.clone();
        let at = random.below(changed.len());
        changed[at] = match random.below(2) {
            0 => random.pick(&rooms),
            _ => random.pick(&EXTREMES),
        };
        let text = changed.concat();
        let result = catch_unwind(|| support::try_load("iris", &text, &csv).err());
        let result = result.unwrap_or_else(|_| panic!("the compiler panics on\n{text}"));
        if let Some((faults, sources)) = result {
            assert!(!faults.is_empty(), "refused without a fault:\n{text}");
            assert!(!render_all(&faults, &sources).is_empty());
        }
    });
}

fn model(net: &str) -> String {
    format!(
        "data {{\n    input a, b: number\n    target y: number\n}}\nnet {{\n{net}}}\n\
         train {{ loss = MSE; epochs = 3 }}\n"
    )
}

/// The faults of a text, which are few enough to be read.
fn answered(name: &str, text: &str) -> Vec<Diagnostic> {
    let (faults, rendered) = answer(text);
    assert!(faults.len() <= MOST_FAULTS, "{name}: {}", faults.len());
    assert!(rendered.len() < 2000 * (faults.len() + 1), "{name}");
    faults
}

#[test]
fn long_models_are_answered() {
    const LINES: usize = 10_000;
    let lines = |line: &dyn Fn(usize) -> String| -> String {
        let mut net: String = (0..LINES).map(line).collect();
        net.push_str("    Linear(1)\n");
        model(&net)
    };
    let count = |faults: Vec<Diagnostic>, code: Code| {
        assert!(faults.iter().all(|fault| fault.code == code), "{faults:?}");
        faults.len()
    };
    let unknown = answered("layers", &lines(&|_| "    Liner(8)\n".into()));
    assert_eq!(count(unknown, Code::UnknownEntry), MOST_FAULTS);
    let unused = answered("unused", &lines(&|at| format!("    h{at} = a + {at}\n")));
    assert!(count(unused, Code::UnusedResult) == MOST_FAULTS);
    let named = lines(&|at| format!("    h{at} = a + g{at}\n"));
    assert_eq!(
        count(answered("names", &named), Code::UnknownName),
        MOST_FAULTS
    );
    let labels = lines(&|_| "    same: Tanh\n".into());
    assert_eq!(
        count(answered("labels", &labels), Code::DuplicateName),
        MOST_FAULTS
    );
    let wide = lines(&|at| format!("    Linear({at}, bias = 1)\n").replace("(0,", "(1,"));
    assert_eq!(
        count(answered("types", &wide), Code::WrongType),
        MOST_FAULTS
    );
    let good: String = "    Linear(4) -> Tanh\n".repeat(1000);
    assert!(answered("good", &model(&(good + "    Linear(1)\n"))).is_empty());
}

#[test]
fn long_lines_are_shown_in_part() {
    let long = "x".repeat(1 << 20);
    let names = format!("    {long} -> Linear(1)\n");
    assert_eq!(
        answered("a long name", &model(&names))[0].code,
        Code::UnknownName
    );
    let layer = format!("    L{long}(1)\n");
    assert_eq!(
        answered("a long layer", &model(&layer))[0].code,
        Code::UnknownEntry
    );
    let flow = format!("    Linear(1){}\n", " -> Tanhh".repeat(20_000));
    let faults = answered("a long flow", &model(&flow));
    assert!(faults.iter().all(|fault| fault.code == Code::UnknownEntry));
    let columns: Vec<String> = (0..40_000).map(|at| format!("c{}", at / 2)).collect();
    let data = format!(
        "data {{ input {}: number; target y: number }}\n",
        columns.join(", ")
    );
    let faults = answered(
        "long columns",
        &(data + "net { Linear(1) }\ntrain { loss = MSE; epochs = 1 }\n"),
    );
    assert!(
        faults
            .iter()
            .all(|fault| fault.code == Code::DuplicateColumn)
    );
    let brackets = model(&"(".repeat(10_000));
    assert_eq!(answered("brackets", &brackets)[0].code, Code::TooLarge);
}

#[test]
fn parameters_that_double_are_computed_once() {
    let mut text: String = (0..30)
        .map(|at| format!("param p{at} = p{} + p{}\n", at + 1, at + 1))
        .collect();
    text.push_str("param p30 = 1 / 134217728\n");
    text.push_str(&model("    Linear(p0)\n    Linear(1)\n"));
    assert!(answered("parameters", &text).is_empty());
    let chain: String = (0..5000)
        .map(|at| format!("param p{at} = p{} + 1\n", at + 1))
        .collect();
    let faults = answered(
        "a chain",
        &(chain + "param p5000 = 1\n" + &model("    Linear(1)\n")),
    );
    assert!(faults.iter().all(|fault| fault.code == Code::TooLarge));
    let circle = |length: usize| {
        let params = (0..length).map(|at| format!("param p{at} = p{}\n", (at + 1) % length));
        let params: String = params.collect();
        answered(
            "a circle",
            &(params + &model("    Linear(p7)\n    Linear(1)\n")),
        )
    };
    circle(2000);
    let faults = circle(20);
    assert_eq!(faults.len(), 1, "{faults:?}");
}
