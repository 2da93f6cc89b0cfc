//! What the table suggests about a model: warnings before its training.

use crate::compile::Compiled;
use crate::data::listed_columns;
use crate::data::prepare::{Preparation, PreparedColumn, PreparedKind};
use crate::data::sentinels::{self, sentinels};
use crate::data::spec::{ColumnKind, DataSpec, Normalize, Role};
use crate::data::split::Division;
use crate::data::table::{Part, Table, TableField, Values};
use crate::data::unseen::rows_for_each_part;
use crate::data::words::{class_counts, leading_zeros};
use crate::diagnostics::{Code, Diagnostic, listed};
use crate::resolve::loss::OutputRange;

/// Prepared inputs that spread wider than this, as their standard deviation, train badly at usual
/// learning rates: gradients grow with the square of the inputs.
const WIDE_SPREAD: f64 = 10.0;

/// Rows that are looked at for the spread, evenly over the training rows.
const MOST_ROWS: usize = 1_000;

/// Rows that are looked at for numbers that stand for missing ones.
const SORTED_ROWS: usize = 10_000;

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
    let rows = |most: usize| -> Vec<u32> {
        let step = division.train.len().div_ceil(most).max(1);
        division.train.iter().copied().step_by(step).collect()
    };
    let sentinels = sentinels(table, &rows(SORTED_ROWS), &division.train);
    let training = division.train.len();
    advice.extend(sentinels::warning(&sentinels, table, spec, training));
    let rows = rows(MOST_ROWS);
    for (index, field) in table.fields.iter().enumerate() {
        // What stands for missing numbers spreads the others.
        let odd = sentinels.iter().any(|sentinel| sentinel.field() == index);
        if field.role == Role::Input && !odd {
            advice.extend(wide_spread(table, spec, field, &rows));
        }
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
        advice.extend(class_without_rows(spec, division, preparation, field));
    }
    advice.extend(constant_columns(spec, preparation));
    advice.extend(numbers_with_leading_zeros(spec, table, preparation));
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
    let number = *column.kind.number()?;
    // What is filled, cut or squeezed is not what stands in the file.
    if number.fill.is_some()
        || number.clip.is_some()
        || number.log
        || number.normalize != Normalize::None
    {
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
    let kind = match column.kind {
        ColumnKind::Vector(_) => "vector",
        ColumnKind::Number(_) | ColumnKind::Category(_) | ColumnKind::Boolean(_) => "number",
    };
    Some(
        Diagnostic::new(
            Code::WideInput,
            column.name.span,
            format!("the numbers of `{name}` spread widely, and are not normalised"),
        )
        .label(format!("standard deviation {}", in_short(spread)))
        .help(format!(
            "write `{kind}(normalize = zscore)`, or divide them by a `scale`"
        )),
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
    let normalize = column
        .number()
        .map_or(Normalize::None, |number| number.normalize);
    let help = match normalize {
        Normalize::None => {
            "remove the last function, or prepare the target with `normalize` or `scale`"
        }
        Normalize::ZScore if range.low <= 0.0 && range.high >= 1.0 => {
            "remove the last function, or write `normalize = minmax`, which gives 0 to 1"
        }
        Normalize::ZScore
        | Normalize::MinMax
        | Normalize::MaxAbs
        | Normalize::Robust
        | Normalize::Quantile
        | Normalize::Power => "remove the last function",
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

/// All inputs that are the same in every training row, and so 0.
fn constant_columns(spec: &DataSpec, preparation: &Preparation) -> Option<Diagnostic> {
    let constant = preparation.fields_of(Role::Input).flat_map(|field| {
        let columns: &[PreparedColumn] = match &field.kind {
            PreparedKind::Numbers(columns) => columns,
            PreparedKind::Indicators(_) | PreparedKind::Category(_) => &[],
        };
        let constant = columns.iter().filter(|column| column.constant);
        constant.map(|column| (&field.declared, column.name.as_str()))
    });
    let constant: Vec<(&String, &str)> = constant.collect();
    let (declared, _) = constant.first()?;
    let mut columns = spec.columns.iter();
    let column =
        columns.find(|column| column.role == Role::Input && column.name.text == **declared)?;
    let (what, are, them) = match constant.len() {
        1 => ("column is", "it is", "it"),
        _ => ("columns are", "they are", "them"),
    };
    let names: Vec<String> = constant
        .iter()
        .map(|(_, name)| (*name).to_owned())
        .collect();
    let names = listed_columns(&names);
    Some(
        Diagnostic::new(
            Code::ConstantInput,
            column.name.span,
            format!(
                "{} {what} the same in every training row: {names}",
                constant.len()
            ),
        )
        .label(format!("{are} 0 for the network, also in other rows"))
        .help(format!(
            "leave {them} out of the `data` section, or out of its globs by `ignore`"
        )),
    )
}

/// All categories that are compared as numbers, though they are written as codes are.
fn numbers_with_leading_zeros(
    spec: &DataSpec,
    table: &Table,
    preparation: &Preparation,
) -> Option<Diagnostic> {
    let found = leading_zeros(table, preparation);
    let (first, _) = found.first()?;
    let columns = found
        .iter()
        .map(|(declared, word)| format!("`{}` (`{word}`)", spec.columns[*declared].name.text));
    let columns: Vec<String> = columns.collect();
    Some(
        Diagnostic::new(
            Code::LeadingZeros,
            spec.columns[*first].name.span,
            format!(
                "written with leading zeros, and compared as numbers: {}",
                columns.join(", ")
            ),
        )
        .label("`02139` and `2139` are one value here")
        .help("write `category(exact = true)` for codes"),
    )
}

/// A category some of whose values a part of the table does not have.
fn class_without_rows(
    spec: &DataSpec,
    division: &Division,
    preparation: &Preparation,
    field: &TableField,
) -> Option<Diagnostic> {
    let Values::Words { codes, words } = &field.values else {
        return None;
    };
    let mut targets = preparation.fields_of(Role::Target);
    let prepared = targets.find(|prepared| prepared.name == field.name)?;
    let PreparedKind::Category(category) = &prepared.kind else {
        return None;
    };
    let values = &category.values;
    // A class without training rows is a fault of its own.
    let missing = [Part::Validate, Part::Test].into_iter().find_map(|part| {
        let counts = class_counts(category, codes, words, division, part);
        let missing = values.iter().map(String::as_str).zip(counts);
        let missing = missing
            .filter(|(_, count)| *count == 0)
            .map(|(value, _)| value);
        let missing: Vec<&str> = missing.collect();
        (!division.part(part).is_empty() && !missing.is_empty()).then_some((part, missing))
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
            listed(missing.iter().copied())
        ),
    )
    .label(format!("of {} values", values.len()));
    Some(fault.help(rows_for_each_part(&spec.split, &field.name)))
}
