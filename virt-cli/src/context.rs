//! What commands work with: the connection, made when it is first wanted, and the way to answer.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::OnceCell;
use virt_core::driver::DomainRef;
use virt_core::engine::Settings;
use virt_core::qemu::host::Host;
use virt_core::qemu::process::QemuBackend;
use virt_core::{Connection, Domain, Error, ErrorCode, ListFlags, Result, Scope, Uri, Uuid, did_you_mean};

use crate::cli::Global;
use crate::output::Output;

/// The environment's choice of a connection; the second one is that of libvirt's clients.
const URI_VARIABLES: [&str; 2] = ["VIRT_DEFAULT_URI", "LIBVIRT_DEFAULT_URI"];
const DEFAULT_URI: &str = "qemu:///embed";

/// What commands work with.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) output: Output,
    uri: String,
    connection: OnceCell<Connection>,
}

impl Context {
    pub(crate) fn new(global: Global, output: Output) -> Self {
        let from_environment =
            || URI_VARIABLES.iter().filter_map(|name| std::env::var(name).ok()).find(|uri| !uri.is_empty());
        let uri = global.connect.or_else(from_environment).unwrap_or_else(|| DEFAULT_URI.to_owned());
        Self { output, uri, connection: OnceCell::new() }
    }

    /// The connection's URI, without opening it.
    pub(crate) fn uri(&self) -> Result<Uri> {
        self.uri.parse()
    }

    /// The connection. Whoever opens it says which engine and which scope the answers are about.
    pub(crate) async fn connection(&self) -> Result<&Connection> {
        self.connection
            .get_or_try_init(|| async {
                let uri = self.uri()?;
                self.output.note(&about(&uri));
                Connection::open(&self.uri).await
            })
            .await
    }

    /// The driver of the connection's scope, for questions that need no domains.
    pub(crate) fn backend(&self) -> Result<Arc<QemuBackend>> {
        let config = Settings::try_from(&self.uri()?.scope)?.qemu;
        Ok(Arc::new(QemuBackend::new(config, Host::detect())))
    }

    /// Which engine and scope the answer is about, for programs.
    pub(crate) fn about_json(&self) -> Value {
        match self.uri() {
            Ok(uri) => json!({ "uri": uri.to_string(), "engine": engine(&uri), "scope": scope(&uri.scope) }),
            Err(_) => json!({ "uri": self.uri }),
        }
    }

    /// A domain, by its number, its UUID or its name; in this order, as `virsh` has it.
    pub(crate) async fn domain(&self, wanted: &str) -> Result<Domain> {
        let connection = self.connection().await?;
        if let Ok(id) = wanted.parse::<u32>() {
            match connection.domain_by_id(id).await {
                Err(error) if error.code() == ErrorCode::NoDomain => {}
                found => return found,
            }
        }
        if let Ok(uuid) = wanted.parse::<Uuid>() {
            match connection.domain_by_uuid(uuid).await {
                Err(error) if error.code() == ErrorCode::NoDomain => {}
                found => return found,
            }
        }
        match connection.domain(wanted).await {
            Err(error) if error.code() == ErrorCode::NoDomain => {
                Err(self.with_other_names(error, wanted).await)
            }
            found => found,
        }
    }

    /// The error about an unknown domain, with which ones there are.
    async fn with_other_names(&self, error: Error, wanted: &str) -> Error {
        let Ok(connection) = self.connection().await else { return error };
        let domains = connection.list(ListFlags::empty()).await.unwrap_or_default();
        let hint = match did_you_mean(wanted, domains.iter().map(Domain::name)) {
            Some(near) => near,
            None if domains.is_empty() => {
                format!("there are no domains on {}; `virt list --all` says where others are", self.uri)
            }
            None => "`virt list --all` shows the domains of this connection".to_owned(),
        };
        error.with_hint(hint)
    }

    /// Confirms what was done to a domain: `word` ends the sentence "Domain 'web' …".
    pub(crate) fn done(&self, domain: &DomainRef, word: &str) -> std::io::Result<()> {
        self.output.done(
            || format!("Domain '{}' {word}", domain.name),
            || json!({ "connection": self.about_json(), "domain": reference(domain), "done": word }),
        )
    }

    /// Ends what is bound to the connection.
    pub(crate) async fn close(self) {
        if let Some(connection) = self.connection.into_inner() {
            connection.close().await;
        }
    }
}

/// How answers name a domain: `name`, `uuid`, and `id`, the number of the running instance or null.
pub(crate) fn reference(domain: &DomainRef) -> Value {
    json!({ "name": domain.name, "uuid": domain.uuid.to_string(), "id": domain.id })
}

/// The engine, in words.
fn engine(uri: &Uri) -> String {
    match &uri.scope {
        Scope::Remote(_) => format!("{} at a peer", uri.driver),
        _ => format!("{} in this process", uri.driver),
    }
}

/// The scope, in words.
fn scope(scope: &Scope) -> String {
    match scope {
        Scope::Embed(Some(root)) => format!("directory {}", root.display()),
        Scope::Embed(None) | Scope::Session => format!("user {}", user_name()),
        Scope::System => "this host".to_owned(),
        Scope::Pretended(path) => format!("pretended host {path}"),
        Scope::Remote(uri) => match &uri.host {
            Some(host) => format!("{} at {host}", uri.name()),
            None => format!("{} of a daemon", uri.name()),
        },
    }
}

/// The name of this process's user, or its number.
pub(crate) fn user_name() -> String {
    let uid = virt_core::sys::user::effective_uid();
    let accounts = virt_core::sys::user::Accounts::load().unwrap_or_default();
    accounts.user_by_id(uid).map_or_else(|| uid.to_string(), |user| user.name.clone())
}

/// Which engine and scope an answer is about, for people.
pub(crate) fn about(uri: &Uri) -> String {
    format!("engine: {}, scope: {} ({uri})", engine(uri), scope(&uri.scope))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_are_told_whose_domains_they_see() {
        let uri: Uri = "qemu:///embed?root=/srv/a".parse().unwrap();
        assert_eq!(
            about(&uri),
            "engine: qemu in this process, scope: directory /srv/a (qemu:///embed?root=/srv/a)"
        );
        let user: Uri = "qemu:///embed".parse().unwrap();
        assert!(about(&user).contains("scope: user "), "{}", about(&user));
    }
}
