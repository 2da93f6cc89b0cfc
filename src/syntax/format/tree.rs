//! What is printed: bodies of lines, lines of statements, statements and elements of pieces.

use super::super::token::Bracket;

/// The statements of a section, of `repeat`, of `residual` or of the file.
#[derive(Default)]
pub struct Statements<'t> {
    pub entries: Vec<BodyLine<'t>>,
    /// Whether a statement, or the bracket, ended a line in the text.
    pub several_lines: bool,
    /// The comment behind the opening bracket.
    pub comment: Option<&'t str>,
}

pub struct BodyLine<'t> {
    pub blank_before: bool,
    pub content: Content<'t>,
}

pub enum Content<'t> {
    Comment(&'t str),
    /// Statements with `;` between them, and the comment behind them.
    Line(Vec<Phrase<'t>>, Option<&'t str>),
}

/// A statement, or an element between brackets. Never empty.
pub struct Phrase<'t> {
    pub pieces: Vec<Piece<'t>>,
}

/// How a piece is joined to the one before it, the loosest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Joint {
    /// The first piece.
    Head,
    Arrow,
    Sum,
    Product,
}

/// What stands from one joint to the next, the first joint included.
pub struct Piece<'t> {
    pub joint: Joint,
    /// On lines of their own before it. The first piece's belong to the entry or element.
    pub comments: Vec<&'t str>,
    /// Whether it began a line where a line may be continued: as the writer wanted it.
    pub begins_line: bool,
    pub parts: Vec<PiecePart<'t>>,
    /// The comment behind it. The last piece's belongs to the line or element.
    pub comment: Option<&'t str>,
}

pub struct PiecePart<'t> {
    /// Whether a blank parts it from the part before.
    pub spaced: bool,
    /// Blanks behind it that bring what follows below what is above.
    pub padding: usize,
    pub kind: PartKind<'t>,
}

pub enum PartKind<'t> {
    Token(&'t str),
    Group(Bracketed<'t>),
    Body(Statements<'t>, Option<usize>),
}

/// `( … )` or `[ … ]`.
pub struct Bracketed<'t> {
    pub bracket: Bracket,
    /// Whether a comma may stand behind the last element: not in a parenthesis that only groups.
    pub is_list: bool,
    pub elements: Vec<BracketedElement<'t>>,
    /// The comment behind the opening bracket.
    pub comment: Option<&'t str>,
    /// On lines of their own before the closing bracket.
    pub last_comments: Vec<&'t str>,
    /// The width on one line, if it can stand on one.
    pub flat: Option<usize>,
}

pub struct BracketedElement<'t> {
    pub comments: Vec<&'t str>,
    pub phrase: Phrase<'t>,
    pub comment: Option<&'t str>,
}

/// The name or keyword that starts a statement, with which those of neighbouring lines are aligned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Start {
    /// `name =`
    Setting,
    /// `param name =`
    Parameter,
    /// `label:`
    Label,
    /// `input name`
    Keyword,
}

/// A longer start stands for itself: it would push the values of its neighbours too far away.
const LONGEST_START: usize = 32;

impl PiecePart<'_> {
    /// The width on one line with the blank before it, if it can stand on one.
    pub fn flat(&self) -> Option<usize> {
        let width = match &self.kind {
            PartKind::Token(text) => Some(text.chars().count()),
            PartKind::Group(group) => group.flat,
            PartKind::Body(_, flat) => *flat,
        };
        width.map(|width| usize::from(self.spaced) + width + self.padding)
    }

    fn token(&self) -> Option<&str> {
        match &self.kind {
            PartKind::Token(text) => Some(text),
            PartKind::Group(_) | PartKind::Body(..) => None,
        }
    }
}

/// The width of pieces on one line, if they can stand on one; the comments before the first and
/// behind the last are not theirs.
pub fn flat_width(pieces: &[Piece]) -> Option<usize> {
    let comments_within = pieces[..pieces.len() - 1]
        .iter()
        .any(|piece| piece.comment.is_some());
    if comments_within || pieces[1..].iter().any(Piece::must_begin_line) {
        return None;
    }
    let joints = pieces.len() - 1;
    let parts = pieces.iter().flat_map(|piece| &piece.parts);
    let widths: Option<Vec<usize>> = parts.map(PiecePart::flat).collect();
    Some(joints + widths?.into_iter().sum::<usize>())
}

impl Piece<'_> {
    pub fn must_begin_line(&self) -> bool {
        self.begins_line || !self.comments.is_empty()
    }
}

impl Phrase<'_> {
    /// Blanks behind the start of the statement, to align what follows.
    pub fn pad(&mut self, start: Start, blanks: usize) {
        let part = usize::from(start == Start::Parameter) + usize::from(start == Start::Label);
        self.pieces[0].parts[part].padding = blanks;
    }

    /// The start of the statement and its width, if it is of a kind that is aligned.
    pub fn start(&self) -> Option<(Start, usize)> {
        let parts = &self.pieces[0].parts;
        let token = |index: usize| parts.get(index).and_then(PiecePart::token);
        let width = |text: &str| text.chars().count();
        let first = token(0)?;
        let is_column = |text: &str| {
            text.starts_with(|first: char| first == '_' || first == '"' || first.is_alphabetic())
        };
        let (start, width) = match (first, token(1), token(2)) {
            (name, Some("="), _) => (Start::Setting, width(name)),
            ("param", Some(name), Some("=")) => (Start::Parameter, width("param ") + width(name)),
            (label, Some(":"), _) => (Start::Label, width(label) + 1),
            ("repeat" | "use", _, _) => return None,
            (keyword, Some(column), after) if is_column(column) => {
                let declares = matches!(after, Some("," | ":" | "from"));
                if !declares && parts.len() > 2 {
                    return None;
                }
                (Start::Keyword, width(keyword))
            }
            _ => return None,
        };
        (width <= LONGEST_START).then_some((start, width))
    }
}

impl Bracketed<'_> {
    /// Sets the width on one line.
    pub fn measure(&mut self) {
        let elements = &self.elements;
        let comments = self.comment.is_some()
            || !self.last_comments.is_empty()
            || elements
                .iter()
                .any(|element| element.comment.is_some() || !element.comments.is_empty());
        let widths: Option<Vec<usize>> = elements
            .iter()
            .map(|element| flat_width(&element.phrase.pieces))
            .collect();
        let commas = ", ".len() * elements.len().saturating_sub(1);
        self.flat = widths
            .filter(|_| !comments)
            .map(|widths| "()".len() + commas + widths.into_iter().sum::<usize>());
    }

    pub fn is_empty(&self) -> bool {
        self.elements.is_empty() && self.comment.is_none() && self.last_comments.is_empty()
    }

    /// Whether the elements are single words, numbers or strings, which share lines.
    pub fn is_fillable(&self) -> bool {
        self.elements.iter().all(|element| {
            let [piece] = element.phrase.pieces.as_slice() else {
                return false;
            };
            let single = matches!(
                piece.parts.as_slice(),
                [PiecePart {
                    kind: PartKind::Token(_),
                    ..
                }]
            );
            single && element.comments.is_empty() && element.comment.is_none()
        })
    }
}

impl Statements<'_> {
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.comment.is_none()
    }

    /// The width on one line, if it was on one and can be.
    pub fn flat(&self) -> Option<usize> {
        if self.comment.is_some() || self.several_lines && !self.entries.is_empty() {
            return None;
        }
        let mut width = 0;
        for entry in &self.entries {
            match &entry.content {
                Content::Comment(_) | Content::Line(_, Some(_)) => return None,
                Content::Line(statements, None) => width += statements_width(statements)? + 2,
            }
        }
        Some("{}".len() + width)
    }
}

/// The width of statements with `;` between them, if they can stand on one line.
pub fn statements_width(statements: &[Phrase]) -> Option<usize> {
    let widths: Option<Vec<usize>> = statements
        .iter()
        .map(|statement| flat_width(&statement.pieces))
        .collect();
    let between = "; ".len() * (statements.len() - 1);
    Some(between + widths?.into_iter().sum::<usize>())
}
