//! `virt lint`.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};
use virt_core::conf::ParseFlags;
use virt_core::qemu::planner::Planner;

use crate::context::Context;
use crate::failure::{Failure, Outcome};
use crate::input;
use crate::lint::{Finding, Reading, located, read};

/// Check documents: what has no effect, and what would be refused
///
/// Nothing is defined. The root element says what kind of document it is. Where a domain's QEMU is installed, it is also checked against what that can do. The status is 1
/// if anything was found.
#[derive(Debug, Args)]
pub(crate) struct Lint {
    /// Check against a host that was recorded to this directory, instead of this machine
    #[arg(long, value_name = "DIR")]
    host: Option<PathBuf>,

    /// The documents; - for standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// What was found in one document.
struct Report<'a> {
    file: &'a Path,
    findings: Vec<Finding>,
    /// The QEMU that it was checked against.
    emulator: Option<String>,
    /// Whether it might have been checked against one.
    guest: bool,
}

impl Lint {
    pub(crate) async fn run(&self, context: &Context) -> Outcome {
        let recorded = self.host.as_deref().map(Planner::recorded).transpose()?;
        let mut reports = Vec::new();
        for file in &self.files {
            reports.push(check(context, recorded.as_ref(), file).await?);
        }
        context.output.answer(|| reports.iter().map(Report::human).collect(), || json!({
            "files": reports.iter().map(Report::as_json).collect::<Vec<_>>(),
        }))?;
        for report in reports.iter().filter(|report| report.guest && report.emulator.is_none()) {
            context.output.note(&format!("{}: not checked against a QEMU", report.file.display()));
        }
        if reports.iter().all(|report| report.findings.is_empty()) { Ok(()) } else { Err(Failure::Told) }
    }
}

async fn check<'a>(context: &Context, recorded: Option<&Planner>, file: &'a Path) -> Outcome<Report<'a>> {
    let xml = input::read(file)?;
    let (domain, mut findings) = match read(&xml) {
        Ok(Reading { domain: Some(domain), findings }) => (domain, findings),
        Ok(Reading { domain: None, findings }) => {
            return Ok(Report { file, findings, emulator: None, guest: false });
        }
        Err(error) => {
            let findings = vec![Finding::Refused(error)];
            return Ok(Report { file, findings, emulator: None, guest: true });
        }
    };
    let outcome = match recorded {
        Some(planner) => {
            planner.emulator_of(&domain).ok().map(|emulator| (emulator, planner.plan(&xml).map(drop)))
        }
        None => {
            let backend = context.backend()?;
            match backend.emulator_of(&domain).ok().filter(|emulator| Path::new(emulator).exists()) {
                Some(emulator) => {
                    Some((emulator, backend.define(&xml, ParseFlags::INACTIVE).await.map(drop)))
                }
                None => None,
            }
        }
    };
    let emulator = outcome.map(|(emulator, outcome)| {
        findings.extend(outcome.err().map(Finding::Refused));
        emulator
    });
    Ok(Report { file, findings, emulator, guest: true })
}

impl Report<'_> {
    fn human(&self) -> String {
        if self.findings.is_empty() {
            return format!("{}: nothing to say\n", self.file.display());
        }
        self.findings.iter().map(|finding| located(self.file, finding) + "\n").collect()
    }

    fn as_json(&self) -> Value {
        json!({
            "file": self.file,
            "findings": self.findings.iter().map(Finding::as_json).collect::<Vec<_>>(),
            "emulator": self.emulator,
        })
    }
}
