//! Documents of containers, which have a canonical form but no command line.

use virt_core::Result;
use virt_core::conf::FormatFlags;
use virt_core::lxc::LxcPolicy;
use virt_core::qemu::host::Host;
use virt_core::xml::Document;

/// What recordings have in the place of a value that was made up.
const MADE_UP: &str = "@RANDOM@";

/// Whether the document is a container's; what can not be read at all is not.
pub(crate) fn is_one(xml: &str) -> bool {
    Document::parse(xml).is_ok_and(|document| document.root().raw().attribute("type") == Some("lxc"))
}

fn policy(recorded: bool) -> LxcPolicy {
    if recorded {
        LxcPolicy::default()
    } else {
        LxcPolicy { arch: Host::detect().arch, ..LxcPolicy::default() }
    }
}

/// What a definition of the document gives back.
pub(crate) fn canonical(xml: &str, recorded: bool) -> Result<String> {
    policy(recorded).canonical(xml)
}

/// The document of a configuration of the lxc tools. It has an identity that is made up.
pub(crate) fn from_native(config: &str, recorded: bool) -> Result<String> {
    let domain = policy(recorded).from_native(config)?;
    let xml = domain.format(FormatFlags::INACTIVE | FormatFlags::SECURE);
    match domain.uuid {
        // What is planned for a recorded host is the same each time.
        Some(uuid) if recorded => Ok(xml.replacen(&uuid.to_string(), MADE_UP, 1)),
        _ => Ok(xml),
    }
}
