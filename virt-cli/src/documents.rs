//! Documents that are no domains'.

use std::path::Path;

use virt_core::conf::domain::Domain;
use virt_core::conf::storage_pool::PoolType;
use virt_core::conf::{Kind, Surroundings, TextEnum as _, network};
use virt_core::qemu::planner::Planner;
use virt_core::types::PciAddress;
use virt_core::xml::Document;
use virt_core::{Error, Result};

/// The directory of the pool in which stock libvirt's answers about volumes are recorded.
const RECORDED_POOL: &str = "/var/lib/libvirt/images/vols";

/// The kind of this name.
pub(crate) fn kind(name: &str) -> Result<Kind> {
    Kind::from_text(name).ok_or_else(|| {
        let kinds = Kind::SPELLINGS.iter().map(|(_, name)| *name);
        Error::no_support(&format!("documents of kind '{name}'")).with_nearest(name, kinds)
    })
}

/// What a definition of the document gives back, on a recorded host or on this one.
pub(crate) fn canonical(kind: Kind, text: &str, recorded: Option<&Planner>) -> Result<String> {
    let document = Document::parse(text)?;
    let network = NetworkHost { on_this_host: recorded.is_none() };
    let default = Surroundings::default();
    let domains = |domain: &mut Domain| match recorded {
        Some(planner) => planner.complete(domain),
        None => (default.domains)(domain),
    };
    // A recorded host has no images.
    let is_file = |path: &str| recorded.is_none() && Path::new(path).is_file();
    let around = Surroundings {
        network: &network,
        pools: &is_known,
        domains: &domains,
        is_file: &is_file,
        volumes: if recorded.is_some() { RECORDED_POOL } else { default.volumes },
    };
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
