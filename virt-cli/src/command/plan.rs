//! `virt plan`: what would be done, without doing it.

use std::io::{BufRead, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde::Deserialize;
use serde_json::json;
use virt_core::qemu::plan::{HostNeed, Part};
use virt_core::qemu::planner::Planner;
use virt_core::types::{Error, ErrorCode, ErrorDomain, Result};

/// Show what a document comes to, and what starting it would do, without doing it
#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// What kind of document it is
    #[arg(long, default_value = "domain")]
    kind: String,

    /// In which form the answer is given
    #[arg(long, value_enum, default_value = "argv")]
    format: Format,

    /// Plan against a host that was recorded to this directory, instead of this machine
    #[arg(long, value_name = "DIR")]
    host: Option<PathBuf>,

    /// Answer requests, a JSON object a line: {"input": FILE, "kind": KIND, "want": "argv" or "canonical"}
    #[arg(long, conflicts_with = "file")]
    serve: bool,

    /// The document
    #[arg(required_unless_present = "serve")]
    file: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The command line, one argument per line
    Argv,
    /// The canonical document
    Xml,
    /// The whole plan
    Json,
}

#[derive(Debug, Deserialize)]
struct Request {
    input: PathBuf,
    kind: String,
    want: String,
}

impl Plan {
    pub(crate) fn run(&self) -> Result<()> {
        let planner = match &self.host {
            Some(dir) => Planner::recorded(dir)?,
            None => return Err(Error::no_support("a plan for this machine")),
        };
        if self.serve {
            return serve(&planner);
        }
        let file = self.file.as_deref().unwrap_or_else(|| Path::new("-"));
        print!("{}", answer(&planner, &self.kind, self.format, file)?);
        Ok(())
    }
}

/// Answers one request per line until the input ends.
fn serve(planner: &Planner) -> Result<()> {
    let failed = |error: std::io::Error| {
        Error::new(ErrorCode::SystemError, ErrorDomain::None, "cannot talk to the requester").caused_by(error)
    };
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let outcome = serde_json::from_str::<Request>(&line.map_err(failed)?)
            .map_err(|error| Error::new(ErrorCode::InvalidArg, ErrorDomain::None, error.to_string()))
            .and_then(|request| {
                let format = if request.want == "canonical" { Format::Xml } else { Format::Argv };
                answer(planner, &request.kind, format, &request.input)
            });
        let reply = match outcome {
            Ok(text) => json!({ "out": text }),
            Err(error) => json!({ "error": format!("code: {}\n{}", error.code().number(), error) }),
        };
        writeln!(out, "{reply}").and_then(|()| out.flush()).map_err(failed)?;
    }
    Ok(())
}

fn answer(planner: &Planner, kind: &str, format: Format, file: &Path) -> Result<String> {
    if kind != "domain" {
        return Err(Error::no_support(&format!("planning a document of kind '{kind}'")));
    }
    let text = if file == Path::new("-") {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(file)
    }
    .map_err(|error| {
        let detail = format!("cannot read {}", file.display());
        Error::new(ErrorCode::OpenFailed, ErrorDomain::None, detail).caused_by(error)
    })?;
    match format {
        Format::Xml => planner.canonical(&text),
        Format::Argv => planner.native(&text).map(|plan| plan.to_lines()),
        Format::Json => planner.plan(&text).map(|plan| {
            let needs: Vec<_> = plan.needs.iter().map(HostNeed::to_string).collect();
            let parts: Vec<_> = plan.parts.iter().map(Part::argv).collect();
            format!(
                "{:#}\n",
                json!({ "program": plan.program, "env": plan.env, "host": needs, "parts": parts })
            )
        }),
    }
}
