//! Every model and piece of a model in the README and in the book compiles, and stands in its canonical
//! form. The chapters that restate the catalog, the settings and the codes are made from them:
//!
//! ```sh
//! NNC_UPDATE_DOCS=1 cargo test --test documents   # writes them anew
//! ```

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use nnc::catalog::settings::SECTIONS;
use nnc::catalog::words::WORDS;
use nnc::catalog::{Entry, Kind, entries};
use nnc::diagnostics::{Code, FileId, Sources, render_all};
use nnc::plan::Target;
use nnc::{ModelSource, compile};

/// The fenced blocks of the language.
fn examples(text: &str) -> Vec<String> {
    let mut blocks = text.split("```nn\n").skip(1);
    let mut found: Vec<String> = Vec::new();
    for block in &mut blocks {
        let end = block.find("```").expect("the fence is closed");
        found.push(block[..end].to_string());
    }
    found
}

/// A piece of a model with the sections that it lacks.
fn whole(piece: &str) -> String {
    let rest = BTreeMap::from([
        (
            "data",
            "data {\n    input left: vector from \"l*\"\n    input right: vector from \"r*\"\n    \
             target kind: category(values = [a, b])\n    split = random(validate = 20%)\n}\n",
        ),
        ("net", "net { Linear(classes) }\n"),
        ("train", "train { loss = CrossEntropy; epochs = 10 }\n"),
    ]);
    let has = |section: &str| {
        let begins = format!("{section} {{");
        piece.lines().any(|line| line.starts_with(&begins))
    };
    let lacks = rest.iter().filter(|(section, _)| !has(section));
    let lacking: String = lacks.map(|(_, text)| *text).collect();
    format!("{piece}{lacking}")
}

fn assert_examples(name: &str, text: &str) -> usize {
    let examples = examples(text);
    for example in &examples {
        let text = whole(example);
        let mut sources = Sources::new();
        let file = sources.add(name, text.clone());
        if let Err(faults) = compile(&ModelSource::new(&sources, file), None, Target::Reference) {
            panic!("{text}\n{}", render_all(&faults, &sources));
        }
        let formatted = nnc::syntax::format(example, FileId(0));
        assert_eq!(formatted.ok().as_deref(), Some(example.as_str()), "{name}");
    }
    examples.len()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The chapters, by their file names.
fn chapters() -> BTreeMap<String, String> {
    let entries = fs::read_dir(root().join("docs/src")).expect("the book");
    let paths = entries.map(|entry| entry.expect("a readable entry").path());
    paths
        .map(|path| {
            let name = path.file_name().expect("a file's name").to_string_lossy();
            (name.into_owned(), read(&path))
        })
        .collect()
}

#[test]
fn every_example_compiles() {
    assert!(assert_examples("README.md", &read(&root().join("README.md"))) >= 5);
    let count: usize = chapters()
        .iter()
        .map(|(name, text)| assert_examples(name, text))
        .sum();
    assert!(count >= 8, "{count} examples");
}

#[test]
fn the_summary_lists_every_chapter_and_links_lead_somewhere() {
    let chapters = chapters();
    let summary = &chapters["SUMMARY.md"];
    for (name, text) in &chapters {
        assert!(
            name == "SUMMARY.md" || summary.contains(&format!("({name})")),
            "{name} is not in the summary"
        );
        for link in text.split("](").skip(1) {
            let (link, _) = link.split_once(')').expect("a link ends");
            let file = link.split('#').next().unwrap_or("");
            assert!(
                link.contains("://") || chapters.contains_key(file),
                "{name}: {link}"
            );
        }
    }
}

/// A chapter that is made, and what it is made of.
fn catalog_chapter() -> String {
    let mut text = String::from(
        "# Catalog\n\nMade from the catalog that the compiler reads. `nnc explain NAME` shows an entry with a \
         plot of its function.\n",
    );
    for kind in Kind::ALL {
        write!(
            text,
            "\n## {}\n\nThey stand in `{}`.\n",
            kind.plural(),
            kind.section()
        )
        .expect("a string takes any text");
        for entry in entries().filter(|entry| entry.meaning.kind() == kind) {
            let Entry {
                name,
                summary,
                formula,
                source,
                example,
                ..
            } = entry;
            write!(
                text,
                "\n### {name}\n\n{summary}\n\n```text\n{formula}\n```\n\n"
            )
            .expect("a string takes any text");
            for parameter in entry.parameters {
                writeln!(
                    text,
                    "- `{}`: {}",
                    parameter.name,
                    in_markdown(&parameter.text())
                )
                .expect("a string takes any text");
            }
            if !entry.parameters.is_empty() {
                text.push('\n');
            }
            write!(
                text,
                "```nn,part\n{example}\n```\n\nSource: {}.\n",
                in_markdown(source)
            )
            .expect("a string takes any text");
        }
    }
    text
}

fn settings_chapter() -> String {
    let mut text = String::from("# Settings\n\nMade from the tables that the compiler reads.\n");
    for (section, settings) in SECTIONS {
        write!(text, "\n## `{section}`\n\n| setting | what it says | takes | default |\n| --- | --- | --- | --- |\n")
            .expect("a string takes any text");
        for setting in *settings {
            writeln!(
                text,
                "| `{}` | {} | {} | {} |",
                setting.name,
                in_markdown(setting.summary),
                in_markdown(setting.takes),
                in_markdown(setting.default)
            )
            .expect("a string takes any text");
        }
    }
    text
}

fn words_chapter() -> String {
    let mut text = String::from("# Words\n\nMade from the table that `nnc explain` reads.\n");
    for word in WORDS {
        write!(
            text,
            "\n## `{}`: {}\n\n{}.\n",
            word.name,
            in_markdown(word.noun),
            in_markdown(word.summary)
        )
        .expect("a string takes any text");
        if !word.example.is_empty() {
            write!(text, "\n```nn\n{}```\n", word.example).expect("a string takes any text");
        }
    }
    text
}

fn codes_chapter() -> String {
    let mut text = String::from(
        "# Codes\n\nMade from the explanations that `nnc explain CODE` shows: E is an error, W a warning, N a \
         note. Each has an example that breaks the rule, and one that keeps it.\n",
    );
    for code in Code::ALL {
        write!(
            text,
            "\n## {}: {}\n\n{}\n",
            code.id(),
            in_markdown(code.title()),
            // Its examples are compiled beside the code.
            code.explanation()
                .trim_end()
                .replace("```nn\n", "Fixed:\n\n```nn,fixed\n")
                .replace("```nn faulty\n", "Faulty:\n\n```nn,faulty\n")
        )
        .expect("a string takes any text");
    }
    text
}

/// A text in which nothing is a sign of Markdown but what stands in backquotes.
fn in_markdown(text: &str) -> String {
    let mut result = String::new();
    let mut code = false;
    for letter in text.chars() {
        code ^= letter == '`';
        if !code && "*_<>[]|".contains(letter) || code && letter == '|' {
            result.push('\\');
        }
        result.push(letter);
    }
    result
}

#[test]
fn chapters_that_restate_the_compiler_are_not_stale() {
    let made = [
        ("catalog.md", catalog_chapter()),
        ("settings.md", settings_chapter()),
        ("words.md", words_chapter()),
        ("codes.md", codes_chapter()),
    ];
    for (name, text) in made {
        let path = root().join("docs/src").join(name);
        if env::var_os("NNC_UPDATE_DOCS").is_some() {
            fs::write(&path, &text).expect("a chapter is written");
        }
        assert!(
            read(&path) == text,
            "docs/src/{name} is stale: NNC_UPDATE_DOCS=1 cargo test --test documents"
        );
    }
}
