//! A run from the compiled model to the saved folder.

use std::cell::RefCell;
use std::io;
use std::time::{Duration, Instant};

use nnc::data::spec::Role;
use nnc::data::table::Part;
use nnc::diagnostics::{Code, Diagnostic, Faults, Sources};
use nnc::engine::Prepared;
use nnc::resolve::train_spec::Restore;
use nnc::train::monitor::Best;
use nnc::train::scores::scores;
use nnc::train::untrained::fill_untrained_rows;
use nnc::train::weights::{self, StateValues};
use nnc::train::{Ended, Trainer};
use serde_json::json;

use super::folder::RunFolder;
use super::forecast::{self, Forecast};
use super::job::Job;
use super::predicted::PredictedColumns;
use super::profile::{self, Measured};
use super::progress::Progress;
use super::recognised::table_to_json;
use super::record::{
    Members, PartScores, Times, elements_members, members, rows_to_json, scores_to_json, versions,
};
use super::refused::refused_cells;
use super::run::{ModelElement, RunRequest};
use super::save::{Results, save};
use super::training_report::{announce, conclude, kept_line, report_non_finite, say_end};
use super::watched::{WatchFile, WatchSummary};
use super::{Outcome, unreadable, unwritable};

/// How the run ended, as its record says.
fn ended_word(ended: Option<&Ended>) -> &'static str {
    match ended {
        None => "evaluated",
        Some(Ended::Finished) => "finished",
        Some(Ended::Early) => "stopped early",
        Some(Ended::Interrupted) => "interrupted",
        Some(Ended::NonFinite(_)) => "failed",
    }
}

/// Trains, evaluates and saves, in the numbers of the model's precision.
pub fn run<T: ModelElement>(mut request: RunRequest, sources: &mut Sources) -> Outcome {
    if request.csv.is_some() {
        let columns = PredictedColumns::new(&request.job.compiled, &request.job.preparation);
        columns.check(&request.job.table, sources)?;
    }
    let begun = Instant::now();
    let Start {
        train,
        validate,
        test,
        all,
        initial,
    } = Start::<T>::prepare(&mut request)?;
    let request = &request;
    let job = &request.job;
    let columns = PredictedColumns::new(&job.compiled, &job.preparation);
    let data_time = job.data_time + begun.elapsed();
    let mut trainer = Trainer::new(&job.compiled, train, validate, request.threads)
        .map_err(|_| vec![refused_memory(request)])?;
    for (index, values) in &initial {
        trainer.set_state(*index, values);
    }
    let out = request.arguments.out.as_deref();
    let mut folder = RunFolder::create(out, &job.compiled.name, request.interrupts)
        .map_err(|error| vec![unwritable(&folder_name(request), &error)])?;

    let start = start_members(request, trainer.batches());
    announce(request, &start, sources);
    let trains = job.compiled.train.as_ref();
    let trained = trains.map(|_| train_epochs(request, &mut trainer, &mut folder));
    let trained = trained.transpose()?;
    fill_untrained_rows(&mut trainer, &job.compiled, &job.preparation);
    let (ended, train_time, watched) = trained.map_or((None, Duration::ZERO, None), |trained| {
        (Some(trained.ended), trained.time, trained.watched)
    });
    report_non_finite(request, ended.as_ref(), sources);
    let kept = kept_epoch(request, &trainer);
    if let Some(line) = kept_line(ended.as_ref(), kept, trainer.epochs_done()) {
        request.console.line(&line);
    }
    let profiled = profiled(request, &trainer, &mut folder)?;
    let scores = score(request, &mut trainer, &test);
    let predicted = all.map(|all| columns.of(trainer.predict(&all)));
    let times = |total| Times {
        compile: job.compile_time,
        data: data_time,
        train: train_time,
        total,
    };
    let left = kept.map_or(trainer.epochs_done(), |best| best.epoch);
    let mut done = members(json!({
        "ended": ended_word(ended.as_ref()),
        "epochs": trainer.epochs_done(),
        "steps": trainer.updates_done(),
        "kept_epoch": left,
        "seconds": times(request.begun.elapsed()).to_json(),
        "metrics": scores_to_json(&scores),
    }));
    let watch = watched.as_ref().map(|watched| watched.members());
    done.extend(watch.map(|watch| ("watch".to_owned(), watch)));
    let results = Results {
        start,
        done: done.clone(),
        predicted: predicted.as_ref(),
    };
    let path = save(request, sources, &trainer, folder, results)
        .map_err(|error| vec![unwritable(&folder_name(request), &error)])?;
    let path = path.display().to_string();
    done.insert("out".to_owned(), json!(path));
    let seconds = times(request.begun.elapsed()).to_json();
    done.insert("seconds".to_owned(), seconds);
    request.console.event("done", done);
    conclude(request, &scores, predicted.as_ref());
    if let Some(table) = watched.and_then(|watched| watched.table()) {
        request.console.table(&table);
    }
    profiled
        .into_iter()
        .for_each(|profiled| profiled.report(request));
    Ok(say_end(request, ended, left, &path))
}

/// The epoch whose parameters are left behind, where that is not simply the last.
fn kept_epoch<T: ModelElement>(request: &RunRequest, trainer: &Trainer<T>) -> Option<Best> {
    let train = request.job.compiled.declaration.train.as_ref()?;
    (train.restore == Restore::Best)
        .then(|| trainer.best())
        .flatten()
}

/// The rows of each part, prepared, and the values to start from.
struct Start<T> {
    train: Prepared<T>,
    validate: Prepared<T>,
    test: Prepared<T>,
    /// All rows in the file's order, for a model whose predictions are the result.
    all: Option<Prepared<T>>,
    initial: StateValues,
}

impl<T: ModelElement> Start<T> {
    /// Prepares the rows, for which the table gives up its inputs unless they are shown at the end.
    ///
    /// # Errors
    /// A prepared number is beyond the precision; the weights to start from do not fit.
    fn prepare(request: &mut RunRequest) -> Result<Self, Faults> {
        let all = request.csv.is_some().then(|| every_row(&request.job));
        let Job {
            preparation,
            table,
            division,
            compiled,
            ..
        } = &mut request.job;
        let with_targets = compiled.loss.is_some();
        let parts = match all {
            None => preparation.take_parts(table, division, with_targets),
            Some(_) => preparation.parts(table, division, with_targets),
        };
        let initial = match &request.initial {
            Some((name, bytes)) => weights::from_bytes(bytes, name, &compiled.states),
            None => Ok(StateValues::new()),
        };
        let mut faults = Faults::new();
        let mut keep = |found: Faults| faults.extend(found);
        let parts = parts.map_err(&mut keep).ok();
        let all = all.transpose().map_err(&mut keep).ok();
        let initial = initial.map_err(&mut keep).ok();
        let (Some(parts), Some(all), Some(initial)) = (parts, all, initial) else {
            return Err(faults);
        };
        let [train, validate, test] = parts.map(|part| Prepared {
            inputs: part.inputs,
            targets: part.targets,
            rows: part.rows,
        });
        Ok(Start {
            train,
            validate,
            test,
            all,
            initial,
        })
    }
}

/// All rows as the network sees them, without targets.
fn every_row<T: ModelElement>(job: &Job) -> Result<Prepared<T>, Faults> {
    let faults = refused_cells(&job.preparation, &job.table, None);
    if !faults.is_empty() {
        return Err(faults);
    }
    let rows: Vec<u32> = (0..).take(job.table.rows).collect();
    Ok(Prepared {
        inputs: job.preparation.matrix(Role::Input, &job.table, &rows)?,
        targets: Vec::new(),
        rows: rows.len(),
    })
}

fn refused_memory(request: &RunRequest) -> Diagnostic {
    let name = &request.job.compiled.name;
    Diagnostic::without_place(
        Code::Memory,
        format!("the system refuses the memory or the threads that `{name}` needs"),
    )
}

fn folder_name(request: &RunRequest) -> String {
    match &request.arguments.out {
        Some(out) => out.display().to_string(),
        None => format!("runs/{}", request.job.compiled.name),
    }
}

fn start_members(request: &RunRequest, batches: usize) -> Members {
    let compiled = &request.job.compiled;
    let train = compiled.declaration.train.as_ref();
    let batch = compiled.train.as_ref().and_then(|train| train.plan.batch);
    let mut start = members(json!({
        "model": compiled.name,
        "data": table_to_json(&request.job.table, &request.job.report),
        "rows": rows_to_json(request.job.division.rows()),
        "batches": batches,
        "batch": batch,
        "epochs": train.filter(|_| compiled.train.is_some()).map_or(0, |train| train.epochs),
        "precision": compiled.predict.plan.precision.name(),
        "seed": request.seed,
        "threads": request.threads,
        "versions": versions(),
    }));
    start.extend(elements_members(Some(compiled.states.elements())));
    start
}

/// What became of the epochs.
struct Trained {
    ended: Ended,
    /// That of the epochs alone, without the reports of their losses.
    time: Duration,
    watched: Option<WatchSummary>,
}

/// The files that a training writes while it goes on.
const METRICS: &str = "metrics.csv";
const WATCHED: &str = "watch.csv";

/// Runs the epochs.
fn train_epochs<T: ModelElement>(
    request: &RunRequest,
    trainer: &mut Trainer<T>,
    folder: &mut RunFolder,
) -> Result<Trained, Faults> {
    let compiled = &request.job.compiled;
    let train = compiled.declaration.train.as_ref();
    let epochs = train.map_or(0, |train| train.epochs);
    let scheduled = train.is_some_and(|train| !train.schedule.is_empty());
    let refused = |name: &'static str| move |error: io::Error| vec![unwritable(name, &error)];
    let (failure, unwatched) = (RefCell::new(None), RefCell::new(None));
    let file = folder.open(METRICS).map_err(refused(METRICS))?;
    let progress = Progress::new(
        request.console,
        request.interrupts,
        epochs,
        scheduled,
        file,
        &failure,
    );
    let mut progress = progress.map_err(refused(METRICS))?;
    let mut watch_file = match &compiled.watch {
        None => None,
        Some(phase) => {
            let file = folder.open(WATCHED).map_err(refused(WATCHED))?;
            let file = WatchFile::new(file, &phase.plan.probes, &unwatched);
            Some(file.map_err(refused(WATCHED))?)
        }
    };
    if request.arguments.profile {
        trainer.begin_profile(epochs);
    }
    request.interrupts.begin_training();
    let begun = Instant::now();
    let stop = || {
        let failed = failure.borrow().is_some() || unwatched.borrow().is_some();
        failed || request.interrupts.requested()
    };
    let mut report = |epoch, losses| progress.epoch(epoch, losses);
    let ended = match &mut watch_file {
        None => trainer.run(epochs, &stop, &mut report),
        Some(file) => {
            trainer.run_recorded(epochs, &stop, &mut report, &mut |record| file.take(record))
        }
    };
    let time = begun.elapsed().saturating_sub(progress.spent());
    progress.finish(trainer.epochs_done());
    drop(progress);
    let watched = watch_file.map(WatchFile::finish).transpose();
    if let Some(error) = failure.into_inner() {
        return Err(refused(METRICS)(error));
    }
    if let Some(error) = unwatched.into_inner() {
        return Err(refused(WATCHED)(error));
    }
    Ok(Trained {
        ended,
        time,
        watched: watched.map_err(refused(WATCHED))?,
    })
}

/// What a profile came to, ready to be reported.
struct Profiled {
    table: String,
    members: Members,
}

impl Profiled {
    fn report(self, request: &RunRequest) {
        request.console.table(&self.table);
        request.console.event("profile", self.members);
    }
}

/// Writes the trace of a training that was measured, and sets its times beside what was predicted for
/// this machine.
fn profiled<T: ModelElement>(
    request: &RunRequest,
    trainer: &Trainer<T>,
    folder: &mut RunFolder,
) -> Result<Option<Profiled>, Faults> {
    let compiled = &request.job.compiled;
    let (Some(profile), Some(phase)) = (trainer.profile(), &compiled.train) else {
        return Ok(None);
    };
    let Some(medians) = profile.medians() else {
        return Ok(None);
    };
    let unwritable = |error: io::Error| vec![unwritable("trace.json", &error)];
    let file = folder.open("trace.json").map_err(unwritable)?;
    profile::write_trace(&phase.plan, profile, file).map_err(unwritable)?;
    let roofline = forecast::measure(&phase.plan, medians.workers)
        .map_err(|error| vec![unreadable("the speed of this machine", &error)])?;
    let forecast = Forecast {
        compiled,
        roofline: &roofline,
    };
    let rows = phase.plan.batch.unwrap_or(1);
    let measured = Measured {
        plan: &phase.plan,
        medians: &medians,
        prediction: &forecast.run(phase, rows).prediction,
    };
    Ok(Some(Profiled {
        table: measured.table(),
        members: measured.members(),
    }))
}

/// Loss and metrics of every part that has rows.
fn score<T: ModelElement>(
    request: &RunRequest,
    trainer: &mut Trainer<T>,
    test: &Prepared<T>,
) -> Vec<PartScores> {
    let job = &request.job;
    let Some(loss) = &job.compiled.loss else {
        return Vec::new();
    };
    let parts = Part::ALL.into_iter();
    let parts = parts.filter(|part| !job.division.part(*part).is_empty());
    parts
        .map(|part| {
            let rows = job.division.part(part);
            let (mean, outputs) = match part {
                Part::Train => {
                    let data = trainer.training_rows();
                    trainer.evaluate(&data)
                }
                Part::Validate => {
                    let data = trainer.validation_rows();
                    trainer.evaluate(&data)
                }
                Part::Test => trainer.evaluate(test),
            };
            let width = job.compiled.output_width();
            PartScores {
                part,
                rows: rows.len(),
                loss: mean,
                metrics: scores(loss, &job.preparation, &job.table, rows, width, &outputs),
            }
        })
        .collect()
}
