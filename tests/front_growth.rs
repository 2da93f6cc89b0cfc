//! What reading a model and building its network cost: memory that grows as the network does, and a stack
//! that does not. Alone in its process, because it counts all that is allocated.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fmt::Write;
use std::thread;

use nnc::data::schema_from_spec;
use nnc::diagnostics::{Code, Diagnostic, Sources};
use nnc::resolve::uses::Library;
use nnc::{ModelSource, declare};

thread_local! {
    /// The bytes that this thread has asked for.
    static BYTES: Cell<usize> = const { Cell::new(0) };
}

struct Counting;

fn count(bytes: usize) {
    // A thread that ends has nothing left to count in.
    let _ = BYTES.try_with(|sum| sum.set(sum.get() + bytes));
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size.saturating_sub(layout.size()));
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

/// What a model's text comes to before anything is compiled: nodes of its network, and faults.
struct Read {
    nodes: usize,
    faults: Vec<Diagnostic>,
}

fn read(text: &str) -> Read {
    let mut sources = Sources::new();
    let file = sources.add("model.nn", text);
    let library = Library::gather(&mut sources, file, &mut |_| Err("is not there".to_owned()));
    let source = ModelSource {
        library: Some(&library),
        ..ModelSource::new(&sources, file)
    };
    let declaration = match declare(&source) {
        Ok(declaration) => declaration,
        Err(faults) => return Read { nodes: 0, faults },
    };
    let schema = schema_from_spec(&declaration.data);
    let mut faults = Vec::new();
    let resolved = declaration.resolve(&schema, &mut faults);
    Read {
        nodes: resolved.map_or(0, |resolved| resolved.graph.nodes.len()),
        faults,
    }
}

const COLUMNS: &str = "data { input x: number; target y: number }";
const TRAIN: &str = "train { loss = MSE; epochs = 1 }";

/// A model whose network ends with `Linear(1)` behind these lines.
fn network(blocks: &str, lines: &str) -> String {
    format!("{COLUMNS}\n{blocks}\nnet {{\n{lines}\nLinear(1)\n}}\n{TRAIN}\n")
}

fn lines(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |mut text, index| {
        writeln!(text, "{}", line(index)).expect("a string takes any text");
        text
    })
}

/// A model of a kind, in a size.
type Model = fn(usize) -> String;

fn products(size: usize) -> String {
    let chain = lines(size, |k| format!("y{} = y{k} * c + d", k + 1));
    let begin = "c = x -> Linear(4)\nd = x -> Linear(4)\ny0 = c + d";
    network("", &format!("{begin}\n{chain}y{size} -> Tanh"))
}

fn two_before(size: usize) -> String {
    let chain = lines(size, |k| format!("y{} = y{} + y{k}", k + 2, k + 1));
    let begin = "y0 = x -> Linear(4)\ny1 = y0 -> Tanh";
    network("", &format!("{begin}\n{chain}y{} -> Tanh", size + 1))
}

fn added(size: usize) -> String {
    let list = vec!["h"; size].join(", ");
    network("", &format!("h = x -> Linear(4)\n[{list}] -> Add"))
}

fn tanhs_of_a_line(size: usize) -> String {
    network("", &vec!["Tanh"; size].join(" -> "))
}

fn tanh_lines(size: usize) -> String {
    network("", &lines(size, |_| "Tanh".to_owned()))
}

fn repeated(size: usize) -> String {
    network("", &format!("repeat {size} {{ Tanh }}"))
}

fn repeated_parameters(size: usize) -> String {
    network("", &format!("Linear(4)\nrepeat {size} {{ RMSNorm }}"))
}

fn repeated_residuals(size: usize) -> String {
    network(
        "",
        &format!("repeat {size} as i {{ residual {{ Tanh -> ReLU }} }}"),
    )
}

/// Uses of a block in a file of as many `param`s.
fn blocks_among_params(size: usize) -> String {
    let params = lines(size, |k| format!("param p{k} = {k}"));
    let blocks = format!("{params}block B(f) {{ f }}\n");
    network(&blocks, &lines(size, |_| "B(Tanh)".to_owned()))
}

fn parameters_of_a_block(size: usize) -> String {
    let names: Vec<String> = (0..size).map(|k| format!("p{k}")).collect();
    let given: Vec<String> = names.iter().map(|name| format!("{name} = 1")).collect();
    let block = format!("block B({}) {{ Tanh }}", names.join(", "));
    network(&block, &format!("B({})", given.join(", ")))
}

fn columns_of_unknown_width(size: usize) -> String {
    let columns = lines(size, |k| format!("input v{k}: vector from \"v{k}*\""));
    format!("data {{\n{columns}target y: number\n}}\nnet {{ Linear(1) }}\n{TRAIN}\n")
}

fn columns_that_are_named(size: usize) -> String {
    let columns = lines(size, |k| format!("input v{k}: number"));
    let named: Vec<String> = (0..size).map(|k| format!("v{k}")).collect();
    let list = format!("[{}] -> Concat -> Linear(1)", named.join(", "));
    format!("data {{\n{columns}target y: number\n}}\nnet {{ {list} }}\n{TRAIN}\n")
}

fn unused_names(size: usize) -> String {
    network("", &lines(size, |k| format!("n{k} = x -> Tanh")))
}

fn unknown_layers(size: usize) -> String {
    network("", &lines(size, |k| format!("Unlike{k}(3)")))
}

fn targets_without_a_value(size: usize) -> String {
    let targets = lines(size, |k| format!("target y{k}: number"));
    let values = lines(size, |k| format!("z{k} = x -> Linear(1)"));
    format!("data {{\ninput x: number\n{targets}}}\nnet {{\n{values}}}\n{TRAIN}\n")
}

fn path_of_many_folders(size: usize) -> String {
    let network = network("", "Tanh");
    format!("use \"{}b.nn\"\n{network}", "a/".repeat(size))
}

/// The bytes that reading a model asks for.
fn bytes(model: Model, size: usize) -> usize {
    let text = model(size);
    let before = BYTES.get();
    drop(read(&text));
    BYTES.get() - before
}

#[test]
fn memory_grows_as_the_network() {
    const SIZE: usize = 500;
    const TIMES: usize = 8;
    let models: [(&str, Model); 16] = [
        ("products", products),
        ("two before", two_before),
        ("added", added),
        ("tanhs of a line", tanhs_of_a_line),
        ("tanh lines", tanh_lines),
        ("repeated", repeated),
        ("repeated parameters", repeated_parameters),
        ("repeated residuals", repeated_residuals),
        ("blocks among params", blocks_among_params),
        ("parameters of a block", parameters_of_a_block),
        ("columns of unknown width", columns_of_unknown_width),
        ("columns that are named", columns_that_are_named),
        ("unused names", unused_names),
        ("unknown layers", unknown_layers),
        ("targets without a value", targets_without_a_value),
        ("a path of many folders", path_of_many_folders),
    ];
    // What is needed whatever the size is counts for none of the growth; tables double.
    for (name, model) in models {
        let (small, large) = (bytes(model, SIZE), bytes(model, SIZE * TIMES));
        let growth = large as f64 / small as f64;
        assert!(
            growth < 1.3 * TIMES as f64,
            "{name}: {small} to {large}, {growth:.1} times"
        );
    }
}

#[test]
fn networks_of_the_largest_sizes_are_built() {
    let sizes: [(Model, usize, usize); 6] = [
        (products, 11_900, 2 * 11_900),
        (two_before, 3000, 3000),
        (added, 12_000, 12_000 - 1),
        (tanhs_of_a_line, 20_000, 20_000),
        (tanh_lines, 20_000, 20_000),
        (repeated, 25_000, 25_000),
    ];
    for (model, size, least) in sizes {
        let found = read(&model(size));
        assert_eq!(found.faults, [], "{size}");
        // The input, `Linear` and the loss take a few nodes beside.
        assert!(
            (least..least + 40).contains(&found.nodes),
            "{size}: {}",
            found.nodes
        );
    }
    let found = read(&repeated_parameters(25_000));
    assert_eq!(found.faults, []);
    assert!(found.nodes > 4 * 25_000);
}

/// The codes that a model gives where the stack has a mebibyte.
fn codes_on_a_small_stack(text: String) -> Vec<Code> {
    let small = thread::Builder::new().stack_size(1 << 20);
    let reading = small.spawn(move || read(&text).faults.iter().map(|fault| fault.code).collect());
    reading
        .expect("a thread")
        .join()
        .expect("the stack suffices")
}

#[test]
fn what_stands_deep_in_one_another_is_read_or_reported_once() {
    let nested = |open: &str, middle: &str, close: &str, depth: usize| {
        let text = format!("{}{middle}{}", open.repeat(depth), close.repeat(depth));
        network("", &text)
    };
    let chain = |count: usize| {
        let inner = lines(count, |k| {
            format!("block B{k} {{ residual {{ B{} }} }}", k + 1)
        });
        network(&format!("{inner}block B{count} {{ Tanh }}"), "B0")
    };
    let given = |depth: usize| {
        let given = format!("B({}Tanh{})", "B(".repeat(depth), ")".repeat(depth));
        network("block A(f) { f }\nblock B(f) { A(f) }", &given)
    };
    let faultless: &[Code] = &[];
    for (what, text, codes) in [
        ("parentheses", nested("(", "x", ")", 60) + "", faultless),
        (
            "parentheses",
            nested("(", "x", ")", 30_000),
            &[Code::TooLarge],
        ),
        ("lists", nested("[", "x", "]", 30_000), &[Code::TooLarge]),
        (
            "residuals",
            nested("residual { ", "Tanh", " }", 60),
            faultless,
        ),
        (
            "residuals",
            nested("residual { ", "Tanh", " }", 20_000),
            &[Code::TooLarge],
        ),
        (
            "repetitions",
            nested("repeat 1 { ", "Tanh", " }", 60),
            faultless,
        ),
        (
            "calls",
            nested("Linear(", "1", ")", 30_000),
            &[Code::TooLarge],
        ),
        (
            "operands",
            network("", &format!("h = {}x\nh", "x + ".repeat(45_000))),
            &[Code::TooLarge],
        ),
        (
            "operands",
            network("", &format!("h = {}x\nh", "x * ".repeat(250))),
            faultless,
        ),
        (
            "signs",
            network(&format!("param p = {}1", "-(".repeat(30_000)), ""),
            &[Code::TooLarge],
        ),
        ("blocks", chain(60), faultless),
        ("blocks", chain(5000), &[Code::TooLarge]),
        ("arguments", given(55), faultless),
    ] {
        assert_eq!(codes_on_a_small_stack(text), codes, "{what}");
    }
}
