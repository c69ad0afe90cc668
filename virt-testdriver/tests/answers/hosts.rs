//! Hosts: the shared one, and those that files describe. The refusals are libvirt 9.0.0's.

use crate::support::{now, said};
use virt_driver::{Domains, Hypervisor};
use virt_testdriver::{Question, TestConnection};
use virt_types::{DestroyFlags, ListFlags};

const TEST: &str = "xmlns:test='http://libvirt.org/schemas/domain/test/1.0'";

/// Opens a host that is described by these files, the first of them.
fn open(case: &str, files: &[(&str, &str)]) -> String {
    let directory = std::env::temp_dir().join(format!("virt-testdriver-{case}-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    for (name, text) in files {
        std::fs::write(directory.join(name), text).unwrap();
    }
    let path = directory.join(files[0].0);
    let opened = TestConnection::open(path.to_str().unwrap());
    std::fs::remove_dir_all(&directory).unwrap();
    match opened {
        Err(error) => {
            let sentence = error.to_string().replace(directory.to_str().unwrap(), "DIR");
            format!("{} {} {sentence}", error.code().number(), error.domain().number())
        }
        Ok(connection) => {
            let domains = now(connection.list(ListFlags::empty())).unwrap();
            let domain = |domain: &virt_driver::DomainRef| {
                let status = now(connection.state(domain)).unwrap();
                let kept = now(connection.is_persistent(domain)).unwrap();
                format!("{} {:?} {status:?} {kept}", domain.name, domain.id)
            };
            let info = now(connection.node_info()).unwrap();
            let domains: Vec<_> = domains.iter().map(domain).collect();
            format!("{} {} {} {}: {}", info.model, info.memory, info.cpus, info.mhz, domains.join(", "))
        }
    }
}

fn domain(name: &str, state: &str) -> String {
    format!(
        "<domain type='test' {TEST}><name>{name}</name><memory>1000</memory><os><type>hvm</type></os>{state}</domain>"
    )
}

#[test]
fn a_document_describes_a_host() {
    let machine = "<cpu><mhz>6000</mhz><model>i986</model><active>50</active><nodes>4</nodes><sockets>4</sockets><cores>4</cores><threads>2</threads></cpu><memory>8192000</memory>";
    let with = |states: &[&str]| {
        let domains: Vec<_> =
            states.iter().enumerate().map(|(at, state)| domain(&format!("d{at}"), state)).collect();
        format!("<node>{}</node>", domains.concat())
    };
    let states = with(&[
        "",
        "<test:runstate>3</test:runstate><test:transient/>",
        "<test:runstate>5</test:runstate><test:hasmanagedsave/>",
        "<test:runstate>6</test:runstate>",
    ]);
    for (case, text, expected) in [
        ("empty", "<node/>".into(), "i686 3145728 16 1400: "),
        ("machine", format!("<node>{machine}</node>"), "i986 8192000 50 6000: "),
        (
            "states",
            states,
            "i686 3145728 16 1400: d0 Some(1) Running(Unknown) true, d1 Some(2) Paused(Unknown) false, d2 None Shutoff(Unknown) true, d3 Some(3) Crashed(Unknown) true",
        ),
        ("root", "<foo/>".into(), "27 5 XML error: expecting root element of 'node', not 'foo'"),
        (
            "number",
            "<node><cpu><nodes>x</nodes></cpu></node>".into(),
            "27 12 XML error: invalid node cpu nodes value",
        ),
        ("range", with(&["<test:runstate>9</test:runstate>"]), "27 12 XML error: runstate '9' out of range'"),
        ("words", with(&["<test:runstate>zz</test:runstate>"]), "27 12 XML error: invalid runstate"),
        (
            "shutoff",
            with(&["<test:runstate>5</test:runstate><test:transient/>"]),
            "27 12 XML error: transient domain cannot have runstate 'shutoff'",
        ),
        (
            "saved",
            with(&["<test:runstate>3</test:runstate><test:hasmanagedsave/>"]),
            "27 12 XML error: domain with managedsave data can only have runstate 'shutoff'",
        ),
        (
            "users",
            "<node><auth><user>anna</user></auth></node>".into(),
            "8 46 invalid argument: Missing authentication credentials",
        ),
        (
            "nobody",
            "<node><auth><user/></auth></node>".into(),
            "27 12 XML error: missing username in /node/auth/user field",
        ),
    ] {
        assert_eq!(open(case, &[("host.xml", &text)]), expected, "{case}");
    }
    let snapshot = |name: &str, more: &str| {
        format!(
            "<test:domainsnapshot><name>{name}</name><state>shutoff</state><creationTime>10</creationTime>{more}</test:domainsnapshot>"
        )
    };
    let (first, orphan) = (
        snapshot("s1", "<active>1</active>"),
        snapshot("s2", "<active>0</active><parent><name>s9</name></parent>"),
    );
    let second = snapshot("s2", "<active>1</active>");
    for (case, state, expected) in [
        ("snapshot", first.clone(), "i686 3145728 16 1400: d0 Some(1) Running(Unknown) true"),
        ("active", snapshot("s1", ""), "1 35 internal error: Could not find 'active' element"),
        ("two", first.clone() + &second, "1 12 internal error: more than one snapshot claims to be active"),
        (
            "orphan",
            first + &orphan,
            "1 12 internal error: Snapshots have inconsistent relations for domain d0",
        ),
    ] {
        assert_eq!(open(case, &[("host.xml", &with(&[&state]))]), expected, "{case}");
    }
    let paused = domain("there", "<test:runstate>3</test:runstate>");
    let files = [("host.xml", "<node><domain file='there.xml'/></node>"), ("there.xml", paused.as_str())];
    assert_eq!(open("file", &files), "i686 3145728 16 1400: there Some(1) Paused(Unknown) true");
    assert_eq!(open("gone", &files[..1]), "27 12 XML error: failed to parse xml document 'DIR/there.xml'");
}

#[test]
fn what_is_no_document_is_refused_with_its_name() {
    let refusal = open("bad", &[("host.xml", "<node><")]);
    assert!(refusal.starts_with("35 12 DIR/host.xml:1: "), "{refusal}");
    for (path, sentence) in [
        ("/", "invalid argument: testOpen: supply a path or use test:///default"),
        ("", "invalid argument: testOpen: supply a path or use test:///default"),
        ("/nonexistent/host.xml", "XML error: failed to parse xml document '/nonexistent/host.xml'"),
    ] {
        assert_eq!(TestConnection::open(path).unwrap_err().to_string(), sentence);
    }
}

#[test]
fn the_default_host_is_shared_while_somebody_is_connected() {
    let first = TestConnection::open("/default").unwrap();
    let second = TestConnection::open("/default").unwrap();
    let domain = now(first.lookup_by_name("test")).unwrap();
    assert_eq!(said(first.destroy(&domain, DestroyFlags::empty())), "()");
    assert_eq!(said(second.is_active(&domain)), "false");
    drop((first, second));
    let third = TestConnection::open("/default").unwrap();
    answers! {
        third.is_active(&domain) => "true";
        third.type_name() => r#""TEST""#;
        third.version() => "2";
        third.uri() => r#""test:///default""#;
        third.max_vcpus(None) => "32";
        third.free_memory() => "3145728";
        third.cells_free_memory(0, 5) => "[2097152, 4194304]";
        third.cells_free_memory(5, 5) => "8 12 invalid argument: Range exceeds available cells";
        third.cpu_map(0) => "NodeCpuMap { present: 8, online: 3, map: [21] }";
        third.security_model() => r#"SecurityModel { model: "testSecurity", doi: "" }"#;
        third.memory_stats(-1, 0) => "3 0 this function is not supported by the connection driver: virNodeGetMemoryStats";
    }
    let capabilities = now(third.capabilities()).unwrap();
    for part in [
        "<capabilities>\n\n  <host>\n    <cpu>\n      <arch>i686</arch>",
        "          <pages unit='KiB' size='8'>524288</pages>\n",
        "            <cpu id='15' socket_id='1' die_id='0' core_id='7' siblings='15'/>\n",
        "      <model>testSecurity</model>\n      <doi></doi>\n    </secmodel>\n  </host>\n\n  <guest>\n",
        "  </guest>\n\n</capabilities>\n",
    ] {
        assert!(capabilities.contains(part), "{part} in {capabilities}");
    }
}

#[test]
fn who_is_asked_may_come_in() {
    let path = std::env::temp_dir().join(format!("virt-testdriver-users-{}.xml", std::process::id()));
    std::fs::write(&path, "<node><auth><user password='1234'>anna</user></auth></node>").unwrap();
    let open = |password: &'static str| {
        let answer = move |question: Question<'_>| match question {
            Question::Name => Some("anna".to_owned()),
            Question::Password(name) => (name == "anna").then(|| password.to_owned()),
        };
        TestConnection::open_as(path.to_str().unwrap(), &answer).err().map(|error| error.to_string())
    };
    assert_eq!(open("1234"), None);
    let refusal =
        "authentication failed: authentication failed, see test XML for the correct username/password";
    assert_eq!(open("x").as_deref(), Some(refusal));
    std::fs::remove_file(&path).unwrap();
}

#[test]
fn cpus_are_known_and_combined() {
    let host = crate::domains::host("cpus");
    let c = &host.connection;
    let cpu = |model: &str| format!("<cpu><arch>x86_64</arch><model>{model}</model></cpu>");
    let common = "<cpu mode='custom' match='exact'>\n  <model fallback='allow'>Conroe</model>\n  <feature policy='disable' name='lahf_lm'/>\n</cpu>\n";
    assert_eq!(now(c.baseline_cpu(&[cpu("Penryn"), cpu("core2duo")], 0)).unwrap(), common);
    assert!(now(c.cpu_models("i686", 0)).unwrap().contains(&"Penryn".to_owned()));
    answers! {
        c.cpu_models("bar", 0) => "8 12 invalid argument: cannot find architecture bar";
    }
}
