//! What several workers do, made bad: the verifier of actions refuses it.

use crate::diagnostics::Sources;
use crate::kernels::Executable;
use crate::kernels::action::{Action, ActionOperand, Actions, Address};
use crate::kernels::arena::AddressSpace;
use crate::kernels::verify::{Spaces, verify_actions};
use crate::plan::Target;
use crate::{ModelSource, compile};

const RICH: &str = include_str!("../../../tests/cases/verifiers/rich.nn");

/// Weights whose rows several workers share, and copies that are stored late.
const WIDE: &str = "
    data { input x, z: number; target y: number }
    net { a: Linear(300) -> Tanh; b: Linear(200) -> ReLU; c: Linear(1) }
    train { loss = MSE; optimizer = Adam(lr = 1e-3); epochs = 1; batch = 96 }
";

/// Layers whose results are kept as the kernels give them.
const PLAIN: &str = "
    data { input x, z: number; target y: number }
    net { a: Linear(40); b: Linear(30); c: Linear(1) }
    train { loss = MSE; optimizer = SGD(lr = 1e-3); epochs = 1; batch = 96 }
";

type Workers = Vec<Actions<f32>>;

/// What workers do in one training step of a model, its rows read where they lie.
fn linked(model: &str, workers: usize) -> (Workers, Spaces) {
    let mut sources = Sources::new();
    let file = sources.add("model.nn", model);
    let compiled = compile(&ModelSource::new(&sources, file), None, Target::Reference).unwrap();
    let plan = &compiled.train.as_ref().unwrap().plan;
    let rows = plan.batch.unwrap();
    let kernels = plan.kernels();
    let executable = Executable::new(&kernels, compiled.arena_elements, rows);
    let mut executable = executable.unwrap();
    executable.read_in_place(plan.inputs, plan.targets);
    executable.actions(rows, workers)
}

fn refusal(workers: &Workers, spaces: Spaces) -> Option<String> {
    let violation = verify_actions(workers, spaces).err()?;
    assert!(violation.text.contains("\n> ") || violation.text.starts_with('>'));
    Some(violation.rule)
}

#[test]
fn what_is_linked_is_accepted() {
    for model in [RICH, WIDE, PLAIN] {
        for workers in [1, 2, 3, 5, 8] {
            let (actions, spaces) = linked(model, workers);
            assert_eq!(refusal(&actions, spaces), None, "{workers} workers");
        }
    }
}

/// Blocks of actions, those that are done once each by itself.
type Blocks = Vec<(usize, Vec<Action<f32>>)>;

fn blocks(actions: &Actions<f32>) -> Blocks {
    let mut blocks = Blocks::new();
    for block in &actions.repeats {
        let of_block = &actions.actions[block.first..][..block.count];
        if block.times == 1 {
            blocks.extend(of_block.iter().map(|action| (1, vec![action.clone()])));
        } else {
            blocks.push((block.times, of_block.to_vec()));
        }
    }
    blocks
}

/// Changes what a worker does.
fn edit(actions: &mut Actions<f32>, change: impl FnOnce(&mut Blocks)) {
    let mut blocks = blocks(actions);
    change(&mut blocks);
    *actions = Actions::default();
    for (times, block) in blocks {
        actions.push_repeated(times, block);
    }
}

fn is_barrier((_, block): &(usize, Vec<Action<f32>>)) -> bool {
    matches!(block[..], [Action::Barrier])
}

fn barriers(actions: &Actions<f32>) -> Vec<usize> {
    let blocks = blocks(actions);
    let places = 0..blocks.len();
    places.filter(|at| is_barrier(&blocks[*at])).collect()
}

#[test]
fn no_barrier_can_be_left_out() {
    for model in [RICH, WIDE, PLAIN] {
        for workers in [2, 3] {
            let (actions, spaces) = linked(model, workers);
            let count = barriers(&actions[0]).len();
            assert!(count > 1, "there are {count} barriers");
            for number in 0..count {
                let mut actions = actions.clone();
                for worker in &mut actions {
                    let at = barriers(worker)[number];
                    edit(worker, |blocks| drop(blocks.remove(at)));
                }
                let found = refusal(&actions, spaces);
                assert!(
                    found.is_some(),
                    "{workers} workers do without barrier {number}"
                );
            }
        }
    }
}

/// The first action of a worker that is wanted.
fn action(worker: &mut Actions<f32>, wanted: impl Fn(&Action<f32>) -> bool) -> &mut Action<f32> {
    let mut actions = worker.actions.iter_mut();
    actions
        .find(|action| wanted(action))
        .expect("the worker does it")
}

fn is_product(action: &Action<f32>) -> bool {
    matches!(action, Action::Product(product) if product.result.space == AddressSpace::Arena)
}

fn a_barrier_of_one_worker(workers: &mut Workers) {
    let at = barriers(&workers[0])[1];
    edit(&mut workers[0], |blocks| drop(blocks.remove(at)));
}

fn a_barrier_too_early(workers: &mut Workers) {
    let at = barriers(&workers[0])[0];
    edit(&mut workers[0], |blocks| {
        let barrier = blocks.remove(at);
        blocks.insert(0, barrier);
    });
}

fn a_barrier_too_late(workers: &mut Workers) {
    let [at, next] = barriers(&workers[0])[..2] else {
        panic!("there are two barriers");
    };
    edit(&mut workers[0], |blocks| {
        let barrier = blocks.remove(at);
        blocks.insert(next - 1, barrier);
    });
}

fn anothers_work(workers: &mut Workers) {
    let first = blocks(&workers[1])[0].clone();
    edit(&mut workers[0], |blocks| blocks.insert(0, first));
}

fn a_result_beyond_the_arena(workers: &mut Workers) {
    if let Action::Product(product) = action(&mut workers[0], is_product) {
        product.result.at += 1 << 30;
    }
}

fn a_result_in_anothers_tile(workers: &mut Workers) {
    let mut products = workers.iter_mut().map(|worker| action(worker, is_product));
    if let (Some(Action::Product(one)), Some(Action::Product(other))) =
        (products.next(), products.next())
    {
        one.result.at = other.result.at + 1;
    }
}

fn a_result_of_more_columns(workers: &mut Workers) {
    if let Action::Product(product) = action(&mut workers[0], is_product) {
        product.columns += 1;
    }
}

fn a_result_with_a_stride_too_long(workers: &mut Workers) {
    if let Action::Product(product) = action(&mut workers[0], is_product) {
        product.result_stride *= 2;
    }
}

fn a_reader_of_anothers_result(workers: &mut Workers) {
    let mut products = workers.iter_mut().map(|worker| action(worker, is_product));
    if let (Some(Action::Product(one)), Some(Action::Product(other))) =
        (products.next(), products.next())
    {
        one.right = other.result;
    }
}

fn rows_of_the_table_written(workers: &mut Workers) {
    if let Action::Product(product) = action(&mut workers[0], is_product) {
        product.result = Address {
            space: AddressSpace::Inputs,
            ..Address::arena(0)
        };
        product.result_stride = 0;
        (product.rows, product.columns) = (1, 1);
    }
}

/// One worker uses another's temporaries.
fn a_scratch_for_two(workers: &mut Workers) {
    let uses = |worker: &&mut Actions<f32>| worker.actions.iter().any(writes_temporary);
    let mut users = workers.iter_mut().filter(uses);
    let [Some(one), Some(other)] = [users.next(), users.next()] else {
        panic!("two workers have temporaries");
    };
    let of_one = *destination(action(one, writes_temporary)).expect("it writes");
    let of_other = destination(action(other, writes_temporary));
    *of_other.expect("it writes") = of_one;
}

/// Where an elementwise action writes.
fn destination(action: &mut Action<f32>) -> Option<&mut Address> {
    match action {
        Action::Unary { to, .. } | Action::Binary { to, .. } | Action::Fill { to, .. } => Some(to),
        _ => None,
    }
}

fn writes_temporary(action: &Action<f32>) -> bool {
    let to = destination(&mut action.clone()).map(|to| to.space);
    to == Some(AddressSpace::Work)
}

fn a_temporary_beyond_the_scratch(workers: &mut Workers) {
    let actions = workers.iter_mut().flat_map(|worker| &mut worker.actions);
    for action in actions {
        if let Action::Binary { to, .. } = action
            && to.space == AddressSpace::Work
        {
            to.at += 1 << 30;
        }
    }
}

fn a_block_too_many(workers: &mut Workers) {
    let mut blocks = workers.iter_mut().flat_map(|worker| &mut worker.repeats);
    let repeated = blocks.find(|block| block.times > 1);
    repeated.expect("some are repeated").times += 1 << 20;
}

fn an_operand_beyond_the_arena(workers: &mut Workers) {
    let reads = |action: &Action<f32>| matches!(action, Action::Binary { left: ActionOperand::Run(from), .. } if from.space == AddressSpace::Arena);
    let reader = workers
        .iter_mut()
        .find(|worker| worker.actions.iter().any(reads));
    if let Action::Binary {
        left: ActionOperand::Run(from),
        ..
    } = action(reader.unwrap(), reads)
    {
        from.at += 1 << 30;
    }
}

type Corruption = (&'static str, fn(&mut Workers));

const CORRUPTIONS: &[Corruption] = &[
    (WIDE, a_barrier_of_one_worker),
    (WIDE, a_barrier_too_early),
    (WIDE, a_barrier_too_late),
    (PLAIN, anothers_work),
    (PLAIN, a_result_beyond_the_arena),
    (PLAIN, a_result_in_anothers_tile),
    (PLAIN, a_result_of_more_columns),
    (PLAIN, a_result_with_a_stride_too_long),
    (PLAIN, a_reader_of_anothers_result),
    (PLAIN, rows_of_the_table_written),
    (RICH, a_scratch_for_two),
    (RICH, a_temporary_beyond_the_scratch),
    (WIDE, a_block_too_many),
    (RICH, an_operand_beyond_the_arena),
];

#[test]
fn bad_actions_are_refused() {
    let mut accepted = Vec::new();
    for (number, (model, corrupt)) in CORRUPTIONS.iter().enumerate() {
        let (mut actions, spaces) = linked(model, 3);
        corrupt(&mut actions);
        if refusal(&actions, spaces).is_none() {
            accepted.push(number);
        }
    }
    assert!(accepted.is_empty(), "accepted: {accepted:?}");
}
