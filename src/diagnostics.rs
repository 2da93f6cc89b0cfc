//! What nnc says about a fault: a code, a place, a cause and a way out.
//!
//! The only user of `codespan-reporting`. Every stage returns its faults as [`Diagnostic`]s; nothing
//! below the command line prints them.

mod explanation;
mod names;
mod render;
mod visible;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::{Value, json};

pub use explanation::{ExplanationBlock, explanation_blocks};
pub use names::{listed, near_miss};
pub use render::{in_order, render_all, termcolor};
pub use visible::{visible, visible_in_line, visible_json};

/// One of the [`Sources`] of a compilation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct FileId(pub u32);

/// A range of bytes in one source text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Span {
    pub file: FileId,
    pub start: u32,
    pub end: u32,
}

impl Span {
    pub fn new(file: FileId, range: Range<usize>) -> Self {
        let clamp = |byte: usize| u32::try_from(byte).unwrap_or(u32::MAX);
        Span {
            file,
            start: clamp(range.start),
            end: clamp(range.end),
        }
    }

    /// The smallest span that covers both; both are in the same file.
    pub fn to(self, other: Span) -> Span {
        Span {
            file: self.file,
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }

    /// Whether the other span lies within this one.
    pub fn contains(self, inner: Span) -> bool {
        self.file == inner.file && self.start <= inner.start && inner.end <= self.end
    }

    pub fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A text that diagnostics point into: a model file, an excerpt of a table, a `--set` argument.
#[derive(Clone, Debug)]
pub struct SourceText {
    pub name: String,
    /// The name as it is shown.
    shown: String,
    pub text: String,
    /// The number of the text's first line in its file (1 for a whole file).
    pub first_line: usize,
    /// The byte in its file at which the text begins (0 for a whole file).
    pub first_byte: usize,
    line_starts: Vec<usize>,
    /// Of a text with cut lines: the columns in the whole lines of bytes that are pointed at.
    columns: BTreeMap<usize, usize>,
}

/// All texts of one compilation, addressed by [`FileId`].
#[derive(Clone, Debug, Default)]
pub struct Sources {
    sources: Vec<SourceText>,
}

impl Sources {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a whole file.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> FileId {
        self.add_excerpt(name, text, 1, 0)
    }

    /// Adds a part of a file that is too large to keep, such as the faulty line of a table.
    pub fn add_excerpt(
        &mut self,
        name: impl Into<String>,
        text: impl Into<String>,
        first_line: usize,
        first_byte: usize,
    ) -> FileId {
        let text = text.into();
        let line_starts = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        let id = FileId(u32::try_from(self.sources.len()).expect("fewer than 2^32 sources"));
        let name = name.into();
        self.sources.push(SourceText {
            shown: visible_in_line(&name).into_owned(),
            name,
            text,
            first_line,
            first_byte,
            line_starts,
            columns: BTreeMap::new(),
        });
        id
    }

    pub fn get(&self, file: FileId) -> &SourceText {
        &self.sources[file.0 as usize]
    }

    /// The text under a span.
    pub fn text(&self, span: Span) -> &str {
        self.get(span.file).text.get(span.range()).unwrap_or("")
    }

    /// The 1-based line in the file and the 1-based column, in characters, of a byte.
    pub fn line_column(&self, file: FileId, byte: usize) -> (usize, usize) {
        let source = self.get(file);
        let byte = byte.min(source.text.len());
        let line = source.line_starts.partition_point(|start| *start <= byte) - 1;
        let column = source.text[source.line_starts[line]..]
            .char_indices()
            .take_while(|(at, _)| source.line_starts[line] + at < byte)
            .count();
        (source.first_line + line, column + 1)
    }

    /// The 1-based line at which a span begins.
    pub fn line(&self, span: Span) -> usize {
        let source = self.get(span.file);
        let starts = &source.line_starts;
        source.first_line + starts.partition_point(|start| *start <= span.start as usize) - 1
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Severity {
    Error,
    Warning,
    Note,
}

impl Severity {
    pub fn name(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

macro_rules! codes {
    ($($variant:ident = $id:literal $severity:ident $title:literal;)*) => {
        /// Every kind of fault that nnc reports, with its code and what it means.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Code { $(#[doc = $title] $variant,)* }

        impl Code {
            pub const ALL: &[Code] = &[$(Code::$variant,)*];

            /// The code as it is printed, such as `E0301`.
            pub fn id(self) -> &'static str {
                match self { $(Code::$variant => $id,)* }
            }

            pub fn severity(self) -> Severity {
                match self { $(Code::$variant => Severity::$severity,)* }
            }

            /// What the code means, in a few words.
            pub fn title(self) -> &'static str {
                match self { $(Code::$variant => $title,)* }
            }

            /// The rule behind the code, an example that breaks it and one that keeps it, in
            /// Markdown: see [`explanation_blocks`].
            pub fn explanation(self) -> &'static str {
                match self {
                    $(Code::$variant => include_str!(concat!("diagnostics/codes/", $id, ".md")),)*
                }
            }
        }
    };
}

codes! {
    // The text.
    Syntax = "E0101" Error "the text does not follow the grammar";
    Brackets = "E0102" Error "a bracket is never closed, or closes nothing";
    NotUtf8 = "E0103" Error "the file is not UTF-8 text";
    TooLarge = "E0104" Error "the file is too large or nested too deep";
    // Names.
    UnknownName = "E0201" Error "an undeclared name";
    DuplicateName = "E0202" Error "a name is declared twice";
    UnknownSection = "E0203" Error "a section that the language does not have";
    UnknownSetting = "E0204" Error "a setting that the section does not have";
    UnknownArgument = "E0205" Error "an argument that the entry does not have";
    MissingSection = "E0206" Error "a section is missing, or says nothing";
    MissingSetting = "E0207" Error "a setting is missing";
    UnusedResult = "E0208" Error "an unused result";
    NotSupported = "E0209" Error "part of the language that this version does not support yet";
    Misplaced = "E0210" Error "a construct in a place where it has no meaning";
    UnknownEntry = "E0211" Error "a layer, loss, optimizer or other entry that the catalog does not have";
    // Arguments, types and shapes.
    WrongType = "E0301" Error "a value of the wrong type";
    OutOfRange = "E0302" Error "a number outside its range";
    MissingArgument = "E0303" Error "an argument is missing";
    DuplicateArgument = "E0304" Error "an argument is given twice";
    ShapeMismatch = "E0305" Error "two shapes that do not fit";
    ShapeAssertion = "E0306" Error "a stated width is not the width that flows in";
    TooBig = "E0307" Error "a size beyond what can be held";
    LossOutput = "E0308" Error "the loss does not fit the network's output";
    LossTarget = "E0309" Error "the loss does not fit the target's type";
    MetricTarget = "E0310" Error "the metric does not fit the target's type";
    BadUse = "E0311" Error "a `use` cannot be followed";
    // The data section against the table.
    MissingColumn = "E0401" Error "the table has no such column";
    DuplicateColumn = "E0402" Error "a column is declared, or stands in the table, twice";
    NoInput = "E0403" Error "no input column";
    NoTarget = "E0404" Error "no target column";
    BadSplit = "E0405" Error "the split cannot be made";
    TooFewRows = "E0406" Error "too few rows";
    // The table.
    BadCell = "E0501" Error "a cell that is not what its column declares";
    RaggedRow = "E0502" Error "a row with too few or too many fields";
    EmptyTable = "E0503" Error "the table is empty";
    UnknownCategory = "E0504" Error "a category value that was not declared or not seen in training";
    NonFinite = "E0505" Error "a cell that is not a finite number";
    TableTooLarge = "E0506" Error "the table goes beyond a limit";
    ConstantColumn = "E0507" Error "a target that is the same in every training row";
    RowWeight = "E0508" Error "weights of rows that cannot be";
    MissingCells = "E0509" Error "missing cells, and nothing that says what becomes of them";
    UnclosedQuote = "E0510" Error "a quotation mark in the table is not closed";
    NotACsv = "E0511" Error "a file of another kind than CSV";
    // Files of a run.
    BadWeights = "E0601" Error "a weights file that cannot be read";
    WeightNames = "E0602" Error "parameters are missing from, or unknown to, the weights file";
    WeightShapes = "E0603" Error "a parameter's shape differs from the weights file's";
    BadRun = "E0604" Error "a run folder that cannot be read";
    Io = "E0605" Error "a file cannot be read or written";
    // Training.
    NonFiniteLoss = "E0701" Error "the loss is not a finite number";
    Memory = "E0702" Error "more memory is needed than there is";
    // Warnings.
    SoftmaxBeforeLoss = "W0101" Warning "a softmax before a loss that applies one";
    SigmoidBeforeLoss = "W0102" Warning "a sigmoid before a loss that applies one";
    BiasBeforeNorm = "W0103" Warning "a bias that the following BatchNorm takes away";
    DropoutBeforeNorm = "W0104" Warning "Dropout before BatchNorm";
    UnusedInput = "W0105" Warning "an input column that is never used";
    LongSchedule = "W0106" Warning "a schedule that is longer than the run";
    NoGradient = "W0107" Warning "parameters that no loss reaches";
    WideInput = "W0108" Warning "numbers that spread widely and are not normalised";
    OutOfReach = "W0109" Warning "a last activation that cannot give the target's numbers";
    MissingClass = "W0110" Warning "a part of the table without rows of a class";
    SingleFeatureNorm = "W0111" Warning "a norm over one feature";
    UnfilledBatch = "W0112" Warning "a batch, or an update, that the training rows do not fill";
    ReplacedRate = "W0113" Warning "a learning rate that the schedule replaces";
    ConstantInput = "W0116" Warning "inputs that are the same in every training row";
    LeadingZeros = "W0117" Warning "codes with leading zeros that are compared as numbers";
    ThousandsPoints = "W0121" Warning "points that may separate thousands";
    LostDigits = "W0122" Warning "whole numbers that lose digits";
    CounterColumn = "W0123" Warning "a glob takes a column that counts the rows";
    Sentinel = "W0124" Warning "a number that may stand for missing ones";
    // Advice.
    NothingToTrain = "N0101" Note "the network has no parameter to train";
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Label {
    pub span: Span,
    pub message: String,
    pub primary: bool,
}

/// A replacement of text that mends a fault.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edit {
    pub span: Span,
    pub replacement: String,
}

/// One fault, at its place. The first label is the primary one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Diagnostic {
    pub code: Code,
    pub message: String,
    pub labels: Vec<Label>,
    pub notes: Vec<String>,
    pub suggestion: Option<Edit>,
}

/// The faults of a stage that could not give its result. Never empty.
pub type Faults = Vec<Diagnostic>;

/// A file that is no model at all has a fault in every line; after these the rest are counted.
pub const MOST_FAULTS: usize = 200;

/// Places that one fault names, where each of many uses leads to it.
pub const MOST_LABELS: usize = 4;

/// Keeps the first faults, in the order of their places, and says how many are left out.
pub fn limited(mut faults: Faults) -> Faults {
    faults.sort_by_key(|fault| fault.labels.first().map(|label| label.span));
    let more = faults.len().saturating_sub(MOST_FAULTS);
    faults.truncate(MOST_FAULTS);
    if more > 0
        && let Some(last) = faults.pop()
    {
        faults.push(last.note(format!("{more} more faults of the text are not shown")));
    }
    faults
}

/// The words of a message, without what a terminal would obey, and cut where names or texts of the file
/// have made them too long to read.
fn shortened(words: String) -> String {
    const LONGEST_WORD: usize = 160;
    const LONGEST: usize = 500;
    let long = |word: &str| word.len() > LONGEST_WORD;
    let words = if words.split(' ').any(long) {
        let words = words.split(' ').map(|word| cut(word, LONGEST_WORD));
        words.collect::<Vec<_>>().join(" ")
    } else {
        words
    };
    visible_in_line(&cut(&words, LONGEST)).into_owned()
}

/// A text of at most so many bytes, and what shows that it was longer.
fn cut(text: &str, longest: usize) -> Cow<'_, str> {
    if text.len() <= longest {
        return Cow::Borrowed(text);
    }
    let mut end = longest;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    // What stands in backticks stays there.
    let close = if text.ends_with('`') { "`" } else { "" };
    Cow::Owned(format!("{}…{close}", &text[..end]))
}

impl Diagnostic {
    /// A fault at a place; `label` says beside the underlined text what is wrong with it.
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        Diagnostic {
            code,
            message: shortened(message.into()),
            labels: vec![Label {
                span,
                message: String::new(),
                primary: true,
            }],
            notes: Vec::new(),
            suggestion: None,
        }
    }

    /// A fault that has no place in any text, such as a file that cannot be opened.
    pub fn without_place(code: Code, message: impl Into<String>) -> Self {
        Diagnostic {
            code,
            message: shortened(message.into()),
            labels: Vec::new(),
            notes: Vec::new(),
            suggestion: None,
        }
    }

    /// Sets the words beside the primary place.
    pub fn label(mut self, message: impl Into<String>) -> Self {
        if let Some(first) = self.labels.first_mut() {
            first.message = shortened(message.into());
        }
        self
    }

    /// Adds a second place: where the other shape came from, where the name was first declared.
    pub fn also(mut self, span: Span, message: impl Into<String>) -> Self {
        self.labels.push(Label {
            span,
            message: shortened(message.into()),
            primary: false,
        });
        self
    }

    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(shortened(note.into()));
        self
    }

    /// Adds a line that says what to do.
    pub fn help(self, help: impl Into<String>) -> Self {
        let help = help.into();
        self.note(format!("help: {help}"))
    }

    /// Adds an edit that mends the fault; the words of it are a `help`.
    pub fn suggest(mut self, span: Span, replacement: impl Into<String>) -> Self {
        self.suggestion = Some(Edit {
            span,
            replacement: replacement.into(),
        });
        self
    }

    /// Adds `help: did you mean …?` with its edit when one of the known names is near `wrong`.
    pub fn near<'n>(
        self,
        wrong: &str,
        span: Span,
        known: impl IntoIterator<Item = &'n str>,
    ) -> Self {
        match near_miss(wrong, known) {
            Some(name) => self
                .help(format!("did you mean `{name}`?"))
                .suggest(span, name),
            None => self,
        }
    }

    pub fn severity(&self) -> Severity {
        self.code.severity()
    }

    pub fn is_error(&self) -> bool {
        self.severity() == Severity::Error
    }

    /// The diagnostic as one object: `code`, `severity`, `message`, `labels` with byte and line spans,
    /// `notes`, the suggested `edit` and the `rendered` text.
    pub fn to_json(&self, sources: &Sources) -> Value {
        let place = |span: Span| {
            let source = sources.get(span.file);
            let (start_line, start_column) = sources.line_column(span.file, span.start as usize);
            let (end_line, end_column) = sources.line_column(span.file, span.end as usize);
            json!({
                "file": source.name,
                "bytes": [source.first_byte + span.start as usize, source.first_byte + span.end as usize],
                "start": {"line": start_line, "column": start_column},
                "end": {"line": end_line, "column": end_column},
            })
        };
        let labels: Vec<Value> = self
            .labels
            .iter()
            .map(|label| {
                json!({"place": place(label.span), "message": label.message, "primary": label.primary})
            })
            .collect();
        json!({
            "event": "diagnostic",
            "code": self.code.id(),
            "severity": self.severity().name(),
            "message": self.message,
            "labels": labels,
            "notes": self.notes,
            "edit": self.suggestion.as_ref().map(|edit| json!({
                "place": place(edit.span),
                "replacement": edit.replacement,
            })),
            "rendered": self.render(sources),
        })
    }
}
