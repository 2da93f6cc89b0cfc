//! Tables from other places than a plain file, and arguments that stand in each other's place.

use std::io::Write;
use std::process::Stdio;

use crate::{Folder, LINE, Ran, line_model};

/// Runs a command with a text as its standard input.
fn fed(folder: &Folder, arguments: &[&str], input: &[u8]) -> Ran {
    let mut command = folder.command(arguments);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("nnc starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    pipe.write_all(input).expect("nnc reads");
    drop(pipe);
    Ran::from(child.wait_with_output().expect("nnc ends"))
}

/// [`LINE`], packed by `gzip -n`.
const PACKED: &[u8] = b"\x1F\x8B\x08\x00\x00\x00\x00\x00\x00\x03\xAB\xD0\xA9\xE4\x32\xD0\x31\xE4\x32\xD4\x31\xE6\x32\xD2\x31\xE5\x32\xD6\x31\xE7\x02\x00\x9D\xCE\x61\xCF\x14\x00\x00\x00";

#[test]
fn packed_tables_and_standard_input_are_read() {
    let folder = Folder::new("inputs");
    folder.write("line.nn", line_model("epochs = 3"));
    folder.write("line.csv", LINE);
    folder.write("line.csv.gz", PACKED);
    let losses = |table: &str, out: &str| {
        let ran = fed(
            &folder,
            &["run", "line.nn", table, "--out", out],
            LINE.as_bytes(),
        )
        .ends(0);
        let record = folder.json(&format!("{out}/run.json"));
        let lines = ran.out.lines().next().expect("a line").to_owned();
        (
            lines,
            record["data"]["fingerprint"].clone(),
            folder.read(&format!("{out}/metrics.csv")),
        )
    };
    let plain = losses("line.csv", "plain");
    let packed = losses("line.csv.gz", "packed");
    let piped = losses("-", "piped");
    assert_eq!((&plain.1, &plain.2), (&packed.1, &packed.2));
    assert_eq!((&plain.1, &plain.2), (&piped.1, &piped.2));
    assert_eq!(
        packed.0,
        "line.csv.gz · rows: 4 · gzip · delimiter: comma · UTF-8 · header: line 1"
    );
    assert!(
        piped.0.starts_with("standard input · rows: 4"),
        "{}",
        piped.0
    );

    let predicted = folder.nnc(&["predict", "plain", "line.csv"]).ends(0).out;
    let of_packed = folder.nnc(&["predict", "plain", "line.csv.gz"]).ends(0).out;
    let of_piped = fed(&folder, &["predict", "plain", "-"], LINE.as_bytes())
        .ends(0)
        .out;
    assert_eq!(predicted.lines().count(), 5);
    assert_eq!(of_packed, predicted);
    assert_eq!(of_piped, predicted);
    for command in ["check", "plan"] {
        fed(&folder, &[command, "line.nn", "-"], PACKED).ends(0);
    }
    folder.write("untrained.nn", "data { input x: number }\nnet { Tanh }\n");
    let piped = fed(
        &folder,
        &["run", "untrained.nn", "-", "--out", "u"],
        LINE.as_bytes(),
    );
    piped.ends(0);
    assert!(
        folder
            .read("u/predictions.csv")
            .starts_with("x,y,predicted\n0,1,0.0\n")
    );

    let mut damaged = PACKED.to_vec();
    damaged.truncate(30);
    folder.write("cut.csv.gz", damaged);
    let ran = folder.nnc(&["check", "line.nn", "cut.csv.gz"]).ends(2);
    assert!(
        ran.err.contains("`cut.csv.gz` cannot be read"),
        "{}",
        ran.err
    );
}

#[test]
fn arguments_in_each_others_place_are_told_in_a_line() {
    let folder = Folder::new("exchanged");
    folder.write("line.nn", line_model("epochs = 3"));
    folder.write("line.csv", LINE);
    for number in ["1", "2", "10"] {
        let out = format!("runs/line/{number}");
        folder
            .nnc(&["run", "line.nn", "line.csv", "--out", &out])
            .ends(0);
    }
    let mut said = String::new();
    for arguments in [
        &["run", "line.csv", "line.nn"][..],
        &["check", "line.csv", "line.nn"],
        &["plan", "line.csv", "line.nn"],
        &["predict", "line.nn", "line.csv"],
        &["predict", "line.csv", "runs/line/1"],
        &["predict", "runs/line", "line.csv"],
        &["run", "line.nn", "runs"],
    ] {
        let ran = folder.nnc(arguments).ends(2);
        assert_eq!(ran.out, "");
        said += &format!("$ nnc {}\n{}\n", arguments.join(" "), ran.err);
    }
    insta::with_settings!({
        snapshot_path => "../snapshots/cli",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, { insta::assert_snapshot!("arguments-exchanged", said) });
    assert_eq!(folder.names("runs/line"), ["1", "10", "2"]);
}
