//! Defining, undefining and naming domains.

use virt_conf::ParseFlags;
use virt_conf::domain::Domain;
use virt_driver::{DomainRef, Lifecycle};
use virt_types::{
    DefinedDetail, Error, ErrorCode, ErrorDomain, Result, RunningReason, StartedDetail, UndefineFlags,
    UndefinedDetail,
};

use super::{Guest, config_invalid};
use crate::error::{internal, invalid, refuse};
use crate::host::Host;
use crate::policy;

/// A domain has fewer interfaces than this.
const INTERFACES: usize = 1024;

/// Gives interfaces without a link of the host one, as a start would.
pub(crate) fn name_interfaces(domain: &mut Domain) -> Result<()> {
    for position in 0..domain.devices.interfaces.len() {
        if domain.devices.interfaces[position].target.is_some() {
            continue;
        }
        let taken = |name: &String| {
            domain.devices.interfaces.iter().any(|interface| interface.target.as_ref() == Some(name))
        };
        let name = (0..INTERFACES).map(|number| format!("testnet{number}")).find(|name| !taken(name));
        let name = name.ok_or_else(|| internal(format!("Exceeded max iface limit {INTERFACES}")))?;
        domain.devices.interfaces[position].target = Some(name);
    }
    Ok(())
}

fn failed(detail: String) -> Error {
    Error::new(ErrorCode::OperationFailed, ErrorDomain::Domain, detail)
}

impl Host {
    /// Takes a domain into the list, or its configuration over; answers whether the domain was known.
    /// With `start` it is refused if it runs, since it is to be started.
    pub(crate) fn add_guest(&mut self, config: Domain, start: bool) -> Result<(&mut Guest, bool)> {
        let known = self.guests.iter().position(|guest| guest.live.uuid == config.uuid);
        let Some(position) = known else {
            if let Some(twin) = self.guests.iter().find(|guest| guest.live.name == config.name) {
                let uuid = twin.live.uuid.unwrap_or_default();
                return Err(failed(format!("domain '{}' already exists with uuid {uuid}", config.name)));
            }
            self.guests.push(Guest::new(config));
            let last = self.guests.len() - 1;
            return Ok((&mut self.guests[last], false));
        };
        let guest = &mut self.guests[position];
        let name = &guest.live.name;
        if *name != config.name {
            let uuid = guest.live.uuid.unwrap_or_default();
            return Err(failed(format!("domain '{name}' is already defined with uuid {uuid}")));
        }
        if start && guest.is_active() {
            return Err(config_invalid(format!("domain '{name}' is already active")));
        }
        if start {
            guest.next.get_or_insert_with(|| guest.live.clone());
            guest.live = config;
        } else {
            guest.assign(config);
        }
        Ok((guest, true))
    }

    pub(super) fn define(&mut self, xml: &str) -> Result<DomainRef> {
        let mut config = policy::define(xml, ParseFlags::INACTIVE)?;
        if config.name.contains('\n') {
            let detail = format!("invalid char in name: {}", config.name.replace('\n', "\\n"));
            return Err(Error::new(ErrorCode::XmlDetail, ErrorDomain::Xml, detail));
        }
        name_interfaces(&mut config)?;
        let (guest, known) = self.add_guest(config, false)?;
        guest.persistent = true;
        let domain = guest.reference();
        let detail = if known { DefinedDetail::Updated } else { DefinedDetail::Added };
        self.tell_lifecycle(domain.clone(), Lifecycle::Defined(detail));
        Ok(domain)
    }

    pub(super) fn create_from(&mut self, xml: &str) -> Result<DomainRef> {
        let config = policy::define(xml, ParseFlags::INACTIVE)?;
        self.start_from(config, RunningReason::Booted, StartedDetail::Booted)
    }

    /// Starts a domain that need not be defined.
    pub(super) fn start_from(
        &mut self,
        mut config: Domain,
        reason: RunningReason,
        detail: StartedDetail,
    ) -> Result<DomainRef> {
        name_interfaces(&mut config)?;
        let uuid = self.add_guest(config, true)?.0.reference();
        let domain = self.start(&uuid, reason)?;
        self.tell_lifecycle(domain.clone(), Lifecycle::Started(detail));
        Ok(domain)
    }

    pub(super) fn undefine(&mut self, domain: &DomainRef, flags: UndefineFlags) -> Result<()> {
        let guest = self.guest(domain)?;
        if guest.managed_save && !flags.contains(UndefineFlags::MANAGED_SAVE) {
            return Err(invalid("Refusing to undefine while domain managed save image exists"));
        }
        let snapshots = guest.snapshots.len();
        if !guest.is_active() && snapshots > 0 && !flags.contains(UndefineFlags::SNAPSHOTS_METADATA) {
            return Err(invalid(format!("cannot delete inactive domain with {snapshots} snapshots")));
        }
        guest.managed_save = false;
        guest.persistent = false;
        let (reference, gone) = (guest.reference(), !guest.is_active());
        if gone {
            self.drop_guest(domain);
        }
        self.tell_lifecycle(reference, Lifecycle::Undefined(UndefinedDetail::Removed));
        Ok(())
    }

    pub(super) fn rename(&mut self, domain: &DomainRef, new_name: &str) -> Result<()> {
        let taken = self.guests.iter().any(|guest| guest.live.name == new_name);
        let guest = self.guest(domain)?;
        if guest.is_active() {
            return Err(invalid("cannot rename active domain"));
        }
        if !guest.persistent {
            return Err(invalid("cannot rename a transient domain"));
        }
        if guest.live.name == new_name {
            return Err(config_invalid("Can't rename domain to itself"));
        }
        if taken {
            return Err(config_invalid(format!("domain with name '{new_name}' already exists")));
        }
        if new_name.contains('/') {
            return Err(refuse(ErrorCode::XmlError, format!("name {new_name} cannot contain '/'")));
        }
        let old = guest.reference();
        guest.live.name = new_name.to_owned();
        let new = guest.reference();
        self.tell_lifecycle(old, Lifecycle::Undefined(UndefinedDetail::Renamed));
        self.tell_lifecycle(new, Lifecycle::Defined(DefinedDetail::Renamed));
        Ok(())
    }
}
