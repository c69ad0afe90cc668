//! A disk's images as block nodes.

use serde_json::Value;
use virt_conf::ParseFlags;
use virt_conf::common::StorageSource;
use virt_conf::domain::Domain;
use virt_qemu::block;
use virt_qemu::caps::Capabilities;
use virt_qemu::config::Config;
use virt_qemu::host::Host;
use virt_qemu::plan::{Part, PlanContext};
use virt_testkit::corpus::{Case, Verdict, same};
use virt_xml::{Document, Element};

/// Names of an image's nodes: the one that reaches the bytes, and the one that makes sense of them.
struct Names {
    storage: String,
    format: String,
}

/// The nodes of all images, from the top down, each image's format before its storage.
pub(crate) fn nodes(case: &Case) -> Verdict {
    let xml = case.read("/input").ok_or("no input")?;
    let names = names(&xml)?;
    let ours = planned(&xml, names.len());
    let ours = match (ours, case.text("expect_failure")) {
        (Ok(ours), "") => ours,
        // The names of the corpus are longer than QEMU takes; ours never are.
        (_, "props") => {
            let long = names.iter().any(|names| names.storage.len().max(names.format.len()) > 31);
            return if long {
                Err("nodes have names of the engine only".to_owned())
            } else {
                Err("accepted".to_owned())
            };
        }
        (Err(why), _) => return Err(why),
        (Ok(_), other) => return Err(format!("accepted, expected to fail at {other}")),
    };
    let mut text: String = ours.iter().map(|node| format!("{node:#}\n")).collect();
    for (number, names) in names.iter().enumerate() {
        for (of_ours, name) in [
            ("storage-auth-secret0", format!("{}-secalias", names.storage)),
            ("format-encryption-secret0", format!("{}-encalias", names.format)),
            ("storage-encryption-secret0", format!("{}-encalias", names.format)),
            ("storage-httpcookie-secret0", format!("{}-cookiealias", names.storage)),
            ("storage", names.storage.clone()),
            ("format", names.format.clone()),
        ] {
            text = text.replace(&format!("\"libvirt-{}-{of_ours}\"", number + 1), &format!("\"{name}\""));
        }
    }
    for (number, names) in names.iter().enumerate() {
        let (ours, theirs) =
            (format!("objlibvirt-{}-storage_tls0", number + 1), format!("{}-tls0", names.storage));
        text = text.replace(&ours, &theirs);
    }
    if let Some((_, alias)) = xml.split_once("mgralias='") {
        text = text.replace("pr-helper0", alias.split('\'').next().unwrap_or_default());
    }
    let expected = case.read("/expected/props").ok_or("nothing is expected")?;
    let expected = serde_json::Deserializer::from_str(&expected).into_iter::<Value>();
    let expected = expected.collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
    let ours = serde_json::Deserializer::from_str(&text).into_iter::<Value>();
    let ours = ours.collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
    // The order of a node's members means nothing.
    let sorted = |nodes: &[Value]| nodes.iter().map(sorted).collect::<Vec<_>>().join("\n");
    same(&sorted(&ours), &sorted(&expected))
}

/// A value as text, members by name.
fn sorted(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> =
                members.iter().map(|(name, value)| format!("{name}: {}", sorted(value))).collect();
            members.sort();
            format!("{{\n{}\n}}", members.join("\n"))
        }
        Value::Array(members) => format!("[{}]", members.iter().map(sorted).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

fn planned(xml: &str, images: usize) -> Result<Vec<Value>, String> {
    let xml = format!(
        "<domain type='qemu'><name>d</name><memory>1024</memory><os><type arch='x86_64'>hvm</type></os>
         <devices>{xml}</devices></domain>"
    );
    let mut domain = Domain::parse(&xml, ParseFlags::STATUS).map_err(|error| error.to_string())?;
    let mut image: Option<&mut StorageSource> = domain.devices.disks.first_mut().map(|disk| &mut disk.source);
    let mut number = 0;
    while let Some(source) = image {
        number += 1;
        source.index = Some(number);
        image = source.backing_source_mut();
    }
    if number as usize != images {
        return Err(format!("{number} images, expected {images}"));
    }
    let (caps, config, host) = (Capabilities::default(), Config::system(), Host::default());
    let cx = PlanContext::new(&domain, &caps, &config, &host);
    let parts = block::chain_parts(&domain.devices.disks[0], &cx).map_err(|error| error.to_string())?;
    let nodes = parts.into_iter().rev().filter_map(|part| match part {
        Part::Blockdev(mut props) => {
            // How much Gluster says is a setting, which is not of the corpus.
            props.set("debug", None);
            Some(props.into_json())
        }
        _ => None,
    });
    Ok(nodes.collect())
}

/// The names that the document gives the nodes, from the top down.
fn names(xml: &str) -> Result<Vec<Names>, String> {
    let document = Document::parse(xml).map_err(|error| error.to_string())?;
    let mut names = Vec::new();
    let mut image = Some(document.root());
    while let Some(el) = image {
        let Some(source) = el.child("source") else { break };
        names.push(Names { storage: name(source, "storage")?, format: name(source, "format")? });
        image = el.child("backingStore");
    }
    Ok(names)
}

fn name(source: Element<'_>, kind: &str) -> Result<String, String> {
    let names = source.descend(&["privateData", "nodenames"]).ok_or("no names")?;
    let mut names = names.children_named("nodename");
    let name = names.find(|el| el.attr("type") == Some(kind)).and_then(|el| el.attr("name"));
    name.map(str::to_owned).ok_or_else(|| format!("no name of the {kind}"))
}
