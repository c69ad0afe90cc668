//! The log: libvirt's filters and outputs, which can be changed at any time.
//!
//! A message has a source, its module's path as libvirt writes such (`qemu.driver.domains`), and a priority. The first
//! filter whose pattern the source contains says from which priority on messages are taken, else the default does; what is
//! taken goes to each output whose own priority it reaches.
//!
//! ```
//! use virt_daemon::logging::{Filters, Outputs};
//!
//! let filters: Filters = "1:qemu 4:rpc".parse()?;
//! assert_eq!(filters.to_string(), "1:*qemu* 4:*rpc* ");
//! let outputs: Outputs = "3:stderr 1:file:/tmp/virtd.log".parse()?;
//! assert_eq!(outputs.to_string(), "3:stderr 1:file:/tmp/virtd.log");
//! assert!("5:qemu".parse::<Filters>().is_err());
//! # Ok::<(), virt_daemon::logging::Malformed>(())
//! ```

mod filter;
mod journal;
mod message;
mod output;
mod sink;

use std::fmt;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use log::{LevelFilter, Log, Metadata, Record};

pub use filter::{Filter, Filters};
pub use output::{Destination, Output, Outputs};

use message::Message;
use sink::Sink;

/// How much a message matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// 1: what happens inside.
    Debug = 1,
    /// 2: what happens.
    Info = 2,
    /// 3: what somebody should know.
    Warning = 3,
    /// 4: what went wrong.
    Error = 4,
}

impl Priority {
    /// The priority of libvirt's number.
    #[must_use]
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Debug),
            2 => Some(Self::Info),
            3 => Some(Self::Warning),
            4 => Some(Self::Error),
            _ => None,
        }
    }

    fn of_text(text: &str) -> Option<Self> {
        text.parse().ok().and_then(Self::from_number)
    }

    const fn of_level(level: log::Level) -> Self {
        match level {
            log::Level::Error => Self::Error,
            log::Level::Warn => Self::Warning,
            log::Level::Info => Self::Info,
            log::Level::Debug | log::Level::Trace => Self::Debug,
        }
    }

    const fn level(self) -> LevelFilter {
        match self {
            Self::Error => LevelFilter::Error,
            Self::Warning => LevelFilter::Warn,
            Self::Info => LevelFilter::Info,
            Self::Debug => LevelFilter::Trace,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", *self as u8)
    }
}

/// A filter or an output that makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub(crate) String);

/// Why other outputs were not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OutputError {
    /// They make no sense.
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// One can not be opened.
    #[error("failed to open {output}")]
    Open {
        /// The output.
        output: String,
        /// The kernel's reason.
        source: std::io::Error,
    },
}

struct State {
    usual: Priority,
    filters: Filters,
    sinks: Vec<Sink>,
}

impl State {
    fn level(&self) -> LevelFilter {
        let taken = self.filters.lowest().map_or(self.usual, |lowest| lowest.min(self.usual));
        let told = self.sinks.iter().map(|sink| sink.output.priority).min();
        told.map_or(LevelFilter::Off, |told| told.max(taken).level())
    }

    fn takes(&self, priority: Priority, target: &str) -> bool {
        priority >= self.filters.priority_of(&source(target)).unwrap_or(self.usual)
    }
}

/// The process's log.
pub struct Logging {
    state: RwLock<Arc<State>>,
    fallback: OnceLock<Outputs>,
}

impl fmt::Debug for Logging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logging").field("filters", &self.filters()).field("outputs", &self.outputs()).finish()
    }
}

static LOGGING: OnceLock<Logging> = OnceLock::new();

impl Logging {
    /// The process's log, which writes nothing until it has outputs.
    pub fn of_this_process() -> &'static Self {
        LOGGING.get_or_init(|| Self {
            state: RwLock::new(Arc::new(State {
                usual: Priority::Warning,
                filters: Filters::default(),
                sinks: Vec::new(),
            })),
            fallback: OnceLock::new(),
        })
    }

    /// Makes it what [`log`]'s macros write to. A second call changes nothing.
    pub fn install(&'static self) {
        // Somebody else's logger, as in a test, stays.
        let _ = log::set_logger(self);
        log::set_max_level(self.state().level());
    }

    fn state(&self) -> Arc<State> {
        Arc::clone(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change(&self, change: impl FnOnce(&State) -> State) {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        *state = Arc::new(change(&state));
        log::set_max_level(state.level());
    }

    /// The priority from which on messages are taken that no filter is about.
    pub fn set_usual(&self, usual: Priority) {
        self.change(|state| State { usual, filters: state.filters.clone(), sinks: state.sinks.clone() });
    }

    /// The priority from which on messages are taken that no filter is about.
    #[must_use]
    pub fn usual(&self) -> Priority {
        self.state().usual
    }

    /// The filters.
    #[must_use]
    pub fn filters(&self) -> Filters {
        self.state().filters.clone()
    }

    /// Replaces the filters.
    pub fn set_filters(&self, filters: Filters) {
        self.change(|state| State { usual: state.usual, filters, sinks: state.sinks.clone() });
    }

    /// The outputs.
    #[must_use]
    pub fn outputs(&self) -> Outputs {
        self.state().sinks.iter().map(|sink| sink.output.clone()).collect()
    }

    /// Says which outputs there are when none are asked for. The first call counts.
    pub fn set_fallback(&self, outputs: Outputs) {
        let _ = self.fallback.set(outputs);
    }

    /// Replaces the outputs; without any, by those that there are when none are asked for. Nothing changes where one
    /// can not be opened.
    ///
    /// # Errors
    /// Where one can not be opened.
    pub fn set_outputs(&self, outputs: &Outputs) -> Result<(), OutputError> {
        let outputs = match self.fallback.get() {
            Some(fallback) if outputs.is_empty() => fallback,
            _ => outputs,
        };
        let sinks = outputs.iter().map(Sink::open).collect::<Result<Vec<_>, _>>()?;
        self.change(|state| State { usual: state.usual, filters: state.filters.clone(), sinks });
        Ok(())
    }

    /// Opens the outputs anew, for files that somebody has moved away.
    ///
    /// # Errors
    /// Where one can not be opened; then the old ones stay.
    pub fn reopen(&self) -> Result<(), OutputError> {
        self.set_outputs(&self.outputs())
    }
}

/// A module's path in libvirt's form: `virt_qemu::driver::domains` is `qemu.driver.domains`.
fn source(target: &str) -> String {
    target.strip_prefix("virt_").unwrap_or(target).replace("::", ".")
}

impl Log for Logging {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.state().takes(Priority::of_level(metadata.level()), metadata.target())
    }

    fn log(&self, record: &Record<'_>) {
        let state = self.state();
        let priority = Priority::of_level(record.level());
        if !state.takes(priority, record.target()) {
            return;
        }
        let text = record.args().to_string();
        let message = Message {
            priority,
            source: &source(record.target()),
            place: record.module_path().zip(record.line()),
            file: record.file(),
            text: &text,
        };
        for sink in state.sinks.iter().filter(|sink| priority >= sink.output.priority) {
            sink.write(&message);
        }
    }

    fn flush(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(usual: Priority, filters: &str, outputs: &str) -> State {
        let outputs: Outputs = outputs.parse().unwrap();
        State {
            usual,
            filters: filters.parse().unwrap(),
            sinks: outputs.iter().map(|output| Sink::open(output).unwrap()).collect(),
        }
    }

    #[test]
    fn the_first_filter_that_matches_decides() {
        let state = state(Priority::Warning, "1:qemu.driver 4:qemu", "1:stderr");
        for (priority, target, taken) in [
            (Priority::Debug, "virt_qemu::driver::domains", true),
            (Priority::Warning, "virt_qemu::process", false),
            (Priority::Error, "virt_qemu::process", true),
            (Priority::Info, "virt_rpc::server", false),
            (Priority::Warning, "virt_rpc::server", true),
        ] {
            assert_eq!(state.takes(priority, target), taken, "{priority:?} {target}");
        }
    }

    #[test]
    fn nothing_is_made_that_nobody_will_see() {
        for (filters, outputs, level) in [
            ("", "1:stderr", LevelFilter::Warn),
            ("1:qemu", "1:stderr", LevelFilter::Trace),
            ("1:qemu", "2:stderr", LevelFilter::Info),
            ("4:qemu", "1:stderr", LevelFilter::Warn),
            ("1:qemu", "", LevelFilter::Off),
        ] {
            assert_eq!(state(Priority::Warning, filters, outputs).level(), level, "{filters} {outputs}");
        }
    }

    #[test]
    fn files_get_lines_and_other_outputs_replace_them() {
        let dir = std::env::temp_dir().join(format!("virt-daemon-log-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let file = dir.join("a.log");
        let logging = Logging {
            state: RwLock::new(Arc::new(state(Priority::Warning, "", ""))),
            fallback: OnceLock::new(),
        };
        logging.set_outputs(&format!("3:file:{}", file.display()).parse().unwrap()).unwrap();
        let say = |level: log::Level, text: &str| {
            logging.log(
                &Record::builder()
                    .level(level)
                    .target("virt_qemu::driver")
                    .module_path(Some("virt_qemu::driver"))
                    .line(Some(7))
                    .args(format_args!("{text}"))
                    .build(),
            );
        };
        say(log::Level::Warn, "one");
        say(log::Level::Info, "two");
        let written = std::fs::read_to_string(&file).unwrap();
        let lines: Vec<_> = written.lines().map(|line| line.split_once("+0000: ").unwrap().1).collect();
        assert_eq!(lines.len(), 3, "{written}");
        assert!(lines[0].contains(": info : virt version: "), "{written}");
        assert!(lines[1].contains(": info : hostname: "), "{written}");
        assert!(lines[2].ends_with(": warning : qemu.driver:7 : one"), "{written}");

        // A rotated file is left for a new one.
        std::fs::rename(&file, dir.join("a.log.1")).unwrap();
        logging.reopen().unwrap();
        say(log::Level::Error, "three");
        assert!(std::fs::read_to_string(&file).unwrap().contains(": error : qemu.driver:7 : three"));

        let missing = format!("1:file:{}", dir.join("no/such").display()).parse().unwrap();
        assert!(logging.set_outputs(&missing).is_err());
        assert_eq!(logging.outputs().to_string(), format!("3:file:{}", file.display()));
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
