//! From text to tokens, in one linear pass: comments, strings, numbers, words and symbols.
//!
//! Every misspelt token is reported here, at its place, and corrected where there is no doubt about
//! what it stands for, so that the rest of its statement can still be read.

use super::ast::{Comment, Operator};
use super::literal;
use super::separators::separate_settings;
use super::token::{Bracket, NumberValue, Token, TokenKind, quoted};
use crate::diagnostics::{Code, Diagnostic, FileId, Span};

/// No source is larger. A network with a million words is a table, and belongs in one.
pub(super) const MAX_SOURCE_BYTES: usize = 16 << 20;
/// Tokens, comments and misspellings of one file; bounds the memory of the syntax tree.
pub(super) const MAX_TOKENS: usize = 200_000;

pub(super) struct Scan {
    pub tokens: Vec<Token>,
    pub comments: Vec<Comment>,
    pub faults: Vec<Diagnostic>,
    /// Bytes at which something was left out. A statement around one of them has had its fault
    /// reported.
    pub damaged: Vec<usize>,
}

/// Reads all tokens of a text; fails alone when the text is larger than the limits.
pub(super) fn scan(text: &str, file: FileId) -> Result<Scan, Diagnostic> {
    if text.len() > MAX_SOURCE_BYTES {
        let message = format!(
            "the text has {} bytes; nnc reads at most {} MiB",
            text.len(),
            MAX_SOURCE_BYTES >> 20
        );
        return Err(Diagnostic::new(
            Code::TooLarge,
            Span::new(file, 0..0),
            message,
        ));
    }
    let mut scanner = Scanner {
        text,
        file,
        at: if text.starts_with('\u{feff}') { 3 } else { 0 },
        result: Scan {
            tokens: Vec::new(),
            comments: Vec::new(),
            faults: Vec::new(),
            damaged: Vec::new(),
        },
    };
    while scanner.at < text.len() {
        scanner.next();
        let Scan {
            tokens,
            comments,
            faults,
            ..
        } = &scanner.result;
        if tokens.len() + comments.len() + faults.len() > MAX_TOKENS {
            let span = scanner.span(scanner.at..scanner.at);
            return Err(Diagnostic::new(
                Code::TooLarge,
                span,
                format!("the text goes on beyond {MAX_TOKENS} words, numbers and signs"),
            )
            .label("nnc reads no further than this"));
        }
    }
    separate_settings(&mut scanner.result.tokens);
    Ok(scanner.result)
}

/// The signs of the language, longer ones before their beginnings.
const SYMBOLS: [(&str, TokenKind); 16] = [
    ("->", TokenKind::Arrow),
    ("+", TokenKind::Operator(Operator::Add)),
    ("-", TokenKind::Operator(Operator::Subtract)),
    ("*", TokenKind::Operator(Operator::Multiply)),
    ("/", TokenKind::Operator(Operator::Divide)),
    ("=", TokenKind::Equals),
    (":", TokenKind::Colon),
    (",", TokenKind::Comma),
    (";", TokenKind::Semicolon),
    ("\n", TokenKind::Newline),
    ("(", TokenKind::Open(Bracket::Round)),
    (")", TokenKind::Close(Bracket::Round)),
    ("[", TokenKind::Open(Bracket::Square)),
    ("]", TokenKind::Close(Bracket::Square)),
    ("{", TokenKind::Open(Bracket::Brace)),
    ("}", TokenKind::Close(Bracket::Brace)),
];

/// Signs of other languages: what is written, what it is here, and how to say so.
const FOREIGN_SYMBOLS: [(&str, &str, &str); 20] = [
    ("===", "=", "a value is set with one `=`"),
    ("==", "=", "a value is set with one `=`"),
    (":=", "=", "a value is set with `=`"),
    ("=>", "->", "data flows through `->`"),
    ("|>", "->", "data flows through `->`"),
    (">>", "->", "data flows through `->`"),
    ("-->", "->", "data flows through `->`"),
    ("→", "->", "data flows through `->`"),
    ("⇒", "->", "data flows through `->`"),
    ("−", "-", "the minus sign is the plain `-` here"),
    ("–", "-", "the minus sign is the plain `-` here"),
    ("×", "*", "a product is written with `*`"),
    ("·", "*", "a product is written with `*`"),
    ("÷", "/", "a quotient is written with `/`"),
    ("：", ":", "this colon is not the plain `:`"),
    ("，", ",", "this comma is not the plain `,`"),
    ("（", "(", "this bracket is not the plain `(`"),
    ("）", ")", "this bracket is not the plain `)`"),
    ("＝", "=", "this sign is not the plain `=`"),
    ("\u{a0}", " ", "this blank is a no-break space"),
];

/// The characters among which the end of a string in foreign marks is looked for; a bound keeps
/// the scan linear on a line of nothing but such marks.
const MAX_FOREIGN_STRING: usize = 200;

struct Scanner<'t> {
    text: &'t str,
    file: FileId,
    at: usize,
    result: Scan,
}

impl<'t> Scanner<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn span(&self, range: std::ops::Range<usize>) -> Span {
        Span::new(self.file, range)
    }

    /// The end of the line that holds `self.at`, before its line break.
    fn line_end(&self) -> usize {
        let rest = self.rest();
        let line = rest.split('\n').next().unwrap_or(rest);
        self.at + line.trim_end_matches('\r').len()
    }

    fn push(&mut self, kind: TokenKind, end: usize, correction: Option<&'static str>) {
        let repeated_newline = kind == TokenKind::Newline
            && self
                .result
                .tokens
                .last()
                .is_none_or(|last| last.kind == TokenKind::Newline);
        if !repeated_newline {
            self.result.tokens.push(Token {
                kind,
                start: self.at,
                end,
                correction,
            });
        }
        self.at = end;
    }

    fn fault(&mut self, end: usize, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Code::Syntax, self.span(self.at..end), message)
    }

    fn next(&mut self) {
        let rest = self.rest();
        let first = rest
            .chars()
            .next()
            .expect("called before the end of the text");
        match first {
            ' ' | '\t' | '\r' => self.at += 1,
            '#' => self.comment(),
            '"' => self.string(),
            '\'' if rest.starts_with("'''") => self.tripled("'''"),
            '\'' | '‘' | '’' | '“' | '”' | '`' => self.foreign_string(first),
            '0'..='9' => self.number(),
            '.' if rest[1..].starts_with(|next: char| next.is_ascii_digit()) => self.number(),
            _ if first == '_' || first.is_alphabetic() => self.word(),
            _ => self.symbol(),
        }
    }

    fn comment(&mut self) {
        let end = self.line_end();
        self.result.comments.push(Comment {
            text: self.text[self.at + 1..end].to_string(),
            span: self.span(self.at..end),
        });
        self.at = end;
    }

    /// A text between three marks, of which Python makes its notes.
    fn tripled(&mut self, marks: &str) {
        let inner = self.at + marks.len();
        let end = self.text[inner..]
            .find(marks)
            .map_or_else(|| self.line_end(), |length| inner + length + marks.len());
        let fault = self
            .fault(end, "a string is written between single `\"` marks")
            .help("a note for the reader is a comment: every line of it begins with `#`");
        self.result.faults.push(fault);
        self.result.damaged.push(self.at);
        self.push(TokenKind::Text(String::new()), end, Some("\"\""));
    }

    fn string(&mut self) {
        if self.rest().starts_with("\"\"\"") {
            self.tripled("\"\"\"");
            return;
        }
        let literal = literal::read_string(self.rest(), self.at, self.file);
        let end = self.at + literal.length;
        let correction = (!literal.faults.is_empty()).then_some("\"\"");
        self.result.faults.extend(literal.faults);
        self.push(TokenKind::Text(literal.text), end, correction);
    }

    /// A string in the marks of another language; a mark that nothing closes is a stray sign.
    fn foreign_string(&mut self, open: char) {
        let closing: &[char] = match open {
            '\'' => &['\''],
            '`' => &['`'],
            _ => &['’', '”', '\'', '"'],
        };
        let inner = &self.rest()[open.len_utf8()..];
        let length = inner
            .char_indices()
            .take(MAX_FOREIGN_STRING)
            .take_while(|(_, character)| *character != '\n')
            .find(|(_, character)| closing.contains(character))
            .map(|(length, _)| length);
        let Some(length) = length else {
            self.stray(open.len_utf8());
            return;
        };
        let close = inner[length..].chars().next().map_or(0, char::len_utf8);
        let end = self.at + open.len_utf8() + length + close;
        let content = inner[..length].to_string();
        let span = self.span(self.at..end);
        let is_part = |letter: char| letter == '_' || letter.is_ascii_alphanumeric();
        let is_word = content.starts_with(|first: char| first.is_ascii_alphabetic())
            && content.chars().all(is_part);
        // There a layer, a loss or a column is expected, by its name.
        let named = self.result.tokens.last().is_some_and(|last| {
            matches!(
                last.kind,
                TokenKind::Equals | TokenKind::Arrow | TokenKind::Colon
            )
        });
        if is_word && named {
            let fault = self
                .fault(end, "a name is written without marks")
                .label(format!("write {}", quoted(&content)))
                .suggest(span, content);
            self.result.faults.push(fault);
            self.result.tokens.push(Token {
                kind: TokenKind::Word,
                start: end - close - length,
                end: end - close,
                correction: None,
            });
            self.at = end;
            return;
        }
        let mut fault = self
            .fault(end, "a string is written between `\"` marks")
            .label("not a string here");
        if !content.contains(['"', '\\']) {
            let fix = format!("\"{content}\"");
            fault = fault
                .help(format!("write {}", quoted(&fix)))
                .suggest(span, fix);
        }
        self.result.faults.push(fault);
        self.push(TokenKind::Text(content), end, Some("\"\""));
    }

    fn number(&mut self) {
        let literal = literal::read_number(self.rest(), self.at, self.file);
        let end = self.at + literal.length;
        let correction = literal.fault.is_some().then_some("0");
        if literal
            .fault
            .as_ref()
            .is_some_and(|fault| fault.suggestion.is_none())
        {
            self.result.damaged.push(self.at);
        }
        self.result.faults.extend(literal.fault);
        let value = NumberValue {
            value: literal.value,
            integer: literal.integer,
            percent: literal.percent,
        };
        self.push(TokenKind::Number(value), end, correction);
    }

    fn word(&mut self) {
        let rest = self.rest();
        let in_word = |character: char| character == '_' || character.is_alphanumeric();
        let mut length = rest.find(|c| !in_word(c)).unwrap_or(rest.len());
        while rest[length..].starts_with('.') && rest[length + 1..].starts_with(in_word) {
            let part = &rest[length + 1..];
            length += 1 + part.find(|c| !in_word(c)).unwrap_or(part.len());
        }
        let word = &rest[..length];
        let end = self.at + length;
        let span = self.span(self.at..end);
        if !word.is_ascii() {
            let foreign: String = word.chars().filter(|c| !c.is_ascii()).take(1).collect();
            let fault = self
                .fault(end, format!("{} cannot be a name", quoted(word)))
                .label(format!("`{foreign}` is not one of the letters a to z"))
                .help(format!(
                    "a column of that name is written as a string: {}",
                    quoted(&format!("\"{word}\""))
                ))
                .suggest(span, format!("\"{word}\""));
            self.result.faults.push(fault);
            self.push(TokenKind::Word, end, Some("unnamed"));
            return;
        }
        let foreign = match word {
            "True" => Some("true"),
            "False" => Some("false"),
            "None" => Some("none"),
            _ => None,
        };
        if let Some(here) = foreign {
            let fault = self
                .fault(end, format!("`{word}` is written `{here}` here"))
                .suggest(span, here);
            let fault = match word {
                "None" => fault.help("or leave the argument out, if it does not know `none`"),
                _ => fault,
            };
            self.result.faults.push(fault);
        }
        self.push(TokenKind::Word, end, foreign);
    }

    fn symbol(&mut self) {
        let rest = self.rest();
        if rest.starts_with("//") || rest.starts_with("/*") {
            self.foreign_comment();
            return;
        }
        let split_arrow = rest
            .strip_prefix('-')
            .map(|after| (after, after.trim_start_matches(' ')))
            .filter(|(after, trimmed)| after != trimmed && trimmed.starts_with('>'));
        if let Some((_, trimmed)) = split_arrow {
            let end = self.text.len() - trimmed.len() + 1;
            let span = self.span(self.at..end);
            let fault = self
                .fault(end, "`->` is written without a blank")
                .label("write `->`")
                .suggest(span, "->");
            self.result.faults.push(fault);
            self.push(TokenKind::Arrow, end, Some("->"));
            return;
        }
        let foreign = FOREIGN_SYMBOLS
            .iter()
            .find(|(sign, ..)| rest.starts_with(sign));
        if let Some(&(sign, here, message)) = foreign {
            let end = self.at + sign.len();
            let span = self.span(self.at..end);
            let fault = self.fault(end, message).suggest(span, here);
            let fault = match here {
                " " => fault.label("an ordinary blank belongs here"),
                _ => fault.label(format!("write `{here}`")),
            };
            self.result.faults.push(fault);
            match SYMBOLS.iter().find(|(symbol, _)| *symbol == here) {
                Some((symbol, kind)) => self.push(kind.clone(), end, Some(symbol)),
                None => self.at = end,
            }
            return;
        }
        match SYMBOLS.iter().find(|(symbol, _)| rest.starts_with(symbol)) {
            Some((symbol, kind)) => self.push(kind.clone(), self.at + symbol.len(), None),
            None => {
                let is_stray = |character: char| {
                    !character.is_alphanumeric()
                        && !character.is_whitespace()
                        && !"_#\"'.,;:=+-*/()[]{}".contains(character)
                };
                let first = rest.chars().next().map_or(0, char::len_utf8);
                let more = rest[first..]
                    .find(|c| !is_stray(c))
                    .unwrap_or(rest.len() - first);
                self.stray(first + more);
            }
        }
    }

    fn foreign_comment(&mut self) {
        let block = self.rest().starts_with("/*");
        let end = if block {
            self.rest()
                .find("*/")
                .map_or(self.text.len(), |length| self.at + length + 2)
        } else {
            self.line_end()
        };
        let mark = self.at..self.at + 2;
        let mut fault = Diagnostic::new(
            Code::Syntax,
            self.span(mark.clone()),
            "a comment begins with `#` and goes to the end of its line",
        );
        if !block {
            fault = fault.label("write `#`").suggest(self.span(mark), "#");
        }
        self.result.faults.push(fault);
        self.at = end;
    }

    /// Signs that mean nothing in the language are reported and left out.
    fn stray(&mut self, length: usize) {
        let end = self.at + length;
        let sign = &self.text[self.at..end];
        let shown = match sign.chars().next() {
            Some(first) if first.is_control() || first.is_whitespace() => {
                sign.escape_unicode().to_string()
            }
            Some(_) | None => sign.to_string(),
        };
        let fault = self.fault(
            end,
            format!("{} means nothing in this language", quoted(&shown)),
        );
        let times = TokenKind::Operator(Operator::Multiply);
        let in_pattern = self
            .result
            .tokens
            .last()
            .is_some_and(|last| last.kind == times);
        let fault = match sign {
            "." if in_pattern => fault.help("a pattern is written as a string: `\"*.bias\"`"),
            "'" | "`" | "‘" | "’" | "“" | "”" => {
                fault.help("a string is written between `\"` marks")
            }
            "@" => fault.help("a product of matrices is a layer: `Linear`, `Bilinear` or `Dot`"),
            "^" => fault.help("there is no power operator: a square is written `x * x`"),
            "." => fault.help("a `.` stands inside a number or a dotted name, without blanks"),
            "%" => fault.help(
                "a percentage is written without a blank, as in `20%`; there is no remainder",
            ),
            "\\" => fault
                .help("a line goes on inside ( ) and [ ], and when the next one begins with `->`"),
            "<" | ">" | "!" | "&" | "|" | "&&" | "||" => {
                fault.help("there are no comparisons or conditions")
            }
            _ => fault,
        };
        self.result.faults.push(fault);
        self.result.damaged.push(self.at);
        self.at = end;
    }
}
