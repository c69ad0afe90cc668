use virt_types::ErrorCode;
use virt_xml::Document;

use super::*;
use crate::{FormatFlags, ParseFlags};

fn parse(xml: &str) -> Result<Controller> {
    let document = Document::parse(xml).unwrap();
    let domain = Domain::default();
    Controller::parse(document.root(), &ParseContext { flags: ParseFlags::INACTIVE, domain: &domain })
}

fn format(controller: &Controller) -> String {
    let domain = Domain::default();
    let mut w = Writer::new();
    controller.format(&mut w, &FormatContext { flags: FormatFlags::INACTIVE, domain: &domain });
    w.finish()
}

#[test]
fn what_is_read_is_written() {
    for (xml, expected) in [
        ("<controller index='0'/>", "<controller type='ide' index='0'/>\n"),
        (
            "<controller type='usb' model='ich9-uhci2' index='1'/>",
            "<controller type='usb' index='1' model='ich9-uhci2'>\n  <master startport='2'/>\n</controller>\n",
        ),
        (
            "<controller type='usb' model='none' index='0'><address type='pci' slot='9'/></controller>",
            "<controller type='usb' index='0' model='none'/>\n",
        ),
        (
            "<controller type='virtio-serial' index='2' vectors='0' ports='16'><driver iommu='on' packed='off'/></controller>",
            "<controller type='virtio-serial' index='2' ports='16' vectors='0'>\n  <driver iommu='on' packed='off'/>\n</controller>\n",
        ),
        (
            "<controller type='scsi' index='0' model='virtio-scsi'><driver iothread='2' queues='4' max_sectors='0' ioeventfd='on'/></controller>",
            "<controller type='scsi' index='0' model='virtio-scsi'>\n  <driver queues='4' ioeventfd='on' iothread='2'/>\n</controller>\n",
        ),
        (
            "<controller type='pci' index='3' model='pcie-root-port'><target hotplug='off' port='10' chassis='3'/><model name='ioh3420'/></controller>",
            "<controller type='pci' index='3' model='pcie-root-port'>\n  <model name='ioh3420'/>\n  <target chassis='3' port='0xa' hotplug='off'/>\n</controller>\n",
        ),
        (
            "<controller type='pci' index='1' model='pxie-expander-bus'/>",
            "unsupported configuration: Unknown model type 'pxie-expander-bus'",
        ),
        (
            "<controller type='pci' index='0' model='pci-root'><pcihole64 unit='b'>1025</pcihole64></controller>",
            "<controller type='pci' index='0' model='pci-root'>\n  <pcihole64 unit='KiB'>2</pcihole64>\n</controller>\n",
        ),
        (
            "<controller type='pci' index='1' model='pci-expander-bus'><target busNr='0xfe'><node>2</node></target></controller>",
            "<controller type='pci' index='1' model='pci-expander-bus'>\n  <target busNr='254'>\n    <node>2</node>\n  </target>\n</controller>\n",
        ),
        ("<controller type='sata'/>", "<controller type='sata' index='-1'/>\n"),
        (
            "<controller type='xenbus' index='0' maxEventChannels='2047'/>",
            "<controller type='xenbus' index='0' maxEventChannels='2047'/>\n",
        ),
    ] {
        let written = parse(xml).map_or_else(|error| error.to_string(), |controller| format(&controller));
        assert_eq!(written, expected);
    }
}

#[test]
fn wrong_values_are_refused_with_libvirts_code() {
    for (xml, code) in [
        ("<controller type='floppy'/>", ErrorCode::XmlError),
        ("<controller type='sata' model='ich9'/>", ErrorCode::ConfigUnsupported),
        ("<controller type='pci' index='-1'/>", ErrorCode::XmlError),
        ("<controller type='pci'><target/><target/></controller>", ErrorCode::XmlError),
        ("<controller type='pci'><target><node>x</node></target></controller>", ErrorCode::XmlError),
    ] {
        assert_eq!(parse(xml).unwrap_err().code(), code, "{xml}");
    }
}

#[test]
fn numbers_out_of_range_are_refused() {
    for (attributes, sentence) in [
        ("chassisNr='0'", "PCI controller chassisNr '0' out of range - must be 1-255"),
        ("port='256'", "PCI controller port '256' out of range - must be 0-255"),
        ("index='31'", "PCI controller target index '31' out of range - must be 0-30"),
        ("index='0'", "Only the PCI controller with index 0 can have target index 0, and vice versa"),
    ] {
        let xml =
            format!("<controller type='pci' index='1' model='pci-root'><target {attributes}/></controller>");
        let error = parse(&xml).unwrap().validate(&Domain::default()).unwrap_err();
        assert_eq!(error.detail(), sentence);
    }
}

#[test]
fn another_model_is_another_machine() {
    let [a, b] = ["qemu-xhci", "nec-xhci"]
        .map(|model| parse(&format!("<controller type='usb' index='0' model='{model}'/>")).unwrap());
    assert!(a.check_abi(&a).is_ok());
    assert_eq!(
        a.check_abi(&b).unwrap_err().detail(),
        "Target controller model nec-xhci does not match source qemu-xhci"
    );
}
