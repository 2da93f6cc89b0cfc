//! `nnc run`: trains a model on a table and saves what it learned.

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io::Read;
use std::time::Instant;

use nnc::diagnostics::{Code, Diagnostic, Faults, Sources};
use nnc::graph::state::Initializer;
use nnc::plan::{Precision, Target};
use nnc::{data, declare, kernels};

use super::arguments::RunArguments;
use super::console::Console;
use super::inputs::{check_order, open_table, read_table_bytes, table_name};
use super::interrupts::Interrupts;
use super::job::{Job, TableFile};
use super::save::MODEL;
use super::source::ModelText;
use super::{Outcome, folder, memory, training, unreadable};

/// Everything that a training begins with.
pub struct RunRequest<'r> {
    pub arguments: &'r RunArguments,
    pub console: &'r Console,
    pub interrupts: &'r Interrupts,
    pub model: &'r ModelText,
    pub job: Job,
    pub seed: u64,
    pub threads: usize,
    /// The weights file to start from, with its name.
    pub initial: Option<(String, Vec<u8>)>,
    /// The table's text, kept for a model whose predictions are the result.
    pub csv: Option<Vec<u8>>,
    pub begun: Instant,
}

impl RunRequest<'_> {
    /// Whether the seed decides anything; the split has its own.
    pub fn draws(&self) -> bool {
        let network = &self.job.compiled.network;
        let drawn = |state| !matches!(network.state(state).initializer, Initializer::Constant(_));
        let begins = network.parameters().any(drawn);
        begins || self.job.compiled.train.is_some()
    }
}

pub fn run(arguments: &RunArguments, console: &Console, sources: &mut Sources) -> Outcome {
    let begun = Instant::now();
    let interrupts = Interrupts::install()
        .map_err(|error| vec![unreadable("the signal of interruption", &error)])?;
    check_order("run", &arguments.model, Some(&arguments.data))?;
    let Files {
        model,
        data,
        initial,
    } = Files::open(arguments, sources)?;
    let declaration = declare(&model.source(sources, arguments.seed))?;
    let given = declaration.train.as_ref().and_then(|train| train.seed);
    let given = arguments.seed.or(given);
    let seed = given.unwrap_or_else(drawn_seed);

    let name = table_name(&arguments.data);
    let csv = match declaration.train {
        Some(_) => None,
        None => Some(read_table_bytes(&arguments.data)?),
    };
    let reader: Box<dyn Read + '_> = match &csv {
        Some(csv) => Box::new(csv.as_slice()),
        None => data,
    };
    let threads = arguments.threads.map_or_else(all_threads, usize::from);
    let table = TableFile {
        name,
        reader,
        threads,
    };
    let job = Job::prepare(
        &model,
        &declaration,
        table,
        seed,
        Target::Reference,
        sources,
    )?;
    console.diagnostics(&job.compiled.advice, sources);
    memory::check(
        &job.compiled,
        &job.preparation,
        &job.table,
        arguments.max_memory,
    )?;
    let request = RunRequest {
        arguments,
        console,
        interrupts: &interrupts,
        model: &model,
        job,
        seed,
        threads,
        initial,
        csv,
        begun,
    };
    if given.is_none() && request.draws() {
        console.line(&format!(
            "seed {seed}, drawn for this run; --seed {seed} repeats it"
        ));
    }
    match request.job.compiled.predict.plan.precision {
        Precision::F32 => training::run::<f32>(request, sources),
        Precision::F64 => training::run::<f64>(request, sources),
    }
}

/// The number types that a model computes with.
pub trait ModelElement: kernels::Element + data::MatrixElement {}

impl ModelElement for f32 {}
impl ModelElement for f64 {}

/// The files that the arguments name.
struct Files {
    model: ModelText,
    data: Box<dyn Read>,
    initial: Option<(String, Vec<u8>)>,
}

impl Files {
    /// Opens all files and reads the small ones.
    ///
    /// # Errors
    /// All files that cannot be read, and an `--out` that is not free.
    fn open(arguments: &RunArguments, sources: &mut Sources) -> Result<Files, Faults> {
        let mut faults = Faults::new();
        let mut keep = |found: Result<(), Faults>| faults.extend(found.err().unwrap_or_default());
        keep(folder::check_free(arguments.out.as_deref()));
        let model = ModelText::read(&arguments.model, &arguments.parameters.settings, sources);
        let model = model.map_err(|found| keep(Err(found)));
        keep(model.as_ref().map_or(Ok(()), keepable));
        let data = open_table(&arguments.data).map_err(|found| keep(Err(found)));
        let initial = arguments.init.as_ref().map(|path| {
            let name = path.display().to_string();
            match fs::read(path) {
                Ok(bytes) => Ok((name, bytes)),
                Err(error) => {
                    keep(Err(vec![unreadable(&name, &error)]));
                    Err(())
                }
            }
        });
        match (model, data, initial.transpose()) {
            (Ok(model), Ok(data), Ok(initial)) if faults.is_empty() => Ok(Files {
                model,
                data,
                initial,
            }),
            (Ok(_) | Err(()), Ok(_) | Err(()), Ok(_) | Err(())) => Err(faults),
        }
    }
}

/// Refuses a model whose used files would take the place of the model in the run's folder.
fn keepable(model: &ModelText) -> Result<(), Faults> {
    let mut used = model.library.files();
    if used.any(|(path, _)| path == MODEL) {
        Err(vec![
            Diagnostic::without_place(
                Code::BadUse,
                format!("a run keeps the model as `{MODEL}`, and so it cannot keep a used file of this name"),
            )
            .help("give the used file another name"),
        ])
    } else {
        Ok(())
    }
}

pub fn all_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// A seed from the system's entropy, short enough to be typed again.
fn drawn_seed() -> u64 {
    RandomState::new().hash_one(std::process::id()) & u64::from(u32::MAX)
}
