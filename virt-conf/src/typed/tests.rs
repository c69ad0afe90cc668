use super::*;

fn to_json(xml: &str) -> Value {
    json_of_xml(xml, Domain::GRAMMAR).unwrap()
}

#[test]
fn names_stay_and_values_get_types() {
    let json = to_json(
        "<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>a</name>
        <metadata><x:y xmlns:x='urn:x'>1 &lt; 2</x:y></metadata><memory unit='KiB'>1024</memory><vcpu>2</vcpu>
        <os><type>hvm</type><boot dev='hd'/><bootmenu enable='yes'/></os><features><acpi/><pmu state='off'/></features>
        <devices><emulator>/q</emulator><graphics type='vnc' listen='::1'><listen type='none'/></graphics></devices>
        <qemu:commandline><qemu:arg value='-S'/></qemu:commandline></domain>",
    );
    let expected = serde_json::json!({
        "type": "kvm", "name": "a", "metadata": "<x:y xmlns:x='urn:x'>1 &lt; 2</x:y>",
        "memory": { "unit": "KiB", "text": 1024 }, "vcpu": 2,
        "os": { "type": "hvm", "boot": [{ "dev": "hd" }], "bootmenu": { "enable": true } },
        "features": { "acpi": true, "pmu": { "state": false } },
        "devices": { "emulator": "/q", "graphics": [{ "type": "vnc", "@listen": "::1", "listen": [{ "type": "none" }] }] },
        "qemu:commandline": { "qemu:arg": [{ "value": "-S" }] },
    });
    assert_eq!(json, expected);
    assert_eq!(to_json(&xml_of_value(&json, Domain::GRAMMAR, "domain").unwrap()), expected);
}

#[test]
fn what_is_not_known_or_of_another_type_is_refused() {
    for (json, detail, hint) in [
        (r#"{"tpye": "kvm"}"#, "unknown key 'tpye' at /domain", "did you mean 'type'?"),
        (
            r#"{"devices": {"disk": [{"target": {"dve": "a"}}]}}"#,
            "'dve' at /domain/devices/disk[1]/target",
            "did you mean 'dev'?",
        ),
        (r#"{"devices": {"disk": {}}}"#, "at /domain/devices/disk", "expected an array"),
        (r#"{"vcpu": true}"#, "at /domain/vcpu", "expected a number"),
        (r#"{"os": "hvm"}"#, "at /domain/os", "expected an object"),
        (r#"{"os": {"bootmenu": {"enable": 1}}}"#, "at /domain/os/bootmenu/enable", "expected true or false"),
        ("{", "EOF", ""),
    ] {
        let error = xml_of_json(json, Domain::GRAMMAR, "domain").unwrap_err();
        assert_eq!(error.code(), ErrorCode::XmlDetail);
        assert!(error.to_string().contains(detail), "{error}");
        assert!(error.hint().unwrap_or_default().starts_with(hint), "{json}: {:?}", error.hint());
    }
}

#[test]
fn a_domain_is_a_value_of_serde() {
    let domain = Domain::parse(
        "<domain type='qemu'><name>a</name><memory>1024</memory><os><type>hvm</type></os></domain>",
        ParseFlags::INACTIVE,
    )
    .unwrap();
    let json = serde_json::to_string(&domain).unwrap();
    let again: Domain = serde_json::from_str(&json).unwrap();
    assert_eq!(again.format(FormatFlags::INACTIVE), domain.format(FormatFlags::INACTIVE));
    let error = serde_json::from_str::<Domain>(r#"{"type": "qemu", "naem": "a"}"#).unwrap_err().to_string();
    assert!(error.contains("did you mean 'name'?"), "{error}");
}

#[test]
fn the_schema_knows_every_key_and_no_other() {
    let schema = schema(Domain::GRAMMAR, "domain");
    let definitions = &schema["$defs"];
    let disk = &definitions["disk"]["properties"];
    assert_eq!(disk["device"]["enum"], serde_json::json!(["disk", "cdrom", "floppy", "lun"]));
    assert_eq!(definitions["disk"]["additionalProperties"], false);
    assert_eq!(definitions["domain"]["properties"]["sysinfo"]["type"], "array");
    // What holds another of its kind refers to itself.
    let backing = &definitions["backingStore"];
    assert!(backing.to_string().contains("#/$defs/backingStore"), "{backing}");
}
