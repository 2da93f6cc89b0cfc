//! From text to the AST, and back to text.

pub mod ast;
