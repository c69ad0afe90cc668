//! What a start went through, and when.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::output::Output;

/// The phases of a start, each with the time from the beginning to its end.
#[derive(Debug)]
pub(crate) struct Phases {
    output: Output,
    started: Instant,
    done: Vec<(String, Duration)>,
}

impl Phases {
    pub(crate) fn start(output: Output) -> Self {
        Self { output, started: Instant::now(), done: Vec::new() }
    }

    /// Notes the end of a phase, and says so.
    pub(crate) fn reach(&mut self, phase: impl Into<String>) {
        self.reach_silently(phase);
        if let Some((phase, time)) = self.done.last() {
            self.output.note(&line(phase, *time));
        }
    }

    /// Notes the end of a phase that shows on a screen whose cursor may be anywhere, and says so on a line of its own.
    pub(crate) fn reach_on_screen(&mut self, phase: impl Into<String>) {
        self.reach_silently(phase);
        if let Some((phase, time)) = self.done.last() {
            self.output.note(&format!("\r\n{}", line(phase, *time)));
        }
    }

    /// Notes the end of a phase while the screen belongs to somebody else.
    pub(crate) fn reach_silently(&mut self, phase: impl Into<String>) {
        self.done.push((phase.into(), self.started.elapsed()));
    }

    /// The last phase that ended, and when.
    pub(crate) fn last(&self) -> Option<(&str, Duration)> {
        self.done.last().map(|(phase, time)| (phase.as_str(), *time))
    }

    /// Whether such a phase ended.
    pub(crate) fn has(&self, phase: &str) -> bool {
        self.done.iter().any(|(done, _)| done == phase)
    }

    /// Says the phases from the `first` on that were noted silently.
    pub(crate) fn say_since(&self, first: usize) {
        self.done.iter().skip(first).for_each(|(phase, time)| self.output.note(&line(phase, *time)));
    }

    /// How many phases ended.
    pub(crate) fn len(&self) -> usize {
        self.done.len()
    }

    /// A list of objects: `phase`, and `seconds` from the beginning to its end.
    pub(crate) fn as_json(&self) -> Value {
        let rounded = |time: Duration| (time.as_secs_f64() * 1e4).round() / 1e4;
        self.done.iter().map(|(phase, time)| json!({ "phase": phase, "seconds": rounded(*time) })).collect()
    }
}

fn line(phase: &str, time: Duration) -> String {
    format!("{:7.2} s  {phase}", time.as_secs_f64())
}
