//! Long tests of many items, of which a run tries a share ([`support::campaign`]): random networks by plan and by
//! reference evaluator, every misspelt word, texts that nobody would write.

#[path = "../support/mod.rs"]
mod support;

mod drawn;
mod faults_robust;
mod forms;
mod mutations;
mod reference;
mod share;
mod steps;
mod syntax_robust;
mod workers;
