//! The parameters that a place sees: the `param`s of its file, and those of the block around it.

use std::collections::HashMap;
use std::sync::Arc;

use crate::diagnostics::Span;
use crate::syntax::ast::Expr;

/// What a parameter stands for, and where it is declared.
pub type ParameterValue = (Expr, Span);

/// Parameters by their names. The file's are shared: a network applies a thousand blocks of one file.
#[derive(Clone, Debug, Default)]
pub struct Parameters {
    file: Arc<HashMap<String, ParameterValue>>,
    /// Those of a block and the indices of repetitions, which no `param` of the file is called like.
    own: HashMap<String, ParameterValue>,
}

impl Parameters {
    pub fn get(&self, name: &str) -> Option<&ParameterValue> {
        self.own.get(name).or_else(|| self.file.get(name))
    }

    /// The same, with the name as it is kept here.
    pub fn get_key_value(&self, name: &str) -> Option<(&String, &ParameterValue)> {
        let own = self.own.get_key_value(name);
        own.or_else(|| self.file.get_key_value(name))
    }

    pub fn contains_key(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&String, &ParameterValue)> {
        self.file.iter().chain(&self.own)
    }

    pub fn keys(&self) -> impl Iterator<Item = &String> {
        self.iter().map(|(name, _)| name)
    }

    pub fn len(&self) -> usize {
        self.file.len() + self.own.len()
    }

    /// Adds a `param` of the file, unless there is one of the name.
    pub fn declare(&mut self, name: &str, bound: ParameterValue) {
        let file = Arc::make_mut(&mut self.file);
        file.entry(name.to_owned()).or_insert(bound);
    }

    /// What a `param` of the file stands for, to be replaced.
    pub fn declared_mut(&mut self, name: &str) -> Option<&mut ParameterValue> {
        Arc::make_mut(&mut self.file).get_mut(name)
    }

    /// Adds a parameter of a block, or an index.
    pub fn insert(&mut self, name: String, bound: ParameterValue) {
        self.own.insert(name, bound);
    }

    /// Removes a parameter of a block, or an index.
    pub fn remove(&mut self, name: &str) {
        self.own.remove(name);
    }
}
