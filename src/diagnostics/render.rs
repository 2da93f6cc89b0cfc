//! Diagnostics as they are shown to a person.

mod clip;

use std::ops::Range;

use codespan_reporting::diagnostic as codespan;
use codespan_reporting::files::{Error as FilesError, Files};
use codespan_reporting::term;
pub use codespan_reporting::term::termcolor;

use super::{Diagnostic, FileId, Severity, Sources};

impl<'a> Files<'a> for Sources {
    type FileId = FileId;
    type Name = &'a str;
    type Source = &'a str;

    fn name(&'a self, file: FileId) -> Result<&'a str, FilesError> {
        Ok(&self.get(file).shown)
    }

    fn source(&'a self, file: FileId) -> Result<&'a str, FilesError> {
        Ok(&self.get(file).text)
    }

    fn line_index(&'a self, file: FileId, byte: usize) -> Result<usize, FilesError> {
        let starts = &self.get(file).line_starts;
        Ok(starts.partition_point(|start| *start <= byte) - 1)
    }

    fn line_number(&'a self, file: FileId, line: usize) -> Result<usize, FilesError> {
        Ok(self.get(file).first_line + line)
    }

    fn column_number(
        &'a self,
        file: FileId,
        _line: usize,
        byte: usize,
    ) -> Result<usize, FilesError> {
        let told = self.get(file).columns.get(&byte);
        Ok(told
            .copied()
            .unwrap_or_else(|| self.line_column(file, byte).1))
    }

    fn line_range(&'a self, file: FileId, line: usize) -> Result<Range<usize>, FilesError> {
        let source = self.get(file);
        let start = source.line_starts[line];
        let end = source
            .line_starts
            .get(line + 1)
            .copied()
            .unwrap_or(source.text.len());
        Ok(start..end)
    }
}

impl Diagnostic {
    fn to_codespan(&self) -> codespan::Diagnostic<FileId> {
        let severity = match self.severity() {
            Severity::Error => codespan::Severity::Error,
            Severity::Warning => codespan::Severity::Warning,
            Severity::Note => codespan::Severity::Note,
        };
        let labels = self.labels.iter().map(|label| {
            let style = if label.primary {
                codespan::LabelStyle::Primary
            } else {
                codespan::LabelStyle::Secondary
            };
            codespan::Label::new(style, label.span.file, label.span.range())
                .with_message(&label.message)
        });
        codespan::Diagnostic::new(severity)
            .with_code(self.code.id())
            .with_message(&self.message)
            .with_labels(labels.collect())
            .with_notes(self.notes.clone())
    }

    /// The diagnostic as it is shown to a person, without colour.
    pub fn render(&self, sources: &Sources) -> String {
        let narrow = clip::narrowed(self, sources);
        let (shown, sources) = match &narrow {
            Some((shown, narrow)) => (shown, narrow),
            None => (self, sources),
        };
        term::emit_into_string(&config(), sources, &shown.to_codespan()).unwrap_or_else(|_| {
            format!(
                "{}[{}]: {}\n",
                self.severity().name(),
                self.code.id(),
                self.message
            )
        })
    }

    /// Writes the diagnostic to a terminal, in colour where it has colour.
    pub fn write(
        &self,
        writer: &mut dyn term::termcolor::WriteColor,
        sources: &Sources,
    ) -> Result<(), FilesError> {
        let narrow = clip::narrowed(self, sources);
        let (shown, sources) = match &narrow {
            Some((shown, narrow)) => (shown, narrow),
            None => (self, sources),
        };
        term::emit_to_write_style(writer, &config(), sources, &shown.to_codespan())
    }
}

fn config() -> term::Config {
    term::Config {
        tab_width: 4,
        ..term::Config::default()
    }
}

/// All diagnostics in the order of their places, those without a place first.
pub fn in_order(diagnostics: &[Diagnostic]) -> Vec<&Diagnostic> {
    let mut ordered: Vec<&Diagnostic> = diagnostics.iter().collect();
    ordered.sort_by_key(|diagnostic| diagnostic.labels.first().map(|label| label.span));
    ordered
}

/// Renders all diagnostics, in the order of their places, one blank line between them.
pub fn render_all(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    in_order(diagnostics)
        .into_iter()
        .map(|diagnostic| diagnostic.render(sources))
        .collect()
}
