//! Preparation: what is learned from the training rows, and the matrices that it makes of a table.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::data::category::PreparedCategory;
use crate::data::holes::{divided_rows, unanswered, unanswered_fault};
use crate::data::spec::{ColumnSpec, DataSpec, NumberPreparation, Role};
use crate::data::split::Division;
use crate::data::statistics::{Refusal, Statistics, is_plain, learn_column, learn_plain};
use crate::data::table::{Table, TableField, Values};
use crate::data::transform::Transform;
use crate::data::{weights, words};
use crate::diagnostics::{Code, Diagnostic, Faults};

/// How many numbers of columns that are learned from are worth another thread.
const WORTH_A_THREAD: usize = 1 << 16;

/// How many columns a thread takes out of the table at once.
const AT_ONCE: usize = 4;

/// What data preparation learned from the training rows. It belongs to the trained model.
#[derive(Clone, PartialEq, Debug)]
pub struct Preparation {
    /// Inputs, targets and the weight of rows, in the order of the table's fields.
    pub fields: Vec<PreparedField>,
}

/// One value of the network.
#[derive(Clone, PartialEq, Debug)]
pub struct PreparedField {
    pub role: Role,
    pub name: String,
    /// The name, or the glob, under which the model declares it.
    pub declared: String,
    pub kind: PreparedKind,
}

#[derive(Clone, PartialEq, Debug)]
pub enum PreparedKind {
    Numbers(Vec<PreparedColumn>),
    /// 1 where the cell of a column of the file is missing, else 0.
    Indicators(Vec<String>),
    Category(PreparedCategory),
}

/// A column of numbers: x becomes `(f(x · scale + offset) - centre) / spread`, where f clips, takes the
/// logarithm and transforms.
#[derive(Clone, PartialEq, Debug)]
pub struct PreparedColumn {
    /// The column's name in the file.
    pub name: String,
    /// What a missing number becomes first.
    pub fill: Option<f64>,
    pub scale: f64,
    pub offset: f64,
    pub clip: Option<(f64, f64)>,
    /// ln(1 + x).
    pub log: bool,
    pub transform: Option<Transform>,
    /// The mean, the median or the least value of the training rows; 0 without `normalize`.
    pub centre: f64,
    /// The standard deviation, or the greatest less the least value, or …; 1 without `normalize`.
    pub spread: f64,
    /// All training rows were the same: 0 for every number.
    pub constant: bool,
}

impl PreparedColumn {
    /// Whether a number that is there is only scaled and moved.
    pub(super) fn is_linear(&self) -> bool {
        self.clip.is_none() && !self.log && self.transform.is_none() && !self.constant
    }

    /// What stands for a missing number: one that nothing fills stays missing.
    pub(super) fn filling(&self) -> f64 {
        self.fill.unwrap_or(f64::NAN)
    }

    #[inline]
    pub fn prepare(&self, value: f64) -> f64 {
        if self.is_linear() {
            let value = filled(value, self.filling());
            return prepared(value, self.scale, self.offset, self.centre, self.spread);
        }
        if self.constant {
            return 0.0;
        }
        let value = self.before_statistics(value);
        let value = match &self.transform {
            Some(transform) => transform.apply(value),
            None => value,
        };
        (value - self.centre) / self.spread
    }

    /// The value that statistics are taken of: filled, scaled, clipped, its logarithm taken.
    pub(super) fn before_statistics(&self, value: f64) -> f64 {
        let value = self.before_log(value);
        if self.log { value.ln_1p() } else { value }
    }

    /// The same before the logarithm.
    pub(super) fn before_log(&self, value: f64) -> f64 {
        let value = filled(value, self.filling()) * self.scale + self.offset;
        match self.clip {
            Some((least, greatest)) => value.clamp(least, greatest),
            None => value,
        }
    }

    /// The value of the file that [`PreparedColumn::prepare`] maps to `prepared`.
    pub fn restore(&self, prepared: f64) -> f64 {
        let value = prepared * self.spread + self.centre;
        let value = match &self.transform {
            Some(transform) => transform.invert(value).unwrap_or(value),
            None => value,
        };
        let value = if self.log { value.exp_m1() } else { value };
        (value - self.offset) / self.scale
    }
}

/// The number, or what stands for it where it is missing.
#[inline(always)]
pub(super) fn filled(value: f64, filling: f64) -> f64 {
    if value.is_nan() { filling } else { value }
}

/// The one formula of preparation.
#[inline(always)]
pub(super) fn prepared(value: f64, scale: f64, offset: f64, centre: f64, spread: f64) -> f64 {
    (value * scale + offset - centre) / spread
}

/// The element of a prepared matrix: f32 or f64.
pub trait MatrixElement: Copy + Default {
    /// Rounds to the nearest.
    fn from_f64(value: f64) -> Self;
    fn is_finite(self) -> bool;
}

impl MatrixElement for f32 {
    fn from_f64(value: f64) -> Self {
        value as f32
    }

    fn is_finite(self) -> bool {
        f32::is_finite(self)
    }
}

impl MatrixElement for f64 {
    fn from_f64(value: f64) -> Self {
        value
    }

    fn is_finite(self) -> bool {
        f64::is_finite(self)
    }
}

impl PreparedField {
    /// How many features of the prepared matrix it takes.
    pub fn width(&self) -> usize {
        match &self.kind {
            PreparedKind::Numbers(columns) => columns.len(),
            PreparedKind::Indicators(columns) => columns.len(),
            PreparedKind::Category(_) => 1,
        }
    }
}

impl Preparation {
    /// Learns from the training rows of a table. Faults: cells are missing and nothing says what becomes
    /// of them, a category has values that no training row has, a target is constant, statistics are
    /// beyond what 64 bits hold, a row's weight is negative, or all of a part are 0.
    pub fn learn(table: &Table, spec: &DataSpec, division: &Division) -> Result<Self, Faults> {
        let mut faults = weights::check(table, spec, division);
        let open = unanswered(table, spec, division);
        faults.extend(unanswered_fault(&open, table, spec, division));
        let open = open
            .iter()
            .map(|(field, holes)| (field.declared, &*holes.column));
        let open: HashSet<(usize, &str)> = open.collect();
        let declared: Vec<NumberPreparation> = table
            .fields
            .iter()
            .flat_map(|field| numbers_of(field, spec))
            .collect();
        let statistics = Statistics::of(&table.numbers, &division.train, &declared);
        let mut learned = learned_columns(table, &declared, &division.train);
        let fields = table.fields.iter().filter_map(|field| {
            let column = &spec.columns[field.declared];
            let kind = match &field.values {
                Values::Words { codes, words } => {
                    let learned =
                        words::learn(table, field, column, codes, words, division, &spec.split);
                    PreparedKind::Category(learned.map_err(|found| faults.extend(found)).ok()?)
                }
                Values::Indicators(_) => PreparedKind::Indicators(field.columns.clone()),
                Values::Numbers(places) => {
                    let columns = places.clone().zip(&field.columns);
                    // Statistics over missing cells are no further fault.
                    let columns = columns
                        .filter(|(_, name)| !open.contains(&(field.declared, name.as_str())));
                    let columns = columns.filter_map(|(place, name)| {
                        let number = &declared[place];
                        let learned = learned
                            .remove(&place)
                            .unwrap_or_else(|| learn_plain(name, number, &statistics, place));
                        let learned = learned.map_err(|(code, message)| {
                            Diagnostic::new(code, column.name.span, message)
                                .label("cannot be prepared")
                        });
                        let learned = learned.and_then(|learned| {
                            match logarithm(table, place, &learned, column, division) {
                                None => Ok(learned),
                                Some(fault) => Err(fault),
                            }
                        });
                        learned.map_err(|fault| faults.push(fault)).ok()
                    });
                    let columns: Vec<PreparedColumn> = columns.collect();
                    if field.role == Role::Target {
                        faults.extend(constant_target(&columns, column));
                    }
                    PreparedKind::Numbers(columns)
                }
            };
            Some(PreparedField {
                role: field.role,
                name: field.name.clone(),
                declared: column.name.text.clone(),
                kind,
            })
        });
        let fields = fields.collect();
        if faults.is_empty() {
            Ok(Preparation { fields })
        } else {
            Err(faults)
        }
    }

    pub fn fields_of(&self, role: Role) -> impl Iterator<Item = &PreparedField> {
        self.fields.iter().filter(move |field| field.role == role)
    }

    /// How many features of a prepared matrix have the role.
    pub fn width(&self, role: Role) -> usize {
        self.fields_of(role).map(PreparedField::width).sum()
    }

    /// A prediction in the target's own units. `feature` is the number's place among the features of
    /// the prepared targets; a category's index stays as it is.
    pub fn restore_target(&self, feature: usize, value: f64) -> f64 {
        let mut place = feature;
        for field in self.fields_of(Role::Target) {
            match &field.kind {
                PreparedKind::Numbers(columns) => {
                    if let Some(column) = columns.get(place) {
                        return column.restore(value);
                    }
                }
                PreparedKind::Indicators(_) => {}
                PreparedKind::Category(_) => {
                    if place == 0 {
                        return value;
                    }
                }
            }
            place -= field.width();
        }
        value
    }
}

/// The fault of a target whose training rows are all the same.
fn constant_target(learned: &[PreparedColumn], column: &ColumnSpec) -> Option<Diagnostic> {
    let constant = learned.iter().find(|learned| learned.constant)?;
    let (name, value) = (&constant.name, constant.centre);
    let message = format!("the target `{name}` is the same in every training row");
    let fault = Diagnostic::new(Code::ConstantColumn, column.name.span, message);
    Some(fault.label(format!("{value:?} after the steps before `normalize`")))
}

/// The fault of a column that has no logarithm in some rows.
fn logarithm(
    table: &Table,
    place: usize,
    learned: &PreparedColumn,
    column: &ColumnSpec,
    division: &Division,
) -> Option<Diagnostic> {
    if !learned.log {
        return None;
    }
    let mut numbers = table.numbers.lookup();
    let wrong = divided_rows(division).into_iter().filter_map(|row| {
        let number = numbers.row(row as usize)[place];
        (learned.before_log(number) <= -1.0).then_some((row, number))
    });
    let wrong: Vec<(u32, f64)> = wrong.collect();
    let (row, number) = wrong.first()?;
    let (table_name, name, line) = (&table.name, &learned.name, table.lines.of(*row));
    let numbers = if wrong.len() == 1 {
        "number is"
    } else {
        "numbers are"
    };
    let message = format!(
        "`{table_name}`, column `{name}`: {} {numbers} at most -1 and so without `log`, first in line \
         {line}: {number:?}",
        wrong.len()
    );
    let fault = Diagnostic::new(Code::OutOfRange, column.name.span, message);
    Some(
        fault
            .label("`log` is ln(1 + x)")
            .help("write `clip = [0, …]`, which comes before `log`, or an `offset`"),
    )
}

/// The preparation of each column, by its place, that is learned from all of its numbers: on all cores where
/// that is worth it, each column for itself.
fn learned_columns(
    table: &Table,
    declared: &[NumberPreparation],
    rows: &[u32],
) -> HashMap<usize, Result<PreparedColumn, Refusal>> {
    let with_numbers = table.fields.iter().filter(|field| match field.values {
        Values::Numbers(_) | Values::Indicators(_) => true,
        Values::Words { .. } => false,
    });
    let names: Vec<&String> = with_numbers.flat_map(|field| &field.columns).collect();
    let places = (0..declared.len()).filter(|&place| !is_plain(&declared[place]));
    let places: Vec<usize> = places.collect();
    let next = AtomicUsize::new(0);
    let groups: Vec<&[usize]> = places.chunks(AT_ONCE).collect();
    let work = || {
        let mut learned = Vec::new();
        let mut columns = vec![Vec::new(); AT_ONCE];
        while let Some(group) = groups.get(next.fetch_add(1, Ordering::Relaxed)) {
            table.numbers.gather(group, rows, &mut columns);
            for (&place, numbers) in group.iter().zip(&mut columns) {
                let column = learn_column(names[place], &declared[place], numbers);
                learned.push((place, column));
            }
        }
        learned
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let worth = rows.len() * places.len() / WORTH_A_THREAD;
    let others = cores.min(groups.len()).min(worth + 1).saturating_sub(1);
    std::thread::scope(|scope| {
        let others: Vec<_> = (0..others).map(|_| scope.spawn(work)).collect();
        let mut learned: HashMap<_, _> = work().into_iter().collect();
        for other in others {
            let other = other.join();
            learned.extend(other.unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        learned
    })
}

/// How each of a field's columns of numbers is declared.
fn numbers_of(field: &TableField, spec: &DataSpec) -> Vec<NumberPreparation> {
    match &field.values {
        Values::Words { .. } => Vec::new(),
        Values::Indicators(places) => vec![NumberPreparation::default(); places.len()],
        Values::Numbers(places) => {
            let number = spec.columns[field.declared].kind.number();
            vec![*number.expect("a category is never read as numbers"); places.len()]
        }
    }
}
