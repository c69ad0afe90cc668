//! Samples, their medians, and the table that is printed.

use std::fmt;
use std::time::{Duration, Instant};

/// What a sample counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Milliseconds,
    Microseconds,
    Kilobytes,
}

impl Unit {
    const fn symbol(self) -> &'static str {
        match self {
            Self::Milliseconds => "ms",
            Self::Microseconds => "µs",
            Self::Kilobytes => "kB",
        }
    }

    /// A time in this unit.
    fn of(self, time: Duration) -> f64 {
        time.as_secs_f64() * if self == Self::Microseconds { 1e6 } else { 1e3 }
    }
}

struct Row {
    name: String,
    unit: Unit,
    samples: Vec<f64>,
}

impl Row {
    /// The value below which this part of the samples lies.
    fn quantile(&self, part: f64) -> f64 {
        let mut sorted = self.samples.clone();
        sorted.sort_unstable_by(f64::total_cmp);
        let last = sorted.len().saturating_sub(1);
        let place = (part * last as f64).round() as usize;
        sorted.get(place).copied().unwrap_or(f64::NAN)
    }
}

struct Ratio {
    of: String,
    to: String,
    goal: f64,
}

/// Rows of samples, and which of them are to be compared.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
    ratios: Vec<Ratio>,
}

impl Table {
    /// Adds a sample to the row of this name.
    pub(crate) fn add(&mut self, name: &str, unit: Unit, sample: f64) {
        match self.rows.iter_mut().find(|row| row.name == name) {
            Some(row) => row.samples.push(sample),
            None => self.rows.push(Row { name: name.to_owned(), unit, samples: vec![sample] }),
        }
    }

    /// Adds a time to the row of this name.
    pub(crate) fn time(&mut self, name: &str, unit: Unit, time: Duration) {
        self.add(name, unit, unit.of(time));
    }

    /// Measures a piece of work.
    pub(crate) fn measure<T>(&mut self, name: &str, unit: Unit, work: impl FnOnce() -> T) -> T {
        let begin = Instant::now();
        let done = work();
        self.time(name, unit, begin.elapsed());
        done
    }

    /// Compares the medians of two rows, where both are there, with the most that their ratio is to be.
    pub(crate) fn compare(&mut self, of: &str, to: &str, goal: f64) {
        self.ratios.push(Ratio { of: of.to_owned(), to: to.to_owned(), goal });
    }

    fn median(&self, name: &str) -> Option<f64> {
        self.rows.iter().find(|row| row.name == name).map(|row| row.quantile(0.5))
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  {:<52} {:>4} {:>10} {:>10} {:>10}", "", "n", "min", "median", "p90")?;
        for row in &self.rows {
            let [min, median, p90] = [0.0, 0.5, 0.9].map(|part| row.quantile(part));
            let (name, n, unit) = (&row.name, row.samples.len(), row.unit.symbol());
            writeln!(f, "  {name:<52} {n:>4} {min:>10.3} {median:>10.3} {p90:>10.3} {unit}")?;
        }
        for Ratio { of, to, goal } in &self.ratios {
            if let (Some(ours), Some(theirs)) = (self.median(of), self.median(to)) {
                let ratio = ours / theirs;
                let verdict = if ratio <= *goal { "met" } else { "missed" };
                writeln!(f, "  {:<67} {ratio:>10.3} (goal {goal}: {verdict})", format!("{of} / {to}"))?;
            }
        }
        Ok(())
    }
}
