//! Keys that let a user of the guest in over SSH.

use virt_domain::JobKind;
use virt_driver::DomainRef;
use virt_qmp::agent::command::{
    GuestSshAddAuthorizedKeys, GuestSshGetAuthorizedKeys, GuestSshRemoveAuthorizedKeys,
};
use virt_types::Result;

use super::super::QemuConnection;
use super::super::refusal::{known_bits, no_flags};
use super::{AgentCall, ask};

/// `VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_APPEND`
const APPEND: u32 = 1;
/// `VIR_DOMAIN_AUTHORIZED_SSH_KEYS_SET_REMOVE`
const REMOVE: u32 = 2;

/// `virDomainAuthorizedSSHKeysGet`
pub(super) async fn get(
    connection: &QemuConnection,
    domain: &DomainRef,
    user: &str,
    flags: u32,
) -> Result<Vec<String>> {
    no_flags(flags, "qemuDomainAuthorizedSSHKeysGet")?;
    let call = AgentCall::of_driver("virDomainAuthorizedSSHKeysGet", JobKind::AgentQuery);
    let command = GuestSshGetAuthorizedKeys { username: user.to_owned() };
    Ok(ask(connection, domain, call, command).await?.keys)
}

/// `virDomainAuthorizedSSHKeysSet`
pub(super) async fn set(
    connection: &QemuConnection,
    domain: &DomainRef,
    user: &str,
    keys: &[String],
    flags: u32,
) -> Result<()> {
    known_bits(flags, APPEND | REMOVE, "qemuDomainAuthorizedSSHKeysSet")?;
    let call = AgentCall::of_driver("virDomainAuthorizedSSHKeysSet", JobKind::AgentModify);
    let (username, keys) = (user.to_owned(), keys.to_vec());
    if flags & REMOVE != 0 {
        let command = GuestSshRemoveAuthorizedKeys { username, keys };
        return ask(connection, domain, call, command).await.map(drop);
    }
    let command = GuestSshAddAuthorizedKeys { username, keys, reset: Some(flags & APPEND == 0) };
    ask(connection, domain, call, command).await.map(drop)
}
