//! `nnc explain`: pages on standard output, suggestions for what is not known.

use nnc::diagnostics::{Code, ExplanationBlock, explanation_blocks};

use crate::{Folder, LINE, line_model};

#[test]
fn every_code_has_a_page_with_what_nnc_says() {
    let folder = Folder::new("explain-codes");
    for code in Code::ALL {
        let page = folder.nnc(&["explain", &code.id().to_lowercase()]).ends(0);
        let heading = format!("{}: {}\n\n", code.id(), code.title());
        assert!(page.out.starts_with(&heading), "{}", page.out);
        let fault = format!("{}[{}]: ", code.severity().name(), code.id());
        let shows_fault = page.out.contains(&fault);
        assert_eq!(
            shows_fault,
            page.out.contains("\nfaulty.nn\n"),
            "{}",
            page.out
        );
        assert!(!page.out.contains("\n\n\n"), "{}", page.out);
    }
    assert_page("E0504");
}

#[test]
fn the_commands_of_the_page_on_memory_do_what_it_says() {
    let folder = Folder::new("explain-memory");
    let model = line_model("epochs = 1").replace("linear:", "Linear(width) -> Linear(width) ->");
    folder.write("model.nn", format!("param width = 64\n{model}"));
    folder.write("table.csv", LINE);
    let blocks = explanation_blocks(Code::Memory.explanation());
    let shell = blocks.iter().find_map(|block| match block {
        ExplanationBlock::Shell(commands) => Some(*commands),
        _ => None,
    });
    let lines = shell.expect("commands").lines();
    let commands: Vec<Vec<&str>> = lines
        .filter_map(|line| Some(line.strip_prefix("nnc ")?.split(' ').collect()))
        .collect();
    let [faulty, fixed] = &commands[..] else {
        panic!("two commands: {commands:?}");
    };
    let ran = folder.nnc(faulty).ends(1);
    assert!(ran.err.starts_with("error[E0702]: "), "{}", ran.err);
    folder.nnc(fixed).ends(0);
}

/// The page of a name is that of its snapshot.
fn assert_page(name: &str) {
    let folder = Folder::new(&format!("explain-{name}"));
    let page = folder.nnc(&["explain", name]).ends(0);
    insta::with_settings!({
        snapshot_path => "../snapshots/explain",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(name, page.out);
    });
}

#[test]
fn pages_hold_formula_arguments_example_and_source() {
    for name in [
        "Linear",
        "LeakyReLU",
        "Tanh",
        "Adam",
        "category",
        "split",
        "params",
        "weight",
        "classes",
        "norm",
        "betas",
        "repeat",
        "Dense",
        "LSTM",
    ] {
        assert_page(name);
    }
}

#[test]
fn everything_listed_has_a_page() {
    let folder = Folder::new("explain-all");
    let list = folder.nnc(&["explain"]).ends(0).out;
    let names: Vec<&str> = list
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
        .filter(|row| !row.starts_with(' '))
        .filter_map(|row| row.split(' ').next())
        .collect();
    assert!(names.len() > 90, "{} names", names.len());
    for entry in nnc::catalog::entries() {
        assert!(names.contains(&entry.name), "{} is not listed", entry.name);
    }
    for name in names {
        let page = folder.nnc(&["explain", name]).ends(0).out;
        assert!(page.starts_with(&format!("{name}: ")), "{page}");
        assert!(
            page.lines()
                .filter(|line| !line.starts_with("  = there are: "))
                .all(|line| line.chars().count() <= 150),
            "{page}"
        );
    }
}

#[test]
fn all_codes_are_listed() {
    let page = Folder::new("explain-list").nnc(&["explain"]).ends(0);
    for code in Code::ALL {
        let row = |line: &str| line.contains(code.id()) && line.ends_with(code.title());
        assert!(page.out.lines().any(row), "{}", code.id());
    }
}

#[test]
fn what_is_not_known_ends_with_1() {
    let folder = Folder::new("explain-unknown");
    let ran = folder.nnc(&["explain", "E03O1"]).ends(1);
    assert_eq!(ran.out, "");
    assert!(ran.err.contains("nothing is called `E03O1`"), "{}", ran.err);
    assert!(ran.err.contains("did you mean `E0301`?"), "{}", ran.err);
}

#[test]
fn words_of_other_libraries_lead_to_ours() {
    let folder = Folder::new("explain-foreign");
    for (word, told) in [
        ("Dense", "`Dense` is called `Linear` here."),
        ("batch_size", "`batch_size` is called `batch` here."),
        ("use_bias", "`use_bias` is the argument `bias` of `Linear`."),
        ("MaxPooling2D", "`MaxPooling2D` is called `MaxPool2d` here."),
        ("StandardScaler", "There is no `StandardScaler` here: "),
        (
            "CosineAnnealingLR",
            "There is no `CosineAnnealingLR` here: ",
        ),
        ("SGD.lr", "lr: argument of `SGD`"),
        (
            "normalized_shape",
            "There is no `normalized_shape` here: the width that flows in is inferred.",
        ),
        ("trainable", "for `true` write `freeze = false`"),
    ] {
        let page = folder.nnc(&["explain", word]).ends(0);
        assert!(page.out.contains(told), "{}", page.out);
    }
}
