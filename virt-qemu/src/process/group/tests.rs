//! Groups of guests on recorded hosts.

use std::path::PathBuf;
use std::sync::Arc;

use virt_conf::ParseFlags;
use virt_conf::domain::Domain;
use virt_types::ErrorCode;

use super::*;

/// A recorded host, gone when it is dropped.
struct Tree(PathBuf);

impl Tree {
    fn new(name: &str, mounts: &str, files: &[(&str, &str)]) -> Self {
        let tree = Self(std::env::temp_dir().join(format!("virt-qemu-group-{}-{name}", std::process::id())));
        for (path, text) in [("proc/mounts", mounts)].iter().chain(files) {
            let path = tree.0.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        tree
    }

    fn host(&self) -> Arc<virt_cgroup::Host> {
        Arc::new(virt_cgroup::Host::detect(&self.0).unwrap())
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.0.join(path)).unwrap()
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn guest(limits: &str) -> Domain {
    let xml = format!(
        "<domain type='qemu' id='7'><name>web.1</name><memory>1024</memory><os><type>hvm</type></os>{limits}</domain>"
    );
    Domain { id: Some(7), ..Domain::parse(&xml, ParseFlags::empty()).unwrap() }
}

const MEMORY: &str = "cgroup /m cgroup rw,memory 0 0\n";
const GROUP: &str = "m/machine/qemu-7-web.1.libvirt-qemu";

#[test]
fn a_guest_has_libvirts_place_where_libvirt_keeps_its_guests() {
    let tree = Tree::new("place", MEMORY, &[]);
    let host = tree.host();
    let mut live = guest("");
    note_partition(&mut live, &Config::system(), None);
    assert_eq!(live.resource, None);
    note_partition(&mut live, &Config::system(), Some(&host));
    assert_eq!(live.resource.as_ref().unwrap().partition.as_deref(), Some("/machine"));
    let path =
        |live: &Domain, config: &Config| of(live, config, Some(&host)).map(|group| group.path().to_owned());
    assert_eq!(path(&live, &Config::system()).as_deref(), Some("/machine/qemu-7-web.1.libvirt-qemu"));
    let elsewhere = path(&live, &Config::host()).unwrap();
    assert!(elsewhere.starts_with("/machine/qemu-embed-") && elsewhere.ends_with("-7-web.1.libvirt-qemu"));
    assert_eq!(path(&live, &Config::in_dir("/x".as_ref())), None);
    let own = guest("<resource><partition>/fast/one.slice</partition></resource>");
    let expected = "/fast.partition/one.slice/qemu-7-web.1.libvirt-qemu";
    assert_eq!(path(&own, &Config::system()).as_deref(), Some(expected));
}

#[test]
fn limits_of_the_document_are_set_before_qemu_starts() {
    let limit = format!("{GROUP}/memory.limit_in_bytes");
    let soft = format!("{GROUP}/memory.soft_limit_in_bytes");
    let tree = Tree::new("limits", MEMORY, &[(&limit, ""), (&soft, "kept")]);
    let live = guest("<memtune><hard_limit unit='KiB'>4096</hard_limit></memtune>");
    let made = make(&live, &Config::system(), Some(&tree.host()), &[]).unwrap().unwrap();
    assert!(made.has(Controller::Memory));
    assert_eq!((tree.read(&limit), tree.read(&soft)), ("4194304".to_owned(), "kept".to_owned()));
}

#[test]
fn a_limit_that_can_not_be_had_refuses_the_start() {
    let tree = Tree::new("refused", MEMORY, &[("m/tasks", "")]);
    let host = tree.host();
    let refusals = [
        ("<cputune><shares>9</shares></cputune>", "CPU tuning is not available on this host"),
        ("<cputune><quota>5000</quota></cputune>", "cgroup cpu is required for scheduler tuning"),
        ("<blkiotune><weight>500</weight></blkiotune>", "Block I/O tuning is not available on this host"),
    ];
    for (limits, words) in refusals {
        let error = make(&guest(limits), &Config::system(), Some(&host), &[]).unwrap_err();
        assert_eq!((error.code(), error.detail()), (ErrorCode::ConfigUnsupported, words));
        assert!(error.hint().is_some(), "{words}");
        assert!(!tree.0.join(GROUP).exists(), "what was made is taken back");
    }
    let memory = guest("<memtune><soft_limit>4096</soft_limit></memtune>");
    let session = Config::in_dir("/x".as_ref());
    let error = make(&memory, &session, Some(&host), &[]).unwrap_err();
    assert_eq!(error.detail(), "Memory tuning is not available in session mode");
    // Where there are no groups at all, libvirt lets the memory be unlimited.
    assert_eq!(make(&memory, &Config::system(), None, &[]).unwrap(), None);
    assert_eq!(make(&guest(""), &session, Some(&host), &[]).unwrap(), None);
}

#[test]
fn devices_that_are_named_may_be_opened() {
    let allow = format!("d/machine/qemu-7-web.1.libvirt-qemu/devices.{}", "allow");
    let deny = allow.replace("allow", "deny");
    let tree = Tree::new("devices", "cgroup /d cgroup rw,devices 0 0\n", &[(&allow, ""), (&deny, "")]);
    let words =
        ["-blockdev".to_owned(), "{\"driver\":\"host_device\",\"filename\":\"/dev/full\"}".to_owned()];
    let group = make(&guest(""), &Config::system(), Some(&tree.host()), &words).unwrap().unwrap();
    assert_eq!((tree.read(&deny).as_str(), tree.read(&allow).as_str()), ("a", "c 1:7 rw"));
    devices::allow_named(&group, "file,path=/dev/zero,other=/nowhere");
    assert_eq!(tree.read(&allow), "c 1:5 rw");
}
