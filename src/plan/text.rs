//! The plan as text: what people read to learn what will run, and commit as a snapshot.

pub mod fold;
mod names;
mod native;
mod signatures;
mod states;
mod steps;
pub mod table;

use std::fmt;

use super::Plan;

pub use names::{LABELS_JOINED, Namer, labels, part, span};

/// Columns of tables are no wider than this: what is longer moves the rest of its own line alone.
const WIDEST_COLUMN: usize = 72;

/// A number of things with a unit prefix: `1.2 k`.
pub fn count(value: u64) -> String {
    match value {
        0..1_000 => format!("{value} "),
        1_000..1_000_000 => format!("{:.1} k", value as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} M", value as f64 / 1e6),
        _ => format!("{:.1} G", value as f64 / 1e9),
    }
}

/// A number of bytes with a binary prefix: `1.2 KiB`.
pub fn bytes(value: usize) -> String {
    match value {
        0..1024 => format!("{value} B"),
        1024..1_048_576 => format!("{:.1} KiB", value as f64 / 1024.0),
        1_048_576..1_073_741_824 => format!("{:.1} MiB", value as f64 / 1_048_576.0),
        _ => format!("{:.1} GiB", value as f64 / 1_073_741_824.0),
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        writeln!(formatter, "plan {}", self.heading())?;
        if !self.settings.is_empty() {
            writeln!(formatter)?;
            let width = self
                .settings
                .iter()
                .map(|(name, _)| name.len())
                .max()
                .unwrap_or(0);
            for (name, text) in &self.settings {
                writeln!(formatter, "  {name:width$}  {text}")?;
            }
        }
        self.write_states(formatter)?;
        self.write_steps(formatter)?;
        self.write_probes(formatter)
    }
}

impl Plan {
    /// Name, phase and totals.
    pub(super) fn heading(&self) -> String {
        let batch = match self.batch {
            Some(rows) => format!("batch {rows}"),
            None => "batch not known without data".to_string(),
        };
        let totals = if self.deferred.is_empty() {
            format!(
                "{} · arena {} · {}FLOP a step",
                self.states.elements(),
                bytes(self.arena_end * self.precision.bytes()),
                count(self.flops())
            )
        } else {
            format!("depends on the data: {}", self.deferred.join(", "))
        };
        format!(
            "{}: {}{}, {}, {batch} · {totals}",
            self.name,
            self.phase.name(),
            self.variant.title(),
            self.precision.name()
        )
    }

    fn write_probes(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        if self.probes.is_empty() {
            return Ok(());
        }
        writeln!(formatter, "\n  watch")?;
        let batch = self
            .batch
            .map_or("batch".to_string(), |rows| rows.to_string());
        let rows: Vec<[String; 4]> = self
            .probes
            .iter()
            .map(|probe| {
                let watch = &probe.watch;
                let measures: Vec<&str> = watch.measures.iter().map(|it| it.word()).collect();
                let updates = match watch.every {
                    1 => "every update".to_string(),
                    every => format!("updates 1, {every}, {}, …", every.saturating_mul(2)),
                };
                [
                    watch.name.clone(),
                    format!("{} {}", watch.subject.word(), probe.shape.text(&batch)),
                    measures.join(", "),
                    updates,
                ]
            })
            .collect();
        let width = |column: usize| {
            let widths = rows.iter().map(|row| row[column].chars().count());
            widths.max().unwrap_or(0)
        };
        let [a, b, c] = [width(0), width(1), width(2)];
        for [name, of, measures, updates] in &rows {
            writeln!(
                formatter,
                "      {name:a$}  {of:b$}  {measures:c$}  {updates}"
            )?;
        }
        Ok(())
    }
}
