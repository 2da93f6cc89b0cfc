//! `nnc predict`: the table's rows with predictions added.

use crate::{Folder, LINE, line_model};

/// A table without one of its columns.
fn without(csv: &str, column: usize) -> String {
    let lines = csv.lines().map(|line| {
        let mut cells: Vec<&str> = line.split(',').collect();
        cells.remove(column);
        cells.join(",")
    });
    lines.map(|line| line + "\n").collect()
}

fn column<'c>(csv: &'c str, name: &str) -> Vec<&'c str> {
    let at = csv
        .lines()
        .next()
        .and_then(|head| head.split(',').position(|found| found == name));
    let at = at.unwrap_or_else(|| panic!("no {name}: {csv}"));
    csv.lines()
        .skip(1)
        .map(|line| line.split(',').nth(at).expect("a cell"))
        .collect()
}

#[test]
fn numbers_without_the_target_agree_with_the_metrics_of_the_run() {
    let folder = Folder::with_models("numbers", &["thermometer.csv"]);
    folder.write(
        "all.nn",
        "data { input t_u: number(normalize = zscore); target t_c: number(normalize = minmax) }\n\
         net { Linear(8) -> Tanh -> Linear(1) }\n\
         train { loss = MSE; epochs = 300; seed = 3 }\n",
    );
    folder
        .nnc(&["run", "all.nn", "thermometer.csv", "--out", "run"])
        .ends(0);
    let full = folder.read("thermometer.csv");
    let unlabelled = without(&full, 0);
    folder.write("unlabelled.csv", &unlabelled);
    let predicted = folder
        .nnc(&["predict", "run", "unlabelled.csv"])
        .ends(0)
        .out;
    assert!(
        predicted.starts_with("t_u,predicted_t_c\n35.7,"),
        "{predicted}"
    );
    let errors = column(&predicted, "predicted_t_c")
        .into_iter()
        .zip(column(&full, "t_c"));
    let errors: Vec<f64> = errors
        .map(|(y, t)| (y.parse::<f64>().unwrap() - t.parse::<f64>().unwrap()).abs())
        .collect();
    let mae = errors.iter().sum::<f64>() / errors.len() as f64;
    let metrics = folder.json("run/run.json");
    let expected = metrics["metrics"]["train"]["mae"]
        .as_f64()
        .expect("a metric");
    assert!((mae - expected).abs() < 1e-12, "{mae} {expected}");

    folder
        .nnc(&["predict", "run", "unlabelled.csv", "--out", "predicted.csv"])
        .ends(0);
    assert_eq!(folder.read("predicted.csv"), predicted);
    let ran = folder
        .nnc(&["predict", "run", "predicted.csv", "--out", "twice.csv"])
        .ends(1);
    assert!(
        ran.err.contains("already has a column `predicted_t_c`"),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("predicted.csv:1:5"), "{}", ran.err);
    assert!(!folder.path.join("twice.csv").exists());
}

#[test]
fn columns_whose_names_are_no_words_get_words_by_from() {
    let folder = Folder::new("words");
    folder.write(
        "flats.csv",
        "Area (m2),k d,price eur,row w\n50,a,1.5,1\n70,b,2.5,2\n90,a,3.5,1\n20,b,0.5,1\n",
    );
    folder.write(
        "flats.nn",
        "data { input area: number(normalize = zscore) from \"Area (m2)\"; weight w from \"row w\"\n\
         target kind: category from \"k d\"; target price: number from \"price eur\" }\n\
         net { h = area -> Linear(4) -> Tanh; kind = h -> Linear(2); price = h -> Linear(1) }\n\
         train { loss = CrossEntropy(kind) + MSE(price); epochs = 3; seed = 1 }\n",
    );
    folder
        .nnc(&["run", "flats.nn", "flats.csv", "--out", "run"])
        .ends(0);
    folder.write("new.csv", "id,Area (m2)\n7,50\n8,70\n");
    let predicted = folder.nnc(&["predict", "run", "new.csv"]).ends(0).out;
    let head =
        "id,Area (m2),predicted_kind,probability_kind_a,probability_kind_b,predicted_price\n7,50,";
    assert!(predicted.starts_with(head), "{predicted}");
}

#[test]
fn classes_come_with_their_probabilities() {
    let folder = Folder::with_models("classes", &["iris.nn", "iris.csv"]);
    let model = folder.read("iris.nn").replace(
        "split = random(validate = 20%, stratify = species, seed = 42)",
        "",
    );
    folder.write("iris.nn", model);
    folder
        .nnc(&["run", "iris.nn", "iris.csv", "--out", "run"])
        .ends(0);
    let full = folder.read("iris.csv");
    folder.write("unlabelled.csv", without(&full, 4));
    let predicted = folder
        .nnc(&["predict", "run", "unlabelled.csv"])
        .ends(0)
        .out;
    let classes = column(&predicted, "predicted_species");
    let species = column(&full, "species");
    let right = classes.iter().zip(&species).filter(|(a, b)| a == b).count();
    let metrics = folder.json("run/run.json");
    let accuracy = right as f64 / species.len() as f64;
    assert_eq!(
        metrics["metrics"]["train"]["accuracy"].as_f64(),
        Some(accuracy)
    );
    let names = ["setosa", "versicolor", "virginica"];
    let columns = names.map(|name| column(&predicted, &format!("probability_{name}")));
    for (row, class) in classes.iter().enumerate() {
        let p = [0, 1, 2].map(|k| columns[k][row].parse::<f64>().expect("a number"));
        assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let at = names
            .iter()
            .position(|name| name == class)
            .expect("a class");
        assert!(p.iter().all(|other| *other <= p[at]));
    }
}

#[test]
fn cells_keep_their_bytes() {
    let folder = Folder::new("bytes");
    folder.write("line.nn", line_model("epochs = 3"));
    folder.write("line.csv", LINE);
    folder
        .nnc(&["run", "line.nn", "line.csv", "--out", "run"])
        .ends(0);
    let csv = "note;x\r\n\"a; \"\"b\"\"\r\nc\"; 01.50\r\n\r\n  ü ;2e0\r\n";
    folder.write("odd.csv", csv);
    let ran = folder.nnc(&["predict", "run", "odd.csv"]).ends(0);
    let lines: Vec<&str> = ran.out.split("\r\n").collect();
    assert_eq!(lines[0], "note;x;predicted_y");
    assert!(lines[1].starts_with("\"a; \"\"b\"\""));
    assert!(lines[2].starts_with("c\"; 01.50;"));
    assert!(lines[3].starts_with("  ü ;2e0;"));
    assert_eq!(lines[4..], [""]);
}

#[test]
fn a_run_that_cannot_be_read_is_refused() {
    let folder = Folder::new("damaged");
    folder.write("line.nn", line_model("epochs = 3"));
    folder.write("line.csv", LINE);
    folder
        .nnc(&["run", "line.nn", "line.csv", "--out", "run"])
        .ends(0);
    folder.nnc(&["predict", "absent", "line.csv"]).ends(2);
    folder.nnc(&["predict", "run", "absent.csv"]).ends(2);
    folder
        .nnc(&["predict", "run", "line.csv", "--out", "absent/out.csv"])
        .ends(2);
    let refused = |file: &str, text: &str, reason: &str| {
        let good = folder.bytes(file);
        folder.write(file, text);
        let ran = folder.nnc(&["predict", "run", "line.csv"]).ends(1);
        assert!(
            ran.err.contains(reason) && ran.out.is_empty(),
            "{}",
            ran.err
        );
        folder.write(file, good);
    };
    refused("run/run.json", "{}", "E0604");
    refused("run/run.json", "{", "E0604");
    refused("run/preparation.json", "[]", "E0604");
    refused("run/weights.safetensors", "{}", "E0601");
    let model = folder.read("run/model.nn");
    refused(
        "run/model.nn",
        &model.replace("input x", "input z"),
        "E0604",
    );
    refused(
        "run/model.nn",
        &model.replace("Linear(1)", "Linear(1, bias = false)"),
        "E0602",
    );
    folder.write("no_x.csv", "z,y\n1,2\n");
    let ran = folder.nnc(&["predict", "run", "no_x.csv"]).ends(1);
    assert!(ran.err.contains("E0401"), "{}", ran.err);
    folder.nnc(&["predict", "run", "line.csv"]).ends(0);
}

#[test]
fn networks_that_compute_nothing_predict_their_inputs() {
    let folder = Folder::with_models("copies", &[]);
    folder.write(
        "table.csv",
        "a,b,v1,v2,y,z\n1,2,8,9,1,4\n3,4.5,7,6,3,2\n5,-7,3,1,4,1\n",
    );
    let columns = |names: &str, text: &str| {
        let rows = text.split(' ').map(|row| format!("{row}\n"));
        format!("{names}\n{}", rows.collect::<String>())
    };
    let y = "predicted_y";
    // Network, inputs, targets, what is predicted.
    let cases = [
        ("a", "a: number", "y", columns(y, "1.0 3.0 5.0")),
        ("a * 1", "a: number", "y", columns(y, "1.0 3.0 5.0")),
        ("a + 0", "a: number", "y", columns(y, "1.0 3.0 5.0")),
        ("a -> Identity", "a: number", "y", columns(y, "1.0 3.0 5.0")),
        (
            "a -> Dropout(0.5)",
            "a: number",
            "y",
            columns(y, "1.0 3.0 5.0"),
        ),
        ("b", "a, b: number", "y", columns(y, "2.0 4.5 -7.0")),
        (
            "a",
            "a, b: number(scale = 2)",
            "y",
            columns(y, "2.0 6.0 10.0"),
        ),
        (
            "y = b\nz = a",
            "a, b: number",
            "y, z",
            columns("predicted_y,predicted_z", "2.0,1.0 4.5,3.0 -7.0,5.0"),
        ),
        (
            "y = b\nz = a + b",
            "a, b: number",
            "y, z",
            columns("predicted_y,predicted_z", "2.0,3.0 4.5,7.5 -7.0,-2.0"),
        ),
    ];
    for (net, inputs, targets, expected) in cases {
        for precision in ["f32", "f64"] {
            let losses: Vec<String> = targets.split(", ").map(|y| format!("MSE({y})")).collect();
            folder.write(
                "m.nn",
                format!(
                    "data {{ input {inputs}; target {targets}: number }}\nnet {{ {net} }}\n\
                     train {{ loss = {}; epochs = 1; precision = {precision} }}\n",
                    losses.join(" + ")
                ),
            );
            let ran = folder.nnc(&["run", "m.nn", "table.csv", "--out", "run"]);
            ran.ends(0);
            let predicted = folder.nnc(&["predict", "run", "table.csv"]).ends(0).out;
            let own = expected
                .lines()
                .next()
                .expect("a header")
                .split(',')
                .count();
            let predicted: String = predicted
                .lines()
                .map(|line| {
                    let cells: Vec<&str> = line.split(',').collect();
                    cells[cells.len() - own..].join(",") + "\n"
                })
                .collect();
            assert_eq!(predicted, expected, "{net} in {precision}");
            std::fs::remove_dir_all(folder.path.join("run")).expect("the run is removed");
        }
    }
}

#[test]
fn metrics_of_networks_that_compute_nothing_are_those_of_their_inputs() {
    let folder = Folder::with_models("copies_metrics", &[]);
    folder.write("table.csv", "b,y\n2,1\n4.5,3\n-7,4\n");
    // Errors of 1, 1.5 and 11.
    folder.write(
        "m.nn",
        "data { input b: number; target y: number }\nnet { b }\ntrain { loss = L1; epochs = 1 }\n",
    );
    folder
        .nnc(&["run", "m.nn", "table.csv", "--out", "run"])
        .ends(0);
    let metrics = &folder.json("run/run.json")["metrics"]["train"];
    assert_eq!(metrics["loss"].as_f64(), Some(4.5), "{metrics}");
    assert_eq!(metrics["mae"].as_f64(), Some(4.5), "{metrics}");
}
