//! `tidy`: the rules of this repository that the compiler does not know.
//!
//! A rule is a function from the repository to findings, each naming the file, the line if there is one, and what to do.

mod alone;
mod documents;
mod layers;
mod sources;

use std::{
    fmt::Display,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    args::Args,
    codegen,
    process::{During, Failure, Result, output},
    workspace::{self, Package, packages},
};

/// What the rules look at.
struct Repository {
    root: PathBuf,
    packages: Vec<Package<'static>>,
    /// Every file that git knows or would add, relative to the root.
    files: Vec<String>,
    /// Those of them that end in `.rs`.
    sources: Vec<sources::Source>,
}

/// Findings of all rules.
#[derive(Default)]
struct Findings(Vec<String>);

impl Findings {
    fn add(&mut self, place: impl Display, finding: impl Display) {
        self.0.push(format!("{place}: {finding}"));
    }
}

/// The verb.
pub(crate) fn run(args: &mut Args) -> Result<()> {
    args.end()?;
    let repository = Repository::read()?;
    let mut findings = Findings::default();
    layers::check(&repository, &mut findings);
    alone::check(&repository, &mut findings);
    sources::check(&repository, &mut findings);
    documents::check(&repository, &mut findings);
    for (file, fault) in codegen::findings() {
        findings.add(file, fault);
    }
    println!("{}", sources::sizes(&repository.sources));
    if findings.0.is_empty() {
        println!("tidy: {} files, nothing to mend", repository.files.len());
        return Ok(());
    }
    for finding in &findings.0 {
        println!("{finding}");
    }
    Err(Failure::new(format!("{} things to mend", findings.0.len())))
}

impl Repository {
    fn read() -> Result<Self> {
        let root = workspace::root().to_owned();
        let listing = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        let listing = output(Command::new("git").arg("-C").arg(&root).args(listing))?;
        let mut files: Vec<String> =
            listing.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        files.retain(|file| root.join(file).symlink_metadata().is_ok());
        files.sort();
        files.dedup();
        let rust = files.iter().filter(|name| name.ends_with(".rs"));
        let sources = rust.map(|name| sources::Source::read(&root, name)).collect::<Result<_>>()?;
        Ok(Self { root, packages: packages()?, files, sources })
    }

    /// A file's text; empty if it is not there.
    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.root.join(name)).unwrap_or_default()
    }

    fn has(&self, name: &str) -> bool {
        self.root.join(name).exists()
    }

    /// Path of a file or folder relative to the root.
    fn relative<'a>(&self, path: &'a Path) -> &'a Path {
        path.strip_prefix(&self.root).unwrap_or(path)
    }
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).during(path.display())
}
