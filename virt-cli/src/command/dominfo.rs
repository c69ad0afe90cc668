//! `virt dominfo`.

use clap::Args;
use serde_json::json;

use crate::command::state;
use crate::context::{Context, reference};
use crate::failure::Outcome;
use crate::output::pairs;

/// Print what there is to know of a domain at a glance
#[derive(Debug, Args)]
pub(crate) struct Dominfo {
    /// Name, UUID or number of the domain
    domain: String,
}

impl Dominfo {
    pub(crate) async fn run(&self, context: &Context) -> Outcome {
        let domain = context.domain(&self.domain).await?;
        let domains = context.connection().await?.domains()?;
        let (info, status) = (domain.info().await?, domain.state().await?);
        let os_type = domains.os_type(domain.reference()).await?;
        let (persistent, autostart) = (domain.is_persistent().await?, domain.autostart().await?);
        let messages = domain.messages().await?;
        // Only a running domain can be held.
        let control = domain.control_info().await.ok();
        let held = control.as_ref().and_then(|control| Some((control.held_by.as_ref()?, control.state_time)));
        let yes_no = |value: bool| if value { "yes" } else { "no" }.to_owned();
        let human = || {
            let mut lines = vec![
                ("Id", domain.id().map_or_else(|| "-".to_owned(), |id| id.to_string())),
                ("Name", domain.name().to_owned()),
                ("UUID", domain.uuid().to_string()),
                ("OS type", os_type.clone()),
                ("State", format!("{} ({})", state::words(status), status.reason_name())),
                ("CPU(s)", info.vcpus.to_string()),
            ];
            if status.is_active() {
                lines.push(("CPU time", format!("{:.1}s", info.cpu_time as f64 / 1e9)));
            }
            lines.extend([
                ("Max memory", format!("{} KiB", info.max_memory)),
                ("Used memory", format!("{} KiB", info.memory)),
                ("Persistent", yes_no(persistent)),
                ("Autostart", if autostart { "enable" } else { "disable" }.to_owned()),
            ]);
            if let Some((call, time)) = held {
                lines.push(("Held by", format!("{call}, for {time} ms")));
            }
            lines.extend(messages.iter().map(|message| ("Messages", message.clone())));
            pairs(&lines)
        };
        let json = || {
            json!({
                "connection": context.about_json(),
                "domain": reference(domain.reference()),
                "os_type": os_type,
                "state": status.state_name(),
                "reason": status.reason_name(),
                "vcpus": info.vcpus,
                "cpu_time_ns": info.cpu_time,
                "max_memory_kib": info.max_memory,
                "memory_kib": info.memory,
                "persistent": persistent,
                "autostart": autostart,
                "held_by": held.map(|(call, _)| call),
                "messages": messages,
            })
        };
        Ok(context.output.answer(human, json)?)
    }
}
