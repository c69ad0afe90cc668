//! The daemon in libvirtd's place, asked by stock virsh. `cargo xtask e2e` runs these in fresh namespaces.
#![expect(clippy::print_stdout, reason = "what is skipped is part of a result")]

mod crash;
mod network_crash;
mod networks;
mod support;
#[path = "../../../virt-core/tests/e2e/traffic.rs"]
mod traffic;

use std::os::unix::process::ExitStatusExt;

use support::*;
use virt_sys::Signal;

const GUEST: &str = "<domain type='qemu'><name>web</name><memory unit='MiB'>16</memory>\
    <os><type arch='x86_64' machine='pc'>hvm</type></os></domain>";

#[test]
fn guests_outlive_the_daemon() {
    let Some(lab) = Lab::new("outlive") else { return };
    if !has_virsh() {
        return;
    }
    let first = lab.start();
    let document = lab.write("web.xml", GUEST);
    lab.virsh(&["define", &document]);
    lab.virsh(&["start", "web"]);
    assert_eq!(lab.virsh(&["list", "--name"]), "web");
    assert!(lab.virsh(&["version"]).contains("Using library: libvirt 9."));

    end(first, Signal::KILL);
    let second = lab.start();
    assert_ne!(first, second);
    assert_eq!(lab.virsh(&["domstate", "web"]), "running");
    lab.virsh(&["suspend", "web"]);
    assert_eq!(lab.virsh(&["domstate", "--reason", "web"]), "paused (user)");
    lab.virsh(&["destroy", "web"]);
    assert_eq!(lab.virsh(&["list", "--name"]), "");
    lab.virsh(&["undefine", "web"]);

    end(second, Signal::TERM);
    assert_eq!(lab.sockets(), Vec::<String>::new());
    assert!(!lab.pid_file().exists());
}

#[test]
fn administrators_see_the_daemon() {
    let Some(lab) = Lab::new("admin") else { return };
    if !has_virsh() {
        return;
    }
    let daemon = lab.start();
    assert!(lab.virt_admin(&["server-list"]).contains("libvirtd"));
    lab.virt_admin(&["daemon-log-filters", "1:qemu"]);
    assert!(lab.virt_admin(&["daemon-log-filters"]).contains("1:*qemu*"));
    end(daemon, Signal::TERM);
}

#[test]
fn a_second_daemon_is_refused() {
    let Some(lab) = Lab::new("second") else { return };
    let daemon = lab.start();
    let (status, words) = lab.run(&[]);
    assert_eq!(status.code(), Some(1));
    assert!(words.contains(&format!("another daemon runs already, as process {daemon}")), "{words}");
    end(daemon, Signal::TERM);
}

#[test]
fn a_wrong_file_is_refused_with_its_line() {
    let Some(lab) = Lab::new("wrong") else { return };
    let file = lab.write("wrong.conf", "# limits\nmax_clients = \"many\"\n");
    let (status, words) = lab.run(&["-f", &file]);
    assert_eq!((status.code(), status.signal()), (Some(1), None));
    let expected = format!("{file}:2: max_clients is 'many', but has to be a number from 0 to 4294967295");
    assert!(words.contains(&expected), "{words}");
    // In the background as well, and the caller hears it.
    let (status, words) = lab.run(&["-d", "-f", &file]);
    assert_eq!(status.code(), Some(1));
    assert!(words.contains(&expected), "{words}");
}

#[test]
fn an_idle_daemon_ends() {
    let Some(lab) = Lab::new("idle") else { return };
    let (status, words) = lab.run(&["-t", "1"]);
    assert!(status.success(), "{words}");
}
