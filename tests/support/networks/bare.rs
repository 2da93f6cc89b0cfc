//! Networks without parameters, most of them without a step.

use super::{Generated, Generator, Target};

impl Generator {
    pub(super) fn bare(mut self) -> Generated {
        self.input_columns();
        let numbers = self
            .columns
            .iter()
            .filter(|(name, _)| name.starts_with('v'));
        let (input, width) = match numbers.count() {
            0 => ("x0", 1),
            _ if self.random.one_in(3) => ("x0", 1),
            width => ("v", width),
        };
        self.bare_line(input, width);
        let target = Target::Numbers(width);
        self.target_columns(&target);
        let (batch, rows) = self.batch();
        let settings = self.settings(&target, false, batch);
        self.generated(&settings, batch, rows)
    }

    fn bare_line(&mut self, input: &str, width: usize) {
        let form = self.random.pick(&[
            "INPUT",
            "INPUT * 1",
            "INPUT -> Identity",
            "INPUT -> Dropout(0.3)",
            "INPUT -> Unflatten([1, WIDTH]) -> Flatten",
            "INPUT -> repeat 2 { Identity }",
            "INPUT -> residual { Tanh }",
        ]);
        let form = form
            .replace("INPUT", input)
            .replace("WIDTH", &width.to_string());
        self.line(format_args!("{form}"));
    }
}
