//! A stock libvirtd, driven by its own Python binding: what it does is timed there, without the pipe.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use crate::documents::TEN_KILOBYTES;
use crate::{MINIMAL, Result};

const SCRIPT: &str = include_str!("peer.py");

/// The distribution's interpreter: the one for which the binding is packaged.
const PYTHON: &str = "/usr/bin/python3";

/// A connection to the peer.
pub(crate) struct Peer {
    child: Child,
    calls: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Peer {
    pub(crate) fn connect(uri: &str) -> Result<Self> {
        let mut child = Command::new(PYTHON)
            .args(["-c", SCRIPT, uri, MINIMAL, TEN_KILOBYTES])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let calls = child.stdin.take();
        let answers = BufReader::new(child.stdout.take().ok_or("no pipe")?);
        let mut peer = Self { child, calls, answers };
        if peer.line()? != "ready" {
            return Err(format!("cannot drive {uri}: python3-libvirt is needed").into());
        }
        Ok(peer)
    }

    /// How long a call takes.
    pub(crate) fn ask(&mut self, call: &str) -> Result<Duration> {
        writeln!(self.calls.as_mut().ok_or("closed")?, "{call}")?;
        let answer = self.line()?;
        let seconds = answer.parse().map_err(|_| format!("{call}: libvirt answered: {answer}"))?;
        Ok(Duration::from_secs_f64(seconds))
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(line.trim_end().to_owned())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // The end of its input ends it, after it has cleaned up.
        drop(self.calls.take());
        let _ = self.child.wait();
    }
}
