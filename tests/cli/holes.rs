//! Tables with holes, classes that turn up later, and columns that say nothing: from training to
//! prediction.

use super::{Folder, Ran};

const TABLE: &str = "age,job,flag,size,y\n\
    31,a,yes,S,1.5\n,b,no,M,2\n45,?,TRUE,L,\nNA,a,f,S,2.5\n28,b,0,M,1\n-1,a,1,L,3\n52,,no,M,2.25\n39,b,t,S,1.75\n";

const MODEL: &str = "data {
    missing = [-1]
    drop = missing_target
    input age: number(fill = median, indicator = true, normalize = zscore)
    input job: category(unknown = own)
    input flag: boolean
    input size: category(ordered = [S, M, L])
    target y: number(normalize = zscore)
}
net { Linear(3) -> Tanh -> Linear(1) }
train { loss = MSE; epochs = 20; seed = 5 }
";

fn folder(name: &str) -> Folder {
    let folder = Folder::new(name);
    folder.write("t.csv", TABLE);
    folder.write("m.nn", MODEL);
    folder
}

fn trained(name: &str) -> (Folder, Ran) {
    let folder = folder(name);
    let ran = folder
        .nnc(&["run", "m.nn", "t.csv", "--out", "run"])
        .ends(0);
    (folder, ran)
}

fn last_cells(csv: &str) -> Vec<String> {
    let rows = csv.lines().skip(1);
    rows.map(|row| row.rsplit(',').next().unwrap_or_default().to_owned())
        .collect()
}

#[test]
fn what_is_dropped_and_filled_is_said() {
    let (folder, ran) = trained("holes");
    for said in [
        "dropped 1 of 8 rows for missing cells",
        "filled missing cells: 3 of `age` with 35",
        "cells taken for `unknown`: 1 of `job`",
    ] {
        assert!(ran.out.contains(said), "{said}\n{}", ran.out);
    }
    let checked = folder.nnc(&["check", "m.nn", "t.csv"]).ends(0);
    assert!(
        checked.out.contains("dropped 1 of 8 rows"),
        "{}",
        checked.out
    );
    let record = folder.json("run/run.json");
    assert_eq!(record["data"]["dropped"], 1, "{record}");
    assert_eq!(record["rows"]["train"], 7);
}

#[test]
fn predictions_are_those_of_single_rows_and_of_other_orders() {
    let (folder, _) = trained("orders");
    let whole = folder.nnc(&["predict", "run", "t.csv"]).ends(0).out;
    let predictions = last_cells(&whole);
    assert_eq!(predictions.len(), 8);
    for (row, prediction) in TABLE.lines().skip(1).zip(&predictions) {
        let cells: Vec<&str> = row.split(',').collect();
        let [age, job, flag, size, _] = cells[..] else {
            panic!("{row}");
        };
        // Another order, and a word that training never saw in the place of another missing one.
        let job = if job.is_empty() { "new" } else { job };
        folder.write(
            "one.csv",
            format!("size,age,more,flag,job\n{size},{age},x,{flag},{job}\n"),
        );
        let one = folder.nnc(&["predict", "run", "one.csv"]).ends(0).out;
        assert_eq!(&last_cells(&one)[0], prediction, "{row}");
    }
}

#[test]
fn rows_that_cannot_be_predicted_are_skipped_if_wanted() {
    let (folder, _) = trained("skips");
    folder.write(
        "new.csv",
        "age,job,flag,size\n30,a,yes,S\n30,a,,S\n30,a,maybe,M\n30,a,no,XL\n30,zz,no,M\n",
    );
    let refused = folder.nnc(&["predict", "run", "new.csv"]).ends(1);
    for said in [
        "column `flag`: 1 of 5 cells is missing, first in line 3",
        "column `flag`: 1 cell holds what training did not see: `maybe` (line 4)",
        "column `size`: 1 cell holds what training did not see: `XL` (line 5)",
        "new.csv:3:6",
        "--skip",
    ] {
        assert!(refused.err.contains(said), "{said}\n{}", refused.err);
    }
    assert!(refused.out.is_empty());
    let skipped = folder.nnc(&["predict", "run", "new.csv", "--skip"]).ends(0);
    let empty: Vec<bool> = last_cells(&skipped.out)
        .iter()
        .map(String::is_empty)
        .collect();
    assert_eq!(empty, [false, true, true, true, false]);
    assert!(
        skipped.err.contains("skipped 3 of 5 rows"),
        "{}",
        skipped.err
    );
}

#[test]
fn one_report_tells_all_columns_with_holes() {
    let folder = folder("report");
    folder.write(
        "plain.nn",
        "data { input age: number(normalize = zscore); input job: category; target y: number }\n\
         net { Linear(1) }\ntrain { loss = MSE; epochs = 2 }\n",
    );
    let mut outputs = Vec::new();
    for arguments in [
        &["check", "plain.nn", "t.csv"][..],
        &["run", "plain.nn", "t.csv", "--out", "never"],
    ] {
        let ran = folder.nnc(arguments).ends(1);
        assert_eq!(ran.err.matches("error[").count(), 1, "{}", ran.err);
        outputs.push(ran.err);
    }
    assert_eq!(outputs[0], outputs[1]);
    for said in [
        "cells are missing in 3 columns",
        "`age`: 2 of 8 cells are missing, first in line 3",
        "`job`: 1 of 8 cells is missing, first in line 8",
        "`y`: 1 of 8 cells is missing, first in line 4",
        "drop = missing",
        "fill = median",
    ] {
        assert!(outputs[0].contains(said), "{said}\n{}", outputs[0]);
    }
    assert!(!folder.path.join("never").exists());
}

#[test]
fn values_that_only_other_rows_have_are_one_error() {
    let folder = Folder::new("unseen");
    folder.write("t.csv", "g,x,y\na,1,1\nb,2,2\na,3,3\nc,4,4\nd,5,5\nc,6,6\n");
    let model = |kind: &str| {
        format!(
            "data {{ input g: {kind}; input x: number; target y: number; split = ordered(validate = 50%) }}\n\
             net {{ Linear(1) }}\ntrain {{ loss = MSE; epochs = 2; seed = 1 }}\n"
        )
    };
    folder.write("m.nn", model("category"));
    let refused = folder.nnc(&["check", "m.nn", "t.csv"]).ends(1);
    assert_eq!(refused.err.matches("error[").count(), 1, "{}", refused.err);
    for said in [
        "3 cells hold a value that no training row has: `c` (line 5), `d` (line 6)",
        "fewer than 3 training rows have `a`, `b`",
        "unknown = own",
    ] {
        assert!(refused.err.contains(said), "{said}\n{}", refused.err);
    }
    assert!(!refused.err.contains("stratify"), "{}", refused.err);
    let kinds = [
        "category(unknown = own)",
        "category(unknown = zero)",
        "category(unknown = \"b\")",
        "category(unknown = own, min_count = 2)",
        "category(unknown = own, embed = auto)",
    ];
    for (at, kind) in kinds.into_iter().enumerate() {
        folder.write("m.nn", model(kind));
        let out = format!("run-{at}");
        let ran = folder.nnc(&["run", "m.nn", "t.csv", "--out", &out]).ends(0);
        assert!(
            ran.out.contains("cells taken for `unknown`"),
            "{kind}\n{}",
            ran.out
        );
        let predicted = folder.nnc(&["predict", &out, "t.csv"]).ends(0);
        assert_eq!(last_cells(&predicted.out).len(), 6);
    }
}

/// What `check` says of a table of categories that a seed divides in two.
fn divided_by(folder: &Folder, values: &str, seed: u32) -> Ran {
    let rows = values.chars().enumerate();
    let rows: String = rows
        .map(|(row, value)| format!("{value},{row}\n"))
        .collect();
    folder.write("t.csv", format!("g,y\n{rows}"));
    let model = format!(
        "data {{ input g: category; target y: number; split = random(validate = 50%, seed = {seed}) }}\n\
         net {{ Linear(1) }}\ntrain {{ loss = MSE; epochs = 2; seed = 1 }}\n"
    );
    folder.write("m.nn", model);
    folder.nnc(&["check", "m.nn", "t.csv"])
}

#[test]
fn a_split_by_shares_is_advised_where_it_helps() {
    let folder = Folder::new("shares");
    let refused = (0..20).map(|seed| divided_by(&folder, "aaaabb", seed));
    let refused: Vec<Ran> = refused.filter(|ran| ran.code == Some(1)).collect();
    assert!(!refused.is_empty() && refused.len() < 20);
    for ran in refused {
        assert!(ran.err.contains("`stratify = g`"), "{}", ran.err);
    }
    // Each row has its own value, of which no part gets a share.
    let ids = divided_by(&folder, "abcdef", 0).ends(1).err;
    assert!(
        ids.contains("unknown = own") && !ids.contains("stratify"),
        "{ids}"
    );
}

#[test]
fn whether_a_model_trains_and_on_which_rows_is_no_matter_of_the_seed() {
    let folder = Folder::new("seeds");
    let rows = (0..40).map(|row| format!("{},{},{}\n", row, u8::from(row == 11), row % 7));
    folder.write("t.csv", "x,rare,y\n".to_owned() + &rows.collect::<String>());
    folder.write(
        "m.nn",
        "data { input x, rare: number(normalize = zscore); target y: number; split = random(validate = 50%) }\n\
         net { Linear(1) }\ntrain { loss = MSE; epochs = 1 }\n",
    );
    let mut centres = Vec::new();
    for seed in ["1", "2", "3"] {
        let out = format!("run{seed}");
        let arguments = ["run", "m.nn", "t.csv", "--seed", seed, "--out", &out];
        folder.nnc(&arguments).ends(0);
        centres.push(folder.read(&format!("{out}/preparation.json")));
    }
    assert!(centres.iter().all(|centre| *centre == centres[0]));
}

#[test]
fn an_embedding_s_row_that_no_training_row_reached_is_the_mean_of_the_others() {
    let folder = Folder::new("untrained");
    folder.write("t.csv", "g,y\na,1\nb,2\nc,5\na,1.5\n");
    folder.write(
        "m.nn",
        "data { input g: category(embed = 2, unknown = own); target y: number }\n\
         net { Linear(1) }\n\
         train { loss = MSE; optimizer = SGD(lr = 0.1); epochs = 20; seed = 1; precision = f64 }\n",
    );
    let ran = folder
        .nnc(&["run", "m.nn", "t.csv", "--out", "run"])
        .ends(0);
    let said = "no training row has the `unknown` of `g`";
    assert!(ran.out.contains(said), "{}", ran.out);
    folder.write("new.csv", "g,k\na,1\nb,1\nc,1\nz,1\n,1\n");
    let predicted = folder.nnc(&["predict", "run", "new.csv"]).ends(0);
    let cells = last_cells(&predicted.out);
    let found: Vec<f64> = cells
        .iter()
        .map(|cell| cell.parse().expect("a number"))
        .collect();
    let mean = found[..3].iter().sum::<f64>() / 3.0;
    assert!(found[0] != found[1] && found[1] != found[2], "{found:?}");
    for unknown in &found[3..] {
        assert!((unknown - mean).abs() < 1e-12, "{found:?}");
    }
}
