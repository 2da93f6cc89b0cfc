//! Tables: CSV to typed columns to prepared matrices.
//!
//! [`read_table`] binds a model's `data` section to the header of a CSV and parses the columns that
//! it names; [`divide`] gives each row its part; [`Preparation::learn`] takes statistics from the
//! training rows, and turns rows into the matrices that the network sees.

pub mod append;
pub mod category;
pub mod comparison;
pub mod dialect;
pub mod format;
pub mod holes;
pub mod lines;
pub mod matrix;
pub mod numbers;
pub mod prepare;
pub mod read;
pub mod recognise;
pub mod report;
pub mod schema;
pub mod spec;
pub mod split;
pub mod table;
pub mod transform;
mod weights;
pub mod words;

mod bind;
mod binder;
mod blocks;
mod cell;
mod cells;
mod columns;
mod decimal;
mod excerpt;
mod faults;
mod fillings;
mod group;
mod header;
mod missing;
mod normal;
mod number_hint;
mod odd_lines;
mod open;
mod ordered;
mod preparation_file;
mod rows;
mod scan;
pub mod sentinels;
mod sniff;
mod statistics;
mod suspicious;
mod title;
pub(crate) mod unseen;

pub(crate) use columns::listed as listed_columns;
pub use prepare::{MatrixElement, Preparation};
pub use read::{Limits, Purpose, Reading, read_table, read_table_by};
pub use recognise::unpack;
pub use schema::{schema, schema_from_spec, schema_of_table};
pub use split::{Division, divide};
pub use table::Table;
