//! Models with nothing to train, values given from outside, and the commands that only look.

use crate::{Folder, LINE, line_model};

#[test]
fn neurons_with_given_weights_are_evaluated_once() {
    let folder = Folder::with_models("neurons", &["neurons.nn", "neurons.csv"]);
    let ran = folder
        .nnc(&["run", "neurons.nn", "neurons.csv", "--out", "run"])
        .ends(0);
    assert!(ran.err.contains("note[N0101]"), "{}", ran.err);
    assert!(
        ran.out
            .contains("row     x  predicted\n1      -2    -0.0411\n"),
        "{}",
        ran.out
    );
    let names = folder.names("run");
    assert!(
        names.contains(&"predictions.csv".to_owned()) && !names.contains(&"metrics.csv".to_owned())
    );
    let predictions = folder.read("run/predictions.csv");
    let mut lines = predictions.lines();
    assert_eq!(lines.next(), Some("x,predicted"));
    for line in lines {
        let (x, predicted) = line.split_once(',').expect("two columns");
        let x: f64 = x.parse().expect("a number");
        let a = (x * -2.0 - 1.25).tanh();
        let b = (x + 0.75).tanh();
        let expected = ((a + b) * 4.0 + 1.0).tanh() + ((a + b) * -3.0 - 1.5).tanh();
        let predicted: f64 = predicted.parse().expect("a number");
        assert!(
            (predicted - expected).abs() < 1e-6,
            "{x}: {predicted} {expected}"
        );
    }
    assert_eq!(folder.json("run/run.json")["ended"], "evaluated");
    let again = folder.nnc(&["predict", "run", "neurons.csv"]).ends(0);
    assert_eq!(again.out, predictions);
}

/// Of the models whose tables have holes: what `check` says the run does, and rows that it did not train on
/// are predicted far better than by chance or by the mean.
#[test]
fn tables_with_holes_are_learned() {
    for (model, metric, least) in [
        ("wine", "accuracy", 0.9),
        ("breast_cancer", "accuracy", 0.9),
        ("diabetes", "r2", 0.4),
    ] {
        let files = ["nn", "csv"].map(|ending| format!("{model}.{ending}"));
        let [file, table] = files.each_ref().map(String::as_str);
        let folder = Folder::with_models(model, &[file, table]);
        let checked = folder.nnc(&["check", file, table]).ends(0);
        let ran = folder.nnc(&["run", file, table, "--out", "run"]).ends(0);
        assert_eq!(checked.err + &ran.err, "");
        let said: Vec<&str> = checked.out.lines().take(3).collect();
        assert_eq!(said, ran.out.lines().take(3).collect::<Vec<_>>());
        assert!(said[1].starts_with("dropped ") && said[2].starts_with("filled missing cells: "));
        let score = &folder.json("run/run.json")["metrics"]["validate"][metric];
        let score = score.as_f64().expect("a metric");
        assert!(score > least, "{model}: {metric} {score}");
    }
}

#[test]
fn a_loss_over_no_parameters_is_evaluated_once() {
    let folder = Folder::new("no-parameters");
    let model = "data { input x: number; target y: number; split = ordered(validate = 50%) }\n\
                 net { x * 2 + 2 }\n\
                 train { loss = MSE; epochs = 100 }\n";
    folder.write("fixed.nn", model);
    folder.write("line.csv", LINE);
    let arguments = [
        "run", "fixed.nn", "line.csv", "--format", "json", "--out", "run",
    ];
    let ran = folder.nnc(&arguments).ends(0);
    assert_eq!(ran.events("diagnostic")[0]["code"], "N0101");
    assert_eq!(ran.events("epoch").len(), 0);
    let done = &ran.events("done")[0];
    assert_eq!(
        (&done["ended"], &done["epochs"]),
        (&"evaluated".into(), &0.into())
    );
    assert_eq!(done["metrics"]["train"]["loss"], 1.0);
    assert_eq!(done["metrics"]["validate"]["mae"], 1.0);
}

#[test]
fn values_are_set_from_outside_and_predict_knows_them() {
    let folder = Folder::new("set");
    let model =
        line_model("epochs = 5").replace("net { linear", "net { Linear(width) -> act -> linear");
    folder.write(
        "set.nn",
        format!("param width = 2\nparam act = Tanh\n{model}"),
    );
    folder.write("line.csv", LINE);
    let parameters = |out: &str, set: &[&str]| {
        let mut arguments = vec![
            "run", "set.nn", "line.csv", "--format", "json", "--out", out,
        ];
        for set in set {
            arguments.extend(["--set", set]);
        }
        folder.nnc(&arguments).ends(0).events("start")[0]["parameters"].clone()
    };
    assert_eq!(parameters("two", &[]), 2 * 2 + 3);
    assert_eq!(parameters("five", &["width=2+3", "act = ReLU"]), 5 * 2 + 6);
    assert_eq!(folder.json("five/run.json")["set"][0], "width=2+3");
    folder.nnc(&["predict", "five", "line.csv"]).ends(0);

    let ran = folder.nnc(&["check", "set.nn", "--set", "widht=3"]).ends(1);
    assert!(ran.err.contains("did you mean `width`?"), "{}", ran.err);
    let ran = folder
        .nnc(&["check", "set.nn", "--set", "width=)", "--set", "act=Tanhh"])
        .ends(1);
    assert!(ran.err.contains("--set:1:7"), "{}", ran.err);
    let ran = folder
        .nnc(&["check", "set.nn", "--set", "act=Linear(3) -> ReLU"])
        .ends(1);
    assert!(ran.err.contains("--set:1:5"), "{}", ran.err);
    assert!(ran.err.ends_with("\n1 error\n"), "{}", ran.err);
    let ran = folder
        .nnc(&["check", "set.nn", "--set", "width=3", "--set", "width=4"])
        .ends(1);
    assert!(ran.err.contains("set twice"), "{}", ran.err);
    folder.nnc(&["check", "set.nn", "--set", "width"]).ends(2);
}

#[test]
fn weights_to_start_from_continue_a_run_and_misfits_are_all_listed() {
    let folder = Folder::new("init");
    folder.write("line.csv", LINE);
    folder.write(
        "half.nn",
        line_model("optimizer = SGD(lr = 1e-2); epochs = 10"),
    );
    folder.write(
        "whole.nn",
        line_model("optimizer = SGD(lr = 1e-2); epochs = 20"),
    );
    folder
        .nnc(&["run", "whole.nn", "line.csv", "--out", "whole"])
        .ends(0);
    folder
        .nnc(&["run", "half.nn", "line.csv", "--out", "first"])
        .ends(0);
    let weights = "first/weights.safetensors";
    let arguments = [
        "run", "half.nn", "line.csv", "--init", weights, "--out", "second",
    ];
    folder.nnc(&arguments).ends(0);
    // Plain gradient descent has no memory but its weights.
    let losses = |run: &str| -> Vec<String> {
        let metrics = folder.read(&format!("{run}/metrics.csv"));
        let cells = metrics
            .lines()
            .skip(1)
            .map(|line| line.split(',').nth(1).map(str::to_owned));
        cells.map(|loss| loss.expect("a loss")).collect()
    };
    assert_eq!(
        losses("whole"),
        [losses("first"), losses("second")].concat()
    );
    let bytes = |run: &str| folder.bytes(&format!("{run}/weights.safetensors"));
    assert_eq!(bytes("whole"), bytes("second"));

    let other =
        line_model("epochs = 1").replace("linear: Linear(1)", "h: Linear(3) -> linear: Linear(1)");
    folder.write("other.nn", other);
    let arguments = [
        "run", "other.nn", "line.csv", "--init", weights, "--out", "third",
    ];
    let ran = folder.nnc(&arguments).ends(1);
    for fault in [
        "E0602",
        "`h.weight`",
        "`h.bias`",
        "E0603",
        "`linear.weight` has shape [1, 1]",
        "3 errors",
    ] {
        assert!(ran.err.contains(fault), "{fault}: {}", ran.err);
    }
    assert!(!folder.path.join("third").exists());
    folder.write("damaged", "no weights");
    folder
        .nnc(&["run", "half.nn", "line.csv", "--init", "damaged"])
        .ends(1);
    folder
        .nnc(&["run", "half.nn", "line.csv", "--init", "absent"])
        .ends(2);
    assert!(!folder.path.join("runs").exists());
}

#[test]
fn check_tells_sizes_as_far_as_they_are_known() {
    let folder = Folder::with_models("check", &["iris.nn", "iris.csv", "thermometer.nn"]);
    let ran = folder.nnc(&["check", "thermometer.nn"]).ends(0);
    assert_eq!(ran.out, "thermometer: OK · 25 parameters\n");
    let ran = folder.nnc(&["check", "iris.nn"]).ends(0);
    assert!(
        ran.out
            .starts_with("iris: OK · depends on the data: classes"),
        "{}",
        ran.out
    );
    let ran = folder.nnc(&["check", "iris.nn", "iris.csv"]).ends(0);
    let (table, ok) = ran.out.split_once('\n').expect("two lines");
    assert_eq!(
        table,
        "iris.csv · rows: 150 · delimiter: comma · UTF-8 · header: line 1"
    );
    assert!(ok.starts_with("iris: OK · 131 parameters · rows: train 120, validate 30"));
    let ran = folder
        .nnc(&["check", "iris.nn", "iris.csv", "--format", "json"])
        .ends(0);
    assert_eq!(ran.events("ok")[0]["parameters"], 131);
    assert_eq!(folder.names("."), ["iris.csv", "iris.nn", "thermometer.nn"]);
}

#[test]
fn plans_are_printed_by_phase_and_target() {
    let files = ["thermometer.nn", "thermometer.csv", "neurons.nn"];
    let folder = Folder::with_models("plan", &files);
    let first_line = |arguments: &[&str]| {
        let ran = folder.nnc(arguments).ends(0);
        ran.out.lines().next().expect("a line").to_owned()
    };
    let line = first_line(&["plan", "thermometer.nn"]);
    assert!(
        line.starts_with("plan thermometer: train, f32, batch not known"),
        "{line}"
    );
    let line = first_line(&["plan", "thermometer.nn", "thermometer.csv"]);
    assert!(
        line.starts_with("plan thermometer: train, f32, batch 9"),
        "{line}"
    );
    let line = first_line(&[
        "plan",
        "thermometer.nn",
        "thermometer.csv",
        "--phase",
        "evaluate",
    ]);
    assert!(line.starts_with("plan thermometer: evaluate"), "{line}");
    let line = first_line(&["plan", "neurons.nn"]);
    assert!(line.starts_with("plan neurons: predict"), "{line}");
    let native = [
        "plan",
        "thermometer.nn",
        "thermometer.csv",
        "--target",
        "native",
    ];
    let ran = folder.nnc(&native).ends(0);
    for part in ["tiles of", "this machine: ", "whole run", "memory"] {
        assert!(ran.out.contains(part), "{part}: {}", ran.out);
    }
    // Without a table the batch is not known, and so no time.
    let native = ["plan", "thermometer.nn", "--target", "native"];
    let ran = folder.nnc(&native).ends(0);
    assert!(
        ran.out.contains("give a table to see what it takes"),
        "{}",
        ran.out
    );
    let ran = folder
        .nnc(&["plan", "neurons.nn", "--phase", "train"])
        .ends(1);
    assert!(ran.err.contains("no loss"), "{}", ran.err);
    let line = first_line(&["plan", "thermometer.nn", "thermometer.csv", "--layers"]);
    assert!(
        line.starts_with("layers of thermometer: train, f32, batch 9 · 25 parameters · arena"),
        "{line}"
    );
    folder
        .nnc(&["plan", "thermometer.nn", "--layers", "--explain"])
        .ends(2);
    let line = first_line(&["plan", "thermometer.nn", "thermometer.csv", "--explain"]);
    assert_eq!(
        line,
        "plan thermometer: train · why 5 steps and 4 stored values"
    );
}

#[test]
fn used_files_are_followed_kept_and_predicted_with() {
    let folder = Folder::new("use");
    let model =
        line_model("epochs = 5").replace("net { linear", "net { Wide(4, act = Soft) -> linear");
    let model = format!(
        "use \"lib/blocks.nn\"\nparam slope = 3\nblock Soft {{ Softplus(beta = slope) }}\n{model}"
    );
    folder.write("model.nn", &model);
    let blocks = "use \"deep/more.nn\"\nparam width = 3\n\
                  block Wide(first, act = ReLU) { Linear(first) -> act -> Inner }\n";
    folder.write("lib/blocks.nn", blocks);
    folder.write(
        "lib/deep/more.nn",
        "param width = 2\nblock Inner { Linear(width) }\n",
    );
    folder.write("line.csv", LINE);
    folder
        .nnc(&["run", "model.nn", "line.csv", "--out", "run"])
        .ends(0);
    let plan = folder.read("run/plan.txt");
    assert!(
        plan.contains("[2, 4]"),
        "the width of the used file: {plan}"
    );
    assert!(
        plan.contains("softplus(0.0:Linear, 3, 20)"),
        "the block that was sent: {plan}"
    );
    for file in ["lib/blocks.nn", "lib/deep/more.nn"] {
        assert_eq!(folder.read(&format!("run/{file}")), folder.read(file));
    }
    let predicted = folder.nnc(&["predict", "run", "line.csv"]).ends(0).out;
    // The run's folder is whole without the files that it was made from.
    folder.write("lib/deep/more.nn", "block Inner { Linear(5) }\n");
    assert_eq!(
        folder.nnc(&["predict", "run", "line.csv"]).ends(0).out,
        predicted
    );
    folder.nnc(&["check", "run/model.nn"]).ends(0);

    let alone = folder.nnc(&["check", "lib/deep/more.nn"]).ends(1);
    assert!(
        alone.err.contains("a file of blocks is for others"),
        "{}",
        alone.err
    );
    folder.write(
        "other.nn",
        "use \"model.nn\"\nnet { Soft }\ndata { input x: number }\n",
    );
    folder.nnc(&["check", "other.nn"]).ends(0);
    let refused = folder
        .nnc(&["run", "other.nn", "line.csv", "--out", "other"])
        .ends(1);
    assert!(refused.err.contains("[E0311]"), "{}", refused.err);
    assert!(!folder.names(".").contains(&"other".to_owned()));
}

#[cfg(unix)]
#[test]
fn a_link_does_not_lead_out_of_the_models_folder() {
    let folder = Folder::new("use-link");
    folder.write("secret.nn", "block Secret { Linear(1) }\n");
    folder.write(
        "here/model.nn",
        "use \"link.nn\"\ndata { input x: number }\nnet { Secret }\n",
    );
    std::os::unix::fs::symlink(
        folder.path.join("secret.nn"),
        folder.path.join("here/link.nn"),
    )
    .expect("a link");
    let refused = folder.nnc(&["check", "here/model.nn"]).ends(1);
    assert!(refused.err.contains("[E0311]"), "{}", refused.err);
    assert!(
        refused.err.contains("leads out of the model's folder"),
        "{}",
        refused.err
    );
}

#[test]
fn a_network_is_drawn_by_the_ending_of_its_file() {
    let folder = Folder::with_models("graph", &["thermometer.nn"]);
    for (file, begins) in [("net.svg", "<svg "), ("net.dot", "digraph ")] {
        let ran = folder
            .nnc(&["plan", "thermometer.nn", "--graph", file])
            .ends(0);
        assert_eq!(ran.out, format!("the network is drawn in {file}\n"));
        assert!(folder.read(file).starts_with(begins));
    }
    let refused = folder
        .nnc(&["plan", "thermometer.nn", "--graph", "net.png"])
        .ends(2);
    assert!(refused.err.contains("end it in `.svg`"), "{}", refused.err);
    folder
        .nnc(&["plan", "thermometer.nn", "--graph", "none/net.svg"])
        .ends(2);
    assert!(!folder.names(".").contains(&"none".to_owned()));
}
