//! nnc's side of the comparison with its peers: a process that `benches/peers/run` starts, told what to
//! do by lines of JSON on its standard input, and answering each with one line.
//!
//! | `do` | what it does | answer |
//! | --- | --- | --- |
//! | `load` | compiles a network and reads its data and initial weights | `seconds` |
//! | `run` | trains for `epochs` from the initial weights, `repeats` times | `seconds` of all, losses of the last |
//! | `predict` | the network's output for one row, `repeats` times | `seconds` of all, the `outputs` |
//! | `limit` | multiply-adds on registers alone | `flops` a second |

mod limit;

use std::io::{BufRead, Write};
use std::time::Instant;

use nnc::data::spec::{Field, FieldKind, Others, Schema, SplitRows};
use nnc::diagnostics::{Sources, render_all};
use nnc::engine::Prepared;
use nnc::kernels::ask_for_large_pages;
use nnc::plan::Target;
use nnc::train::weights::StateValues;
use nnc::train::{Ended, Predictor, Trainer};
use nnc::{Compiled, ModelSource, compile};
use serde_json::{Value, json};

/// A network with its data, ready to train from its initial weights as often as is asked.
struct Loaded {
    network: Value,
    compiled: Compiled,
    train: Prepared<f32>,
    validate: Prepared<f32>,
    initial: StateValues,
}

fn text<'v>(value: &'v Value, key: &str) -> Result<&'v str, String> {
    value[key].as_str().ok_or(format!("no text `{key}`"))
}

fn count(value: &Value, key: &str) -> Result<usize, String> {
    let number = value[key].as_u64().ok_or(format!("no number `{key}`"))?;
    usize::try_from(number).map_err(|error| error.to_string())
}

/// The numbers of a file of little-endian f32.
fn numbers(path: &str) -> Result<Vec<f32>, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("{path}: {error}"))?;
    let mut numbers = vec![0.0; bytes.len() / 4];
    // As the matrices have that are prepared from a table.
    ask_for_large_pages(&mut numbers);
    for (number, word) in numbers.iter_mut().zip(bytes.chunks_exact(4)) {
        *number = f32::from_le_bytes([word[0], word[1], word[2], word[3]]);
    }
    Ok(numbers)
}

/// Rows of inputs and targets; an absent part has none.
fn rows(part: &Value) -> Result<Prepared<f32>, String> {
    match count(part, "rows")? {
        0 => Ok(Prepared::default()),
        rows => Ok(Prepared {
            inputs: numbers(text(part, "inputs")?)?,
            targets: numbers(text(part, "targets")?)?,
            rows,
        }),
    }
}

/// What a table would have told the compiler.
fn schema(network: &Value) -> Result<Schema, String> {
    let field = |name: &str, kind| Field {
        name: name.to_string(),
        span: Default::default(),
        kind,
    };
    let width = Some(count(network, "inputs")?);
    let outputs = Some(count(network, "outputs")?);
    let target = match network["classes"].as_bool() {
        Some(true) => FieldKind::Category {
            classes: outputs,
            embed: None,
            others: Others::Learned,
        },
        _ => FieldKind::Numbers { width: outputs },
    };
    Ok(Schema {
        inputs: vec![field("x", FieldKind::Numbers { width })],
        targets: vec![field("y", target)],
        rows: Some(SplitRows {
            train: count(&network["train"], "rows")?,
            validate: count(&network["validate"], "rows")?,
            test: 0,
        }),
    })
}

/// Initial parameters in PyTorch's order, one after another in one file, by the names of their states.
fn initial(network: &Value, compiled: &Compiled) -> Result<StateValues, String> {
    let all = numbers(text(network, "weights")?)?;
    let mut rest = all.as_slice();
    let mut values = StateValues::new();
    for parameter in network["parameters"].as_array().into_iter().flatten() {
        let name = text(parameter, "name")?;
        let mut places = compiled.states.places.iter();
        let index = places
            .position(|place| place.state.name == name)
            .ok_or(format!("the network has no `{name}`"))?;
        let elements = compiled.states.places[index].elements();
        let (own, others) = rest
            .split_at_checked(elements)
            .ok_or(format!("the weights end before `{name}`"))?;
        values.push((index, own.iter().map(|value| f64::from(*value)).collect()));
        rest = others;
    }
    if rest.is_empty() {
        Ok(values)
    } else {
        Err(format!("{} weights too many", rest.len()))
    }
}

/// The network's plans; a seed given here replaces that of its text.
fn compiled(network: &Value, seed: Option<u64>) -> Result<Compiled, String> {
    let mut sources = Sources::new();
    let file = sources.add("network.nn", text(network, "text")?);
    let source = ModelSource {
        seed,
        ..ModelSource::new(&sources, file)
    };
    compile(&source, Some(&schema(network)?), Target::Native)
        .map_err(|faults| render_all(&faults, &sources))
}

fn load(network: &Value) -> Result<(Loaded, f64), String> {
    let begin = Instant::now();
    let compiled = compiled(network, None)?;
    let seconds = begin.elapsed().as_secs_f64();
    let loaded = Loaded {
        network: network.clone(),
        train: rows(&network["train"])?,
        validate: rows(&network["validate"])?,
        initial: initial(network, &compiled)?,
        compiled,
    };
    Ok((loaded, seconds))
}

fn run(loaded: &Loaded, command: &Value, threads: usize) -> Result<Value, String> {
    let epochs = count(command, "epochs")?;
    let seeded = match command["seed"].as_u64() {
        Some(seed) => Some(compiled(&loaded.network, Some(seed))?),
        None => None,
    };
    let compiled = seeded.as_ref().unwrap_or(&loaded.compiled);
    let mut seconds = 0.0;
    let mut train = Vec::new();
    let mut validate = Vec::new();
    let mut trainer = Trainer::new(
        compiled,
        loaded.train.clone(),
        loaded.validate.clone(),
        threads,
    )
    .map_err(|_| "not enough memory".to_string())?;
    for _ in 0..count(command, "repeats")? {
        trainer.restart();
        for (index, values) in &loaded.initial {
            trainer.set_state(*index, values);
        }
        train.clear();
        validate.clear();
        let begin = Instant::now();
        let ended = trainer.run(epochs, &|| false, &mut |_, losses| {
            train.push(losses.train);
            validate.extend(losses.validate);
        });
        seconds += begin.elapsed().as_secs_f64();
        if ended != Ended::Finished {
            return Err(format!("training ended early: {ended:?}"));
        }
    }
    Ok(json!({ "seconds": seconds, "train": train, "validate": validate }))
}

/// One row through the network, row by row of the training rows.
fn predict(loaded: &Loaded, command: &Value, threads: usize) -> Result<Value, String> {
    let mut predictor = Predictor::new(&loaded.compiled, &loaded.initial, threads)
        .map_err(|_| "not enough memory".to_string())?;
    let width = loaded.train.inputs.len() / loaded.train.rows.max(1);
    let row = Prepared {
        inputs: loaded.train.inputs[..width].to_vec(),
        targets: Vec::new(),
        rows: 1,
    };
    let mut outputs = predictor.predict(&row);
    let begin = Instant::now();
    for _ in 0..count(command, "repeats")? {
        outputs = predictor.predict(&row);
    }
    let seconds = begin.elapsed().as_secs_f64();
    Ok(json!({ "seconds": seconds, "outputs": outputs }))
}

fn answer(line: &str, loaded: &mut Option<Loaded>, threads: usize) -> Result<Value, String> {
    let command: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let ready = || loaded.as_ref().ok_or("no network is loaded".to_string());
    match text(&command, "do")? {
        "load" => {
            let (network, seconds) = load(&command["network"])?;
            *loaded = Some(network);
            Ok(json!({ "seconds": seconds }))
        }
        "run" => run(ready()?, &command, threads),
        "predict" => predict(ready()?, &command, threads),
        "limit" => Ok(json!({ "flops": limit::multiply_adds() })),
        other => Err(format!("`{other}` is not known")),
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let Some(position) = arguments.iter().position(|word| word == "--threads") else {
        println!("this is one side of `benches/peers/run`");
        return;
    };
    let threads = arguments
        .get(position + 1)
        .and_then(|word| word.parse().ok());
    let threads = threads.expect("`--threads` takes a number");
    let mut loaded = None;
    for line in std::io::stdin().lock().lines() {
        let line = line.expect("standard input is text");
        let answer = match answer(&line, &mut loaded, threads) {
            Ok(answer) => answer,
            Err(error) => json!({ "error": error }),
        };
        println!("{answer}");
        std::io::stdout().flush().expect("standard output is open");
    }
}
