//! Whatever the text, the parser answers: no panic, every span inside the text, and a cost that
//! grows with the length of the text and never with the power of its depth.

use std::fs;
use std::path::Path;

use nnc::diagnostics::{Code, Diagnostic, FileId, Sources, Span, render_all};
use nnc::syntax::{Parsed, parse, parse_expression};

use crate::support::campaign;
use crate::support::random::Random;

/// Random texts of each kind.
const TEXTS: usize = 6000;
/// One text in so many is in the sample.
const SAMPLE: u64 = 4;

fn examples() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/syntax");
    let mut paths: Vec<_> = fs::read_dir(folder)
        .expect("the cases are there")
        .map(|entry| entry.expect("a readable entry").path())
        .collect();
    paths.sort();
    paths
        .iter()
        .map(|path| fs::read_to_string(path).expect("a case is UTF-8 text"))
        .collect()
}

fn assert_inside(text: &str, span: Span) {
    let range = span.range();
    assert!(text.get(range.clone()).is_some(), "{range:?} cuts {text:?}");
}

fn assert_places(text: &str, faults: &[Diagnostic]) {
    for fault in faults {
        for label in &fault.labels {
            assert_inside(text, label.span);
        }
        if let Some(edit) = &fault.suggestion {
            assert_inside(text, edit.span);
        }
    }
    let mut sources = Sources::new();
    sources.add("text.nn", text);
    assert_eq!(render_all(faults, &sources).is_empty(), faults.is_empty());
}

fn assert_answers(text: &str) -> Parsed {
    let parsed = parse(text, FileId(0));
    assert_places(text, &parsed.faults);
    for statement in &parsed.file.statements {
        assert_inside(text, statement.span);
    }
    if let Err(faults) = parse_expression(text, FileId(0)) {
        assert!(!faults.is_empty());
        assert_places(text, &faults);
    }
    parsed
}

#[test]
fn every_prefix_of_every_example_is_answered() {
    let examples = examples();
    let prefixes: Vec<&str> = examples
        .iter()
        .flat_map(|text| text.char_indices().map(move |(end, _)| &text[..end]))
        .collect();
    campaign::run("prefixes", prefixes.len(), SAMPLE, |number| {
        assert_answers(prefixes[number]);
    });
}

#[test]
fn mutated_texts_are_answered() {
    const PIECES: [&str; 44] = [
        "(", ")", "[", "]", "{", "}", "\"", "'", "->", "=", ":", ",", ";", "\n", " ", "#", "+",
        "-", "*", "/", "%", ".", "8", "1e-3", "20%", ".5", "1_0", "x", "Linear", "a.b", "repeat 2",
        "residual", "param", "use", "block", "from", "as", "true", "\\", "ü", "→", "\u{a0}",
        "\r\n", "\"x\"",
    ];
    let examples = examples();
    campaign::run("texts", TEXTS, SAMPLE, |number| {
        let mut random = Random::new("texts", number);
        let mut text = examples[random.below(examples.len())].clone();
        for _ in 0..=random.below(4) {
            let boundaries: Vec<usize> = (0..=text.len())
                .filter(|at| text.is_char_boundary(*at))
                .collect();
            let start = boundaries[random.below(boundaries.len())];
            let later: Vec<usize> = boundaries
                .into_iter()
                .filter(|at| *at >= start)
                .take(12)
                .collect();
            let end = later[random.below(later.len())];
            let piece = random.pick(&PIECES);
            let replacement = match random.below(3) {
                0 => String::new(),
                1 => piece.to_string(),
                _ => format!("{piece}{}", &text[start..end]),
            };
            text.replace_range(start..end, &replacement);
        }
        assert_answers(&text);
    });
}

#[test]
fn texts_of_random_pieces_are_answered() {
    const PIECES: [&str; 26] = [
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "->",
        "=",
        ":",
        ",",
        ";",
        "\n",
        "+",
        "-",
        "*",
        "8",
        "x ",
        "Linear",
        "repeat 2 ",
        "residual ",
        "block ",
        "from ",
        "as ",
        "\"x\"",
        "true ",
        "param ",
    ];
    campaign::run("pieces", TEXTS, SAMPLE, |number| {
        let mut random = Random::new("pieces", number);
        let text: String = (0..random.below(40))
            .map(|_| random.pick(&PIECES))
            .collect();
        assert_answers(&text);
    });
}

#[test]
fn ten_thousand_brackets_are_one_fault() {
    for open in ["(", "[", "{", "f(", "x = [(", "residual { ("] {
        let parsed = assert_answers(&open.repeat(10_000));
        assert_eq!(parsed.faults.len(), 1);
        assert_eq!(parsed.faults[0].code, Code::TooLarge);
    }
}

/// Nests of every bracketing construct, whole and with a fault in the innermost place. Each is
/// `open` n times, `middle`, `close` n times.
const NESTS: [(&str, &str, &str); 12] = [
    ("(", "x", ")"),
    ("(", "x y", ")"),
    ("[", "x", "]"),
    ("[", "", "]"),
    ("[a, ", ",", "]"),
    ("f(", "8", ")"),
    ("f(a = ", "8 8", ")"),
    ("-(", "x", ") + 1"),
    ("(x -> repeat 2 {", "y", "} -> f)"),
    ("(x -> residual {", "y z", "} 3)"),
    ("block A(x = (residual {", "b", "}))"),
    ("repeat 2 {", "= =", "} 4\n"),
];

#[test]
fn nests_to_the_limit_are_read_at_once() {
    for (open, middle, close) in NESTS {
        let brackets = open.matches(['(', '[', '{']).count();
        let deepest = 63 / brackets;
        let text = format!(
            "y = {}{middle}{}",
            open.repeat(deepest),
            close.repeat(deepest)
        );
        let line = format!(
            "net {{\n{}{middle}{}\n}}",
            open.repeat(deepest),
            close.repeat(deepest)
        );
        for text in [text, line] {
            let parsed = assert_answers(&text);
            assert!(
                parsed.faults.iter().all(|fault| fault.code == Code::Syntax),
                "{text}"
            );
        }
    }
}

#[test]
fn hostile_sizes_end_in_a_diagnostic() {
    let too_large = |text: &str| {
        let parsed = parse(text, FileId(0));
        assert!(parsed.file.statements.is_empty());
        assert_eq!(parsed.faults.len(), 1);
        assert_eq!(parsed.faults[0].code, Code::TooLarge);
    };
    too_large(&" ".repeat((16 << 20) + 1));
    too_large(&"a;".repeat(1 << 20));
    too_large(&"#\n".repeat(1 << 20));
    for piece in ["@ ", "'", "\"", "“ ", "/**/", "\"\"\"\n", "- ", "\\ "] {
        too_large(&piece.repeat((1 << 20) / piece.len()));
    }
    assert!(parse(&" \n\t".repeat(1 << 20), FileId(0)).faults.is_empty());
    let long_name = "a".repeat(1 << 20);
    assert!(parse(&long_name, FileId(0)).faults.is_empty());
    let sum = format!("y = {}", vec!["x"; 20_000].join(" + "));
    let parsed = parse(&sum, FileId(0));
    assert_eq!(parsed.faults.len(), 1);
    assert_eq!(parsed.faults[0].code, Code::TooLarge);
}

#[test]
fn thousands_of_faulty_lines_are_answered() {
    let lines = "    a = Linear(8 9) -> (x\n".repeat(4000);
    let parsed = parse(&format!("net {{\n{lines}}}\n"), FileId(0));
    assert!(!parsed.faults.is_empty());
}
