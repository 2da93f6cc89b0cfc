//! The losses of a training, as they come: `metrics.csv`, lines, events, the bar.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, IsTerminal, Write as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use nnc::train::EpochLosses;

use super::console::Console;
use super::interrupts::Interrupts;
use super::summary::figure;

/// Losses wait for this long, so that reporting costs a fast training nothing.
const FLUSH_AFTER: Duration = Duration::from_millis(50);
/// As many epochs wait at most.
const WAITING: usize = 4096;
/// A training that is over sooner shows no bar.
const BAR_AFTER: Duration = Duration::from_secs(1);
/// About how many lines a training prints.
const LINES: usize = 10;

/// Takes the losses of every epoch. Taking one is a push; the buffers are written out from time to
/// time, and how long that took is known.
pub struct Progress<'p> {
    console: &'p Console,
    interrupts: &'p Interrupts,
    epochs: usize,
    waiting: Vec<EpochLosses>,
    csv: String,
    report: String,
    file: File,
    /// What keeps `metrics.csv` from being written; training has no use any more.
    failure: &'p RefCell<Option<io::Error>>,
    started: Instant,
    flushed: Instant,
    /// The clock is looked at every `stride` epochs, next at epoch `next_look`.
    looked: Instant,
    next_look: usize,
    stride: usize,
    spent: Duration,
    bar: Option<ProgressBar>,
}

impl<'p> Progress<'p> {
    /// `scheduled` says that the epochs tell their learning rates.
    ///
    /// # Errors
    /// `file` cannot be written.
    pub fn new(
        console: &'p Console,
        interrupts: &'p Interrupts,
        epochs: usize,
        scheduled: bool,
        mut file: File,
        failure: &'p RefCell<Option<io::Error>>,
    ) -> io::Result<Self> {
        let rate = if scheduled { ",lr" } else { "" };
        writeln!(file, "epoch,train_loss,validate_loss{rate}")?;
        let waiting = epochs.min(WAITING);
        // An event holds three doubles and some words; at most twice as many lines as wanted are shown.
        let report = if console.shows_events() {
            waiting * 190
        } else {
            2 * LINES * 100
        };
        let now = Instant::now();
        Ok(Progress {
            console,
            interrupts,
            epochs,
            waiting: Vec::with_capacity(waiting),
            csv: String::with_capacity(waiting * 97),
            report: String::with_capacity(report),
            file,
            failure,
            started: now,
            flushed: now,
            looked: now,
            next_look: 1,
            stride: 1,
            spent: Duration::ZERO,
            bar: None,
        })
    }

    /// How much of the time since the start went into reporting.
    pub fn spent(&self) -> Duration {
        self.spent
    }

    /// Takes the losses of an epoch, counted from 1.
    pub fn epoch(&mut self, epoch: usize, losses: EpochLosses) {
        self.waiting.push(losses);
        let full = self.waiting.len() == self.waiting.capacity();
        let last = epoch == self.epochs;
        if epoch < self.next_look && !full && !last {
            return;
        }
        let now = Instant::now();
        match now - self.looked {
            short if short < Duration::from_millis(1) => {
                self.stride = (self.stride * 2).min(WAITING);
            }
            long if long > Duration::from_millis(10) => self.stride = (self.stride / 2).max(1),
            _ => {}
        }
        self.looked = now;
        if epoch == 1 || full || last || now - self.flushed >= FLUSH_AFTER {
            self.flush(epoch);
            self.flushed = Instant::now();
            self.looked = self.flushed;
            self.spent += self.flushed - now;
        }
        self.next_look = epoch.saturating_add(self.stride);
    }

    /// Writes out what waits when training ends, wherever that is.
    pub fn finish(&mut self, epochs_done: usize) {
        self.flush(epochs_done);
        self.clear_bar();
    }

    fn clear_bar(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
            self.interrupts.bar_is_cleared();
        }
    }

    /// Writes out the epochs that wait, of which `last` is the last.
    fn flush(&mut self, last: usize) {
        self.csv.clear();
        self.report.clear();
        let first = last + 1 - self.waiting.len();
        for (at, losses) in self.waiting.iter().enumerate() {
            let epoch = first + at;
            write_row(&mut self.csv, epoch, *losses);
            if self.console.shows_events() {
                write_event(&mut self.report, epoch, *losses);
            } else if self.console.shows_text() && is_shown(epoch, self.epochs) {
                write_line(&mut self.report, epoch, *losses);
            }
        }
        let losses = self.waiting.last().copied();
        self.waiting.clear();
        if let Err(error) = self.file.write_all(self.csv.as_bytes()) {
            *self.failure.borrow_mut() = Some(error);
        }
        if let Some(losses) = losses {
            self.advance_bar(last, losses);
        }
        if self.report.is_empty() {
            return;
        }
        match &self.bar {
            Some(bar) => bar.suspend(|| self.console.put(self.report.as_bytes())),
            None => self.console.put(self.report.as_bytes()),
        }
    }

    fn advance_bar(&mut self, epoch: usize, losses: EpochLosses) {
        // After an interruption the terminal belongs to what is said of it.
        if self.interrupts.requested() {
            self.clear_bar();
            return;
        }
        let elapsed = self.started.elapsed();
        let wanted = self.console.shows_text()
            && epoch < self.epochs
            && elapsed >= BAR_AFTER
            && io::stderr().is_terminal();
        if wanted && self.bar.is_none() {
            let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} {msg}");
            let bar = ProgressBar::with_draw_target(
                Some(self.epochs as u64),
                ProgressDrawTarget::stderr(),
            );
            self.interrupts.bar_is_shown();
            self.bar = Some(match style {
                Ok(style) => bar.with_style(style),
                Err(_) => bar,
            });
        }
        if let Some(bar) = &self.bar {
            let loss = figure(losses.train);
            bar.set_message(match remaining(elapsed, epoch, self.epochs) {
                Some(left) => format!("loss {loss}, {} left", rough(left)),
                None => format!("loss {loss}"),
            });
            bar.set_position(epoch as u64);
        }
    }
}

/// The time that the other epochs take if they take as long as those that are done; none is known before
/// the first is.
fn remaining(elapsed: Duration, done: usize, epochs: usize) -> Option<Duration> {
    let left = epochs.saturating_sub(done) as f64 / done as f64;
    let seconds = elapsed.as_secs_f64() * left;
    (done > 0).then(|| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

/// A time in one unit, rounded up: what is left of a training is not known better.
fn rough(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    let (size, unit) = match seconds {
        days if days > 2.0 * 86400.0 => (86400.0, "days"),
        hours if hours > 2.0 * 3600.0 => (3600.0, "h"),
        minutes if minutes > 2.0 * 60.0 => (60.0, "min"),
        _ => (1.0, "s"),
    };
    format!("{:.0} {unit}", (seconds / size).ceil())
}

/// Whether an epoch's losses are printed: the first, the last and about every tenth of the training.
fn is_shown(epoch: usize, epochs: usize) -> bool {
    let every = (epochs / LINES).max(1);
    epoch == 1 || epoch == epochs || epoch.is_multiple_of(every)
}

const TEXT_GROWS: &str = "a string takes any text";

fn write_row(to: &mut String, epoch: usize, losses: EpochLosses) {
    write!(to, "{epoch},{:?},", losses.train).expect(TEXT_GROWS);
    if let Some(loss) = losses.validate {
        write!(to, "{loss:?}").expect(TEXT_GROWS);
    }
    if let Some(rate) = losses.rate {
        write!(to, ",{rate:?}").expect(TEXT_GROWS);
    }
    to.push('\n');
}

fn write_event(to: &mut String, epoch: usize, losses: EpochLosses) {
    write!(to, "{{\"event\":\"epoch\",\"epoch\":{epoch},\"train\":").expect(TEXT_GROWS);
    write_loss(to, losses.train);
    if let Some(loss) = losses.validate {
        to.push_str(",\"validate\":");
        write_loss(to, loss);
    }
    if let Some(rate) = losses.rate.filter(|rate| rate.is_finite()) {
        write!(to, ",\"lr\":{rate:?}").expect(TEXT_GROWS);
    }
    to.push_str("}\n");
}

/// JSON has no words for what is not finite.
fn write_loss(to: &mut String, loss: f64) {
    if loss.is_finite() {
        write!(to, "{{\"loss\":{loss:?}}}").expect(TEXT_GROWS)
    } else {
        to.push_str("{\"loss\":null}")
    }
}

fn write_line(to: &mut String, epoch: usize, losses: EpochLosses) {
    write!(to, "Epoch {epoch}, Training loss {}", figure(losses.train)).expect(TEXT_GROWS);
    if let Some(loss) = losses.validate {
        write!(to, ", Validation loss {}", figure(loss)).expect(TEXT_GROWS);
    }
    to.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn about_ten_lines_are_shown() {
        let shown = |epochs| {
            (1..=epochs)
                .filter(|&epoch| is_shown(epoch, epochs))
                .count()
        };
        assert_eq!([1, 3, 10, 100, 5000].map(shown), [1, 3, 10, 11, 11]);
        assert!(shown(19) <= 20 && shown(37) <= 14);
    }

    #[test]
    fn what_is_left_is_unknown_before_the_first_epoch_and_ends_at_nothing() {
        let after = |seconds, done| remaining(Duration::from_secs(seconds), done, 10);
        assert_eq!(after(7, 0), None);
        assert_eq!(after(7, 1), Some(Duration::from_secs(63)));
        assert_eq!(after(50, 5), Some(Duration::from_secs(50)));
        assert_eq!(after(90, 10), Some(Duration::ZERO));
        assert_eq!(remaining(Duration::MAX, 1, usize::MAX), Some(Duration::MAX));
        let texts = [0, 1, 120, 121, 7200, 7201, 172_801].map(|it| rough(Duration::from_secs(it)));
        assert_eq!(
            texts,
            ["0 s", "1 s", "120 s", "3 min", "120 min", "3 h", "3 days"]
        );
    }

    #[test]
    fn an_event_is_json_whatever_the_loss() {
        for loss in [0.1, -0.0, 1e300, 5e-324, f64::NAN, f64::INFINITY] {
            let mut text = String::new();
            let losses = EpochLosses {
                train: loss,
                validate: Some(loss),
                rate: Some(loss),
            };
            write_event(&mut text, 7, losses);
            let event: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            assert_eq!(event["epoch"], 7);
            let read = event["validate"]["loss"].as_f64();
            assert_eq!(read, loss.is_finite().then_some(loss));
        }
    }
}
