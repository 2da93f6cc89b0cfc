//! The running statistics of BatchNorm1d in closed form: one move towards the batch's with every use, the
//! variance unbiased, as torch.nn.BatchNorm1d does.

use crate::support;
use crate::support::stepper::{Stepper, batch};
use crate::support::tables::{Cells, table};

const ROWS: usize = 7;
const MOMENTUM: f64 = 0.3;

#[test]
fn a_shared_layer_moves_its_statistics_with_every_use() {
    let model = "
data { input a, b: number; target y: number }
net {
    shared norm: BatchNorm1d(momentum = 0.3)
    left = a -> norm
    right = b -> norm -> Tanh
    left * right
}
train { loss = MSE; optimizer = SGD(lr = 0.1); epochs = 1; batch = all; precision = f64 }";
    let columns = ["a", "b", "y"].map(|name| (name, Cells::Numbers));
    let loaded = support::load("case", model, &table(&columns, ROWS));
    let compiled = &loaded.compiled;
    let mut stepper = Stepper::<f64>::new(&loaded, compiled.train.as_ref().unwrap());
    let rows: Vec<u32> = (0..ROWS as u32).collect();
    let (inputs, _) = batch::<f64>(&loaded, &rows);
    let (mut mean, mut variance) = (0.0, 1.0);
    for update in 1..=3 {
        stepper.run(&rows, update);
        for column in 0..2 {
            let values = inputs.data.iter().skip(column).step_by(2);
            let batch_mean = values.clone().sum::<f64>() / ROWS as f64;
            let squares: f64 = values.map(|value| (value - batch_mean).powi(2)).sum();
            let unbiased = squares / (ROWS as f64 - 1.0);
            mean = (1.0 - MOMENTUM) * mean + MOMENTUM * batch_mean;
            variance = (1.0 - MOMENTUM) * variance + MOMENTUM * unbiased;
        }
        let states = stepper.states();
        for (name, expected) in [("norm.running_mean", mean), ("norm.running_var", variance)] {
            let mut places = compiled.states.places.iter();
            let index = places.position(|place| place.state.name == name).unwrap();
            let found = states[index].data[0];
            assert!(
                support::agree(found, expected, 1.0, 1e-14),
                "update {update}, {name}: {found} instead of {expected}"
            );
        }
    }
}
