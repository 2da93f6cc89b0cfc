//! The forms that the layers of a random network take.

use std::fmt::Write;

use super::Generator;
use crate::support::calls::calls;

impl Generator {
    /// Lines that take what flows in to a new width.
    pub(super) fn layer(&mut self) {
        let width = self.width();
        let activation = self.activation();
        match self.random.below(17) {
            0 | 1 => {
                let linear = self.linear(width);
                self.line(format_args!("{linear} -> {activation}"));
            }
            2 => {
                // Without a bias: the batch's mean takes it away, and what is left of its gradient
                // is rounding, which Adam would blow up to whole steps.
                let label = self.name();
                let norm = self.random.pick(calls("BatchNorm1d"));
                self.normalises = true;
                self.line(format_args!(
                    "{label}: Linear({width}, bias = false) -> {norm} -> {activation}"
                ));
            }
            3 => {
                let linear = self.linear(width);
                let dropout = self.random.pick(calls("Dropout"));
                self.line(format_args!("{linear} -> {activation} -> {dropout}"));
            }
            4 => {
                let linear = self.linear(width);
                self.line(format_args!("{linear} -> Identity -> {activation}"));
                self.line(format_args!("Dropout(0.1)"));
            }
            5 => self.gate(width),
            6 => self.shared(width),
            7 => self.numbers(width),
            8 => self.normalised_twice(width),
            9 => self.block(width),
            10 => self.repetition(width),
            11 => self.residual(width),
            12 => self.list(width),
            13 => self.axes(),
            14 => self.tied(width),
            15 => {
                let linear = self.linear(width);
                let norm = self.row_norm(width);
                self.line(format_args!("{linear} -> {norm} -> {activation}"));
            }
            _ => self.quotient(width),
        }
    }

    /// A value taken twice and joined by a product.
    fn gate(&mut self, width: usize) {
        let [before, left, right] = [(); 3].map(|()| self.name());
        let [first, second, third] = [self.width(), width, width].map(|width| self.linear(width));
        let [a, b] = [(); 2].map(|()| self.activation());
        self.line(format_args!("{before} = {first} -> {a}"));
        self.line(format_args!("{left} = {second} -> Sigmoid"));
        self.line(format_args!("{right} = {before} -> {third} -> {b}"));
        self.line(format_args!("{left} * {right} + (1 - {left}) * 0.5"));
    }

    /// One layer used two or three times.
    fn shared(&mut self, width: usize) {
        let [layer, start, once, twice] = [(); 4].map(|()| self.name());
        let linear = self.linear(width);
        let [a, b] = [(); 2].map(|()| self.activation());
        let bias = self.random.pick(&["", ", bias = false"]);
        self.line(format_args!("shared {layer}: Linear({width}{bias})"));
        self.line(format_args!("{start} = {linear} -> {a}"));
        self.line(format_args!("{once} = {start} -> {layer} -> {b}"));
        if self.random.one_in(2) {
            self.line(format_args!("{twice} = {once} -> {layer} -> Tanh"))
        } else {
            self.line(format_args!("shared drop_{layer}: Dropout(0.3)"));
            self.line(format_args!(
                "{twice} = {once} -> drop_{layer} -> {layer} -> drop_{layer}"
            ));
        }
        let operator = self.random.pick(&["+", "-", "*"]);
        self.line(format_args!("{once} {operator} {twice} + {start}"));
    }

    /// One normalisation used twice, its running statistics moved by both uses.
    fn normalised_twice(&mut self, width: usize) {
        let [layer, norm, start, once] = [(); 4].map(|()| self.name());
        let linear = self.linear(width);
        let [a, b] = [(); 2].map(|()| self.activation());
        let call = self.random.pick(calls("BatchNorm1d"));
        self.normalises = true;
        self.line(format_args!(
            "shared {layer}: Linear({width}, bias = false)"
        ));
        self.line(format_args!("shared {norm}: {call}"));
        self.line(format_args!("{start} = {linear} -> {a}"));
        self.line(format_args!("{once} = {start} -> {layer} -> {norm} -> {b}"));
        self.line(format_args!(
            "({once} -> {layer} -> {norm}) * {once} + {start}"
        ));
    }

    /// A layer that normalises each row, where it has several features.
    fn row_norm(&mut self, width: usize) -> &'static str {
        match width {
            1 => "Identity",
            _ => {
                let name = self.random.pick(&["LayerNorm", "RMSNorm", "GroupNorm"]);
                self.random.pick(calls(name))
            }
        }
    }

    /// A block used twice with different arguments, within which another one stands.
    fn block(&mut self, width: usize) {
        let number = self.named;
        self.named += 1;
        let [a, b] = [(); 2].map(|()| self.activation());
        let bias = self.random.pick(&["", ", bias = false"]);
        write!(
            self.blocks,
            "block Inner{number}(out, act) {{ Linear(out{bias}) -> act }}\n\
             block Outer{number}(out, factor = 2, act = {a}) {{\n    \
             wide: Inner{number}(factor * out, act)\n    Linear(out) -> act\n}}\n"
        )
        .unwrap();
        let label = self.name();
        let first = self.width();
        self.line(format_args!("{label}: Outer{number}({first}, act = {b})"));
        self.line(format_args!("Outer{number}(out = {width}, factor = 1)"));
    }

    fn repetition(&mut self, width: usize) {
        let count = self.random.between(1, 3);
        let activation = self.activation();
        let label = self.name();
        let body = match self.random.below(3) {
            0 => format!("repeat {count} {{ Linear({width}) }}"),
            1 => format!("repeat {count} {{ Linear({width}) -> {activation} }}"),
            _ => format!(
                "repeat {count} as i {{ Linear({width} + i); {activation}; Linear({width}) }}"
            ),
        };
        if self.random.one_in(2) {
            self.line(format_args!("{label}: {body}"))
        } else {
            self.line(format_args!("{body}"))
        }
    }

    fn residual(&mut self, width: usize) {
        let linear = self.linear(width);
        let norm = self.row_norm(width);
        let [inner, activation] = [self.linear(width), self.activation().to_string()];
        // Its path is that of the body.
        self.matrices.pop();
        self.line(format_args!(
            "{linear} -> residual {{ {norm} -> {activation} -> {inner} }}"
        ));
    }

    /// Values of equal width combined, beside what they came from.
    fn list(&mut self, width: usize) {
        let [a, b, both] = [(); 3].map(|()| self.name());
        let [first, second] = [(); 2].map(|()| self.linear(width));
        let activation = self.activation();
        let combine = self.random.pick(&[
            "Add",
            "Multiply",
            "Mean",
            "Maximum",
            "Dot",
            "Concat",
            "Bilinear(3)",
            "Bilinear(1, bias = false)",
        ]);
        self.line(format_args!("{a} = {first} -> Tanh"));
        self.line(format_args!("{b} = {a} -> {second} -> {activation}"));
        self.line(format_args!("{both} = [{a}, {b}] -> {combine}"));
        self.line(format_args!("[{both}, {a}] -> Concat"));
    }

    /// Rows of several axes, with layers along the last and element by element.
    fn axes(&mut self) {
        let [places, length, out] =
            [(1, 4), (2, 5), (2, 4)].map(|(low, high)| self.random.between(low, high));
        let linear = self.linear(places * length);
        let [a, b] = [(); 2].map(|()| self.activation());
        let [first, second] = [(); 2].map(|()| {
            self.random
                .pick(&["LayerNorm", "RMSNorm", "Softmax", "Identity"])
        });
        let dropout = self.random.pick(&["Dropout(0.2)", "Identity"]);
        let mix = self.name();
        self.line(format_args!(
            "{linear} -> Unflatten([{places}, {length}]) -> {first} -> {a} -> {mix}: Linear({out}) -> \
             {second} -> {dropout} -> {b} -> Flatten"
        ));
    }

    /// A layer with the weight of another.
    fn tied(&mut self, width: usize) {
        let [first, second] = [(); 2].map(|()| self.linear(width));
        let weight = self.matrices.last().expect("a label").clone();
        let [a, b] = [(); 2].map(|()| self.activation());
        let bias = self.random.pick(&["", ", bias = false"]);
        self.line(format_args!(
            "{first} -> {a} -> {second} -> {b} -> Linear({width}, weight = {weight}.weight{bias})"
        ));
    }

    /// Arithmetic with numbers in every form.
    fn numbers(&mut self, width: usize) {
        let [number, value] = [(); 2].map(|()| self.name());
        let linear = self.linear(width);
        let activation = self.activation();
        let form = self.random.pick(&[
            "VALUE * NUMBER - 1.25",
            "NUMBER - VALUE",
            "(-VALUE) / NUMBER",
            "VALUE / 2 + VALUE",
            "NUMBER * VALUE * VALUE",
        ]);
        let form = form.replace("VALUE", &value).replace("NUMBER", &number);
        self.line(format_args!("{value} = {linear} -> {activation}"));
        if form.contains(&number) {
            self.line(format_args!("{number} = 3 / 2"));
            self.line(format_args!("{form}"));
        } else {
            self.line(format_args!("{form}"))
        }
    }

    /// A value divided by one that stays away from zero.
    fn quotient(&mut self, width: usize) {
        let [above, below] = [(); 2].map(|()| self.name());
        let [first, second] = [(); 2].map(|()| self.linear(width));
        let activation = self.activation();
        self.line(format_args!("{above} = {first} -> {activation}"));
        self.line(format_args!("{below} = in -> {second} -> Sigmoid"));
        self.line(format_args!(
            "{above} / ({below} + 0.5) - 1 / ({below} + 1)"
        ));
    }
}
