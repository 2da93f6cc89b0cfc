//! The gradients that fused plans apply are those of finite differences of the plans' own losses: for
//! every activation, layer, loss and kind of column of the catalog, and for what combines them.
//!
//! In f64, with SGD at lr = 1 an update is the gradient. Central differences with eps 1e-6 agree within
//! 1e-5 + 1e-3 · |difference|, at initial values that keep every activation and loss away from its kinks.

use nnc::catalog::{self, LossTarget, Meaning};
use nnc::graph::state::StateKind;

use crate::support::calls::calls;
use crate::support::stepper::{Stepper, kink_distances, reference};
use crate::support::tables::{Cells, table};
use crate::support::{self, Loaded};

const EPS: f64 = 1e-6;
const ABSOLUTE: f64 = 1e-5;
const RELATIVE: f64 = 1e-3;
/// How near an activation's argument may come to a kink: far more than a difference of EPS moves it.
const NEAREST_KINK: f64 = 1e-3;
const ROWS: usize = 9;

/// A network on a table of its own.
struct Case<'c> {
    data: &'c str,
    net: &'c str,
    loss: &'c str,
    settings: &'c str,
}

/// The columns that the cases' `data` sections choose from.
fn csv() -> String {
    let columns = [
        ("x0", Cells::Numbers),
        ("x1", Cells::Numbers),
        ("x2", Cells::Numbers),
        ("a", Cells::Numbers),
        ("b", Cells::Numbers),
        ("job", Cells::Values(4)),
        ("city", Cells::Values(3)),
        ("y", Cells::Numbers),
        ("z0", Cells::Numbers),
        ("z1", Cells::Numbers),
        ("p0", Cells::Shares),
        ("p1", Cells::Shares),
        ("class", Cells::Values(3)),
        ("side", Cells::Values(2)),
        ("flag", Cells::Booleans),
    ];
    table(&columns, ROWS)
}

/// The case compiled with the first seed that keeps it away from kinks.
fn load(case: &Case) -> Loaded {
    let Case {
        data,
        net,
        loss,
        settings,
    } = case;
    for seed in 0..200 {
        let model = format!(
            "data {{ {data} }}\nnet {{ {net} }}\ntrain {{ loss = {loss}; optimizer = SGD(lr = 1); \
             epochs = 1; batch = all; precision = f64; seed = {seed}; {settings} }}"
        );
        let loaded = support::load("case", &model, &csv());
        let phase = loaded.compiled.train.as_ref().unwrap();
        let states = Stepper::<f64>::new(&loaded, phase).states();
        let rows: Vec<u32> = (0..ROWS as u32).collect();
        let values = reference::<f64>(&loaded, phase, &states, &rows, 1, |value| value);
        let distances = kink_distances(phase, &values);
        if distances.iter().all(|distance| *distance >= NEAREST_KINK) {
            return loaded;
        }
    }
    panic!("no seed keeps this away from its kinks: {net}");
}

/// For each parameter, its name, the gradient that the plan applied, and that by differences.
fn gradients(loaded: &Loaded) -> Vec<(String, Vec<f64>, Vec<f64>)> {
    let phase = loaded.compiled.train.as_ref().unwrap();
    let mut stepper = Stepper::<f64>::new(loaded, phase);
    let rows: Vec<u32> = (0..ROWS as u32).collect();
    let before = stepper.states();
    stepper.run(&rows, 1);
    let after = stepper.states();
    let mut loss_at = |state: usize, element: usize, change: f64| {
        let mut states = before.clone();
        states[state].data[element] += change;
        stepper.set_states(&states);
        stepper.run(&rows, 1);
        stepper.loss()
    };
    let places = loaded.compiled.states.places.iter().enumerate();
    places
        .filter(|(_, place)| place.state.kind == StateKind::Parameter)
        .map(|(index, place)| {
            let pairs = before[index].data.iter().zip(&after[index].data);
            let applied = pairs.map(|(before, after)| before - after).collect();
            let differences = (0..place.elements())
                .map(|element| {
                    let above = loss_at(index, element, EPS);
                    let below = loss_at(index, element, -EPS);
                    (above - below) / (2.0 * EPS)
                })
                .collect();
            (place.state.name.clone(), applied, differences)
        })
        .collect()
}

fn compare(what: &str, applied: &[f64], differences: &[f64]) {
    for (element, (applied, difference)) in applied.iter().zip(differences).enumerate() {
        assert!(
            (applied - difference).abs() <= ABSOLUTE + RELATIVE * difference.abs(),
            "{what}[{element}]: gradient {applied}, by differences {difference}"
        );
    }
}

fn check(case: &Case) {
    let loaded = load(case);
    let gradients = gradients(&loaded);
    for (name, applied, differences) in &gradients {
        let what = format!("{} · {} · {name}", case.net, case.loss);
        compare(&what, applied, differences);
    }
    let applied = gradients.iter().flat_map(|(_, applied, _)| applied);
    let largest = applied.fold(0.0f64, |largest, gradient| largest.max(gradient.abs()));
    assert!(
        largest > 100.0 * ABSOLUTE,
        "{}: no gradient to speak of",
        case.net
    );
}

const VECTOR: &str = "input x: vector from \"x*\"; target y: number";

#[test]
fn every_activation_and_layer() {
    for entry in catalog::entries() {
        match entry.meaning {
            Meaning::Activation(_) | Meaning::Layer(_) | Meaning::LastAxis(_) => {}
            Meaning::Loss(_)
            | Meaning::Optimizer(_)
            | Meaning::Schedule(_)
            | Meaning::Stop
            | Meaning::Average
            | Meaning::Combination(_)
            | Meaning::Parameter
            | Meaning::Initializer(_)
            | Meaning::Metric(_)
            | Meaning::ColumnKind
            | Meaning::Split => continue,
        }
        // It takes a category alone, as in the test of all kinds of columns.
        if entry.name == "Embedding" || entry.name == "Unflatten" {
            continue;
        }
        let calls = calls(entry.name);
        assert!(!calls.is_empty(), "no case for {}", entry.name);
        for call in calls {
            // In the middle, on the inputs, and as the last stage.
            let nets = [
                format!("first: Linear(4) -> {call} -> last: Linear(1)"),
                format!("{call} -> first: Linear(3) -> {call} -> {call} -> last: Linear(1)"),
                format!("first: Linear(5) -> Tanh -> last: Linear(1) -> Identity -> {call}"),
                format!("first: Linear(1) -> Tanh -> only: Linear(1) -> {call} -> last: Linear(1)"),
            ];
            // A layer with a width of its own is its last stage only where that is the target's.
            let fits = |net: &&String| !(call.starts_with("Linear(3") && net.ends_with(call));
            // Over the one feature of a value of width 1 these give zeros or signs.
            let wide = match entry.name {
                "LayerNorm" | "GroupNorm" | "RMSNorm" | "Softmax" | "LogSoftmax" => 2,
                _ => nets.len(),
            };
            for net in nets[..wide].iter().filter(fits) {
                check(&Case {
                    data: VECTOR,
                    net,
                    loss: "MSE",
                    settings: "",
                });
            }
        }
    }
}

/// Layers whose result would be the same for all rows of one feature, or whose groups need a width.
#[test]
fn groups_of_features() {
    for call in ["GroupNorm(2)", "GroupNorm(3, eps = 0.1, affine = false)"] {
        check(&Case {
            data: VECTOR,
            net: &format!("Linear(6) -> {call} -> Linear(6) -> Tanh -> {call} -> Linear(1)"),
            loss: "MSE",
            settings: "",
        });
    }
}

/// Rows of several axes: layers along the last, element by element, and back.
#[test]
fn rows_of_several_axes() {
    let mut nets = vec![
        "Linear(6) -> Unflatten([2, 3]) -> Tanh -> Dropout(0.25) -> Flatten -> Linear(1)".to_string(),
        "h = Linear(6) -> Unflatten([2, 3])\nk = in -> Linear(6) -> Unflatten([2, 3]) -> Sigmoid\n\
         [h, (h * k - 0.5 * k)] -> Maximum -> residual { Linear(3) -> Tanh } -> Flatten -> Linear(1)"
            .to_string(),
        "Linear(12) -> Unflatten([2, 3, 2]) -> Linear(3) -> Tanh -> Linear(1) -> Flatten -> Linear(1)"
            .to_string(),
        "Linear(4) -> Unflatten([4]) -> Tanh -> Unflatten([4, 1]) -> Linear(2) -> Flatten -> Linear(1)"
            .to_string(),
    ];
    for entry in catalog::entries() {
        if matches!(entry.meaning, Meaning::LastAxis(_)) {
            nets.extend(calls(entry.name).iter().map(|call| {
                format!("Linear(6) -> Unflatten([2, 3]) -> {call} -> Tanh -> {call} -> Flatten -> Linear(1)")
            }));
        }
    }
    for net in &nets {
        check(&Case {
            data: VECTOR,
            net,
            loss: "MSE",
            settings: "",
        });
    }
}

/// Of values of unlike widths, of one feature, of one value twice, and shared.
#[test]
fn products_of_features() {
    for net in [
        "[(in -> Linear(5)), (in -> Linear(2) -> Tanh)] -> Bilinear(4) -> Tanh -> Linear(1)",
        "h = Linear(4) -> Tanh\n[h, h] -> Bilinear(1)",
        "[(in -> Linear(1)), in] -> Bilinear(2) -> Tanh -> Linear(1)",
        "[in, (in -> Linear(1))] -> Bilinear(2) -> Tanh -> Linear(1)",
        "shared pair: Bilinear(3)\na = Linear(3) -> Tanh\nb = [in, a] -> pair -> Tanh\n[a, b] -> pair -> Linear(1)",
    ] {
        check(&Case {
            data: VECTOR,
            net,
            loss: "MSE",
            settings: "",
        });
    }
}

/// Layers that stand on something of their own: a category, a value that learns, another's weight.
#[test]
fn embeddings_parameters_and_tied_weights() {
    for net in [
        "job -> Embedding(3) -> Linear(1)",
        "e = job -> table: Embedding(2)\n[e, a] -> Concat -> Linear(3) -> Tanh -> Linear(1)",
        "gain = Parameter([3], init = Ones)\na -> Linear(3) -> Tanh\nh = Linear(3)\nh * gain\nLinear(1)",
        "a -> fc: Linear(3) -> Tanh -> mix: Linear(3) -> Tanh -> Linear(3, weight = mix.weight) -> Linear(1)",
        "job -> table: Embedding(3) -> Tanh -> Linear(4, weight = table.weight) -> Tanh -> Linear(1)",
        "job -> table: Embedding(3) -> Tanh -> Linear(4) -> Tanh -> Linear(1)",
    ] {
        check(&Case {
            data: "input a: number; input job: category; target y: number",
            net,
            loss: "MSE",
            settings: "",
        });
    }
}

#[test]
fn every_combination() {
    for entry in catalog::entries() {
        let Meaning::Combination(_) = &entry.meaning else {
            continue;
        };
        let calls = calls(entry.name);
        assert!(!calls.is_empty(), "no case for {}", entry.name);
        let pair = "[(in -> Linear(3)), (in -> Linear(3) -> Tanh)]";
        let nets = calls.iter().flat_map(|name| {
            [
                format!("{pair} -> {name} -> last: Linear(1)"),
                format!(
                    "a = Linear(3) -> Sigmoid\n[a, (a -> Linear(3))] -> {name} -> last: Linear(1)"
                ),
                format!(
                    "Linear(2) -> residual {{ {pair} -> {name} -> Linear(2) }}\nlast: Linear(1)"
                ),
            ]
        });
        for net in nets {
            check(&Case {
                data: VECTOR,
                net: &net,
                loss: "MSE",
                settings: "",
            });
        }
    }
}

#[test]
fn every_loss() {
    for entry in catalog::entries() {
        let Meaning::Loss(loss) = &entry.meaning else {
            continue;
        };
        let targets: &[(&str, usize)] = match loss.target {
            LossTarget::Numbers => &[
                ("target y: number", 1),
                ("target z: vector from \"z*\"", 2),
                ("target z: vector(normalize = zscore) from \"z*\"", 2),
            ],
            LossTarget::Classes => &[("target class: category", 3), ("target side: category", 2)],
            LossTarget::Binary => &[
                ("target side: category", 1),
                ("target p: vector from \"p*\"", 2),
            ],
        };
        let calls = calls(entry.name);
        assert!(!calls.is_empty(), "no case for {}", entry.name);
        for (call, (target, width)) in calls
            .iter()
            .flat_map(|call| targets.iter().map(move |target| (call, target)))
        {
            for net in [
                format!("last: Linear({width})"),
                format!("first: Linear(4) -> SiLU -> last: Linear({width})"),
            ] {
                check(&Case {
                    data: &format!("input x: vector from \"x*\"; {target}"),
                    net: &net,
                    loss: call,
                    settings: "",
                });
            }
        }
    }
}

#[test]
fn every_kind_of_column() {
    for entry in catalog::entries() {
        if !matches!(entry.meaning, Meaning::ColumnKind) {
            continue;
        }
        let inputs: &[&str] = match entry.name {
            "number" => &["input a: number", "input a, b: number(normalize = zscore)"],
            "vector" => &["input x: vector from \"x*\""],
            "category" => &[
                "input job: category",
                "input job: category(embed = 3)",
                "input job: category(embed = 1); input city: category(embed = 2)",
                "input a: number; input job: category(embed = 2); input city: category",
                "input city: category; input x: vector from \"x*\"; input job: category(embed = 4)",
            ],
            "boolean" => &[
                "input flag: boolean",
                "input a: number; input flag: boolean",
            ],
            other => panic!("no case for {other}"),
        };
        for inputs in inputs {
            for net in [
                "last: Linear(1)",
                "first: Linear(4) -> Tanh -> last: Linear(1)",
                "BatchNorm1d -> last: Linear(1)",
                "Tanh -> last: Linear(1)",
            ] {
                check(&Case {
                    data: &format!("{inputs}; target y: number"),
                    net,
                    loss: "MSE",
                    settings: "",
                });
            }
        }
    }
}

/// Values combined, layers used twice, inputs taken apart.
const COMBINED: &[&str] = &[
    "h = first: Linear(3) -> Tanh\n h + h * h\n last: Linear(1)",
    "h = first: Linear(3) -> Tanh\n g = second: Linear(3) -> Sigmoid\n h * g + (1 - g) * 0.5\n last: Linear(1)",
    "h = first: Linear(3) -> Tanh\n g = in -> second: Linear(3) -> Sigmoid\n h / (g + 0.5) - 2 / (g + 1)\n last: Linear(1)",
    "h = first: Linear(3) -> GELU\n (-h) * 3 - 1.5\n last: Linear(1)",
    "h = first: Linear(3) -> GELU\n h - h / 4\n last: Linear(1)",
    "shared enc: Linear(3)\n l = a -> enc -> Tanh\n r = b -> enc -> SiLU\n l - r\n last: Linear(1)",
    "shared enc: Linear(3, bias = false)\n first: Linear(3) -> Tanh\n enc -> Tanh -> enc\n last: Linear(1)",
    "shared d: Dropout(0.4)\n first: Linear(6) -> Tanh\n h = d\n k = h -> second: Linear(6) -> d\n h * k\n last: Linear(1)",
    "l = a -> first: Linear(3) -> BatchNorm1d -> Tanh\n r = b -> second: Linear(3)\n l * r\n last: Linear(1)",
    "shared norm: BatchNorm1d(momentum = 0.2)\n l = a -> first: Linear(3) -> norm\n r = b -> second: Linear(3) -> norm\n l * r\n last: Linear(1)",
    "l = job -> first: Linear(3) -> Tanh\n r = job -> second: Linear(3)\n l + r * 0.5\n last: Linear(1)",
    "first: Linear(2) -> BatchNorm1d -> ReLU -> Dropout(0.2)\n second: Linear(5) -> ELU\n last: Linear(1)",
];

const MIXED: &str =
    "input a, b: number; input job: category(embed = 2); input city: category; target y: number";

#[test]
fn values_shared_layers_and_inputs() {
    for net in COMBINED {
        check(&Case {
            data: MIXED,
            net,
            loss: "MSE",
            settings: "",
        });
    }
}

/// Clipping scales all gradients by min(1, clip_norm / (norm + 1e-6)).
#[test]
fn clipping_by_norm() {
    let net = "shared enc: Linear(3)\n l = a -> enc -> Tanh\n r = b -> enc -> SiLU\n l - r\n \
               next: Linear(4) -> BatchNorm1d -> Tanh\n last: Linear(1)";
    for limit in [1e-3, 0.5, 1e3] {
        let loaded = load(&Case {
            data: MIXED,
            net,
            loss: "MSE",
            settings: &format!("clip_norm = {limit}"),
        });
        let gradients = gradients(&loaded);
        let squares = gradients
            .iter()
            .flat_map(|(_, _, differences)| differences)
            .map(|difference| difference * difference);
        let norm = squares.sum::<f64>().sqrt();
        assert!(norm > 0.6, "the limits lie on both sides of {norm}");
        let factor = (limit / (norm + 1e-6)).min(1.0);
        for (name, applied, differences) in &gradients {
            // A clipped gradient is compared in its own size.
            let applied: Vec<f64> = applied.iter().map(|g| g / factor).collect();
            compare(name, &applied, differences);
        }
    }
}
