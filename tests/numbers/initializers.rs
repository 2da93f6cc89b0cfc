//! Initial values have the distributions that the initializers state: bounds, mean and variance within
//! five standard errors, exact for constants; and the plan prints them.

use nnc::catalog::{self, Meaning};
use nnc::train::initialize::initial_values;

use crate::support::calls::calls;
use crate::support::tables::{Cells, table};
use crate::support::{self, Loaded};

const FAN_IN: usize = 40;
const FAN_OUT: usize = 300;

enum Expected {
    Uniform(f64),
    Normal(f64),
    Constant(f64),
}

/// What a call gives a weight of `[300, 40]`, by the formulas of torch.nn.init.
fn expected(call: &str) -> Expected {
    use Expected::*;
    let (fan_in, fan_out) = (FAN_IN as f64, FAN_OUT as f64);
    let both = fan_in + fan_out;
    match call {
        "XavierUniform" => Uniform((6.0 / both).sqrt()),
        "XavierUniform(gain = 1.5)" => Uniform(1.5 * (6.0 / both).sqrt()),
        "XavierNormal" => Normal((2.0 / both).sqrt()),
        "XavierNormal(gain = 0.5)" => Normal(0.5 * (2.0 / both).sqrt()),
        "KaimingUniform" => Uniform((6.0 / fan_in).sqrt()),
        "KaimingUniform(a = 0.5)" => Uniform((2.0f64 / 1.25).sqrt() * (3.0 / fan_in).sqrt()),
        "KaimingUniform(mode = fan_out, nonlinearity = tanh)" => {
            Uniform(5.0 / 3.0 * (3.0 / fan_out).sqrt())
        }
        "KaimingUniform(nonlinearity = linear)" => Uniform((3.0 / fan_in).sqrt()),
        "KaimingNormal" | "KaimingNormal(nonlinearity = relu)" => Normal((2.0 / fan_in).sqrt()),
        "KaimingNormal(a = 0.2, mode = fan_out)" => Normal((2.0f64 / 1.04 / fan_out).sqrt()),
        "KaimingNormal(nonlinearity = selu)" => Normal(0.75 / fan_in.sqrt()),
        "KaimingNormal(nonlinearity = sigmoid)" => Normal(1.0 / fan_in.sqrt()),
        "Zeros" => Constant(0.0),
        "Ones" => Constant(1.0),
        "Constant(0.25)" => Constant(0.25),
        "Constant(-0.1)" => Constant(-0.1),
        other => panic!("no distribution for {other}"),
    }
}

fn load(net: &str, settings: &str, seed: u64) -> Loaded {
    let names: Vec<String> = (0..FAN_IN).map(|index| format!("x{index}")).collect();
    let columns: Vec<(&str, Cells)> = names
        .iter()
        .map(|name| (name.as_str(), Cells::Numbers))
        .chain([("job", Cells::Values(5)), ("y", Cells::Numbers)])
        .collect();
    let model = format!(
        "data {{ input x: vector from \"x*\"; input job: category(embed = 30); target y: number }}\n\
         net {{ {net} }}\n\
         train {{ loss = MSE; epochs = 1; seed = {seed}\n {settings} }}"
    );
    support::load("case", &model, &table(&columns, 8))
}

fn values(loaded: &Loaded, name: &str) -> Vec<f64> {
    let states = &loaded.compiled.states;
    let mut places = states.places.iter();
    let place = places.find(|place| place.state.name == name).unwrap();
    initial_values(place, loaded.compiled.seed)
}

fn check(what: &str, values: &[f64], expected: &Expected) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| value * value).sum::<f64>() / count;
    // The variance of the distribution, and of its squares over that squared.
    let (of_values, of_squares) = match expected {
        Expected::Constant(constant) => {
            assert!(values.iter().all(|value| value == constant), "{what}");
            return;
        }
        Expected::Uniform(bound) => {
            let largest = values
                .iter()
                .fold(0.0f64, |largest, v| largest.max(v.abs()));
            assert!(largest <= *bound, "{what}: {largest} beyond {bound}");
            assert!(
                largest > bound * (1.0 - 20.0 / count),
                "{what}: {largest} of {bound}"
            );
            (bound * bound / 3.0, 0.8)
        }
        Expected::Normal(deviation) => {
            let inside = values.iter().filter(|value| value.abs() < *deviation);
            let share = inside.count() as f64 / count;
            let error = (0.6827 * 0.3173 / count).sqrt();
            assert!(
                (share - 0.6827).abs() < 5.0 * error,
                "{what}: {share} inside"
            );
            (deviation * deviation, 2.0)
        }
    };
    let error = (of_values / count).sqrt();
    assert!(mean.abs() < 5.0 * error, "{what}: mean {mean}");
    let error = of_values * (of_squares / count).sqrt();
    assert!(
        (variance - of_values).abs() < 5.0 * error,
        "{what}: variance {variance} instead of {of_values}"
    );
}

/// The plan's text for a parameter's first values.
fn printed(loaded: &Loaded, name: &str) -> String {
    let plan = loaded.compiled.predict.plan.to_string();
    let mut lines = plan.lines();
    let line = lines
        .find(|line| line.trim_start().starts_with(name))
        .unwrap_or_else(|| panic!("no {name} in\n{plan}"));
    let (_, text) = line.split_once(']').unwrap();
    text.trim().to_string()
}

/// Four significant digits, as the plan prints.
fn short(value: f64) -> String {
    let rounded: f64 = format!("{value:.3e}").parse().unwrap();
    format!("{rounded}")
}

#[test]
fn every_initializer_has_its_distribution() {
    for entry in catalog::entries() {
        if !matches!(entry.meaning, Meaning::Initializer(_)) {
            continue;
        }
        let calls = calls(entry.name);
        assert!(!calls.is_empty(), "no case for {}", entry.name);
        for call in calls {
            let net = format!("x -> wide: Linear({FAN_OUT}) -> Tanh -> last: Linear(1)");
            let settings = format!("params \"wide.weight\" {{ init = {call} }}");
            let loaded = load(&net, &settings, 5);
            let expected = expected(call);
            check(call, &values(&loaded, "wide.weight"), &expected);
            let text = match expected {
                Expected::Uniform(bound) => format!("uniform(±{})", short(bound)),
                Expected::Normal(deviation) => format!("normal(0, {})", short(deviation)),
                Expected::Constant(0.0) => "zeros".to_string(),
                Expected::Constant(1.0) => "ones".to_string(),
                Expected::Constant(constant) => format!("constant({})", short(constant)),
            };
            assert_eq!(printed(&loaded, "wide.weight"), text, "{call}");
        }
    }
}

/// PyTorch's Linear: uniform(±1/√fan_in) for weight and bias; Embedding: normal(0, 1); BatchNorm1d: ones
/// and zeros.
#[test]
fn layers_begin_with_their_own_distributions() {
    let net = format!("wide: Linear({FAN_OUT}) -> norm: BatchNorm1d -> Tanh -> last: Linear(1)");
    let loaded = load(&net, "", 8);
    let bound = 1.0 / ((FAN_IN + 30) as f64).sqrt();
    for (name, expected) in [
        ("wide.weight", Expected::Uniform(bound)),
        ("wide.bias", Expected::Uniform(bound)),
        (
            "last.weight",
            Expected::Uniform(1.0 / (FAN_OUT as f64).sqrt()),
        ),
        ("job.weight", Expected::Normal(1.0)),
        ("norm.weight", Expected::Constant(1.0)),
        ("norm.bias", Expected::Constant(0.0)),
        ("norm.running_mean", Expected::Constant(0.0)),
        ("norm.running_var", Expected::Constant(1.0)),
    ] {
        check(name, &values(&loaded, name), &expected);
    }
}

/// The last of several selections that hold for a parameter.
#[test]
fn a_later_selection_wins() {
    let settings = "params \"*\" { init = Zeros }\n params \"last.*\" { init = Constant(2) }\n \
                    params \"*.bias\" { init = Constant(3) }";
    let loaded = load("first: Linear(4) -> Tanh -> last: Linear(1)", settings, 1);
    for (name, expected) in [
        ("first.weight", 0.0),
        ("first.bias", 3.0),
        ("last.weight", 2.0),
        ("last.bias", 3.0),
        ("job.weight", 0.0),
    ] {
        check(name, &values(&loaded, name), &Expected::Constant(expected));
    }
}

#[test]
fn a_new_layer_changes_no_other_layers_values() {
    let one = load("first: Linear(4) -> Tanh -> last: Linear(1)", "", 6);
    let two = load(
        "first: Linear(4) -> Tanh -> between: Linear(4) -> Tanh -> last: Linear(1)",
        "",
        6,
    );
    let other_seed = load("first: Linear(4) -> Tanh -> last: Linear(1)", "", 7);
    for name in [
        "first.weight",
        "first.bias",
        "last.weight",
        "last.bias",
        "job.weight",
    ] {
        assert_eq!(values(&one, name), values(&two, name), "{name}");
        assert_ne!(values(&one, name), values(&other_seed, name), "{name}");
    }
    assert_ne!(values(&one, "first.bias"), values(&two, "between.bias"));
}
