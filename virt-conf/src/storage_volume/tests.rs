use virt_types::ErrorCode;

use super::*;

#[test]
fn what_only_a_dump_has_is_written_in_its_place() {
    let xml = "<volume type='block'><name>v</name><capacity>1</capacity></volume>";
    let mut volume = Volume::parse(xml, PoolType::Logical, Capacity::Required).unwrap();
    let extent = |path: &str, start| Extent { path: path.to_owned(), start, end: start + 9 };
    volume.extents = vec![extent("/dev/sda", 0), extent("/dev/sda", 20), extent("/dev/sdb", 0)];
    volume.physical = 7;
    volume.target.timestamps =
        Some(Timestamps { accessed: Some((1, 0)), born: Some((2, 5)), ..Timestamps::default() });
    assert_eq!(
        volume.format(),
        "<volume type='block'>
  <name>v</name>
  <source>
    <device path='/dev/sda'>
      <extent start='0' end='9'/>
      <extent start='20' end='29'/>
    </device>
    <device path='/dev/sdb'>
      <extent start='0' end='9'/>
    </device>
  </source>
  <capacity unit='bytes'>1</capacity>
  <allocation unit='bytes'>1</allocation>
  <physical unit='bytes'>7</physical>
  <target>
    <timestamps>
      <atime>1</atime>
      <btime>2.000000005</btime>
    </timestamps>
  </target>
</volume>
"
    );
}

#[test]
fn a_size_may_follow_from_another_image() {
    let bare = "<volume><name>v</name></volume>";
    let backed = "<volume><name>v</name><backingStore><path>/b</path></backingStore></volume>";
    for (xml, capacity, accepted) in [
        (bare, Capacity::Required, false),
        (bare, Capacity::UnlessBacked, false),
        (bare, Capacity::Optional, true),
        (backed, Capacity::Required, false),
        (backed, Capacity::UnlessBacked, true),
    ] {
        let volume = Volume::parse(xml, PoolType::Dir, capacity);
        assert_eq!(volume.is_ok(), accepted, "{xml} {capacity:?}");
    }
}

#[test]
fn files_that_can_not_be_made_are_refused() {
    let luks = "<encryption format='luks'/>";
    for (target, code, words) in [
        (
            "<format type='vmdk'/><compat>1.1</compat>",
            ErrorCode::ConfigUnsupported,
            "only available with qcow2",
        ),
        (
            "<format type='qcow2'/><compat>0.10</compat><features><lazy_refcounts/></features>",
            ErrorCode::ConfigUnsupported,
            "lazy_refcounts not supported with compat level 0.10",
        ),
        (
            "<format type='qcow2'/><encryption format='qcow'/>",
            ErrorCode::ConfigUnsupported,
            "creation of qcow2 encrypted",
        ),
        (luks, ErrorCode::XmlError, "no secret provided"),
        (
            &format!("<format type='vdi'/>{luks}"),
            ErrorCode::ConfigUnsupported,
            "encryption unsupported with format vdi",
        ),
    ] {
        let xml = format!("<volume><name>v</name><capacity>1</capacity><target>{target}</target></volume>");
        let volume = Volume::parse(&xml, PoolType::Dir, Capacity::Required).unwrap();
        let error = volume.validate_file().unwrap_err();
        assert_eq!(error.code(), code, "{target}: {error}");
        assert!(error.to_string().contains(words), "{target}: {error}");
    }
    let partition =
        "<volume><name>v</name><capacity>1</capacity><target><format type='linux'/></target></volume>";
    let partition = Volume::parse(partition, PoolType::Disk, Capacity::Required).unwrap();
    assert_eq!(partition.target.format, Some(VolumeFormat::Partition(PartitionFormat::Linux)));
    assert!(Volume::parse(&partition.format(), PoolType::Dir, Capacity::Required).is_err());
}
