//! `<domain>` of a host: a domain's document, with elements of the driver's own namespace beside it.

use virt_conf::ParseFlags;
use virt_conf::domain::Domain;
use virt_types::{DomainState, DomainStatus, Result, RunningReason};
use virt_xml::Element;
use virt_xml::number::{Base, parse_u32};

use super::{Source, xml_error};
use crate::domain::name_interfaces;
use crate::host::Host;
use crate::policy;

const NAMESPACE: &str = "http://libvirt.org/schemas/domain/test/1.0";

/// What the document says of the domain's state.
struct State<'a> {
    status: DomainStatus,
    transient: bool,
    managed_save: bool,
    snapshots: Vec<Element<'a>>,
}

impl<'a> State<'a> {
    fn read(el: Element<'a>) -> Result<Self> {
        let own = |name: &'static str| {
            el.children_in_namespace(NAMESPACE).filter(move |child| child.name() == name)
        };
        let number = match own("runstate").next().map(Element::text).filter(|text| !text.is_empty()) {
            None => DomainState::Running.number().unsigned_abs(),
            Some(text) => parse_u32(text.trim(), Base::Ten).ok_or_else(|| xml_error("invalid runstate"))?,
        };
        let status = i32::try_from(number).ok().and_then(|number| DomainStatus::from_numbers(number, 0));
        let status = status.ok_or_else(|| xml_error(format!("runstate '{number}' out of range'")))?;
        let shutoff = status.state() == DomainState::Shutoff;
        let state = Self {
            status,
            transient: own("transient").next().is_some(),
            managed_save: own("hasmanagedsave").next().is_some(),
            snapshots: own("domainsnapshot").collect(),
        };
        if state.transient && shutoff {
            return Err(xml_error("transient domain cannot have runstate 'shutoff'"));
        }
        if state.managed_save && !shutoff {
            return Err(xml_error("domain with managedsave data can only have runstate 'shutoff'"));
        }
        Ok(state)
    }
}

/// Takes a domain in, in the state that the document says.
pub(super) fn add(host: &mut Host, el: Element<'_>, source: Source<'_>) -> Result<()> {
    let config = Domain::parse_element(el, ParseFlags::INACTIVE)?;
    let state = State::read(el)?;
    let mut config = policy::complete(config, ParseFlags::INACTIVE)?;
    name_interfaces(&mut config)?;
    let id = (state.status.state() != DomainState::Shutoff).then(|| host.next_id());
    let (guest, _) = host.add_guest(config, false)?;
    for snapshot in state.snapshots {
        source.read(snapshot, |el| guest.add_snapshot(el))?;
    }
    guest.check_snapshots()?;
    guest.persistent = !state.transient;
    if let Some(id) = id {
        guest.run(id, RunningReason::Booted);
    }
    guest.managed_save = state.managed_save;
    guest.status = state.status;
    guest.note_taints();
    guest.note_polling();
    Ok(())
}
