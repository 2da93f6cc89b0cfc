//! The tokens as the grammar reads them: one text without comments, in which a newline is there
//! only if it ends a statement, and the way back from its bytes to those of the source.

use std::ops::Range;

use super::token::{Bracket, Token, TokenKind};
use crate::diagnostics::{Code, Diagnostic, FileId, Span};

/// The text that the grammar reads, and the tokens in it.
pub(super) struct GrammarText {
    pub text: String,
    /// Tokens that are in the text, in its order.
    pub tokens: Vec<Token>,
    /// The byte of the text at which each token begins.
    starts: Vec<usize>,
}

impl GrammarText {
    /// The tokens that begin in a range of the layout's text.
    pub fn tokens_in(&self, range: Range<usize>) -> Range<usize> {
        self.first_from(range.start)..self.first_from(range.end)
    }

    /// The first token that begins at or after a byte of the layout's text.
    pub fn first_from(&self, byte: usize) -> usize {
        self.starts.partition_point(|start| *start < byte)
    }

    /// The bytes of the source between the tokens before and after a range of the layout's text.
    pub fn source_around(&self, range: Range<usize>) -> Range<usize> {
        let tokens = self.tokens_in(range);
        let before = self.tokens[..tokens.start]
            .last()
            .map_or(0, |token| token.end);
        let after = self
            .tokens
            .get(tokens.end)
            .map_or(usize::MAX, |token| token.start);
        before..after
    }

    /// The bytes of the source under a range of the layout's text that holds a token.
    pub fn source_range(&self, range: Range<usize>) -> Range<usize> {
        let tokens = self.tokens_in(range);
        match &self.tokens[tokens] {
            [first, .., last] => first.start..last.end,
            [only] => only.start..only.end,
            [] => 0..0,
        }
    }
}

/// Lays out the tokens of a text whose brackets match. Reports a `{` that begins a line, and joins
/// it with the line it belongs to.
pub(super) fn lay_out(
    tokens: Vec<Token>,
    source: &str,
    file: FileId,
    faults: &mut Vec<Diagnostic>,
) -> GrammarText {
    let mut layout = GrammarText {
        text: String::with_capacity(source.len().min(tokens.len() * 16)),
        tokens: Vec::with_capacity(tokens.len()),
        starts: Vec::with_capacity(tokens.len()),
    };
    let mut open: Vec<Bracket> = Vec::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token.kind {
            TokenKind::Open(bracket) => open.push(bracket),
            TokenKind::Close(_) => {
                open.pop();
            }
            TokenKind::Newline => {
                let grouped = matches!(open.last(), Some(Bracket::Round | Bracket::Square));
                let next = tokens.peek();
                let continues = next.is_some_and(|next| next.kind == TokenKind::Arrow);
                let stray_brace = next
                    .filter(|next| next.kind == TokenKind::Open(Bracket::Brace) && !grouped)
                    .zip(layout.tokens.last().filter(|previous| {
                        previous.ends_value() && previous.kind != TokenKind::Close(Bracket::Brace)
                    }));
                if let Some((brace, previous)) = stray_brace {
                    let head = Span::new(file, previous.start..previous.end);
                    faults.push(
                        Diagnostic::new(
                            Code::Syntax,
                            Span::new(file, brace.start..brace.end),
                            "`{` stands on a line of its own",
                        )
                        .label("a line cannot begin with `{`")
                        .also(head, "it belongs behind this, on the same line")
                        .suggest(Span::new(file, previous.end..brace.end), " {"),
                    );
                }
                if grouped || continues || stray_brace.is_some() {
                    continue;
                }
            }
            TokenKind::Word
            | TokenKind::Number(_)
            | TokenKind::Text(_)
            | TokenKind::Semicolon
            | TokenKind::Comma
            | TokenKind::Colon
            | TokenKind::Equals
            | TokenKind::Arrow
            | TokenKind::Operator(_) => {}
        }
        layout.starts.push(layout.text.len());
        let written = match token.kind {
            // What a string says is the token's; the grammar would read it letter by letter.
            TokenKind::Text(_) => "\"\"",
            _ => token.correction.unwrap_or(&source[token.start..token.end]),
        };
        layout.text.push_str(written);
        layout.text.push(' ');
        layout.tokens.push(token);
    }
    layout
}
