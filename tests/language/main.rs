//! What a text means: what is said of each fault, its plans and pictures, its canonical form, and the documents
//! that restate it.

#[path = "../support/mod.rs"]
mod support;

mod examples;
mod facts;
mod format;
mod syntax;
