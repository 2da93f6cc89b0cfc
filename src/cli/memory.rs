//! Whether a model fits into memory, asked before it is allocated.

use nnc::Compiled;
use nnc::data::spec::Role;
use nnc::data::{Preparation, Table};
use nnc::diagnostics::{Code, Diagnostic, Faults};
use nnc::plan::bytes_text;

/// # Errors
/// What the run has in memory at once is more than `most`, or than the system says is available.
pub fn check(
    compiled: &Compiled,
    preparation: &Preparation,
    table: &Table,
    most: Option<u64>,
) -> Result<(), Faults> {
    let roles = [Role::Input, Role::Target, Role::Weight];
    let width = roles.into_iter().map(|role| preparation.width(role)).sum();
    let held = table.bytes() as u128;
    let kept = match compiled.declaration.train {
        // The table gives its inputs up while the rows are prepared.
        Some(_) => (table.bytes_of(Role::Target) + table.bytes_of(Role::Weight)) as u128,
        None => held,
    };
    let needed = held.max(needed(compiled, width, table.rows) + kept);
    let (most, whose) = match (most, available()) {
        (Some(most), _) => (u128::from(most), "--max-memory allows"),
        (None, Some(available)) => (u128::from(available) + held, "are available"),
        (None, None) => return Ok(()),
    };
    if needed <= most {
        return Ok(());
    }
    let text = |bytes: u128| bytes_text(usize::try_from(bytes).unwrap_or(usize::MAX));
    let fault = Diagnostic::without_place(
        Code::Memory,
        format!(
            "`{}` needs {} of memory, {} {whose}",
            compiled.name,
            text(needed),
            text(most),
        ),
    );
    Err(vec![fault.help("make the layers or the batch smaller")])
}

/// The bytes that a run allocates for its numbers, with `rows` of prepared data, each `width` wide.
pub fn needed(compiled: &Compiled, width: usize, rows: usize) -> u128 {
    // The states are kept once more, as they were after the last whole epoch.
    let elements = compiled.arena_elements as u128
        + compiled.states.end as u128
        + width as u128 * rows as u128;
    elements * compiled.predict.plan.precision.bytes() as u128
}

/// The bytes that can be had without swapping, as Linux tells; `None` elsewhere.
fn available() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}
