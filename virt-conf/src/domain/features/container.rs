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

grammar! {
    pub(super) GRAMMAR = [
        Attr("policy", OneOf(CapabilitiesPolicy::NAMES)),
        Opt("audit_control", STATE),
        Opt("audit_write", STATE),
        Opt("block_suspend", STATE),
        Opt("chown", STATE),
        Opt("dac_override", STATE),
        Opt("dac_read_search", STATE),
        Opt("fowner", STATE),
        Opt("fsetid", STATE),
        Opt("ipc_lock", STATE),
        Opt("ipc_owner", STATE),
        Opt("kill", STATE),
        Opt("lease", STATE),
        Opt("linux_immutable", STATE),
        Opt("mac_admin", STATE),
        Opt("mac_override", STATE),
        Opt("mknod", STATE),
        Opt("net_admin", STATE),
        Opt("net_bind_service", STATE),
        Opt("net_broadcast", STATE),
        Opt("net_raw", STATE),
        Opt("setgid", STATE),
        Opt("setfcap", STATE),
        Opt("setpcap", STATE),
        Opt("setuid", STATE),
        Opt("sys_admin", STATE),
        Opt("sys_boot", STATE),
        Opt("sys_chroot", STATE),
        Opt("sys_module", STATE),
        Opt("sys_nice", STATE),
        Opt("sys_pacct", STATE),
        Opt("sys_ptrace", STATE),
        Opt("sys_rawio", STATE),
        Opt("sys_resource", STATE),
        Opt("sys_time", STATE),
        Opt("sys_tty_config", STATE),
        Opt("syslog", STATE),
        Opt("wake_alarm", STATE),
    ];
}
