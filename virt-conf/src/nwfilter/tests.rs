use super::*;

fn rule(inner: &str) -> Result<String> {
    let xml = format!("<filter name='f'><rule action='drop' direction='in'>{inner}</rule></filter>");
    let written = Filter::parse(&xml)?.format();
    let lines = written.lines().skip(1).map(str::trim);
    Ok(lines.filter(|line| !line.starts_with("</")).collect::<Vec<_>>().join("\n"))
}

#[test]
fn attributes_are_written_in_their_canonical_form() {
    for (inner, expected) in [
        ("<tcp/>", "<tcp/>"),
        ("<tcp unknown='1'/>", "<tcp/>"),
        (
            "<mac protocolid='0x800' srcmacaddr='1:2:3:4:5:6'/>",
            "<mac srcmacaddr='01:02:03:04:05:06' protocolid='ipv4'/>",
        ),
        ("<mac protocolid='ARP'/>", "<mac protocolid='arp'/>"),
        ("<mac protocolid='0x888e'/>", "<mac protocolid='0x888e'/>"),
        ("<mac protocolid='34958'/>", "<mac protocolid='34958'/>"),
        (
            "<arp opcode='reply' gratuitous='1' arpsrcipmask='255.255.0.0'/>",
            "<arp opcode='Reply' arpsrcipmask='16' gratuitous='true'/>",
        ),
        ("<ip protocol='0x11' srcportstart='53'/>", "<ip protocol='udp' srcportstart='53'/>"),
        ("<ip protocol='47' dscp='0x3f'/>", "<ip protocol='47' dscp='0x3f'/>"),
        ("<tcp flags='SYN,ACK/SYN' state='related,new'/>", "<tcp state='NEW,RELATED' flags='SYN,ACK/SYN'/>"),
        ("<tcp flags='ALL/NONE'/>", "<tcp flags='ALL/NONE'/>"),
        ("<tcp state='NEW,NONE'/>", "<tcp state='NONE'/>"),
        ("<udp ipset='my set'/>", "<udp ipset='my set' ipsetflags='src'/>"),
        ("<udp ipset='s' ipsetflags='dst,SRC'/>", "<udp/>"),
        ("<all ipset='s' ipsetflags='dst,SRC'/>", "<all ipset='s' ipsetflags='dst,src'/>"),
        (
            "<udp srcipaddr='$IP[@2]' dstipaddr='$B[1]' srcportstart='$P'/>",
            "<udp srcipaddr='$IP[@2]' dstipaddr='$B[1]' srcportstart='$P'/>",
        ),
        (
            "<stp root-cost='4294967295' root-cost-hi='0xa'/>",
            "<stp root-cost='4294967295' root-cost-hi='0xa'/>",
        ),
        ("<udp comment='a &amp; b'/>", "<udp comment='a &amp; b'/>"),
        // A mask is negated as its address is, whatever the element says.
        (
            "<udp match='no' srcipaddr='10.0.0.0'/><udp srcipmask='8' dstportstart='7'/>",
            "<udp match='no' srcipaddr='10.0.0.0' srcipmask='8'/>\n<udp dstportstart='7'/>",
        ),
        // Only elements like the first count.
        ("<bogus/><udp dscp='1'/><tcp dscp='2'/>", "<udp dscp='1'/>"),
        ("<udp dscp='1'/><udp dscp='2'/>", "<udp dscp='2'/>"),
    ] {
        let written = rule(inner).unwrap();
        assert_eq!(
            written,
            format!("<rule action='drop' direction='in' priority='500'>\n{expected}"),
            "{inner}"
        );
    }
    assert_eq!(rule("").unwrap(), "<rule action='drop' direction='in' priority='500'/>");
}

#[test]
fn illegal_values_are_named_at_their_place() {
    for (inner, words) in [
        ("<mac protocolid='1000'/>", "protocolid has illegal value 1000"),
        ("<mac srcmacmask='ff:00:ff:00:00:00'/>", "srcmacmask has illegal value ff:00:ff:00:00:00"),
        ("<vlan vlanid='4096'/>", "vlanid has illegal value 4096"),
        ("<arp opcode='answer'/>", "opcode has illegal value answer"),
        ("<ip srcipmask='33'/>", "srcipmask has illegal value 33"),
        ("<ip dscp='64'/>", "dscp has illegal value 64"),
        ("<ipv6 srcipaddr='10.0.0.1'/>", "srcipaddr has illegal value 10.0.0.1"),
        ("<tcp flags='SYN'/>", "flags has illegal value SYN"),
        ("<tcp state='OLD'/>", "state has illegal value OLD"),
        ("<tcp connlimit-above='0x10'/>", "connlimit-above has illegal value 0x10"),
        ("<tcp ipset='a/b'/>", "ipset has illegal value a/b"),
        ("<tcp srcportstart='$a-b'/>", "srcportstart has illegal value $a-b"),
        // The last of several is told of.
        ("<tcp srcipaddr='x' dstportend='65536'/>", "dstportend has illegal value 65536"),
    ] {
        let error = rule(inner).unwrap_err();
        assert_eq!((error.code(), error.detail()), (ErrorCode::InternalError, words), "{inner}");
        let place = error.place().unwrap().path.clone();
        assert!(place.starts_with("/filter/rule/") && place.contains('@'), "{inner}: {place}");
    }
    let error = rule("<ip srcportstart='1'/>").unwrap_err();
    assert!(error.detail().starts_with("IP rule with port specification requires protocol"), "{error}");
}

#[test]
fn variables_name_one_value_or_each() {
    for (text, expected) in [
        ("IP", Ok("IP")),
        ("IP[@0]", Ok("IP")),
        ("IP[ @3 ]", Ok("IP[@3]")),
        ("IP[7]", Ok("IP[7]")),
        ("IP[@1001]", Err("Iterator ID exceeds maximum ID of 1000")),
        ("IP[@x]", Err("Malformatted iterator id")),
        ("IP[x]", Err("Malformatted array index")),
        ("IP[1", Err("Malformatted array index")),
        ("I-P", Err("Malformatted variable")),
    ] {
        let access = VariableAccess::parse(text).map(|access| access.to_string());
        assert_eq!(access, expected.map(str::to_owned), "{text}");
    }
}

#[test]
fn chains_have_priorities_by_their_names() {
    for (attributes, expected) in [
        ("", Ok("chain='root'")),
        ("priority='7'", Ok("chain='root'")),
        ("chain='root' priority='7'", Ok("chain='root' priority='7'")),
        ("chain='mac-x'", Ok("chain='mac-x' priority='-800'")),
        ("chain='rarp'", Ok("chain='rarp' priority='-400'")),
        ("chain='stp-a'", Ok("chain='stp-a'")),
        ("chain='icmp'", Err("Invalid chain name 'icmp'. Please use a chain name called 'root'")),
        ("chain='mac-0123456789'", Err("Name of chain is longer than 12 characters")),
        ("chain='mac x'", Err("Chain name contains invalid characters")),
        ("priority='x'", Err("Could not parse chain priority 'x'")),
        ("priority='1001'", Err("Priority '1001' is outside valid range of [-1000,1000]")),
    ] {
        let filter = Filter::parse(&format!("<filter name='f' {attributes}/>"));
        match (filter, expected) {
            (Ok(filter), Ok(expected)) => {
                assert_eq!(
                    filter.format(),
                    format!("<filter name='f' {expected}>\n</filter>\n"),
                    "{attributes}"
                );
            }
            (Err(error), Err(words)) => {
                assert_eq!(error.code(), ErrorCode::InvalidArg, "{attributes}");
                assert!(error.detail().starts_with(words), "{attributes}: {error}");
            }
            (got, expected) => panic!("{attributes}: {got:?} for {expected:?}"),
        }
    }
}

#[test]
fn bindings_name_what_is_missing() {
    let owner = "<owner><name>d</name><uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid></owner>";
    for (inner, words) in [
        ("", "filter binding has no port dev name"),
        ("<portdev name='p'/><linkdev/>", "filter binding has no link dev name"),
        ("<portdev name='p'/>", "filter binding has no owner name"),
        ("<portdev name='p'/><owner><name>d</name></owner>", "filter binding has no owner UUID"),
        ("<portdev name='p'/><owner><name>d</name><uuid>1</uuid></owner>", "Unable to parse UUID '1'"),
        (&format!("<portdev name='p'/>{owner}"), "filter binding has no MAC address"),
        (&format!("<portdev name='p'/>{owner}<mac address='x'/>"), "Unable to parse MAC 'x'"),
        (
            &format!("<portdev name='p'/>{owner}<mac address='52:54:00:00:00:01'/>"),
            "filter binding has no filter reference",
        ),
    ] {
        let error = FilterBinding::parse(&format!("<filterbinding>{inner}</filterbinding>")).unwrap_err();
        assert_eq!((error.code(), error.detail()), (ErrorCode::InternalError, words), "{inner}");
    }
}
