//! `<capabilities>`: what a container's root may do (capabilities(7)).

use std::collections::BTreeMap;

use virt_types::text_enum;
use virt_xml::{Element, Writer};

use super::{known_children, switch};
use crate::Result;

text_enum! {
    /// What is allowed where nothing is said.
    pub enum CapabilitiesPolicy { #[default] Default = "default", Allow = "allow", Deny = "deny" }
}

/// `<capabilities>`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContainerCapabilities {
    /// `policy`
    pub policy: CapabilitiesPolicy,
    /// The state of single capabilities, in the kernel's alphabetical order.
    pub states: Vec<(&'static str, bool)>,
}

/// The kernel's capabilities that libvirt knows, in its order.
const NAMES: &[&str] = &[
    "audit_control",
    "audit_write",
    "block_suspend",
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "ipc_lock",
    "ipc_owner",
    "kill",
    "lease",
    "linux_immutable",
    "mac_admin",
    "mac_override",
    "mknod",
    "net_admin",
    "net_bind_service",
    "net_broadcast",
    "net_raw",
    "setgid",
    "setfcap",
    "setpcap",
    "setuid",
    "sys_admin",
    "sys_boot",
    "sys_chroot",
    "sys_module",
    "sys_nice",
    "sys_pacct",
    "sys_ptrace",
    "sys_rawio",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "syslog",
    "wake_alarm",
];

impl ContainerCapabilities {
    /// The kernel's capabilities that libvirt knows, in its order.
    pub const NAMES: &[&str] = NAMES;

    pub(super) fn parse(el: Element<'_>) -> Result<Self> {
        let policy = el.attr_enum("policy")?.unwrap_or_default();
        let mut states = BTreeMap::new();
        for child in known_children(el, NAMES, "unexpected capability feature")? {
            let place = NAMES.iter().position(|name| child.is(name)).unwrap_or_default();
            states.insert(place, child.attr_on_off("state")?.unwrap_or(true));
        }
        Ok(Self { policy, states: states.into_iter().map(|(place, state)| (NAMES[place], state)).collect() })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        if *self == Self::default() {
            return;
        }
        w.element("capabilities", |w| {
            w.attr("policy", self.policy);
            for (name, state) in &self.states {
                switch(w, name, Some(*state));
            }
        });
    }
}
