//! What the commands take.

use std::num::NonZero;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use super::console::Format;

/// A compiler and trainer for neural networks you can read.
#[derive(Parser)]
#[command(name = "nnc", version, about, max_term_width = 100)]
pub struct CommandLine {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Train a model on a table, and save what it learned
    Run(RunArguments),
    /// Add the predictions of a trained model to the rows of a table
    Predict(PredictArguments),
    /// Check a model, and a table if one is given, without training
    Check(CheckArguments),
    /// Print what will run, step by step
    Plan(PlanArguments),
    /// Write model files in the canonical form
    #[command(name = "fmt")]
    Format(FormatArguments),
    /// Say what a fault's code, or a word of the language, means
    Explain(ExplainArguments),
}

#[derive(Args)]
pub struct RunArguments {
    /// The model: a `.nn` file
    pub model: PathBuf,
    /// The table: a CSV file, also one packed by gzip or zstd; `-` stands for standard input
    pub data: PathBuf,
    /// The folder for what the run leaves behind [default: runs/<model>/<n>]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Start from the parameters of a safetensors file
    #[arg(long, value_name = "FILE.safetensors")]
    pub init: Option<PathBuf>,
    #[command(flatten)]
    pub parameters: ParameterArguments,
    /// The seed of all random draws, instead of the file's
    #[arg(long)]
    pub seed: Option<u64>,
    /// How many threads compute [default: as many as the machine runs at once]
    #[arg(long, value_parser = threads)]
    pub threads: Option<NonZero<usize>>,
    /// The most memory to use, such as 512M or 4G [default: what is available]
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    pub max_memory: Option<u64>,
    /// Measure the training step by step: print the times beside the predicted ones, and add
    /// trace.json to the run's folder, for ui.perfetto.dev or chrome://tracing
    #[arg(long)]
    pub profile: bool,
    /// How to report: text, or one JSON object a line
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Print nothing but errors
    #[arg(long)]
    pub quiet: bool,
}

#[derive(Args)]
pub struct PredictArguments {
    /// The folder that a run left behind
    pub run: PathBuf,
    /// The table: a CSV file with the columns of the model's inputs; `-` stands for standard input
    pub data: PathBuf,
    /// Leave rows without a prediction that hold missing cells, or values that training did not see,
    /// where the model says nothing of them
    #[arg(long)]
    pub skip: bool,
    /// Where the table with its predictions goes [default: standard output]
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Args)]
pub struct CheckArguments {
    /// The model: a `.nn` file
    pub model: PathBuf,
    /// The table: a CSV file, also one packed by gzip or zstd; `-` stands for standard input
    pub data: Option<PathBuf>,
    #[command(flatten)]
    pub parameters: ParameterArguments,
    /// How to report: text, or one JSON object a line
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

#[derive(Args)]
pub struct PlanArguments {
    /// The model: a `.nn` file
    pub model: PathBuf,
    /// The table: a CSV file, also one packed by gzip or zstd; `-` stands for standard input
    pub data: Option<PathBuf>,
    /// The phase to show [default: train, if the model trains]
    #[arg(long, value_enum)]
    pub phase: Option<PhaseName>,
    /// For whom the plan is written down; `native` also predicts what the run takes
    #[arg(long, value_enum, default_value_t)]
    pub target: TargetName,
    /// Say why each step begins and why each value is stored, instead of what the steps do
    #[arg(long, conflicts_with = "target")]
    pub explain: bool,
    /// Print a table of the layers instead: kind, shape, trainable, frozen and buffer elements, and
    /// the share of the step's floating-point operations
    #[arg(long, conflicts_with_all = ["target", "explain"])]
    pub layers: bool,
    /// Write the network as a picture instead: FILE ends in .svg, or in .dot for Graphviz
    #[arg(long, value_name = "FILE", conflicts_with_all = ["target", "explain", "layers", "phase"])]
    pub graph: Option<PathBuf>,
    #[command(flatten)]
    pub parameters: ParameterArguments,
}

#[derive(Args)]
pub struct FormatArguments {
    /// The models: `.nn` files; `-` stands for standard input, written to standard output
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Write nothing: show what would change, and end with exit code 1 if anything would
    #[arg(long)]
    pub check: bool,
}

#[derive(Args)]
pub struct ExplainArguments {
    /// A code such as E0301, or a name such as Linear, train or batch; without it, all are listed
    pub name: Option<String>,
}

#[derive(Args)]
pub struct ParameterArguments {
    /// Give a `param` of the model another value
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = setting)]
    pub settings: Vec<SetArgument>,
}

/// `NAME=VALUE`, with the `=` at the byte `equals`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SetArgument {
    pub text: String,
    equals: usize,
}

impl SetArgument {
    pub fn name(&self) -> &str {
        &self.text[..self.equals]
    }

    pub fn value(&self) -> &str {
        &self.text[self.equals + 1..]
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum PhaseName {
    Train,
    /// The batches of an update but its last, where `accumulate` says so
    Accumulate,
    /// The updates that a `watch` section records
    Watch,
    Evaluate,
    Predict,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum TargetName {
    /// What is the same on every machine
    #[default]
    Reference,
    /// Also places, tiles and threads on this machine, and what each step takes
    Native,
}

/// Reads `NAME=VALUE`.
pub fn setting(text: &str) -> Result<SetArgument, String> {
    match text.find('=') {
        Some(0) | None => Err("write NAME=VALUE, such as width=128".to_owned()),
        Some(equals) => Ok(SetArgument {
            text: text.to_owned(),
            equals,
        }),
    }
}

/// More threads than any machine has use for.
const MOST_THREADS: usize = 1024;

fn threads(text: &str) -> Result<NonZero<usize>, String> {
    let count: Option<NonZero<usize>> = text.parse().ok();
    count
        .filter(|count| count.get() <= MOST_THREADS)
        .ok_or_else(|| format!("a whole number from 1 to {MOST_THREADS} is expected"))
}

/// Reads a number of bytes with a binary suffix: `512M`.
fn bytes(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|character: char| character.is_ascii_alphabetic());
    let factor = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" | "B" => Some(1),
        "K" | "KB" | "KIB" => Some(1 << 10),
        "M" | "MB" | "MIB" => Some(1 << 20),
        "G" | "GB" | "GIB" => Some(1_u64 << 30),
        "T" | "TB" | "TIB" => Some(1_u64 << 40),
        _ => None,
    };
    let number: Option<u64> = digits.parse().ok();
    number
        .zip(factor)
        .and_then(|(number, factor)| number.checked_mul(factor))
        .ok_or_else(|| "write a number of bytes, such as 512M or 4G".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_have_binary_suffixes() {
        assert_eq!(bytes("12"), Ok(12));
        assert_eq!(bytes("3k"), Ok(3072));
        assert_eq!(bytes("2GiB"), Ok(2 << 30));
        for wrong in ["", "M", "1.5G", "-1", "3X", "99999999999T"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_setting_has_a_name_and_a_value() {
        let set = setting("act=LeakyReLU(negative_slope=0.1)").expect("a setting");
        assert_eq!(
            (set.name(), set.value()),
            ("act", "LeakyReLU(negative_slope=0.1)")
        );
        assert!(setting("=3").is_err());
        assert!(setting("width").is_err());
    }
}
