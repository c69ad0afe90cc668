//! `codegen`: files that are made from the code, and kept in the repository so that they can be read there.

use std::{fs, process::Command};

use crate::{
    args::Args,
    process::{During, Failure, Result, output},
    workspace::{self, cargo},
};

/// A file, and the example of a crate that prints it.
struct Page {
    file: &'static str,
    package: &'static str,
    example: &'static str,
}

const PAGES: &[Page] = &[Page { file: "docs/PROTOCOL.md", package: "virt-proto", example: "protocol_page" }];

/// The verb.
pub(crate) fn run(args: &mut Args) -> Result<()> {
    let check = args.flag("--check");
    args.end()?;
    let mut stale = Vec::new();
    for page in PAGES {
        let text = page.make()?;
        if page.is_current(&text) {
            continue;
        }
        if check {
            stale.push(page.file);
            continue;
        }
        fs::write(workspace::root().join(page.file), text).during(page.file)?;
        println!("{}: written", page.file);
    }
    if stale.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("not up to date: {}; run cargo xtask codegen", stale.join(", "))))
}

/// What is wrong with each file, for `tidy`.
pub(crate) fn findings() -> Vec<(&'static str, String)> {
    let fault = |page: &Page| match page.make() {
        Ok(text) if page.is_current(&text) => None,
        Ok(_) => Some((page.file, "is not up to date; run cargo xtask codegen".to_owned())),
        Err(failure) => Some((page.file, format!("cannot be made: {failure}"))),
    };
    PAGES.iter().filter_map(fault).collect()
}

impl Page {
    fn make(&self) -> Result<String> {
        let mut command: Command = cargo();
        output(command.args(["run", "--quiet", "-p", self.package, "--example", self.example]))
    }

    fn is_current(&self, text: &str) -> bool {
        fs::read_to_string(workspace::root().join(self.file)).is_ok_and(|current| current == text)
    }
}
