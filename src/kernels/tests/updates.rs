//! The optimizers' updates in one pass: which programs are recognised, and that the bits are those of
//! the program.

use super::*;
use crate::data::spec::{Field, FieldKind, Schema, SplitRows};
use crate::diagnostics::{Sources, render_all};
use crate::kernels::update::Update;
use crate::kernels::update::recognise::recognise;
use crate::plan::Target;
use crate::{ModelSource, compile};

/// The optimizers as a model names them, with the update that each is.
const OPTIMIZERS: &[(&str, Option<Update>)] = &[
    ("SGD", Some(Update::Descent)),
    ("SGD(weight_decay = 0.1)", Some(Update::PenalisedDescent)),
    ("SGD(momentum = 0.9)", Some(Update::Momentum)),
    (
        "SGD(momentum = 0.9, weight_decay = 0.1)",
        Some(Update::PenalisedMomentum),
    ),
    (
        "SGD(momentum = 0.9, nesterov = true)",
        Some(Update::Nesterov),
    ),
    (
        "SGD(momentum = 0.9, nesterov = true, weight_decay = 0.1)",
        Some(Update::PenalisedNesterov),
    ),
    ("Adam", Some(Update::Adam)),
    ("Adam(weight_decay = 0.1)", Some(Update::PenalisedAdam)),
    ("AdamW", Some(Update::AdamW)),
    ("AdamW(weight_decay = 0)", Some(Update::Adam)),
    ("Adam(amsgrad = true)", Some(Update::AmsGrad)),
    (
        "Adam(amsgrad = true, weight_decay = 0.1)",
        Some(Update::PenalisedAmsGrad),
    ),
    ("AdamW(amsgrad = true)", Some(Update::AmsGradW)),
    // These have no kernel of their own.
    ("SGD(momentum = 0.9, dampening = 0.5)", None),
    ("SGD(maximize = true)", None),
];

/// The kernels of a training step of `3 → 40 → 2`, the arena's elements, and its first values.
fn step(optimizer: &str) -> (Vec<Kernel>, usize, Vec<f64>) {
    let text = format!(
        "data {{ input x: vector from \"x*\"; target y: vector from \"y*\" }}\n\
         net {{ Linear(40); Tanh; Linear(2) }}\n\
         train {{ loss = MSE; optimizer = {optimizer}; epochs = 1; batch = 6 }}\n"
    );
    let mut sources = Sources::new();
    let file = sources.add("model.nn", text);
    let field = |name: &str, width| Field {
        name: name.to_string(),
        span: Default::default(),
        kind: FieldKind::Numbers { width: Some(width) },
    };
    let schema = Schema {
        inputs: vec![field("x", 3)],
        targets: vec![field("y", 2)],
        rows: Some(SplitRows {
            train: 6,
            validate: 0,
            test: 0,
        }),
    };
    let source = ModelSource::new(&sources, file);
    let compiled = compile(&source, Some(&schema), Target::Native)
        .unwrap_or_else(|faults| panic!("{}", render_all(&faults, &sources)));
    let plan = compiled.train.expect("the model learns").plan;
    let mut numbers = Numbers(88_172_645_463_325_252);
    let mut values = vec![0.0; compiled.arena_elements];
    for place in &plan.states.places {
        for position in place.positions() {
            // Squares and their means are not negative.
            values[place.matrix.at.0 + position] = numbers.number().abs() + 0.01;
        }
    }
    for matrix in [Some(plan.inputs), plan.targets].into_iter().flatten() {
        for element in 0..matrix.features * 6 {
            values[matrix.at.0 + element] = numbers.number();
        }
    }
    for (scalar, at) in &plan.scalars {
        values[at.0] = scalar.value(3, 6, 1.0, |lr| lr);
    }
    (plan.kernels(), compiled.arena_elements, values)
}

#[test]
fn the_optimizers_are_recognised_and_their_bits_are_those_of_the_program() {
    for (optimizer, update) in OPTIMIZERS {
        let (kernels, elements, values) = step(optimizer);
        let mut regions = 0;
        for kernel in &kernels {
            let Kernel::WeightGradient { weight, bias, .. } = kernel else {
                continue;
            };
            for region in [weight, bias].into_iter().flatten() {
                let found = recognise(region).map(|recognised| recognised.update);
                assert_eq!(found, *update, "{optimizer}");
                regions += 1;
            }
        }
        assert_eq!(regions, 4, "two layers with weight and bias");
        check::<f32>(&kernels, elements, &values, optimizer);
        check::<f64>(&kernels, elements, &values, optimizer);
    }
}

fn check<T: Element>(kernels: &[Kernel], elements: usize, values: &[f64], optimizer: &str) {
    for arch in arches() {
        let results = [true, false].map(|at_once| {
            let mut executable =
                Executable::<T>::for_arch(arch, kernels, elements, 6).expect("a sound plan");
            if !at_once {
                executable.interpret_updates();
            }
            let mut arena = Arena::<T>::zeroed(elements).expect("there is memory");
            for (to, from) in arena.as_mut_slice().iter_mut().zip(values) {
                *to = T::constant(*from);
            }
            let mut team = Team::new(1).expect("no thread is started");
            executable.run(&mut arena, &mut team, &[], 6, 3);
            arena.as_slice().to_vec()
        });
        assert_eq!(results[0], results[1], "{optimizer}");
    }
}
