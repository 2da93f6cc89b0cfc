//! The model's text, with what `--set` changes in it.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use nnc::ModelSource;
use nnc::diagnostics::{Code, Diagnostic, Faults, FileId, Sources, Span};
use nnc::resolve::Override;
use nnc::resolve::uses::Library;
use nnc::syntax::ast::Name;
use nnc::syntax::parse_expression;

use super::arguments::SetArgument;
use super::unreadable;

/// A model's text among the sources, and the values that replace its `param`s.
pub struct ModelText {
    pub file: FileId,
    /// The files that it uses.
    pub library: Library,
    pub overrides: Vec<Override>,
}

impl ModelText {
    /// Reads a model's file and the values of `--set`.
    ///
    /// # Errors
    /// The file cannot be read or is not UTF-8; a value is no expression; a name is set twice.
    pub fn read(
        path: &Path,
        settings: &[SetArgument],
        sources: &mut Sources,
    ) -> Result<Self, Faults> {
        let file = read_text(path, sources);
        let overrides = overrides(settings, sources);
        match (file, overrides) {
            (Ok(file), Ok(overrides)) => {
                let mut read = |used: &str| used_text(path, used);
                Ok(ModelText {
                    file,
                    library: Library::gather(sources, file, &mut read),
                    overrides,
                })
            }
            (Err(mut faults), Err(others)) => {
                faults.extend(others);
                Err(faults)
            }
            (Err(faults), Ok(_)) | (Ok(_), Err(faults)) => Err(faults),
        }
    }

    pub fn source<'s>(&'s self, sources: &'s Sources, seed: Option<u64>) -> ModelSource<'s> {
        ModelSource {
            library: Some(&self.library),
            overrides: &self.overrides,
            seed,
            ..ModelSource::new(sources, self.file)
        }
    }
}

/// A file among the sources.
///
/// # Errors
/// The file cannot be read or is not UTF-8.
pub fn read_text(path: &Path, sources: &mut Sources) -> Result<FileId, Faults> {
    let name = path.display().to_string();
    let bytes = read_at_most(path, MOST_BYTES).map_err(|error| vec![unreadable(&name, &error)])?;
    text_of(&name, bytes, sources)
}

/// The text of a file that a model uses, which no link may lead out of the model's folder; or why there
/// is none.
fn used_text(model: &Path, used: &str) -> Result<String, String> {
    let folder = match model.parent() {
        Some(folder) if folder != Path::new("") => folder,
        Some(_) | None => Path::new("."),
    };
    let refused = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => "is not there".to_owned(),
        _ => format!("cannot be read: {error}"),
    };
    let folder = folder.canonicalize().map_err(refused)?;
    let path = folder.join(used).canonicalize().map_err(refused)?;
    if !path.starts_with(&folder) {
        return Err("is a link that leads out of the model's folder".to_owned());
    }
    // Another kind of file may never end, or never begin.
    if !path.metadata().map_err(refused)?.is_file() {
        return Err("is not a regular file".to_owned());
    }
    let bytes = read_at_most(&path, MOST_BYTES).map_err(refused)?;
    String::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())
}

/// The bytes of a file among the sources.
///
/// # Errors
/// They are not UTF-8, or no lines.
pub fn text_of(name: &str, bytes: Vec<u8>, sources: &mut Sources) -> Result<FileId, Faults> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        vec![not_utf8(name, error.as_bytes(), valid, sources)]
    })?;
    match text.find('\r').filter(|_| !text.contains('\n')) {
        Some(end) => Err(vec![old_line_ends(name, &text[..end], sources)]),
        None => Ok(sources.add(name, text)),
    }
}

/// More bytes than the parser takes, which says so with a diagnostic.
pub const MOST_BYTES: u64 = 32 << 20;

fn read_at_most(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// How many bytes of the line stand before and after the byte that is no text.
const CONTEXT: usize = 60;

fn not_utf8(name: &str, bytes: &[u8], valid: usize, sources: &mut Sources) -> Diagnostic {
    let before = &bytes[..valid];
    let line_start = before.iter().rposition(|byte| *byte == b'\n');
    let line_start = line_start.map_or(0, |at| at + 1);
    let mut start = line_start.max(valid.saturating_sub(CONTEXT));
    // The text before the faulty byte is UTF-8; what is shown of it begins with a whole character.
    while bytes[start] & 0xC0 == 0x80 && start < valid {
        start += 1;
    }
    let rest = &bytes[valid..];
    let end = rest.iter().take(CONTEXT).position(|byte| *byte == b'\n');
    let end = valid + end.unwrap_or(rest.len().min(CONTEXT));
    let shown = String::from_utf8_lossy(&bytes[start..end]).into_owned();
    let first_line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    let file = sources.add_excerpt(name, shown, first_line, start);
    let at = valid - start;
    let place = Span::new(file, at..at + char::REPLACEMENT_CHARACTER.len_utf8());
    Diagnostic::new(Code::NotUtf8, place, format!("`{name}` is not UTF-8 text"))
        .label("these bytes are no character of UTF-8")
        .help("save the file as UTF-8")
}

/// The fault of a file whose lines end as those of the first Macintosh did: it would be one line.
fn old_line_ends(name: &str, first_line: &str, sources: &mut Sources) -> Diagnostic {
    let file = sources.add_excerpt(name, first_line, 1, 0);
    let place = Span::new(file, 0..first_line.len());
    let message = format!("the lines of `{name}` end in carriage returns alone");
    Diagnostic::new(Code::Syntax, place, message)
        .label("the first line ends so")
        .help("save the file with line feeds (LF), or with both (CRLF)")
}

fn overrides(settings: &[SetArgument], sources: &mut Sources) -> Result<Vec<Override>, Faults> {
    let mut faults = Faults::new();
    let mut overrides: Vec<Override> = Vec::new();
    for setting in settings {
        let file = sources.add("--set", setting.text.clone());
        let name = Name {
            text: setting.name().trim().to_owned(),
            span: Span::new(file, 0..setting.name().len()),
        };
        let earlier = overrides.iter().find(|given| given.name.text == name.text);
        if let Some(earlier) = earlier {
            faults.push(
                Diagnostic::new(
                    Code::DuplicateName,
                    name.span,
                    format!("`{}` is set twice", name.text),
                )
                .label("set again here")
                .also(earlier.name.span, "set first here"),
            );
            continue;
        }
        // Blanks for the name keep every place in the value where it is in the argument.
        let blanks = " ".repeat(setting.text.len() - setting.value().len());
        match parse_expression(&format!("{blanks}{}", setting.value()), file) {
            Ok(value) => overrides.push(Override { name, value }),
            Err(found) => faults.extend(found),
        }
    }
    if faults.is_empty() {
        Ok(overrides)
    } else {
        Err(faults)
    }
}
