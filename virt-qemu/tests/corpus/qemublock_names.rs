//! Images as other images name them, and back.

use serde_json::Value;
use virt_conf::ParseFlags;
use virt_conf::common::StorageSource;
use virt_conf::common::storage_source::BackingName;
use virt_conf::domain::Domain;
use virt_qemu::block::{BackingNode, Image, ImageOptions};
use virt_qemu::caps::Capabilities;
use virt_qemu::config::Config;
use virt_qemu::host::Host;
use virt_qemu::plan::{Part, PlanContext};
use virt_testkit::corpus::{Case, Verdict, same};

/// A source becomes the properties of a node, which name the same source.
pub(crate) fn there_and_back(case: &Case) -> Verdict {
    let source = parsed(case)?;
    let named = format!("json:{}", properties(&source)?);
    let named = BackingName::parse(&named).map_err(|error| error.to_string())?;
    same(&format!("{:#?}", named.source.location), &format!("{:#?}", source.location))
}

fn parsed(case: &Case) -> Result<StorageSource, String> {
    let (kind, source) = (case.text("type"), case.text("xml"));
    let xml = format!(
        "<domain type='qemu'><name>d</name><memory>1024</memory><os><type arch='x86_64'>hvm</type></os>
         <devices><disk type='{kind}'>{source}<target dev='vda'/></disk></devices></domain>"
    );
    let mut domain = Domain::parse(&xml, ParseFlags::empty()).map_err(|error| error.to_string())?;
    Ok(domain.devices.disks.remove(0).source)
}

/// A name becomes the properties of a node.
pub(crate) fn properties_of_name(case: &Case) -> Verdict {
    let name = case.read("/input").ok_or("no input")?;
    let named = BackingName::parse(name.trim()).map_err(|error| error.to_string())?;
    let mut ours = properties(&named.source)?;
    if let Some(object) = ours.as_object_mut() {
        // They are given as a secret, for which the corpus has no place.
        object.shift_remove("cookie-secret");
        object.insert("auto-read-only".to_owned(), true.into());
        object.insert("discard".to_owned(), "unmap".into());
    }
    let theirs: Value = serde_json::from_str(&case.read("/expected").ok_or("nothing is expected")?)
        .map_err(|error| error.to_string())?;
    same(&format!("{ours:#}"), &format!("{theirs:#}"))
}

/// The properties of the node that reaches the bytes, but for what does not say where they are.
fn properties(source: &StorageSource) -> Result<Value, String> {
    let domain = Domain::default();
    let (caps, config, host) = (Capabilities::default(), Config::system(), Host::default());
    let cx = PlanContext::new(&domain, &caps, &config, &host);
    let image = Image { source, prefix: "libvirt-1", options: ImageOptions::default() };
    let parts = image.parts(BackingNode::End, &cx).map_err(|error| error.to_string())?;
    let props = parts.into_iter().find_map(|part| match part {
        Part::Blockdev(props) => Some(props),
        _ => None,
    });
    let mut props = props.ok_or("no node")?;
    for name in ["node-name", "auto-read-only", "discard", "debug"] {
        props.set(name, None);
    }
    Ok(props.into_json())
}
