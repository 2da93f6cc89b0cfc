//! Binding: which columns of a CSV's header each declaration of the model takes.

use crate::data::binder::Binder;
use crate::data::cell;
use crate::data::faults::TableFaults;
use crate::data::header::Header;
use crate::data::missing::Markers;
use crate::data::prepare::{Preparation, PreparedKind};
use crate::data::spec::{ColumnKind, ColumnPattern, DataSpec, Role, Split};
use crate::diagnostics::{Code, Diagnostic};

/// What each column of the file that is read belongs to. Columns are positions in the header.
#[derive(Debug, Default)]
pub(super) struct ColumnBindings {
    pub fields: Vec<BoundField>,
    /// The column of `split = column(…)`.
    pub parts: Option<usize>,
    /// The column that a split is stratified by.
    pub strata: Option<usize>,
}

#[derive(Debug)]
pub(super) struct BoundField {
    pub role: Role,
    pub name: String,
    pub declared: usize,
    pub columns: Vec<usize>,
    pub kind: BoundKind,
    pub markers: Markers,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum BoundKind {
    Numbers,
    /// Numbers that are read once more, to say where they are missing.
    Indicators,
    Words,
}

impl BoundKind {
    fn of(kind: &ColumnKind) -> Self {
        match kind {
            ColumnKind::Number(_) | ColumnKind::Vector(_) => BoundKind::Numbers,
            ColumnKind::Category(_) | ColumnKind::Boolean(_) => BoundKind::Words,
        }
    }
}

/// The name of the value that says where another is missing.
fn indicator_name(name: &str) -> String {
    format!("{name}.missing")
}

/// Binds a model's declarations for training. What is wrong is added to the faults; the result is
/// only to be used if there are none.
pub(super) fn bind(header: &Header, spec: &DataSpec, faults: &mut TableFaults) -> ColumnBindings {
    if no_header(header, spec, faults) {
        return ColumnBindings::default();
    }
    let mut binder = Binder::new(header, false, faults);
    let patterns: Vec<&ColumnPattern> = spec.columns.iter().map(|column| column.source()).collect();
    let mut taken: Vec<Vec<usize>> = vec![Vec::new(); patterns.len()];
    let globs: Vec<bool> = patterns
        .iter()
        .map(|pattern| pattern.glob && !binder.has(pattern))
        .collect();
    let named = |again: bool| {
        let declared = spec.columns.iter().zip(&globs).enumerate();
        let named =
            declared.filter(move |(_, (column, glob))| !**glob && column.from.is_some() == again);
        named.map(|(declared, (column, _))| (declared, column))
    };
    for (declared, column) in named(false) {
        taken[declared].extend(binder.claim(&column.name));
    }
    for (declared, column) in named(true) {
        taken[declared].extend(binder.share(column.source()));
    }
    let parts = match &spec.split {
        Split::Column { name, .. } => binder.claim(name),
        Split::None | Split::Random { .. } | Split::Ordered { .. } => None,
    };
    binder.ignore(&spec.ignored);
    for ((pattern, columns), glob) in patterns.iter().zip(&mut taken).zip(&globs) {
        if *glob {
            columns.extend(binder.claim_glob(pattern));
        }
    }
    let mut binding = ColumnBindings {
        parts,
        ..ColumnBindings::default()
    };
    for (declared, (column, columns)) in spec.columns.iter().zip(taken).enumerate() {
        let markers = Markers::of(column, spec);
        let indicator = column.kind.number().is_some_and(|number| number.indicator);
        let bound = |name: String, columns, kind| BoundField {
            role: column.role,
            name,
            declared,
            columns,
            kind,
            markers: markers.clone(),
        };
        let field = |name: &str, columns: Vec<usize>| {
            let missing = indicator.then(|| {
                let (name, kind) = (indicator_name(name), BoundKind::Indicators);
                bound(name, columns.clone(), kind)
            });
            let own = bound(name.to_owned(), columns, BoundKind::of(&column.kind));
            std::iter::once(own).chain(missing)
        };
        let together = matches!(column.kind, ColumnKind::Vector(_));
        if column.from.is_none() && column.name.glob {
            let one_each = columns
                .into_iter()
                .flat_map(|at| field(&header.names[at], vec![at]));
            binding.fields.extend(one_each);
        } else if columns.len() > 1 && !together {
            binder.too_many(patterns[declared], columns.len());
        } else {
            binding.fields.extend(field(&column.name.text, columns));
        }
    }
    binder.distinct_names(&binding.fields, spec);
    binding.strata = stratify(&mut binder, spec, &binding.fields);
    binding
}

/// Binds what a preparation learned: the inputs alone, each by the names of its columns.
pub(super) fn bind_learned(
    header: &Header,
    spec: &DataSpec,
    preparation: &Preparation,
    faults: &mut TableFaults,
) -> ColumnBindings {
    if no_header(header, spec, faults) {
        return ColumnBindings::default();
    }
    let mut binder = Binder::new(header, true, faults);
    let mut binding = ColumnBindings::default();
    for learned in preparation.fields_of(Role::Input) {
        let declaration = spec
            .columns
            .iter()
            .position(|column| column.role == Role::Input && column.name.text == learned.declared);
        let Some(declared) = declaration else {
            binder.faults.push(Diagnostic::new(
                Code::BadRun,
                spec.span,
                format!(
                    "the run was trained with an input `{}`, which the model does not declare",
                    learned.declared
                ),
            ));
            continue;
        };
        let column = &spec.columns[declared];
        let span = column.source().span;
        let (names, kind) = match &learned.kind {
            PreparedKind::Numbers(columns) => (
                columns.iter().map(|column| column.name.clone()).collect(),
                BoundKind::Numbers,
            ),
            PreparedKind::Indicators(columns) => (columns.clone(), BoundKind::Indicators),
            PreparedKind::Category(category) => (vec![category.column.clone()], BoundKind::Words),
        };
        let columns = names.into_iter().filter_map(|text| {
            let glob = false;
            binder.share(&ColumnPattern { text, glob, span })
        });
        binding.fields.push(BoundField {
            role: Role::Input,
            name: learned.name.clone(),
            declared,
            columns: columns.collect(),
            kind,
            markers: Markers::of(column, spec),
        });
    }
    binding
}

/// Reports a table whose first line holds nothing but numbers, unless the model names such columns.
fn no_header(header: &Header, spec: &DataSpec, faults: &mut TableFaults) -> bool {
    let Some(record) = &header.record else {
        return false;
    };
    let mut names = header.columns();
    let numbers = names.all(|(_, name)| cell::number(name.as_bytes()).is_ok());
    let known = |pattern: &ColumnPattern| header.names.contains(&pattern.text);
    if !numbers || spec.columns.iter().any(|column| known(column.source())) {
        return false;
    }
    let place = faults.place(record, 0);
    let name = faults.name.clone();
    faults.push(
        Diagnostic::new(
            Code::MissingColumn,
            place,
            format!("`{name}` seems to have no header line"),
        )
        .label("every field of the first line is a number")
        .help(
            "name the columns by `header = [...]` in `data`, call them c1, c2, … by `header = none`, or put \
             a line with their names before the first row",
        ),
    );
    true
}

/// The column of `stratify`: a category that is declared, or a column that is read for this alone.
fn stratify(binder: &mut Binder, spec: &DataSpec, fields: &[BoundField]) -> Option<usize> {
    let pattern = match &spec.split {
        Split::Random { stratify, .. } => stratify.as_ref()?,
        Split::None | Split::Ordered { .. } | Split::Column { .. } => return None,
    };
    // The name is the value's, which `from` may give to a column of another name.
    let declared = fields.iter().find(|field| field.name == pattern.text);
    let numbers = match declared {
        Some(field) => match &field.kind {
            BoundKind::Words => return field.columns.first().copied(),
            BoundKind::Numbers | BoundKind::Indicators => Some(field),
        },
        None => {
            // A declaration of that name that took no column has its own fault.
            let mut declared = spec.columns.iter().map(|column| &column.name.text);
            if declared.any(|name| *name == pattern.text) {
                return None;
            }
            let at = binder.find(pattern)?;
            let holder = fields.iter().find(|field| field.columns.contains(&at));
            match holder.map(|field| (field, &field.kind)) {
                None | Some((_, BoundKind::Words)) => return Some(at),
                Some((field, BoundKind::Numbers | BoundKind::Indicators)) => Some(field),
            }
        }
    };
    if let Some(field) = numbers {
        let place = spec.columns[field.declared].name.span;
        binder.faults.push(
            Diagnostic::new(
                Code::BadSplit,
                pattern.span,
                format!(
                    "a split cannot be stratified by `{}`, a number",
                    pattern.text
                ),
            )
            .label("not a category")
            .also(place, "declared as a number here"),
        );
    }
    None
}
