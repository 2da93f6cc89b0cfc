//! A model with its table, compiled: what `run`, `check` and `plan` begin with.

use std::collections::HashSet;
use std::io::Read;
use std::time::{Duration, Instant};

use nnc::advice::advise;
use nnc::data::report::TableReport;
use nnc::data::{
    Division, Preparation, Purpose, Reading, Table, divide, read_table_by, schema, schema_of_table,
};
use nnc::diagnostics::{Faults, Sources};
use nnc::plan::Target;
use nnc::resolve::Declaration;
use nnc::{Compiled, compile};

use super::source::ModelText;

/// A model that is compiled for a table.
pub struct Job {
    pub compiled: Compiled,
    pub table: Table,
    pub division: Division,
    pub preparation: Preparation,
    /// What was dropped and filled.
    pub report: TableReport,
    pub data_time: Duration,
    pub compile_time: Duration,
}

/// The table's bytes and its name, and how many threads may read it.
pub struct TableFile<R> {
    pub name: String,
    pub reader: R,
    pub threads: usize,
}

impl Job {
    /// Reads and divides the table, learns its preparation and compiles the model for it.
    ///
    /// # Errors
    /// All faults of the table, and those of the model that can be told in spite of them.
    pub fn prepare<R: Read>(
        model: &ModelText,
        declaration: &Declaration,
        data: TableFile<R>,
        seed: u64,
        target: Target,
        sources: &mut Sources,
    ) -> Result<Job, Faults> {
        let begun = Instant::now();
        let spec = &declaration.data;
        let reading = Reading::by(data.threads);
        let (name, purpose) = (&data.name, Purpose::Train);
        let table = read_table_by(&reading, data.reader, name, spec, purpose, sources);
        let table = table.map_err(|mut faults| {
            faults.extend(
                compile(&model.source(sources, Some(seed)), None, target)
                    .err()
                    .unwrap_or_default(),
            );
            distinct(faults)
        })?;
        let learned = divide(&table, spec).and_then(|division| {
            Preparation::learn(&table, spec, &division).map(|preparation| (division, preparation))
        });
        let data_time = begun.elapsed();

        let begun = Instant::now();
        let known = match &learned {
            Ok((division, preparation)) => schema(spec, preparation, division.rows()),
            Err(_) => schema_of_table(spec, &table),
        };
        let compiled = compile(&model.source(sources, Some(seed)), Some(&known), target);
        let compile_time = begun.elapsed();
        match (learned, compiled) {
            (Ok((division, preparation)), Ok(mut compiled)) => {
                advise(&mut compiled, &table, &division, &preparation);
                let report = TableReport::new(&table, &division, &preparation);
                Ok(Job {
                    compiled,
                    report,
                    table,
                    division,
                    preparation,
                    data_time,
                    compile_time,
                })
            }
            (Err(mut faults), Err(others)) => {
                faults.extend(others);
                Err(distinct(faults))
            }
            (Err(faults), Ok(_)) | (Ok(_), Err(faults)) => Err(faults),
        }
    }
}

/// Two stages may tell the same fault of the same place.
fn distinct(faults: Faults) -> Faults {
    let mut seen = HashSet::new();
    let faults = faults.into_iter();
    faults
        .filter(|fault| {
            let place = fault.labels.first().map(|label| label.span);
            place.is_none() || seen.insert((fault.code, place))
        })
        .collect()
}
