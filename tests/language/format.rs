//! `nnc fmt` on whole texts: each file of `tests/cases/format` becomes that of its snapshot, and what
//! is written never changes the meaning, is stable, and keeps every comment.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nnc::diagnostics::{FileId, Sources, render_all};
use nnc::syntax::{format, parse};

const FILE: FileId = FileId(0);

/// All `.nn` files below a folder.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "nn") {
            found.push(path);
        }
    }
}

fn texts() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    for folder in ["models", "tests"] {
        files(&root.join(folder), &mut paths);
    }
    paths.sort();
    let texts = paths.into_iter().map(|path| {
        let text = fs::read_to_string(&path).expect("a case is UTF-8 text");
        (path, text)
    });
    texts.collect()
}

/// The tree without its places, and the comments without the blanks at their ends.
fn meaning(text: &str) -> (String, Vec<String>) {
    let parsed = parse(text, FILE);
    assert!(parsed.faults.is_empty(), "{text}");
    let tree = format!("{:?}", parsed.file.statements);
    let mut plain = String::new();
    let mut pieces = tree.split("Span {");
    plain.extend(pieces.next());
    for piece in pieces {
        plain.push_str(piece.split_once('}').expect("a span ends").1);
    }
    let comments = parsed.file.comments.into_iter();
    let mut comments: Vec<String> = comments
        .map(|comment| comment.text.trim_end().to_owned())
        .collect();
    comments.sort();
    (plain, comments)
}

#[track_caller]
fn assert_formats(text: &str) -> String {
    let formatted = format(text, FILE).expect("the text has no fault");
    assert_eq!(meaning(&formatted), meaning(text), "{text}\n{formatted}");
    let again = format(&formatted, FILE).expect("still no fault");
    assert_eq!(again, formatted, "from\n{text}");
    assert!(
        !formatted.lines().any(|line| line.ends_with(' ')),
        "{formatted}"
    );
    formatted
}

fn is_sound(text: &str) -> bool {
    parse(text, FILE).faults.is_empty()
}

#[test]
fn every_file_keeps_its_meaning_and_its_comments() {
    let mut sound = 0;
    for (path, text) in texts() {
        if is_sound(&text) {
            assert_formats(&text);
            sound += 1;
        } else {
            let mut sources = Sources::new();
            let file = sources.add("it", text.clone());
            let told = format(&text, file).expect_err("the text has faults");
            let parsed = parse(&text, file).faults;
            assert_eq!(
                render_all(&told, &sources),
                render_all(&parsed, &sources),
                "{}",
                path.display()
            );
        }
    }
    assert!(sound > 150, "{sound} sound files");
}

#[test]
fn models_are_written_as_fmt_writes_them() {
    for (path, text) in texts() {
        if path.components().any(|part| part.as_os_str() == "models") {
            assert_eq!(assert_formats(&text), text, "{}", path.display());
        }
    }
}

#[test]
fn cases_become_their_snapshots() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/format");
    let mut paths = Vec::new();
    files(&folder, &mut paths);
    paths.sort();
    assert!(paths.len() >= 6, "{} cases", paths.len());
    for path in paths {
        let name = path.file_stem().expect("a file").to_string_lossy();
        let text = fs::read_to_string(&path).expect("a case is UTF-8 text");
        let formatted = assert_formats(&text);
        insta::with_settings!({
            snapshot_path => "../snapshots/format",
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!(name.as_ref(), formatted);
        });
    }
}

/// A linear congruential generator (Knuth's MMIX constants): the same texts on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        ((self.0 >> 33) as usize) % bound
    }
}

/// Texts that follow the grammar, with comments and line ends wherever they may stand.
struct Writer {
    random: Random,
    text: String,
    comments: usize,
}

impl Writer {
    fn chance(&mut self, of: usize) -> bool {
        self.random.below(of) == 0
    }

    fn put(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Blanks, between brackets also line ends and comments.
    fn gap(&mut self, in_group: bool) {
        match self.random.below(9) {
            0 if in_group => {
                self.comments += 1;
                let comment = format!("# {}\n", self.comments);
                self.put(&comment);
            }
            1 if in_group => {
                self.comments += 1;
                let comment = format!("\n  # {}  \n", self.comments);
                self.put(&comment);
            }
            2 if in_group => self.put("\n\n"),
            3 | 4 => self.put("  "),
            _ => self.put(" "),
        }
    }

    fn word(&mut self) {
        let words = [
            "x",
            "Linear",
            "alpha_beta",
            "embed.weight",
            "a_rather_long_name_for_it",
        ];
        let word = words[self.random.below(words.len())];
        self.put(word);
    }

    fn value(&mut self, depth: usize, in_group: bool) {
        match self.random.below(if depth == 0 { 4 } else { 8 }) {
            0 => self.put("8"),
            1 => self.put("1e-3"),
            2 => self.put("\"px *\""),
            3 => self.word(),
            4 => {
                self.put("(");
                self.gap(true);
                self.flow(depth - 1, true);
                self.gap(true);
                self.put(")");
            }
            5 => self.list("[", "]", depth - 1, false),
            6 => {
                self.word();
                self.list("(", ")", depth - 1, true);
            }
            _ => {
                self.put("-");
                self.gap(in_group);
                self.word();
            }
        }
    }

    fn list(&mut self, open: &str, close: &str, depth: usize, named: bool) {
        self.put(open);
        self.gap(true);
        let count = self.random.below(4);
        for index in 0..count {
            if named && self.chance(2) {
                self.put("key");
                self.gap(true);
                self.put("=");
                self.gap(true);
            }
            self.flow(depth, true);
            self.gap(true);
            if index + 1 < count || self.chance(3) {
                self.put(",");
                self.gap(true);
            }
        }
        self.put(close);
    }

    fn sum(&mut self, depth: usize, in_group: bool) {
        self.value(depth, in_group);
        while self.chance(4) {
            self.gap(in_group);
            let operator = ["+", "-", "*", "/"][self.random.below(4)];
            self.put(operator);
            self.gap(in_group);
            self.value(depth, in_group);
        }
    }

    fn flow(&mut self, depth: usize, in_group: bool) {
        self.sum(depth, in_group);
        while self.chance(3) {
            // A line may go on before an arrow.
            self.gap(true);
            self.put("->");
            self.gap(in_group);
            match self.random.below(5) {
                0 if depth > 0 => self.section("residual", depth - 1),
                1 if depth > 0 => self.section("name: repeat 2 + (3) as i", depth - 1),
                2 => self.put("fc: Linear(8)"),
                _ => self.word(),
            }
        }
    }

    fn section(&mut self, head: &str, depth: usize) {
        self.put(head);
        self.put(" {");
        self.statements(depth);
        self.put("}");
    }

    fn statements(&mut self, depth: usize) {
        for _ in 0..self.random.below(4) {
            self.gap(true);
            match self.random.below(9) {
                0 => self.put("input a, \"b c\": number from \"x*\""),
                1 => self.put("ignore id"),
                2 => self.put("param width = 64"),
                3 => {
                    self.put("block Gate");
                    let parameters = ["(a, b = 2)", "(\n# c\na,)", "()"];
                    let parameters = parameters[self.random.below(3)];
                    self.put(parameters);
                    self.section("", depth.saturating_sub(1));
                }
                4 => self.section("params \"*.bias\"", depth.saturating_sub(1)),
                5 => {
                    self.put("label: ");
                    self.put("Linear(8)");
                }
                6 | 7 => {
                    self.word_of_setting();
                    self.put(" = ");
                    self.flow(depth, false);
                }
                _ => {
                    self.put("x ");
                    self.put("-> ");
                    self.put("Linear");
                    self.list("(", ")", depth, true);
                }
            }
            let ends = [
                "\n",
                ";",
                " ; ",
                "\n\n\n",
                " # end\n",
                ";# end\n",
                "\n# own\n\n",
            ];
            let end = ends[self.random.below(ends.len())];
            self.put(end);
        }
    }

    fn word_of_setting(&mut self) {
        let words = [
            "a",
            "loss",
            "optimizer",
            "a_very_long_name_that_is_longer_than_any_other",
        ];
        let word = words[self.random.below(words.len())];
        self.put(word);
    }
}

#[test]
fn written_texts_keep_their_meaning() {
    let mut sound = 0;
    for seed in 0..4000 {
        let mut writer = Writer {
            random: Random(seed),
            text: String::new(),
            comments: 0,
        };
        let depth = 1 + writer.random.below(4);
        writer.section("net", depth);
        writer.put("\n");
        writer.statements(depth);
        if is_sound(&writer.text) {
            assert_formats(&writer.text);
            assert_formats(&writer.text.replace('\n', "\r\n"));
            sound += 1;
        }
    }
    assert!(sound > 2000, "{sound} sound texts");
}

/// Texts with a piece put in or taken out, as a writer changes them.
#[test]
fn mutated_files_keep_their_meaning() {
    const PIECES: [&str; 14] = [
        "\n", "\n\n\n", " ", "\t", " # c\n", "\n# c\n", ";", "\r\n", "(", ")", ", ", " -> F",
        "# é\n", "{ a }",
    ];
    let texts: Vec<String> = texts().into_iter().map(|(_, text)| text).collect();
    let mut random = Random(3);
    let mut sound = 0;
    for _ in 0..20_000 {
        let mut text = texts[random.below(texts.len())].clone();
        for _ in 0..=random.below(3) {
            let boundaries: Vec<usize> = (0..=text.len())
                .filter(|at| text.is_char_boundary(*at))
                .collect();
            let at = boundaries[random.below(boundaries.len())];
            text.insert_str(at, PIECES[random.below(PIECES.len())]);
        }
        if is_sound(&text) {
            assert_formats(&text);
            sound += 1;
        }
    }
    assert!(sound > 2000, "{sound} sound texts");
}

#[test]
fn line_ends_stay_and_a_byte_order_mark_goes() {
    let unix = "net {\n    a = x\n}\n";
    assert_eq!(format(unix, FILE).as_deref(), Ok(unix));
    assert_eq!(
        format("\u{feff}net{\r\na=x\r\n\r\n}", FILE).as_deref(),
        Ok("net {\r\n    a = x\r\n}\r\n")
    );
    assert_eq!(format("", FILE).as_deref(), Ok(""));
    assert_eq!(format("\n\n", FILE).as_deref(), Ok(""));
    assert_eq!(format("\n\n# c", FILE).as_deref(), Ok("# c\n"));
}

#[test]
fn ten_thousand_lines_and_deep_nests_take_no_time() {
    let line = "    h = x -> Tanh  # a comment\n";
    let long = format!("net {{\n{}}}\n", line.repeat(10_000));
    let nest = |open: &str, close: &str, depth: usize| {
        format!("y = {}x{}\n", open.repeat(depth), close.repeat(depth))
    };
    let deep = [
        nest("(", ")", 60),
        nest("f(key = ", ", other_key = value_that_is_long)", 60),
        nest("[one_element, two_elements, ", " # c\n]", 60),
        nest("(x -> residual {\n", "\n})", 30),
        nest("(x -> residual { ", " })", 30),
    ];
    let start = Instant::now();
    assert_eq!(assert_formats(&long), long);
    for text in deep {
        assert_formats(&text);
    }
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "{:?}",
        start.elapsed()
    );
}
