//! Configurations: making, replacing, renaming and removing them.

use std::os::fd::OwnedFd;

use virt_conf::ParseFlags;
use virt_conf::domain::Domain;
use virt_driver::DomainRef;
use virt_types::{CreateFlags, DefineFlags, DomainName, Error, ErrorDomain, Result, UndefineFlags};

use super::refusal::{invalid, invalid_call, known, no_flags};
use super::{QemuConnection, lifecycle};

/// `virDomainDefineXMLFlags`
pub(super) async fn define(connection: &QemuConnection, xml: &str, flags: DefineFlags) -> Result<DomainRef> {
    known(flags, DefineFlags::VALIDATE, "qemuDomainDefineXMLFlags")?;
    if flags.contains(DefineFlags::VALIDATE) {
        Domain::check_grammar(xml)?;
    }
    let config = connection.backend.define(xml, ParseFlags::INACTIVE | ParseFlags::ABI_UPDATE).await?;
    Ok(connection.registry.define(config).await?.snapshot().reference())
}

/// `virDomainCreateXMLWithFiles`
pub(super) async fn create(
    connection: &QemuConnection,
    xml: &str,
    files: Vec<OwnedFd>,
    flags: CreateFlags,
) -> Result<DomainRef> {
    let allowed = CreateFlags::START_PAUSED
        | CreateFlags::START_AUTODESTROY
        | CreateFlags::START_VALIDATE
        | CreateFlags::START_RESET_NVRAM;
    known(flags, allowed, "qemuDomainCreateXML")?;
    if flags.contains(CreateFlags::START_VALIDATE) {
        Domain::check_grammar(xml)?;
    }
    let domain = connection.backend.define(xml, ParseFlags::INACTIVE | ParseFlags::ABI_UPDATE).await?;
    let options = lifecycle::options(connection, flags, files);
    Ok(connection.registry.create(domain, options).await?.snapshot().reference())
}

/// `virDomainUndefineFlags`
pub(super) async fn undefine(
    connection: &QemuConnection,
    domain: &DomainRef,
    flags: UndefineFlags,
) -> Result<()> {
    known(flags, UndefineFlags::all(), "qemuDomainUndefineFlags")?;
    connection.find(domain).await?.undefine(flags).await
}

/// `virDomainRename`
pub(super) async fn rename(
    connection: &QemuConnection,
    domain: &DomainRef,
    new_name: &str,
    flags: u32,
) -> Result<()> {
    if new_name.is_empty() {
        return Err(invalid_call("string new_name in virDomainRename must not be empty"));
    }
    no_flags(flags, "qemuDomainRename")?;
    let handle = connection.find(domain).await?;
    if handle.snapshot().is_active() {
        return Err(invalid("cannot rename active domain"));
    }
    let name = DomainName::new(new_name)
        .map_err(|error| Error::new(error.code(), ErrorDomain::Qemu, error.detail().to_owned()))?;
    handle.rename(name).await
}

/// `virDomainGetAutostart`
pub(super) async fn autostart(connection: &QemuConnection, domain: &DomainRef) -> Result<bool> {
    Ok(connection.find(domain).await?.snapshot().autostart)
}

/// `virDomainSetAutostart`
pub(super) async fn set_autostart(
    connection: &QemuConnection,
    domain: &DomainRef,
    autostart: bool,
) -> Result<()> {
    connection.find(domain).await?.set_autostart(autostart).await
}
