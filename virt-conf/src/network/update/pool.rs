//! Updates of the device pool and of port groups.

use virt_xml::Element;

use super::{UpdateCommand, invalid, unsupported};
use crate::Result;
use crate::network::{ForwardInterface, Network, Portgroup, REFUSE};

impl Network {
    pub(super) fn update_forward_interface(&mut self, command: UpdateCommand, el: Element<'_>) -> Result<()> {
        self.expect_element(el, "interface")?;
        if command == UpdateCommand::Modify {
            let detail = "forward interface entries cannot be modified, only added or deleted";
            return Err(unsupported(detail.into()));
        }
        let missing = || REFUSE.xml("missing dev attribute in <interface> element").at(el.place());
        let dev = el.attr("dev").ok_or_else(missing)?;
        let name = &self.name;
        let interfaces = &mut self.forward.interfaces;
        let position = interfaces.iter().position(|interface| interface.netdev_name() == Some(dev));
        if command.is_add() {
            if position.is_some() {
                return Err(invalid(format!(
                    "there is an existing interface entry in network '{name}' that matches \"<interface dev='{dev}'>\""
                )));
            }
            command.insert(interfaces, ForwardInterface::netdev(dev));
            return Ok(());
        }
        let position = position.ok_or_else(|| {
            invalid(format!(
                "couldn't find an interface entry in network '{name}' matching <interface dev='{dev}'>"
            ))
        })?;
        let users = interfaces[position].connections;
        if users > 0 {
            return Err(invalid(format!(
                "unable to delete interface '{dev}' in network '{name}'. It is currently being used by {users} domains."
            )));
        }
        interfaces.remove(position);
        Ok(())
    }

    pub(super) fn update_portgroup(&mut self, command: UpdateCommand, el: Element<'_>) -> Result<()> {
        self.expect_element(el, "portgroup")?;
        let group = Portgroup::parse(el)?;
        let name = &self.name;
        let position = self.portgroups.iter().rposition(|other| other.name == group.name);
        if command.is_add() && position.is_some() {
            return Err(invalid(format!(
                "there is an existing portgroup entry in network '{name}' that matches \"<portgroup name='{}'>\"",
                group.name
            )));
        }
        if !command.is_add() && position.is_none() {
            return Err(invalid(format!(
                "couldn't find a portgroup entry in network '{name}' matching <portgroup name='{}'>",
                group.name
            )));
        }
        let default = self.portgroups.iter().rposition(|other| other.default);
        if command != UpdateCommand::Delete && group.default && default.is_some() && default != position {
            return Err(invalid(format!(
                "a different portgroup entry in network '{name}' is already set as the default. Only one default is allowed."
            )));
        }
        match (command, position) {
            (UpdateCommand::Modify, Some(position)) => self.portgroups[position] = group,
            (UpdateCommand::Delete, Some(position)) => {
                self.portgroups.remove(position);
            }
            _ => command.insert(&mut self.portgroups, group),
        }
        Ok(())
    }
}
