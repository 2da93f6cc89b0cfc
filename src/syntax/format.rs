//! From text to canonical text: `nnc fmt`.
//!
//! The tokens are gathered into a tree of lines, pieces and brackets ([`gather`]) that knows where
//! comments stand and how wide everything is on one line ([`tree`]), and the tree is printed
//! ([`print`]). Tokens keep their spelling and their order; only blanks, line ends, `;` and commas
//! before a closing bracket change, so the meaning cannot.
//!
//! The rules:
//! - four blanks for each open section or bracket; at most [`WIDTH`] characters a line, where a break
//!   can achieve it;
//! - `=` and labels' values stand below one another in lines without a blank line between them, as do
//!   the names after the keywords of declarations, and comments behind neighbouring lines;
//! - a section stays on one line if it was and fits; statements joined by `;` likewise;
//! - a line that is too long breaks before each `->`, then inside brackets, one element a line, with
//!   a comma behind the last; a pipeline that was written on several lines stays so;
//! - a comment keeps its line, or its place behind one; one in the middle of an element goes above it.

mod gather;
mod print;
mod tree;

use crate::diagnostics::{Faults, FileId};

/// The columns of a line, as far as breaks can hold it there.
const WIDTH: usize = 100;

/// The text of a `.nn` file as it is to look. A text in this form is given back as it is. Line ends
/// stay as the first of them is, LF or CRLF; a byte order mark goes.
///
/// Takes time in proportion to the text and its deepest nest of brackets.
///
/// # Errors
/// The syntax faults of the text, as [`super::parse`] gives them.
pub fn format(text: &str, file: FileId) -> Result<String, Faults> {
    let parsed = super::parse(text, file);
    if !parsed.faults.is_empty() {
        return Err(parsed.faults);
    }
    let scanned = super::scan::scan(text, file).map_err(|fault| vec![fault])?;
    let line_end = match text.find('\n') {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        Some(_) | None => "\n",
    };
    let file = gather::gather(text, &scanned);
    Ok(print::print(file, line_end))
}
