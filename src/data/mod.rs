//! Tables: CSV to typed columns to prepared matrices.

pub mod spec;
