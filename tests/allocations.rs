//! From the second step to the end of training nothing is allocated, on any thread: with tail batches,
//! validation, shuffled rows and two threads, and for a tiny network.

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use nnc::data::MatrixElement as Prepares;
use nnc::data::table::Part;
use nnc::kernels::Element;
use nnc::train::{Ended, EpochLosses, Trainer};
use support::tables::{Cells, table};

/// Counts what is asked of the system's allocator while `COUNTING`.
struct Counting;

static COUNTING: AtomicBool = AtomicBool::new(false);
static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

fn count() {
    if COUNTING.load(Ordering::SeqCst) {
        ALLOCATIONS.fetch_add(1, Ordering::SeqCst);
    }
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: by the caller.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: by the caller.
        unsafe { System.realloc(block, layout, size) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: by the caller.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const EPOCHS: usize = 4;

/// Trains and gives the allocations from the second step on.
fn allocations<T: Element + Prepares>(
    model: &str,
    csv: &str,
    threads: usize,
    large: bool,
) -> usize {
    let loaded = support::load("case", model, csv);
    let plan = &loaded.compiled.train.as_ref().unwrap().plan;
    assert_eq!(plan.parallel, large, "whether the plan runs on all threads");
    let [data, validation] = [Part::Train, Part::Validate].map(|part| loaded.part::<T>(part));
    assert!(validation.rows > 0);
    let mut trainer = Trainer::new(&loaded.compiled, data, validation, threads).unwrap();
    let batches = trainer.batches();
    assert!(batches > 1);
    let mut reported: Vec<EpochLosses> = Vec::with_capacity(EPOCHS);
    let steps = Cell::new(0usize);
    // Asked before every step.
    let stop = || {
        steps.set(steps.get() + 1);
        if steps.get() == 2 {
            ALLOCATIONS.store(0, Ordering::SeqCst);
            COUNTING.store(true, Ordering::SeqCst);
        }
        false
    };
    let mut records = 0;
    let ended = trainer.run_recorded(
        EPOCHS,
        &stop,
        &mut |_, losses| reported.push(losses),
        &mut |_| records += 1,
    );
    COUNTING.store(false, Ordering::SeqCst);
    assert_eq!(ended, Ended::Finished);
    assert_eq!(steps.get(), EPOCHS * batches);
    assert_eq!(reported.len(), EPOCHS);
    assert!(reported.iter().all(|losses| losses.validate.is_some()));
    assert!(records > 0);
    ALLOCATIONS.load(Ordering::SeqCst)
}

const LARGE: &str = "
data {
    input x: vector from \"x*\"
    input job: category(embed = 4)
    target label: category
    split = random(validate = 25%, seed = 1)
}
net {
    first: Linear(200, bias = false) -> BatchNorm1d -> GELU -> Dropout(0.2)
    shared twice: Linear(200)
    twice -> Tanh -> twice
    head: Linear(classes)
}
train {
    loss = CrossEntropy(label_smoothing = 0.1); optimizer = OPTIMIZER; epochs = 4; batch = 128
    seed = 1; precision = PRECISION; shuffle = SHUFFLE; clip_norm = 1
    watch \"*\" { output = [stats, histogram]; grad = norm; weight = stats; every = 3 }
}";

const TINY: &str = "
data { input x0: number; target label: number; split = random(validate = 25%, seed = 1) }
net { hidden: Linear(2) -> Tanh -> out: Linear(1) }
train {
    loss = MSE; optimizer = OPTIMIZER; epochs = 4; batch = 9
    seed = 1; precision = PRECISION; shuffle = SHUFFLE
    watch \"*\" { output = [stats, histogram]; grad = norm; weight = stats; every = 3 }
}";

/// One test, since the counter is that of the process.
#[test]
fn training_allocates_nothing_after_its_first_step() {
    // The counter counts.
    COUNTING.store(true, Ordering::SeqCst);
    drop(std::hint::black_box(Box::new(1)));
    COUNTING.store(false, Ordering::SeqCst);
    assert!(ALLOCATIONS.load(Ordering::SeqCst) > 0);

    let names: Vec<String> = (0..32).map(|index| format!("x{index}")).collect();
    let mut columns: Vec<(&str, Cells)> = names
        .iter()
        .map(|name| (name.as_str(), Cells::Numbers))
        .collect();
    columns.push(("job", Cells::Values(5)));
    columns.push(("label", Cells::Values(4)));
    let large = table(&columns, 600);
    let tiny = table(&[("x0", Cells::Numbers), ("label", Cells::Numbers)], 50);
    for (optimizer, shuffle) in [("Adam", "true"), ("SGD(momentum = 0.9)", "false")] {
        for (model, csv, is_large) in [(LARGE, &large, true), (TINY, &tiny, false)] {
            let model = model
                .replace("OPTIMIZER", optimizer)
                .replace("SHUFFLE", shuffle);
            let f32_model = model.replace("PRECISION", "f32");
            let f64_model = model.replace("PRECISION", "f64");
            for threads in [1, 2] {
                let counts = [
                    allocations::<f32>(&f32_model, csv, threads, is_large),
                    allocations::<f64>(&f64_model, csv, threads, is_large),
                ];
                assert_eq!(counts, [0, 0], "{optimizer}, {threads} threads, {model}");
            }
        }
    }
}
