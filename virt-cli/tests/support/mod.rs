//! Running `virt` and looking at what it says.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// An engine of its own in a directory that is gone afterwards.
pub(crate) struct Engine {
    pub(crate) root: PathBuf,
}

impl Engine {
    pub(crate) fn new(name: &str) -> Self {
        let root = std::env::temp_dir().join(format!("virt-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&root).unwrap();
        Self { root }
    }

    /// `virt` on this engine. What it writes to the user's directories would be found in the engine's.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_virt"));
        command.env("VIRT_DEFAULT_URI", format!("qemu:///embed?root={}", self.root.display()));
        for name in ["HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR"] {
            command.env(name, &self.root);
        }
        command.args(args).stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> Answer {
        Answer::of(args, &self.command(args).output().unwrap())
    }

    /// Writes a file into the directory.
    pub(crate) fn file(&self, name: &str, content: &str) -> String {
        let path = self.root.join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // A test that failed half way leaves guests.
        let list = self.command(&["-q", "list", "--name"]).output();
        for name in list.iter().flat_map(|output| {
            String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect::<Vec<_>>()
        }) {
            let _ = self.command(&["-q", "destroy", &name]).output();
        }
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

/// What a run of `virt` said, and how it ended.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) args: String,
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) status: i32,
}

impl Answer {
    fn of(args: &[&str], output: &Output) -> Self {
        Self {
            args: args.join(" "),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
            status: output.status.code().unwrap_or(-1),
        }
    }

    /// It did what it was asked for.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        self.ended(0)
    }

    #[track_caller]
    pub(crate) fn ended(self, status: i32) -> Self {
        assert_eq!(self.status, status, "virt {}\n{}\n{}", self.args, self.out, self.err);
        self
    }

    /// Both streams hold these.
    #[track_caller]
    pub(crate) fn says(self, texts: &[&str]) -> Self {
        for text in texts {
            let said = self.out.contains(text) || self.err.contains(text);
            assert!(said, "virt {} does not say '{text}':\n{}\n{}", self.args, self.out, self.err);
        }
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("virt {}: {error}\n{}", self.args, self.out))
    }

    /// The error, as programs read it.
    #[track_caller]
    pub(crate) fn json_error(&self) -> Value {
        let document: Value = serde_json::from_str(&self.err)
            .unwrap_or_else(|error| panic!("virt {}: {error}\n{}", self.args, self.err));
        document["error"].clone()
    }
}

/// A file of this repository's `fixtures/cli`.
pub(crate) fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/cli").join(name);
    path.canonicalize().unwrap().to_str().unwrap().to_owned()
}
