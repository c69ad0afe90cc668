//! `virt plan`: what would be done, without doing it.

use std::io::BufRead as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use serde::Deserialize;
use serde_json::json;
use virt_core::conf::{FormatFlags, Kind, ParseFlags, TextEnum as _};
use virt_core::qemu::plan::{HostNeed, Part};
use virt_core::qemu::planner::Planner;
use virt_core::qemu::process::QemuBackend;
use virt_core::xml::Document;
use virt_core::{Error, ErrorCode, ErrorDomain, Result};

use crate::containers;
use crate::context::Context;
use crate::documents;
use crate::failure::{Failure, Outcome};
use crate::input;

/// Show what a document comes to, and what starting it would do, without doing it
#[derive(Debug, Args)]
pub(crate) struct Plan {
    /// What kind of document it is: domain, network, …; its root element says it otherwise. `lxcnative` is a configuration
    /// of the lxc tools, `cpu` describes hosts' CPUs, of which the best common one is shown
    #[arg(long)]
    kind: Option<String>,

    /// In which form the answer is given; argv for domains and xml for all else, which have no other
    #[arg(long, value_enum)]
    format: Option<Format>,

    /// Plan against a host that was recorded to this directory, instead of this machine
    #[arg(long, value_name = "DIR")]
    host: Option<PathBuf>,

    /// Answer requests, a JSON object a line: {"input": FILE, "kind": KIND, "want": "argv" or "canonical"}
    #[arg(long, conflicts_with = "file")]
    serve: bool,

    /// The document; - for standard input
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

/// The host that is planned for.
enum Target {
    Recorded(Box<Planner>),
    This(Arc<QemuBackend>),
}

impl Plan {
    pub(crate) async fn run(&self, context: &Context) -> Outcome {
        let target = match &self.host {
            Some(dir) => Target::Recorded(Box::new(Planner::recorded(dir)?)),
            None => Target::This(context.backend()?),
        };
        if self.serve {
            return serve(context, &target).await;
        }
        let format = if context.output.is_json() { Some(Format::Json) } else { self.format };
        let file = self.file.as_deref().unwrap_or_else(|| Path::new("-"));
        let text = answer(&target, self.kind.as_deref(), format, file).await?;
        Ok(context.output.raw(text.as_bytes())?)
    }
}

/// Answers one request per line until the input ends. A request that makes the planner fail in a way that it should not
/// is answered like any other refusal, and the next one is heard.
async fn serve(context: &Context, target: &Target) -> Outcome {
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|error| Failure::of_system("read the requests", error))?;
        let reply = match serde_json::from_str::<Request>(&line) {
            Err(error) => {
                json!({ "error": format!("code: {}\n{error}", ErrorCode::InvalidArg.number()) })
            }
            Ok(request) => {
                let format = if request.want == "canonical" { Format::Xml } else { Format::Argv };
                match caught(answer(target, Some(&request.kind), Some(format), &request.input)).await {
                    Ok(Ok(text)) => json!({ "out": text }),
                    Ok(Err(error)) => json!({ "error": format!("code: {}\n{error}", error.code().number()) }),
                    Err(words) => json!({ "error": format!("panic: {words}") }),
                }
            }
        };
        context.output.raw(format!("{reply}\n").as_bytes())?;
    }
    Ok(())
}

/// A future's value, or the words of the panic that it ended with.
async fn caught<T>(work: impl Future<Output = T>) -> std::result::Result<T, String> {
    let mut work = pin!(work);
    std::future::poll_fn(|task| {
        // Nothing that a panic may have left half done is used again.
        match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(task))) {
            Ok(poll) => poll.map(Ok),
            Err(payload) => {
                let words = payload.downcast_ref::<&str>().map(|words| (*words).to_owned());
                let words = words.or_else(|| payload.downcast_ref::<String>().cloned());
                std::task::Poll::Ready(Err(words.unwrap_or_else(|| "without words".to_owned())))
            }
        }
    })
    .await
}

async fn answer(target: &Target, kind: Option<&str>, format: Option<Format>, file: &Path) -> Result<String> {
    let text = input::read(file)?;
    let recorded = matches!(target, Target::Recorded(_));
    if kind == Some("cpu") || (kind.is_none() && text.contains("<cpu") && Document::parse(&text)?.root().is("cpu")) {
        only_xml(format, "cpu")?;
        return virt_core::qemu::cpu::baseline(&text);
    }
    if kind == Some("lxcnative") {
        only_xml(format, "container")?;
        return containers::from_native(&text, recorded);
    }
    // Whoever says that it is a domain means one of QEMU's.
    let said = kind == Some("domain");
    let kind = match kind {
        Some("lxc") => Kind::Domain,
        Some(name) => documents::kind(name)?,
        None => Kind::of_document(&Document::parse(&text)?)?,
    };
    if kind == Kind::Domain && !said && containers::is_one(&text) {
        only_xml(format, "container")?;
        return containers::canonical(&text, recorded);
    }
    if kind != Kind::Domain {
        only_xml(format, kind.text())?;
        let recorded = match target {
            Target::Recorded(planner) => Some(planner.as_ref()),
            Target::This(_) => None,
        };
        return documents::canonical(kind, &text, recorded);
    }
    let format = format.unwrap_or(Format::Argv);
    if format == Format::Xml {
        return match target {
            Target::Recorded(planner) => planner.canonical(&text),
            Target::This(backend) => {
                let domain = backend.define(&text, ParseFlags::INACTIVE | ParseFlags::ABI_UPDATE).await?;
                Ok(domain.format(FormatFlags::INACTIVE | FormatFlags::SECURE))
            }
        };
    }
    let plan = match target {
        // What stock libvirt's recordings show.
        Target::Recorded(planner) if format == Format::Argv => planner.native(&text)?,
        Target::Recorded(planner) => planner.plan(&text)?,
        Target::This(backend) => backend.plan(&text).await?,
    };
    if format == Format::Argv {
        return Ok(plan.to_lines());
    }
    let needs: Vec<_> = plan.needs.iter().map(HostNeed::to_string).collect();
    let parts: Vec<_> = plan.parts.iter().map(Part::argv).collect();
    serde_json::to_string_pretty(
        &json!({ "program": plan.program, "env": plan.env, "host": needs, "parts": parts }),
    )
    .map(|text| text + "\n")
    .map_err(|error| Error::new(ErrorCode::InternalError, ErrorDomain::None, error.to_string()))
}

fn only_xml(format: Option<Format>, kind: &str) -> Result<()> {
    if format.is_some_and(|format| format != Format::Xml) {
        return Err(Error::no_support(&format!("nothing but the canonical form of a {kind}'s document")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_answer() {
        assert_eq!(caught(async { 1 }).await, Ok(1));
        let failing = async {
            assert!(std::hint::black_box(false), "it failed at {}", 3);
        };
        assert_eq!(caught(failing).await, Err("it failed at 3".to_owned()));
    }
}
