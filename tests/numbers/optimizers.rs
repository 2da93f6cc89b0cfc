//! Every optimizer against its closed form, written down once more in plain f64: parameters and slots
//! after each of several updates, within 1e-12.
//!
//! The gradient of each update is what SGD at lr = 1 takes from the same parameters.

use std::collections::BTreeMap;

use nnc::catalog::arguments::Arguments;
use nnc::catalog::{self, Meaning};
use nnc::graph::state::StateKind;

use crate::support::calls::calls;
use crate::support::stepper::Stepper;
use crate::support::tables::{Cells, table};
use crate::support::{self, Loaded};

const ROWS: usize = 10;
const UPDATES: u64 = 6;
const TOLERANCE: f64 = 1e-12;

/// One number that learns, with the optimizer's slots.
#[derive(Clone, Default)]
struct Element {
    parameter: f64,
    slots: BTreeMap<&'static str, f64>,
}

impl Element {
    fn slot(&mut self, name: &'static str) -> &mut f64 {
        self.slots.entry(name).or_default()
    }

    /// torch.optim.SGD.
    fn sgd(&mut self, arguments: &Arguments, update: u64, gradient: f64) {
        let momentum = arguments.number("momentum");
        let gradient = gradient + arguments.number("weight_decay") * self.parameter;
        let mut direction = gradient;
        if momentum != 0.0 {
            let undamped = match update {
                1 => 1.0,
                _ => 1.0 - arguments.number("dampening"),
            };
            let buffer = self.slot("momentum_buffer");
            *buffer = momentum * *buffer + undamped * gradient;
            direction = if arguments.boolean("nesterov") {
                gradient + momentum * *buffer
            } else {
                *buffer
            };
        }
        self.parameter -= arguments.number("lr") * direction;
    }

    /// torch.optim.Adam; AdamW comes here with its decay done.
    fn adam(&mut self, arguments: &Arguments, update: u64, gradient: f64) {
        let (beta1, beta2) = arguments.pair("betas");
        let t = update as f64;
        let first = self.slot("exp_avg");
        *first = beta1 * *first + (1.0 - beta1) * gradient;
        let m = *first / (1.0 - beta1.powf(t));
        let second = self.slot("exp_avg_sq");
        *second = beta2 * *second + (1.0 - beta2) * gradient * gradient;
        let mut v = *second;
        if arguments.boolean("amsgrad") {
            let largest = self.slot("max_exp_avg_sq");
            *largest = largest.max(v);
            v = *largest;
        }
        let root = (v / (1.0 - beta2.powf(t))).sqrt();
        self.parameter -= arguments.number("lr") * m / (root + arguments.number("eps"));
    }

    fn update(&mut self, optimizer: &str, arguments: &Arguments, update: u64, gradient: f64) {
        let gradient = if arguments.boolean("maximize") {
            -gradient
        } else {
            gradient
        };
        let decay = arguments.number("weight_decay");
        match optimizer {
            "SGD" => self.sgd(arguments, update, gradient),
            "Adam" => self.adam(arguments, update, gradient + decay * self.parameter),
            "AdamW" => {
                self.parameter *= 1.0 - arguments.number("lr") * decay;
                self.adam(arguments, update, gradient);
            }
            other => panic!("no closed form for {other}"),
        }
    }
}

fn load(net: &str, optimizer: &str) -> Loaded {
    let columns = [
        ("x0", Cells::Numbers),
        ("x1", Cells::Numbers),
        ("job", Cells::Values(3)),
        ("y", Cells::Numbers),
    ];
    let model = format!(
        "data {{ input x: vector from \"x*\"; input job: category(embed = 2); target y: number }}\n\
         net {{ {net} }}\n\
         train {{ loss = MSE; optimizer = {optimizer}; epochs = 1; batch = all; precision = f64 }}"
    );
    support::load("case", &model, &table(&columns, ROWS))
}

/// Follows every element of every parameter through the updates.
fn check(net: &str, optimizer: &str, call: &str) {
    let loaded = load(net, call);
    let gradients = load(net, "SGD(lr = 1)");
    let compiled = &loaded.compiled;
    let spec = compiled.declaration.train.as_ref().unwrap();
    let arguments = &spec.optimizer.as_ref().unwrap().arguments;
    let mut stepper = Stepper::<f64>::new(&loaded, compiled.train.as_ref().unwrap());
    let phase = gradients.compiled.train.as_ref().unwrap();
    let mut gradient_stepper = Stepper::<f64>::new(&gradients, phase);
    let places = &compiled.states.places;
    let of_kind = |kind: fn(StateKind) -> bool| {
        let indexes = 0..places.len();
        indexes
            .filter(move |index| kind(places[*index].state.kind))
            .collect::<Vec<usize>>()
    };
    let parameters = of_kind(|kind| kind == StateKind::Parameter);
    let slots = of_kind(|kind| matches!(kind, StateKind::Slot(_)));
    let initial = stepper.states();
    let mut elements: Vec<Vec<Element>> = parameters
        .iter()
        .map(|index| {
            let values = initial[*index].data.iter();
            values
                .map(|value| Element {
                    parameter: *value,
                    ..Element::default()
                })
                .collect()
        })
        .collect();
    let rows: Vec<u32> = (0..ROWS as u32).collect();
    for update in 1..=UPDATES {
        let before = stepper.states();
        gradient_stepper.set_states(&before);
        gradient_stepper.run(&rows, update);
        let stepped = gradient_stepper.states();
        stepper.run(&rows, update);
        let after = stepper.states();
        let mut seen = 0;
        for (elements, index) in elements.iter_mut().zip(&parameters) {
            let name = &places[*index].state.name;
            for (position, element) in elements.iter_mut().enumerate() {
                let gradient = before[*index].data[position] - stepped[*index].data[position];
                element.update(optimizer, arguments, update, gradient);
                let compare = |what: &str, found: f64, expected: f64| {
                    assert!(
                        (found - expected).abs() <= TOLERANCE * expected.abs().max(1.0),
                        "{call}, update {update}, {what}[{position}]: {found} instead of {expected}"
                    );
                };
                compare(name, after[*index].data[position], element.parameter);
                for (slot, expected) in &element.slots {
                    let full = format!("{name}.{slot}");
                    let mut named = slots.iter();
                    let place = named.find(|slot| places[**slot].state.name == full);
                    let place = place.unwrap_or_else(|| panic!("no slot {full}"));
                    compare(&full, after[*place].data[position], *expected);
                    seen += 1;
                }
            }
        }
        let kept: usize = slots.iter().map(|slot| places[*slot].elements()).sum();
        assert_eq!(
            seen, kept,
            "{call}: slots that the closed form does not know"
        );
    }
}

#[test]
fn every_optimizer_is_its_closed_form() {
    for entry in catalog::entries() {
        if !matches!(entry.meaning, Meaning::Optimizer(_)) {
            continue;
        }
        let calls = calls(entry.name);
        assert!(!calls.is_empty(), "no case for {}", entry.name);
        for call in calls {
            // Updates in the gradient's kernel, and as steps of their own for a shared layer.
            for net in [
                "first: Linear(3) -> Tanh -> last: Linear(1)",
                "shared enc: Linear(4)\n enc -> Tanh -> enc\n last: Linear(1)",
            ] {
                check(net, entry.name, call);
            }
        }
    }
}
