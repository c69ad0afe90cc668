//! The names of an interface's chains, which are libvirt's.

use crate::resolve::ROOT;

/// Which way a chain's packets go, and whether the chain is one that takes another one's place when it is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// From the guest.
    From,
    /// To the guest.
    To,
    /// From the guest, being built.
    NewFrom,
    /// To the guest, being built.
    NewTo,
}

impl Side {
    /// The letter of its names.
    pub(crate) const fn letter(self) -> char {
        match self {
            Self::From => 'I',
            Self::To => 'O',
            Self::NewFrom => 'J',
            Self::NewTo => 'P',
        }
    }

    pub(crate) const fn is_from_guest(self) -> bool {
        matches!(self, Self::From | Self::NewFrom)
    }

    /// Chains in use, or those that are being built.
    pub(crate) const fn pair(new: bool) -> [Self; 2] {
        if new { [Self::NewFrom, Self::NewTo] } else { [Self::From, Self::To] }
    }
}

/// Where a chain about packets stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hook {
    /// What passes the host by.
    Forward,
    /// What the host itself gets.
    Host,
}

/// A chain about frames.
pub(crate) fn ethernet(side: Side, interface: &str, chain: &str) -> String {
    let letter = side.letter();
    if chain == ROOT {
        format!("libvirt-{letter}-{interface}")
    } else {
        format!("{letter}-{interface}-{chain}")
    }
}

/// A chain about packets.
pub(crate) fn packets(hook: Hook, side: Side, interface: &str) -> String {
    let hook = match hook {
        Hook::Forward => 'F',
        Hook::Host => 'H',
    };
    format!("{hook}{}-{interface}", side.letter())
}
