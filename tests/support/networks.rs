//! Random well-typed models with their tables, each a function of its number alone.

mod bare;
mod layers;
mod settings;
mod shared;

use std::fmt::Write;

use nnc::catalog::{self, Meaning};

use super::calls::calls;
use super::random::Random;

/// The numbers of the networks that a campaign draws are below this one.
pub const NETWORKS: usize = 2000;

/// What a network is drawn for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Every layer and setting, at small widths and batches.
    Small,
    /// The same with widths and batches one beyond the edges of panels, tiles and blocks of depth, and one row
    /// left over.
    Crossing,
    /// Values that many others read, before any layer has weights and at the end.
    Sharing,
    /// An input as the result, or what takes nothing but memory to compute.
    Bare,
}

impl Kind {
    fn of(number: usize) -> Self {
        match number % 11 {
            3 => Kind::Crossing,
            6 => Kind::Sharing,
            9 => Kind::Bare,
            _ => Kind::Small,
        }
    }
}

/// Beyond two, four and eight registers of any machine.
const CROSSING: [usize; 3] = [33, 65, 129];

/// A model, its table, and its number of rows in a batch: fewer than all, with a tail.
pub struct Generated {
    pub kind: Kind,
    pub model: String,
    pub csv: String,
    pub batch: usize,
}

/// Generates the model of a number.
pub fn generate(number: usize) -> Generated {
    let generator = Generator {
        random: Random::new("models", number),
        kind: Kind::of(number),
        named: 0,
        columns: Vec::new(),
        inputs: Vec::new(),
        one_hot: Vec::new(),
        data: String::new(),
        blocks: String::new(),
        net: String::new(),
        normalises: false,
        matrices: vec!["out".to_string()],
    };
    generator.model()
}

struct Generator {
    random: Random,
    kind: Kind,
    /// How many labels and names the network has so far.
    named: usize,
    /// The table's columns, with the number of values of a category.
    columns: Vec<(String, Option<usize>)>,
    inputs: Vec<String>,
    /// The categories among the inputs that are not embedded.
    one_hot: Vec<(String, usize)>,
    data: String,
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
    fn model(mut self) -> Generated {
        if self.kind == Kind::Bare {
            return self.bare();
        }
        self.input_columns();
        let target = self.target();
        let outputs = self.target_columns(&target);
        if self.kind == Kind::Sharing {
            self.shared_columns();
        } else {
            self.first_lines();
        }
        if self.random.one_in(5) {
            self.data += "    weight w\n";
            self.columns.push(("w".to_string(), None));
        }
        for _ in 0..self.random.below(5) {
            self.layer();
        }
        let last = match target {
            Target::Classes(_) => "classes".to_string(),
            Target::Numbers(_) | Target::Binary => outputs.to_string(),
        };
        let second = self.last_lines(&last);
        let (batch, rows) = self.batch();
        let settings = self.settings(&target, second, batch);
        self.generated(&settings, batch, rows)
    }

    fn generated(mut self, settings: &str, batch: usize, rows: usize) -> Generated {
        let Generator {
            blocks, data, net, ..
        } = &self;
        Generated {
            kind: self.kind,
            model: format!(
                "{blocks}data {{\n{data}}}\nnet {{\n{net}}}\ntrain {{\n    {settings}\n}}\n"
            ),
            csv: self.table(rows),
            batch,
        }
    }

    fn call_of(&mut self, wanted: fn(&Meaning) -> bool) -> &'static str {
        let names: Vec<&str> = catalog::entries()
            .filter(|entry| wanted(&entry.meaning))
            .map(|entry| entry.name)
            .collect();
        let name = self.random.pick(&names);
        self.random.pick(calls(name))
    }

    fn activation(&mut self) -> &'static str {
        self.call_of(|meaning| matches!(meaning, Meaning::Activation(_)))
    }

    fn name(&mut self) -> String {
        self.named += 1;
        format!("n{}", self.named)
    }

    fn crossing(&mut self) -> usize {
        CROSSING[self.random.below(CROSSING.len())]
    }

    fn width(&mut self) -> usize {
        match self.kind {
            Kind::Crossing => self.crossing(),
            Kind::Small | Kind::Sharing | Kind::Bare if self.random.one_in(3) => {
                self.random.between(1, 40)
            }
            Kind::Small | Kind::Sharing | Kind::Bare => self.random.between(1, 9),
        }
    }

    fn line(&mut self, text: std::fmt::Arguments) {
        writeln!(self.net, "    {text}").unwrap();
    }

    /// `Linear` with or without bias under a label, or as one of several stages without.
    fn linear(&mut self, width: usize) -> String {
        let label = self.name();
        self.matrices.push(label.clone());
        if self.random.one_in(4) {
            format!("{label}: Linear({width}, bias = false)")
        } else {
            format!("{label}: Linear({width})")
        }
    }

    fn input_columns(&mut self) {
        let fewest = match self.kind {
            Kind::Small | Kind::Crossing | Kind::Bare => 1,
            Kind::Sharing => 2,
        };
        for index in 0..self.random.between(fewest, 3) {
            let prepared =
                self.random
                    .pick(&["", "(normalize = zscore)", "(scale = 0.5, offset = 1)"]);
            self.data += &format!("    input x{index}: number{prepared}\n");
            self.columns.push((format!("x{index}"), None));
            self.inputs.push(format!("x{index}"));
        }
        if self.kind == Kind::Crossing || self.random.one_in(2) {
            let width = match self.kind {
                Kind::Crossing => self.crossing(),
                Kind::Small | Kind::Sharing | Kind::Bare => self.random.between(1, 12),
            };
            self.data += "    input v: vector from \"v*\"\n";
            let columns = (0..width).map(|index| (format!("v{index}"), None));
            self.columns.extend(columns);
            self.inputs.push("v".to_string());
        }
        for index in 0..self.random.below(3) {
            let kind = if self.random.one_in(2) {
                "category".to_string()
            } else {
                format!("category(embed = {})", self.random.between(1, 5))
            };
            self.data += &format!("    input c{index}: {kind}\n");
            let values = self.random.between(2, 6);
            if kind == "category" {
                self.one_hot.push((format!("c{index}"), values));
            }
            self.columns.push((format!("c{index}"), Some(values)));
            self.inputs.push(format!("c{index}"));
        }
    }

    fn target(&mut self) -> Target {
        match self.random.below(5) {
            0 => Target::Numbers(1),
            1 => Target::Numbers(self.random.between(2, 6)),
            2 | 3 => Target::Classes(self.random.between(2, 7)),
            _ => Target::Binary,
        }
    }

    /// The target's columns; the width of what is compared with them.
    fn target_columns(&mut self, target: &Target) -> usize {
        match *target {
            Target::Numbers(1) => {
                self.data += "    target y: number\n";
                self.columns.push(("y".to_string(), None));
                1
            }
            Target::Numbers(width) => {
                self.data += "    target y: vector from \"y*\"\n";
                let columns = (0..width).map(|index| (format!("y{index}"), None));
                self.columns.extend(columns);
                width
            }
            Target::Classes(classes) => {
                self.data += "    target y: category\n";
                self.columns.push(("y".to_string(), Some(classes)));
                classes
            }
            Target::Binary => {
                self.data += "    target y: category\n";
                self.columns.push(("y".to_string(), Some(2)));
                1
            }
        }
    }

    fn first_lines(&mut self) {
        if self.random.one_in(3) {
            // Two inputs that meet further on; all others are left alone.
            let [first, second] =
                [(); 2].map(|()| self.inputs[self.random.below(self.inputs.len())].clone());
            let [a, b] = [(); 2].map(|()| self.name());
            let width = self.width();
            let [left, right] = [(); 2].map(|()| self.linear(width));
            let activation = self.activation();
            self.line(format_args!("{a} = {first} -> {left} -> {activation}"));
            self.line(format_args!("{b} = {second} -> {right} -> Tanh"));
            let operator = self.random.pick(&["+", "-", "*"]);
            self.line(format_args!("{a} {operator} {b}"));
            return;
        }
        let Some((column, values)) = self.one_hot.first().cloned() else {
            return;
        };
        if self.random.one_in(2) {
            // A table, and mostly a layer that takes it for its weight.
            let [row, table, back] = [(); 3].map(|()| self.name());
            let width = self.random.between(1, 5);
            let activation = self.activation();
            self.line(format_args!(
                "{row} = {column} -> {table}: Embedding({width}) -> {activation}"
            ));
            self.matrices.push(table.clone());
            let weight = self.random.pick(&["", ", weight = TABLE.weight"]);
            let weight = weight.replace("TABLE", &table);
            self.line(format_args!(
                "{back} = {row} -> Linear({values}{weight}) -> Tanh"
            ));
            self.line(format_args!("[{back}, {row}, in] -> Concat"));
        }
    }

    /// What is compared with the targets; whether there are two.
    fn last_lines(&mut self, last: &str) -> bool {
        let bias = self.random.pick(&["", "", ", bias = false"]);
        let second = self.random.one_in(5);
        if second {
            self.data += "    target z: number\n";
            self.columns.push(("z".to_string(), None));
            let trunk = self.name();
            let linear = self.linear(5);
            self.line(format_args!("{trunk} = {linear} -> Tanh"));
            let y = format!("y = {trunk} -> out: Linear({last}{bias})");
            if self.kind == Kind::Sharing {
                self.line(format_args!("{y}"));
                self.line(format_args!("z = y -> z_out: Linear(1)"));
            } else {
                self.line(format_args!("z = {trunk} -> z_out: Linear(1)"));
                self.line(format_args!("{y}"));
            }
        } else {
            self.line(format_args!("out: Linear({last}{bias})"));
        }
        second
    }

    /// The rows of a batch, and of the table.
    fn batch(&mut self) -> (usize, usize) {
        // BatchNorm wants two.
        let fewest = if self.normalises { 2 } else { 1 };
        match self.kind {
            Kind::Crossing => {
                let batch = self.crossing();
                (batch, self.random.between(1, 2) * batch + fewest)
            }
            Kind::Small | Kind::Sharing | Kind::Bare => {
                let batch = self.random.between(4, 16);
                let whole = self.random.between(1, 3);
                (
                    batch,
                    whole * batch + self.random.between(fewest, batch - 1),
                )
            }
        }
    }

    /// Rows of numbers around 0 and of category values, each value at least once.
    fn table(&mut self, rows: usize) -> String {
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| name.as_str()).collect();
        let mut csv = names.join(",") + "\n";
        for row in 0..rows {
            let random = &mut self.random;
            let cells = self.columns.iter().map(|(name, values)| match values {
                // Weights of rows.
                None if name == "w" => format!("{:.4}", 0.1 + random.uniform()),
                None => format!("{:.4}", 4.0 * random.uniform() - 2.0),
                Some(values) if row < *values => format!("k{row}"),
                Some(values) => format!("k{}", random.below(*values)),
            });
            csv += &(cells.collect::<Vec<String>>().join(",") + "\n");
        }
        csv
    }
}
