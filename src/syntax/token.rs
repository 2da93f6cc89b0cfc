//! The tokens of the language.

use super::ast::Operator;

/// A piece of the text for a message, in backticks, shortened if it is long.
pub(super) fn quoted(piece: &str) -> String {
    match piece.char_indices().nth(30) {
        Some((at, _)) => format!("`{}…`", &piece[..at]),
        None => format!("`{piece}`"),
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Bracket {
    Round,
    Square,
    Brace,
}

impl Bracket {
    pub fn open(self) -> &'static str {
        match self {
            Bracket::Round => "(",
            Bracket::Square => "[",
            Bracket::Brace => "{",
        }
    }

    pub fn close(self) -> &'static str {
        match self {
            Bracket::Round => ")",
            Bracket::Square => "]",
            Bracket::Brace => "}",
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub(super) enum TokenKind {
    /// A word or a dotted path.
    Word,
    Number(NumberValue),
    /// A string, with its escapes resolved.
    Text(String),
    /// One or more line ends with nothing but blanks and comments between them.
    Newline,
    Semicolon,
    Comma,
    Colon,
    Equals,
    Arrow,
    Operator(Operator),
    Open(Bracket),
    Close(Bracket),
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct NumberValue {
    /// Of a percentage, the fraction.
    pub value: f64,
    pub integer: Option<u64>,
    pub percent: bool,
}

/// A token and the bytes of the text it was read from.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Token {
    pub kind: TokenKind,
    pub start: usize,
    pub end: usize,
    /// What to read instead of the bytes, for a token that was misspelt in a way that leaves no
    /// doubt about what it stands for.
    pub correction: Option<&'static str>,
}

impl Token {
    /// Whether a value can end with this token.
    pub fn ends_value(&self) -> bool {
        match self.kind {
            TokenKind::Word | TokenKind::Number(_) | TokenKind::Text(_) | TokenKind::Close(_) => {
                true
            }
            TokenKind::Newline
            | TokenKind::Semicolon
            | TokenKind::Comma
            | TokenKind::Colon
            | TokenKind::Equals
            | TokenKind::Arrow
            | TokenKind::Operator(_)
            | TokenKind::Open(_) => false,
        }
    }

    /// Whether a value can begin with this token (a leading minus aside).
    pub fn begins_value(&self) -> bool {
        match self.kind {
            TokenKind::Word | TokenKind::Number(_) | TokenKind::Text(_) => true,
            TokenKind::Open(bracket) => bracket != Bracket::Brace,
            TokenKind::Newline
            | TokenKind::Semicolon
            | TokenKind::Comma
            | TokenKind::Colon
            | TokenKind::Equals
            | TokenKind::Arrow
            | TokenKind::Operator(_)
            | TokenKind::Close(_) => false,
        }
    }

    pub fn is_operator(&self) -> bool {
        matches!(self.kind, TokenKind::Operator(_))
    }
}
