//! The log of a guest: what it was started with, and what QEMU said.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::SystemTime;

use crate::plan::Plan;
use crate::plan::argv::shell_word;

/// The most of QEMU's last words that an error shows.
const LAST_WORDS: u64 = 4096;

/// A guest's log, open for one life of the guest.
#[derive(Debug)]
pub(crate) struct GuestLog {
    file: File,
    /// Where QEMU's own words begin.
    start: u64,
}

impl GuestLog {
    /// Opens the log and writes with what the guest is started.
    pub(crate) fn open(path: &Path, plan: &Plan) -> io::Result<Self> {
        if let Some(dir) = path.parent() {
            virt_sys::fs::create_dir_all(dir, 0o700).map_err(io::Error::other)?;
        }
        let mut file = OpenOptions::new().create(true).append(true).read(true).mode(0o600).open(path)?;
        file.write_all(header(plan).as_bytes())?;
        let start = file.seek(SeekFrom::End(0))?;
        Ok(Self { file, start })
    }

    /// Opens the log of a guest that runs already.
    pub(crate) fn reopen(path: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new().append(true).read(true).open(path)?;
        let start = file.seek(SeekFrom::End(0))?;
        Ok(Self { file, start })
    }

    /// A descriptor for the guest's output.
    pub(crate) fn output(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Notes something.
    pub(crate) fn note(&self, text: &str) {
        // A log that can not be written must not keep a guest from anything.
        let _ = writeln!(&self.file, "{}: {text}", virt_sys::clock::timestamp(SystemTime::now()));
    }

    /// What QEMU said in this life, without its timestamps.
    pub(crate) fn last_words(&self) -> Option<String> {
        let mut file = self.file.try_clone().ok()?;
        let end = file.seek(SeekFrom::End(0)).ok()?;
        file.seek(SeekFrom::Start(self.start.max(end.saturating_sub(LAST_WORDS)))).ok()?;
        let mut bytes = Vec::new();
        file.take(LAST_WORDS).read_to_end(&mut bytes).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> =
            text.lines().map(without_timestamp).filter(|line| is_complaint(line)).collect();
        (!lines.is_empty()).then(|| lines.join("\n"))
    }
}

/// Whether a line is worth showing: QEMU's notices of the signal that we sent and of its terminals are not.
fn is_complaint(line: &str) -> bool {
    !line.is_empty()
        && !line.contains("terminating on signal 15 from pid")
        && !line.starts_with("char device redirected to ")
}

/// QEMU writes times before its lines (`-msg timestamp=on`).
fn without_timestamp(line: &str) -> &str {
    match line.split_once("Z ") {
        Some((time, rest)) if time.len() >= 19 && time.as_bytes()[4] == b'-' && time.contains('T') => rest,
        _ => line,
    }
}

fn header(plan: &Plan) -> String {
    let env = plan.env.iter().map(|(name, value)| format!("{name}={} \\\n", shell_word(value)));
    let args = plan.argv().into_iter().map(|word| {
        // An option begins a line, its value stays on it.
        if word.starts_with('-') {
            format!("\\\n{} ", shell_word(&word))
        } else {
            format!("{} ", shell_word(&word))
        }
    });
    let words: String = env.chain([format!("{} ", shell_word(&plan.program))]).chain(args).collect();
    format!(
        "{}: starting up virt version: {}\n{}\n",
        virt_sys::clock::timestamp(SystemTime::now()),
        env!("CARGO_PKG_VERSION"),
        words.trim_end()
    )
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn last_words_are_what_qemu_complained_about() {
        let path = std::env::temp_dir().join(format!("virt-qemu-log-{}", std::process::id()));
        let log = GuestLog::open(&path, &Plan::default()).unwrap();
        assert_eq!(log.last_words(), None);
        writeln!(log.output().unwrap(), "2026-11-24T08:00:00.000000Z qemu-system-x86_64: no such disk")
            .unwrap();
        writeln!(log.output().unwrap(), "qemu: terminating on signal 15 from pid 7 (virt)").unwrap();
        assert_eq!(log.last_words().as_deref(), Some("qemu-system-x86_64: no such disk"));
        std::fs::remove_file(path).unwrap();
    }
}
