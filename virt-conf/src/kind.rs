//! The kinds of documents, and what each comes to.

use std::fmt;

use virt_types::{Error, ErrorCode, ErrorDomain, TextEnum, text_enum};
use virt_xml::{Document, Element};

use crate::domain::Domain;
use crate::domain::passes::NullPolicy;
use crate::interface::HostInterface;
use crate::moment::{Backup, Checkpoint, MomentFlags, Snapshot};
use crate::network::{self, Network, NetworkPort};
use crate::nodedev::{NodeDevice, Origin};
use crate::nwfilter::{Filter, FilterBinding};
use crate::secret::Secret;
use crate::storage_pool::{PoolType, StoragePool};
use crate::storage_volume::{Capacity, Volume};
use crate::{FormatFlags, ParseFlags, Result};

text_enum! {
    /// A kind of document, by the short name that tools use for it.
    pub enum Kind { #[default] Domain = "domain", Network = "network", Pool = "pool", Volume = "vol", Interface = "interface",
        NodeDevice = "nodedev", Snapshot = "snapshot", Checkpoint = "checkpoint", Secret = "secret", Filter = "nwfilter",
        FilterBinding = "nwbinding", NetworkPort = "netport", Backup = "backup",
    }
}

/// What is around a document that it does not say itself.
#[derive(Clone, Copy)]
pub struct Surroundings<'a> {
    /// The host that networks are set up on.
    pub network: &'a dyn network::Policy,
    /// The types of pools that can be had.
    pub pools: &'a dyn Fn(PoolType) -> bool,
    /// The directory of the pool that volumes are for.
    pub volumes: &'a str,
    /// Completes the domains that documents hold, as their driver does.
    pub domains: &'a dyn Fn(&mut Domain) -> Result<()>,
    /// Whether there is a regular file at a path.
    pub is_file: &'a dyn Fn(&str) -> bool,
}

impl Default for Surroundings<'_> {
    fn default() -> Self {
        Self {
            network: &network::NullPolicy,
            pools: &|_| true,
            volumes: "/var/lib/libvirt/images",
            domains: &|domain| domain.fill(&NullPolicy, ParseFlags::INACTIVE),
            is_file: &|_| true,
        }
    }
}

impl fmt::Debug for Surroundings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surroundings").finish_non_exhaustive()
    }
}

impl Kind {
    /// The kind of the documents whose root element has this name.
    ///
    /// ```
    /// use virt_conf::Kind;
    /// assert_eq!(Kind::of_root("network"), Some(Kind::Network));
    /// assert_eq!(Kind::of_root("html"), None);
    /// ```
    #[must_use]
    pub fn of_root(name: &str) -> Option<Self> {
        Self::SPELLINGS.iter().map(|(kind, _)| *kind).find(|kind| kind.root() == name)
    }

    /// The name of the root element.
    #[must_use]
    pub const fn root(self) -> &'static str {
        match self {
            Self::Domain => "domain",
            Self::Network => "network",
            Self::Pool => "pool",
            Self::Volume => "volume",
            Self::Interface => "interface",
            Self::NodeDevice => "device",
            Self::Snapshot => "domainsnapshot",
            Self::Checkpoint => "domaincheckpoint",
            Self::Secret => "secret",
            Self::Filter => "filter",
            Self::FilterBinding => "filterbinding",
            Self::NetworkPort => "networkport",
            Self::Backup => "domainbackup",
        }
    }

    /// The kind that this root element makes a document be.
    ///
    /// # Errors
    /// `VIR_ERR_XML_ERROR` for an element that begins no known document, with the nearest that does as a hint.
    pub fn of_document(document: &Document<'_>) -> Result<Self> {
        let root = document.root();
        Self::of_root(root.name()).ok_or_else(|| {
            let roots: Vec<&str> = Self::SPELLINGS.iter().map(|(kind, _)| kind.root()).collect();
            let detail = format!("no document begins with '{}'", root.name());
            root.error(ErrorCode::XmlError, ErrorDomain::Xml, detail).with_nearest(root.name(), roots)
        })
    }

    /// What a definition of the document gives back: it is read, completed, checked and written. A domain is only
    /// read and written, since everything else is its driver's.
    ///
    /// # Errors
    /// The document's first refusal, with libvirt's code and sentence, and the place.
    pub fn canonical(self, document: &Document<'_>, around: &Surroundings<'_>) -> Result<String> {
        let el = document.root_named(self.root())?;
        self.canonical_element(el, around)
    }

    fn canonical_element(self, el: Element<'_>, around: &Surroundings<'_>) -> Result<String, Error> {
        let inactive = FormatFlags::INACTIVE | FormatFlags::SECURE;
        Ok(match self {
            Self::Domain => Domain::parse_element(el, ParseFlags::INACTIVE)?.format(inactive),
            Self::Network => {
                let mut network = Network::parse_element(el)?;
                network.fill(around.network)?;
                network.validate(around.network)?;
                network.format(inactive)
            }
            Self::Pool => {
                let mut pool = StoragePool::parse_element(el)?;
                pool.fill(None);
                pool.validate(around.pools)?;
                pool.format()
            }
            Self::Volume => {
                let mut volume = Volume::parse_element(el, PoolType::Dir, Capacity::UnlessBacked)?;
                volume.fill(Some(around.volumes));
                volume.validate_file()?;
                volume.format()
            }
            Self::Interface => HostInterface::parse_element(el)?.format(),
            Self::NodeDevice => NodeDevice::parse_element(el, Origin::Existing)?.format(),
            Self::Snapshot => {
                let mut snapshot = Snapshot::parse_element(el, MomentFlags::REDEFINE)?;
                snapshot.fill_domains(around.domains)?;
                snapshot.align_redefined(None, around.is_file)?;
                snapshot.format(FormatFlags::SECURE)
            }
            Self::Checkpoint => {
                let mut checkpoint = Checkpoint::parse_element(el, MomentFlags::REDEFINE)?;
                checkpoint.fill_domain(around.domains)?;
                checkpoint.align_redefined(None)?;
                checkpoint.format(FormatFlags::SECURE, true)
            }
            Self::Secret => Secret::parse_element(el)?.format(),
            Self::Filter => Filter::parse_element(el)?.format(),
            Self::FilterBinding => {
                let mut binding = FilterBinding::parse_element(el)?;
                binding.fill();
                binding.format()
            }
            Self::NetworkPort => NetworkPort::parse_element(el)?.format(),
            Self::Backup => Backup::parse_element(el, false)?.format(false),
        })
    }
}
