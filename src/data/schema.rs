//! The [`Schema`]: what the compiler knows of a table, before or after it is read.

use crate::data::category::{PreparedCategory, PreparedUnknown};
use crate::data::prepare::{Preparation, PreparedKind};
use crate::data::spec::{
    ColumnKind, ColumnSpec, DataSpec, Field, FieldKind, Others, Role, Schema, SplitRows, Unknown,
};
use crate::data::table::{Table, Values};

/// What is known without a table. A glob without `from` is one field under the glob's own text, since
/// the columns it takes are not known.
pub fn schema_from_spec(spec: &DataSpec) -> Schema {
    let fields = |role| {
        let declared = spec
            .columns
            .iter()
            .filter(move |column| column.role == role);
        declared.flat_map(|column| {
            let kind = match &column.kind {
                ColumnKind::Number(_) => FieldKind::Numbers {
                    width: (!column.name.glob).then_some(1),
                },
                ColumnKind::Vector(_) => FieldKind::Numbers { width: None },
                ColumnKind::Category(_) | ColumnKind::Boolean(_) => words_kind(column),
            };
            let indicator = column.kind.number().filter(|number| number.indicator);
            let indicator = indicator.map(|_| {
                let name = format!("{}.missing", column.name.text);
                field(name, column, kind.clone())
            });
            let own = field(column.name.text.clone(), column, kind);
            std::iter::once(own).chain(indicator)
        })
    };
    Schema {
        inputs: fields(Role::Input).collect(),
        targets: fields(Role::Target).collect(),
        rows: None,
    }
}

/// What is known with a table of which nothing was learned: each column that a glob without `from` takes
/// is a field, and categories are as the model lists them.
pub fn schema_of_table(spec: &DataSpec, table: &Table) -> Schema {
    let fields = |role| {
        let read = table.fields_of(role);
        read.map(|read| {
            let column = &spec.columns[read.declared];
            let kind = match &read.values {
                Values::Numbers(places) | Values::Indicators(places) => FieldKind::Numbers {
                    width: Some(places.len()),
                },
                Values::Words { .. } => words_kind(column),
            };
            field(read.name.clone(), column, kind)
        })
    };
    Schema {
        inputs: fields(Role::Input).collect(),
        targets: fields(Role::Target).collect(),
        rows: None,
    }
}

/// What is known with what was learned of the model's table.
///
/// # Panics
/// The preparation was learned for another model.
pub fn schema(spec: &DataSpec, preparation: &Preparation, rows: SplitRows) -> Schema {
    let schema = preparation.schema(spec);
    Schema {
        rows: Some(rows),
        ..schema.expect("the preparation of this model")
    }
}

impl Preparation {
    /// What is known of the table that a run was trained on, for compiling its model again. `None` if
    /// the model does not declare what the run was trained with.
    pub fn schema(&self, spec: &DataSpec) -> Option<Schema> {
        let fields = |role| {
            let learned = self.fields_of(role);
            learned
                .map(|learned| {
                    let column = spec.columns.iter().find(|column| {
                        column.role == role && column.name.text == learned.declared
                    })?;
                    let numbers = column.kind.number().is_some();
                    let kind = match &learned.kind {
                        PreparedKind::Numbers(columns) if numbers => FieldKind::Numbers {
                            width: Some(columns.len()),
                        },
                        PreparedKind::Indicators(columns) if numbers => FieldKind::Numbers {
                            width: Some(columns.len()),
                        },
                        PreparedKind::Category(category) if !numbers => {
                            known_words(column, category)
                        }
                        PreparedKind::Numbers(_)
                        | PreparedKind::Indicators(_)
                        | PreparedKind::Category(_) => return None,
                    };
                    Some(field(learned.name.clone(), column, kind))
                })
                .collect::<Option<Vec<Field>>>()
        };
        Some(Schema {
            inputs: fields(Role::Input)?,
            targets: fields(Role::Target)?,
            rows: None,
        })
    }
}

/// What a column of words is, of which nothing was learned.
fn words_kind(column: &ColumnSpec) -> FieldKind {
    let input = column.role == Role::Input;
    match &column.kind {
        ColumnKind::Category(category) if !(category.ordered && input) => {
            // How many values `unknown` adds is a matter of the rows.
            let settled = category.unknown.is_none() && category.min_count.is_none();
            let values = category.values.as_ref().filter(|_| settled);
            FieldKind::Category {
                classes: values.map(Vec::len),
                embed: category.embed,
                others: others(category.unknown == Some(Unknown::Zero)),
            }
        }
        ColumnKind::Boolean(_) if !input => FieldKind::Category {
            classes: Some(2),
            embed: None,
            others: Others::Learned,
        },
        ColumnKind::Category(_)
        | ColumnKind::Boolean(_)
        | ColumnKind::Number(_)
        | ColumnKind::Vector(_) => FieldKind::Numbers { width: Some(1) },
    }
}

/// What a column of words is, of which this was learned.
fn known_words(column: &ColumnSpec, category: &PreparedCategory) -> FieldKind {
    let embed = match &column.kind {
        ColumnKind::Category(declared) => declared.embed,
        ColumnKind::Boolean(_) | ColumnKind::Number(_) | ColumnKind::Vector(_) => None,
    };
    if category.ordered {
        return FieldKind::Numbers { width: Some(1) };
    }
    FieldKind::Category {
        classes: Some(category.indices()),
        embed,
        others: match category.unknown {
            PreparedUnknown::Zero => Others::Zeros,
            PreparedUnknown::Own { trained: false } => Others::Untrained,
            PreparedUnknown::Own { trained: true }
            | PreparedUnknown::Refused
            | PreparedUnknown::Value(_) => Others::Learned,
        },
    }
}

fn others(zeros: bool) -> Others {
    if zeros {
        Others::Zeros
    } else {
        Others::Learned
    }
}

fn field(name: String, column: &ColumnSpec, kind: FieldKind) -> Field {
    Field {
        name,
        span: column.name.span,
        kind,
    }
}
