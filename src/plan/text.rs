//! The plan as text: what people read to learn what will run, and commit as a snapshot.

use std::collections::HashMap;
use std::fmt;

use super::cost::Cost;
use super::step::Columns;
use super::{Plan, Step, StepPart, Target};
use crate::diagnostics::Span;
use crate::graph::ops::Op;
use crate::graph::state::{StateKind, short};
use crate::graph::{Graph, Node, Part, Phase, ValueId};
use crate::passes::fuse::{Fusion, Group, GroupKind, RegionBuilder};

/// Expressions nested deeper than this are cut with `…`.
const DEEPEST_EXPRESSION: usize = 12;

/// Gives groups and values the names under which the plan shows them.
pub struct Namer<'g> {
    graph: &'g Graph,
    fusion: &'g Fusion,
    batch: String,
    names: HashMap<ValueId, String>,
}

impl<'g> Namer<'g> {
    pub fn new(graph: &'g Graph, fusion: &'g Fusion, batch: String) -> Self {
        let mut namer = Namer {
            graph,
            fusion,
            batch,
            names: HashMap::new(),
        };
        let mut taken: HashMap<String, usize> = HashMap::new();
        let named = graph.values().filter(|value| namer.shows(*value));
        for value in named.collect::<Vec<ValueId>>() {
            let node = graph.node(value);
            let base = match &node.name {
                Some(name) => name.to_string(),
                None if graph.loss == Some(value) => "loss".to_string(),
                None => match node.part {
                    Part::Forward => graph.origin(node.origin).label.to_string(),
                    Part::Backward => format!("∂{}", graph.origin(node.origin).label),
                    Part::Update => format!("{}.update", graph.origin(node.origin).label),
                },
            };
            let count = taken.entry(base.clone()).or_insert(0);
            *count += 1;
            let name = match *count {
                1 => base,
                count => format!("{base}#{count}"),
            };
            namer.names.insert(value, name);
        }
        namer
    }

    /// Whether a step shows a value: it is kept, or what the network is there for.
    fn shows(&self, value: ValueId) -> bool {
        let result = self.graph.prediction == Some(value);
        self.fusion.stored[value.index()] || result && self.fusion.placed[value.index()].is_some()
    }

    fn nodes_of(&self, group: &Group) -> impl Iterator<Item = (ValueId, &Node)> {
        let regions = group.regions.iter();
        regions
            .flat_map(|builder| {
                builder
                    .accumulator
                    .into_iter()
                    .chain(builder.values.iter().copied())
            })
            .map(|value| (value, self.graph.node(value)))
    }

    /// Under which heading the step stands: that of its kernel's result.
    pub fn part(&self, group: &Group) -> StepPart {
        let first = self.nodes_of(group).map(|(_, node)| node.part).next();
        match first {
            Some(Part::Forward) => StepPart::Forward,
            Some(Part::Backward | Part::Update) | None => StepPart::BackwardAndUpdate,
        }
    }

    /// The place in the text that the step's first stage came from.
    pub fn span(&self, group: &Group) -> Span {
        let assigned = group
            .regions
            .iter()
            .flat_map(|builder| &builder.assignments);
        let first = self.nodes_of(group).map(|(_, node)| node.origin).next();
        let origin = first.or_else(|| {
            let mut values = assigned.map(|assignment| assignment.value);
            values.next().map(|value| self.graph.node(value).origin)
        });
        origin.map_or(Span::default(), |origin| self.graph.origin(origin).span)
    }

    /// The stages that the step carries out, joined by `+`.
    pub fn label(&self, group: &Group) -> String {
        let mut labels: Vec<&str> = Vec::new();
        let forward = self.part(group) == StepPart::Forward;
        for (_, node) in self.nodes_of(group) {
            let label = &*self.graph.origin(node.origin).label;
            let shown = node.part == Part::Forward || !forward;
            if shown && !labels.contains(&label) {
                labels.push(label);
            }
        }
        for builder in &group.regions {
            for assignment in &builder.assignments {
                let node = self.graph.node(assignment.value);
                let label = &*self.graph.origin(node.origin).label;
                if labels.is_empty() {
                    labels.push(label);
                }
            }
        }
        labels.join(" + ")
    }

    /// What the step leaves behind, and the network's output in any case, one text each.
    pub fn results(&self, group: &Group) -> Vec<String> {
        let kernel_reads_row_sum = matches!(group.kind, GroupKind::WeightGradient { .. });
        let mut results = Vec::new();
        for builder in &group.regions {
            let values = builder.accumulator.iter().chain(&builder.values);
            for value in values.filter(|value| self.shows(**value)) {
                results.push(format!(
                    "{} {} = {}",
                    self.names[value],
                    self.shape(*value),
                    self.expression(*value, true, 0)
                ));
            }
        }
        for builder in &group.regions {
            results.extend(self.update(builder));
        }
        debug_assert!(
            !results.is_empty() || kernel_reads_row_sum,
            "a step without a result"
        );
        results
    }

    /// The parameters or buffers that a region writes, and from what.
    fn update(&self, builder: &RegionBuilder) -> Option<String> {
        let of_kind = |wanted: fn(StateKind) -> bool| -> Vec<&str> {
            let assignments = builder.assignments.iter();
            assignments
                .map(|assignment| self.graph.state(assignment.state))
                .filter(|state| wanted(state.kind))
                .map(|state| state.name.as_str())
                .collect()
        };
        let parameters = of_kind(|kind| kind == StateKind::Parameter);
        let slots = of_kind(|kind| matches!(kind, StateKind::Slot(_) | StateKind::Average(_)));
        let buffers = of_kind(|kind| kind == StateKind::Buffer);
        let mut texts = Vec::new();
        if !buffers.is_empty() {
            texts.push(format!("{} updated", buffers.join(", ")));
        }
        let gradient = match builder.accumulator {
            Some(accumulator) => format!(" by {}", self.expression(accumulator, true, 0)),
            None => String::new(),
        };
        // Of a batch that only adds to the gradients of its group.
        if parameters.is_empty() && !slots.is_empty() {
            texts.push(format!("{} updated{gradient}", slots.join(", ")));
        }
        if !parameters.is_empty() {
            let short_slots: Vec<&str> = slots
                .iter()
                .map(|slot| slot.rsplit('.').next().unwrap_or(slot))
                .collect();
            let with = if short_slots.is_empty() {
                String::new()
            } else {
                format!(", with {}", short_slots.join(", "))
            };
            texts.push(format!("{} updated{gradient}{with}", parameters.join(", ")));
        }
        (!texts.is_empty()).then(|| texts.join("; "))
    }

    /// A value's shape, with the rows of a batch in it.
    pub fn shape(&self, value: ValueId) -> String {
        self.graph.shape(value).text(&self.batch)
    }

    /// A value in terms of what steps show; its own name counts unless it is the `top`.
    pub fn expression(&self, value: ValueId, top: bool, depth: usize) -> String {
        if let (false, Some(name)) = (top, self.names.get(&value)) {
            return name.clone();
        }
        let node = self.graph.node(value);
        if let (Op::Input { .. } | Op::Slice { .. }, Some(name)) = (&node.op, &node.name) {
            return name.to_string();
        }
        if depth > DEEPEST_EXPRESSION {
            return "…".to_string();
        }
        if let Op::Constant(number) = node.op {
            // One that only the data tells has its expression for a name.
            let name = node.name.as_ref().filter(|_| number.is_nan());
            return name.map_or_else(|| short(number), |name| format!("({name})"));
        }
        let operands: Vec<String> = node
            .operands
            .iter()
            .map(|operand| self.expression(*operand, false, depth + 1))
            .collect();
        node.op.text(&operands, self.graph)
    }
}

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
        let batch = match self.batch {
            Some(rows) => format!("batch {rows}"),
            None => "batch not known without data".to_string(),
        };
        let totals = if self.deferred.is_empty() {
            format!(
                "{} parameters · arena {} · {}FLOP a step",
                self.states.parameter_elements(),
                bytes(self.arena_end * self.precision.bytes()),
                count(self.flops())
            )
        } else {
            format!("depends on the data: {}", self.deferred.join(", "))
        };
        writeln!(
            formatter,
            "plan {}: {}{}, {}, {batch} · {totals}",
            self.name,
            self.phase.name(),
            self.variant.title(),
            self.precision.name()
        )?;
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
        for part in [StepPart::Forward, StepPart::BackwardAndUpdate] {
            let steps: Vec<&Step> = self.steps.iter().filter(|step| step.part == part).collect();
            if steps.is_empty() {
                continue;
            }
            writeln!(formatter, "\n  {}", part.title())?;
            let width = steps
                .iter()
                .map(|step| step.label.chars().count())
                .max()
                .unwrap_or(0);
            let lines = steps.iter().map(|step| step.line.chars().count());
            let lines = lines.max().unwrap_or(0).max(4);
            for step in steps {
                self.write_step(formatter, step, lines, width)?;
            }
        }
        self.write_probes(formatter)
    }
}

impl Plan {
    fn write_states(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let kept = |place: &&super::layout::StatePlace| match place.state.kind {
            StateKind::Parameter | StateKind::Buffer => true,
            StateKind::Slot(_) | StateKind::Average(_) => {
                self.phase == Phase::Train && self.target == Target::Native
            }
        };
        let rows: Vec<[String; 4]> = self
            .states
            .places
            .iter()
            .filter(kept)
            .map(|place| {
                let state = &place.state;
                let distribution = state
                    .initializer
                    .distribution(&state.fan_in, &state.fan_out);
                let initial = match (state.integer, distribution) {
                    (true, _) => "counts batches".to_string(),
                    (false, Some(distribution)) => distribution.text(),
                    (false, None) => "depends on the data".to_string(),
                };
                let initial = match place.state.training.text() {
                    own if own.is_empty() => initial,
                    own => format!("{initial}, {own}"),
                };
                let at = match self.target {
                    Target::Reference => String::new(),
                    Target::Native => {
                        format!("at {} {}", place.matrix.at.0, place.layout.name())
                    }
                };
                [state.name.clone(), state.shape.row_text(), initial, at]
            })
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        writeln!(formatter, "\n  parameters")?;
        let width = |column: usize| {
            let widths = rows.iter().map(|row| row[column].chars().count());
            widths.max().unwrap_or(0)
        };
        let widths = [width(0), width(1), width(2)];
        for [name, shape, initial, at] in &rows {
            let line = format!(
                "      {name:a$}  {shape:b$}  {initial:c$}  {at}",
                a = widths[0],
                b = widths[1],
                c = widths[2]
            );
            writeln!(formatter, "{}", line.trim_end())?;
        }
        Ok(())
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

    fn write_step(
        &self,
        formatter: &mut fmt::Formatter,
        step: &Step,
        lines: usize,
        width: usize,
    ) -> fmt::Result {
        let mut results = step.results.iter();
        let first = results.next().map_or("", String::as_str);
        let padding = " ".repeat(width - step.label.chars().count());
        let line = format!("{:>lines$}  {}{padding}  {first}", step.line, step.label);
        writeln!(formatter, "{}", line.trim_end())?;
        for result in results {
            writeln!(formatter, "{}  {result}", " ".repeat(lines + 2 + width))?;
        }
        if self.target == Target::Native {
            for line in self.native_lines(step) {
                writeln!(formatter, "        {line}")?;
            }
        }
        Ok(())
    }

    /// A step's kernel with what it costs, and its regions with their tiles and places, as this
    /// machine runs them.
    fn native_lines(&self, step: &Step) -> Vec<String> {
        let (name, regions) = step.kernel.parts();
        let cost = Cost::new(&step.kernel, self.batch.unwrap_or(1));
        let size = |numbers: u64| bytes(numbers as usize * self.precision.bytes());
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
}
