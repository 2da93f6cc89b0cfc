//! Runs that do not come to their end: what they say, what they leave behind.

use crate::{Folder, LINE, Ran, line_model};

#[test]
fn all_faults_of_model_and_table_are_told_and_nothing_is_written() {
    let folder = Folder::new("faults");
    folder.write("bad.csv", "x,y\n1,2\none,3\n2,inf\n");
    folder.write(
        "bad.nn",
        line_model("epochs = 3").replace("Linear(1)", "Linaer(1)"),
    );
    let ran = folder.nnc(&["run", "bad.nn", "bad.csv"]).ends(1);
    assert_eq!(ran.out, "");
    for part in [
        "did you mean `Linear`?",
        "bad.nn:2:",
        "line 3",
        "line 4",
        "\n3 errors\n",
    ] {
        assert!(ran.err.contains(part), "{part}: {}", ran.err);
    }
    let ran = folder
        .nnc(&["run", "bad.nn", "bad.csv", "--format", "json"])
        .ends(1);
    assert_eq!(ran.err, "");
    let diagnostics = ran.events("diagnostic");
    assert_eq!(diagnostics.len(), 3);
    assert_eq!(diagnostics[0]["edit"]["replacement"], "Linear");
    assert!(diagnostics.iter().all(|fault| fault["severity"] == "error"));
    folder.nnc(&["check", "bad.nn", "bad.csv"]).ends(1);
    assert_eq!(folder.names("."), ["bad.csv", "bad.nn"]);
}

#[test]
fn a_model_that_is_no_text_is_told_at_its_place() {
    let folder = Folder::new("utf8");
    folder.write("line.csv", LINE);
    folder.write("latin.nn", b"# one\n# caf\xE9 au lait\nnet { Tanh }\n");
    let ran = folder.nnc(&["run", "latin.nn", "line.csv"]).ends(1);
    assert!(
        ran.err.contains("E0103") && ran.err.contains("latin.nn:2:6"),
        "{}",
        ran.err
    );
    folder.write("old.nn", b"net {\r    Tanh\r}\r");
    let ran = folder.nnc(&["check", "old.nn"]).ends(1);
    let told = "the lines of `old.nn` end in carriage returns alone";
    assert!(
        ran.err.contains(told) && ran.err.contains("│ net {\n"),
        "{}",
        ran.err
    );
    folder.write("binary.nn", [0xFF; 500]);
    folder.nnc(&["check", "binary.nn"]).ends(1);
    folder.write(
        "cut.nn",
        "net { Tanh } # ü".as_bytes().split_last().expect("bytes").1,
    );
    folder.nnc(&["check", "cut.nn"]).ends(1);
    folder.write("empty.nn", "");
    folder.nnc(&["check", "empty.nn"]).ends(1);
}

#[test]
fn an_end_before_the_last_epoch_is_told_whatever_is_kept() {
    let folder = Folder::new("early");
    folder.write("line.csv", LINE);
    let early = "epochs = 50; stop = early(patience = 1, min_delta = 1e6)";
    for (restore, told) in [
        ("last", "\nstopped after epoch 2\n"),
        (
            "best",
            "\nstopped after epoch 2, kept epoch 1, the best one",
        ),
    ] {
        let model = line_model(&format!("{early}; restore = {restore}"));
        let split = "target y: number; split = ordered(validate = 50%)";
        folder.write("early.nn", model.replace("target y: number", split));
        let ran = folder.nnc(&["run", "early.nn", "line.csv"]).ends(0);
        assert!(ran.out.contains(told), "{}", ran.out);
    }
}

#[test]
fn wrong_arguments_and_files_end_with_2() {
    let folder = Folder::new("usage");
    folder.write("line.nn", line_model("epochs = 3"));
    folder.write("line.csv", LINE);
    std::fs::create_dir(folder.path.join("full")).expect("a folder");
    folder.write("full/kept", "kept");
    for arguments in [
        &[] as &[&str],
        &["run", "line.nn"],
        &["frobnicate"],
        &["run", "line.nn", "line.csv", "--threads", "0"],
        &["run", "line.nn", "line.csv", "--max-memory", "much"],
        &["run", "absent.nn", "line.csv"],
        &["run", "line.nn", "absent.csv"],
        &["run", "line.nn", "."],
        &["run", "line.nn", "line.csv", "--out", "full"],
        &["run", "line.nn", "line.csv", "--out", "line.csv"],
        &["run", "line.nn", "line.csv", "--out", "."],
        &["check", "absent.nn"],
        &["plan", "absent.nn"],
    ] {
        let ran = folder.nnc(arguments).ends(2);
        assert!(ran.out.is_empty() && !ran.err.is_empty(), "{arguments:?}");
    }
    let ran = folder.nnc(&["run", "absent.nn", "absent.csv"]).ends(2);
    assert!(
        ran.err.contains("absent.nn") && ran.err.contains("absent.csv"),
        "{}",
        ran.err
    );
    assert_eq!(folder.names("full"), ["kept"]);
    assert_eq!(folder.names("."), ["full", "line.csv", "line.nn"]);
    for help in [["--help"], ["--version"]] {
        assert!(!folder.nnc(&help).ends(0).out.is_empty());
    }
}

#[test]
fn an_instruction_set_that_is_not_named_is_the_best() {
    let folder = Folder::new("instruction-set");
    folder.write("line.nn", line_model("epochs = 3"));
    let with = |set: &str| {
        let mut command = folder.command(&["check", "line.nn"]);
        Ran::from(command.env("NNC_ISA", set).output().expect("nnc starts"))
    };
    let ran = with("").ends(0);
    assert_eq!(ran.out, "line: OK · 2 parameters\n");
    let ran = with(" ").ends(2);
    let told = "error[E0605]: NNC_ISA is \" \"; this machine has ";
    assert!(ran.err.starts_with(told), "{}", ran.err);
}

#[test]
fn a_run_that_cannot_be_saved_leaves_no_folder() {
    let folder = Folder::new("unwritable");
    folder.write("line.nn", line_model("epochs = 3"));
    folder.write("line.csv", LINE);
    let longest = format!("new/deep/{}", "x".repeat(255));
    folder
        .nnc(&["run", "line.nn", "line.csv", "--out", &longest])
        .ends(0);
    std::fs::remove_dir_all(folder.path.join("new")).expect("the run goes");
    let out = format!("new/deep/{}", "x".repeat(256));
    let ran = folder
        .nnc(&["run", "line.nn", "line.csv", "--out", &out])
        .ends(2);
    assert!(ran.err.contains("cannot be"), "{}", ran.err);
    assert_eq!(folder.names("."), ["line.csv", "line.nn"]);
}

#[test]
fn a_models_name_never_leads_out_of_the_folder_of_runs() {
    let folder = Folder::new("dots");
    folder.write("...nn", line_model("epochs = 3"));
    folder.write("line.csv", LINE);
    folder.nnc(&["run", "...nn", "line.csv"]).ends(0);
    assert_eq!(folder.names("runs/model"), ["1"]);
}

#[test]
fn an_empty_folder_is_taken() {
    let folder = Folder::new("empty");
    folder.write("line.nn", line_model("epochs = 3"));
    folder.write("line.csv", LINE);
    std::fs::create_dir(folder.path.join("empty")).expect("a folder");
    folder
        .nnc(&["run", "line.nn", "line.csv", "--out", "empty/"])
        .ends(0);
    assert_eq!(folder.names("empty").len(), 6);
}

#[test]
fn a_model_beyond_the_memory_is_refused_before_anything_is_written() {
    let folder = Folder::new("memory");
    folder.write("line.nn", line_model("epochs = 3"));
    folder.write("line.csv", LINE);
    let arguments = ["run", "line.nn", "line.csv", "--max-memory", "100"];
    let ran = folder.nnc(&arguments).ends(1);
    assert!(
        ran.err.contains("E0702") && ran.err.contains("100 B --max-memory allows"),
        "{}",
        ran.err
    );
    let huge = line_model("epochs = 3").replace(
        "linear:",
        "Linear(60000) -> Linear(60000) -> Linear(60000) ->",
    );
    folder.write("huge.nn", huge);
    let ran = folder
        .nnc(&["run", "huge.nn", "line.csv", "--max-memory", "4G"])
        .ends(1);
    assert!(
        ran.err.contains("E0702") && ran.err.contains("GiB"),
        "{}",
        ran.err
    );
    assert_eq!(folder.names("."), ["huge.nn", "line.csv", "line.nn"]);
}

#[test]
fn a_loss_that_is_not_finite_ends_with_3_and_keeps_the_last_whole_epoch() {
    let folder = Folder::new("non-finite");
    folder.write("line.csv", LINE);
    folder.write(
        "wild.nn",
        line_model("optimizer = SGD(lr = 1e3); epochs = 1000"),
    );
    let ran = folder
        .nnc(&["run", "wild.nn", "line.csv", "--out", "run"])
        .ends(3);
    for part in [
        "E0701",
        "wild.nn:",
        "help: try a smaller learning rate",
        "the state after epoch ",
    ] {
        assert!(ran.err.contains(part), "{part}: {}", ran.err);
    }
    let record = folder.json("run/run.json");
    assert_eq!(record["ended"], "failed");
    let epochs = record["epochs"].as_u64().expect("a number");
    assert!(epochs > 1 && epochs < 100);
    assert_eq!(
        folder.read("run/metrics.csv").lines().count() as u64,
        epochs + 1
    );
    folder.nnc(&["predict", "run", "line.csv"]).ends(0);

    folder.write("huge.csv", "x,y\n1e30,1\n2,3\n");
    let arguments = [
        "run", "wild.nn", "huge.csv", "--format", "json", "--out", "none",
    ];
    let ran = folder.nnc(&arguments).ends(3);
    let told = ran.events("diagnostic");
    let codes: Vec<&str> = told
        .iter()
        .filter_map(|told| told["code"].as_str())
        .collect();
    assert_eq!(codes, ["W0108", "E0701"]);
    assert!(
        told[1]["notes"][0]
            .as_str()
            .is_some_and(|note| note.contains("row 1 of")),
        "{}",
        ran.out
    );
    assert_eq!(ran.events("done")[0]["epochs"], 0);
    assert_eq!(ran.err, "");
}

#[cfg(unix)]
mod interrupted {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::process::{Child, Command, Stdio};

    use super::*;

    fn interrupt(child: &Child) {
        let sent = Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status();
        assert!(sent.expect("kill starts").success());
    }

    #[test]
    fn a_training_keeps_its_last_whole_epoch() {
        let folder = Folder::new("interrupted");
        folder.write("line.csv", LINE);
        folder.write(
            "long.nn",
            line_model("optimizer = SGD(lr = 1e-4); epochs = 1000000000000"),
        );
        let arguments = [
            "run", "long.nn", "line.csv", "--format", "json", "--out", "deep/run",
        ];
        let mut command = folder.command(&arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("nnc starts");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let first = lines
            .by_ref()
            .take(100)
            .last()
            .expect("lines")
            .expect("text");
        assert!(first.contains("\"epoch\":99"), "{first}");
        assert_eq!(
            folder.names("deep").len(),
            1,
            "nothing but the unfinished folder"
        );
        interrupt(&child);
        let last = lines.last().expect("a line").expect("text");
        let mut errors = String::new();
        let pipe = child.stderr.take();
        pipe.expect("a pipe")
            .read_to_string(&mut errors)
            .expect("text");
        assert_eq!(
            child.wait().expect("nnc ends").code(),
            Some(130),
            "{errors}"
        );
        let done: serde_json::Value = serde_json::from_str(&last).expect("JSON");
        assert_eq!(done["event"], "done");
        assert_eq!(done["ended"], "interrupted");
        assert_eq!(folder.names("deep"), ["run"]);
        let record = folder.json("deep/run/run.json");
        assert_eq!(record["epochs"], done["epochs"]);
        let metrics = folder.read("deep/run/metrics.csv");
        assert_eq!(
            Some(metrics.lines().count() as u64 - 1),
            record["epochs"].as_u64()
        );
        folder.nnc(&["predict", "deep/run", "line.csv"]).ends(0);
    }

    #[test]
    fn without_a_training_there_is_nothing_to_keep() {
        let folder = Folder::new("interrupted-early");
        folder.write("line.nn", line_model("epochs = 3"));
        let mut command = folder.command(&["run", "line.nn", "/dev/stdin"]);
        command.stdin(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("nnc starts");
        let mut table = child.stdin.take().expect("a pipe");
        // More than a pipe holds: when it is written, the program is reading.
        table.write_all(b"x,y\n").expect("nnc reads");
        table
            .write_all(&b"1,2\n".repeat(1 << 19))
            .expect("nnc reads");
        interrupt(&child);
        let output = child.wait_with_output().expect("nnc ends");
        drop(table);
        assert_eq!(output.status.code(), Some(130));
        assert_eq!(output.stderr, b"interrupted; nothing was saved\n");
        assert_eq!(folder.names("."), ["line.nn"]);
    }
}
