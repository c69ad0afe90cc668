//! The calls of the contract that only look.

use virt_driver::flags::check_bits;
use virt_driver::{BoxFuture, InterfaceRef, Interfaces};
use virt_types::{ErrorCode, ErrorDomain, Result};

use crate::error::refuse;
use crate::links::HostInterfaces;

type Answer<'a, T> = BoxFuture<'a, Result<T>>;

/// `VIR_CONNECT_LIST_INTERFACES_INACTIVE`
const INACTIVE: u32 = 1;
/// `VIR_CONNECT_LIST_INTERFACES_ACTIVE`
const ACTIVE: u32 = 2;

/// The kernel answers from memory, so no call waits.
fn answer<'a, T: Send + 'a>(value: Result<T>) -> Answer<'a, T> {
    Box::pin(std::future::ready(value))
}

fn check(flags: u32, known: u32, function: &str) -> Result<()> {
    check_bits(flags, known, ErrorDomain::Interface, function)
}

impl HostInterfaces {
    fn by_mac(&self, mac: &str) -> Result<InterfaceRef> {
        // As the kernel writes it: libvirt compares texts.
        let mut found = self.listed().into_iter().map(|(reference, _)| reference).filter(|r| r.mac == mac);
        let first = found.next().ok_or_else(|| {
            refuse(ErrorCode::NoInterface, format!("couldn't find interface with MAC address '{mac}'"))
        })?;
        if found.next().is_some() {
            let detail = format!("the MAC address '{mac}' matches multiple interfaces");
            return Err(refuse(ErrorCode::MultipleInterfaces, detail));
        }
        Ok(first)
    }
}

impl Interfaces for HostInterfaces {
    fn list<'a>(&'a self, flags: u32) -> Answer<'a, Vec<InterfaceRef>> {
        answer(check(flags, INACTIVE | ACTIVE, "udevConnectListAllInterfaces").map(|()| {
            let wanted = |up: bool| flags == 0 || flags & if up { ACTIVE } else { INACTIVE } != 0;
            self.listed().into_iter().filter(|(_, up)| wanted(*up)).map(|(reference, _)| reference).collect()
        }))
    }

    fn lookup_by_name<'a>(&'a self, name: &'a str) -> Answer<'a, InterfaceRef> {
        answer(self.find(name).map(|files| files.reference()))
    }

    fn lookup_by_mac<'a>(&'a self, mac: &'a str) -> Answer<'a, InterfaceRef> {
        answer(self.by_mac(mac))
    }

    fn xml_desc<'a>(&'a self, interface: &'a InterfaceRef, flags: u32) -> Answer<'a, String> {
        let known = check(flags, 1, "udevInterfaceGetXMLDesc");
        answer(known.and_then(|()| Ok(self.describe(&interface.name)?.format())))
    }

    fn is_active<'a>(&'a self, interface: &'a InterfaceRef) -> Answer<'a, bool> {
        answer(self.find(&interface.name).map(|files| files.is_up()))
    }
}
