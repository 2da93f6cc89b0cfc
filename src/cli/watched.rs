//! What `watch` sections ask for, as it comes: `watch.csv`, and the first and the last of it in the run's
//! summary.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};

use nnc::graph::watch::{BINS, Measure, Watch};
use nnc::plan::Probe;
use nnc::train::ProbeRecord;
use serde_json::{Value, json};

use super::record::Members;
use super::summary::{figure, table};

/// How many watched values a summary shows.
const SHOWN: usize = 12;
/// Bars of a histogram in a summary, each of several parts.
const BARS: usize = 10;

/// One record in numbers.
#[derive(Clone, Default)]
struct Taken {
    update: u64,
    numbers: Vec<f64>,
}

/// What is known of one watched value.
struct Watched {
    watch: Watch,
    first: Taken,
    last: Taken,
}

/// Takes the records of a training.
pub struct WatchFile<'f> {
    file: BufWriter<File>,
    values: Vec<Watched>,
    /// What keeps the file from being written; training has no use any more.
    failure: &'f RefCell<Option<io::Error>>,
}

impl<'f> WatchFile<'f> {
    /// # Errors
    /// `file` cannot be written.
    pub fn new(
        file: File,
        probes: &[Probe],
        failure: &'f RefCell<Option<io::Error>>,
    ) -> io::Result<Self> {
        let mut file = BufWriter::new(file);
        write!(file, "epoch,update,name,value")?;
        for measure in Measure::ALL {
            for number in measure.numbers() {
                write!(file, ",{number}")?;
            }
        }
        writeln!(file, ",counts")?;
        let values = probes.iter().map(|probe| {
            let room = || Taken {
                update: 0,
                numbers: Vec::with_capacity(probe.watch.width()),
            };
            Watched {
                watch: probe.watch.clone(),
                first: room(),
                last: room(),
            }
        });
        Ok(WatchFile {
            file,
            values: values.collect(),
            failure,
        })
    }

    pub fn take(&mut self, record: ProbeRecord) {
        let value = &mut self.values[record.probe];
        if let Err(error) = write_row(&mut self.file, &value.watch, record) {
            *self.failure.borrow_mut() = Some(error);
        }
        let taken = match value.first.update {
            0 => &mut value.first,
            _ => &mut value.last,
        };
        taken.update = record.update;
        taken.numbers.clear();
        taken.numbers.extend_from_slice(record.numbers);
    }

    /// Writes out what is left; gives what the run's summary tells.
    ///
    /// # Errors
    /// The file system refuses.
    pub fn finish(mut self) -> io::Result<WatchSummary> {
        self.file.flush()?;
        Ok(WatchSummary {
            values: self.values,
        })
    }
}

fn write_row(file: &mut impl io::Write, watch: &Watch, record: ProbeRecord) -> io::Result<()> {
    let ProbeRecord {
        epoch,
        update,
        numbers,
        ..
    } = record;
    let subject = watch.subject.word();
    write!(file, "{epoch},{update},{},{subject}", watch.name)?;
    for measure in Measure::ALL {
        let of_it = numbers_of(watch, measure, numbers);
        for index in 0..measure.numbers().len() {
            match of_it.and_then(|numbers| numbers.get(index)) {
                Some(number) => write!(file, ",{number:?}")?,
                None => write!(file, ",")?,
            }
        }
    }
    write!(file, ",")?;
    for (index, count) in counts_of(watch, numbers).iter().enumerate() {
        let blank = if index == 0 { "" } else { " " };
        write!(file, "{blank}{count}")?;
    }
    writeln!(file)
}

/// The numbers of one measure among those of a record.
fn numbers_of<'n>(watch: &Watch, measure: Measure, numbers: &'n [f64]) -> Option<&'n [f64]> {
    let measures = watch.measures.iter();
    let before = measures.take_while(|known| **known != measure);
    let first: usize = before.map(|known| known.width()).sum();
    numbers.get(first..first + measure.width())
}

/// How many elements fall in each part of a histogram; nothing if there is none.
fn counts_of<'n>(watch: &Watch, numbers: &'n [f64]) -> &'n [f64] {
    let histogram = numbers_of(watch, Measure::Histogram, numbers);
    histogram.map_or(&[], |numbers| {
        &numbers[Measure::Histogram.numbers().len()..]
    })
}

/// The first and the last record of each watched value.
pub struct WatchSummary {
    values: Vec<Watched>,
}

impl WatchSummary {
    fn recorded(&self) -> impl Iterator<Item = &Watched> {
        self.values.iter().filter(|value| value.first.update > 0)
    }

    /// The values that a table shows, some of each section.
    fn shown(&self) -> Vec<&Watched> {
        let mut taken: BTreeMap<usize, usize> = BTreeMap::new();
        let mut ranked: Vec<(usize, usize, &Watched)> = Vec::new();
        for (place, value) in self.recorded().enumerate() {
            let rank = taken.entry(value.watch.section).or_default();
            ranked.push((*rank, place, value));
            *rank += 1;
        }
        ranked.sort_by_key(|(rank, place, _)| (*rank, *place));
        ranked.truncate(SHOWN);
        ranked.sort_by_key(|(_, place, _)| *place);
        ranked.into_iter().map(|(_, _, value)| value).collect()
    }

    /// A table of what was recorded first and last; nothing if nothing was.
    pub fn table(&self) -> Option<String> {
        let shown = self.shown();
        let measured = |measure: Measure| {
            let mut watches = shown.iter().map(|value| &value.watch);
            watches.any(|watch| watch.measures.contains(&measure))
        };
        let measures: Vec<Measure> = Measure::ALL
            .into_iter()
            .filter(|it| measured(*it))
            .collect();
        let head = ["watched", "", "update"].map(str::to_owned).into_iter();
        let names = measures.iter().flat_map(|measure| measure.numbers());
        let mut rows: Vec<Vec<String>> = vec![head.chain(names.map(|it| it.to_string())).collect()];
        if measures.contains(&Measure::Histogram) {
            rows[0].push("histogram".to_owned());
        }
        for value in &shown {
            let watch = &value.watch;
            let first = (watch.name.as_str(), watch.subject.word(), &value.first);
            let last = ("", "", &value.last);
            for (name, subject, taken) in [first, last] {
                if taken.update == 0 {
                    continue;
                }
                let mut row = vec![
                    name.to_owned(),
                    subject.to_owned(),
                    taken.update.to_string(),
                ];
                for measure in &measures {
                    let numbers = numbers_of(watch, *measure, &taken.numbers);
                    let cells = 0..measure.numbers().len();
                    row.extend(cells.map(|index| {
                        numbers.map_or(String::new(), |numbers| figure(numbers[index]))
                    }));
                }
                if watch.measures.contains(&Measure::Histogram) {
                    row.push(bars(counts_of(watch, &taken.numbers)));
                }
                rows.push(row);
            }
        }
        let more = self.recorded().count() - shown.len();
        (rows.len() > 1).then(|| match more {
            0 => table(&rows),
            more => format!("{}\nand {more} more, in watch.csv", table(&rows)),
        })
    }

    /// The same for programs; a number that is not finite is null.
    pub fn members(&self) -> Value {
        let values = self.recorded().map(|value| {
            let of = |taken: &Taken| {
                let mut members = Members::new();
                members.insert("update".to_owned(), json!(taken.update));
                for measure in &value.watch.measures {
                    let numbers = numbers_of(&value.watch, *measure, &taken.numbers);
                    let names = measure.numbers().iter();
                    for (name, number) in names.zip(numbers.unwrap_or_default()) {
                        members.insert((*name).to_owned(), json!(number));
                    }
                }
                let counts = counts_of(&value.watch, &taken.numbers);
                if !counts.is_empty() {
                    let counts = counts.iter().map(|count| *count as u64);
                    members.insert("counts".to_owned(), counts.collect());
                }
                members
            };
            let last = match value.last.update {
                0 => &value.first,
                _ => &value.last,
            };
            json!({
                "name": value.watch.name,
                "value": value.watch.subject.word(),
                "first": of(&value.first),
                "last": of(last),
            })
        });
        values.collect()
    }
}

/// A histogram in a line: the higher, the more elements.
fn bars(counts: &[f64]) -> String {
    const HEIGHTS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let sums = counts.chunks(BINS / BARS).map(|parts| parts.iter().sum());
    let sums: Vec<f64> = sums.collect();
    let most = sums.iter().copied().fold(1.0, f64::max);
    let heights = sums.iter().map(|sum| match *sum {
        0.0 => ' ',
        sum => HEIGHTS[((sum / most * 7.0).round() as usize).min(7)],
    });
    heights.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_is_as_wide_as_its_bars() {
        let mut counts = [0.0; BINS];
        assert_eq!(bars(&counts), " ".repeat(BARS));
        counts[0] = 100.0;
        counts[29] = 1.0;
        counts[15] = 50.0;
        assert_eq!(bars(&counts), "█    ▅   ▁");
    }
}
