//! What can go wrong.

use std::io;

use virt_types::{ErrorCode, ErrorDomain};

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why the host could not be asked or told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file of the kernel's can not be read.
    #[error("cannot read {path}")]
    Read {
        /// The file, as this host calls it.
        path: String,
        /// Why.
        source: virt_sys::Error,
    },
    /// A file of the kernel's is not there.
    #[error("cannot open {path}: No such file or directory")]
    Missing {
        /// The file.
        path: String,
    },
    /// A file of the kernel's has another form than it should.
    #[error("unable to parse: {text} (in {path})")]
    Parse {
        /// The file.
        path: String,
        /// What is in it.
        text: String,
    },
    /// A setting of the kernel's can not be written.
    #[error("Unable to write to: {path}")]
    Write {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// Flags that a call does not know.
    #[error("unsupported flags (0x{flags:x}) in function {call}")]
    Flags {
        /// The unknown ones.
        flags: u32,
        /// libvirt's name of the function.
        call: &'static str,
    },
    /// There is no such CPU.
    #[error("Invalid cpuNum in virHostCPUGetStatsLinux")]
    NoCpu {
        /// Its number.
        cpu: i32,
    },
    /// There is no such NUMA cell.
    #[error("cellNum in virHostMemGetStats must be less than or equal to {last}")]
    NoCell {
        /// The last one.
        last: u32,
    },
    /// The cells from which figures were asked do not begin on this host.
    #[error("start cell {start} out of range (0-{last})")]
    StartCell {
        /// The first that was asked.
        start: i32,
        /// The last that there is.
        last: u32,
    },
    /// There are no cells to tell anything of.
    #[error("no suitable info found")]
    NoCells,
    /// Nothing is known of processors.
    #[error("no {0} found")]
    NoProcessors(&'static str),
    /// A NUMA cell that is not there.
    #[error("NUMA node {0} is not available")]
    CellUnavailable(i32),
    /// Pages of this size can not be had.
    #[error("page size {size} is not available{}", on_node(*.node))]
    PageSize {
        /// Size in KiB.
        size: u32,
        /// The cell; -1 for the whole host.
        node: i32,
    },
    /// The number of ordinary pages is given.
    #[error("system pages pool can't be modified")]
    SystemPages,
    /// The kernel could not find enough memory in one piece.
    #[error("Unable to allocate {wanted} pages. Allocated only {got}")]
    PagesLeft {
        /// How many were asked for.
        wanted: u64,
        /// How many there are now.
        got: u64,
    },
    /// A setting that this kernel does not have.
    #[error("Parameter '{0}' is not supported by this kernel")]
    NoParameter(String),
    /// A setting that nobody has.
    #[error("parameter '{0}' not supported")]
    UnknownParameter(String),
    /// A setting whose value is of another type.
    #[error("invalid type '{given}' for parameter '{name}', expected '{expected}'")]
    ParameterType {
        /// The setting.
        name: String,
        /// The type it was given.
        given: &'static str,
        /// The type it has.
        expected: &'static str,
    },
    /// The host can not sleep so.
    #[error("{0}")]
    CannotSleep(&'static str),
    /// There is no such way of sleeping.
    #[error("Invalid suspend target")]
    SleepTarget,
    /// The time of sleep is too short to come back from it.
    #[error("Suspend duration is too short, must be at least 60 seconds")]
    SleepTooShort,
    /// A program that puts the host to sleep failed.
    #[error("cannot run {program}")]
    Program {
        /// The program.
        program: &'static str,
        /// Why.
        source: virt_sys::Error,
    },
    /// A program that puts the host to sleep says that it can not.
    #[error("{program} failed: {said}")]
    Refused {
        /// The program.
        program: &'static str,
        /// What it says.
        said: String,
    },
    /// The host has no firmware tables, or nobody may read them.
    #[error("Host SMBIOS information is not available")]
    NoFirmwareTables,
}

fn on_node(node: i32) -> String {
    if node < 0 { String::new() } else { format!(" on node {node}") }
}

impl From<Error> for virt_types::Error {
    fn from(error: Error) -> Self {
        use ErrorCode as Code;
        let (code, verbatim) = match &error {
            Error::Read { .. } | Error::Missing { .. } | Error::Write { .. } | Error::Program { .. } => {
                (Code::SystemError, false)
            }
            Error::Flags { .. } | Error::NoCpu { .. } | Error::NoCell { .. } => (Code::InvalidArg, true),
            Error::Parse { .. }
            | Error::Refused { .. }
            | Error::StartCell { .. }
            | Error::NoCells
            | Error::NoProcessors(_) => (Code::InternalError, false),
            Error::CellUnavailable(_) | Error::PageSize { .. } | Error::PagesLeft { .. } => {
                (Code::OperationFailed, false)
            }
            Error::SystemPages => (Code::OperationUnsupported, false),
            Error::NoParameter(_) => (Code::OperationInvalid, false),
            Error::UnknownParameter(_) => (Code::ArgumentUnsupported, false),
            Error::ParameterType { .. } | Error::SleepTarget | Error::SleepTooShort => {
                (Code::InvalidArg, false)
            }
            Error::CannotSleep(_) => (Code::ArgumentUnsupported, false),
            Error::NoFirmwareTables => (Code::ConfigUnsupported, false),
        };
        let wire = Self::new(code, ErrorDomain::None, error.to_string());
        let wire = if verbatim { wire.verbatim() } else { wire };
        wire.caused_by(error)
    }
}
