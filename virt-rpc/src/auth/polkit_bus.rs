//! polkit over the system's message bus.

use std::collections::HashMap;

use virt_driver::BoxFuture;
use virt_types::{Error, ErrorCode, ErrorDomain, Result};
use zbus::zvariant::Value;

use super::polkit::{Authority, Subject, Verdict};

/// The flag of `CheckAuthorization` that lets users be asked.
const ALLOW_INTERACTION: u32 = 1;

/// The authority on a message bus, reached anew for each question: they are rare, and buses come and go.
#[derive(Debug, Clone, Default)]
pub struct PolkitBus {
    /// The address of another bus than the system's.
    pub address: Option<String>,
}

impl Authority for PolkitBus {
    fn decide(&self, subject: Subject, action: &'static str) -> BoxFuture<'static, Result<Verdict>> {
        let address = self.address.clone();
        Box::pin(async move {
            let connection = connect(address)
                .await
                .map_err(|error| bus_error(format!("Unable to get system bus connection: {error}"), error))?;
            ask(&connection, subject, action)
                .await
                .map_err(|error| bus_error(format!("Unable to ask polkit: {error}"), error))
        })
    }
}

async fn connect(address: Option<String>) -> zbus::Result<zbus::Connection> {
    match address {
        Some(address) => zbus::connection::Builder::address(address.as_str())?.build().await,
        None => zbus::Connection::system().await,
    }
}

async fn ask(connection: &zbus::Connection, subject: Subject, action: &str) -> zbus::Result<Verdict> {
    let process = HashMap::from([
        ("pid", Value::from(subject.pid as u32)),
        ("start-time", Value::from(subject.start_time)),
        ("uid", Value::from(subject.uid as i32)),
    ]);
    let details = HashMap::<&str, &str>::new();
    let reply = connection
        .call_method(
            Some("org.freedesktop.PolicyKit1"),
            "/org/freedesktop/PolicyKit1/Authority",
            Some("org.freedesktop.PolicyKit1.Authority"),
            "CheckAuthorization",
            &(("unix-process", process), action, details, ALLOW_INTERACTION, ""),
        )
        .await?;
    let body = reply.body();
    // The answer is one structure.
    let ((authorized, challenge, details),): ((bool, bool, HashMap<String, String>),) = body.deserialize()?;
    Ok(if authorized {
        Verdict::Granted
    } else if details.get("polkit.dismissed").is_some_and(|value| value == "true") {
        Verdict::Dismissed
    } else if challenge {
        Verdict::NoAgent
    } else {
        Verdict::Denied
    })
}

fn bus_error(text: String, cause: zbus::Error) -> Error {
    Error::new(ErrorCode::InternalError, ErrorDomain::Dbus, text).caused_by(cause)
}
