//! `virt man`.

use std::path::PathBuf;

use clap::{Args, CommandFactory as _};
use serde_json::json;

use crate::cli::Cli;
use crate::context::Context;
use crate::failure::{Failure, Outcome};

/// Write the manual pages of all commands into a directory
#[derive(Debug, Args)]
pub(crate) struct Man {
    /// The directory, which is made if it is not there
    dir: PathBuf,
}

impl Man {
    pub(crate) async fn run(&self, context: &Context) -> Outcome {
        let failed = |error| Failure::of_system(&format!("write manual pages to {}", self.dir.display()), error);
        std::fs::create_dir_all(&self.dir).map_err(failed)?;
        clap_mangen::generate_to(Cli::command(), &self.dir).map_err(failed)?;
        Ok(context.output.done(
            || format!("Manual pages are in {}", self.dir.display()),
            || json!({ "dir": self.dir }),
        )?)
    }
}
