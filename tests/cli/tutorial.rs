//! The tutorial of the book: its files are written and its commands run, in their order, and what they
//! print is what the chapter shows.
//!
//! ```sh
//! NNC_UPDATE_DOCS=1 cargo test --test cli tutorial   # writes what they print anew
//! ```

use std::env;
use std::fmt::Write as _;
use std::path::Path;

use crate::{Folder, Ran};

const CHAPTER: &str = "docs/src/tutorial.md";

/// Printed figures of a training agree so far, of the greater of the figure and 1: each instruction set
/// rounds its sums otherwise.
const TOLERANCE: f64 = 0.01;

/// A fenced block, or a line outside of one.
enum Piece<'t> {
    Line(&'t str),
    Block { info: &'t str, text: String },
}

fn pieces(chapter: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut lines = chapter.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else {
            pieces.push(Piece::Line(line));
            continue;
        };
        let inside = lines.by_ref().take_while(|line| *line != "```");
        let text = inside.map(|line| format!("{line}\n")).collect();
        pieces.push(Piece::Block { info, text });
    }
    pieces
}

/// The file that a block is, or the beginning of which if it is one of `models/`: `# first.nn: …` begins a
/// model, and `csv,new.csv` a table.
fn file_of<'t>(info: &'t str, text: &'t str) -> Option<&'t str> {
    if info == "nn" {
        return text
            .strip_prefix("# ")?
            .split_once(':')
            .map(|(name, _)| name);
    }
    info.strip_prefix("csv,")
}

fn run(folder: &Folder, command: &str) -> Ran {
    let mut words = command.split_whitespace();
    assert_eq!(words.next(), Some("nnc"), "{command}");
    folder.nnc(&words.collect::<Vec<&str>>())
}

/// Whether two texts have the same words, and numbers that agree.
fn agree(printed: &str, shown: &str) -> bool {
    let words = |text: &str| -> Vec<String> {
        let breaks = |sign: char| sign.is_whitespace() || sign == ',';
        text.split(breaks).map(str::to_owned).collect()
    };
    let (printed, shown) = (words(printed), words(shown));
    printed.len() == shown.len()
        && printed.iter().zip(&shown).all(|(printed, shown)| {
            let numbers = (printed.parse::<f64>(), shown.parse::<f64>());
            let (Ok(number), Ok(expected)) = numbers else {
                return printed == shown;
            };
            (number - expected).abs() <= TOLERANCE * expected.abs().max(1.0)
        })
}

#[test]
fn the_tutorial_s_commands_print_what_it_shows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let chapter = std::fs::read_to_string(root.join(CHAPTER)).expect("the chapter");
    let folder = Folder::new("tutorial");
    for file in ["diabetes.nn", "diabetes.csv"] {
        let bytes = std::fs::read(root.join("models").join(file)).expect("a model's file");
        folder.write(&format!("models/{file}"), bytes);
    }
    let update = env::var_os("NNC_UPDATE_DOCS").is_some();
    let mut anew = String::new();
    let mut printed: Option<(String, String)> = None;
    let mut commands = 0;
    for piece in pieces(&chapter) {
        let (info, mut text) = match piece {
            Piece::Line(line) => {
                anew += line;
                anew.push('\n');
                continue;
            }
            Piece::Block { info, text } => (info, text),
        };
        if let Some(file) = file_of(info, &text) {
            let bundled = format!("models/{file}");
            if folder.path.join(&bundled).exists() {
                let begins = folder.read(&bundled).starts_with(&text);
                assert!(begins, "{bundled} begins otherwise");
            } else {
                folder.write(file, &text);
            }
        }
        if info == "sh" {
            let command = text.trim();
            let Ran { out, err, .. } = run(&folder, command);
            printed = Some((command.to_owned(), err + &out));
            commands += 1;
        }
        if info == "text" {
            let (command, output) = printed.take().expect("a command before what it prints");
            if update {
                text = output;
            } else {
                assert!(
                    agree(&output, &text),
                    "{command}\n{output}\n--- shown\n{text}"
                );
            }
        }
        writeln!(anew, "```{info}\n{text}```").expect("a string takes any text");
    }
    assert!(commands >= 6, "{commands} commands");
    if update {
        std::fs::write(root.join(CHAPTER), anew).expect("the chapter is written");
    }
}
