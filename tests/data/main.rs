//! Tables from CSV to prepared matrices: what is read, and what every fault looks like.

mod faults;
mod model;
mod oracle;
mod reading;
mod tables;
