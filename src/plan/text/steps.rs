//! The plan's steps as text: one line a result, equal iterations once.

use std::fmt;

use super::fold::{Folded, fold};
use super::names::{LABELS_JOINED, Namer, labels};
use super::signatures;
use super::table::indent;
use super::{WIDEST_COLUMN, native};
use crate::plan::{Plan, Step, StepPart, Target};

/// What is written of one step, or above equal ones.
struct Block {
    line: String,
    stages: Vec<String>,
    results: Vec<String>,
    native: Vec<String>,
}

impl Plan {
    pub(super) fn write_steps(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let namer = Namer::new(&self.graph, &self.fusion, self.batch);
        for part in [StepPart::Forward, StepPart::BackwardAndUpdate] {
            let steps: Vec<&Step> = self.steps.iter().filter(|step| step.part == part).collect();
            if steps.is_empty() {
                continue;
            }
            writeln!(formatter, "\n  {}", part.title())?;
            let folded = match self.target {
                Target::Reference => {
                    let signatures = steps.iter();
                    let signatures =
                        signatures.map(|step| Some(signatures::of_step(self, step, &namer)));
                    fold(signatures.collect())
                }
                // The places of equal iterations differ.
                Target::Native => (0..steps.len()).map(Folded::One).collect(),
            };
            let mut blocks = Vec::new();
            self.add_blocks(&mut blocks, &namer, &steps, &folded, 0);
            write_blocks(formatter, &blocks)?;
        }
        Ok(())
    }

    fn add_blocks(
        &self,
        blocks: &mut Vec<Block>,
        namer: &Namer,
        steps: &[&Step],
        folded: &[Folded],
        depth: usize,
    ) {
        for part in folded {
            match part {
                Folded::One(place) => blocks.push(self.block(namer, steps[*place], depth)),
                Folded::Run(run) => {
                    blocks.push(Block {
                        line: String::new(),
                        stages: vec![format!("{}{}", indent(depth), run.heading())],
                        results: Vec::new(),
                        native: Vec::new(),
                    });
                    self.add_blocks(blocks, namer, steps, &run.body, depth + 1);
                }
            }
        }
    }

    fn block(&self, namer: &Namer, step: &Step, depth: usize) -> Block {
        let group = self.group(step);
        let mut texts = Vec::new();
        let mut signatures = Vec::new();
        for line in namer.results(group) {
            texts.push(line.text);
            signatures.push(line.signature);
        }
        let (folded, native) = match self.target {
            Target::Reference => (fold(signatures), Vec::new()),
            Target::Native => {
                let all = (0..texts.len()).map(Folded::One);
                (all.collect(), native::lines(self, step))
            }
        };
        let mut results = Vec::new();
        add_results(&mut results, &texts, &folded, 0);
        Block {
            line: step.line.clone(),
            stages: wrapped(&labels(&self.graph, group), &indent(depth)),
            results,
            native,
        }
    }
}

fn add_results(lines: &mut Vec<String>, texts: &[String], folded: &[Folded], depth: usize) {
    for part in folded {
        match part {
            Folded::One(place) => lines.push(format!("{}{}", indent(depth), texts[*place])),
            Folded::Run(run) => {
                lines.push(format!("{}{}", indent(depth), run.heading()));
                add_results(lines, texts, &run.body, depth + 1);
            }
        }
    }
}

/// The names of a step's stages, on as many lines as they need.
fn wrapped(labels: &[String], indent: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for label in labels {
        let room = WIDEST_COLUMN.saturating_sub(label.chars().count() + LABELS_JOINED.len());
        match lines.last_mut() {
            Some(line) if line.chars().count() <= room => {
                line.push_str(LABELS_JOINED);
                line.push_str(label);
            }
            Some(_) => lines.push(format!("{indent}{}{label}", LABELS_JOINED.trim_start())),
            None => lines.push(format!("{indent}{label}")),
        }
    }
    lines
}

fn write_blocks(formatter: &mut fmt::Formatter, blocks: &[Block]) -> fmt::Result {
    let with_results = blocks.iter().filter(|block| !block.results.is_empty());
    let widths = with_results
        .flat_map(|block| &block.stages)
        .map(|stage| stage.chars().count().min(WIDEST_COLUMN));
    let width = widths.max().unwrap_or(0);
    let lines = blocks.iter().map(|block| block.line.chars().count());
    let lines = lines.max().unwrap_or(0).clamp(4, WIDEST_COLUMN);
    for block in blocks {
        for at in 0..block.stages.len().max(block.results.len()) {
            let [stage, result] = [&block.stages, &block.results]
                .map(|texts| texts.get(at).map_or("", String::as_str));
            let line = if at == 0 { block.line.as_str() } else { "" };
            let text = format!("{line:>lines$}  {stage:width$}  {result}");
            writeln!(formatter, "{}", text.trim_end())?;
        }
        for line in &block.native {
            writeln!(formatter, "        {line}")?;
        }
    }
    Ok(())
}
