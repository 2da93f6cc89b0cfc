//! What the plan of a machine says of each step.

use super::{bytes, count};
use crate::plan::cost::Cost;
use crate::plan::step::Columns;
use crate::plan::{Plan, Step};

/// A step's kernel with what it costs, and its regions with their tiles and places, as this
/// machine runs them.
pub fn lines(plan: &Plan, step: &Step) -> Vec<String> {
    let (name, regions) = step.kernel.parts();
    let cost = Cost::new(&step.kernel, plan.batch.unwrap_or(1));
    let size = |numbers: u64| bytes(numbers as usize * plan.precision.bytes());
    let mut lines = vec![format!(
        "{name} · {}FLOP · reads {}, writes {}",
        count(cost.flops),
        size(cost.read),
        size(cost.written)
    )];
    lines.extend(regions.into_iter().map(|region| {
        let columns = match region.columns {
            Columns::Batch => "batch".to_string(),
            Columns::Fixed(count) => count.to_string(),
        };
        let panels = region.panel_columns.map_or(String::new(), |width| {
            format!(" · panels of {width} columns")
        });
        let result = region
            .accumulator
            .map_or(String::new(), |at| format!(" · result at {}", at.0));
        let instructions = match region.program.len() {
            1 => "1 instruction".to_string(),
            count => format!("{count} instructions"),
        };
        format!(
            "[{} × {columns}]{panels} · tiles of {} · blocks of {} · {instructions}{result}",
            region.features, region.tile_columns, region.block_columns,
        )
    }));
    lines
}
