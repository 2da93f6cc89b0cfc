//! What several tests need: a model with its table, compiled and ready to train.
#![allow(dead_code)]

pub mod calls;
pub mod campaign;
pub mod networks;
pub mod random;
pub mod stepper;
pub mod tables;

use std::path::Path;

use nnc::advice::advise;
use nnc::data::spec::Role;
use nnc::data::table::Part;
use nnc::data::{Division, MatrixElement, Preparation, Purpose, Table, divide, read_table, schema};
use nnc::diagnostics::{Diagnostic, Sources, render_all};
use nnc::engine::Prepared;
use nnc::plan::Target;
use nnc::{Compiled, ModelSource, compile, declare};

/// A compiled model with its table.
pub struct Loaded {
    pub compiled: Compiled,
    pub table: Table,
    pub division: Division,
    pub preparation: Preparation,
    pub sources: Sources,
}

/// Compiles the text of a model with the text of its table.
///
/// # Panics
/// With all rendered faults, if there are any.
pub fn load(name: &str, model: &str, csv: &str) -> Loaded {
    try_load(name, model, csv).unwrap_or_else(|(faults, sources)| {
        panic!("{}", render_all(&faults, &sources));
    })
}

pub fn try_load(name: &str, model: &str, csv: &str) -> Result<Loaded, (Vec<Diagnostic>, Sources)> {
    let mut sources = Sources::new();
    let file = sources.add(format!("{name}.nn"), model);
    let declaration = match declare(&ModelSource::new(&sources, file)) {
        Ok(declaration) => declaration,
        Err(faults) => return Err((faults, sources)),
    };
    let csv_name = format!("{name}.csv");
    let read = read_table(
        csv.as_bytes(),
        &csv_name,
        &declaration.data,
        Purpose::Train,
        &mut sources,
    );
    let prepared = read.and_then(|table| {
        let division = divide(&table, &declaration.data)?;
        let preparation = Preparation::learn(&table, &declaration.data, &division)?;
        Ok((table, division, preparation))
    });
    let (table, division, preparation) = match prepared {
        Ok(all) => all,
        Err(faults) => return Err((faults, sources)),
    };
    let schema = schema(&declaration.data, &preparation, division.rows());
    let compiled = compile(
        &ModelSource::new(&sources, file),
        Some(&schema),
        Target::Reference,
    );
    match compiled {
        Ok(mut compiled) => {
            advise(&mut compiled, &table, &division, &preparation);
            Ok(Loaded {
                compiled,
                table,
                division,
                preparation,
                sources,
            })
        }
        Err(faults) => Err((faults, sources)),
    }
}

impl Loaded {
    /// The prepared rows of one part of the table.
    pub fn part<T: MatrixElement>(&self, part: Part) -> Prepared<T> {
        let rows = self.division.part(part);
        let matrix = |role| {
            self.preparation
                .matrix(role, &self.table, rows)
                .unwrap_or_else(|faults| panic!("{}", render_all(&faults, &self.sources)))
        };
        Prepared {
            inputs: matrix(Role::Input),
            targets: matrix(Role::Target),
            rows: rows.len(),
        }
    }
}

/// The text of a file of the repository.
pub fn text(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// |a - b| ≤ tolerance · max(|b|, scale).
pub fn agree(a: f64, b: f64, scale: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance * b.abs().max(scale)
}
