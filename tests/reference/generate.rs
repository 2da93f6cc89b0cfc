//! Random well-typed models with their tables, each a function of its number alone.

use std::fmt::Write;

use nnc::catalog::{self, Meaning};
use nnc::random::{Draws, Stream};

use crate::calls::calls;

/// A model, its table, and its number of rows in a batch: fewer than all, with a tail.
pub struct Generated {
    pub model: String,
    pub csv: String,
    pub batch: usize,
}

/// Generates the model of a number.
pub fn generate(number: u64) -> Generated {
    let mut generator = Generator {
        draws: Stream::new(7, "models", "").draws(number, 0),
        named: 0,
        blocks: String::new(),
        net: String::new(),
        normalises: false,
        matrices: vec!["out".to_string()],
    };
    generator.model()
}

struct Generator {
    draws: Draws,
    /// How many labels and names the network has so far.
    named: usize,
    blocks: String,
    net: String,
    normalises: bool,
    /// Labels of `Linear` stages of the network's own body.
    matrices: Vec<String>,
}

/// What the loss compares with.
enum Target {
    Numbers(usize),
    Classes(usize),
    Binary,
}

impl Generator {
    fn below(&mut self, limit: usize) -> usize {
        self.draws.below(limit as u64) as usize
    }

    fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    /// Whether an event of one in `of` happens.
    fn one_in(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    fn call_of(&mut self, wanted: fn(&Meaning) -> bool) -> &'static str {
        let names: Vec<&str> = catalog::entries()
            .filter(|entry| wanted(&entry.meaning))
            .map(|entry| entry.name)
            .collect();
        let name = self.pick(&names);
        self.pick(calls(name))
    }

    fn activation(&mut self) -> &'static str {
        self.call_of(|meaning| matches!(meaning, Meaning::Activation(_)))
    }

    fn name(&mut self) -> String {
        self.named += 1;
        format!("n{}", self.named)
    }

    fn width(&mut self) -> usize {
        if self.one_in(3) {
            self.between(1, 40)
        } else {
            self.between(1, 9)
        }
    }

    fn line(&mut self, text: std::fmt::Arguments) {
        writeln!(self.net, "    {text}").unwrap();
    }

    /// `Linear` with or without bias under a label, or as one of several stages without.
    fn linear(&mut self, width: usize) -> String {
        let label = self.name();
        self.matrices.push(label.clone());
        if self.one_in(4) {
            format!("{label}: Linear({width}, bias = false)")
        } else {
            format!("{label}: Linear({width})")
        }
    }

    /// Lines that take what flows in to a new width.
    fn layer(&mut self) {
        let width = self.width();
        let activation = self.activation();
        match self.below(17) {
            0 | 1 => {
                let linear = self.linear(width);
                self.line(format_args!("{linear} -> {activation}"));
            }
            2 => {
                // Without a bias: the batch's mean takes it away, and what is left of its gradient
                // is rounding, which Adam would blow up to whole steps.
                let label = self.name();
                let norm = self.pick(calls("BatchNorm1d"));
                self.normalises = true;
                self.line(format_args!(
                    "{label}: Linear({width}, bias = false) -> {norm} -> {activation}"
                ));
            }
            3 => {
                let linear = self.linear(width);
                let dropout = self.pick(calls("Dropout"));
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
        let bias = self.pick(&["", ", bias = false"]);
        self.line(format_args!("shared {layer}: Linear({width}{bias})"));
        self.line(format_args!("{start} = {linear} -> {a}"));
        self.line(format_args!("{once} = {start} -> {layer} -> {b}"));
        if self.one_in(2) {
            self.line(format_args!("{twice} = {once} -> {layer} -> Tanh"))
        } else {
            self.line(format_args!("shared drop_{layer}: Dropout(0.3)"));
            self.line(format_args!(
                "{twice} = {once} -> drop_{layer} -> {layer} -> drop_{layer}"
            ));
        }
        let operator = self.pick(&["+", "-", "*"]);
        self.line(format_args!("{once} {operator} {twice} + {start}"));
    }

    /// One normalisation used twice, its running statistics moved by both uses.
    fn normalised_twice(&mut self, width: usize) {
        let [layer, norm, start, once] = [(); 4].map(|()| self.name());
        let linear = self.linear(width);
        let [a, b] = [(); 2].map(|()| self.activation());
        let call = self.pick(calls("BatchNorm1d"));
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
                let name = self.pick(&["LayerNorm", "RMSNorm", "GroupNorm"]);
                self.pick(calls(name))
            }
        }
    }

    /// A block used twice with different arguments, within which another one stands.
    fn block(&mut self, width: usize) {
        let number = self.named;
        self.named += 1;
        let [a, b] = [(); 2].map(|()| self.activation());
        let bias = self.pick(&["", ", bias = false"]);
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
        let count = self.between(1, 3);
        let activation = self.activation();
        let label = self.name();
        let body = match self.below(3) {
            0 => format!("repeat {count} {{ Linear({width}) }}"),
            1 => format!("repeat {count} {{ Linear({width}) -> {activation} }}"),
            _ => format!(
                "repeat {count} as i {{ Linear({width} + i); {activation}; Linear({width}) }}"
            ),
        };
        if self.one_in(2) {
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
        let combine = self.pick(&[
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
            [(1, 4), (2, 5), (2, 4)].map(|(low, high)| self.between(low, high));
        let linear = self.linear(places * length);
        let [a, b] = [(); 2].map(|()| self.activation());
        let [first, second] =
            [(); 2].map(|()| self.pick(&["LayerNorm", "RMSNorm", "Softmax", "Identity"]));
        let dropout = self.pick(&["Dropout(0.2)", "Identity"]);
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
        let bias = self.pick(&["", ", bias = false"]);
        self.line(format_args!(
            "{first} -> {a} -> {second} -> {b} -> Linear({width}, weight = {weight}.weight{bias})"
        ));
    }

    /// Arithmetic with numbers in every form.
    fn numbers(&mut self, width: usize) {
        let [number, value] = [(); 2].map(|()| self.name());
        let linear = self.linear(width);
        let activation = self.activation();
        let form = self.pick(&[
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

    fn loss(&mut self, target: &Target) -> &'static str {
        let names: &[&str] = match target {
            Target::Numbers(_) => &["MSE", "L1", "Huber", "MSE"],
            Target::Classes(_) => &["CrossEntropy"],
            Target::Binary => &["BCEWithLogits"],
        };
        let name = self.pick(names);
        self.pick(calls(name))
    }

    fn target(&mut self) -> Target {
        match self.below(5) {
            0 => Target::Numbers(1),
            1 => Target::Numbers(self.between(2, 6)),
            2 | 3 => Target::Classes(self.between(2, 7)),
            _ => Target::Binary,
        }
    }

    fn model(&mut self) -> Generated {
        let mut columns: Vec<(String, Option<usize>)> = Vec::new();
        let mut data = String::new();
        let mut inputs = Vec::new();
        for index in 0..self.between(1, 3) {
            let prepared = self.pick(&["", "(normalize = zscore)", "(scale = 0.5, offset = 1)"]);
            data += &format!("    input x{index}: number{prepared}\n");
            columns.push((format!("x{index}"), None));
            inputs.push(format!("x{index}"));
        }
        if self.one_in(2) {
            data += "    input v: vector from \"v*\"\n";
            columns.extend((0..self.between(1, 12)).map(|index| (format!("v{index}"), None)));
            inputs.push("v".to_string());
        }
        let mut one_hot = Vec::new();
        for index in 0..self.below(3) {
            let kind = if self.one_in(2) {
                "category".to_string()
            } else {
                format!("category(embed = {})", self.between(1, 5))
            };
            data += &format!("    input c{index}: {kind}\n");
            let values = self.between(2, 6);
            if kind == "category" {
                one_hot.push((format!("c{index}"), values));
            }
            columns.push((format!("c{index}"), Some(values)));
            inputs.push(format!("c{index}"));
        }
        let target = self.target();
        let outputs = match target {
            Target::Numbers(1) => {
                data += "    target y: number\n";
                columns.push(("y".to_string(), None));
                1
            }
            Target::Numbers(width) => {
                data += "    target y: vector from \"y*\"\n";
                columns.extend((0..width).map(|index| (format!("y{index}"), None)));
                width
            }
            Target::Classes(classes) => {
                data += "    target y: category\n";
                columns.push(("y".to_string(), Some(classes)));
                classes
            }
            Target::Binary => {
                data += "    target y: category\n";
                columns.push(("y".to_string(), Some(2)));
                1
            }
        };
        if self.one_in(3) {
            // Two inputs that meet further on; all others are left alone.
            let [first, second] = [(); 2].map(|()| inputs[self.below(inputs.len())].clone());
            let [a, b] = [(); 2].map(|()| self.name());
            let width = self.width();
            let [left, right] = [(); 2].map(|()| self.linear(width));
            let activation = self.activation();
            self.line(format_args!("{a} = {first} -> {left} -> {activation}"));
            self.line(format_args!("{b} = {second} -> {right} -> Tanh"));
            let operator = self.pick(&["+", "-", "*"]);
            self.line(format_args!("{a} {operator} {b}"));
        }
        if let Some((column, values)) = one_hot.first().filter(|_| self.net.is_empty()).cloned()
            && self.one_in(2)
        {
            // A table, and mostly a layer that takes it for its weight.
            let [row, table, back] = [(); 3].map(|()| self.name());
            let width = self.between(1, 5);
            let activation = self.activation();
            self.line(format_args!(
                "{row} = {column} -> {table}: Embedding({width}) -> {activation}"
            ));
            self.matrices.push(table.clone());
            let weight = self
                .pick(&["", ", weight = TABLE.weight"])
                .replace("TABLE", &table);
            self.line(format_args!(
                "{back} = {row} -> Linear({values}{weight}) -> Tanh"
            ));
            self.line(format_args!("[{back}, {row}, in] -> Concat"));
        }
        if self.one_in(5) {
            data += "    weight w\n";
            columns.push(("w".to_string(), None));
        }
        for _ in 0..self.below(5) {
            self.layer();
        }
        let last = match target {
            Target::Classes(_) => "classes".to_string(),
            Target::Numbers(_) | Target::Binary => outputs.to_string(),
        };
        let bias = self.pick(&["", "", ", bias = false"]);
        let second = self.one_in(5);
        if second {
            data += "    target z: number\n";
            columns.push(("z".to_string(), None));
            let trunk = self.name();
            let linear = self.linear(5);
            self.line(format_args!("{trunk} = {linear} -> Tanh"));
            self.line(format_args!("z = {trunk} -> z_out: Linear(1)"));
            self.line(format_args!("y = {trunk} -> out: Linear({last}{bias})"));
        } else {
            self.line(format_args!("out: Linear({last}{bias})"));
        }

        let batch = self.between(4, 16);
        let whole = self.between(1, 3);
        let tail = if self.normalises {
            self.between(2, batch - 1)
        } else {
            self.between(1, batch - 1)
        };
        let rows = whole * batch + tail;
        let mut loss = self.loss(&target).to_string();
        if second {
            let (name, rest) = loss.split_once('(').unwrap_or((&loss, ")"));
            let rest = match rest {
                ")" => ")".to_string(),
                rest => format!(", {rest}"),
            };
            let weight = self.pick(&["", "0.3 * ", "2 * "]);
            let other = self.pick(&["MSE", "L1", "Huber"]);
            loss = format!("{name}(y{rest} + {weight}{other}(z)");
        }
        let optimizer = self.call_of(|meaning| matches!(meaning, Meaning::Optimizer(_)));
        let precision = self.pick(&["f32", "f64"]);
        let mut settings = format!(
            "loss = {loss}; optimizer = {optimizer}; epochs = 1; batch = {batch}; seed = 3; \
             precision = {precision}"
        );
        if self.one_in(3) {
            settings += &format!("; clip_norm = {}", self.pick(&["0.05", "1", "20"]));
        }
        if self.one_in(4) {
            settings += &format!("; accumulate = {}", self.between(2, 3));
        }
        if self.one_in(4) {
            settings += &format!("; average = ema({})", self.pick(&["0.5", "0.9"]));
        }
        if self.one_in(4) {
            let glob = self.pick(&["*.weight", "out.*", "*"]);
            let penalty = self.pick(&["l1 = 0.01", "l2 = 0.05", "l1 = 0.02; l2 = 0.01"]);
            settings += &format!("\n    params \"{glob}\" {{ {penalty} }}");
        }
        if self.one_in(4) {
            let matrices = self.matrices.clone();
            for label in matrices {
                if !self.one_in(2) {
                    continue;
                }
                let bound = self.pick(&["0.1", "0.5", "1", "3"]);
                settings += &format!("\n    params \"{label}.weight\" {{ max_norm = {bound} }}");
            }
        }
        if self.one_in(6) && self.matrices.len() > 1 {
            settings += "\n    params \"out.*\" { freeze = true }";
        }
        if self.one_in(3) {
            // Weights that are all alike make units that are all alike: gradients that are nothing but
            // rounding, on which no two ways to compute agree.
            let initializer = loop {
                let drawn = self.call_of(|meaning| matches!(meaning, Meaning::Initializer(_)));
                let alike = ["Zeros", "Ones", "Constant"];
                if !alike.iter().any(|name| drawn.starts_with(name)) {
                    break drawn;
                }
            };
            let glob = self.pick(&["*.weight", "out.*", "*"]);
            settings += &format!("\n    params \"{glob}\" {{ init = {initializer} }}");
        }
        let model = format!(
            "{}data {{\n{data}}}\nnet {{\n{}}}\ntrain {{\n    {settings}\n}}\n",
            self.blocks, self.net
        );
        Generated {
            model,
            csv: self.table(&columns, rows),
            batch,
        }
    }

    /// Rows of numbers around 0 and of category values, each value at least once.
    fn table(&mut self, columns: &[(String, Option<usize>)], rows: usize) -> String {
        let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
        let mut csv = names.join(",") + "\n";
        for row in 0..rows {
            let cells: Vec<String> = columns
                .iter()
                .enumerate()
                .map(|(column, (_, values))| match values {
                    // Weights of rows.
                    None if names[column] == "w" => format!("{:.4}", 0.1 + self.draws.uniform()),
                    None => format!("{:.4}", 4.0 * self.draws.uniform() - 2.0),
                    Some(values) if row < *values => format!("k{row}"),
                    Some(values) => format!("k{}", self.below(*values)),
                })
                .collect();
            csv += &(cells.join(",") + "\n");
        }
        csv
    }
}
