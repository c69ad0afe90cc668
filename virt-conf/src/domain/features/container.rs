//! `<capabilities>`: what a container's root may do (capabilities(7)).

use virt_types::text_enum;

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
