//! The language's own words: sections, what begins a line, facts of the data, and the words of settings.

/// A word with its meaning.
#[derive(Debug)]
pub struct Word {
    pub name: &'static str,
    /// What kind of word it is.
    pub noun: &'static str,
    pub summary: &'static str,
    /// A piece of a model with it, in the form that `nnc fmt` gives.
    pub example: &'static str,
}

const fn word(
    name: &'static str,
    noun: &'static str,
    summary: &'static str,
    example: &'static str,
) -> Word {
    Word {
        name,
        noun,
        summary,
        example,
    }
}

const SECTION: &str = "section";
const TOP_LEVEL: &str = "word at the top of a file";
const OF_DATA: &str = "word of `data`";
const OF_BODIES: &str = "word of `net` and `block`";
const FACT: &str = "fact of the data, a number";
const MEASURE: &str = "measure of `watch`";

pub const WORDS: &[Word] = &[
    word(
        "data",
        SECTION,
        "the columns that are read, and how rows are divided",
        "data {\n    input  size: number(normalize = zscore)\n    target price: number\n}\n\nnet { Linear(1) }\n\ntrain { loss = MSE; epochs = 10 }\n",
    ),
    word(
        "net",
        SECTION,
        "the network, line by line; the last line's result predicts the target",
        "net {\n    hidden: Linear(8) -> Tanh\n    head:   Linear(classes)\n}\n",
    ),
    word(
        "train",
        SECTION,
        "what training makes small, how, and for how long",
        "train {\n    loss      = CrossEntropy\n    optimizer = Adam(lr = 1e-3)\n    epochs    = 20\n}\n",
    ),
    word(
        "block",
        SECTION,
        "a piece of network with parameters, which may be numbers, words, lists or layers; each use has weights of its own",
        "block Dense(out, act = ReLU) { Linear(out) -> act }\n\nnet { Dense(16) -> Dense(8, act = Tanh) -> Linear(classes) }\n",
    ),
    word(
        "params",
        "section within `train`",
        "settings of the parameters whose paths a glob matches; of two sections the later counts, setting by setting",
        "train {\n    loss   = CrossEntropy\n    epochs = 20\n    params \"*.bias\" { weight_decay = 0 }\n}\n",
    ),
    word(
        "watch",
        "section within `train`",
        "what is recorded of the stages and parameters whose paths a glob matches",
        "train {\n    loss   = CrossEntropy\n    epochs = 20\n    watch \"*\" { output = stats; grad = norm; every = 10 }\n}\n",
    ),
    word(
        "param",
        TOP_LEVEL,
        "a number, word or layer by name, which `--set name=value` replaces",
        "param width = 16\n\nnet { Linear(width) -> Linear(classes) }\n",
    ),
    word(
        "use",
        TOP_LEVEL,
        "takes the blocks of another file: `use \"blocks.nn\"`, a path from the model's own folder and never out of it",
        "",
    ),
    word(
        "allow",
        TOP_LEVEL,
        "silences warnings by their codes",
        "allow = [W0105]\n",
    ),
    word(
        "input",
        OF_DATA,
        "columns that the network reads",
        "data {\n    input  age, hours: number(normalize = zscore)\n    input  job: category\n    target income: category\n}\n\nnet { Linear(classes) }\n",
    ),
    word(
        "target",
        OF_DATA,
        "columns that the network predicts",
        "data {\n    input  x: vector from \"x*\"\n    target price: number\n}\n\nnet { Linear(1) }\n\ntrain { loss = MSE; epochs = 10 }\n",
    ),
    word(
        "weight",
        OF_DATA,
        "the column that says how much each row counts in the loss",
        "data {\n    input  x: number\n    weight w\n    target y: number\n}\n\nnet { Linear(1) }\n\ntrain { loss = MSE; epochs = 10 }\n",
    ),
    word(
        "ignore",
        OF_DATA,
        "columns that are left alone, also by globs",
        "data {\n    input  \"x*\": number\n    ignore x_id\n    target y: number\n}\n\nnet { Linear(1) }\n\ntrain { loss = MSE; epochs = 10 }\n",
    ),
    word(
        "in",
        OF_BODIES,
        "what flows into the body; of `net`, all inputs side by side",
        "net {\n    h = Linear(8) -> Tanh\n    [h, in] -> Concat -> Linear(classes)\n}\n",
    ),
    word(
        "repeat",
        OF_BODIES,
        "a body several times, one after the other, with fresh weights each time; `as i` numbers them from 0",
        "net {\n    Linear(8)\n    trunk: repeat 3 { Linear(8) -> ReLU }\n    Linear(classes)\n}\n",
    ),
    word(
        "residual",
        OF_BODIES,
        "what flows in, plus the result of a body of the same width",
        "net {\n    Linear(8)\n    residual { LayerNorm -> Linear(8) -> GELU -> Linear(8) }\n    Linear(classes)\n}\n",
    ),
    word(
        "shared",
        OF_BODIES,
        "declares a layer that is applied by its name, with one set of weights",
        "net {\n    shared enc: Linear(8)\n    l = left -> enc -> Tanh\n    r = right -> enc -> Tanh\n    [l, r] -> Concat -> Linear(classes)\n}\n",
    ),
    word(
        "classes",
        FACT,
        "how many values the target has, if it is a category",
        "net { Linear(2 * classes) -> ReLU -> Linear(classes) }\n",
    ),
    word(
        "features",
        FACT,
        "the width of all inputs side by side",
        "net { Linear(2 * features) -> ReLU -> Linear(classes) }\n",
    ),
    word(
        "rows",
        FACT,
        "how many rows train",
        "train {\n    loss   = CrossEntropy\n    epochs = 20\n    batch  = rows\n}\n",
    ),
    word(
        "norm",
        MEASURE,
        "the Euclidean norm over all elements",
        "train {\n    loss   = CrossEntropy\n    epochs = 20\n    watch \"*\" { grad = norm }\n}\n",
    ),
    word(
        "stats",
        MEASURE,
        "mean, standard deviation over n, least and largest element, share of elements that are 0",
        "train {\n    loss   = CrossEntropy\n    epochs = 20\n    watch \"*\" { output = stats }\n}\n",
    ),
    word(
        "histogram",
        MEASURE,
        "least and largest element, and how many fall into each of 30 equal parts between them",
        "train {\n    loss   = CrossEntropy\n    epochs = 20\n    watch \"*.weight\" { weight = histogram }\n}\n",
    ),
    word(
        "all",
        "word of `batch`",
        "all rows in one step, in the file's order",
        "train {\n    loss   = CrossEntropy\n    epochs = 20\n    batch  = all\n}\n",
    ),
    word(
        "f64",
        "word of `precision`",
        "numbers of 64 bits; `f32` has 32",
        "train {\n    loss      = CrossEntropy\n    epochs    = 20\n    precision = f64\n}\n",
    ),
    word(
        "f32",
        "word of `precision`",
        "numbers of 32 bits, the default; `f64` has 64",
        "train {\n    loss      = CrossEntropy\n    epochs    = 20\n    precision = f32\n}\n",
    ),
];
