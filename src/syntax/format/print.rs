//! From the tree to text: what fits stays on one line, what does not is broken from outside in.

use super::WIDTH;
use super::tree::{
    BodyLine, Bracketed, Content, Joint, PartKind, Phrase, Piece, PiecePart, Start, Statements,
    flat_width, statements_width,
};

const INDENT: usize = 4;

/// Blanks between code and the comment behind it.
const BEFORE_COMMENT: usize = 2;

/// The text of a whole file.
pub fn print(file: Statements, line_end: &str) -> String {
    let mut printer = Printer {
        lines: vec![Line::default()],
        column: 0,
    };
    printer.entries(file.entries, 0);
    let lines = printer.lines;
    let columns = comment_columns(&lines);
    let mut text = String::new();
    for (line, column) in lines.iter().zip(columns) {
        text.push_str(&line.code);
        if let Some(comment) = line.comment {
            text.extend(std::iter::repeat_n(' ', column - line.width));
            text.push_str(comment);
        }
        text.push_str(line_end);
    }
    match lines.as_slice() {
        [only] if only.code.is_empty() && only.comment.is_none() => String::new(),
        _ => text,
    }
}

#[derive(Default)]
struct Line<'t> {
    code: String,
    /// In characters.
    width: usize,
    indent: usize,
    /// Behind code.
    comment: Option<&'t str>,
}

/// Where the comment of each line begins: below one another behind lines that follow each other at
/// the same depth, if all of them fit so.
fn comment_columns(lines: &[Line]) -> Vec<usize> {
    let mut columns = Vec::with_capacity(lines.len());
    // What stands behind the end of a section tells of it, not of the line below.
    let closes = |line: &Line| line.code.trim_start().starts_with('}');
    let runs = lines.chunk_by(|line, next| {
        let both = line.comment.is_some() && next.comment.is_some();
        both && line.indent == next.indent && !closes(line)
    });
    for run in runs {
        let widest = run.iter().map(|line| line.width).max().unwrap_or(0);
        let longest = run
            .iter()
            .map(|line| line.comment.map_or(0, |comment| comment.chars().count()))
            .max()
            .unwrap_or(0);
        let fit = widest + BEFORE_COMMENT + longest <= WIDTH;
        columns.extend(run.iter().map(|line| {
            if fit {
                widest + BEFORE_COMMENT
            } else {
                line.width + BEFORE_COMMENT
            }
        }));
    }
    columns
}

struct Printer<'t> {
    lines: Vec<Line<'t>>,
    /// Of the last line.
    column: usize,
}

/// How a chain of pieces is printed: where its continuation lines begin, what must still fit behind
/// its end, and whether an operator may begin a line.
#[derive(Clone, Copy)]
struct Setting {
    indent: usize,
    tail: usize,
    in_group: bool,
}

impl<'t> Printer<'t> {
    fn write(&mut self, text: &str) {
        let line = self.lines.last_mut().expect("there is always a line");
        line.code.push_str(text);
        self.column += text.chars().count();
        line.width = self.column;
    }

    fn blanks(&mut self, count: usize) {
        self.write(&" ".repeat(count));
    }

    fn new_line(&mut self, indent: usize) {
        self.lines.push(Line {
            indent,
            ..Line::default()
        });
        self.column = 0;
        self.blanks(indent);
    }

    /// A comment behind what the line holds; nothing more is written to the line.
    fn comment(&mut self, comment: Option<&'t str>) {
        let line = self.lines.last_mut().expect("there is always a line");
        line.comment = comment;
    }

    fn own_lines(&mut self, comments: &[&'t str], indent: usize) {
        for comment in comments {
            self.new_line(indent);
            self.write(comment);
        }
    }

    fn entries(&mut self, entries: Vec<BodyLine<'t>>, indent: usize) {
        let mut entries = split_long_lines(entries, indent);
        for paragraph in entries.chunk_by_mut(|_, next| !next.blank_before) {
            align(paragraph);
        }
        let in_file = indent == 0 && self.lines.len() == 1;
        for (index, entry) in entries.into_iter().enumerate() {
            if entry.blank_before {
                self.new_line(0);
            }
            if index > 0 || !in_file {
                self.new_line(indent);
            }
            match entry.content {
                Content::Comment(comment) => self.write(comment),
                Content::Line(statements, comment) => {
                    for (index, statement) in statements.into_iter().enumerate() {
                        if index > 0 {
                            self.write("; ");
                        }
                        let setting = Setting {
                            indent,
                            tail: 0,
                            in_group: false,
                        };
                        self.chain(statement.pieces, setting);
                    }
                    self.comment(comment);
                }
            }
        }
    }

    fn fits(&self, width: Option<usize>, tail: usize) -> bool {
        width.is_some_and(|width| self.column + width + tail <= WIDTH)
    }

    /// Pieces, from where the line has come to.
    fn chain(&mut self, mut pieces: Vec<Piece<'t>>, setting: Setting) {
        if self.fits(flat_width(&pieces), setting.tail) {
            self.on_one_line(pieces);
            return;
        }
        if self.break_bodies(&mut pieces, setting) {
            self.in_sequence(pieces, setting);
            return;
        }
        let loosest = pieces[1..].iter().map(|piece| piece.joint).min();
        let joint = loosest.filter(|joint| setting.in_group || *joint == Joint::Arrow);
        let Some(joint) = joint else {
            self.in_sequence(pieces, setting);
            return;
        };
        let breaks = |piece: &Piece| piece.joint == joint || piece.must_begin_line();
        let mut rest = pieces.into_iter().peekable();
        let mut first = true;
        while rest.peek().is_some() {
            let mut run: Vec<Piece> = rest.next().into_iter().collect();
            while let Some(piece) = rest.next_if(|piece| {
                let commented = run.last().is_some_and(|last| last.comment.is_some());
                !breaks(piece) && !commented
            }) {
                run.push(piece);
            }
            let inner = Setting {
                indent: if first {
                    setting.indent
                } else {
                    setting.indent + INDENT
                },
                tail: match rest.peek() {
                    Some(_) => 0,
                    None => setting.tail,
                },
                ..setting
            };
            if !first {
                self.own_lines(&std::mem::take(&mut run[0].comments), inner.indent);
                self.new_line(inner.indent);
            }
            run[0].begins_line = false;
            let comment = run.last_mut().and_then(|last| last.comment.take());
            self.run(run, inner);
            self.comment(comment);
            first = false;
        }
    }

    /// A run of a broken chain: broken again at tighter joints if it is still too long.
    fn run(&mut self, run: Vec<Piece<'t>>, setting: Setting) {
        match run.len() {
            1 if !self.fits(flat_width(&run), setting.tail) => self.in_sequence(run, setting),
            _ => self.chain(run, setting),
        }
    }

    /// Whether the pieces stand in one line but for their sections; if so, all these are broken. To
    /// break some only would depend on what was broken before.
    fn break_bodies(&self, pieces: &mut [Piece], setting: Setting) -> bool {
        let count = pieces.len();
        let commented = |piece: &Piece| piece.comment.is_some();
        if pieces[..count - 1].iter().any(commented)
            || pieces[1..].iter().any(Piece::must_begin_line)
        {
            return false;
        }
        let mut column = self.column;
        let mut bodies = 0;
        for (number, piece) in pieces.iter().enumerate() {
            column += usize::from(number > 0);
            for part in &piece.parts {
                match (&part.kind, part.flat()) {
                    (PartKind::Body(body, _), _) if !body.is_empty() => {
                        if column + " {".len() > WIDTH {
                            return false;
                        }
                        bodies += 1;
                        column = setting.indent + "}".len();
                    }
                    (_, Some(width)) => column += width,
                    (_, None) => return false,
                }
                if column > WIDTH {
                    return false;
                }
            }
        }
        if bodies == 0 || column + setting.tail > WIDTH {
            return false;
        }
        for part in pieces.iter_mut().flat_map(|piece| &mut piece.parts) {
            if let PartKind::Body(_, flat) = &mut part.kind {
                *flat = None;
            }
        }
        true
    }

    fn on_one_line(&mut self, pieces: Vec<Piece<'t>>) {
        for (index, piece) in pieces.into_iter().enumerate() {
            if index > 0 {
                self.write(" ");
            }
            for part in piece.parts {
                self.part_on_one_line(part);
            }
        }
    }

    fn part_on_one_line(&mut self, part: PiecePart<'t>) {
        self.blanks(usize::from(part.spaced));
        match part.kind {
            PartKind::Token(text) => self.write(text),
            PartKind::Group(group) => {
                self.write(group.bracket.open());
                for (index, element) in group.elements.into_iter().enumerate() {
                    if index > 0 {
                        self.write(", ");
                    }
                    self.on_one_line(element.phrase.pieces);
                }
                self.write(group.bracket.close());
            }
            PartKind::Body(body, _) if body.entries.is_empty() => self.write("{}"),
            PartKind::Body(body, _) => {
                self.write("{ ");
                let contents = body.entries.into_iter().map(|entry| entry.content);
                for (index, content) in contents.enumerate() {
                    let statements = match content {
                        Content::Line(statements, _) => statements,
                        Content::Comment(_) => unreachable!("a comment has a line of its own"),
                    };
                    for (number, statement) in statements.into_iter().enumerate() {
                        if index + number > 0 {
                            self.write("; ");
                        }
                        self.on_one_line(statement.pieces);
                    }
                }
                self.write(" }");
            }
        }
        self.blanks(part.padding);
    }

    /// Pieces one after the other without a break between them; brackets that do not fit are broken.
    fn in_sequence(&mut self, pieces: Vec<Piece<'t>>, setting: Setting) {
        let mut parts: Vec<PiecePart> = Vec::new();
        for (index, piece) in pieces.into_iter().enumerate() {
            for (number, mut part) in piece.parts.into_iter().enumerate() {
                part.spaced |= index > 0 && number == 0;
                parts.push(part);
            }
        }
        let after = widths_to_next_bracket(&parts, setting.tail);
        for (part, after) in parts.into_iter().zip(after) {
            let fits = self.fits(part.flat(), after);
            match part.kind {
                PartKind::Group(group) if !fits && !group.is_empty() => {
                    self.blanks(usize::from(part.spaced));
                    self.group(group, setting.indent);
                }
                PartKind::Body(body, _) if !fits && !body.is_empty() => {
                    self.blanks(usize::from(part.spaced));
                    self.body(body, setting.indent);
                }
                PartKind::Token(_) | PartKind::Group(_) | PartKind::Body(..) => {
                    self.part_on_one_line(part);
                }
            }
        }
    }

    fn body(&mut self, body: Statements<'t>, indent: usize) {
        self.write("{");
        self.comment(body.comment);
        let mut entries = body.entries;
        if !body.several_lines {
            entries = entries.into_iter().flat_map(one_a_line).collect();
        }
        self.entries(entries, indent + INDENT);
        self.new_line(indent);
        self.write("}");
    }

    fn group(&mut self, group: Bracketed<'t>, indent: usize) {
        let inner = indent + INDENT;
        let fills = group.is_fillable();
        let count = group.elements.len();
        self.write(group.bracket.open());
        self.comment(group.comment);
        for (index, element) in group.elements.into_iter().enumerate() {
            let comma = usize::from(group.is_list || index + 1 < count);
            let width = flat_width(&element.phrase.pieces);
            if fills && index > 0 && self.fits(width, comma + 1) {
                self.write(" ");
            } else {
                self.own_lines(&element.comments, inner);
                self.new_line(inner);
            }
            let setting = Setting {
                indent: inner,
                tail: comma,
                in_group: true,
            };
            self.chain(element.phrase.pieces, setting);
            self.write(&","[..comma]);
            self.comment(element.comment);
        }
        self.own_lines(&group.last_comments, inner);
        self.new_line(indent);
        self.write(group.bracket.close());
    }
}

/// What must stand behind each part on its line: the parts up to the next bracket that may break.
fn widths_to_next_bracket(parts: &[PiecePart], tail: usize) -> Vec<usize> {
    let mut widths = vec![tail; parts.len()];
    for index in (1..parts.len()).rev() {
        let part = &parts[index];
        widths[index - 1] = match &part.kind {
            PartKind::Token(_) => part.flat().unwrap_or(0) + widths[index],
            PartKind::Group(_) | PartKind::Body(..) => usize::from(part.spaced) + 1,
        };
    }
    widths
}

/// Statements joined by `;` that do not fit on one line get one each.
fn split_long_lines(entries: Vec<BodyLine>, indent: usize) -> Vec<BodyLine> {
    let split = entries.into_iter().flat_map(|entry| {
        let fits = match &entry.content {
            Content::Comment(_) => true,
            Content::Line(statements, _) => {
                let width = statements_width(statements);
                statements.len() == 1 || width.is_some_and(|width| indent + width <= WIDTH)
            }
        };
        if fits { vec![entry] } else { one_a_line(entry) }
    });
    split.collect()
}

fn one_a_line(entry: BodyLine) -> Vec<BodyLine> {
    let Content::Line(statements, comment) = entry.content else {
        return vec![entry];
    };
    let count = statements.len();
    let lines = statements.into_iter().enumerate();
    let lines = lines.map(|(index, statement)| BodyLine {
        blank_before: entry.blank_before && index == 0,
        content: Content::Line(vec![statement], comment.filter(|_| index + 1 == count)),
    });
    lines.collect()
}

/// Brings what follows the starts of statements below one another, for each kind of start.
fn align(paragraph: &mut [BodyLine]) {
    for start in [
        Start::Setting,
        Start::Parameter,
        Start::Label,
        Start::Keyword,
    ] {
        let mut aligned: Vec<(&mut Phrase, usize)> = Vec::new();
        for entry in &mut *paragraph {
            if let Content::Line(statements, _) = &mut entry.content
                && let [statement] = statements.as_mut_slice()
                && let Some((kind, width)) = statement.start()
                && kind == start
            {
                aligned.push((statement, width));
            }
        }
        let widest = aligned.iter().map(|(_, width)| *width).max().unwrap_or(0);
        for (statement, width) in aligned {
            statement.pad(start, widest - width);
        }
    }
}
