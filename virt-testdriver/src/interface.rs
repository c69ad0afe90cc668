//! Network interfaces of the host, which lead nowhere.

use virt_conf::interface::HostInterface;
use virt_driver::{InterfaceRef, Interfaces};
use virt_types::{Error, ErrorCode, Result};
use virt_xml::Element;

use crate::connection::{Answer, TestConnection};
use crate::error::{invalid, refuse};
use crate::flags::{check, either, matches};

/// An interface.
#[derive(Debug, Clone)]
struct Link {
    config: HostInterface,
    active: bool,
}

/// The interfaces of a host, and what they were when somebody began to change them.
#[derive(Debug, Default)]
pub(crate) struct InterfaceList {
    links: Vec<Link>,
    before: Option<Vec<Link>>,
}

impl Link {
    fn reference(&self) -> InterfaceRef {
        InterfaceRef { name: self.config.name.clone(), mac: self.config.mac().unwrap_or_default().to_owned() }
    }
}

impl InterfaceList {
    fn by_name(&mut self, name: &str) -> Result<&mut Link> {
        self.links.iter_mut().find(|link| link.config.name == name).ok_or_else(|| {
            refuse(ErrorCode::NoInterface, format!("no interface with matching name '{name}'"))
        })
    }

    fn by_mac(&self, mac: &str) -> Result<InterfaceRef> {
        let same = |link: &&Link| link.config.mac().is_some_and(|own| own.eq_ignore_ascii_case(mac));
        let mut found = self.links.iter().filter(same);
        let first = found.next().ok_or_else(|| {
            refuse(ErrorCode::NoInterface, format!("no interface with matching mac '{mac}'"))
        })?;
        if found.next().is_some() {
            return Err(refuse(ErrorCode::MultipleInterfaces, ""));
        }
        Ok(InterfaceRef { mac: mac.to_owned(), ..first.reference() })
    }

    /// Takes a configuration in, in place of that of the same name.
    fn put(&mut self, config: HostInterface) -> &mut Link {
        let position = match self.links.iter().position(|link| link.config.name == config.name) {
            Some(position) => {
                self.links[position].config = config;
                position
            }
            None => {
                self.links.push(Link { config, active: false });
                self.links.len() - 1
            }
        };
        &mut self.links[position]
    }

    /// Takes in an interface of the host's document, which is up.
    pub(crate) fn read(&mut self, el: Element<'_>) -> Result<()> {
        self.put(HostInterface::parse_element(el)?).active = true;
        Ok(())
    }

    fn switch(&mut self, name: &str, active: bool) -> Result<()> {
        let link = self.by_name(name)?;
        if link.active == active {
            return Err(invalid(""));
        }
        link.active = active;
        Ok(())
    }

    fn begin(&mut self) -> Result<()> {
        if self.before.is_some() {
            return Err(invalid("there is another transaction running."));
        }
        self.before = Some(self.links.clone());
        Ok(())
    }

    /// Ends what [`InterfaceList::begin`] began; `verb` says what would have been done with it.
    fn end(&mut self, verb: &str) -> Result<Vec<Link>> {
        let missing = || -> Error { invalid(format!("no transaction running, nothing to {verb}.")) };
        self.before.take().ok_or_else(missing)
    }
}

impl Interfaces for TestConnection {
    fn list<'a>(&'a self, flags: u32) -> Answer<'a, Vec<InterfaceRef>> {
        self.answer(|host| {
            check(flags, 0x3, "testConnectListAllInterfaces")?;
            let wanted = |link: &&Link| matches(flags, &[either(2, 1, link.active)]);
            Ok(host.interfaces.links.iter().filter(wanted).map(Link::reference).collect())
        })
    }

    fn lookup_by_name<'a>(&'a self, name: &'a str) -> Answer<'a, InterfaceRef> {
        self.answer(|host| Ok(host.interfaces.by_name(name)?.reference()))
    }

    fn lookup_by_mac<'a>(&'a self, mac: &'a str) -> Answer<'a, InterfaceRef> {
        self.answer(|host| host.interfaces.by_mac(mac))
    }

    fn xml_desc<'a>(&'a self, interface: &'a InterfaceRef, flags: u32) -> Answer<'a, String> {
        self.answer(|host| {
            check(flags, 0, "testInterfaceGetXMLDesc")?;
            Ok(host.interfaces.by_name(&interface.name)?.config.format())
        })
    }

    fn define_xml<'a>(&'a self, xml: &'a str, flags: u32) -> Answer<'a, InterfaceRef> {
        self.answer(|host| {
            check(flags, 0x1, "testInterfaceDefineXML")?;
            Ok(host.interfaces.put(HostInterface::parse(xml)?).reference())
        })
    }

    fn undefine<'a>(&'a self, interface: &'a InterfaceRef) -> Answer<'a, ()> {
        self.answer(|host| {
            host.interfaces.by_name(&interface.name)?;
            host.interfaces.links.retain(|link| link.config.name != interface.name);
            Ok(())
        })
    }

    fn create<'a>(&'a self, interface: &'a InterfaceRef, flags: u32) -> Answer<'a, ()> {
        self.answer(|host| {
            check(flags, 0, "testInterfaceCreate")?;
            host.interfaces.switch(&interface.name, true)
        })
    }

    fn destroy<'a>(&'a self, interface: &'a InterfaceRef, flags: u32) -> Answer<'a, ()> {
        self.answer(|host| {
            check(flags, 0, "testInterfaceDestroy")?;
            host.interfaces.switch(&interface.name, false)
        })
    }

    fn is_active<'a>(&'a self, interface: &'a InterfaceRef) -> Answer<'a, bool> {
        self.answer(|host| Ok(host.interfaces.by_name(&interface.name)?.active))
    }

    fn change_begin<'a>(&'a self, flags: u32) -> Answer<'a, ()> {
        self.answer(|host| {
            check(flags, 0, "testInterfaceChangeBegin")?;
            host.interfaces.begin()
        })
    }

    fn change_commit<'a>(&'a self, flags: u32) -> Answer<'a, ()> {
        self.answer(|host| {
            check(flags, 0, "testInterfaceChangeCommit")?;
            host.interfaces.end("be committed").map(drop)
        })
    }

    fn change_rollback<'a>(&'a self, flags: u32) -> Answer<'a, ()> {
        self.answer(|host| {
            check(flags, 0, "testInterfaceChangeRollback")?;
            host.interfaces.links = host.interfaces.end("rollback")?;
            Ok(())
        })
    }
}
