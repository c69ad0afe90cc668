use super::super::testing::check;
use super::*;

#[test]
fn what_is_read_is_written() {
    for (xml, expected) in [
        (
            "<hostdev type='usb' managed='yes'><source startupPolicy='optional' guestReset='off'><vendor id='0x4b8'/><product id='0202'/></source></hostdev>",
            "<hostdev mode='subsystem' type='usb' managed='yes'>
  <source startupPolicy='optional' guestReset='off'>
    <vendor id='0x04b8'/>
    <product id='0x0082'/>
  </source>
</hostdev>",
        ),
        (
            "<hostdev mode='subsystem' type='pci'><driver name='vfio'/><source><address bus='6' slot='18' function='5'/></source><rom bar='off'/><boot order='2'/><teaming type='transient' persistent='ua-x'/></hostdev>",
            "<hostdev mode='subsystem' type='pci' managed='no'>
  <driver name='vfio'/>
  <source>
    <address domain='0x0000' bus='0x06' slot='0x12' function='0x5'/>
  </source>
  <teaming type='transient' persistent='ua-x'/>
  <boot order='2'/>
  <rom bar='off'/>
</hostdev>",
        ),
        (
            "<hostdev mode='subsystem' type='scsi' rawio='yes'><readonly/><source><adapter name='scsi_host0'/><address bus='0' target='1' unit='2'/></source></hostdev>",
            "<hostdev mode='subsystem' type='scsi' managed='no' rawio='yes'>
  <source>
    <adapter name='scsi_host0'/>
    <address bus='0' target='1' unit='2'/>
  </source>
  <readonly/>
  <address type='drive' controller='0' bus='0' target='0' unit='0'/>
</hostdev>",
        ),
        (
            "<hostdev mode='subsystem' type='scsi'><source protocol='iscsi' name='iqn.x'><host name='h' port='3260'/><auth username='u'><secret type='iscsi' usage='s'/></auth></source></hostdev>",
            "<hostdev mode='subsystem' type='scsi' managed='no'>
  <source protocol='iscsi' name='iqn.x/0'>
    <host name='h' port='3260'/>
    <auth username='u'>
      <secret type='iscsi' usage='s'/>
    </auth>
  </source>
  <address type='drive' controller='0' bus='0' target='0' unit='0'/>
</hostdev>",
        ),
        (
            "<hostdev mode='subsystem' type='mdev' model='vfio-pci' display='on'><source><address uuid='90c6c135-ad44-41d0-b1b7-bae47de48627'/></source></hostdev>",
            "<hostdev mode='subsystem' type='mdev' managed='no' model='vfio-pci' display='on'>
  <source>
    <address uuid='90c6c135-ad44-41d0-b1b7-bae47de48627'/>
  </source>
</hostdev>",
        ),
        (
            "<hostdev mode='subsystem' type='scsi_host'><source protocol='vhost' wwpn='naa.5123456789abcde0'/></hostdev>",
            "<hostdev mode='subsystem' type='scsi_host' managed='no'>
  <source protocol='vhost' wwpn='naa.5123456789abcde0'/>
</hostdev>",
        ),
        (
            "<hostdev type='usb'><source/></hostdev>",
            "<hostdev mode='subsystem' type='usb' managed='no'>
  <source/>
</hostdev>",
        ),
        (
            "<hostdev mode='capabilities' type='storage'><source><block>/dev/sdf1</block></source></hostdev>",
            "<hostdev mode='capabilities' type='storage'>
  <source>
    <block>/dev/sdf1</block>
  </source>
</hostdev>",
        ),
    ] {
        check::<Hostdev>(xml, expected);
    }
}

#[test]
fn what_is_missing_or_wrong_is_refused() {
    for (xml, sentence) in [
        ("<hostdev/>", "XML error: Missing required attribute 'type' in element 'hostdev'"),
        ("<hostdev type='usb'/>", "XML error: Missing <source> element in hostdev device"),
        (
            "<hostdev type='usb'><source><vendor id='1'/></source></hostdev>",
            "internal error: missing product",
        ),
        (
            "<hostdev type='pci' model='x'><source/></hostdev>",
            "XML error: 'model' attribute in <hostdev> is only supported when type='pci'",
        ),
        (
            "<hostdev type='mdev' model='vfio-pci'><source><address/></source></hostdev>",
            "unsupported configuration: Missing 'uuid' attribute for element <address>",
        ),
        (
            "<hostdev type='mdev' model='vfio-ccw'><source><address uuid='90c6c135-ad44-41d0-b1b7-bae47de48627'/></source><address type='pci' slot='1'/></hostdev>",
            "XML error: Unsupported address type 'pci' with mediated device model 'vfio-ccw'",
        ),
        (
            "<hostdev type='scsi_host'><source protocol='vhost' wwpn='naa.1'/></hostdev>",
            "XML error: malformed 'wwpn' value",
        ),
        (
            "<hostdev type='scsi'><source><adapter name='scsi_host0'/></source></hostdev>",
            "XML error: 'address' must be specified for scsi hostdev source",
        ),
        (
            "<hostdev type='usb'><source startupPolicy='optional'><address bus='1' device='2'/></source><address type='pci' slot='1'/></hostdev>",
            "unsupported configuration: USB host device must use 'usb' address type",
        ),
    ] {
        check::<Hostdev>(xml, sentence);
    }
}
