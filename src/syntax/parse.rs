//! From text to the AST.
//!
//! scan (tokens) → brackets → layout → grammar, with recovery → lower (pairs to AST); each faulty
//! statement is then parsed again alone, by the strict rule, for the place and the words of its
//! fault.

use std::ops::Range;

use pest::Parser;
use pest::error::InputLocation;

use super::ast::{Expr, File};
use super::brackets::match_brackets;
use super::explain::{Position, explain};
use super::layout::{GrammarText, lay_out};
use super::lower::Lowerer;
use super::scan::{Scan, scan};
use super::token::TokenKind;
use super::tuples::list_tuples;
use crate::diagnostics::{Code, Diagnostic, FileId, Span};

#[derive(pest_derive::Parser)]
#[grammar = "grammar/nn.pest"]
pub(super) struct Grammar;

/// What a text says, and what in it could not be read.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Parsed {
    /// All that could be read. A statement with a fault is left out, unless its meaning is clear.
    pub file: File,
    /// In the order of their places.
    pub faults: Vec<Diagnostic>,
}

/// A text that is not a model at all has a fault in every line; after these the rest are counted.
const MAX_FAULTS: usize = 200;

/// Parses a whole `.nn` file; reports all its syntax faults at once.
///
/// A text beyond the limits of size and depth is not parsed at all and gives one fault. If the
/// faults hold one with [`Code::Brackets`], sections may end elsewhere than they were meant to.
pub fn parse(text: &str, file: FileId) -> Parsed {
    let (mut scanned, layout) = match prepare(text, file) {
        Ok(prepared) => prepared,
        Err(fault) => {
            return Parsed {
                file: File::default(),
                faults: vec![fault],
            };
        }
    };
    let mut faults = std::mem::take(&mut scanned.faults);
    let Ok(pairs) = Grammar::parse(Rule::file, &layout.text) else {
        // Recovery takes every text whose brackets match; only a call limit that the process has
        // set for pest ends a parse.
        let start = Span::new(file, 0..0);
        faults.push(Diagnostic::new(
            Code::TooLarge,
            start,
            "the text takes too long to read",
        ));
        return Parsed {
            file: File::default(),
            faults,
        };
    };
    let mut lowerer = Lowerer::new(&layout, &scanned.damaged, file);
    let statements = lowerer.file(pairs);
    faults.append(&mut lowerer.faults);
    let more = lowerer.broken.len().saturating_sub(MAX_FAULTS);
    for broken in lowerer.broken.into_iter().take(MAX_FAULTS) {
        let source = layout.source_around(broken.clone());
        let first_damage = scanned.damaged.partition_point(|byte| *byte < source.start);
        let damaged = scanned
            .damaged
            .get(first_damage)
            .is_some_and(|byte| *byte < source.end);
        if !damaged {
            faults.push(fault_of(&layout, broken, Position::Statement, text, file));
        }
    }
    faults.sort_by_key(|fault| fault.labels.first().map(|label| label.span));
    let more = more + faults.len().saturating_sub(MAX_FAULTS);
    faults.truncate(MAX_FAULTS);
    if more > 0
        && let Some(last) = faults.pop()
    {
        faults.push(last.note(format!("{more} more faults of the text are not shown")));
    }
    Parsed {
        file: File {
            statements,
            comments: scanned.comments,
        },
        faults,
    }
}

/// Parses the value of `--set NAME=VALUE`: a number, a word, a layer or an expression.
///
/// # Errors
/// All faults of the text, never none.
pub fn parse_expression(text: &str, file: FileId) -> Result<Expr, Vec<Diagnostic>> {
    let (scanned, layout) = prepare(text, file).map_err(|fault| vec![fault])?;
    let mut faults = scanned.faults;
    if layout
        .tokens
        .iter()
        .all(|token| token.kind == TokenKind::Newline)
        && faults.is_empty()
    {
        let whole = Span::new(file, 0..text.len());
        return Err(vec![Diagnostic::new(
            Code::Syntax,
            whole,
            "a value is missing",
        )]);
    }
    let trimmed = layout.text.trim_end();
    match Grammar::parse(Rule::one_value, trimmed) {
        Ok(pairs) => {
            let mut lowerer = Lowerer::new(&layout, &scanned.damaged, file);
            let value = lowerer.value(pairs);
            faults.append(&mut lowerer.faults);
            let inner = lowerer.broken;
            faults.extend(
                inner
                    .into_iter()
                    .map(|broken| fault_of(&layout, broken, Position::Statement, text, file)),
            );
            if faults.is_empty() {
                Ok(value)
            } else {
                Err(faults)
            }
        }
        Err(_) => {
            if scanned.damaged.is_empty() {
                faults.push(fault_of(
                    &layout,
                    0..trimmed.len(),
                    Position::Value,
                    text,
                    file,
                ));
            }
            Err(faults)
        }
    }
}

fn prepare(text: &str, file: FileId) -> Result<(Scan, GrammarText), Diagnostic> {
    let mut scanned = scan(text, file)?;
    match_brackets(&mut scanned, text, file)?;
    list_tuples(&mut scanned, text, file);
    let tokens = std::mem::take(&mut scanned.tokens);
    let layout = lay_out(tokens, text, file, &mut scanned.faults);
    Ok((scanned, layout))
}

/// The fault of one statement or value, given as a range of the layout's text.
fn fault_of(
    layout: &GrammarText,
    range: Range<usize>,
    position: Position,
    text: &str,
    file: FileId,
) -> Diagnostic {
    let rule = match position {
        Position::Statement => Rule::one_statement,
        Position::Value => Rule::one_value,
    };
    let alone = layout.text[range.clone()].trim_end();
    let failed = match Grammar::parse(rule, alone) {
        Ok(_) => alone.len(),
        Err(error) => match error.location {
            InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
        },
    };
    let tokens = layout.tokens_in(range.start..range.start + alone.len());
    let failed = layout.first_from(range.start + failed).min(tokens.end) - tokens.start;
    explain(&layout.tokens[tokens], failed, position, text, file)
}
