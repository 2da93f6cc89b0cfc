//! Facts of the data mean what they are: a model with them has the plans of the model with the numbers
//! written out, in every place where a number may stand.

use nnc::plan::Target;
use nnc::{ModelSource, compile};

use crate::support::tables::{Cells, table};
use crate::support::{self, Loaded};

/// Of the table: 24 training rows, 5 features, 3 classes.
const MODEL: &str = "
param half = (features + 1) / 2
block Wide(factor) { Linear(factor * classes) -> LeakyReLU(1 / classes) }
data {
    input x: vector from \"x*\"
    target y: category
    split = ordered(validate = 20%)
}
net {
    Wide(half - 1)
    h = Linear(features - 1) -> GroupNorm(features - classes) -> Dropout(1 / features)
    g = h / features - (-rows / 100)
    trunk: repeat classes - 1 as i { Linear(half + i); Softplus(beta = classes) }
    [g, (trunk_end -> Linear(classes))] -> Bilinear(classes, bias = false)
    Linear(classes)
}
train {
    loss       = rows / 12 * CrossEntropy(label_smoothing = 0.1 * classes)
    optimizer  = Adam(lr = 0.1 / rows, betas = [1 - 1 / features, 0.9])
    epochs     = 2 * classes
    batch      = rows / 4
    precision  = f64
    seed       = 1
    schedule   = Warmup(classes) -> MultiStep([1, features])
    accumulate = classes - 1
    clip_norm  = features
    clip_value = 1 / classes
    average    = ema(1 - 1 / rows)
    stop       = early(patience = classes, min_delta = 1 / rows)
    params \"trunk.*.weight\" { lr = 1 / rows; max_norm = features; l2 = 1 / rows; init = XavierNormal(gain = classes) }
}";

fn model() -> String {
    // The trunk's result under a name of its own.
    let trunk = "trunk_end = trunk: repeat";
    MODEL.replace("trunk: repeat", trunk)
}

fn load(model: &str) -> Loaded {
    let columns = [
        ("x0", Cells::Numbers),
        ("x1", Cells::Numbers),
        ("x2", Cells::Numbers),
        ("x3", Cells::Numbers),
        ("x4", Cells::Numbers),
        ("y", Cells::Values(3)),
    ];
    support::load("facts", model, &table(&columns, 30))
}

fn plans(loaded: &Loaded) -> Vec<String> {
    let compiled = &loaded.compiled;
    let phases = [&compiled.train, &compiled.accumulate, &compiled.evaluate];
    let phases = phases.into_iter().flatten().chain([&compiled.predict]);
    phases.map(|phase| phase.plan.to_string()).collect()
}

#[test]
fn facts_are_their_numbers() {
    let facts = model();
    let mut numbers = facts.clone();
    for (fact, number) in [("features", "5"), ("classes", "3"), ("rows", "24")] {
        numbers = numbers.replace(fact, number);
    }
    let (with_facts, with_numbers) = (load(&facts), load(&numbers));
    assert_eq!(plans(&with_facts), plans(&with_numbers));
    let train = |loaded: &Loaded| loaded.compiled.declaration.train.clone().unwrap();
    let (a, b) = (train(&with_facts), train(&with_numbers));
    assert_eq!((a.epochs, a.batch, a.accumulate), (6, b.batch, 2));
    assert_eq!((a.stop, a.average), (b.stop, b.average));
    assert_eq!(a.waits(), Vec::<String>::new());
    assert!(
        with_facts
            .compiled
            .train
            .as_ref()
            .unwrap()
            .plan
            .deferred
            .is_empty()
    );
}

#[test]
fn without_the_data_every_fact_is_deferred() {
    let text = model();
    let mut sources = nnc::diagnostics::Sources::new();
    let file = sources.add("facts.nn", text);
    let compiled = compile(&ModelSource::new(&sources, file), None, Target::Reference).unwrap();
    let plan = compiled.train.unwrap().plan.to_string();
    for written in [
        "(rows / 12) * CrossEntropy(label_smoothing = 0.1 * classes)",
        "lr = 0.1 / rows, betas = [1 - (1 / features), 0.9]",
        "Warmup(length = classes) -> MultiStep(milestones = [1 epoch, features]",
        "epochs      2 * classes",
        "batch       rows / 4,",
        "early(patience = classes, min_delta = 1 / rows)",
        "ema(decay = 1 - (1 / rows))",
        "repeat classes - 1",
    ] {
        let written = written.replace("features", "columns of x");
        let plan = plan.replace("(columns of x)", "columns of x");
        assert!(plan.contains(&written), "{written}\n{plan}");
    }
}
