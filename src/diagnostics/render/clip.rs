//! Lines that are not shown as they are: of long ones what the labels point at, and of those with
//! characters that a terminal would obey, others in their places.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use super::super::{Diagnostic, FileId, SourceText, Sources, Span, visible};

/// Lines longer than this, in bytes, are cut.
const LONGEST_LINE: usize = 240;
/// Bytes shown before and after the ends of a label.
const AROUND: usize = 60;
/// Lines kept before and after those that labels touch.
const CONTEXT: usize = 3;
const CUT: &str = "…";

/// The diagnostic over texts that can be shown, with only the parts of long lines that it points at;
/// `None` if all its lines are short and can be shown.
pub(super) fn narrowed(
    diagnostic: &Diagnostic,
    sources: &Sources,
) -> Option<(Diagnostic, Sources)> {
    let plain = diagnostic.labels.iter().all(|label| {
        let source = sources.get(label.span.file);
        let lines = touched(source, label.span);
        // A line between two that are shown is shown too.
        let (first, last) = (lines.start.saturating_sub(1), lines.end);
        let last = last.min(source.line_starts.len() - 1);
        let whole = line_range(source, first).start..line_range(source, last).end;
        let short = |line| line_range(source, line).len() <= LONGEST_LINE;
        [lines.start, lines.end - 1].into_iter().all(short)
            && matches!(visible(&source.text[whole]), Cow::Borrowed(_))
    });
    if plain {
        return None;
    }
    let mut by_file: BTreeMap<FileId, Vec<Span>> = BTreeMap::new();
    for label in &diagnostic.labels {
        by_file.entry(label.span.file).or_default().push(label.span);
    }
    let mut narrow = Sources::new();
    let mut moved: BTreeMap<FileId, Moved> = BTreeMap::new();
    for (file, spans) in by_file {
        moved.insert(file, cut(sources.get(file), &spans, &mut narrow));
    }
    let mut shown = diagnostic.clone();
    for label in &mut shown.labels {
        let (_, column) = sources.line_column(label.span.file, label.span.start as usize);
        label.span = moved[&label.span.file].span(label.span);
        let source = &mut narrow.sources[label.span.file.0 as usize];
        source.columns.insert(label.span.start as usize, column);
    }
    Some((shown, narrow))
}

/// Where the kept pieces of a text are in its shorter form.
struct Moved {
    file: FileId,
    /// Kept ranges of the text with their new starts, in order.
    pieces: Vec<(Range<usize>, usize)>,
}

impl Moved {
    fn byte(&self, byte: usize) -> usize {
        let after = self
            .pieces
            .partition_point(|(piece, _)| piece.start <= byte);
        match after.checked_sub(1) {
            Some(index) => {
                let (piece, start) = &self.pieces[index];
                start + (byte - piece.start).min(piece.len())
            }
            None => 0,
        }
    }

    fn span(&self, span: Span) -> Span {
        let range = span.range();
        Span::new(self.file, self.byte(range.start)..self.byte(range.end))
    }
}

fn cut(source: &SourceText, spans: &[Span], narrow: &mut Sources) -> Moved {
    let text = &source.text;
    let lines = spans.iter().map(|span| touched(source, *span));
    let (first, last) = lines.fold((usize::MAX, 0), |(first, last), lines| {
        (first.min(lines.start), last.max(lines.end))
    });
    let first = first.saturating_sub(CONTEXT);
    let last = (last + CONTEXT).min(source.line_starts.len());
    let ends: Vec<usize> = spans
        .iter()
        .flat_map(|span| [span.range().start, span.range().end])
        .collect();
    let mut short = String::new();
    let mut pieces = Vec::new();
    for line in first..last {
        let range = line_range(source, line);
        for piece in kept(text, range.clone(), &ends) {
            if piece.start > range.start {
                short.push_str(CUT);
            }
            pieces.push((piece.clone(), short.len()));
            short.push_str(&visible(&text[piece]));
        }
        let whole = pieces
            .last()
            .is_some_and(|(piece, _)| piece.end == range.end);
        if !whole {
            short.push_str(CUT);
            short.push('\n');
        }
    }
    let file = narrow.add_excerpt(
        source.name.clone(),
        short,
        source.first_line + first,
        source.first_byte,
    );
    Moved { file, pieces }
}

/// The parts of a line that are shown: all of a short one; of a long one, what is near the ends of
/// labels.
fn kept(text: &str, line: Range<usize>, ends: &[usize]) -> Vec<Range<usize>> {
    if line.len() <= LONGEST_LINE {
        return vec![line];
    }
    let mut near: Vec<Range<usize>> = ends
        .iter()
        .filter(|end| line.contains(end) || **end == line.end)
        .map(|end| {
            let start = end.saturating_sub(AROUND).max(line.start);
            floor(text, start)..ceil(text, (end + AROUND).min(line.end))
        })
        .collect();
    if near.is_empty() {
        near.push(line.start..ceil(text, line.start + AROUND));
    }
    near.sort_by_key(|range| range.start);
    let mut merged: Vec<Range<usize>> = Vec::new();
    for range in near {
        match merged.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            Some(_) | None => merged.push(range),
        }
    }
    merged
}

fn floor(text: &str, mut byte: usize) -> usize {
    while !text.is_char_boundary(byte) {
        byte -= 1;
    }
    byte
}

fn ceil(text: &str, mut byte: usize) -> usize {
    while !text.is_char_boundary(byte) {
        byte += 1;
    }
    byte
}

/// The lines, by their place in the source, on which a span begins and ends; never none.
fn touched(source: &SourceText, span: Span) -> Range<usize> {
    let line = |byte: usize| {
        source
            .line_starts
            .partition_point(|start| *start <= byte.min(source.text.len()))
            - 1
    };
    let range = span.range();
    line(range.start)..line(range.end.max(range.start)) + 1
}

/// The bytes of a line with its end of line.
fn line_range(source: &SourceText, line: usize) -> Range<usize> {
    let next = source.line_starts.get(line + 1);
    source.line_starts[line]..next.copied().unwrap_or(source.text.len())
}

#[cfg(test)]
mod tests {
    use super::super::super::Code;
    use super::*;

    #[test]
    fn a_long_line_is_shown_around_its_labels() {
        let text = format!(
            "first\n{}wrong{}cause{}\nlast\n",
            "ä".repeat(5000),
            "b".repeat(9000),
            "c".repeat(70_000)
        );
        let mut sources = Sources::new();
        let file = sources.add("long.nn", text.clone());
        let span = |word: &str| {
            let start = text.find(word).expect("a word of the text");
            Span::new(file, start..start + word.len())
        };
        let fault = Diagnostic::new(Code::Syntax, span("wrong"), "what it is")
            .label("here")
            .also(span("cause"), "because of this");
        let rendered = fault.render(&sources);
        assert!(rendered.len() < 2000, "{rendered}");
        assert!(rendered.contains("long.nn:2:5001\n"), "{rendered}");
        assert!(rendered.contains("ääwrongbb"), "{rendered}");
        assert!(rendered.contains("bbcausecc"), "{rendered}");
        assert!(!rendered.contains("last"), "{rendered}");
    }

    #[test]
    fn what_a_terminal_would_obey_is_not_written() {
        let text = "a\0\u{1b}[2J\u{202e}b\u{9b}\t\n";
        let mut sources = Sources::new();
        let file = sources.add("hostile.nn", text);
        let fault = Diagnostic::new(
            Code::Syntax,
            Span::new(file, 1..2),
            format!("what `{text}` is"),
        );
        let rendered = fault.label("here").render(&sources);
        assert!(rendered.contains("a??[2J\u{fffd}b¿"), "{rendered}");
        assert!(
            rendered.starts_with("error[E0101]: what `a??[2J\u{fffd}b¿??` is\n"),
            "{rendered}"
        );
        assert!(rendered.contains("^ here"), "{rendered}");
        let obeyed = |letter: char| letter.is_control() && letter != '\n' && letter != '\t';
        assert!(!rendered.contains(obeyed), "{rendered}");
    }

    #[test]
    fn a_label_over_a_long_line_is_cut_in_the_middle() {
        let text = "x".repeat(1 << 20);
        let mut sources = Sources::new();
        let file = sources.add("long.nn", text.clone());
        let span = Span::new(file, 0..text.len());
        let fault = Diagnostic::new(Code::Syntax, span, text).label("all of it");
        assert!(fault.render(&sources).len() < 3000);
    }
}
