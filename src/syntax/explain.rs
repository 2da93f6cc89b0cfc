//! What to say about a statement that does not follow the grammar.

mod found;

use super::token::{Bracket, Token, TokenKind, quoted};
use crate::diagnostics::{Code, Diagnostic, FileId, Span, near_miss};

/// Where the faulty text stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Position {
    Statement,
    /// The value of `--set`.
    Value,
}

/// Says why the tokens of a statement or a value cannot be read on from the one at `failed`, which
/// is their number when more of them were expected.
pub(super) fn explain(
    tokens: &[Token],
    failed: usize,
    position: Position,
    text: &str,
    file: FileId,
) -> Diagnostic {
    let Some(first) = tokens.first() else {
        return Diagnostic::new(Code::Syntax, Span::new(file, 0..0), "a value is missing");
    };
    let case = Case {
        tokens,
        failed,
        position,
        text,
        file,
        first,
    };
    if let Some(fault) = case.misspelt() {
        return fault;
    }
    let previous = failed.checked_sub(1).map(|index| &tokens[index]);
    match (previous, tokens.get(failed)) {
        (Some(previous), None) => case.stops_after(previous),
        (Some(previous), Some(found)) => case.found_after(previous, found),
        (None, Some(found)) => case.begins_with(found),
        (None, None) => case.stops_after(first),
    }
}

struct Case<'t> {
    tokens: &'t [Token],
    failed: usize,
    position: Position,
    text: &'t str,
    file: FileId,
    first: &'t Token,
}

impl<'t> Case<'t> {
    fn written(&self, token: &Token) -> &'t str {
        &self.text[token.start..token.end]
    }

    /// The token for a message, shortened if it is long.
    fn shown(&self, token: &Token) -> String {
        if token.kind == TokenKind::Newline {
            return "the end of the line".to_string();
        }
        quoted(self.written(token))
    }

    fn span(&self, token: &Token) -> Span {
        Span::new(self.file, token.start..token.end)
    }

    fn gap(&self, before: &Token, after: &Token) -> Span {
        Span::new(self.file, before.end..after.start)
    }

    fn after(&self, token: &Token) -> Span {
        Span::new(self.file, token.end..token.end)
    }

    fn fault(&self, token: &Token, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(Code::Syntax, self.span(token), message)
    }

    fn word(&self, index: usize) -> Option<&'t str> {
        self.tokens
            .get(index)
            .filter(|token| token.kind == TokenKind::Word)
            .map(|token| self.written(token))
    }

    /// The innermost bracket around the token at `failed`, as an index.
    fn enclosing(&self) -> Option<(usize, Bracket)> {
        let mut open = Vec::new();
        for (index, token) in self.tokens[..self.failed].iter().enumerate() {
            if let TokenKind::Open(bracket) = token.kind {
                open.push((index, bracket));
            } else if let TokenKind::Close(_) = token.kind {
                open.pop();
            }
        }
        open.pop()
    }

    /// The word before the round bracket at `open`: what is called.
    fn callee(&self, open: usize) -> Option<&'t str> {
        open.checked_sub(1).and_then(|index| self.word(index))
    }

    /// A keyword that is misspelt, where what follows it is what follows the keyword.
    fn misspelt(&self) -> Option<Diagnostic> {
        let kind = |index: usize| self.tokens.get(index).map(|token| &token.kind);
        let is_text = |index| matches!(kind(index), Some(TokenKind::Text(_)));
        let is_word = |index| matches!(kind(index), Some(TokenKind::Word));
        let is_brace = |index| matches!(kind(index), Some(TokenKind::Open(Bracket::Brace)));
        let fits = |keyword: &str, index: usize| match keyword {
            "param" => index == 0 && is_word(1) && kind(2) == Some(&TokenKind::Equals),
            "use" => index == 0 && is_text(1),
            "from" => index > 0 && is_text(index + 1),
            "residual" => is_brace(index + 1),
            "repeat" => {
                let counted = matches!(
                    kind(index + 1),
                    Some(TokenKind::Number(_) | TokenKind::Word)
                );
                counted && (is_brace(index + 2) || self.word(index + 2) == Some("as"))
            }
            _ => false,
        };
        let places = [Some(0), self.failed.checked_sub(1), Some(self.failed)];
        let keywords = ["param", "use", "from", "residual", "repeat"];
        let (keyword, token) = places.into_iter().flatten().find_map(|index| {
            let word = self.word(index)?;
            let meant = near_miss(word, keywords)?;
            (meant != word && fits(meant, index)).then(|| (meant, &self.tokens[index]))
        })?;
        let fault = self.fault(
            token,
            format!("{} is no word of the language", self.shown(token)),
        );
        Some(
            fault
                .label("not allowed here")
                .help(format!("did you mean `{keyword}`?"))
                .suggest(self.span(token), keyword),
        )
    }

    /// The statement of another language that the first word seems to begin.
    fn foreign_statement(&self) -> Option<(&'static str, &'static str)> {
        let help = foreign_statement(self.word(0)?)?;
        Some(("this statement belongs to another language", help))
    }

    fn begins_with(&self, found: &Token) -> Diagnostic {
        let shown = self.shown(found);
        if self.position == Position::Value {
            return self.fault(found, format!("a value cannot begin with {shown}"));
        }
        match &found.kind {
            TokenKind::Arrow => self
                .fault(found, "nothing flows into this `->`")
                .label("no line above to go on from")
                .help("the first line of a body goes on from the body's input without an arrow"),
            TokenKind::Operator(operator) => {
                let fault = self.fault(found, format!("a line cannot begin with {shown}"));
                let negative = operator.symbol() == "-";
                match self
                    .tokens
                    .get(1)
                    .filter(|next| negative && next.begins_value())
                {
                    Some(next) => {
                        let simple = match self.tokens.get(2).map(|token| &token.kind) {
                            Some(TokenKind::Open(_)) => false,
                            Some(_) | None => !matches!(next.kind, TokenKind::Open(_)),
                        };
                        let fault = fault.label("put the negative value in parentheses: `(-x)`");
                        let span = self.span(found).to(self.span(next));
                        let fix = format!("(-{})", self.written(next));
                        if simple {
                            fault.suggest(span, fix)
                        } else {
                            fault
                        }
                    }
                    None => fault
                        .label("a value must stand before it")
                        .help("to go on over several lines, put the expression in parentheses"),
                }
            }
            TokenKind::Word => match self.written(found) {
                "repeat" => self
                    .fault(found, "`repeat` is followed by a number and a body")
                    .help("write `repeat 4 { … }`"),
                "residual" => self
                    .fault(found, "`residual` is followed by a body")
                    .help("write `residual { … }`"),
                _ => self.fault(found, format!("{shown} is not allowed here")),
            },
            TokenKind::Open(Bracket::Brace) => self
                .fault(found, "a `{ … }` has no name")
                .label("a section begins with its word, as in `net { … }`"),
            TokenKind::Number(_)
            | TokenKind::Text(_)
            | TokenKind::Newline
            | TokenKind::Semicolon
            | TokenKind::Comma
            | TokenKind::Colon
            | TokenKind::Equals
            | TokenKind::Open(_)
            | TokenKind::Close(_) => self.fault(found, format!("a line cannot begin with {shown}")),
        }
    }

    /// The statement ends where more of it was expected.
    fn stops_after(&self, previous: &Token) -> Diagnostic {
        let shown = self.shown(previous);
        if let Some((message, help)) = self.foreign_statement() {
            return self.fault(self.first, message).help(help);
        }
        match &previous.kind {
            TokenKind::Operator(_) => self
                .fault(previous, format!("a statement cannot end with {shown}"))
                .label("a value must follow")
                .help("to go on in the next line, put the expression in parentheses"),
            TokenKind::Arrow => self
                .fault(previous, "`->` needs a layer after it")
                .label("nothing follows")
                .help("to go on in the next line, begin that line with `->`"),
            TokenKind::Equals => self
                .fault(previous, "expected a value after `=`")
                .label("nothing follows"),
            TokenKind::Colon => self
                .fault(
                    previous,
                    format!("expected what `{}` is after `:`", self.declared()),
                )
                .label("nothing follows")
                .help("a column has a type, such as `number` or `category`; a label has a layer"),
            TokenKind::Comma => self
                .fault(previous, "a statement cannot end with `,`")
                .label("another name must follow, or no comma"),
            TokenKind::Word
            | TokenKind::Number(_)
            | TokenKind::Text(_)
            | TokenKind::Newline
            | TokenKind::Semicolon
            | TokenKind::Open(_)
            | TokenKind::Close(_) => self.incomplete(previous),
        }
    }

    /// A statement whose first word asks for more than there is.
    fn incomplete(&self, previous: &Token) -> Diagnostic {
        let previous_word = self.word(self.tokens.len() - 1);
        let keyword = previous_word.filter(|word| matches!(*word, "repeat" | "residual" | "from"));
        match keyword.or(self.word(0)) {
            Some("param") => self
                .fault(previous, "a `param` needs a value")
                .label("`=` and a value must follow"),
            Some("block") => self
                .fault(previous, "a block needs a body")
                .label("`{ … }` must follow"),
            Some("repeat") => self
                .fault(previous, "`repeat` needs a number and a body")
                .label("`{ … }` must follow")
                .help("write `repeat 4 { … }`"),
            Some("residual") => self
                .fault(previous, "`residual` needs a body")
                .label("`{ … }` must follow"),
            Some("use") => self
                .fault(previous, "`use` is followed by a file's path as a string")
                .help("write `use \"blocks.nn\"`"),
            Some("from") => self
                .fault(
                    previous,
                    "`from` is followed by a column or a pattern as a string",
                )
                .label("nothing follows")
                .help("write `from \"x*\"`"),
            Some(_) | None => self
                .fault(
                    previous,
                    format!("the statement stops after {}", self.shown(previous)),
                )
                .label("something must follow"),
        }
    }

    /// The names before the last colon, for a message.
    fn declared(&self) -> &'t str {
        let colon = self.tokens[..self.failed]
            .iter()
            .rposition(|token| token.kind == TokenKind::Colon)
            .and_then(|colon| colon.checked_sub(1));
        colon.map_or("it", |index| self.written(&self.tokens[index]))
    }
}

/// What to write instead of a statement of another language that begins with a word.
pub fn foreign_statement(word: &str) -> Option<&'static str> {
    Some(match word {
        "for" | "while" | "loop" => "a piece of a network is repeated with `repeat 4 { … }`",
        "if" | "else" | "elif" => {
            "there are no conditions: the whole network is fixed before it runs"
        }
        "def" | "fn" | "class" | "function" => {
            "the network is the section `net { … }`; a reusable piece of it is a `block Name(width) { … }`"
        }
        "import" | "include" | "require" => {
            "layers need no import; blocks of another file come with `use \"blocks.nn\"`"
        }
        "return" => "the last line of a body is its result",
        "let" | "var" | "const" => {
            "a value of the network is named by `name = value`, a number above the sections by `param name = value`"
        }
        _ => return None,
    })
}
