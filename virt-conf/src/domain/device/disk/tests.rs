use virt_xml::Document;

use super::*;
use crate::FormatFlags;

fn parse(xml: &str, flags: ParseFlags) -> Result<Disk> {
    let document = Document::parse(xml).unwrap();
    let domain = Domain::default();
    Disk::parse(document.root(), &ParseContext { flags, domain: &domain })
}

fn format(disk: &Disk, flags: FormatFlags) -> String {
    let domain = Domain::default();
    let mut w = Writer::new();
    disk.format(&mut w, &FormatContext { flags, domain: &domain });
    w.finish()
}

/// What the reader and the common completion make of a document, or the refusal.
fn filled(xml: &str) -> String {
    let domain = Domain::default();
    let outcome = parse(xml, ParseFlags::INACTIVE).and_then(|mut disk| {
        disk.fill(&domain)?;
        disk.validate(&domain)?;
        Ok(disk)
    });
    outcome.map_or_else(|error| error.to_string(), |disk| format(&disk, FormatFlags::INACTIVE))
}

#[test]
fn documents_are_completed_and_written_in_order() {
    for (xml, expected) in [
        (
            "<disk><target dev='hdd'/><source file='/a'/></disk>",
            "<disk type='file' device='disk'>
  <source file='/a'/>
  <target dev='hdd' bus='ide'/>
  <address type='drive' controller='0' bus='1' target='0' unit='1'/>
</disk>
",
        ),
        (
            "<disk type='block' device='cdrom'><target dev='sda' bus='sata' tray='open'/></disk>",
            "<disk type='file' device='cdrom'>
  <target dev='sda' bus='sata' tray='open'/>
  <readonly/>
  <address type='drive' controller='0' bus='0' target='0' unit='0'/>
</disk>
",
        ),
        (
            "<disk type='network' device='disk'>
               <serial>s</serial><transient/><shareable/>
               <driver type='qcow2' queues='2' cache='none' name='qemu' packed='on'><metadata_cache><max_size unit='KiB'>2</max_size></metadata_cache></driver>
               <target dev='vda'/>
               <iotune><group_name>g</group_name><read_iops_sec>5</read_iops_sec><total_bytes_sec_max_length>3</total_bytes_sec_max_length></iotune>
               <auth username='u'><secret type='iscsi' usage='x'/></auth>
               <source protocol='iscsi' name='iqn.2024-01.org.example:t'><host name='h'/><initiator><iqn name='iqn.i'/></initiator></source>
             </disk>",
            "<disk type='network' device='disk'>
  <driver name='qemu' type='qcow2' cache='none' queues='2' packed='on'>
    <metadata_cache>
      <max_size unit='bytes'>2048</max_size>
    </metadata_cache>
  </driver>
  <auth username='u'>
    <secret type='iscsi' usage='x'/>
  </auth>
  <source protocol='iscsi' name='iqn.2024-01.org.example:t/0'>
    <host name='h' port='3260'/>
    <initiator>
      <iqn name='iqn.i'/>
    </initiator>
  </source>
  <target dev='vda' bus='virtio'/>
  <iotune>
    <read_iops_sec>5</read_iops_sec>
    <group_name>g</group_name>
    <total_bytes_sec_max_length>3</total_bytes_sec_max_length>
  </iotune>
  <shareable/>
  <transient/>
  <serial>s</serial>
</disk>
",
        ),
        (
            "<disk type='file'><target dev='vda'/><source file='/top'><seclabel model='dac' relabel='no'/><slices><slice type='storage' offset='1' size='2'/></slices></source>
               <backingStore type='block'><format type='raw'/><source dev='/dev/b'/><backingStore/></backingStore></disk>",
            "<disk type='file' device='disk'>
  <source file='/top'>
    <slices>
      <slice type='storage' offset='1' size='2'/>
    </slices>
    <seclabel model='dac' relabel='no'/>
  </source>
  <backingStore type='block'>
    <format type='raw'/>
    <source dev='/dev/b'/>
    <backingStore/>
  </backingStore>
  <target dev='vda' bus='virtio'/>
</disk>
",
        ),
        (
            "<disk type='nvme'><target dev='vda'/><source type='pci' namespace='1'><address bus='1'/></source></disk>",
            "<disk type='nvme' device='disk'>
  <source type='pci' managed='yes' namespace='1'>
    <address domain='0x0000' bus='0x01' slot='0x00' function='0x0'/>
  </source>
  <target dev='vda' bus='virtio'/>
</disk>
",
        ),
    ] {
        assert_eq!(filled(xml), expected);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    for (xml, sentence) in [
        ("<disk><source file='/a'/></disk>", "missing target information for device /a"),
        ("<disk><target dev='vda'/></disk>", "missing source information for device vda"),
        (
            "<disk><target dev='sdx9'/><source file='/a'/><address type='pci' slot='3'/></disk>",
            "unsupported configuration: Invalid address type 'pci' for the disk 'sdx9' with the bus type 'scsi'",
        ),
        (
            "<disk><target dev='disk0'/><source file='/a'/></disk>",
            "XML error: Unknown disk name 'disk0' and no address specified",
        ),
        (
            "<disk device='floppy'><target dev='fda' bus='ide'/></disk>",
            "internal error: Invalid bus type 'ide' for floppy disk",
        ),
        (
            "<disk device='lun'><target dev='sda'/><source file='/a'/></disk>",
            "unsupported configuration: disk device='lun' is only valid for block type disk source",
        ),
        (
            "<disk><target dev='hda'/><source file='/a'/><driver queues='4'/></disk>",
            "unsupported configuration: queues attribute in disk driver element is only supported for virtio bus",
        ),
        (
            "<disk><target dev='vda'/><source file='/a'/><iotune><total_bytes_sec>1</total_bytes_sec><read_bytes_sec>1</read_bytes_sec></iotune></disk>",
            "XML error: total and read/write bytes_sec cannot be set at the same time",
        ),
        (
            "<disk type='volume'><target dev='vda'/><source pool='p'/></disk>",
            "XML error: 'pool' and 'volume' must be specified together for 'pool' type source",
        ),
        (
            "<disk><target dev='vda' bus='virto'/><source file='/a'/></disk>",
            "XML error: Invalid value for attribute 'bus' in element 'target': 'virto'.",
        ),
        (
            "<disk><target dev='sda'/><source file='/a'/><vendor>123456789</vendor></disk>",
            "unsupported configuration: disk vendor is more than 8 characters",
        ),
        (
            "<disk type='network'><target dev='vda'/><source protocol='rbd' name='image'/></disk>",
            "XML error: can't split path 'image' into pool name and image name",
        ),
        (
            "<disk type='network'><target dev='vda'/><source protocol='http' name='i'><host name='h'/><cookies><cookie name='a b'>v</cookie></cookies></source></disk>",
            "XML error: cookie name 'a b' contains invalid characters",
        ),
    ] {
        assert_eq!(filled(xml), sentence, "{xml}");
    }
}

#[test]
fn a_running_disk_keeps_its_numbers_and_its_copy() {
    let xml = "<disk type='file' device='disk'>
  <driver name='qemu' type='qcow2'/>
  <source file='/a' index='2'/>
  <backingStore type='file' index='3'>
    <format type='raw'/>
    <source file='/b'/>
    <backingStore/>
  </backingStore>
  <mirror type='file' file='/c' format='qcow2' job='copy' ready='yes'>
    <format type='qcow2'/>
    <source file='/c' index='4'/>
    <backingStore/>
  </mirror>
  <target dev='vda' bus='virtio'/>
  <alias name='virtio-disk0'/>
</disk>
";
    let disk = parse(xml, ParseFlags::empty()).unwrap();
    assert_eq!(format(&disk, FormatFlags::empty()), xml);
    let inactive = format(&disk, FormatFlags::INACTIVE);
    assert!(!inactive.contains("mirror"), "{inactive}");
}

#[test]
fn a_group_shares_its_limits() {
    let mut domain = Domain::default();
    let disk = |name: &str, limits: &str| {
        parse(
            &format!("<disk><target dev='{name}'/><source file='/a'/><iotune>{limits}<group_name>g</group_name></iotune></disk>"),
            ParseFlags::INACTIVE,
        )
        .unwrap()
    };
    domain.devices.disks.push(disk("vda", "<total_iops_sec>7</total_iops_sec>"));
    let mut second = disk("vdb", "");
    second.fill(&domain).unwrap();
    assert_eq!(second.iotune.total_iops_sec, 7);
}

#[test]
fn secrets_are_written_only_on_request() {
    let xml = "<disk type='network'><target dev='vda'/><source protocol='https' name='i'><host name='h'/><cookies><cookie name='a'>v</cookie></cookies></source></disk>";
    let disk = parse(xml, ParseFlags::INACTIVE).unwrap();
    assert!(!format(&disk, FormatFlags::INACTIVE).contains("cookie"));
    assert!(format(&disk, FormatFlags::SECURE).contains("<cookie name='a'>v</cookie>"));
}
