//! Documents that are no domains'.

use std::path::Path;

use virt_core::conf::storage_pool::PoolType;
use virt_core::conf::{Kind, Surroundings, TextEnum as _, network};
use virt_core::types::PciAddress;
use virt_core::xml::Document;
use virt_core::{Error, Result};

/// The kind of this name.
pub(crate) fn kind(name: &str) -> Result<Kind> {
    Kind::from_text(name).ok_or_else(|| {
        let kinds = Kind::SPELLINGS.iter().map(|(_, name)| *name);
        Error::no_support(&format!("documents of kind '{name}'")).with_nearest(name, kinds)
    })
}

/// What a definition of the document gives back, on this host or on a recorded one.
pub(crate) fn canonical(kind: Kind, text: &str, on_this_host: bool) -> Result<String> {
    let document = Document::parse(text)?;
    let network = NetworkHost { on_this_host };
    let around = Surroundings { network: &network, pools: &is_known, ..Surroundings::default() };
    kind.canonical(&document, &around)
}

/// Of the types of pools, those that today's hosts have.
fn is_known(pool: PoolType) -> bool {
    !matches!(pool, PoolType::Sheepdog | PoolType::Vstorage)
}

/// What networks need to know of the host; a recorded one has no virtual functions.
struct NetworkHost {
    on_this_host: bool,
}

impl network::Policy for NetworkHost {
    fn is_virtual_function(&self, address: PciAddress) -> bool {
        self.on_this_host && Path::new(&format!("/sys/bus/pci/devices/{address}/physfn")).exists()
    }
}
