//! Values that many others read.

use super::Generator;

impl Generator {
    /// Values of two columns, element by element, before any layer has weights.
    pub(super) fn shared_columns(&mut self) {
        let [sum, square, deep] = [(); 3].map(|()| self.name());
        let operator = self.random.pick(&["+", "-", "*"]);
        self.line(format_args!("{sum} = x0 {operator} x1"));
        let form = self
            .random
            .pick(&["SUM * SUM - x0", "x1 + SUM * 0.5", "(1 - SUM) * SUM"]);
        let form = form.replace("SUM", &sum);
        self.line(format_args!("{square} = {form}"));
        let times = self.random.between(1, 4);
        let activation = self.activation();
        self.line(format_args!(
            "{deep} = {square} -> repeat {times} {{ residual {{ {activation} }} }}"
        ));
        let mut values = vec![sum, square, deep];
        // Each of the two before.
        for _ in 0..self.random.below(6) {
            let next = self.name();
            let [before, last] = [2, 1].map(|back| values[values.len() - back].clone());
            self.line(format_args!("{next} = {last} * 0.5 + {before} * 0.25"));
            values.push(next);
        }
        let values = values.join(", ");
        let combine = self
            .random
            .pick(&["Add", "Mean", "Maximum", "Multiply", "Concat"]);
        if combine == "Concat" {
            self.line(format_args!("[{values}, in] -> Concat"))
        } else {
            self.line(format_args!("[{values}] -> {combine}"))
        }
    }
}
