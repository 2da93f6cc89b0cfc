//! What files, names and arguments say is shown by a terminal, never obeyed.

use std::io::Write;
use std::process::Stdio;

use crate::{Folder, Ran};

/// Characters that direct a terminal or hide in it; a line break and a tab direct it where a name stands
/// within a line.
const HOSTILE: [&str; 18] = [
    "\u{1b}",
    "\u{9b}",
    "\r",
    "\u{7}",
    "\u{8}",
    "\u{b}",
    "\u{7f}",
    "\u{ad}",
    "\u{61c}",
    "\u{200b}",
    "\u{202e}",
    "\u{2028}",
    "\u{2029}",
    "\u{2066}",
    "\u{3164}",
    "\u{feff}",
    "\u{fff9}",
    "\u{e0041}",
];

fn hostile() -> String {
    HOSTILE.concat()
}

#[track_caller]
fn assert_shown(what: &str, ran: &Ran) {
    for (stream, text) in [("output", &ran.out), ("error", &ran.err)] {
        for letter in HOSTILE {
            let shown = text.replace(letter, "!!!");
            assert!(
                shown == *text,
                "{what}: {letter:?} on standard {stream}: {text:?}"
            );
        }
    }
}

/// A folder with a table and models, in whose names, columns and cells hostile characters stand.
fn folder(test: &str) -> (Folder, String, String) {
    let folder = Folder::new(test);
    let hostile = hostile();
    let (model, table) = (format!("m{hostile}\n\t.nn"), format!("t{hostile}\n\t.csv"));
    let cells = ["a", "b"].map(|cell| format!("{cell}{hostile}"));
    let mut csv = format!("\"c{hostile}\",\"k{hostile}\",x,y\n");
    for row in 0..8 {
        csv.push_str(&format!(
            "\"{0}\",\"{0}\n\t\",{row},{row}\n",
            cells[row % 2]
        ));
    }
    folder.write(&table, csv);
    folder.write(
        &model,
        format!(
            "data {{\n    input c: category from \"c{hostile}\"\n    target \"k{hostile}\": category\n    \
             input \"x\": number\n    ignore \"y\"\n    split = ordered(validate = 25%)\n}}\n\
             net {{\n    [c, x] -> Concat -> Linear(classes)  # {hostile}\n}}\n\
             train {{ loss = CrossEntropy; epochs = 2; seed = 1; metrics = accuracy }}\n"
        ),
    );
    (folder, model, table)
}

#[test]
fn every_command_shows_what_a_model_and_a_table_say() {
    let (folder, model, table) = folder("terminal");
    let hostile = hostile();
    let (model, table) = (model.as_str(), table.as_str());
    let out = format!("o{hostile}");
    let plain = format!("p{hostile}.nn");
    let data = format!("input c: category from \"c{hostile}\"; input x: number");
    folder.write(
        &plain,
        format!("data {{ {data} }}\nnet {{ [c, x] -> Concat -> Tanh }}\n"),
    );
    let unused =
        format!("use \"{hostile}.nn\"\nparam p = \"{hostile}\"\nnet {{ \"{hostile}\" -> Tanh }}\n");
    folder.write("faulty.nn", &unused);
    folder.write("messy.nn", format!("net{{ Tanh }} # {hostile}\n"));
    let picture = format!("n{hostile}.svg");
    let set = format!("w{hostile}={hostile}");
    let json = ["--format", "json"];
    for (arguments, code) in [
        (vec!["check", model], 0),
        (vec!["check", model, table], 0),
        (vec!["check", model, table, json[0], json[1]], 0),
        (vec!["check", "faulty.nn"], 1),
        (vec!["check", "faulty.nn", json[0], json[1]], 1),
        (vec!["check", &hostile], 2),
        (vec!["check", model, "--set", &set], 1),
        (vec!["check", model, "--set", &hostile], 2),
        (vec!["run", model, table, "--out", &out], 0),
        (vec!["run", model, table, "--profile"], 0),
        (vec!["run", model, table, json[0], json[1]], 0),
        (vec!["run", model, table, "--out", &out], 2),
        (vec!["run", model, &hostile], 2),
        (vec!["run", &plain, table], 0),
        (vec!["run", &plain, table, json[0], json[1]], 0),
        (vec!["predict", &out, model], 1),
        (vec!["predict", &hostile, table], 2),
        (vec!["plan", model], 0),
        (vec!["plan", model, table], 0),
        (vec!["plan", model, table, "--explain"], 0),
        (vec!["plan", model, "--graph", &picture], 0),
        (vec!["plan", model, "--graph", &hostile], 2),
        (vec!["fmt", "--check", model, "messy.nn"], 1),
        (vec!["fmt", "faulty.nn", &hostile], 2),
        (vec!["explain", &hostile], 1),
        (vec![&hostile], 2),
        (vec!["run", &hostile, &hostile, &hostile], 2),
        (vec!["plan", model, "--phase", &hostile], 2),
    ] {
        let ran = folder.nnc(&arguments);
        assert_shown(&format!("{arguments:?}"), &ran);
        ran.ends(code);
    }
}

#[test]
fn a_name_stays_on_its_line() {
    let (folder, model, table) = folder("terminal-lines");
    let ran = folder.nnc(&["check", &model, &table]).ends(0);
    let shown = format!("m?¿?????¿¿{}???: OK · 8 parameters", "\u{fffd}".repeat(9));
    let [_, line] = ran.out.lines().collect::<Vec<_>>()[..] else {
        panic!("a line of the table and one of the model: {}", ran.out);
    };
    assert!(line.starts_with(&shown), "{line}");
}

#[test]
fn a_result_that_a_file_takes_is_exact() {
    let (folder, model, table) = folder("terminal-results");
    folder.nnc(&["run", &model, &table, "--out", "run"]).ends(0);
    let ran = folder.nnc(&["predict", "run", &table]).ends(0);
    let first = format!("a{}", hostile());
    assert!(ran.out.contains(&first), "{:?}", ran.out);
    let text = format!("net {{\n    Tanh  # {}\n}}\n", hostile());
    let mut command = folder.command(&["fmt", "-"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("nnc starts");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(text.as_bytes()).expect("nnc reads");
    drop(input);
    let output = child.wait_with_output().expect("nnc ends");
    assert_eq!(String::from_utf8(output.stdout).expect("UTF-8"), text);
}
