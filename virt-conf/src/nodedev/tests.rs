use virt_types::ErrorCode;

use super::*;

fn device(capability: &str) -> String {
    format!("<device><name>d</name><capability {capability}</capability></device>")
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    let (internal, unsupported, xml) =
        (ErrorCode::InternalError, ErrorCode::ConfigUnsupported, ErrorCode::XmlError);
    let pci =
        "<domain>0</domain><bus>1</bus><slot>2</slot><function>0</function><vendor id='1'/><product id='2'/>";
    for (capability, code, words) in [
        ("type='pci'>".to_owned(), internal, "no PCI domain ID supplied for 'd'"),
        ("type='pci'><domain>x</domain>".to_owned(), internal, "invalid PCI domain ID supplied for 'd'"),
        (format!("type='pci'>{pci}<class>0x1000000</class>"), internal, "invalid PCI class"),
        (format!("type='pci'>{pci}<capability/>"), xml, "Missing capability type"),
        (
            format!("type='pci'>{pci}<capability type='phys_function'/>"),
            xml,
            "Missing address in 'phys_function'",
        ),
        (format!("type='pci'>{pci}<capability type='vpd'/>"), xml, "Could not read a device name"),
        (
            "type='usb_device'><bus>1</bus><device>2</device>".to_owned(),
            internal,
            "no USB vendor ID supplied",
        ),
        ("type='net'>".to_owned(), internal, "no network interface supplied"),
        (
            "type='net'><interface>e</interface><feature name='warp'/>".to_owned(),
            xml,
            "unknown network device feature 'warp'",
        ),
        (
            "type='scsi_host'><host>1</host><capability type='x'/>".to_owned(),
            internal,
            "unknown SCSI host capability type 'x'",
        ),
        (
            "type='scsi_target'><target>t</target><capability type='fc_remote_port'/>".to_owned(),
            internal,
            "missing rport name",
        ),
        ("type='storage'><block>/b</block>".to_owned(), internal, "no size supplied for 'd'"),
        ("type='drm'>".to_owned(), unsupported, "unknown drm type '(null)' for 'd'"),
        ("type='mdev'>".to_owned(), unsupported, "missing type id attribute"),
        ("type='ccw'><cssid>0x</cssid>".to_owned(), unsupported, "invalid cssid value '0x'"),
        (
            "type='ap_queue'><ap-adapter>1</ap-adapter><ap-domain>256</ap-domain>".to_owned(),
            unsupported,
            "is out of range",
        ),
        ("type='vdpa'>".to_owned(), internal, "unknown capability type '17' for 'd'"),
        ("type='system'>".to_owned(), internal, "no system UUID supplied"),
        ("type='warp'>".to_owned(), xml, "Invalid value for attribute 'type'"),
    ] {
        let error = NodeDevice::parse(&device(&capability), Origin::Existing).unwrap_err();
        assert_eq!(error.code(), code, "{capability}: {error}");
        assert!(error.to_string().contains(words), "{capability}: {error}");
        assert!(error.place().unwrap().path.starts_with("/device/capability"), "{capability}");
    }
    let bare = NodeDevice::parse("<device><name>d</name></device>", Origin::Existing).unwrap_err();
    assert_eq!(bare.to_string(), "internal error: no device capabilities for 'd'");
    let half = "<device><name>d</name><parent wwnn='1'/><capability type='drm'/></device>";
    let half = NodeDevice::parse(half, Origin::Existing).unwrap_err();
    assert!(half.to_string().ends_with("the wwpn must also be provided"), "{half}");
}

#[test]
fn a_device_that_is_to_be_made_needs_no_name() {
    let xml = "<device><parent>scsi_host1</parent><capability type='scsi_host'><capability type='fc_host'/></capability></device>";
    assert_eq!(NodeDevice::parse(xml, Origin::Existing).unwrap_err().code(), ErrorCode::NoName);
    let made = NodeDevice::parse(xml, Origin::New).unwrap();
    assert_eq!(made.name, "new device");
    assert_eq!(made.capabilities[0].listed_as(), [CapabilityType::ScsiHost, CapabilityType::FcHost]);
}

#[test]
fn what_is_never_read_is_written() {
    let mut device = NodeDevice {
        name: "d".to_owned(),
        driver: Some("sd".to_owned()),
        capabilities: vec![Capability::ScsiGeneric("/dev/sg0".to_owned()), Capability::Vdpa(None)],
        ..NodeDevice::default()
    };
    device
        .capabilities
        .push(Capability::UsbDevice(UsbDevice { vendor: (1, Some("a<b".into())), ..UsbDevice::default() }));
    assert_eq!(
        device.format(),
        "<device>
  <name>d</name>
  <driver>
    <name>sd</name>
  </driver>
  <capability type='scsi_generic'>
    <char>/dev/sg0</char>
  </capability>
  <capability type='vdpa'>
  </capability>
  <capability type='usb_device'>
    <bus>0</bus>
    <device>0</device>
    <product id='0x0000' />
    <vendor id='0x0001'>a&lt;b</vendor>
  </capability>
</device>
"
    );
}
