//! Matches brackets before anything is parsed: bounds their depth, and reports each that is never
//! closed or closes nothing.

use super::scan::Scan;
use super::token::{Bracket, Token, TokenKind};
use crate::diagnostics::{Code, Diagnostic, FileId, Span};

/// How deep ( [ { may stand in one another, together.
pub(super) const MAX_DEPTH: usize = 64;

/// Leaves only matching brackets in the scan: reports and removes those that match nothing, closes
/// open sections at the end of the text, and mends a closing bracket of the wrong kind.
///
/// Fails alone when brackets nest too deep.
pub(super) fn match_brackets(scan: &mut Scan, text: &str, file: FileId) -> Result<(), Diagnostic> {
    let mut matcher = Matcher {
        tokens: &mut scan.tokens,
        file,
        open: Vec::new(),
        pairs: Vec::new(),
        removed: Vec::new(),
        faults: Vec::new(),
    };
    for index in 0..matcher.tokens.len() {
        match matcher.tokens[index].kind {
            TokenKind::Open(bracket) => matcher.opens(index, bracket)?,
            TokenKind::Close(bracket) => matcher.closes(index, bracket),
            TokenKind::Word
            | TokenKind::Number(_)
            | TokenKind::Text(_)
            | TokenKind::Newline
            | TokenKind::Semicolon
            | TokenKind::Comma
            | TokenKind::Colon
            | TokenKind::Equals
            | TokenKind::Arrow
            | TokenKind::Operator(_) => {}
        }
    }
    let mut sections_to_close = 0;
    for (index, bracket) in std::mem::take(&mut matcher.open) {
        match bracket {
            Bracket::Brace => {
                matcher.section_never_closed(index, text);
                sections_to_close += 1;
            }
            Bracket::Round | Bracket::Square => matcher.never_closed(index, bracket, None),
        }
    }
    let Matcher {
        mut removed,
        faults,
        ..
    } = matcher;
    scan.faults.extend(faults);
    removed.sort_unstable();
    let mut index = 0;
    scan.tokens.retain(|token| {
        let remove = removed.binary_search(&index).is_ok();
        if remove {
            scan.damaged.push(token.start);
        }
        index += 1;
        !remove
    });
    scan.damaged.sort_unstable();
    for _ in 0..sections_to_close {
        scan.tokens.push(Token {
            kind: TokenKind::Close(Bracket::Brace),
            start: text.len(),
            end: text.len(),
            correction: Some("}"),
        });
    }
    Ok(())
}

struct Matcher<'s> {
    tokens: &'s mut [Token],
    file: FileId,
    open: Vec<(usize, Bracket)>,
    pairs: Vec<(usize, usize)>,
    removed: Vec<usize>,
    faults: Vec<Diagnostic>,
}

impl Matcher<'_> {
    fn span(&self, index: usize) -> Span {
        Span::new(self.file, self.tokens[index].start..self.tokens[index].end)
    }

    fn opens(&mut self, index: usize, bracket: Bracket) -> Result<(), Diagnostic> {
        if self.open.len() == MAX_DEPTH {
            return Err(Diagnostic::new(
                Code::TooLarge,
                self.span(index),
                format!("brackets stand more than {MAX_DEPTH} deep in one another"),
            )
            .label("one bracket too many")
            .help("give a name to a part of this and use the name"));
        }
        self.open.push((index, bracket));
        Ok(())
    }

    fn closes(&mut self, index: usize, bracket: Bracket) {
        // A round or square bracket does not reach out of the section it stands in.
        let section = self
            .open
            .iter()
            .rposition(|(_, open)| *open == Bracket::Brace);
        let reach = match bracket {
            Bracket::Brace => 0,
            Bracket::Round | Bracket::Square => section.map_or(0, |section| section + 1),
        };
        let partner = self.open[reach..]
            .iter()
            .rposition(|(_, open)| *open == bracket);
        match (partner, self.open.get(reach..).and_then(<[_]>::last)) {
            (Some(position), _) => {
                for (inner, open) in self.open.split_off(reach + position + 1) {
                    self.never_closed(inner, open, Some(index));
                }
                let opener = self.open.pop().expect("the partner is on the stack");
                self.pairs.push((opener.0, index));
            }
            (None, Some(&(opener, open))) => {
                self.open.pop();
                let fault = Diagnostic::new(
                    Code::Brackets,
                    self.span(index),
                    format!("`{}` is closed by `{}`", open.open(), bracket.close()),
                )
                .label(format!("`{}` belongs here", open.close()))
                .also(self.span(opener), "opened here")
                .suggest(self.span(index), open.close());
                self.faults.push(fault);
                self.tokens[index].kind = TokenKind::Close(open);
                self.tokens[index].correction = Some(open.close());
            }
            (None, None) => {
                let fault = Diagnostic::new(
                    Code::Brackets,
                    self.span(index),
                    format!("`{}` closes nothing", bracket.close()),
                );
                let fault = match section.map(|position| self.open[position].0) {
                    Some(opener) => fault
                        .label(format!("no `{}` is open in this section", bracket.open()))
                        .also(self.span(opener), "the section begins here"),
                    None => fault.label(format!("no `{}` is open here", bracket.open())),
                };
                self.faults.push(fault.suggest(self.span(index), ""));
                self.removed.push(index);
            }
        }
    }

    fn never_closed(&mut self, index: usize, bracket: Bracket, closer: Option<usize>) {
        let reach = closer.unwrap_or(self.tokens.len());
        let line_end = self.tokens[index..reach]
            .iter()
            .position(|token| matches!(token.kind, TokenKind::Newline | TokenKind::Semicolon))
            .map(|length| index + length);
        let end = line_end.unwrap_or(reach);
        let at = self.tokens[end - 1].end;
        let mut fault = Diagnostic::new(
            Code::Brackets,
            self.span(index),
            format!("this `{}` is never closed", bracket.open()),
        )
        .label(format!("no `{}` follows that closes it", bracket.close()))
        .suggest(Span::new(self.file, at..at), bracket.close());
        if let Some(closer) = closer {
            let label = match line_end {
                None => format!("a `{}` is missing before this", bracket.close()),
                Some(_) => "the section ends here without it".to_string(),
            };
            fault = fault.also(self.span(closer), label);
        }
        self.faults.push(fault);
        self.removed.push(index);
    }

    fn section_never_closed(&mut self, index: usize, text: &str) {
        let mut fault =
            Diagnostic::new(Code::Brackets, self.span(index), "this `{` is never closed")
                .label("no `}` follows that closes it");
        // A section whose ends stand at different depths has most likely taken another's `}`.
        let line_starts: Vec<usize> = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(newline, _)| newline + 1))
            .collect();
        let indentation = |index: usize| {
            let byte = self.tokens[index].start;
            let line_start = line_starts[line_starts.partition_point(|start| *start <= byte) - 1];
            let first = self
                .tokens
                .partition_point(|token| token.start < line_start);
            (self.tokens[first].start - line_start, first == index)
        };
        let thief = self
            .pairs
            .iter()
            .filter(|(opener, closer)| {
                let (open_indentation, _) = indentation(*opener);
                let (close_indentation, first_of_line) = indentation(*closer);
                *opener > index && first_of_line && close_indentation < open_indentation
            })
            .min();
        if let Some(&(opener, closer)) = thief {
            fault = fault
                .also(self.span(closer), "this `}` seems to be meant for it")
                .also(
                    self.span(opener),
                    "but closes this `{`, which may lack its own",
                );
        }
        self.faults.push(fault);
    }
}
