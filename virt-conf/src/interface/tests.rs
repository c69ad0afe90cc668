use virt_types::ErrorCode;

use super::*;

#[test]
fn contradictions_are_refused() {
    for (xml, words) in [
        ("<interface name='a'/>", "Missing required attribute 'type'"),
        ("<interface type='ethernet'/>", "interface has no name"),
        ("<interface type='bridge' name='b'/>", "bridge interface misses the bridge element"),
        ("<interface type='vlan' name='v'><vlan><interface name='e'/></vlan></interface>", "misses the tag"),
        ("<interface type='vlan' name='v'><vlan tag='1'/></interface>", "vlan interface misses name"),
        (
            "<interface type='ethernet' name='e'><start mode='never'/></interface>",
            "unknown interface startmode never",
        ),
        ("<interface type='ethernet' name='e'><mtu size='100001'/></interface>", "must be at most 100000"),
        ("<interface type='ethernet' name='e'><protocol/></interface>", "protocol misses the family"),
        (
            "<interface type='ethernet' name='e'><protocol family='ipx'/></interface>",
            "unsupported protocol family 'ipx'",
        ),
        (
            "<interface type='bond' name='b'><bond><interface type='vlan' name='v'/></bond></interface>",
            "interface has unsupported type 'vlan'",
        ),
        (
            "<interface type='bridge' name='b'><bridge><interface type='bridge' name='v'/></bridge></interface>",
            "interface has unsupported type 'bridge'",
        ),
        ("<interface type='bond' name='b'><bond mode='fast'/></interface>", "unknown bonding mode fast"),
        (
            "<interface type='bond' name='b'><bond><miimon/></bond></interface>",
            "miimon freq missing or invalid",
        ),
        (
            "<interface type='bond' name='b'><bond><arpmon interval='1'/></bond></interface>",
            "arpmon target missing",
        ),
    ] {
        let error = HostInterface::parse(xml).unwrap_err();
        assert_eq!(error.code(), ErrorCode::XmlError, "{xml}: {error}");
        assert!(error.to_string().contains(words), "{xml}: {error}");
        assert!(error.place().is_some(), "{xml}");
    }
}
