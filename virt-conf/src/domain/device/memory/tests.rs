use super::super::testing::check;
use super::*;

#[test]
fn forms_come_back_canonical() {
    for (xml, expected) in [
        (
            "<memory model='dimm' access='shared' discard='yes'><target><size unit='MiB'>512</size></target><source><pagesize unit='MiB'>2</pagesize><nodemask>3,1-2</nodemask></source></memory>",
            "<memory model='dimm' access='shared' discard='yes'>
  <source>
    <nodemask>1-3</nodemask>
    <pagesize unit='KiB'>2048</pagesize>
  </source>
  <target>
    <size unit='KiB'>524288</size>
  </target>
</memory>",
        ),
        (
            "<memory model='nvdimm'><source><pmem/><path>/tmp/nv</path><alignsize>2048</alignsize></source><target><readonly/><size>524288</size><label><size>128</size></label></target><address type='dimm' slot='1'/></memory>",
            "<memory model='nvdimm'>
  <source>
    <path>/tmp/nv</path>
    <alignsize unit='KiB'>2048</alignsize>
    <pmem/>
  </source>
  <target>
    <size unit='KiB'>524288</size>
    <label>
      <size unit='KiB'>128</size>
    </label>
    <readonly/>
  </target>
  <address type='dimm' slot='1'/>
</memory>",
        ),
        (
            "<memory model='virtio-pmem'><source><path>/tmp/p</path></source><target><size>4096</size><address base='0x140000000'/></target></memory>",
            "<memory model='virtio-pmem' access='shared'>
  <source>
    <path>/tmp/p</path>
  </source>
  <target>
    <size unit='KiB'>4096</size>
    <address base='0x140000000'/>
  </target>
</memory>",
        ),
        (
            "<memory model='virtio-mem'><target><size>8192</size><block>2048</block><current>5</current></target></memory>",
            "<memory model='virtio-mem'>
  <target>
    <size unit='KiB'>8192</size>
    <block unit='KiB'>2048</block>
    <requested unit='KiB'>0</requested>
  </target>
</memory>",
        ),
    ] {
        check::<MemoryDevice>(xml, expected);
    }
}

#[test]
fn contradictions_are_refused() {
    for (xml, expected) in [
        ("<memory model='dimm'/>", "XML error: missing <target> element for <memory> device"),
        (
            "<memory model='dimm'><target><size>4</size><node>-1</node></target></memory>",
            "XML error: invalid value of memory device node",
        ),
        (
            "<memory model='dimm'><target><size>4</size><node>0</node></target></memory>",
            "can't add memory backend as guest has no NUMA nodes configured",
        ),
        (
            "<memory model='nvdimm'><target><size>4</size></target></memory>",
            "path is required for model 'nvdimm'",
        ),
        (
            "<memory model='nvdimm'><target><size>64</size><label><size>64</size></label></target></memory>",
            "XML error: nvdimm label must be at least 128KiB",
        ),
        (
            "<memory model='virtio-pmem' access='private'><source><path>/p</path></source><target><size>4</size></target></memory>",
            "unsupported configuration: shared access mode required for virtio-pmem device",
        ),
        (
            "<memory model='virtio-mem'><target><size>8192</size><block>2048</block><requested>1024</requested></target></memory>",
            "requested size must be an integer multiple of block size",
        ),
        (
            "<memory model='virtio-mem'><target><size>8192</size></target></memory>",
            "block size must be a power of two",
        ),
    ] {
        check::<MemoryDevice>(xml, expected);
    }
}

#[test]
fn another_module_is_another_machine() {
    let pmem = |base| MemoryDevice {
        kind: MemoryKind::VirtioPmem { path: Some("/p".into()), base },
        ..MemoryDevice::default()
    };
    assert!(pmem(0x1000).check_abi(&pmem(0x1000)).is_ok());
    for (source, target, expected) in [
        (pmem(0x1000), pmem(0), "Target memory device address '0x0' does not match source '0x1000'"),
        (
            MemoryDevice::default(),
            MemoryDevice { node: Some(1), ..MemoryDevice::default() },
            "Target memory device targetNode '1' does not match source '-1'",
        ),
        (
            MemoryDevice::default(),
            pmem(0),
            "Target memory device model 'virtio-pmem' does not match source 'dimm'",
        ),
    ] {
        assert_eq!(source.check_abi(&target).unwrap_err().detail(), expected);
    }
}

#[test]
fn modules_do_not_share_slots_or_addresses() {
    let module = |slot, base| MemoryDevice {
        size: 1024,
        info: DeviceInfo {
            address: crate::common::Address::Dimm(crate::common::address::Dimm { slot, base }),
            ..DeviceInfo::default()
        },
        ..MemoryDevice::default()
    };
    for (one, other, expected) in [
        (module(0, 0), module(1, 0), None),
        (
            module(1, 0),
            module(1, 0),
            Some("memory device slot '1' is already being used by another memory device"),
        ),
        (
            module(0, 0x10_0000),
            module(1, 0x1f_ffff),
            Some("memory device address [0x100000:0x200000] overlaps with other memory device (0x1fffff)"),
        ),
        (module(0, 0x10_0000), module(1, 0x20_0000), None),
    ] {
        let all = [one, other];
        let found = conflict::check(&all[0], &all).err();
        assert_eq!(found.as_ref().map(virt_types::Error::detail), expected);
    }
}
