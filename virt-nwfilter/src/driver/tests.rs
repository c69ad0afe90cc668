//! The driver over tables that are only written down.

use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use virt_driver::{NwFilters, PortFilters};
use virt_firewall::Command;

use super::store::Found;
use super::*;

/// What was run; what has a word in it is refused.
#[derive(Debug, Default)]
struct Written {
    lines: Mutex<Vec<String>>,
    refused: Mutex<Option<&'static str>>,
}

impl Runner for Written {
    fn run(&self, command: &Command, _: &str) -> virt_firewall::Result<String> {
        if command.program.ends_with("-save") {
            return Err(virt_firewall::Error::Missing(command.program));
        }
        let line = command.to_string();
        if self.refused.lock().unwrap().is_some_and(|word| line.contains(word)) {
            return Err(virt_firewall::Error::Refused { command: line, said: "no".into() });
        }
        self.lines.lock().unwrap().push(line);
        Ok(String::new())
    }
}

/// Interfaces that are there by their names.
#[derive(Debug)]
struct Named(&'static [&'static str]);

impl Ports for Named {
    fn exists(&self, name: &str) -> bool {
        self.0.contains(&name)
    }
}

/// A driver whose files are gone with the test.
struct Fixture {
    driver: NwFilterDriver,
    written: Arc<Written>,
    root: PathBuf,
}

impl Drop for Fixture {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

impl Fixture {
    async fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let root = std::env::temp_dir().join(format!("virt-nwfilter-{}-{number}", std::process::id()));
        let _ = std::fs::remove_dir_all(&root);
        Self::at(root).await
    }

    async fn at(root: PathBuf) -> Self {
        let directories = Directories { filters: root.join("filters"), bindings: root.join("bindings") };
        let written = Arc::new(Written::default());
        let ports = Arc::new(Named(&["vnet0", "vnet1"]));
        let driver = NwFilterDriver::over(directories, true, Arc::clone(&written) as _, ports);
        driver.start().await.unwrap();
        Self { driver, written, root }
    }

    /// The same files, another daemon.
    async fn again(&self) -> Self {
        Self::at(self.root.clone()).await
    }

    fn lines(&self) -> Vec<String> {
        std::mem::take(&mut *self.written.lines.lock().unwrap())
    }

    fn refuse(&self, word: Option<&'static str>) {
        *self.written.refused.lock().unwrap() = word;
    }

    async fn define(&self, xml: &str) -> virt_driver::ObjectRef {
        self.driver.define_xml(xml, 0).await.unwrap()
    }
}

const DROP: &str = "<filter name='f'><uuid>5c6d49af-b071-6127-b4ec-6f8ed4b55335</uuid>
  <rule action='drop' direction='out'><mac match='no' srcmacaddr='$MAC'/></rule>
</filter>";

fn binding(port: &str, filter: &str, more: &str) -> String {
    format!(
        "<filterbinding>
           <owner><name>guest</name><uuid>c7a5fdbd-edaf-9455-926a-d65c16db1809</uuid></owner>
           <portdev name='{port}'/><mac address='52:54:00:00:00:01'/>
           <filterref filter='{filter}'>{more}</filterref>
         </filterbinding>"
    )
}

#[tokio::test]
async fn filters_are_kept_in_files() {
    let fixture = Fixture::new().await;
    let shipped = fixture.driver.list(0).await.unwrap();
    assert_eq!(shipped.len(), crate::SHIPPED.len());
    let filter = fixture.define(DROP).await;
    let again = fixture.again().await;
    assert_eq!(again.driver.list(0).await.unwrap().len(), shipped.len() + 1);
    assert_eq!(again.driver.lookup_by_name("f").await.unwrap(), filter);
    for known in &shipped {
        assert_eq!(again.driver.lookup_by_uuid(known.uuid).await.unwrap(), *known);
    }
    assert!(again.driver.xml_desc(&filter, 0).await.unwrap().contains("<mac match='no' srcmacaddr='$MAC'/>"));
    again.driver.undefine(&filter).await.unwrap();
    assert_eq!(again.again().await.driver.list(0).await.unwrap(), shipped);
}

#[tokio::test]
async fn filters_that_may_not_be_are_refused() {
    let fixture = Fixture::new().await;
    fixture.define(DROP).await;
    let uuid = "<uuid>5c6d49af-b071-6127-b4ec-6f8ed4b55335</uuid>";
    fixture.define("<filter name='g'><filterref filter='f'/></filter>").await;
    for (xml, code, words) in [
        ("<filter name='f'/>".to_owned(), ErrorCode::OperationFailed, "filter 'f' already exists with uuid"),
        (
            format!("<filter name='h'>{uuid}</filter>"),
            ErrorCode::OperationFailed,
            "filter with same UUID but different name ('f') already exists",
        ),
        (
            format!("<filter name='f'>{uuid}<filterref filter='g'/></filter>"),
            ErrorCode::OperationFailed,
            "filter would introduce a loop",
        ),
        (
            "<filter name='s'><filterref filter='s'/></filter>".to_owned(),
            ErrorCode::OperationFailed,
            "filter would introduce a loop",
        ),
    ] {
        let error = fixture.driver.define_xml(&xml, 0).await.unwrap_err();
        assert_eq!(error.code(), code, "{xml}");
        assert!(error.detail().starts_with(words), "{xml}: {error}");
    }
    fixture.driver.define_xml(DROP, 1).await.expect("there is nothing in it that means nothing");
    let strange = DROP.replace("direction=", "bogus='x' direction=");
    let error = fixture.driver.define_xml(&strange, 1).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::XmlInvalidSchema);
    fixture.driver.define_xml(&strange, 0).await.expect("without a word it is passed over");
    let error = fixture.driver.define_xml(DROP, 2).await.unwrap_err();
    assert_eq!(error.to_string(), "unsupported flags (0x2) in function nwfilterDefineXMLFlags");
}

#[tokio::test]
async fn an_interface_gets_rules_and_loses_them() {
    let fixture = Fixture::new().await;
    let filter = fixture.define(DROP).await;
    fixture.driver.bind(&binding("vnet0", "f", "")).await.unwrap();
    let lines = fixture.lines();
    let rule = "ebtables --concurrent -t nat -A libvirt-J-vnet0 -s ! 52:54:00:00:00:01 -j DROP";
    assert!(lines.iter().any(|line| line == rule), "{lines:#?}");
    assert_eq!(lines.last().unwrap(), "ebtables --concurrent -t nat -E libvirt-P-vnet0 libvirt-O-vnet0");
    let found = fixture.driver.binding_by_port("vnet0").await.unwrap();
    assert_eq!(fixture.driver.bindings(0).await.unwrap(), std::slice::from_ref(&found));
    let xml = fixture.driver.binding_xml_desc(&found, 0).await.unwrap();
    assert!(xml.contains("<parameter name='MAC' value='52:54:00:00:00:01'/>"), "{xml}");

    let error = fixture.driver.create_binding(&binding("vnet0", "f", ""), 0).await.unwrap_err();
    assert_eq!(error.to_string(), "operation failed: binding 'vnet0' already exists");
    fixture.driver.bind(&binding("vnet0", "f", "")).await.expect("a guest's takes the place of another");
    let error = fixture.driver.undefine(&filter).await.unwrap_err();
    assert_eq!(error.to_string(), "Requested operation is not valid: nwfilter is in use");

    // Another daemon lays the rules anew.
    assert!(fixture.again().await.lines().iter().any(|line| line == rule));

    fixture.lines();
    fixture.driver.unbind("vnet0").await.unwrap();
    assert!(fixture.lines().iter().any(|line| line.ends_with("-X libvirt-I-vnet0")));
    fixture.driver.unbind("vnet0").await.unwrap();
    let error = fixture.driver.binding_by_port("vnet0").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::NoNwfilterBinding);
    fixture.driver.undefine(&filter).await.unwrap();
}

#[tokio::test]
async fn a_change_reaches_all_interfaces_or_none() {
    let fixture = Fixture::new().await;
    fixture.define(DROP).await;
    fixture.define("<filter name='g'><filterref filter='f'/></filter>").await;
    for (port, filter) in [("vnet0", "g"), ("vnet1", "f"), ("gone", "f")] {
        fixture.driver.bind(&binding(port, filter, "")).await.unwrap();
    }
    fixture.lines();
    let changed = DROP.replace("'drop'", "'accept'");
    fixture.refuse(Some("-A libvirt-J-vnet1"));
    assert!(fixture.driver.define_xml(&changed, 0).await.is_err());
    assert!(!fixture.lines().iter().any(|line| line.contains("-E libvirt-J")));
    assert!(
        fixture
            .driver
            .xml_desc(&fixture.driver.lookup_by_name("f").await.unwrap(), 0)
            .await
            .unwrap()
            .contains("drop")
    );

    fixture.refuse(None);
    fixture.define(&changed).await;
    let lines = fixture.lines();
    for port in ["vnet0", "vnet1"] {
        assert!(lines.iter().any(|line| line.ends_with(&format!("-E libvirt-J-{port} libvirt-I-{port}"))));
    }
    assert!(!lines.iter().any(|line| line.contains("gone")));
    fixture.define(&changed).await;
    assert!(fixture.lines().is_empty(), "the same filter changes nothing");
}

#[tokio::test]
async fn what_can_not_be_bound_is_refused() {
    let fixture = Fixture::new().await;
    fixture.define("<filter name='f'><rule action='drop' direction='in'><tcp srcipaddr='$X' dstipaddr='$IP'/></rule></filter>").await;
    let parameter = |name, value| format!("<parameter name='{name}' value='{value}'/>");
    let unresolvable =
        "Cannot instantiate filter due to unresolvable variables or unavailable list elements: ";
    for (filter, more, code, words) in [
        (
            "nosuch",
            String::new(),
            ErrorCode::InternalError,
            "referenced filter 'nosuch' is missing".to_owned(),
        ),
        ("f", String::new(), ErrorCode::InternalError, format!("{unresolvable}X")),
        (
            "f",
            parameter("X", "10.0.0.1") + &parameter("CTRL_IP_LEARNING", "none"),
            ErrorCode::InternalError,
            format!("{unresolvable}IP"),
        ),
        (
            "f",
            parameter("X", "10.0.0.1") + &parameter("CTRL_IP_LEARNING", "maybe"),
            ErrorCode::ParseFailed,
            "filter 'f' learning value 'maybe' invalid.".to_owned(),
        ),
    ] {
        let error = fixture.driver.bind(&binding("vnet0", filter, &more)).await.unwrap_err();
        assert_eq!((error.code(), error.detail()), (code, words.as_str()));
    }
    assert!(fixture.driver.bindings(0).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_address_that_was_found_completes_the_rules() {
    let fixture = Fixture::new().await;
    let change = |addresses| move |engine: &mut Engine| engine.learn("vnet0", addresses);
    let bind = |engine: &mut Engine| {
        engine.bind(virt_conf::nwfilter::FilterBinding::parse(&binding("vnet0", "clean-traffic", ""))?)
    };
    let (_, outcome) = fixture.driver.change(bind).await.unwrap();
    assert_eq!(outcome, Outcome::Learn(engine::Learning::Any, Found::new()));
    assert!(fixture.lines().iter().any(|line| line.ends_with("libvirt-J-vnet0 -p ARP -j ACCEPT")));
    let found = Found::from([([10, 0, 0, 7].into(), None)]);
    fixture.driver.change(change(found.clone())).await.unwrap();
    let own = "-p ipv4 --ip-source 10.0.0.7 -j RETURN";
    assert!(fixture.lines().iter().any(|line| line.ends_with(own)));
    fixture.driver.change(change(found)).await.unwrap();
    assert_eq!(fixture.lines(), Vec::<String>::new(), "nothing new");
    // The next driver knows it too.
    assert!(fixture.again().await.lines().iter().any(|line| line.ends_with(own)));
    fixture.driver.change(change(Found::new())).await.unwrap();
    assert!(fixture.lines().iter().any(|line| line.ends_with("-p ARP -j ACCEPT")));
}

#[tokio::test]
async fn a_user_has_no_filters() {
    let directories = Directories { filters: "/nowhere/f".into(), bindings: "/nowhere/b".into() };
    let driver = NwFilterDriver::new(directories, false);
    driver.start().await.unwrap();
    assert!(driver.list(0).await.unwrap().is_empty());
    let error = driver.define_xml(DROP, 0).await.unwrap_err();
    assert_eq!(error.to_string(), "Requested operation is not valid: Can't define NWFilters in session mode");
}
