//! From the grammar's pairs to the AST.

mod expression;

use std::ops::Range;

use pest::iterators::{Pair, Pairs};

use super::ast::{
    BlockParameter, ColumnName, Expr, ExprKind, Name, Section, Statement, StatementKind,
};
use super::layout::GrammarText;
use super::parse::Rule;
use super::token::TokenKind;
use crate::diagnostics::{Code, Diagnostic, FileId, Span};

pub(super) struct Lowerer<'l> {
    layout: &'l GrammarText,
    /// Bytes at which something was left out, in their order.
    damaged: &'l [usize],
    file: FileId,
    depth: usize,
    pub faults: Vec<Diagnostic>,
    /// Statements that did not parse to their end, as ranges of the layout's text.
    pub broken: Vec<Range<usize>>,
}

/// What may stand right of `->`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stages {
    /// Layers, blocks, `repeat` and `residual`.
    Layers,
    /// Any value: the widths of `Linear(1 -> 8)`.
    Values,
}

impl<'l> Lowerer<'l> {
    pub fn new(layout: &'l GrammarText, damaged: &'l [usize], file: FileId) -> Self {
        Lowerer {
            layout,
            damaged,
            file,
            depth: 0,
            faults: Vec::new(),
            broken: Vec::new(),
        }
    }

    /// The statements of a parsed `file`.
    pub fn file(&mut self, mut pairs: Pairs<'_, Rule>) -> Vec<Statement> {
        let file = pairs.next().expect("a parse gives one pair");
        self.items(file.into_inner())
    }

    /// The value of a parsed `one_value`.
    pub fn value(&mut self, mut pairs: Pairs<'_, Rule>) -> Expr {
        let value = pairs.next().expect("a parse gives one pair");
        self.flow(child(value, Rule::flow), Stages::Layers)
    }

    fn span(&self, pair: &Pair<'_, Rule>) -> Span {
        let range = pair.as_span().start()..pair.as_span().end();
        Span::new(self.file, self.layout.source_range(range))
    }

    fn items(&mut self, pairs: Pairs<'_, Rule>) -> Vec<Statement> {
        let mut statements = Vec::new();
        for item in pairs.filter(|pair| pair.as_rule() == Rule::item) {
            let range = item.as_span().start()..item.as_span().end();
            let mut inner = item.into_inner();
            let first = inner.next().expect("an item is not empty");
            if first.as_rule() == Rule::junk {
                self.broken.push(range);
                continue;
            }
            let clear = match inner.next() {
                None => true,
                Some(junk) => {
                    self.broken.push(range);
                    first.as_rule() == Rule::section || junk.as_str().starts_with(',')
                }
            };
            let statement = self.statement(first);
            statements.extend(statement.filter(|_| clear));
        }
        statements
    }

    fn body(&mut self, pair: Pair<'_, Rule>) -> Vec<Statement> {
        self.items(pair.into_inner())
    }

    /// None when the statement has a fault of its own, which is reported here.
    fn statement(&mut self, pair: Pair<'_, Rule>) -> Option<Statement> {
        let faults_before = self.faults.len();
        let span = self.span(&pair);
        let kind = match pair.as_rule() {
            Rule::section => StatementKind::Section(self.section(pair)),
            Rule::param => {
                let (name, value) = self.setting(pair);
                StatementKind::Param { name, value }
            }
            Rule::import => {
                let path = child(pair, Rule::string);
                StatementKind::Use {
                    path: Name {
                        text: self.string(&path),
                        span: self.span(&path),
                    },
                }
            }
            Rule::assign => {
                let (name, value) = self.setting(pair);
                StatementKind::Assign { name, value }
            }
            Rule::declare => {
                let kind = self.declare(pair);
                // A sign that was left out behind the word most likely made an expression of them.
                if let StatementKind::Declare { keyword, names, .. } = &kind
                    && self.is_damaged(keyword.span.to(names[0].span))
                {
                    return None;
                }
                kind
            }
            Rule::line => StatementKind::Line(self.flow(child(pair, Rule::flow), Stages::Layers)),
            rule => unreachable!("{rule:?} is no statement of the grammar"),
        };
        // A section stays, with those of its statements that have no fault.
        let whole = self.faults.len() == faults_before;
        let keep = whole || matches!(kind, StatementKind::Section(_));
        keep.then_some(Statement { kind, span })
    }

    fn is_damaged(&self, span: Span) -> bool {
        let range = span.range();
        let first = self.damaged.partition_point(|byte| *byte < range.start);
        self.damaged
            .get(first)
            .is_some_and(|byte| *byte < range.end)
    }

    fn setting(&mut self, pair: Pair<'_, Rule>) -> (Name, Expr) {
        let mut name = None;
        let mut value = None;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::word => name = Some(self.name(&part)),
                Rule::flow => value = Some(self.flow(part, Stages::Layers)),
                _ => {}
            }
        }
        name.zip(value).expect("a setting has a name and a value")
    }

    fn section(&mut self, pair: Pair<'_, Rule>) -> Section {
        let mut words = Vec::new();
        let mut section = Section {
            keyword: Name {
                text: String::new(),
                span: self.span(&pair),
            },
            selector: None,
            name: None,
            parameters: Vec::new(),
            body: Vec::new(),
        };
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::word => words.push(self.name(&part)),
                Rule::string => section.selector = Some(self.column(&part)),
                Rule::parameters => section.parameters = self.parameters(part),
                Rule::body => section.body = self.body(part),
                rule => unreachable!("{rule:?} is no part of a section"),
            }
        }
        let mut words = words.into_iter();
        section.keyword = words.next().expect("a section begins with a word");
        section.name = words.next();
        section
    }

    fn parameters(&mut self, pair: Pair<'_, Rule>) -> Vec<BlockParameter> {
        let parameters = pair
            .into_inner()
            .filter(|part| part.as_rule() == Rule::parameter);
        let mut result = Vec::new();
        for parameter in parameters {
            let mut name = None;
            let mut default = None;
            for part in parameter.into_inner() {
                match part.as_rule() {
                    Rule::word => name = Some(self.name(&part)),
                    Rule::flow => default = Some(self.flow(part, Stages::Layers)),
                    _ => {}
                }
            }
            let name = name.expect("a parameter has a name");
            result.push(BlockParameter { name, default });
        }
        result
    }

    fn declare(&mut self, pair: Pair<'_, Rule>) -> StatementKind {
        let mut keyword = None;
        let mut names = Vec::new();
        let mut kind = None;
        let mut from = None;
        for part in pair.into_inner() {
            match part.as_rule() {
                Rule::word => keyword = Some(self.name(&part)),
                Rule::column => names.push(self.column(&only_child(part))),
                Rule::flow => kind = Some(self.flow(part, Stages::Layers)),
                Rule::string => from = Some(self.column(&part)),
                _ => {}
            }
        }
        if let Some(Expr {
            kind: ExprKind::Labelled { label, .. },
            ..
        }) = &kind
        {
            let fault = Diagnostic::new(Code::Syntax, label.span, "a declaration has one `:`")
                .label("a name with a second `:`")
                .help("several names are declared together with `,` between them");
            self.faults.push(fault);
        }
        StatementKind::Declare {
            keyword: keyword.expect("a declaration begins with a word"),
            names,
            kind,
            from,
        }
    }

    fn name(&self, pair: &Pair<'_, Rule>) -> Name {
        Name {
            text: pair.as_str().to_string(),
            span: self.span(pair),
        }
    }

    fn column(&self, pair: &Pair<'_, Rule>) -> ColumnName {
        let quoted = pair.as_rule() == Rule::string;
        ColumnName {
            text: if quoted {
                self.string(pair)
            } else {
                pair.as_str().to_string()
            },
            quoted,
            span: self.span(pair),
        }
    }

    fn token(&self, pair: &Pair<'_, Rule>) -> &TokenKind {
        let index = self.layout.first_from(pair.as_span().start());
        &self.layout.tokens[index].kind
    }

    fn string(&self, pair: &Pair<'_, Rule>) -> String {
        match self.token(pair) {
            TokenKind::Text(text) => text.clone(),
            token => unreachable!("the layout writes a string for {token:?}"),
        }
    }
}

fn child<'i>(pair: Pair<'i, Rule>, rule: Rule) -> Pair<'i, Rule> {
    pair.into_inner()
        .find(|part| part.as_rule() == rule)
        .expect("the grammar gives this pair this child")
}

fn only_child(pair: Pair<'_, Rule>) -> Pair<'_, Rule> {
    pair.into_inner()
        .next()
        .expect("the grammar gives this pair a child")
}
