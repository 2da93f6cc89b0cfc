//! The page of a code: its rule, an example that breaks it with what nnc says, and one that keeps it.

use nnc::diagnostics::{Code, ExplanationBlock, Faults, Sources, explanation_blocks};
use nnc::plan::Target;
use nnc::resolve::uses::Library;
use nnc::{compile, declare};

use super::super::job::{Job, TableFile};
use super::super::source::ModelText;
use super::page::Page;

pub fn explain(code: Code, page: &mut Page) {
    page.heading(&format!("{}: {}", code.id(), code.title()));
    let blocks = explanation_blocks(code.explanation());
    for (index, block) in blocks.iter().enumerate() {
        let table = match blocks.get(index + 1) {
            Some(ExplanationBlock::Table(table)) => Some(*table),
            Some(_) | None => None,
        };
        match *block {
            ExplanationBlock::Prose(text) => page.prose(text),
            ExplanationBlock::Faulty(model) => {
                page.caption("faulty.nn");
                page.code(model);
                if let Some(table) = table {
                    page.caption("table.csv");
                    page.code(table);
                }
                let mut sources = Sources::new();
                let faults = faults(model, table, &mut sources);
                for fault in faults.iter().filter(|fault| fault.code == code) {
                    page.diagnostic(fault, &sources);
                }
            }
            ExplanationBlock::Fixed(model) => {
                page.caption("fixed.nn");
                page.code(model);
                if let Some(table) = table {
                    page.caption("table.csv");
                    page.code(table);
                }
            }
            ExplanationBlock::Table(_) => {}
            ExplanationBlock::Shell(commands) => {
                page.caption("on the command line");
                page.code(commands);
            }
        }
    }
}

/// What nnc says about an example.
fn faults(model: &str, table: Option<&str>, sources: &mut Sources) -> Faults {
    let text = ModelText {
        file: sources.add("faulty.nn", model),
        library: Library::default(),
        overrides: Vec::new(),
    };
    let Some(table) = table else {
        let compiled = compile(&text.source(sources, None), None, Target::Reference);
        return compiled.map_or_else(|faults| faults, |compiled| compiled.advice);
    };
    let data = TableFile {
        name: "table.csv".to_owned(),
        reader: table.as_bytes(),
        threads: 1,
    };
    let declaration = declare(&text.source(sources, None));
    let job = declaration.and_then(|declaration| {
        Job::prepare(&text, &declaration, data, 0, Target::Reference, sources)
    });
    job.map_or_else(|faults| faults, |job| job.compiled.advice)
}
