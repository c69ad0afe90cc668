//! `<model type='…'/>`: which network card the guest sees.

use virt_types::{Error, ErrorCode, ErrorDomain, TextEnum, text_enum};

use crate::Result;

text_enum! {
    /// The network cards that drivers have rules for.
    pub enum KnownModel {
        Netfront = "netfront", Rtl8139 = "rtl8139", Virtio = "virtio", E1000 = "e1000", E1000e = "e1000e",
        Igb = "igb", VirtioTransitional = "virtio-transitional", VirtioNonTransitional = "virtio-non-transitional",
        UsbNet = "usb-net", SpaprVlan = "spapr-vlan", Lan9118 = "lan9118", Smc91c111 = "scm91c111",
        Vlance = "vlance", Vmxnet = "vmxnet", Vmxnet2 = "vmxnet2", Vmxnet3 = "vmxnet3", Am79c970a = "Am79C970A",
        Am79c973 = "Am79C973", I82540em = "82540EM", I82545em = "82545EM", I82543gc = "82543GC",
    }
}

/// A network card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InterfaceModel {
    /// One that drivers have rules for.
    Known(KnownModel),
    /// Any other name, for the hypervisor to understand.
    Other(String),
}

impl InterfaceModel {
    /// The card of this name; known ones are found in any case, and `unknown` is none.
    ///
    /// # Errors
    /// `VIR_ERR_INVALID_ARG` for a name that is not made of letters, digits, `_` and `-`.
    pub fn from_name(name: &str) -> Result<Option<Self>> {
        if name.eq_ignore_ascii_case("unknown") {
            return Ok(None);
        }
        let known = KnownModel::SPELLINGS.iter().find(|(_, spelling)| spelling.eq_ignore_ascii_case(name));
        if let Some((model, _)) = known {
            return Ok(Some(Self::Known(*model)));
        }
        if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
            let detail = "Model name contains invalid characters";
            return Err(Error::new(ErrorCode::InvalidArg, ErrorDomain::Domain, detail));
        }
        Ok(Some(Self::Other(name.to_owned())))
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Known(model) => model.text(),
            Self::Other(name) => name,
        }
    }

    /// Whether it is a virtio device.
    #[must_use]
    pub const fn is_virtio(&self) -> bool {
        matches!(
            self,
            Self::Known(
                KnownModel::Virtio | KnownModel::VirtioTransitional | KnownModel::VirtioNonTransitional
            )
        )
    }
}

impl From<KnownModel> for InterfaceModel {
    fn from(model: KnownModel) -> Self {
        Self::Known(model)
    }
}
