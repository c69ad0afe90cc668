//! `virt doctor`.

mod host;

use clap::Args;
use serde_json::{Value, json};
use virt_core::types::probe::{Check, Need, Probe, Verdict};

use crate::context::Context;
use crate::failure::{Failure, Outcome};

/// Explain on one page what this host can run, what it can not, and how to put that right
///
/// The status is 1 if QEMU guests can not run at all.
#[derive(Debug, Args)]
pub(crate) struct Doctor {}

impl Doctor {
    pub(crate) async fn run(&self, context: &Context) -> Outcome {
        let qemu = virt_core::qemu::probe::probe(&context.backend()?).await;
        let runnable = qemu.runnable();
        let probes = [
            qemu,
            host::networks(),
            host::isolation(),
            virt_core::lxc::probe(),
            virt_core::xen::probe(),
        ];
        let human = || {
            let pages: Vec<String> = probes.iter().map(|probe| capitalized(&probe.to_string())).collect();
            pages.join("\n")
        };
        let json = || {
            json!({
                "connection": context.about_json(),
                "probes": probes.iter().map(as_json).collect::<Vec<_>>(),
            })
        };
        context.output.answer(human, json)?;
        if runnable { Ok(()) } else { Err(Failure::Told) }
    }
}

fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// `subject`, `verdict` (`runnable`, `limited` or `not-runnable`), and `checks`: `name`, `required`, `ok`, `detail`, `fix`.
fn as_json(probe: &Probe) -> Value {
    let verdict = match probe.verdict() {
        Verdict::Runnable => "runnable",
        Verdict::Limited => "limited",
        Verdict::NotRunnable => "not-runnable",
    };
    let check = |check: &Check| {
        json!({
            "name": check.name,
            "required": check.need == Need::Required,
            "ok": check.ok,
            "detail": check.detail,
            "fix": check.fix,
        })
    };
    json!({
        "subject": probe.subject,
        "verdict": verdict,
        "checks": probe.checks.iter().map(check).collect::<Vec<_>>(),
    })
}
