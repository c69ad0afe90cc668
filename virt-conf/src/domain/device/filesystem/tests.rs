use super::super::testing::check;
use super::*;

#[test]
fn what_is_read_is_written() {
    for (xml, expected) in [
        (
            "<filesystem fmode='0644' multidevs='remap'><source dir='/export'/><target dir='tag'/><driver type='path' wrpolicy='immediate'/><readonly/></filesystem>",
            "<filesystem type='mount' accessmode='passthrough' multidevs='remap' fmode='0644'>
  <driver type='path' wrpolicy='immediate'/>
  <source dir='/export'/>
  <target dir='tag'/>
  <readonly/>
</filesystem>",
        ),
        (
            "<filesystem><driver type='virtiofs' queue='1024'/><binary path='/usr//lib/virtiofsd/' xattr='on'><thread_pool size='4'/><lock posix='off'/><cache mode='always'/><sandbox mode='chroot'/></binary><source dir='/export'/><target dir='tag'/></filesystem>",
            "<filesystem type='mount' accessmode='passthrough'>
  <driver type='virtiofs' queue='1024'/>
  <binary path='/usr/lib/virtiofsd' xattr='on'>
    <cache mode='always'/>
    <sandbox mode='chroot'/>
    <lock posix='off'/>
    <thread_pool size='4'/>
  </binary>
  <source dir='/export'/>
  <target dir='tag'/>
</filesystem>",
        ),
        (
            "<filesystem type='ram'><source usage='2' units='MiB'/><target dir='/tmp'/><space_hard_limit unit='KiB'>1</space_hard_limit></filesystem>",
            "<filesystem type='ram' accessmode='passthrough'>
  <source usage='2048' units='KiB'/>
  <target dir='/tmp'/>
  <space_hard_limit unit='bytes'>1024</space_hard_limit>
</filesystem>",
        ),
        (
            "<filesystem><driver type='virtiofs'/><source socket='/s'/><target dir='tag'/></filesystem>",
            "<filesystem type='mount'>
  <driver type='virtiofs'/>
  <source socket='/s'/>
  <target dir='tag'/>
</filesystem>",
        ),
    ] {
        check::<Filesystem>(xml, expected);
    }
}

#[test]
fn what_is_missing_or_wrong_is_refused() {
    for (xml, sentence) in [
        ("<filesystem><target dir='t'/></filesystem>", "missing source information for device t"),
        ("<filesystem><source dir='/x'/></filesystem>", "missing target information for device /x"),
        (
            "<filesystem dmode='7777'><source dir='/x'/><target dir='t'/></filesystem>",
            "XML error: invalid dmode: '07777'",
        ),
        (
            "<filesystem type='ram'><target dir='t'/></filesystem>",
            "XML error: missing 'usage' attribute for RAM filesystem",
        ),
        (
            "<filesystem><source dir='/x'/><target dir='t'/><boot order='1'/></filesystem>",
            "unsupported configuration: boot order is only supported for virtiofs",
        ),
    ] {
        check::<Filesystem>(xml, sentence);
    }
}
