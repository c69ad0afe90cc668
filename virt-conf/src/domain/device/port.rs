//! What serial ports, parallel ports, consoles and channels have in common.

use virt_types::{Error, ErrorCode, ErrorDomain, TextEnum};
use virt_xml::number::{Base, parse_i64};
use virt_xml::{Element, Writer};

use crate::common::Chardev;
use crate::common::chardev::{ChardevType, Labels};
use crate::error::{unsupported, xml_error};
use crate::{ParseFlags, Result};

/// The kind of host end; a pseudo terminal where none is given.
pub(super) fn parse_type(el: Element<'_>) -> Result<ChardevType> {
    let kind = Chardev::parse_type(el, "unknown type presented to host for character device:")?;
    Ok(kind.unwrap_or(ChardevType::Pty))
}

/// The host end, with its labels.
pub(super) fn parse_chardev(el: Element<'_>, kind: ChardevType, flags: ParseFlags) -> Result<Chardev> {
    Chardev::parse(el, kind, Labels::Read, flags)
}

/// The `type` of a `<target>`; `None` where it is not given.
pub(super) fn parse_target<T: TextEnum>(target: Element<'_>) -> Result<Option<T>> {
    let Some(text) = target.attr("type") else { return Ok(None) };
    T::from_text(text).map(Some).ok_or_else(|| unknown_target(target, "type", text))
}

/// The refusal of an unknown target.
pub(super) fn unknown_target(target: Element<'_>, what: &str, text: &str) -> Error {
    let detail = format!("unknown target {what} '{text}' specified for character device");
    target.error(ErrorCode::ConfigUnsupported, ErrorDomain::Domain, detail)
}

/// The `port` of a `<target>`; -1, which an unnumbered port is written with, means none.
pub(super) fn parse_port(target: Element<'_>) -> Result<Option<u32>> {
    let Some(text) = target.attr("port") else { return Ok(None) };
    match parse_i64(text, Base::Ten) {
        Some(-1) => Ok(None),
        Some(port) if i32::try_from(port).is_ok_and(|port| port >= 0) => Ok(u32::try_from(port).ok()),
        _ => Err(xml_error(format!("Invalid port number: {text}")).at(target.place())),
    }
}

/// Writes the `port` of a `<target>`.
pub(super) fn format_port(w: &mut Writer, port: Option<u32>) {
    match port {
        Some(port) => w.attr("port", port),
        None => w.attr("port", -1),
    }
}

/// The number after the highest one in use.
pub(super) fn next_port(ports: impl Iterator<Item = Option<u32>>) -> u32 {
    ports.flatten().max().map_or(0, |highest| highest + 1)
}

/// Refuses a change of what the guest sees.
pub(super) fn check_abi<T: TextEnum>(what: &str, source: T, target: T) -> Result<()> {
    if source == target {
        return Ok(());
    }
    Err(unsupported(format!("Target {what} {} does not match source {}", target.text(), source.text())))
}

/// Refuses a change of a port's number.
pub(super) fn check_port_abi(what: &str, source: Option<u32>, target: Option<u32>) -> Result<()> {
    if source == target {
        return Ok(());
    }
    let text = |port: Option<u32>| port.map_or(-1, i64::from);
    Err(unsupported(format!("Target {what} port {} does not match source {}", text(target), text(source))))
}

#[cfg(test)]
mod tests {
    use virt_xml::Document;

    use crate::ParseFlags;
    use crate::domain::device::{Channel, Console, Parallel, Redirdev, Serial, Tpm};
    use crate::domain::{Device, Domain, ParseContext};

    fn read<T: Device>(xml: &str) -> T {
        let domain = Domain::default();
        let document = Document::parse(xml).unwrap();
        T::parse(document.root(), &ParseContext { flags: ParseFlags::empty(), domain: &domain }).unwrap()
    }

    fn change<T: Device>(source: &str, target: &str) -> Option<String> {
        read::<T>(source).check_abi(&read::<T>(target)).err().map(|error| error.detail().to_owned())
    }

    #[test]
    fn what_a_guest_sees_can_not_change() {
        let serial = |content: &str| format!("<serial>{content}</serial>");
        for (source, target, expected) in [
            ("<target port='0'/>", "<target port='0'/>", None),
            (
                "<target port='0'/>",
                "<target port='1'/>",
                Some("Target serial port 1 does not match source 0"),
            ),
            (
                "<target type='isa-serial'/>",
                "<target type='usb-serial'/>",
                Some("Target serial type usb-serial does not match source isa-serial"),
            ),
            (
                "<address type='pci' slot='3'/>",
                "<address type='pci' slot='4'/>",
                Some("Target device PCI address 0000:00:04.0 does not match source 0000:00:03.0"),
            ),
        ] {
            assert_eq!(change::<Serial>(&serial(source), &serial(target)).as_deref(), expected);
        }
        let moved = [
            change::<Parallel>(
                "<parallel><target port='0'/></parallel>",
                "<parallel><target port='1'/></parallel>",
            ),
            change::<Console>(
                "<console><target type='virtio'/></console>",
                "<console><target type='sclp'/></console>",
            ),
            change::<Channel>(
                "<channel><target type='virtio' name='a'/></channel>",
                "<channel><target type='virtio' name='b'/></channel>",
            ),
            change::<Channel>(
                "<channel><target type='virtio'/></channel>",
                "<channel type='spicevmc'><target type='virtio'/></channel>",
            ),
            change::<Redirdev>("<redirdev type='null'/>", "<redirdev type='spicevmc'/>"),
            change::<Tpm>(
                "<tpm><backend type='emulator' version='1.2'/></tpm>",
                "<tpm><backend type='emulator' version='2.0'/></tpm>",
            ),
        ];
        assert_eq!(
            moved.map(Option::unwrap_or_default),
            [
                "Target parallel port 1 does not match source 0",
                "Target console type sclp does not match source virtio",
                "Target channel name b does not match source a",
                "Changing device type to/from spicevmc would change default target channel name",
                "Target redirected device source type spicevmc does not match source device source type null",
                "Target TPM version doesn't match source",
            ]
        );
    }

    #[test]
    fn a_device_is_found_by_where_it_leads_and_what_the_guest_sees() {
        let agent: Channel =
            read("<channel type='unix'><source path='/a'/><target type='virtio' name='n'/></channel>");
        let other: Channel =
            read("<channel type='unix'><source path='/b'/><target type='virtio' name='n'/></channel>");
        let connected: Channel = read(
            "<channel type='unix'><source path='/a'/><target type='virtio' name='n' state='connected'/></channel>",
        );
        assert!(connected.same_device(&agent));
        assert!(!agent.same_device(&other));
        let secured: Serial = read("<serial type='tcp'><source host='h' service='1' tls='yes'/></serial>");
        let plain: Serial = read("<serial type='tcp'><source host='h' service='1'/></serial>");
        assert!(secured.same_device(&plain));
    }
}
