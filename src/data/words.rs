//! Categories of a table: learned from its training rows, and held against its other rows.

use crate::data::category::{
    CategoryFault, PreparedCategory, learn as learn_category, learn_boolean,
};
use crate::data::comparison::{Comparison, has_leading_zeros};
use crate::data::excerpt::quoted;
use crate::data::holes::divided_rows;
use crate::data::prepare::{Preparation, PreparedKind};
use crate::data::spec::{Category, ColumnKind, ColumnSpec, Role, Split};
use crate::data::split::Division;
use crate::data::table::{Part, Table, TableField, Values};
use crate::data::unseen::{rare, unknown_fault, untrained_classes};
use crate::diagnostics::{Code, Diagnostic, Faults};

/// Cells that hold none of a category's values.
#[derive(Clone, PartialEq, Debug)]
pub struct UnknownCells {
    /// The column's name in the file.
    pub column: String,
    pub count: usize,
    /// The different words, each with the first row that has it, in the order of these rows.
    pub words: Vec<(String, u32)>,
    /// The cells of the word that the fewest of them hold.
    pub fewest_cells: usize,
    /// Whether the model could say by `unknown` what they become.
    pub takes_unknown: bool,
}

impl UnknownCells {
    /// How many cells hold `what`: the first different words with their lines, and how many there are.
    pub fn message(&self, table: &Table, what: &str) -> String {
        const SHOWN: usize = 8;
        let shown = self.words.iter().take(SHOWN).map(|(word, row)| {
            let line = table.lines.of(*row);
            format!("{} (line {line})", quoted(word.as_bytes()))
        });
        let shown: Vec<String> = shown.collect();
        let more = match self.words.len() {
            count if count > SHOWN => format!(", … ({count} in all)"),
            _ => String::new(),
        };
        let cells = if self.count == 1 {
            "1 cell holds".to_owned()
        } else {
            format!("{} cells hold", self.count)
        };
        format!(
            "`{}`, column `{}`: {cells} {what}: {}{more}",
            table.name,
            self.column,
            shown.join(", ")
        )
    }
}

/// Learns what a column of words is. Faults: words that are no values in any row that is divided, no
/// value at all, or one that a setting names and no row has.
pub(super) fn learn(
    table: &Table,
    field: &TableField,
    column: &ColumnSpec,
    codes: &[u32],
    words: &[Option<String>],
    division: &Division,
    split: &Split,
) -> Result<PreparedCategory, Faults> {
    let mut counts = vec![0; words.len()];
    for &row in &division.train {
        counts[codes[row as usize] as usize] += 1;
    }
    let name = &field.columns[0];
    let target = field.role == Role::Target;
    let learned = match &column.kind {
        ColumnKind::Boolean(fill) => learn_boolean(name, fill.as_ref(), words, &counts, !target),
        ColumnKind::Category(category) => {
            // The classes of a target are indices, whatever their order.
            let ordered = category.ordered && !target;
            let declared = Category {
                ordered,
                ..category.clone()
            };
            learn_category(name, &declared, words, &counts)
        }
        ColumnKind::Number(_) | ColumnKind::Vector(_) => {
            unreachable!("a number is never read as words")
        }
    };
    let learned = learned.map_err(|fault| vec![refused(fault, name, column)])?;
    let mut faults = Faults::new();
    if let Some(unknown) = unknown_in(&learned, field, &divided_rows(division)) {
        let fault = unknown_fault(&unknown, table, field, column, &learned, split);
        faults.push(rare(fault, &learned, words, &counts, column));
    }
    if target {
        let of_part = |part| class_counts(&learned, codes, words, division, part);
        let counts = Part::ALL.map(of_part);
        faults.extend(untrained_classes(&counts, field, column, &learned, split));
    }
    if faults.is_empty() {
        Ok(learned)
    } else {
        Err(faults)
    }
}

fn refused(fault: CategoryFault, name: &str, column: &ColumnSpec) -> Diagnostic {
    let place = column.name.span;
    match fault {
        CategoryFault::NoValues => {
            let message = format!("no training row has a value in the column `{name}`");
            Diagnostic::new(Code::UnknownCategory, place, message)
                .label("nothing to learn from")
                .help("`min_count` may be too large, or all cells may be missing")
        }
        CategoryFault::NoSuchValue { setting, value } => {
            let message = format!(
                "`{setting}` of `{name}` is {}, which is none of its values",
                quoted(value.as_bytes())
            );
            Diagnostic::new(Code::UnknownCategory, place, message)
                .label("none of the values of the training rows")
                .help("write one of them; `unknown = own` is a learned row for all others")
        }
    }
}

/// The cells of these rows, ascending, that hold no value of a category; missing ones are not among
/// them.
fn unknown_in(
    learned: &PreparedCategory,
    field: &TableField,
    rows: &[u32],
) -> Option<UnknownCells> {
    let Values::Words { codes, words } = &field.values else {
        return None;
    };
    let indices = learned.indices_of(words);
    let refused = |code: u32| words[code as usize].is_some() && indices[code as usize].is_none();
    if !(0..).take(words.len()).any(refused) {
        return None;
    }
    let mut cells = vec![0; words.len()];
    let mut unknown = UnknownCells {
        column: field.columns[0].clone(),
        count: 0,
        words: Vec::new(),
        fewest_cells: 0,
        takes_unknown: !learned.ordered && learned.comparison != Comparison::Boolean,
    };
    for &row in rows {
        let code = codes[row as usize];
        if !refused(code) {
            continue;
        }
        unknown.count += 1;
        cells[code as usize] += 1;
        if cells[code as usize] == 1 {
            let word = words[code as usize].clone().unwrap_or_default();
            unknown.words.push((word, row));
        }
    }
    let found = cells.into_iter().filter(|&cells| cells > 0);
    unknown.fewest_cells = found.min()?;
    Some(unknown)
}

/// Columns whose words compare as numbers though they are written with leading zeros, as codes are:
/// each with such a word.
pub fn leading_zeros(table: &Table, preparation: &Preparation) -> Vec<(usize, String)> {
    let fields = preparation.fields.iter().zip(&table.fields);
    let found = fields.filter_map(|(prepared, field)| {
        let (PreparedKind::Category(category), Values::Words { words, .. }) =
            (&prepared.kind, &field.values)
        else {
            return None;
        };
        let numbers = category.comparison == Comparison::Number;
        let mut words = words.iter().flatten();
        let word = words.find(|word| numbers && has_leading_zeros(word))?;
        Some((field.declared, word.clone()))
    });
    found.collect()
}

impl Preparation {
    /// The class of each word of a target's column; 0 for one that no row of the division has.
    pub fn classes_of(&self, target: &str, words: &[Option<String>]) -> Vec<usize> {
        let mut targets = self.fields_of(Role::Target);
        let target = targets.find(|field| field.name == target);
        let kind = target.map(|target| &target.kind);
        let Some(PreparedKind::Category(category)) = kind else {
            return vec![0; words.len()];
        };
        let classes = category.indices_of(words).into_iter();
        classes
            .map(|class| class.unwrap_or_default() as usize)
            .collect()
    }

    /// The cells of a table that hold words which training did not see, and for which nothing stands.
    pub fn unknown(&self, table: &Table) -> Vec<UnknownCells> {
        let rows: Vec<u32> = (0..).take(table.rows).collect();
        let fields = self
            .fields_of(Role::Input)
            .zip(table.fields_of(Role::Input));
        let unknown = fields.filter_map(|(prepared, field)| match &prepared.kind {
            PreparedKind::Category(category) => unknown_in(category, field, &rows),
            PreparedKind::Numbers(_) | PreparedKind::Indicators(_) => None,
        });
        unknown.collect()
    }
}

/// How many rows of a part have each of a target's classes.
pub fn class_counts(
    learned: &PreparedCategory,
    codes: &[u32],
    words: &[Option<String>],
    division: &Division,
    part: Part,
) -> Vec<usize> {
    let indices = learned.indices_of(words);
    let mut counts = vec![0; learned.indices()];
    for &row in division.part(part) {
        if let Some(index) = indices[codes[row as usize] as usize] {
            counts[index as usize] += 1;
        }
    }
    counts
}
