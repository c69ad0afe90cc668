//! `virt list`.

use clap::Args;
use serde_json::{Value, json};
use virt_core::{Domain, DomainStatus, ErrorCode, ListFlags};

use crate::command::state;
use crate::context::{Context, reference};
use crate::elsewhere;
use crate::failure::Outcome;
use crate::output::table;

/// List domains: those that run, unless told otherwise
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Those that do not run, too
    #[arg(long, conflicts_with = "inactive")]
    all: bool,

    /// Only those that do not run
    #[arg(long)]
    inactive: bool,

    /// Only those whose configuration outlives them
    #[arg(long, conflicts_with = "transient")]
    persistent: bool,

    /// Only those of which nothing is left when they end
    #[arg(long)]
    transient: bool,

    /// Only those that start with the engine
    #[arg(long)]
    autostart: bool,

    /// Only names, a line each
    #[arg(long)]
    name: bool,

    /// Only UUIDs, a line each
    #[arg(long)]
    uuid: bool,
}

impl List {
    pub(crate) async fn run(&self, context: &Context) -> Outcome {
        let connection = context.connection().await?;
        let mut rows = Vec::new();
        for domain in connection.list(self.flags()).await? {
            match domain.state().await {
                Ok(status) => rows.push((domain, status)),
                // It went away between the two questions.
                Err(error) if error.code() == ErrorCode::NoDomain => {}
                Err(error) => return Err(error.into()),
            }
        }
        // Running ones by number, then the others by name.
        rows.sort_by(|(a, _), (b, _)| {
            (a.id().is_none(), a.id(), a.name()).cmp(&(b.id().is_none(), b.id(), b.name()))
        });
        let elsewhere = if rows.is_empty() { elsewhere::look(&context.uri()?.scope) } else { Vec::new() };
        if rows.is_empty() {
            self.say_where_others_are(context, &elsewhere).await;
        }
        let json = || {
            let others: Vec<Value> = elsewhere.iter().map(elsewhere::Place::as_json).collect();
            json!({
                "connection": context.about_json(),
                "domains": rows.iter().map(|(domain, status)| as_json(domain, *status)).collect::<Vec<_>>(),
                "elsewhere": others,
            })
        };
        Ok(context.output.answer(|| self.human(&rows), json)?)
    }

    fn flags(&self) -> ListFlags {
        let mut flags = match (self.all, self.inactive) {
            (true, _) => ListFlags::ACTIVE | ListFlags::INACTIVE,
            (_, true) => ListFlags::INACTIVE,
            _ => ListFlags::ACTIVE,
        };
        flags.set(ListFlags::PERSISTENT, self.persistent);
        flags.set(ListFlags::TRANSIENT, self.transient);
        flags.set(ListFlags::AUTOSTART, self.autostart);
        flags
    }

    fn human(&self, rows: &[(Domain, DomainStatus)]) -> String {
        if self.name || self.uuid {
            let lines = rows.iter().map(|(domain, _)| match (self.uuid, self.name) {
                (true, true) => format!("{} {}\n", domain.uuid(), domain.name()),
                (true, false) => format!("{}\n", domain.uuid()),
                _ => format!("{}\n", domain.name()),
            });
            return lines.collect();
        }
        let cells: Vec<Vec<String>> = rows
            .iter()
            .map(|(domain, status)| {
                let id = domain.id().map_or_else(|| "-".to_owned(), |id| id.to_string());
                vec![id, domain.name().to_owned(), state::words(*status).to_owned()]
            })
            .collect();
        table(&["Id", "Name", "State"], &cells)
    }

    /// An empty answer does not stand alone: the domains that somebody looks for are somewhere.
    async fn say_where_others_are(&self, context: &Context, elsewhere: &[elsewhere::Place]) {
        if let Ok(connection) = context.connection().await {
            let here = connection.list(ListFlags::empty()).await.unwrap_or_default().len();
            if here > 0 {
                context.output.note(&format!("no domain here is meant, of {here}: `virt list --all` shows them all"));
                return;
            }
        }
        context.output.note(if elsewhere.is_empty() {
            "there are no domains here, and none were found elsewhere on this host"
        } else {
            "there are no domains here, but elsewhere on this host:"
        });
        for place in elsewhere {
            context.output.note(&format!("  {place}"));
        }
    }
}

fn as_json(domain: &Domain, status: DomainStatus) -> Value {
    let mut object = reference(domain.reference());
    object["state"] = json!(status.state_name());
    object["reason"] = json!(status.reason_name());
    object
}
