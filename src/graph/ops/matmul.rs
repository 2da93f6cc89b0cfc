//! `MatMul`: products of two matrices, the batch and any further leading axes taken as rows.

use super::Op;
use crate::graph::reference::Tensor;
use crate::graph::shape::Shape;
use crate::graph::{Graph, ShapeFault, ValueId};

/// Which operand is transposed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum MatMulForm {
    /// a · bᵀ: `[batch, in] · [out, in]ᵀ`, the forward of Linear.
    RightTransposed,
    /// a · b: `[batch, out] · [out, in]`, the gradient of Linear's input.
    Plain,
    /// aᵀ · b: `[batch, out]ᵀ · [batch, in]`, the gradient of Linear's weight.
    LeftTransposed,
}

pub fn shape(form: MatMulForm, operands: &[&Shape]) -> Result<Shape, ShapeFault> {
    let [a, b] = [operands[0], operands[1]];
    let fault = || {
        Err(ShapeFault(format!(
            "the shapes {a} and {b} cannot be multiplied"
        )))
    };
    match form {
        MatMulForm::RightTransposed | MatMulForm::Plain => {
            if b.batch || b.dims.len() != 2 || a.dims.is_empty() {
                return fault();
            }
            let (inner, outer) = match form {
                MatMulForm::RightTransposed => (&b.dims[1], &b.dims[0]),
                MatMulForm::Plain | MatMulForm::LeftTransposed => (&b.dims[0], &b.dims[1]),
            };
            if !a.width().fits(inner) {
                return fault();
            }
            let mut shape = a.clone();
            *shape.dims.last_mut().expect("a has an axis") = outer.clone();
            Ok(shape)
        }
        MatMulForm::LeftTransposed => {
            let leading = a.dims.len().checked_sub(1);
            if a.batch == b.batch && leading == b.dims.len().checked_sub(1) && leading.is_some() {
                Ok(Shape::fixed([a.width(), b.width()]))
            } else {
                fault()
            }
        }
    }
}

pub fn gradient(
    form: MatMulForm,
    graph: &mut Graph,
    operands: &[ValueId],
    dy: ValueId,
    wanted: &[bool],
) -> Vec<Option<ValueId>> {
    use MatMulForm::{LeftTransposed, Plain, RightTransposed};
    let [a, b] = [operands[0], operands[1]];
    // The gradient of the data stands before that of the weight, so that an update in the weight's
    // own kernel comes after the last use of the old weight.
    let [(da_form, da), (db_form, db)] = match form {
        RightTransposed => [(Plain, [dy, b]), (LeftTransposed, [dy, a])],
        Plain => [(RightTransposed, [dy, b]), (LeftTransposed, [a, dy])],
        LeftTransposed => [(RightTransposed, [b, dy]), (Plain, [a, dy])],
    };
    let left = wanted[0].then(|| graph.push(Op::MatMul(da_form), &da));
    let right = wanted[1].then(|| graph.push(Op::MatMul(db_form), &db));
    vec![left, right]
}

pub fn evaluate(form: MatMulForm, operands: &[&Tensor]) -> Tensor {
    let [a, b] = [operands[0], operands[1]];
    let (a_rows, a_width) = (a.rows(), a.width());
    let (b_rows, b_width) = (b.rows(), b.width());
    let (rows, inner, columns) = match form {
        MatMulForm::RightTransposed => (a_rows, a_width, b_rows),
        MatMulForm::Plain => (a_rows, a_width, b_width),
        MatMulForm::LeftTransposed => (a_width, a_rows, b_width),
    };
    let mut shape = match form {
        MatMulForm::LeftTransposed => vec![rows, columns],
        MatMulForm::RightTransposed | MatMulForm::Plain => a.shape.clone(),
    };
    *shape.last_mut().expect("a has an axis") = columns;
    let mut data = Vec::with_capacity(rows * columns);
    for row in 0..rows {
        for column in 0..columns {
            let sum = (0..inner).map(|k| match form {
                MatMulForm::RightTransposed => {
                    a.data[row * a_width + k] * b.data[column * b_width + k]
                }
                MatMulForm::Plain => a.data[row * a_width + k] * b.data[k * b_width + column],
                MatMulForm::LeftTransposed => {
                    a.data[k * a_width + row] * b.data[k * b_width + column]
                }
            });
            data.push(sum.sum());
        }
    }
    Tensor { shape, data }
}

pub fn text(form: MatMulForm, operands: &[String]) -> String {
    let bracket = |text: &String| {
        if text.contains(' ') {
            format!("({text})")
        } else {
            text.clone()
        }
    };
    let [a, b] = [bracket(&operands[0]), bracket(&operands[1])];
    match form {
        MatMulForm::RightTransposed => format!("{a} · {b}ᵀ"),
        MatMulForm::Plain => format!("{a} · {b}"),
        MatMulForm::LeftTransposed => format!("{a}ᵀ · {b}"),
    }
}
