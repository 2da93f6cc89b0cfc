//! The text of a model as a tree: what was written and where, nothing more.
//!
//! The AST knows no layer, loss or column; it knows sections, declarations, settings, pipelines,
//! calls and literals. Meaning is given by `resolve`.

use crate::diagnostics::Span;

/// A whole `.nn` file.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct File {
    pub statements: Vec<Statement>,
    /// All comments, in the order of the text, without the `#`.
    pub comments: Vec<Comment>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Comment {
    pub text: String,
    pub span: Span,
}

/// A word or a dotted path as it was written, such as `t_u`, `Linear` or `embed.weight`.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Name {
    pub text: String,
    pub span: Span,
}

/// A name of a column: a word or a string; a string may be a glob.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ColumnName {
    pub text: String,
    pub quoted: bool,
    pub span: Span,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Statement {
    pub kind: StatementKind,
    pub span: Span,
}

#[derive(Clone, PartialEq, Debug)]
pub enum StatementKind {
    /// `key = value` in any section; `h = x -> Linear(8)` in a body; `allow = […]` at top level.
    Assign { name: Name, value: Expr },
    /// `param width = 64`.
    Param { name: Name, value: Expr },
    /// `use "blocks.nn"`.
    Use { path: Name },
    /// `input a, "b c": number(scale = 2) from "x*"`, `ignore id`, `shared enc: Linear(64)`:
    /// a keyword, the names it declares, what they are, and the columns they are taken from.
    Declare {
        keyword: Name,
        names: Vec<ColumnName>,
        kind: Option<Expr>,
        from: Option<ColumnName>,
    },
    /// A line of a body: a value, a layer or a pipeline.
    Line(Expr),
    /// `word { … }`, `word "glob" { … }`, `word Name(a, b = 2) { … }`.
    Section(Section),
}

#[derive(Clone, PartialEq, Debug)]
pub struct Section {
    pub keyword: Name,
    /// The string after the keyword, as in `params "*.bias" { … }`.
    pub selector: Option<ColumnName>,
    /// The name after the keyword, as in `block Dense(out) { … }`.
    pub name: Option<Name>,
    pub parameters: Vec<BlockParameter>,
    pub body: Vec<Statement>,
}

/// A parameter of a block.
#[derive(Clone, PartialEq, Debug)]
pub struct BlockParameter {
    pub name: Name,
    pub default: Option<Expr>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

#[derive(Clone, PartialEq, Debug)]
pub enum ExprKind {
    /// A number; of a percentage, the fraction (`20%` is 0.2). `integer` is the exact value of a
    /// literal without point, exponent or percent sign.
    Number {
        value: f64,
        integer: Option<u64>,
        percent: bool,
    },
    Text(String),
    Bool(bool),
    /// A word or a dotted path.
    Name(String),
    List(Vec<Expr>),
    Call {
        name: Name,
        arguments: Vec<Argument>,
    },
    Negate(Box<Expr>),
    Binary {
        operator: Operator,
        operator_span: Span,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// `head -> stage -> stage`; never without a stage. In an argument, `1 -> 8` is one too.
    Pipeline {
        head: Box<Expr>,
        stages: Vec<Expr>,
    },
    /// `label: Layer(args)`: one stage with a name of its own.
    Labelled {
        label: Name,
        stage: Box<Expr>,
    },
    /// `repeat 4 as i { … }`.
    Repeat {
        count: Box<Expr>,
        index: Option<Name>,
        body: Vec<Statement>,
    },
    /// `residual { … }`.
    Residual {
        body: Vec<Statement>,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
}

impl Operator {
    pub fn symbol(self) -> &'static str {
        match self {
            Operator::Add => "+",
            Operator::Subtract => "-",
            Operator::Multiply => "*",
            Operator::Divide => "/",
        }
    }
}

#[derive(Clone, PartialEq, Debug)]
pub struct Argument {
    pub name: Option<Name>,
    pub value: Expr,
}
