//! Faults of a token that stands where another was expected.

use super::Case;
use crate::diagnostics::{Diagnostic, Span};
use crate::syntax::token::{Bracket, Token, TokenKind};

impl Case<'_> {
    pub(super) fn found_after(&self, previous: &Token, found: &Token) -> Diagnostic {
        if let Some((message, help)) = self.foreign_statement() {
            return self.fault(self.first, message).help(help);
        }
        if found.kind == TokenKind::Newline {
            return self
                .fault(previous, "a value is one line")
                .label("the line ends here");
        }
        if previous.is_operator() && found.kind == TokenKind::Equals && previous.end == found.start
        {
            return self
                .fault(previous, "a name is set once, with `=` alone")
                .help("give the new value a new name");
        }
        if previous.is_operator() && (found.is_operator() || found.kind == TokenKind::Arrow) {
            let power = self.written(previous) == "*" && self.written(found) == "*";
            return if power {
                self.fault(found, "there is no power operator")
                    .help("a square is written `x * x`")
            } else {
                self.fault(found, "two operators in a row")
                    .label(format!("expected a value after {}", self.shown(previous)))
            };
        }
        if previous.kind == TokenKind::Close(Bracket::Round)
            && found.kind == TokenKind::Open(Bracket::Round)
        {
            return self.called_twice(previous, found);
        }
        match self.enclosing() {
            Some((open, Bracket::Round)) => self.in_round(open, previous, found),
            Some((open, Bracket::Square)) => self.in_square(open, previous, found),
            Some((_, Bracket::Brace)) | None => self.in_statement(previous, found),
        }
    }

    fn expected_value(&self, previous: &Token, found: &Token) -> Diagnostic {
        let shown = self.shown(found);
        if previous.kind == TokenKind::Arrow {
            return self
                .fault(found, "`->` needs a layer after it")
                .label(format!("found {shown}"));
        }
        if previous.kind == TokenKind::Colon {
            let name = self.declared();
            let fault = self
                .fault(found, format!("expected what `{name}` is after `:`"))
                .label(format!("found {shown}"));
            return if found.begins_value() && found.ends_value() {
                fault
                    .help(format!(
                        "a value is set with `=`: `{name} = {}`",
                        self.written(found)
                    ))
                    .suggest(self.span(previous), " =")
            } else {
                fault
            };
        }
        self.fault(
            found,
            format!("expected a value after {}", self.shown(previous)),
        )
        .label(format!("found {shown}"))
    }

    /// `Linear(2)(a)`: a layer's result is called, as Keras does to say what flows in.
    fn called_twice(&self, previous: &Token, found: &Token) -> Diagnostic {
        let fault = self
            .fault(found, format!("{} cannot be called", self.shown(previous)))
            .label("arguments follow the name of a layer");
        let closing = self.failed - 1;
        let (Some(opening), Some(end)) = (self.partner(closing), self.partner(self.failed)) else {
            return fault;
        };
        let begins =
            |kind: &TokenKind| matches!(kind, TokenKind::Word | TokenKind::Open(Bracket::Square));
        let first = self.tokens.get(self.failed + 1);
        let (true, Some(_)) = (
            first.is_some_and(|first| begins(&first.kind)),
            self.callee(opening),
        ) else {
            return fault;
        };
        let callee = &self.tokens[opening - 1];
        let call = &self.text[callee.start..previous.end];
        let value = self.text[found.end..self.tokens[end].start].trim();
        let fix = format!("{value} -> {call}");
        let fault = fault.help(format!("a value flows into a layer by an arrow: `{fix}`"));
        // Behind an arrow something flows in already.
        let before = opening
            .checked_sub(2)
            .map(|before| &self.tokens[before].kind);
        match before {
            None | Some(TokenKind::Equals) => {
                let last = self.span(&self.tokens[end]);
                fault.suggest(self.span(callee).to(last), fix)
            }
            Some(_) => fault,
        }
    }

    /// The bracket that a bracket opens or closes with, as an index.
    fn partner(&self, at: usize) -> Option<usize> {
        let mut depth = 0;
        let mut step = |index: &usize| {
            let kind = &self.tokens[*index].kind;
            let bracket = matches!(kind, TokenKind::Open(_) | TokenKind::Close(_));
            if bracket {
                depth += if matches!(kind, TokenKind::Open(_)) {
                    1
                } else {
                    -1
                };
            }
            bracket && depth == 0
        };
        if matches!(self.tokens[at].kind, TokenKind::Open(_)) {
            (at..self.tokens.len()).find(&mut step)
        } else {
            (0..=at).rev().find(&mut step)
        }
    }

    fn missing_comma(&self, between: &str, previous: &Token, found: &Token) -> Diagnostic {
        self.fault(found, format!("missing `,` between {between}"))
            .label(format!(
                "a `,` must stand between {} and this",
                self.shown(previous)
            ))
            .suggest(self.gap(previous, found), ", ")
    }

    fn two_commas(&self, previous: &Token, found: &Token) -> Diagnostic {
        self.fault(found, "two commas in a row")
            .label("nothing stands between them")
            .suggest(self.gap(previous, found).to(self.span(found)), "")
    }

    fn semicolon(&self, found: &Token) -> Diagnostic {
        self.fault(
            found,
            "a `;` ends a statement and is not allowed in brackets",
        )
        .label("write `,`")
        .suggest(self.span(found), ",")
    }

    fn in_round(&self, open: usize, previous: &Token, found: &Token) -> Diagnostic {
        let called = self.callee(open).is_some();
        let colon = [previous, found]
            .into_iter()
            .find(|token| token.kind == TokenKind::Colon);
        if let Some(colon) = colon {
            let fault = self
                .fault(colon, "an argument is set with `=`")
                .label("write `=`");
            return fault.suggest(self.span(colon), " =");
        }
        if found.kind == TokenKind::Semicolon {
            return self.semicolon(found);
        }
        if let (2, Some(first), Some(name)) = (open, self.word(0), self.word(1))
            && !matches!(first, "block" | "repeat" | "residual")
        {
            return self.word_before_call(first, name);
        }
        if !previous.ends_value() {
            return if found.kind != TokenKind::Comma {
                self.expected_value(previous, found)
            } else if previous.kind == TokenKind::Comma {
                self.two_commas(previous, found)
            } else if matches!(previous.kind, TokenKind::Open(_)) {
                self.fault(found, "nothing stands before this `,`")
                    .suggest(self.span(found), "")
            } else {
                self.expected_value(previous, found)
            };
        }
        if found.begins_value() && called {
            let next = self.tokens.get(self.failed + 1);
            let named = next.is_some_and(|next| next.kind == TokenKind::Equals);
            if let (true, Some(first), Some(second)) =
                (named, self.word(self.failed - 1), self.word(self.failed))
            {
                let fix = format!("{first}_{second}");
                return self
                    .fault(found, format!("missing `,` after `{first}`"))
                    .label("a new argument begins here")
                    .help(format!("if one name is meant, write `{fix}`"))
                    .suggest(self.gap(previous, found), ", ");
            }
            let of_block = self.word(0) == Some("block") && open == 2;
            let things = if of_block { "parameters" } else { "arguments" };
            return self.missing_comma(things, previous, found);
        }
        if found.kind == TokenKind::Equals {
            return if called {
                self.fault(previous, "an argument's name is one word")
                    .label("left of `=` stands a single name")
            } else {
                self.fault(found, "nothing is set inside plain parentheses")
                    .label("arguments stand inside those of a call: `Linear(8, bias = false)`")
            };
        }
        if found.kind == TokenKind::Comma && !called {
            return self
                .fault(found, "plain parentheses hold one value")
                .label("several values are a list: `[a, b]`");
        }
        let message = format!(
            "unexpected {} after {}",
            self.shown(found),
            self.shown(previous)
        );
        self.fault(found, message).label(if called {
            "expected `,` or `)`"
        } else {
            "expected an operator or `)`"
        })
    }

    /// `shared Linear(3)`, `net Linear(1)`, `x Linear(3)`: only a block's word stands before a name with
    /// parentheses.
    fn word_before_call(&self, first: &str, name: &str) -> Diagnostic {
        let callee = &self.tokens[1];
        let end = self
            .partner(2)
            .map_or(callee.end, |close| self.tokens[close].end);
        let call = &self.text[callee.start..end];
        let fault = self.fault(callee, format!("`{name}(…)` cannot follow `{first}`"));
        match first {
            "shared" => fault
                .label("a shared layer has a name")
                .help(format!("write `shared name: {call}`")),
            "data" | "net" | "train" => fault
                .label("a section stands between braces")
                .help(format!("write `{first} {{ {call} }}`")),
            _ => fault
                .label("something must stand between them")
                .help(format!(
                    "a value flows into a layer by an arrow: `{first} -> {call}`"
                )),
        }
    }

    fn in_square(&self, open: usize, previous: &Token, found: &Token) -> Diagnostic {
        if matches!(found.kind, TokenKind::Equals | TokenKind::Colon) {
            return self
                .fault(
                    found,
                    format!("{} is not allowed in a list", self.shown(found)),
                )
                .label("a list holds values without names")
                .also(self.span(&self.tokens[open]), "the list begins here");
        }
        if found.kind == TokenKind::Semicolon {
            return self.semicolon(found);
        }
        if previous.ends_value() && found.begins_value() {
            return self.missing_comma("the elements of a list", previous, found);
        }
        if previous.kind == TokenKind::Comma && found.kind == TokenKind::Comma {
            return self.two_commas(previous, found);
        }
        if !previous.ends_value() {
            return self.expected_value(previous, found);
        }
        let message = format!(
            "unexpected {} after {}",
            self.shown(found),
            self.shown(previous)
        );
        self.fault(found, message).label("expected `,` or `]`")
    }

    fn in_statement(&self, previous: &Token, found: &Token) -> Diagnostic {
        if let Some(fault) = self.after_keyword(previous, found) {
            return fault;
        }
        let shown = self.shown(found);
        if previous.kind == TokenKind::Close(Bracket::Brace) {
            return self
                .fault(found, "a new statement begins on a new line")
                .label("put it on the next line, or a `;` before it")
                .suggest(self.after(previous), ";");
        }
        if found.kind == TokenKind::Open(Bracket::Brace) {
            return self.brace(previous, found);
        }
        if !previous.ends_value() {
            return if previous.kind == TokenKind::Arrow && found.kind == TokenKind::Arrow {
                self.fault(found, "two arrows in a row")
                    .label("a layer must stand between them")
            } else if previous.kind == TokenKind::Comma {
                self.fault(found, "expected a name after `,`")
                    .label(format!("found {shown}"))
            } else {
                self.expected_value(previous, found)
            };
        }
        match found.kind {
            TokenKind::Comma => self.comma(found),
            TokenKind::Equals => self.equals(previous, found),
            TokenKind::Colon => self.colon(previous, found),
            TokenKind::Operator(_) | TokenKind::Arrow => self
                .fault(found, format!("{shown} cannot follow here"))
                .label("a name with a `:` declares one thing, and nothing is calculated with it"),
            TokenKind::Open(Bracket::Square) => self
                .fault(
                    found,
                    format!("a list cannot follow {} directly", self.shown(previous)),
                )
                .help("a setting is written `name = [a, b]`; values have no numbered elements"),
            TokenKind::Open(_) => self
                .fault(found, format!("{} cannot be called", self.shown(previous)))
                .label("arguments follow the name of a layer"),
            TokenKind::Word
            | TokenKind::Number(_)
            | TokenKind::Text(_)
            | TokenKind::Newline
            | TokenKind::Semicolon
            | TokenKind::Close(_) => self.two_values(previous, found),
        }
    }

    /// Faults that a keyword of the statement explains best.
    fn after_keyword(&self, previous: &Token, found: &Token) -> Option<Diagnostic> {
        let first = self.word(0)?;
        let shown = self.shown(found);
        let here = format!("found {shown}");
        let previous_word = self.word(self.failed - 1);
        if previous_word == Some("from") && self.failed > 2 {
            return Some(
                self.fault(
                    found,
                    "`from` is followed by a column or a pattern as a string",
                )
                .label(here)
                .help("write `from \"x*\"`"),
            );
        }
        if previous_word == Some("as") && first == "repeat" {
            return Some(self.fault(found, "expected a name after `as`").label(here));
        }
        let fault = match first {
            "param" if self.failed == 1 => self
                .fault(found, "a `param` has a plain name")
                .label(format!("{shown} is not a single word")),
            "param" if self.failed == 2 && previous_word.is_none() => self
                .fault(previous, "a `param` has a plain name")
                .label("this is a string"),
            "param" if self.failed == 2 => {
                let name = self.written(previous);
                let fault = self
                    .fault(found, format!("expected `=` after `param {name}`"))
                    .label("the value of a `param` is set with `=`");
                if found.kind == TokenKind::Colon {
                    fault.suggest(self.span(found), " =")
                } else if found.begins_value() {
                    fault.suggest(self.gap(previous, found), " = ")
                } else {
                    fault
                }
            }
            "use" if self.failed <= 2 => {
                let fault = self.fault(found, "`use` is followed by a file's path as a string");
                if found.kind == TokenKind::Word {
                    fault.suggest(self.span(found), format!("\"{}\"", self.written(found)))
                } else {
                    fault
                }
                .help("write `use \"blocks.nn\"`")
            }
            "repeat" if self.failed == 1 => self
                .fault(found, "`repeat` needs a number before its body")
                .label(here)
                .help("write `repeat 4 { … }`"),
            "repeat" if previous.kind != TokenKind::Close(Bracket::Brace) => self
                .fault(found, "expected the body of `repeat`")
                .label(here)
                .help("write `repeat 4 { … }`, or `repeat 4 as i { … }`"),
            "residual" if self.failed == 1 => self
                .fault(found, "expected the body of `residual`")
                .label(here)
                .help("write `residual { … }`"),
            _ => return None,
        };
        Some(fault)
    }

    fn comma(&self, found: &Token) -> Diagnostic {
        if self.failed + 1 == self.tokens.len() {
            return self
                .fault(found, "a statement does not end with `,`")
                .label("leave it out")
                .suggest(self.span(found), "");
        }
        if self.failed == 1 {
            return self
                .fault(
                    found,
                    format!("a `,` cannot follow {}", self.shown(self.first)),
                )
                .label("a declaration is a word and names, as in `input a, b: number`");
        }
        self.fault(found, "statements are not separated by `,`")
            .label("a new line or `;` ends a statement; several values are a list: `[a, b]`")
    }

    fn equals(&self, previous: &Token, found: &Token) -> Diagnostic {
        let assigned = self.tokens[..self.failed]
            .iter()
            .find(|token| token.kind == TokenKind::Equals);
        if let Some(earlier) = assigned {
            return self
                .fault(found, "a second `=` in one statement")
                .label("a statement sets one name")
                .also(self.span(earlier), "the first one");
        }
        if self.failed == 1 {
            return self
                .fault(previous, format!("{} cannot be set", self.shown(previous)))
                .label("left of `=` stands a single name, without a dot");
        }
        if self.failed == 2 && self.word(0).is_some() {
            let (first, second) = (self.written(self.first), self.written(previous));
            return self
                .fault(found, format!("expected `:` after `{first} {second}`"))
                .label("a declaration is written with `:`; `=` sets one name")
                .suggest(self.gap(previous, found).to(self.span(found)), ":");
        }
        self.fault(found, "only a single name is set with `=`")
            .label("what stands before it is more than a name")
    }

    fn colon(&self, previous: &Token, found: &Token) -> Diagnostic {
        let earlier = self.tokens[..self.failed]
            .iter()
            .find(|token| token.kind == TokenKind::Colon);
        if let Some(earlier) = earlier {
            return self
                .fault(found, "a second `:` in one statement")
                .label("a `:` declares one thing")
                .also(self.span(earlier), "the first one");
        }
        if matches!(previous.kind, TokenKind::Text(_)) && self.failed == 1 {
            return self
                .fault(previous, "a declaration begins with its word")
                .help(format!("write `input {}: number`", self.written(previous)));
        }
        self.fault(
            previous,
            format!("{} cannot be declared", self.shown(previous)),
        )
        .label("a `:` follows a single name, without a dot")
    }

    fn brace(&self, previous: &Token, found: &Token) -> Diagnostic {
        let fault = self.fault(
            found,
            format!("no section begins after {}", self.shown(previous)),
        );
        let set = self.failed == 2 && matches!(previous.kind, TokenKind::Equals | TokenKind::Colon);
        if set {
            return fault
                .label("a section follows its word directly, as in `train { … }`")
                .suggest(Span::new(self.file, self.first.end..found.start), " ");
        }
        fault.label("a section is written `word { … }` or `block Name(width) { … }`")
    }

    /// Two values next to each other, with nothing between them.
    fn two_values(&self, previous: &Token, found: &Token) -> Diagnostic {
        let first = self.written(self.first);
        let shown = self.shown(found);
        let gap = self.gap(previous, found);
        let is_layer = |name: &str| name.starts_with(|letter: char| letter.is_ascii_uppercase());
        let literal = matches!(found.kind, TokenKind::Number(_) | TokenKind::Text(_));
        let previous_word = self.word(self.failed - 1);
        let after_layer = previous.kind == TokenKind::Close(Bracket::Round)
            || previous_word.is_some_and(is_layer);
        if after_layer && literal && previous_word.is_some() {
            let fix = format!("({})", self.written(found));
            return self
                .fault(
                    found,
                    format!("unexpected {shown} after {}", self.shown(previous)),
                )
                .label("the arguments of a layer stand in parentheses")
                .suggest(gap.to(self.span(found)), fix);
        }
        if after_layer && self.word(self.failed).is_some_and(is_layer) {
            return self
                .fault(
                    found,
                    format!("missing `->` between {} and {shown}", self.shown(previous)),
                )
                .label("layers follow one another with `->` between them, or line by line")
                .suggest(gap, " -> ");
        }
        let before_brace = self
            .tokens
            .get(self.failed + 1)
            .is_some_and(|next| next.kind == TokenKind::Open(Bracket::Brace));
        if self.failed == 1 && found.kind == TokenKind::Word && before_brace {
            let fix = format!("\"{}\"", self.written(found));
            return self
                .fault(found, format!("expected a string after `{first}`"))
                .label(format!("a path is written between marks: `{fix}`"))
                .suggest(self.span(found), fix);
        }
        if self.failed == 1 && previous_word.is_some() {
            return self
                .fault(found, format!("expected `=` after `{first}`"))
                .label(format!("found {shown}"))
                .suggest(gap, " = ");
        }
        let declares = self.failed == 2 && previous_word.is_some() && self.word(0).is_some();
        if declares && found.kind == TokenKind::Word {
            let (second, third) = (self.written(previous), self.written(found));
            return self
                .fault(found, format!("expected `:` after `{first} {second}`"))
                .label(format!("found {shown}"))
                .help(format!(
                    "write `{first} {second}: {third}` if it is what `{second}` is, \
                     `{first} {second}, {third}` if it is one more name"
                ))
                .suggest(gap, ": ");
        }
        self.fault(
            found,
            format!("unexpected {shown} after {}", self.shown(previous)),
        )
        .label("expected an operator, `->` or the end of the statement")
    }
}
