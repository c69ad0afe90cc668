//! `<channel>` as a port of a virtio-serial controller, or as a door in the user-mode network.

use std::path::Path;

use serde_json::json;
use virt_conf::ParseFlags;
use virt_conf::common::ChardevSource;
use virt_conf::domain::device::{Channel, ChannelTarget};
use virt_types::Result;

use super::common::address;
use super::common::chardev::{self, Setup};
use super::console::check_port_address;
use super::serial::listen_without_path;
use super::{QemuContext, QemuDevice};
use crate::error::{internal, unsupported};
use crate::plan::{DevicePlan, HostNeed, Part, PlanContext, Props, channel_dir};

/// The name by which SPICE's agent in the guest finds its channel.
const SPICE_AGENT: &str = "com.redhat.spice.0";

impl QemuDevice for Channel {
    fn complete(&mut self, cx: &QemuContext<'_>) -> Result<()> {
        if cx.flags.contains(ParseFlags::INACTIVE)
            && let ChannelTarget::Virtio { name, .. } = &self.target
            && let ChardevSource::Unix(unix) = &mut self.chardev.source
            && let Some(path) = &unix.path
            && is_default_path(&cx.config.lib_dir, name.as_deref(), path)
        {
            unix.path = None;
        }
        listen_without_path(&mut self.chardev, cx);
        Ok(())
    }

    fn check(&self, cx: &QemuContext<'_>) -> Result<()> {
        chardev::check(&self.chardev, cx)
    }

    fn plan(&self, cx: &mut PlanContext<'_>) -> Result<DevicePlan> {
        let alias = self.info.alias.clone().unwrap_or_default();
        let id = chardev::id(&alias);
        let dir = channel_dir(cx.config, cx.domain);
        if self.chardev.source.path().is_some_and(|path| Path::new(path).parent() == Some(&dir)) {
            cx.plan.needs.push(HostNeed::Directory(dir));
        }
        let mut plan = DevicePlan {
            parts: chardev::parts(cx, &self.chardev, &id, Setup::default())?,
            ..DevicePlan::default()
        };
        match &self.target {
            ChannelTarget::Guestfwd { address, port } => {
                let door = format!("tcp:{address}:{port}-chardev:{id}");
                let props = Props::new()
                    .str("type", "user")
                    .value("guestfwd", json!([{ "str": door }]))
                    .str("id", alias);
                plan.parts.push(Part::Netdev(props));
            }
            ChannelTarget::Virtio { name, .. } => {
                check_port_address(self.info.address.kind())?;
                let spice = matches!(self.chardev.source, ChardevSource::Spicevmc(_));
                if spice && name.as_ref().is_some_and(|name| name != SPICE_AGENT) {
                    let name = name.as_deref().unwrap_or_default();
                    return Err(unsupported(format!("Unsupported spicevmc target name '{name}'")));
                }
                let name = name.clone().or_else(|| spice.then(|| SPICE_AGENT.to_owned()));
                let props = Props::new()
                    .str("driver", "virtserialport")
                    .extend(address::props(cx.domain, &self.info)?)
                    .str("chardev", id)
                    .str("id", alias)
                    .opt_str("name", name);
                plan.device(&self.info, props);
            }
            ChannelTarget::Xen { .. } | ChannelTarget::None => {
                return Err(internal("An error occurred, but the cause is unknown").with_hint(
                    "QEMU has channels with <target type='virtio'/> or <target type='guestfwd'/>",
                ));
            }
        }
        Ok(plan)
    }
}

/// Whether a path is one that the engine, or libvirt since its first days, would choose itself.
///
/// The oldest form, `DIR/DOMAIN.NAME`, is told by its directory; the later one, `…/domain-DOMAIN/NAME`, by its end alone,
/// since the directory has moved more than once.
fn is_default_path(lib_dir: &Path, name: Option<&str>, path: &str) -> bool {
    let target_dir = lib_dir.join("channel/target");
    let dotted = path
        .strip_prefix(&*target_dir.to_string_lossy())
        .and_then(|rest| rest.strip_prefix('/'))
        .and_then(|rest| rest.split('/').next())
        .is_some_and(|file| file.rfind('.').is_some_and(|dot| dot > 0));
    let of_domain = |dir: &str| dir.split_once("domain-").is_some_and(|(_, domain)| !domain.is_empty());
    dotted
        || match name {
            Some(name) => {
                let dir = path.strip_suffix(name).and_then(|head| head.strip_suffix('/'));
                dir.and_then(|dir| dir.rsplit('/').next()).is_some_and(of_domain)
            }
            None => path.rsplit_once('/').is_some_and(|(dirs, _)| dirs.split('/').any(of_domain)),
        }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_every_age_are_known() {
        let lib = Path::new("/var/lib/libvirt/qemu");
        for (path, expected) in [
            ("/var/lib/libvirt/qemu/channel/target/web.org.qemu.guest_agent.0", true),
            ("/var/lib/libvirt/qemu/channel/target/domain-web/org.qemu.guest_agent.0", true),
            ("/run/libvirt/qemu/channel/target/domain-3-web/org.qemu.guest_agent.0", true),
            ("/var/lib/libvirt/qemu/channel/target/domain-3-web/other", false),
            ("/var/lib/libvirt/qemu/f17x86_64.agent", false),
            ("/tmp/domain-/org.qemu.guest_agent.0", false),
        ] {
            assert_eq!(is_default_path(lib, Some("org.qemu.guest_agent.0"), path), expected, "{path}");
        }
        assert!(is_default_path(lib, None, "/tmp/domain-web/any"));
        assert!(!is_default_path(lib, None, "/tmp/web/domain-any"));
    }
}
