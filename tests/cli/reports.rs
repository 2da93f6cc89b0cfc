//! What a run prints and what it leaves behind.

use crate::{Folder, LINE, line_model};

const THERMOMETER: [&str; 2] = ["thermometer.nn", "thermometer.csv"];
const FILES: [&str; 6] = [
    "metrics.csv",
    "model.nn",
    "plan.txt",
    "preparation.json",
    "run.json",
    "weights.safetensors",
];

#[test]
fn a_run_prints_its_losses_and_leaves_a_folder() {
    let folder = Folder::with_models("text", &THERMOMETER);
    let ran = folder
        .nnc(&["run", "thermometer.nn", "thermometer.csv"])
        .ends(0);
    assert_eq!(ran.err, "");
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(
        lines[0],
        "thermometer.csv · rows: 11 · delimiter: comma · UTF-8 · header: line 1"
    );
    assert_eq!(
        lines[1],
        "thermometer · rows: train 9, validate 2 · 25 parameters · batches an epoch: 1 · seed 42"
    );
    let epochs = lines.iter().filter(|line| line.starts_with("Epoch "));
    assert_eq!(epochs.count(), 11);
    assert!(
        lines[2].starts_with("Epoch 1, Training loss ") && lines[2].contains(", Validation loss ")
    );
    assert!(lines[12].starts_with("Epoch 5000, "));
    assert_eq!(
        lines[13].split_whitespace().collect::<Vec<_>>(),
        ["rows", "loss", "mae", "rmse", "r2"]
    );
    assert_eq!(lines[lines.len() - 1], "saved to runs/thermometer/1");

    assert_eq!(folder.names("runs/thermometer"), ["1"]);
    assert_eq!(folder.names("runs/thermometer/1"), FILES);
    assert_eq!(
        folder
            .read("runs/thermometer/1/metrics.csv")
            .lines()
            .count(),
        5001
    );
    assert_eq!(
        folder.bytes("runs/thermometer/1/model.nn"),
        folder.bytes("thermometer.nn")
    );
    let plans = folder.read("runs/thermometer/1/plan.txt");
    assert!(
        plans.contains("plan thermometer: train") && plans.contains("plan thermometer: evaluate")
    );

    folder
        .nnc(&["run", "thermometer.nn", "thermometer.csv"])
        .ends(0);
    assert_eq!(folder.names("runs/thermometer"), ["1", "2"]);
}

#[test]
fn events_are_json_and_tell_every_epoch() {
    let folder = Folder::with_models("events", &THERMOMETER);
    let arguments = [
        "run",
        "thermometer.nn",
        "thermometer.csv",
        "--format",
        "json",
        "--out",
        "a/b",
    ];
    let ran = folder.nnc(&arguments).ends(0);
    assert_eq!(ran.err, "");
    assert!(ran.out.starts_with("{\"event\":\"start\","));
    let start = &ran.events("start")[0];
    assert_eq!(start["parameters"], 25);
    assert_eq!(start["rows"]["train"], 9);
    assert_eq!(start["rows"]["validate"], 2);
    assert_eq!(start["batches"], 1);
    assert_eq!(start["data"]["delimiter"], ",");
    assert_eq!(start["data"]["header_line"], 1);
    assert_eq!(start["seed"], 42);
    let epochs = ran.events("epoch");
    assert_eq!(epochs.len(), 5000);
    let metrics = folder.read("a/b/metrics.csv");
    for (at, (event, row)) in epochs.iter().zip(metrics.lines().skip(1)).enumerate() {
        assert_eq!(event["epoch"], at + 1);
        let losses: Vec<f64> = row
            .split(',')
            .skip(1)
            .map(|cell| cell.parse().unwrap())
            .collect();
        assert_eq!(event["train"]["loss"].as_f64(), Some(losses[0]));
        assert_eq!(event["validate"]["loss"].as_f64(), Some(losses[1]));
    }
    let done = &ran.events("done")[0];
    assert_eq!(done["steps"], 5000);
    assert_eq!(done["ended"], "finished");
    assert_eq!(done["out"], "a/b");
    let seconds = |name: &str| done["seconds"][name].as_f64().expect("seconds");
    let parts = seconds("compile") + seconds("data") + seconds("train");
    assert!(seconds("train") > 0.0 && parts <= seconds("total"));
    let last = &epochs[4999]["validate"]["loss"];
    assert_eq!(&done["metrics"]["validate"]["loss"], last);

    let record = folder.json("a/b/run.json");
    assert_eq!(record["metrics"], done["metrics"]);
    assert_eq!(record["seed"], 42);
    assert_eq!(record["data"]["rows"], 11);
    assert_eq!(
        record["data"]["fingerprint"].as_str().map(str::len),
        Some(32)
    );
}

#[test]
fn a_watched_run_tells_what_it_recorded() {
    let folder = Folder::with_models("watch", &THERMOMETER);
    let model = folder.read("thermometer.nn").replace(
        "seed      = 42",
        "seed = 42\n watch \"hidden_*\" { output = stats, grad = norm, weight = histogram, every = 1000 }",
    );
    folder.write("seen.nn", &model);
    let arguments = |format| {
        let run = ["run", "seen.nn", "thermometer.csv"];
        [run.as_slice(), &["--format", format, "--out", format]].concat()
    };
    let ran = folder.nnc(&arguments("text")).ends(0);
    let unwatched = folder.nnc(&["run", "thermometer.nn", "thermometer.csv", "--out", "plain"]);
    let told = unwatched.ends(0).out;
    for line in told.lines().filter(|line| line.starts_with("Epoch ")) {
        assert!(ran.out.contains(line), "{line}");
    }
    assert!(!folder.names("plain").contains(&"watch.csv".to_owned()));
    let at = ran.out.find("watched ").expect("a summary");
    let summary: Vec<&str> = ran.out[at..].lines().collect();
    assert!(summary[0].ends_with("histogram"), "{}", summary[0]);
    assert!(summary[1].starts_with("hidden_linear ") && summary[1].contains(" output "));
    assert!(summary.iter().any(|line| line.contains('█')));

    let watched = folder.read("text/watch.csv");
    let mut rows = watched
        .lines()
        .map(|row| row.split(',').collect::<Vec<_>>());
    let head = rows.next().expect("a head");
    assert_eq!(head[..5], ["epoch", "update", "name", "value", "norm"]);
    let rows: Vec<Vec<&str>> = rows.collect();
    // Two stages, two parameters with their gradients, at update 1 and five times more.
    assert_eq!(rows.len(), 6 * 6);
    assert!(rows.iter().all(|row| row.len() == head.len()));
    let cell = |row: &[&str], name: &str| {
        let column = head.iter().position(|it| *it == name).expect("a column");
        row[column].to_owned()
    };
    let last = &rows[rows.len() - 1];
    assert_eq!(last[..4], ["5000", "5000", "hidden_linear.bias", "weight"]);
    let counts = cell(last, "counts");
    let counts = counts.split(' ').map(|count| count.parse::<u32>().unwrap());
    assert_eq!(counts.sum::<u32>(), 8);
    assert_eq!(cell(last, "norm"), "");

    let ran = folder.nnc(&arguments("json")).ends(0);
    assert_eq!(folder.read("json/watch.csv"), watched);
    let done = &ran.events("done")[0];
    let values = done["watch"].as_array().expect("what was watched");
    assert_eq!(values.len(), 6);
    assert_eq!(values[5]["name"], "hidden_linear.bias");
    assert_eq!(values[5]["last"]["update"], 5000);
    let low = values[5]["last"]["low"].as_f64().expect("a number");
    assert_eq!(cell(last, "low"), format!("{low:?}"));
    assert_eq!(&folder.json("json/run.json")["watch"], &done["watch"]);
}

#[test]
fn quiet_runs_say_nothing() {
    let folder = Folder::with_models("quiet", &["neurons.nn", "neurons.csv"]);
    folder.write("line.nn", line_model("epochs = 20"));
    folder.write("line.csv", LINE);
    for (model, data) in [("line.nn", "line.csv"), ("neurons.nn", "neurons.csv")] {
        let ran = folder.nnc(&["run", model, data, "--quiet"]).ends(0);
        assert_eq!((ran.out.as_str(), ran.err.as_str()), ("", ""));
    }
    let ran = folder
        .nnc(&["run", "line.nn", "neurons.csv", "--quiet"])
        .ends(1);
    assert!(ran.err.contains("E0401"), "{}", ran.err);
}

#[test]
fn a_drawn_seed_is_told_and_repeats_the_run() {
    let folder = Folder::new("seed");
    folder.write(
        "line.nn",
        line_model("epochs = 20").replace("seed = 7; ", ""),
    );
    folder.write("line.csv", LINE);
    let ran = folder
        .nnc(&["run", "line.nn", "line.csv", "--out", "first"])
        .ends(0);
    let seed = ran
        .out
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("seed "));
    let seed = seed
        .and_then(|rest| rest.split(',').next())
        .expect("the seed");
    let arguments = [
        "run", "line.nn", "line.csv", "--seed", seed, "--out", "again",
    ];
    let ran = folder.nnc(&arguments).ends(0);
    assert!(!ran.out.contains("drawn"));
    let weights = |run: &str| folder.bytes(&format!("{run}/weights.safetensors"));
    assert_eq!(weights("first"), weights("again"));
}

#[test]
fn the_same_seed_gives_the_same_bytes_on_any_number_of_threads() {
    let folder = Folder::new("threads");
    let mut table = String::from("x0,x1,x2,x3,x4,x5,x6,x7,y\n");
    let mut state = 1_u64;
    for _ in 0..600 {
        let cells: Vec<String> = (0..9)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                format!("{}", (state >> 40) as f64 / 1e7)
            })
            .collect();
        table.push_str(&cells.join(","));
        table.push('\n');
    }
    folder.write("wide.csv", table);
    folder.write(
        "wide.nn",
        "data { input x: vector from \"x*\"; target y: number; split = random(validate = 20%) }\n\
         net { Linear(96) -> GELU -> Dropout(0.1) -> Linear(96) -> BatchNorm1d -> Tanh -> Linear(1) }\n\
         train { loss = MSE; optimizer = Adam; epochs = 3; batch = 250; clip_norm = 1 }\n",
    );
    let run = |out: &str, seed: &str, threads: &str| {
        let arguments = [
            "run",
            "wide.nn",
            "wide.csv",
            "--seed",
            seed,
            "--threads",
            threads,
            "--out",
            out,
            "--format",
            "json",
        ];
        let ran = folder.nnc(&arguments).ends(0);
        let epochs: Vec<String> = ran
            .events("epoch")
            .iter()
            .map(ToString::to_string)
            .collect();
        (folder.bytes(&format!("{out}/weights.safetensors")), epochs)
    };
    let plan = folder.nnc(&["plan", "wide.nn", "wide.csv"]).ends(0);
    let head = plan.out.lines().next().expect("a line").to_owned();
    assert!(
        head.contains("MFLOP a step"),
        "too small for a second thread: {head}"
    );
    let one = run("one", "5", "1");
    for (out, threads) in [("again", "1"), ("two", "2"), ("three", "3"), ("five", "5")] {
        assert!(run(out, "5", threads) == one, "{threads} threads differ");
    }
    assert!(run("other", "6", "2").0 != one.0, "the seed has no effect");
}

#[test]
fn a_reader_that_goes_away_is_no_fault() {
    let folder = Folder::with_models("pipe", &THERMOMETER);
    let arguments = [
        "run",
        "thermometer.nn",
        "thermometer.csv",
        "--format",
        "json",
        "--out",
        "run",
    ];
    let mut command = folder.command(&arguments);
    command.stdout(std::process::Stdio::piped());
    command.stderr(std::process::Stdio::piped());
    let mut child = command.spawn().expect("nnc starts");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("nnc ends");
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
    assert_eq!(folder.names("run"), FILES);
}

#[test]
fn under_a_schedule_the_learning_rate_is_recorded() {
    let folder = Folder::with_models("rates", &["thermometer.csv"]);
    folder.write(
        "rates.nn",
        "data { input t_u: number; target t_c: number }\n\
         net { Linear(1) }\n\
         train { loss = MSE; optimizer = SGD(lr = 1e-4); epochs = 4; batch = 4; seed = 1\n\
         schedule = Step(2, gamma = 0.5) }\n",
    );
    let arguments = [
        "run",
        "rates.nn",
        "thermometer.csv",
        "--out",
        "run",
        "--format",
        "json",
    ];
    let ran = folder.nnc(&arguments).ends(0);
    let metrics = folder.read("run/metrics.csv");
    let mut lines = metrics.lines();
    assert_eq!(lines.next(), Some("epoch,train_loss,validate_loss,lr"));
    let rates: Vec<&str> = lines.filter_map(|line| line.split(',').nth(3)).collect();
    assert_eq!(rates, ["0.0001", "0.0001", "5e-5", "5e-5"]);
    let events = ran.events("epoch");
    let told: Vec<Option<f64>> = events.iter().map(|event| event["lr"].as_f64()).collect();
    assert_eq!(told, [Some(1e-4), Some(1e-4), Some(5e-5), Some(5e-5)]);
}

#[test]
fn a_shared_batch_norm_counts_its_uses_as_pytorch_does() {
    let folder = Folder::new("uses");
    folder.write(
        "pairs.csv",
        "a,b,y\n1,2,3\n2,1,3\n3,5,8\n4,4,8\n5,1,6\n6,0,6\n",
    );
    folder.write(
        "pairs.nn",
        "data { input a, b: number; target y: number }\n\
         net { shared t: BatchNorm1d; [a -> t, b -> t] -> Add -> Linear(1) }\n\
         train { loss = MSE; epochs = 3; batch = 2; seed = 1 }\n",
    );
    folder
        .nnc(&["run", "pairs.nn", "pairs.csv", "--out", "run"])
        .ends(0);
    let bytes = folder.bytes("run/weights.safetensors");
    let tensors = safetensors::SafeTensors::deserialize(&bytes).expect("safetensors");
    let counted = tensors.tensor("t.num_batches_tracked").expect("the count");
    assert_eq!(counted.data(), 18_i64.to_le_bytes());
}
