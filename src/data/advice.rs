//! What the table suggests about a model: warnings before its training.

use crate::compile::Compiled;
use crate::data::prepare::{Preparation, PreparedKind};
use crate::data::spec::{ColumnKind, DataSpec, Normalize, Number, Role, Split};
use crate::data::split::Division;
use crate::data::table::{Part, Table, TableField, Values};
use crate::diagnostics::{Code, Diagnostic, listed};
use crate::resolve::loss::OutputRange;

/// Prepared inputs that spread wider than this, as their standard deviation, train badly at usual
/// learning rates: gradients grow with the square of the inputs.
const WIDE_SPREAD: f64 = 10.0;

/// Rows that are looked at for the spread, evenly over the training rows.
const MOST_ROWS: usize = 1_000;

/// Adds to a model that will be trained what its training rows say against inputs, targets and the
/// split.
pub fn advise(
    compiled: &mut Compiled,
    table: &Table,
    division: &Division,
    preparation: &Preparation,
) {
    let of_table = compiled.declaration.unsilenced(table.advice.clone());
    compiled.advice.extend(of_table);
    let (Some(_), Some(loss)) = (&compiled.train, &compiled.loss) else {
        return;
    };
    let spec = &compiled.declaration.data;
    let mut advice = Vec::new();
    let step = division.train.len().div_ceil(MOST_ROWS).max(1);
    let rows: Vec<u32> = division.train.iter().copied().step_by(step).collect();
    for field in table.fields_of(Role::Input) {
        advice.extend(wide_spread(table, spec, field, &rows));
    }
    for (field, output) in table.fields_of(Role::Target).zip(&loss.outputs) {
        if let Some(range) = output.range {
            let column = &spec.columns[field.declared].kind;
            advice.extend(out_of_reach(
                table,
                division,
                preparation,
                field,
                column,
                range,
            ));
        }
        advice.extend(class_without_rows(spec, division, field));
    }
    let advice = compiled.declaration.unsilenced(advice);
    compiled.advice.extend(advice);
}

/// An input of numbers as they stand in the file, which spread wide.
fn wide_spread(
    table: &Table,
    spec: &DataSpec,
    field: &TableField,
    rows: &[u32],
) -> Option<Diagnostic> {
    let column = &spec.columns[field.declared];
    let Values::Numbers(places) = &field.values else {
        return None;
    };
    let number: Number = match &column.kind {
        ColumnKind::Number(number) | ColumnKind::Vector(number) => *number,
        ColumnKind::Category(_) => return None,
    };
    if number.normalize != Normalize::None {
        return None;
    }
    let mut sums = vec![(0.0, 0.0); places.len()];
    let mut lookup = table.numbers.lookup();
    // Differences from the first row: squares of large numbers would drown what differs.
    let first = lookup.row(*rows.first()? as usize)[places.clone()].to_vec();
    for row in rows {
        let values = &lookup.row(*row as usize)[places.clone()];
        for (((sum, squares), value), first) in sums.iter_mut().zip(values).zip(&first) {
            let value = value - first;
            *sum += value;
            *squares += value * value;
        }
    }
    let count = rows.len().max(1) as f64;
    let spreads = sums.iter().map(|(sum, squares)| {
        let variance = squares / count - (sum / count).powi(2);
        number.scale.abs() * variance.max(0.0).sqrt()
    });
    let spread = spreads.fold(0.0, f64::max);
    if spread <= WIDE_SPREAD {
        return None;
    }
    let name = &field.name;
    Some(
        Diagnostic::new(
            Code::WideInput,
            column.name.span,
            format!("the numbers of `{name}` spread widely, and are not normalised"),
        )
        .label(format!("standard deviation {}", in_short(spread)))
        .help("write `number(normalize = zscore)`, or divide them by a `scale`"),
    )
}

fn in_short(value: f64) -> String {
    if value.abs() >= 1e7 {
        return format!("{value:.2e}");
    }
    let digits = (2.0 - value.abs().log10().floor()).clamp(0.0, 6.0) as usize;
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// A target of numbers that the network's last function cannot give.
fn out_of_reach(
    table: &Table,
    division: &Division,
    preparation: &Preparation,
    field: &TableField,
    column: &ColumnKind,
    range: OutputRange,
) -> Option<Diagnostic> {
    let Values::Numbers(places) = &field.values else {
        return None;
    };
    let mut prepared = preparation.fields_of(Role::Target);
    let prepared = prepared.find(|prepared| prepared.name == field.name)?;
    let PreparedKind::Numbers(columns) = &prepared.kind else {
        return None;
    };
    let mut lookup = table.numbers.lookup();
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for row in &division.train {
        let values = &lookup.row(*row as usize)[places.clone()];
        for (value, column) in values.iter().zip(columns) {
            let value = column.prepare(*value);
            (low, high) = (low.min(value), high.max(value));
        }
    }
    if low >= range.low && high <= range.high {
        return None;
    }
    let normalize = match column {
        ColumnKind::Number(number) | ColumnKind::Vector(number) => number.normalize,
        ColumnKind::Category(_) => Normalize::None,
    };
    let help = match normalize {
        Normalize::None => {
            "leave the last function away, or prepare the target with `normalize` or `scale`"
        }
        Normalize::ZScore if range.low <= 0.0 && range.high >= 1.0 => {
            "leave the last function away, or write `normalize = minmax`, which gives 0 to 1"
        }
        Normalize::ZScore | Normalize::MinMax => "leave the last function away",
    };
    let bounds = match (range.low.is_finite(), range.high.is_finite()) {
        (true, true) => format!("from {} to {}", in_short(range.low), in_short(range.high)),
        (true, false) => format!("of at least {}", in_short(range.low)),
        (false, _) => format!("of at most {}", in_short(range.high)),
    };
    Some(
        Diagnostic::new(
            Code::OutOfReach,
            range.span,
            format!(
                "the network gives numbers {bounds}, which not all of `{}` are",
                field.name
            ),
        )
        .label(format!(
            "the target goes from {} to {} in training",
            in_short(low),
            in_short(high)
        ))
        .help(help),
    )
}

/// A category some of whose values a part of the table does not have.
fn class_without_rows(
    spec: &DataSpec,
    division: &Division,
    field: &TableField,
) -> Option<Diagnostic> {
    let Values::Category { codes, values } = &field.values else {
        return None;
    };
    let missing = Part::ALL.into_iter().find_map(|part| {
        let mut seen = vec![false; values.len()];
        let rows = division.part(part);
        rows.iter()
            .for_each(|row| seen[codes[*row as usize] as usize] = true);
        let missing: Vec<(usize, &str)> = values
            .iter()
            .map(String::as_str)
            .enumerate()
            .filter(|(class, _)| !seen[*class])
            .collect();
        (!rows.is_empty() && !missing.is_empty()).then_some((part, missing))
    });
    let (part, missing) = missing?;
    let rows = match part {
        Part::Train => "training",
        Part::Validate => "validation",
        Part::Test => "test",
    };
    let name = &field.name;
    let fault = Diagnostic::new(
        Code::MissingClass,
        spec.columns[field.declared].name.span,
        format!(
            "no {rows} row has the `{name}` {}",
            listed(missing.iter().map(|(_, value)| *value))
        ),
    )
    .label(format!("of {} values", values.len()));
    let anywhere = |class: &usize| codes.iter().any(|code| *code as usize == *class);
    if !missing.iter().any(|(class, _)| anywhere(class)) {
        return Some(
            fault.help("nor has any other row of the table: shorten `values`, or add rows"),
        );
    }
    Some(fault.help(match (&spec.split, part) {
        (Split::Column { name: column, .. }, _) => {
            format!("let the column `{}` give each part rows of each", column.text)
        }
        (Split::Ordered { .. }, _) => format!(
            "`ordered` takes the rows as they stand; `random` with `stratify = {name}` gives each part its share"
        ),
        (
            Split::Random {
                stratify: Some(_), ..
            },
            _,
        ) => "its rows are too few for all parts: add rows, or remove the value".to_owned(),
        (Split::None | Split::Random { .. }, Part::Train) => format!(
            "the network cannot learn what it is not shown; write `stratify = {name}` in the split"
        ),
        (Split::None | Split::Random { .. }, Part::Validate | Part::Test) => {
            format!("write `stratify = {name}` in the split, and each part gets its share")
        }
    }))
}
