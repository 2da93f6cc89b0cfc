//! The command line: one file per command. The only module that reads files it was not handed, prints,
//! or exits.

mod arguments;
mod check;
mod console;
mod explain;
mod folder;
mod forecast;
mod format;
mod inputs;
mod interrupts;
mod job;
mod memory;
mod plan;
mod predict;
mod predicted;
mod profile;
mod progress;
mod recognised;
mod record;
mod refused;
mod run;
mod save;
mod source;
mod summary;
mod training;
mod training_report;
mod watched;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use nnc::diagnostics::{Code, Diagnostic, Faults, Sources, visible};

use arguments::{Command, CommandLine};
use console::{Console, Format};

/// How the program ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exit {
    Success,
    /// Faults in the model or in the data; nothing was written.
    Faults,
    /// The arguments are wrong, or a file cannot be read or written.
    Usage,
    /// The loss was not finite.
    TrainingFailed,
    /// The user interrupted the run.
    Interrupted,
}

impl Exit {
    pub fn code(self) -> u8 {
        match self {
            Exit::Success => 0,
            Exit::Faults => 1,
            Exit::Usage => 2,
            Exit::TrainingFailed => 3,
            Exit::Interrupted => 130,
        }
    }

    /// The end that faults bring about.
    fn of(faults: &[Diagnostic]) -> Exit {
        if faults.iter().all(|fault| fault.code == Code::Io) {
            Exit::Usage
        } else {
            Exit::Faults
        }
    }
}

/// Carries out what the program's arguments say.
pub fn main() -> ExitCode {
    let arguments = match CommandLine::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let text = error.render().to_string();
            let text = visible(&text);
            // There is nowhere left to say that this cannot be said.
            return if error.use_stderr() {
                let _ = io::stderr().write_all(text.as_bytes());
                ExitCode::from(Exit::Usage.code())
            } else {
                let _ = io::stdout().write_all(text.as_bytes());
                ExitCode::SUCCESS
            };
        }
    };
    let console = match &arguments.command {
        Command::Run(run) => Console::new(run.format, run.quiet),
        Command::Check(check) => Console::new(check.format, false),
        Command::Predict(_) | Command::Plan(_) | Command::Format(_) | Command::Explain(_) => {
            Console::new(Format::Text, false)
        }
    };
    let mut sources = Sources::new();
    if let Err(fault) = nnc::kernels::check_instruction_set() {
        let fault = Diagnostic::without_place(Code::Io, fault);
        console.diagnostics(&[fault], &sources);
        return ExitCode::from(Exit::Usage.code());
    }
    let result = match &arguments.command {
        Command::Run(arguments) => run::run(arguments, &console, &mut sources),
        Command::Predict(arguments) => predict::predict(arguments, &console, &mut sources),
        Command::Check(arguments) => check::check(arguments, &console, &mut sources),
        Command::Plan(arguments) => plan::plan(arguments, &console, &mut sources),
        Command::Format(arguments) => format::format(arguments, &console, &mut sources),
        Command::Explain(arguments) => explain::explain(arguments, &console),
    };
    let exit = result.unwrap_or_else(|faults| {
        console.diagnostics(&faults, &sources);
        Exit::of(&faults)
    });
    let exit = match (console.failure(), exit) {
        (Some(error), Exit::Success) => {
            let fault = unwritable("standard output", &error);
            console.diagnostics(&[fault], &sources);
            Exit::Usage
        }
        (Some(_) | None, exit) => exit,
    };
    ExitCode::from(exit.code())
}

/// What a command comes to.
type Outcome = Result<Exit, Faults>;

fn unreadable(name: &str, error: &std::io::Error) -> Diagnostic {
    Diagnostic::without_place(Code::Io, format!("`{name}` cannot be read: {error}"))
}

fn unwritable(name: &str, error: &std::io::Error) -> Diagnostic {
    Diagnostic::without_place(Code::Io, format!("`{name}` cannot be written: {error}"))
}
