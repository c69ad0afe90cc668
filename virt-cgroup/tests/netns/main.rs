//! Groups of the real kernel, where there are any that may be written.
#![allow(clippy::print_stderr)] // a skipped test says so

use std::sync::Arc;

use virt_cgroup::{Access, Controller, Group, Host, Thread, UNLIMITED, Version};
use virt_sys::Spawn;

/// A group that is gone, with all that is in it, when it is dropped.
struct Own(Group);

impl Drop for Own {
    fn drop(&mut self) {
        self.0.kill();
        let _ = self.0.remove();
    }
}

fn own(name: &str) -> Option<Own> {
    if std::env::var_os("VIRT_NETNS").is_none() {
        eprintln!("skipped: run by `cargo xtask netns`");
        return None;
    }
    let host = match Host::detect("/") {
        Ok(host) => Arc::new(host),
        Err(error) => {
            eprintln!("skipped: {error}");
            return None;
        }
    };
    match host.group(&format!("/virt-cgroup-{}-{name}", std::process::id())).create() {
        Ok(group) => Some(Own(group)),
        Err(error) => {
            eprintln!("skipped: {error}");
            None
        }
    }
}

#[test]
fn limits_are_what_the_kernel_says() {
    let Some(own) = own("limits") else { return };
    let group = &own.0;
    if group.has(Controller::Cpu) {
        group.set_cpu_shares(300).unwrap();
        assert_eq!(group.cpu_shares().unwrap(), 300);
        if group.has_cpu_quota() {
            group.set_cpu_quota(200_000, 50_000).unwrap();
            let quota = group.cpu_quota().unwrap();
            assert_eq!((quota.period, quota.quota), (200_000, 50_000));
        }
    }
    if group.has(Controller::Memory) {
        assert_eq!(group.memory_hard_limit().unwrap(), UNLIMITED);
        group.set_memory_hard_limit(1 << 20).unwrap();
        assert_eq!(group.memory_hard_limit().unwrap(), 1 << 20);
        group.set_memory_hard_limit(UNLIMITED).unwrap();
        assert_eq!(group.memory_hard_limit().unwrap(), UNLIMITED);
    }
    if group.has(Controller::Cpuset) && group.host().version(Controller::Cpuset) == Some(Version::Legacy) {
        // Without processors and nodes no process could be in it.
        assert!(!group.cpus().unwrap().is_empty());
        assert!(!group.mems().unwrap().is_empty());
    }
}

#[test]
fn a_process_starts_in_its_group_and_its_threads_move() {
    let Some(own) = own("members") else { return };
    let group = &own.0;
    let mut spawn = Spawn::new("/bin/sleep");
    spawn.arg("600");
    for file in group.entry_files() {
        spawn.write_file(file, "0");
    }
    let child = spawn.start().unwrap();
    let pid = child.pid.as_raw_nonzero().get().unsigned_abs();
    assert_eq!(group.processes(), [pid]);
    assert!(group.remove().is_err(), "a group with a process in it is not removed");

    if group.has(Controller::Cpuacct) {
        let thread = group.thread(Thread::Emulator).create().unwrap();
        thread.add_thread(pid).unwrap();
        let placement = group.host().placement(pid).unwrap();
        let place = match group.host().version(Controller::Cpuacct) {
            Some(Version::Legacy) => placement.legacy(Controller::Cpuacct),
            _ => placement.unified(),
        };
        assert!(place.unwrap().ends_with("/emulator"), "{placement:?}");
        assert!(thread.cpu_usage().is_ok());
        assert_eq!(thread.kill(), 1);
    } else {
        assert_eq!(group.kill(), 1);
    }
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
    assert!(child.pidfd.wait_exit(Some(deadline)).unwrap().is_some());
    group.remove().unwrap();
    assert_eq!(group.clone().existing(), None);
    group.remove().unwrap();
}

#[test]
fn what_is_denied_is_denied() {
    let Some(own) = own("devices") else { return };
    let group = &own.0;
    if !group.has(Controller::Devices) || group.deny_all_devices().is_err() {
        eprintln!("skipped: no list of devices here");
        return;
    }
    let status = |group: &Group| {
        let mut spawn = Spawn::new("/bin/sh");
        spawn.args(["-c", "exec 3>/dev/full"]);
        // Not the first thing of the program: its own standard input is /dev/null.
        for file in group.process_files() {
            spawn.write_file(file, "0");
        }
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        spawn.start().unwrap().pidfd.wait_exit(Some(deadline)).unwrap().unwrap()
    };
    group.allow_device_path("/dev/null", Access::ReadWrite).unwrap();
    assert!(!status(group).success());
    group.allow_device_path("/dev/full", Access::ReadWrite).unwrap();
    assert!(status(group).success());
    group.deny_device_path("/dev/full", Access::All).unwrap();
    assert!(!status(group).success());
}
