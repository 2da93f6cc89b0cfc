//! Several values in plain parentheses, as other languages write their lists: `(0.9, 0.999)`.

use super::scan::Scan;
use super::token::{Bracket, TokenKind};
use crate::diagnostics::{Code, Diagnostic, FileId, Span};

/// Reports parentheses that hold several values, and makes lists of them. All brackets match.
pub(super) fn list_tuples(scan: &mut Scan, text: &str, file: FileId) {
    struct Open {
        at: usize,
        /// Whether it belongs to what stands before it, as arguments do.
        called: bool,
        comma: bool,
        equals: bool,
    }
    let tokens = &mut scan.tokens;
    let mut open: Vec<Open> = Vec::new();
    for at in 0..tokens.len() {
        match tokens[at].kind {
            TokenKind::Open(bracket) => {
                let before = at.checked_sub(1).map(|before| &tokens[before].kind);
                let called = matches!(before, Some(TokenKind::Word | TokenKind::Close(_)));
                open.push(Open {
                    at,
                    called: called || bracket != Bracket::Round,
                    comma: false,
                    equals: false,
                });
            }
            TokenKind::Close(_) => {
                let Some(tuple) = open.pop().filter(|it| !it.called && it.comma && !it.equals)
                else {
                    continue;
                };
                let (start, end) = (tokens[tuple.at].start, tokens[at].end);
                let inner = text[start + 1..end - 1].trim();
                let inner = inner.strip_suffix(',').unwrap_or(inner).trim();
                let span = Span::new(file, start..end);
                let fault = Diagnostic::new(Code::Syntax, span, "plain parentheses hold one value")
                    .label("several values are a list: `[a, b]`")
                    .suggest(span, format!("[{inner}]"));
                scan.faults.push(fault);
                tokens[tuple.at].kind = TokenKind::Open(Bracket::Square);
                tokens[tuple.at].correction = Some("[");
                tokens[at].kind = TokenKind::Close(Bracket::Square);
                tokens[at].correction = Some("]");
            }
            TokenKind::Comma | TokenKind::Equals => {
                let comma = tokens[at].kind == TokenKind::Comma;
                if let Some(around) = open.last_mut() {
                    around.comma |= comma;
                    around.equals |= !comma;
                }
            }
            TokenKind::Word
            | TokenKind::Number(_)
            | TokenKind::Text(_)
            | TokenKind::Newline
            | TokenKind::Semicolon
            | TokenKind::Colon
            | TokenKind::Arrow
            | TokenKind::Operator(_) => {}
        }
    }
}
