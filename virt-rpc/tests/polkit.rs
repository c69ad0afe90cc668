//! Asking polkit over a real message bus, on which a stand-in for the authority answers.
#![allow(clippy::print_stderr)] // what is skipped

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use virt_rpc::auth::{Authority, PolkitBus, Subject, Verdict};
use virt_types::ErrorCode;
use zbus::zvariant::OwnedValue;

/// A bus of the test's own; it ends with its value.
struct Bus {
    daemon: Child,
    address: String,
}

impl Bus {
    fn start() -> Option<Self> {
        let mut daemon = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--nopidfile", "--print-address"])
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let mut address = String::new();
        BufReader::new(daemon.stdout.take()?).read_line(&mut address).ok()?;
        Some(Self { daemon, address: address.trim().to_owned() })
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

/// Decides by the process's number.
struct Decider;

#[zbus::interface(name = "org.freedesktop.PolicyKit1.Authority")]
impl Decider {
    #[zbus(name = "CheckAuthorization")]
    fn check(
        &self,
        subject: (String, HashMap<String, OwnedValue>),
        action: &str,
        details: HashMap<String, String>,
        flags: u32,
        cancellation: &str,
    ) -> zbus::fdo::Result<((bool, bool, HashMap<String, String>),)> {
        let (kind, subject) = subject;
        let number = |name: &str| subject.get(name).map(|value| format!("{:?}", **value)).unwrap_or_default();
        let asked = (kind.as_str(), action, details.len(), flags, cancellation);
        if asked != ("unix-process", "org.libvirt.unix.manage", 0, 1, "")
            || (number("start-time"), number("uid")) != ("U64(77)".to_owned(), "I32(1000)".to_owned())
        {
            return Err(zbus::fdo::Error::InvalidArgs(format!("{asked:?} {subject:?}")));
        }
        let dismissed = HashMap::from([("polkit.dismissed".to_owned(), "true".to_owned())]);
        match number("pid").as_str() {
            "U32(1)" => Ok(((true, false, HashMap::new()),)),
            "U32(2)" => Ok(((false, false, HashMap::new()),)),
            "U32(3)" => Ok(((false, true, HashMap::new()),)),
            "U32(4)" => Ok(((false, false, dismissed),)),
            other => Err(zbus::fdo::Error::Failed(other.to_owned())),
        }
    }
}

const fn subject(pid: i32) -> Subject {
    Subject { pid, start_time: 77, uid: 1000 }
}

#[tokio::test]
async fn the_authoritys_answers_are_understood() {
    let Some(bus) = Bus::start() else {
        eprintln!("skipped: dbus-daemon is not installed");
        return;
    };
    let _service = zbus::connection::Builder::address(bus.address.as_str())
        .unwrap()
        .name("org.freedesktop.PolicyKit1")
        .unwrap()
        .serve_at("/org/freedesktop/PolicyKit1/Authority", Decider)
        .unwrap()
        .build()
        .await
        .unwrap();
    let polkit = PolkitBus { address: Some(bus.address.clone()) };
    let verdicts = [Verdict::Granted, Verdict::Denied, Verdict::NoAgent, Verdict::Dismissed];
    for (pid, verdict) in (1..).zip(verdicts) {
        assert_eq!(polkit.decide(subject(pid), "org.libvirt.unix.manage").await.unwrap(), verdict);
    }
    let error = polkit.decide(subject(5), "org.libvirt.unix.manage").await.unwrap_err();
    assert!(error.to_string().starts_with("internal error: Unable to ask polkit: "), "{error}");
}

#[tokio::test]
async fn without_a_bus_nobody_decides() {
    let polkit = PolkitBus { address: Some("unix:path=/nonexistent/bus".to_owned()) };
    let error = polkit.decide(subject(1), "org.libvirt.unix.manage").await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InternalError);
    assert!(
        error.to_string().starts_with("internal error: Unable to get system bus connection: "),
        "{error}"
    );
}
