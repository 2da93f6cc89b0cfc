//! Where the program prints: reports to standard output, diagnostics to standard error, or all of it
//! to standard output as one JSON object a line. What a file, a name or an argument says is shown by it,
//! never obeyed by the terminal.

use std::cell::RefCell;
use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use nnc::diagnostics::termcolor::{BufferWriter, ColorChoice, WriteColor};
use nnc::diagnostics::{
    Diagnostic, MOST_FAULTS, Severity, Sources, in_order, visible, visible_in_line, visible_json,
};
use serde_json::{Map, Value};

/// How a command reports.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum Format {
    #[default]
    Text,
    Json,
}

pub struct Console {
    pub format: Format,
    /// Print nothing but errors.
    pub quiet: bool,
    /// The first failure to write to standard output; nothing is written after it.
    failure: RefCell<Option<io::Error>>,
}

impl Console {
    pub fn new(format: Format, quiet: bool) -> Self {
        Console {
            format,
            quiet,
            failure: RefCell::new(None),
        }
    }

    /// Whether reports for people are wanted.
    pub fn shows_text(&self) -> bool {
        self.format == Format::Text && !self.quiet
    }

    /// Whether events are wanted.
    pub fn shows_events(&self) -> bool {
        self.format == Format::Json && !self.quiet
    }

    /// Writes what is the command's result: a table, a model. A file or another program gets it byte by byte.
    pub fn data(&self, bytes: &[u8]) {
        if io::stdout().is_terminal() {
            self.text(&String::from_utf8_lossy(bytes));
        } else {
            self.put(bytes);
        }
    }

    /// Writes lines of a report.
    pub fn text(&self, text: &str) {
        self.put(visible(text).as_bytes());
    }

    /// Writes to standard output what holds nothing of a user, or is made visible.
    pub fn put(&self, bytes: &[u8]) {
        let mut failure = self.failure.borrow_mut();
        if failure.is_none() {
            let mut output = io::stdout().lock();
            *failure = output.write_all(bytes).and_then(|()| output.flush()).err();
        }
    }

    /// A line for people.
    pub fn line(&self, text: &str) {
        if self.shows_text() {
            self.put(format!("{}\n", visible_in_line(text)).as_bytes());
        }
    }

    /// A table for people, of lines.
    pub fn table(&self, table: &str) {
        if self.shows_text() {
            self.text(&format!("{table}\n"));
        }
    }

    /// A line that a run must not end without, on standard error; events say it in their own way.
    pub fn error_line(&self, text: &str) {
        if self.format == Format::Text {
            // Without a standard error there is nowhere to say so.
            let _ = writeln!(io::stderr(), "{}", visible_in_line(text));
        }
    }

    /// An event as one object, its kind first.
    pub fn event(&self, kind: &str, members: Map<String, Value>) {
        if self.shows_events() {
            let members = Value::Object(members).to_string();
            let comma = if members == "{}" { "" } else { "," };
            self.json(&format!("{{\"event\":\"{kind}\"{comma}{}", &members[1..]));
        }
    }

    fn json(&self, object: &str) {
        self.put(format!("{}\n", visible_json(object)).as_bytes());
    }

    /// All diagnostics in the order of their places, and how many errors there are.
    pub fn diagnostics(&self, diagnostics: &[Diagnostic], sources: &Sources) {
        let shown = in_order(diagnostics)
            .into_iter()
            .filter(|diagnostic| diagnostic.is_error() || !self.quiet);
        if self.format == Format::Json {
            for diagnostic in shown {
                self.json(&diagnostic.to_json(sources).to_string());
            }
            return;
        }
        let choice = if io::stderr().is_terminal() {
            ColorChoice::Auto
        } else {
            ColorChoice::Never
        };
        let writer = BufferWriter::stderr(choice);
        let mut buffer = writer.buffer();
        for diagnostic in shown {
            if diagnostic.write(&mut buffer, sources).is_err() {
                let _ = buffer.reset();
            }
        }
        let errors = diagnostics
            .iter()
            .filter(|diagnostic| diagnostic.severity() == Severity::Error)
            .count();
        let summary = match errors {
            0 => Ok(()),
            1 => writeln!(buffer, "1 error"),
            MOST_FAULTS => writeln!(buffer, "the first {errors} errors"),
            errors => writeln!(buffer, "{errors} errors"),
        };
        // Without a standard error there is nowhere to say so.
        let _ = summary.and_then(|()| writer.print(&buffer));
    }

    /// What kept the reports from being written. A reader that went away wants no more of them.
    pub fn failure(&self) -> Option<io::Error> {
        let failure = self.failure.borrow_mut().take();
        failure.filter(|error| error.kind() != io::ErrorKind::BrokenPipe)
    }
}
