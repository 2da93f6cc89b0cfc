//! Text for a terminal: headings in bold, prose wrapped, code set in.

use std::io::{self, IsTerminal, Write};

use nnc::diagnostics::termcolor::{
    Buffer, BufferWriter, Color, ColorChoice, ColorSpec, WriteColor,
};
use nnc::diagnostics::{Diagnostic, Sources};

/// The columns of a page; lines of code may be longer.
const WIDTH: usize = 100;

/// The columns of the names of a list.
const NAMES: usize = 16;

pub struct Page {
    buffer: Buffer,
}

impl Page {
    pub fn new() -> Self {
        let choice = if io::stdout().is_terminal() {
            ColorChoice::Auto
        } else {
            ColorChoice::Never
        };
        Page {
            buffer: BufferWriter::stdout(choice).buffer(),
        }
    }

    pub fn bytes(&self) -> &[u8] {
        self.buffer.as_slice()
    }

    pub fn heading(&mut self, text: &str) {
        self.gap();
        self.styled(ColorSpec::new().set_bold(true), text);
        self.put("\n");
    }

    /// A word of its own line that says what follows.
    pub fn caption(&mut self, text: &str) {
        self.gap();
        self.styled(ColorSpec::new().set_fg(Some(Color::Cyan)), text);
        self.put("\n");
    }

    pub fn prose(&mut self, text: &str) {
        self.gap();
        self.wrapped(text, 0, 0);
    }

    pub fn code(&mut self, text: &str) {
        for line in text.lines() {
            let line = format!("    {line}");
            self.put(line.trim_end());
            self.put("\n");
        }
    }

    /// Prose under a caption.
    pub fn set_in(&mut self, text: &str) {
        self.put("    ");
        self.wrapped(text, 4, 4);
    }

    /// A name, and what it means beside it.
    pub fn row(&mut self, name: &str, text: &str) {
        self.put("  ");
        self.styled(ColorSpec::new().set_bold(true), name);
        let length = name.chars().count();
        let column = 2 + NAMES + 1;
        if length <= NAMES {
            self.put(&" ".repeat(NAMES + 1 - length))
        } else {
            self.put(&format!("\n{}", " ".repeat(column)))
        }
        self.wrapped(text, column, column);
    }

    /// A diagnostic as it is shown when it is found.
    pub fn diagnostic(&mut self, diagnostic: &Diagnostic, sources: &Sources) {
        self.gap();
        let mut shown = self.buffer.clone();
        if diagnostic.write(&mut shown, sources).is_ok() {
            self.buffer = shown;
        }
    }

    /// Words on lines of [`WIDTH`], from a column that has been reached; later lines are set in.
    fn wrapped(&mut self, text: &str, mut column: usize, indent: usize) {
        let mut begins = true;
        for word in text.split_whitespace() {
            let length = word.chars().count();
            if !begins && column + 1 + length > WIDTH {
                self.put(&format!("\n{}", " ".repeat(indent)));
                column = indent;
                begins = true;
            }
            if !begins {
                self.put(" ");
                column += 1;
            }
            self.put(word);
            column += length;
            begins = false;
        }
        self.put("\n");
    }

    /// One blank line, except at the beginning of the page.
    fn gap(&mut self) {
        let written = self.buffer.as_slice();
        if !written.is_empty() && !written.ends_with(b"\n\n") {
            self.put("\n");
        }
    }

    fn put(&mut self, text: &str) {
        self.buffer
            .write_all(text.as_bytes())
            .expect("memory takes all");
    }

    fn styled(&mut self, style: &ColorSpec, text: &str) {
        self.buffer.set_color(style).expect("memory takes all");
        self.put(text);
        self.buffer.reset().expect("memory takes all");
    }
}
