//! Prepared matrices: a table's rows as the network sees them.

use crate::data::numbers::{Numbers, Run};
use crate::data::prepare::{
    MatrixElement, Preparation, PreparedColumn, PreparedKind, filled, prepared,
};
use crate::data::spec::Role;
use crate::data::split::Division;
use crate::data::table::{LABEL_ROLES, Part, Table, Values};
use crate::diagnostics::{Code, Diagnostic, Faults};
use crate::kernels::ask_for_large_pages;

/// The prepared rows of one part of a table: column-major matrices `[features × rows]`.
#[derive(Clone, PartialEq, Debug)]
pub struct PreparedPart<T> {
    pub inputs: Vec<T>,
    /// Empty if targets were not wanted. Where rows have weights, these are the last feature.
    pub targets: Vec<T>,
    pub rows: usize,
}

impl Preparation {
    /// The prepared inputs of the chosen rows, or their targets with their weights: a column-major matrix
    /// `[features × rows]`, numbers prepared, a category as one index. The table was read for training, or
    /// for prediction with this preparation. Faults: a prepared number is not finite in `T`, or the matrix is too large.
    pub fn matrix<T: MatrixElement>(
        &self,
        role: Role,
        table: &Table,
        rows: &[u32],
    ) -> Result<Vec<T>, Faults> {
        let mut matrix = Filling::new(self, role, table, rows.len())?;
        let mut lookup = table.numbers.lookup();
        for &row in rows {
            matrix.push(row, lookup.row(row as usize));
        }
        matrix.finish(&table.name)
    }

    /// The training, validation and test rows, each matrix as [`matrix`](Self::matrix) gives it. Faults
    /// are those of each part's targets, or if there are none of its inputs.
    pub fn parts<T: MatrixElement>(
        &self,
        table: &Table,
        division: &Division,
        with_targets: bool,
    ) -> Result<[PreparedPart<T>; 3], Faults> {
        let mut parts = Parts::new(self, table, division, with_targets)?;
        for run in table.numbers.runs() {
            parts.push(run, table.numbers.width());
        }
        parts.finish(&table.name)
    }

    /// The same as [`parts`](Self::parts), for which the table gives up its inputs, so that there is no
    /// more in memory at any time than the table was: the labels are left.
    pub fn take_parts<T: MatrixElement>(
        &self,
        table: &mut Table,
        division: &Division,
        with_targets: bool,
    ) -> Result<[PreparedPart<T>; 3], Faults> {
        let numbers = std::mem::take(&mut table.numbers);
        let width = numbers.width();
        let kept = table.places_of(&LABEL_ROLES);
        let mut targets = Numbers::new(kept.len());
        let mut parts = Parts::new(self, table, division, with_targets)?;
        for run in numbers.into_runs() {
            parts.push(&run, width);
            targets.push(run.rows, run.only(&kept, width));
        }
        let parts = parts.finish(&table.name);
        table.keep_labels(targets);
        parts
    }
}

/// The matrices of all parts, while they are filled.
struct Parts<'t, T> {
    parts: Vec<PartFilling<'t, T>>,
}

struct PartFilling<'t, T> {
    rows: &'t [u32],
    /// How many of them are filled.
    filled: usize,
    inputs: Filling<'t, T>,
    targets: Option<Filling<'t, T>>,
}

impl<'t, T: MatrixElement> Parts<'t, T> {
    fn new(
        preparation: &'t Preparation,
        table: &'t Table,
        division: &'t Division,
        with_targets: bool,
    ) -> Result<Self, Faults> {
        let parts = Part::ALL.into_iter().map(|part| {
            let rows = division.part(part);
            let matrix = |role| Filling::new(preparation, role, table, rows.len());
            Ok(PartFilling {
                rows,
                filled: 0,
                inputs: matrix(Role::Input)?,
                targets: with_targets.then(|| matrix(Role::Target)).transpose()?,
            })
        });
        let parts = parts.collect::<Result<_, Faults>>()?;
        Ok(Parts { parts })
    }

    /// Adds what the parts have of the next rows of the table, of `width` numbers each.
    fn push(&mut self, run: &Run, width: usize) {
        let end = run.first_row + run.rows;
        for part in &mut self.parts {
            let rows = &part.rows[part.filled..];
            let rows = &rows[..rows.partition_point(|&row| (row as usize) < end)];
            part.filled += rows.len();
            for &row in rows {
                let numbers = run.row(row as usize, width);
                part.inputs.push(row, numbers);
                if let Some(targets) = &mut part.targets {
                    targets.push(row, numbers);
                }
            }
        }
    }

    fn finish(self, table: &str) -> Result<[PreparedPart<T>; 3], Faults> {
        let mut faults = Faults::new();
        let parts = self.parts.into_iter().filter_map(|part| {
            let targets = part.targets.map_or(Ok(Vec::new()), |all| all.finish(table));
            let finished = targets.and_then(|targets| {
                Ok(PreparedPart {
                    inputs: part.inputs.finish(table)?,
                    targets,
                    rows: part.rows.len(),
                })
            });
            finished.map_err(|found| faults.extend(found)).ok()
        });
        let parts: Vec<PreparedPart<T>> = parts.collect();
        parts.try_into().map_err(|_| faults)
    }
}

/// A matrix that is filled row by row.
struct Filling<'t, T> {
    width: usize,
    chunks: Vec<AdjoiningColumns<'t>>,
    /// Features whose numbers are prepared by more than filling, subtraction and division.
    others: Vec<(usize, usize, &'t PreparedColumn)>,
    /// Features that say whether the number at a place is missing.
    indicators: Vec<(usize, usize)>,
    categories: Vec<Indices<'t>>,
    /// For each column of `others` with such a number the first row whose number is, prepared, not
    /// finite, and that number.
    wrong: Vec<(usize, u32, f64)>,
    matrix: Vec<T>,
    /// How many elements are filled.
    filled: usize,
}

/// A feature that is an index into the values of a category.
struct Indices<'t> {
    feature: usize,
    /// The word of each row.
    codes: &'t [u32],
    /// The index of each word.
    of_words: Vec<Option<u32>>,
}

/// Features from `feature` on, made of a row's numbers from `place` on.
struct AdjoiningColumns<'t> {
    feature: usize,
    place: usize,
    columns: Vec<&'t PreparedColumn>,
    // The same of every column, side by side.
    filling: Vec<f64>,
    scale: Vec<f64>,
    offset: Vec<f64>,
    centre: Vec<f64>,
    spread: Vec<f64>,
    /// For each column the first row whose number is, prepared, not finite, and that number.
    wrong: Vec<Option<(u32, f64)>>,
}

impl<'t, T: MatrixElement> Filling<'t, T> {
    /// # Errors
    /// The matrix is too large.
    fn new(
        preparation: &'t Preparation,
        role: Role,
        table: &'t Table,
        rows: usize,
    ) -> Result<Self, Faults> {
        let roles: &[Role] = match role {
            Role::Input => &[Role::Input],
            Role::Target | Role::Weight => &[Role::Target, Role::Weight],
        };
        let width = roles.iter().map(|role| preparation.width(*role)).sum();
        let size = usize::checked_mul(width, rows);
        let Some(size) = size.filter(|size| size.checked_mul(size_of::<T>()).is_some()) else {
            let message = format!("{width} features times {rows} rows are too many");
            return Err(vec![Diagnostic::without_place(
                Code::TableTooLarge,
                message,
            )]);
        };
        let mut matrix = vec![T::default(); size];
        ask_for_large_pages(&mut matrix);
        let mut filling = Filling {
            width,
            chunks: Vec::new(),
            others: Vec::new(),
            indicators: Vec::new(),
            categories: Vec::new(),
            wrong: Vec::new(),
            matrix,
            filled: 0,
        };
        let mut feature = 0;
        let fields = roles
            .iter()
            .flat_map(|role| preparation.fields_of(*role).zip(table.fields_of(*role)));
        for (prepared, found) in fields {
            const SAME: &str = "the table is read by the same declarations";
            assert_eq!(prepared.name, found.name, "{SAME}");
            match (&prepared.kind, &found.values) {
                (PreparedKind::Numbers(columns), Values::Numbers(places)) => {
                    for (column, place) in columns.iter().zip(places.clone()) {
                        if column.is_linear() {
                            filling.add(feature, place, column);
                        } else {
                            filling.others.push((feature, place, column));
                        }
                        feature += 1;
                    }
                }
                (PreparedKind::Indicators(_), Values::Indicators(places)) => {
                    let places = places.clone();
                    filling.indicators.extend((feature..).zip(places.clone()));
                    feature += places.len();
                }
                (PreparedKind::Category(category), Values::Words { codes, words }) => {
                    filling.categories.push(Indices {
                        feature,
                        codes,
                        of_words: category.indices_of(words),
                    });
                    feature += 1;
                }
                (PreparedKind::Numbers(_) | PreparedKind::Indicators(_), Values::Words { .. })
                | (PreparedKind::Numbers(_), Values::Indicators(_))
                | (PreparedKind::Indicators(_), Values::Numbers(_))
                | (PreparedKind::Category(_), Values::Numbers(_) | Values::Indicators(_)) => {
                    unreachable!("{SAME}")
                }
            }
        }
        Ok(filling)
    }

    fn add(&mut self, feature: usize, place: usize, column: &'t PreparedColumn) {
        let adjoins = |chunk: &&mut AdjoiningColumns| {
            let count = chunk.columns.len();
            chunk.feature + count == feature && chunk.place + count == place
        };
        match self.chunks.last_mut().filter(adjoins) {
            Some(chunk) => chunk.add(column),
            None => {
                let mut chunk = AdjoiningColumns {
                    feature,
                    place,
                    columns: Vec::new(),
                    filling: Vec::new(),
                    scale: Vec::new(),
                    offset: Vec::new(),
                    centre: Vec::new(),
                    spread: Vec::new(),
                    wrong: Vec::new(),
                };
                chunk.add(column);
                self.chunks.push(chunk);
            }
        }
    }

    /// Adds a row of the table.
    #[inline]
    fn push(&mut self, row: u32, numbers: &[f64]) {
        let features = &mut self.matrix[self.filled..][..self.width];
        self.filled += self.width;
        for chunk in &mut self.chunks {
            chunk.prepare(row, numbers, features);
        }
        for (at, (feature, place, column)) in self.others.iter().enumerate() {
            features[*feature] = T::from_f64(column.prepare(numbers[*place]));
            if !features[*feature].is_finite() && self.wrong.iter().all(|(of, _, _)| *of != at) {
                self.wrong.push((at, row, numbers[*place]));
            }
        }
        for (feature, place) in &self.indicators {
            features[*feature] = T::from_f64(f64::from(u8::from(numbers[*place].is_nan())));
        }
        for category in &self.categories {
            let index = category.of_words[category.codes[row as usize] as usize];
            let index = index.expect("what is no value is refused before");
            features[category.feature] = T::from_f64(f64::from(index));
        }
    }

    /// The matrix, of as many rows as were promised.
    ///
    /// # Errors
    /// A prepared number is not finite in `T`: the first such of each column.
    fn finish(self, table: &str) -> Result<Vec<T>, Faults> {
        assert_eq!(self.filled, self.matrix.len(), "every row was added");
        let wrong = self.chunks.iter().flat_map(|chunk| {
            let wrong = chunk.columns.iter().zip(&chunk.wrong);
            wrong.filter_map(|(column, wrong)| Some((&column.name, (*wrong)?)))
        });
        let others = self.wrong.iter().map(|(at, row, value)| {
            let (_, _, column) = self.others[*at];
            (&column.name, (*row, *value))
        });
        let wrong = wrong.chain(others);
        let faults: Faults = wrong
            .map(|(column, (row, value))| {
                Diagnostic::without_place(
                    Code::NonFinite,
                    format!(
                        "`{table}`, row {}, column `{column}`: {value:?} is, prepared, beyond what \
                         {} bits hold",
                        u64::from(row) + 1,
                        8 * size_of::<T>()
                    ),
                )
            })
            .collect();
        if faults.is_empty() {
            Ok(self.matrix)
        } else {
            Err(faults)
        }
    }
}

impl<'t> AdjoiningColumns<'t> {
    fn add(&mut self, column: &'t PreparedColumn) {
        self.columns.push(column);
        self.filling.push(column.filling());
        self.scale.push(column.scale);
        self.offset.push(column.offset);
        self.centre.push(column.centre);
        self.spread.push(column.spread);
        self.wrong.push(None);
    }

    #[inline]
    fn prepare<T: MatrixElement>(&mut self, row: u32, numbers: &[f64], features: &mut [T]) {
        let count = self.columns.len();
        let numbers = &numbers[self.place..][..count];
        let features = &mut features[self.feature..][..count];
        let filling = &self.filling[..count];
        let (scale, offset) = (&self.scale[..count], &self.offset[..count]);
        let (centre, spread) = (&self.centre[..count], &self.spread[..count]);
        let mut finite = true;
        for at in 0..count {
            let number = filled(numbers[at], filling[at]);
            let value = prepared(number, scale[at], offset[at], centre[at], spread[at]);
            features[at] = T::from_f64(value);
            finite &= features[at].is_finite();
        }
        if !finite {
            self.note_wrong(row, numbers, features);
        }
    }

    #[cold]
    fn note_wrong<T: MatrixElement>(&mut self, row: u32, numbers: &[f64], features: &[T]) {
        let found = numbers.iter().zip(features).zip(&mut self.wrong);
        for ((number, feature), wrong) in found {
            if !feature.is_finite() {
                wrong.get_or_insert((row, *number));
            }
        }
    }
}
