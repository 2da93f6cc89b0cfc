//! Faults of files and of runs, as they are shown.

use crate::{Folder, LINE, line_model};

/// What a command says, as the snapshot of that name.
fn shown(name: &str, said: &str) {
    insta::with_settings!({
        snapshot_path => "../snapshots/codes",
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(name, said);
    });
}

#[test]
fn faults_of_a_runs_files() {
    let folder = Folder::new("codes-files");
    folder.write("line.nn", line_model("epochs = 3"));
    folder.write("line.csv", LINE);
    folder
        .nnc(&["run", "line.nn", "line.csv", "--out", "run"])
        .ends(0);
    let weights = folder.bytes("run/weights.safetensors");
    folder.write("run/weights.safetensors", "{}");
    let ran = folder.nnc(&["predict", "run", "line.csv"]).ends(1);
    shown("weights-damaged", &ran.err);
    folder.write("run/weights.safetensors", weights);
    folder.write("run/run.json", "{");
    let ran = folder.nnc(&["predict", "run", "line.csv"]).ends(1);
    shown("run-damaged", &ran.err);
    let other = line_model("epochs = 1");
    let other = other.replace("linear: Linear(1)", "h: Linear(3) -> linear: Linear(1)");
    folder.write("other.nn", other);
    let arguments = [
        "run",
        "other.nn",
        "line.csv",
        "--init",
        "run/weights.safetensors",
    ];
    shown("weights-of-another", &folder.nnc(&arguments).ends(1).err);
    let ran = folder.nnc(&["run", "absent.nn", "absent.csv"]).ends(2);
    shown("absent", &ran.err);
}

#[test]
fn faults_of_a_training() {
    let folder = Folder::new("codes-training");
    folder.write("line.nn", line_model("epochs = 3"));
    folder.write("huge.csv", "x,y\n1e30,1\n2,3\n");
    let ran = folder
        .nnc(&["run", "line.nn", "huge.csv", "--out", "run"])
        .ends(3);
    shown("not-finite", &ran.err);
    folder.write("line.csv", LINE);
    let arguments = ["run", "line.nn", "line.csv", "--max-memory", "100"];
    shown("memory", &folder.nnc(&arguments).ends(1).err);
    folder.write(
        "frozen.nn",
        line_model("epochs = 3; params \"*\" { freeze = true }"),
    );
    let ran = folder
        .nnc(&[
            "run",
            "frozen.nn",
            "line.csv",
            "--seed",
            "1",
            "--out",
            "frozen",
        ])
        .ends(0);
    shown("nothing-to-train", &ran.err);
}
