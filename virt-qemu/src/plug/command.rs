//! Parts of a plan as commands of QEMU's monitor, each with the one that takes it back.

use std::borrow::Cow;

use serde_json::{Map, Value, json};
use virt_types::{Error, Result};

use super::chardev;
use crate::error::internal;
use crate::plan::{Part, Props};

/// A command of the monitor.
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// Its name.
    pub name: &'static str,
    /// Its arguments.
    pub arguments: Map<String, Value>,
}

/// A part as commands.
#[derive(Debug, Clone, PartialEq)]
pub struct Plugging {
    /// What makes it.
    pub plug: Command,
    /// What takes it back; nothing for what can stay.
    pub unplug: Option<Command>,
    /// Numbers of descriptors that QEMU has to know by name before.
    pub named_fds: Vec<i32>,
    /// Number of the descriptor that goes along with the command.
    pub own_fd: Option<i32>,
    /// The guest sees it.
    pub is_device: bool,
}

impl Command {
    fn new(name: &'static str, arguments: Value) -> Self {
        let arguments = match arguments {
            Value::Object(arguments) => arguments,
            _ => Map::new(),
        };
        Self { name, arguments }
    }

    /// Takes the object, node or back end with this id away.
    fn by(name: &'static str, key: &str, id: &str) -> Self {
        Self::new(name, json!({ key: id }))
    }
}

/// The name by which a running QEMU knows a descriptor until it is used.
#[must_use]
pub fn fd_name(number: i32) -> String {
    format!("plug-fd{number}")
}

/// Turns a part into commands. `secret` gives the object of a secret, which only the running guest's key can make.
///
/// # Errors
/// For parts that exist at the start of a guest only, and those of `secret`.
pub fn plugging(part: &Part, secret: &dyn Fn(&Part) -> Result<Props>) -> Result<Plugging> {
    let mut named_fds = Vec::new();
    let mut plugging = |plug: Command, unplug: Option<Command>| Plugging {
        plug,
        unplug,
        named_fds: std::mem::take(&mut named_fds),
        own_fd: None,
        is_device: false,
    };
    Ok(match part {
        Part::Object(props) => {
            let unplug = Command::by("object-del", "id", &id_of(props, "id")?);
            plugging(Command::new("object-add", props.clone().into_json()), Some(unplug))
        }
        Part::Secret { id, .. } => {
            let unplug = Command::by("object-del", "id", id);
            plugging(Command::new("object-add", secret(part)?.into_json()), Some(unplug))
        }
        Part::Chardev(text) => {
            let chardev = chardev::parse(text)?;
            let unplug = Command::by("chardev-remove", "id", &chardev.id);
            let arguments = json!({ "id": chardev.id, "backend": chardev.backend });
            let mut plugging = plugging(Command::new("chardev-add", arguments), Some(unplug));
            plugging.named_fds.extend(chardev.fd);
            plugging
        }
        Part::Blockdev(props) => {
            let unplug = Command::by("blockdev-del", "node-name", &id_of(props, "node-name")?);
            plugging(Command::new("blockdev-add", props.clone().into_json()), Some(unplug))
        }
        Part::Netdev(props) => {
            let unplug = Command::by("netdev_del", "id", &id_of(props, "id")?);
            let mut plug = Command::new("netdev_add", props.clone().into_json());
            let fds = name_fds(&mut plug, &["fd", "fds", "vhostfd", "vhostfds"]);
            let mut plugging = plugging(plug, Some(unplug));
            plugging.named_fds = fds;
            plugging
        }
        Part::Device(props) => {
            let unplug = Command::by("device_del", "id", &id_of(props, "id")?);
            let mut plug = Command::new("device_add", props.clone().into_json());
            let fds = name_fds(&mut plug, &["vhostfd"]);
            Plugging { named_fds: fds, is_device: true, ..plugging(plug, Some(unplug)) }
        }
        Part::FdSet { set, fd, opaque } => {
            let plug = Command::new("add-fd", json!({ "fdset-id": set, "opaque": opaque }));
            let unplug = Command::new("remove-fd", json!({ "fdset-id": set }));
            Plugging { own_fd: Some(*fd), ..plugging(plug, Some(unplug)) }
        }
        Part::Option("-watchdog-action", action) => {
            plugging(Command::new("watchdog-set-action", json!({ "action": action })), None)
        }
        Part::Option(..) | Part::Flag(_) | Part::Raw(_) | Part::Audiodev(_) => {
            let words = part.argv().join(" ");
            return Err(Error::no_support("plugging this in while a guest runs")
                .with_hint(format!("QEMU takes '{words}' at its start only")));
        }
    })
}

fn id_of(props: &Props, key: &str) -> Result<String> {
    let id = props.get(key).and_then(Value::as_str);
    id.map(str::to_owned).ok_or_else(|| internal(format!("a part of a device has no {key}")))
}

/// Puts names in place of the numbers of descriptors, which a running QEMU does not inherit.
fn name_fds(command: &mut Command, keys: &[&str]) -> Vec<i32> {
    let mut numbers = Vec::new();
    for key in keys {
        let Some(Value::String(text)) = command.arguments.get_mut(*key) else { continue };
        let names = text.split(':').map(|word| match word.parse() {
            Ok(number) => {
                numbers.push(number);
                Cow::Owned(fd_name(number))
            }
            Err(_) => Cow::Borrowed(word),
        });
        let names: Vec<_> = names.collect();
        *text = names.join(":");
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(part: &Part) -> String {
        let none = |_: &Part| Err(internal("no secret"));
        match plugging(part, &none) {
            Ok(plugging) => {
                let show = |command: &Command| {
                    format!("{} {}", command.name, Value::Object(command.arguments.clone()))
                };
                let fds = format!("{:?}{:?}", plugging.named_fds, plugging.own_fd);
                let unplug = plugging.unplug.as_ref().map(show).unwrap_or_default();
                format!("{} | {unplug} | {fds}", show(&plugging.plug))
            }
            Err(error) => error.detail().to_owned(),
        }
    }

    #[test]
    fn each_part_has_its_command_and_the_one_that_undoes_it() {
        let props = |pairs: &[(&str, &str)]| {
            pairs.iter().fold(Props::new(), |props, (name, value)| props.str(name, *value))
        };
        for (part, expected) in [
            (
                Part::Object(props(&[("qom-type", "rng-builtin"), ("id", "objrng0")])),
                r#"object-add {"qom-type":"rng-builtin","id":"objrng0"} | object-del {"id":"objrng0"} | []None"#,
            ),
            (
                Part::Blockdev(props(&[("driver", "file"), ("node-name", "n")])),
                r#"blockdev-add {"driver":"file","node-name":"n"} | blockdev-del {"node-name":"n"} | []None"#,
            ),
            (
                Part::Netdev(props(&[("type", "tap"), ("fds", "3:4"), ("vhostfd", "5"), ("id", "hostnet1")])),
                r#"netdev_add {"type":"tap","fds":"plug-fd3:plug-fd4","vhostfd":"plug-fd5","id":"hostnet1"} | netdev_del {"id":"hostnet1"} | [3, 4, 5]None"#,
            ),
            (
                Part::Device(props(&[("driver", "vhost-vsock-pci"), ("id", "vsock0"), ("vhostfd", "3")])),
                r#"device_add {"driver":"vhost-vsock-pci","id":"vsock0","vhostfd":"plug-fd3"} | device_del {"id":"vsock0"} | [3]None"#,
            ),
            (
                Part::Chardev("socket,id=charchannel0,fd=3,server=on,wait=off".into()),
                r#"chardev-add {"id":"charchannel0","backend":{"type":"socket","data":{"addr":{"type":"fd","data":{"str":"plug-fd3"}},"server":true,"wait":false}}} | chardev-remove {"id":"charchannel0"} | [3]None"#,
            ),
            (
                Part::FdSet { set: 7, fd: 3, opaque: "net1-vdpa".into() },
                r#"add-fd {"fdset-id":7,"opaque":"net1-vdpa"} | remove-fd {"fdset-id":7} | []Some(3)"#,
            ),
            (
                Part::Option("-watchdog-action", "reset".into()),
                r#"watchdog-set-action {"action":"reset"} |  | []None"#,
            ),
            (Part::Flag("-S"), "plugging this in while a guest runs"),
            (Part::Object(Props::new()), "a part of a device has no id"),
        ] {
            assert_eq!(line(&part), expected);
        }
    }
}
