//! The programs that make a guest's state smaller.

use std::os::fd::OwnedFd;

use rustix::pipe::{PipeFlags, pipe_with};
use virt_sys::{Process, Spawn};
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

use super::super::launch::cannot;
use crate::save_image::Compression;

/// Where programs are looked for.
const PATH: [&str; 3] = ["/usr/bin", "/bin", "/usr/local/bin"];

/// A program that compresses.
#[derive(Debug, Clone)]
pub(super) struct Compressor {
    program: String,
}

/// One that is at work.
#[derive(Debug)]
pub(super) struct Compressing {
    program: String,
    process: Process,
}

impl Compressor {
    /// The program of this compression, which may be none.
    pub(super) fn find(compression: Compression) -> Result<Option<Self>> {
        let Some(name) = compression.program() else { return Ok(None) };
        let found =
            PATH.iter().map(|dir| format!("{dir}/{name}")).find(|path| std::path::Path::new(path).exists());
        let detail =
            || format!("Compression program for image format in configuration file isn't available: {name}");
        match found {
            Some(program) => Ok(Some(Self { program })),
            None => Err(Error::new(ErrorCode::OperationFailed, ErrorDomain::Qemu, detail())
                .with_hint(format!("install {name}, or set another save_image_format"))),
        }
    }

    /// Starts to write to a descriptor what comes in at the one that is given back.
    pub(super) fn start(&self, output: OwnedFd) -> Result<(Compressing, OwnedFd)> {
        let (reader, writer) = pipe()?;
        let process = self.spawn(&["-c"], reader, output)?;
        Ok((Compressing { program: self.program.clone(), process }, writer))
    }

    /// What a descriptor holds, as it was. The program ends with its output.
    pub(super) fn expand(&self, input: OwnedFd) -> Result<OwnedFd> {
        let (reader, writer) = pipe()?;
        self.spawn(&["-dc"], input, writer)?;
        Ok(reader)
    }

    fn spawn(&self, arguments: &[&str], input: OwnedFd, output: OwnedFd) -> Result<Process> {
        let mut spawn = Spawn::new(&self.program);
        spawn.args(arguments.iter().copied()).cwd("/").stdin(input).stdout(output);
        let child = spawn.start().map_err(|error| cannot(&format!("start {}", self.program), error))?;
        Process::new(child.pidfd).map_err(|error| cannot(&format!("watch {}", self.program), error))
    }
}

impl Compressing {
    /// Waits until everything is written.
    pub(super) async fn finished(self) -> Result<()> {
        self.process.ended().await;
        match self.process.pidfd().try_exit() {
            Ok(Some(status)) if !status.success() => {
                let detail = format!("{} failed: {status}", self.program);
                Err(Error::new(ErrorCode::OperationFailed, ErrorDomain::Qemu, detail))
            }
            _ => Ok(()),
        }
    }
}

fn pipe() -> Result<(OwnedFd, OwnedFd)> {
    pipe_with(PipeFlags::CLOEXEC).map_err(|errno| cannot("make a pipe", std::io::Error::from(errno)))
}
