//! From text to the AST, and back to text.

pub mod ast;
mod brackets;
mod explain;
mod format;
mod layout;
mod literal;
mod lower;
mod parse;
mod scan;
mod separators;
#[cfg(test)]
mod tests;
mod token;

pub use explain::foreign_statement;
pub use format::format;
pub use parse::{Parsed, parse, parse_expression};
