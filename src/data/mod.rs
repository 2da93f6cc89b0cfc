//! Tables: CSV to typed columns to prepared matrices.
//!
//! [`read_table`] binds a model's `data` section to the header of a CSV and parses the columns that
//! it names; [`divide`] gives each row its part; [`Preparation::learn`] takes statistics from the
//! training rows, and turns rows into the matrices that the network sees.

pub mod append;
pub mod prepare;
pub mod read;
pub mod schema;
pub mod spec;
pub mod split;
pub mod table;

mod bind;
mod binder;
mod cell;
mod columns;
mod excerpt;
mod faults;
mod preparation_file;
mod records;
mod window;

pub use prepare::{Element, Preparation};
pub use read::{Limits, Purpose, read_table, read_table_within};
pub use schema::{schema, schema_from_spec};
pub use split::{Division, divide};
pub use table::Table;
