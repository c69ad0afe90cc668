//! `virt events`.

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};
use virt_core::{Delivery, DomainEvent, DomainEventFilter, DomainEventKind, Subscription, did_you_mean};
use virt_core::types::DomainEventId;

use crate::command::console::Ends;
use crate::context::{Context, reference};
use crate::failure::Outcome;

/// Print what happens to domains: the next event, or more of them
///
/// With --json each event is one line with a JSON object of its own.
#[derive(Debug, Args)]
pub(crate) struct Events {
    /// Go on until interrupted, or until the limit that --timeout or --count sets
    #[arg(long)]
    follow: bool,

    /// End after so many seconds
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<f64>,

    /// End after so many events
    #[arg(long)]
    count: Option<u64>,

    /// Only of this domain: name, UUID or number
    #[arg(long)]
    domain: Option<String>,

    /// Only of these kinds, separated by commas; lifecycle, reboot, …
    #[arg(long, value_delimiter = ',', value_parser = kind)]
    kind: Vec<DomainEventId>,
}

impl Events {
    pub(crate) async fn run(&self, context: &Context) -> Outcome {
        let domain = match &self.domain {
            Some(wanted) => Some(context.domain(wanted).await?.uuid()),
            None => None,
        };
        let filter = DomainEventFilter { domain, kinds: self.kind.clone() };
        let events = context.connection().await?.events(filter).await?;
        context.output.note("waiting for events");
        let mut ends = Ends::new()?;
        tokio::select! {
            outcome = self.print(context, events) => outcome,
            () = ends.next() => Ok(()),
        }
    }

    async fn print(&self, context: &Context, mut events: Subscription<DomainEvent>) -> Outcome {
        let seconds = self.timeout.filter(|seconds| *seconds >= 0.0 && *seconds < 1e9);
        let deadline = seconds.map(|seconds| Instant::now() + Duration::from_secs_f64(seconds));
        let bound = if self.follow || self.timeout.is_some() { u64::MAX } else { 1 };
        let mut left = self.count.unwrap_or(bound);
        while left > 0 {
            let next = match deadline {
                None => events.next().await,
                Some(deadline) => match timeout_at(deadline, events.next()).await {
                    Ok(next) => next,
                    Err(_) => return Ok(()),
                },
            };
            match next {
                None => return Ok(()),
                Some(Delivery::Lagged(lost)) => context.output.warn(&format!("{lost} events were lost here")),
                Some(Delivery::Event(event)) => {
                    let line = if context.output.is_json() { as_json(&event).to_string() } else { sentence(&event) };
                    context.output.raw((line + "\n").as_bytes())?;
                    left -= 1;
                }
            }
        }
        Ok(())
    }
}

/// The name of a kind, such as `agent-lifecycle`.
fn name(id: DomainEventId) -> String {
    id.word().replace(' ', "-")
}

fn kind(text: &str) -> Result<DomainEventId, String> {
    let names: Vec<String> = DomainEventId::ALL.iter().map(|id| name(*id)).collect();
    let found = DomainEventId::ALL.iter().zip(&names).find(|(_, name)| *name == text);
    found.map(|(id, _)| *id).ok_or_else(|| {
        did_you_mean(text, names.iter().map(String::as_str))
            .unwrap_or_else(|| format!("the kinds are {}", names.join(", ")))
    })
}

/// The kind of an event and what it says, as names and values in order.
fn parts(kind: &DomainEventKind) -> Vec<(&'static str, Value)> {
    match kind {
        DomainEventKind::Lifecycle(event) => {
            vec![("event", json!(event.event().word())), ("detail", json!(event.detail_word()))]
        }
        DomainEventKind::RtcChange { offset } => vec![("offset", json!(offset))],
        DomainEventKind::Watchdog { action } => vec![("action", word(action))],
        DomainEventKind::IoError { source, alias, action, reason } => vec![
            ("source", json!(source)),
            ("alias", json!(alias)),
            ("action", word(action)),
            ("reason", json!(reason)),
        ],
        DomainEventKind::Graphics { phase, local, remote, auth_scheme, .. } => vec![
            ("phase", word(phase)),
            ("local", json!(format!("{}:{}", local.node, local.service))),
            ("remote", json!(format!("{}:{}", remote.node, remote.service))),
            ("auth", json!(auth_scheme)),
        ],
        DomainEventKind::TrayChange { alias, reason } => vec![("alias", json!(alias)), ("reason", word(reason))],
        DomainEventKind::BalloonChange(change) => vec![("actual_kib", json!(change.actual))],
        DomainEventKind::DeviceAdded { alias }
        | DomainEventKind::DeviceRemoved { alias }
        | DomainEventKind::DeviceRemovalFailed { alias } => vec![("alias", json!(alias))],
        DomainEventKind::AgentLifecycle { connected, reason } => {
            vec![("connected", json!(connected)), ("reason", word(reason))]
        }
        DomainEventKind::MetadataChange { kind, uri } => vec![("type", json!(kind)), ("uri", json!(uri))],
        _ => Vec::new(),
    }
}

fn word(value: &impl std::fmt::Debug) -> Value {
    json!(format!("{value:?}").to_lowercase())
}

fn kind_name(kind: &DomainEventKind) -> String {
    kind.ids().first().map_or_else(|| "unknown".to_owned(), |id| name(*id))
}

/// An event for people, such as `event 'lifecycle' for domain 'web': started booted`.
fn sentence(event: &DomainEvent) -> String {
    let values: Vec<String> = parts(&event.kind)
        .into_iter()
        .map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            if matches!(event.kind, DomainEventKind::Lifecycle(_)) { text } else { format!("{name} {text}") }
        })
        .collect();
    let start = format!("event '{}' for domain '{}'", kind_name(&event.kind), event.domain.name);
    if values.is_empty() { start } else { format!("{start}: {}", values.join(", ")) }
}

/// An event for programs: `number`, `kind`, `domain`, and what the kind has to say.
fn as_json(event: &DomainEvent) -> Value {
    let mut object = json!({
        "number": event.number,
        "kind": kind_name(&event.kind),
        "domain": reference(&event.domain),
    });
    for (name, value) in parts(&event.kind) {
        object[name] = value;
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use virt_core::Lifecycle;
    use virt_core::driver::DomainRef;
    use virt_core::types::{StartedDetail, Uuid};

    fn event(kind: DomainEventKind) -> DomainEvent {
        let domain = DomainRef { uuid: Uuid::from_bytes([7; 16]), name: "web".into(), id: Some(1) };
        DomainEvent { number: 5, domain, kind }
    }

    #[test]
    fn events_are_told_to_people_and_programs() {
        let started = event(DomainEventKind::Lifecycle(Lifecycle::Started(StartedDetail::Booted)));
        assert_eq!(sentence(&started), "event 'lifecycle' for domain 'web': started, booted");
        let object = as_json(&started);
        assert_eq!((&object["number"], &object["kind"], &object["detail"]), (&json!(5), &json!("lifecycle"), &json!("booted")));
        assert_eq!(sentence(&event(DomainEventKind::Reboot)), "event 'reboot' for domain 'web'");
        let clock = event(DomainEventKind::RtcChange { offset: -3 });
        assert_eq!(sentence(&clock), "event 'rtc-change' for domain 'web': offset -3");
    }

    #[test]
    fn kinds_are_suggested() {
        assert_eq!(kind("agent-lifecycle"), Ok(DomainEventId::AgentLifecycle));
        assert_eq!(kind("lifecicle"), Err("did you mean 'lifecycle'?".to_owned()));
        assert!(kind("nothing-like-it").unwrap_err().starts_with("the kinds are lifecycle, reboot,"));
    }
}
