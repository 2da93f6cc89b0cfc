//! From tokens and comments to the tree of what is printed.

use super::super::ast::{Comment, Operator};
use super::super::scan::Scan;
use super::super::token::{Bracket, Token, TokenKind};
use super::tree::{
    BodyLine, Bracketed, BracketedElement, Content, Joint, PartKind, Phrase, Piece, PiecePart,
    Statements,
};

/// The tree of a text without faults.
pub fn gather<'t>(text: &'t str, scanned: &Scan) -> Statements<'t> {
    let mut gatherer = Gatherer {
        text,
        tokens: &scanned.tokens,
        comments: &scanned.comments,
        end: 0,
    };
    let mut file = gatherer.body();
    // Nothing stands before it but a `;`.
    if let Some(comment) = file.comment.take() {
        let content = Content::Comment(comment);
        file.entries.insert(
            0,
            BodyLine {
                blank_before: false,
                content,
            },
        );
    }
    file
}

struct Gatherer<'t, 's> {
    text: &'t str,
    /// What is left of them.
    tokens: &'s [Token],
    comments: &'s [Comment],
    /// Where the last token or comment ended; a newline is neither.
    end: usize,
}

/// A comment that has been read and whose place is not decided yet.
#[derive(Clone, Copy)]
struct Pending<'t> {
    text: &'t str,
    /// Behind something on its line.
    trailing: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Statement,
    /// Between round or square brackets, where newlines mean nothing.
    Element,
}

struct Gathered<'t> {
    /// Comments before the first piece, or from within it.
    comments: Vec<&'t str>,
    pieces: Vec<Piece<'t>>,
    /// Comments behind the last piece.
    rest: Vec<Pending<'t>>,
}

impl<'t, 's> Gatherer<'t, 's> {
    fn next_kind(&self) -> Option<&TokenKind> {
        self.tokens.first().map(|token| &token.kind)
    }

    /// Whether a comment comes before the next token.
    fn comment_is_next(&self) -> bool {
        match (self.comments.first(), self.tokens.first()) {
            (Some(comment), Some(token)) => comment.span.range().start < token.start,
            (Some(_), None) => true,
            (None, _) => false,
        }
    }

    fn newlines_before(&self, start: usize) -> usize {
        let between = &self.text[self.end..start];
        between.bytes().filter(|byte| *byte == b'\n').count()
    }

    fn take_comment(&mut self) -> Pending<'t> {
        let (comment, rest) = self.comments.split_first().expect("a comment is next");
        self.comments = rest;
        let range = comment.span.range();
        let pending = Pending {
            text: self.text[range.clone()].trim_end(),
            trailing: self.end > 0 && self.newlines_before(range.start) == 0,
        };
        self.end = range.end;
        pending
    }

    /// Takes a newline without moving the end: blank lines are counted from the last thing printed.
    fn take(&mut self) -> &'s Token {
        let (token, rest) = self.tokens.split_first().expect("a token is next");
        self.tokens = rest;
        if token.kind != TokenKind::Newline {
            self.end = token.end;
        }
        token
    }

    /// The statements up to a `}`, which is taken, or to the end of the text.
    fn body(&mut self) -> Statements<'t> {
        let mut body = Statements::default();
        let mut joins = false;
        loop {
            if self.comment_is_next() {
                let start = self.comments[0].span.range().start;
                let blank_before = self.newlines_before(start) > 1 && !body.entries.is_empty();
                let pending = self.take_comment();
                body.several_lines = true;
                match body.entries.last_mut().map(|entry| &mut entry.content) {
                    None if pending.trailing && body.comment.is_none() => {
                        body.comment = Some(pending.text);
                    }
                    Some(Content::Line(_, comment @ None)) if pending.trailing => {
                        *comment = Some(pending.text);
                    }
                    Some(_) | None => body.entries.push(BodyLine {
                        blank_before,
                        content: Content::Comment(pending.text),
                    }),
                }
                continue;
            }
            match self.next_kind() {
                None => return body,
                Some(TokenKind::Close(_)) => {
                    self.take();
                    return body;
                }
                Some(TokenKind::Newline) => {
                    body.several_lines = true;
                    joins = false;
                    self.take();
                }
                Some(TokenKind::Semicolon) => {
                    self.take();
                }
                Some(
                    TokenKind::Word
                    | TokenKind::Number(_)
                    | TokenKind::Text(_)
                    | TokenKind::Comma
                    | TokenKind::Colon
                    | TokenKind::Equals
                    | TokenKind::Arrow
                    | TokenKind::Operator(_)
                    | TokenKind::Open(_),
                ) => {
                    let start = self.tokens[0].start;
                    let blank_before = self.newlines_before(start) > 1 && !body.entries.is_empty();
                    let Gathered { pieces, .. } = self.phrase(Place::Statement);
                    let phrase = Phrase { pieces };
                    match body.entries.last_mut().map(|entry| &mut entry.content) {
                        Some(Content::Line(statements, None)) if joins => statements.push(phrase),
                        Some(_) | None => body.entries.push(BodyLine {
                            blank_before,
                            content: Content::Line(vec![phrase], None),
                        }),
                    }
                    joins = true;
                }
            }
        }
    }

    /// Whether the statement goes on in a later line.
    fn continues(&self) -> bool {
        let after_newline = match self.tokens {
            [newline, rest @ ..] if newline.kind == TokenKind::Newline => rest,
            tokens => tokens,
        };
        let next = after_newline.first();
        next.is_some_and(|token| token.kind == TokenKind::Arrow)
    }

    fn phrase(&mut self, place: Place) -> Gathered<'t> {
        let mut gathered = Gathered {
            comments: Vec::new(),
            pieces: Vec::new(),
            rest: Vec::new(),
        };
        let mut before = Before::Nothing;
        loop {
            if self.comment_is_next() {
                if place == Place::Statement && !self.continues() {
                    return gathered;
                }
                let pending = self.take_comment();
                gathered.rest.push(pending);
                continue;
            }
            match (self.next_kind(), place) {
                (None | Some(TokenKind::Close(_)), _)
                | (Some(TokenKind::Semicolon), _)
                | (Some(TokenKind::Comma), Place::Element) => return gathered,
                (Some(TokenKind::Newline), Place::Statement) if !self.continues() => {
                    return gathered;
                }
                (Some(TokenKind::Newline), _) => {
                    self.take();
                    continue;
                }
                (Some(_), _) => {}
            }
            let begins_line =
                place == Place::Statement && self.newlines_before(self.tokens[0].start) > 0;
            let token = self.take();
            let written = &self.text[token.start..token.end];
            let joint = before.joint(token);
            gathered.place_comments(joint, begins_line);
            let spaced = before.parts_from(token);
            let kind = match token.kind {
                TokenKind::Open(Bracket::Brace) => {
                    let body = self.body();
                    let flat = body.flat();
                    PartKind::Body(body, flat)
                }
                TokenKind::Open(bracket) => {
                    let is_list = bracket == Bracket::Square || before == Before::Callee;
                    PartKind::Group(self.group(bracket, is_list))
                }
                TokenKind::Word
                | TokenKind::Number(_)
                | TokenKind::Text(_)
                | TokenKind::Newline
                | TokenKind::Semicolon
                | TokenKind::Comma
                | TokenKind::Colon
                | TokenKind::Equals
                | TokenKind::Arrow
                | TokenKind::Operator(_)
                | TokenKind::Close(_) => PartKind::Token(written),
            };
            let piece = gathered.pieces.last_mut().expect("one has been begun");
            piece.parts.push(PiecePart {
                spaced: spaced && !piece.parts.is_empty(),
                padding: 0,
                kind,
            });
            before = Before::after(token, written, joint);
        }
    }

    fn group(&mut self, bracket: Bracket, is_list: bool) -> Bracketed<'t> {
        let mut group = Bracketed {
            bracket,
            is_list,
            elements: Vec::new(),
            comment: None,
            last_comments: Vec::new(),
            flat: None,
        };
        if self.comment_is_next() && self.newlines_before(self.comments[0].span.range().start) == 0
        {
            group.comment = Some(self.take_comment().text);
        }
        let mut carried: Vec<&'t str> = Vec::new();
        loop {
            let mut gathered = self.phrase(Place::Element);
            let mut comments = std::mem::take(&mut carried);
            comments.append(&mut gathered.comments);
            let closes = self.take().kind != TokenKind::Comma;
            let mut rest = gathered.rest.into_iter().peekable();
            if !gathered.pieces.is_empty() {
                let mut comment = rest.next_if(|pending| pending.trailing);
                if comment.is_none() && !closes && self.comment_is_next() {
                    let start = self.comments[0].span.range().start;
                    let follows = self.newlines_before(start) == 0;
                    comment = follows.then(|| self.take_comment());
                }
                group.elements.push(BracketedElement {
                    comments: std::mem::take(&mut comments),
                    phrase: Phrase {
                        pieces: gathered.pieces,
                    },
                    comment: comment.map(|pending| pending.text),
                });
            }
            comments.extend(rest.map(|pending| pending.text));
            if closes {
                group.last_comments = comments;
                group.measure();
                return group;
            }
            carried = comments;
        }
    }
}

/// What a token follows in its phrase.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    /// A word that is called if `(` follows.
    Callee,
    /// Another end of a value.
    Value,
    /// A minus that belongs to the value behind it.
    Sign,
    /// A word or sign that a value follows.
    Other,
}

impl Before {
    fn after(token: &Token, written: &str, joint: Option<Joint>) -> Self {
        match (&token.kind, written) {
            (TokenKind::Operator(_), _) if joint.is_none() => Before::Sign,
            (TokenKind::Word, "repeat") => Before::Other,
            (TokenKind::Word, _) => Before::Callee,
            // The whole group, up to its closing bracket.
            (TokenKind::Open(_), _) => Before::Value,
            (_, _) if token.ends_value() => Before::Value,
            (_, _) => Before::Other,
        }
    }

    /// How a token joins what stands before it, if it is an arrow or stands between two values.
    fn joint(self, token: &Token) -> Option<Joint> {
        let after_value = matches!(self, Before::Callee | Before::Value);
        if token.kind == TokenKind::Arrow {
            return Some(Joint::Arrow);
        }
        if !token.is_operator() || !after_value {
            return None;
        }
        let sum = [Operator::Add, Operator::Subtract].map(TokenKind::Operator);
        if sum.contains(&token.kind) {
            Some(Joint::Sum)
        } else {
            Some(Joint::Product)
        }
    }

    /// Whether a blank stands before a token.
    fn parts_from(self, token: &Token) -> bool {
        match self {
            Before::Nothing | Before::Sign => false,
            Before::Callee if token.kind == TokenKind::Open(Bracket::Round) => false,
            Before::Callee | Before::Value | Before::Other => {
                !matches!(token.kind, TokenKind::Comma | TokenKind::Colon)
            }
        }
    }
}

impl<'t> Gathered<'t> {
    /// Begins a piece where one begins, and gives the comments read since the last token their place.
    fn place_comments(&mut self, joint: Option<Joint>, begins_line: bool) {
        let mut rest = std::mem::take(&mut self.rest).into_iter().peekable();
        if let (Some(_), Some(last)) = (joint, self.pieces.last_mut()) {
            last.comment = rest
                .next_if(|pending| pending.trailing)
                .map(|pending| pending.text);
        }
        if joint.is_some() || self.pieces.is_empty() {
            self.pieces.push(Piece {
                joint: joint.unwrap_or(Joint::Head),
                comments: Vec::new(),
                begins_line: begins_line && joint.is_some(),
                parts: Vec::new(),
                comment: None,
            });
        }
        let comments = match self.pieces.as_mut_slice() {
            [_, .., piece] => &mut piece.comments,
            [_] | [] => &mut self.comments,
        };
        comments.extend(rest.map(|pending| pending.text));
    }
}
