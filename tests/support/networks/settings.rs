//! The settings of a random network's training.

use nnc::catalog::Meaning;

use super::{Generator, Kind, Target};
use crate::support::calls::calls;

impl Generator {
    pub(super) fn settings(&mut self, target: &Target, second: bool, batch: usize) -> String {
        let loss = self.loss(target, second);
        let optimizer = self.call_of(|meaning| matches!(meaning, Meaning::Optimizer(_)));
        let precision = self.random.pick(&["f32", "f64"]);
        let mut settings = format!(
            "loss = {loss}; optimizer = {optimizer}; epochs = 1; batch = {batch}; seed = 3; \
             precision = {precision}"
        );
        if self.random.one_in(3) {
            settings += &format!("; clip_norm = {}", self.random.pick(&["0.05", "1", "20"]));
        }
        if self.random.one_in(4) {
            settings += &format!("; accumulate = {}", self.random.between(2, 3));
        }
        if self.random.one_in(4) {
            settings += &format!("; average = ema({})", self.random.pick(&["0.5", "0.9"]));
        }
        if self.kind != Kind::Bare {
            self.parameters(&mut settings);
        }
        settings
    }

    /// The loss, of two outputs a sum.
    fn loss(&mut self, target: &Target, second: bool) -> String {
        let names: &[&str] = match target {
            Target::Numbers(_) => &["MSE", "L1", "Huber", "MSE"],
            Target::Classes(_) => &["CrossEntropy"],
            Target::Binary => &["BCEWithLogits"],
        };
        let name = self.random.pick(names);
        let loss = self.random.pick(calls(name));
        if !second {
            return loss.to_string();
        }
        let (name, rest) = loss.split_once('(').unwrap_or((loss, ")"));
        let rest = match rest {
            ")" => ")".to_string(),
            rest => format!(", {rest}"),
        };
        let weight = self.random.pick(&["", "0.3 * ", "2 * "]);
        let other = self.random.pick(&["MSE", "L1", "Huber"]);
        format!("{name}(y{rest} + {weight}{other}(z)")
    }

    /// Settings of some parameters.
    fn parameters(&mut self, settings: &mut String) {
        if self.random.one_in(4) {
            let glob = self.random.pick(&["*.weight", "out.*", "*"]);
            let penalty = self
                .random
                .pick(&["l1 = 0.01", "l2 = 0.05", "l1 = 0.02; l2 = 0.01"]);
            *settings += &format!("\n    params \"{glob}\" {{ {penalty} }}");
        }
        if self.random.one_in(4) {
            for label in self.matrices.clone() {
                if !self.random.one_in(2) {
                    continue;
                }
                let bound = self.random.pick(&["0.1", "0.5", "1", "3"]);
                *settings += &format!("\n    params \"{label}.weight\" {{ max_norm = {bound} }}");
            }
        }
        if self.random.one_in(6) && self.matrices.len() > 1 {
            *settings += "\n    params \"out.*\" { freeze = true }";
        }
        if self.random.one_in(3) {
            // Weights that are all alike make units that are all alike: gradients that are nothing but
            // rounding, on which no two ways to compute agree.
            let initializer = loop {
                let drawn = self.call_of(|meaning| matches!(meaning, Meaning::Initializer(_)));
                let alike = ["Zeros", "Ones", "Constant"];
                if !alike.iter().any(|name| drawn.starts_with(name)) {
                    break drawn;
                }
            };
            let glob = self.random.pick(&["*.weight", "out.*", "*"]);
            *settings += &format!("\n    params \"{glob}\" {{ init = {initializer} }}");
        }
    }
}
