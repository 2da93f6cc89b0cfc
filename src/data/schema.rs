//! The [`Schema`]: what the compiler knows of a table, before or after it is read.

use crate::data::prepare::{Preparation, PreparedKind};
use crate::data::spec::{
    ColumnKind, ColumnSpec, DataSpec, Field, FieldKind, Role, Schema, SplitRows,
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
        declared.map(|column| {
            let kind = match &column.kind {
                ColumnKind::Number(_) => FieldKind::Numbers {
                    width: (!column.name.glob).then_some(1),
                },
                ColumnKind::Vector(_) => FieldKind::Numbers { width: None },
                ColumnKind::Category(category) => FieldKind::Category {
                    classes: category.values.as_ref().map(Vec::len),
                    embed: category.embed,
                },
            };
            field(column.name.text.clone(), column, kind)
        })
    };
    Schema {
        inputs: fields(Role::Input).collect(),
        targets: fields(Role::Target).collect(),
        rows: None,
    }
}

/// What is known with a table: each column that a glob without `from` takes is a field.
pub fn schema(spec: &DataSpec, table: &Table, rows: SplitRows) -> Schema {
    let fields = |role| {
        let read = table.fields.iter().filter(move |field| field.role == role);
        read.map(|read| {
            let column = &spec.columns[read.declared];
            let size = match &read.values {
                Values::Numbers(columns) => columns.len(),
                Values::Category { values, .. } => values.len(),
            };
            field(read.name.clone(), column, known_kind(column, size))
        })
    };
    Schema {
        inputs: fields(Role::Input).collect(),
        targets: fields(Role::Target).collect(),
        rows: Some(rows),
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
                    let is_category = matches!(column.kind, ColumnKind::Category(_));
                    let size = match &learned.kind {
                        PreparedKind::Numbers(columns) if !is_category => columns.len(),
                        PreparedKind::Category { values, .. } if is_category => values.len(),
                        PreparedKind::Numbers(_) | PreparedKind::Category { .. } => return None,
                    };
                    Some(field(
                        learned.name.clone(),
                        column,
                        known_kind(column, size),
                    ))
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

/// The kind of a field of `size` columns, or of `size` category values.
fn known_kind(column: &ColumnSpec, size: usize) -> FieldKind {
    match &column.kind {
        ColumnKind::Number(_) | ColumnKind::Vector(_) => FieldKind::Numbers { width: Some(size) },
        ColumnKind::Category(category) => FieldKind::Category {
            classes: Some(size),
            embed: category.embed,
        },
    }
}

fn field(name: String, column: &ColumnSpec, kind: FieldKind) -> Field {
    Field {
        name,
        span: column.name.span,
        kind,
    }
}
