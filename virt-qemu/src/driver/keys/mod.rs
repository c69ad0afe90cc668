//! Keys and interrupts from the host.

mod table;

use virt_domain::JobKind;
use virt_driver::{DomainRef, KeycodeSet};
use virt_qmp::command::{InjectNmi, KeyValue, SendKey};
use virt_types::Result;

use super::refusal::{internal, invalid_call, no_flags};
use super::{QemuConnection, hold};

/// How many keys can be pressed together (`VIR_DOMAIN_SEND_KEY_MAX_KEYS`).
const MOST: usize = 16;

/// `virDomainSendKey`
pub(super) async fn send(
    connection: &QemuConnection,
    domain: &DomainRef,
    codes: KeycodeSet,
    hold: u32,
    keys: &[u32],
    flags: u32,
) -> Result<()> {
    if keys.len() > MOST {
        let detail = format!("nkeycodes in virDomainSendKey must be less than or equal to {MOST}");
        return Err(invalid_call(detail));
    }
    no_flags(flags, "qemuDomainSendKey")?;
    let keys = keys
        .iter()
        .map(|code| {
            translate(codes, *code).map(KeyValue::Number).ok_or_else(|| {
                let detail =
                    format!("cannot translate keycode {code} of {} codeset to qnum keycode", name(codes));
                internal(detail)
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let handle = connection.find(domain).await?;
    let command = SendKey { keys, hold_time: (hold > 0).then_some(u64::from(hold)) };
    hold::ask(&handle, "virDomainSendKey", JobKind::Modify, command).await.map(drop)
}

/// QEMU's number of a key.
fn translate(codes: KeycodeSet, code: u32) -> Option<u32> {
    let column = match codes {
        KeycodeSet::Qnum => return Some(code),
        KeycodeSet::Linux => table::LINUX,
        // What is called the XT set is the first set of the AT keyboard.
        KeycodeSet::Xt | KeycodeSet::Atset1 => table::ATSET1,
        KeycodeSet::Atset2 => table::ATSET2,
        KeycodeSet::Atset3 => table::ATSET3,
        KeycodeSet::Osx => table::OSX,
        KeycodeSet::XtKbd => table::XT_KBD,
        KeycodeSet::Usb => table::USB,
        KeycodeSet::Win32 => table::WIN32,
    };
    let found = table::KEYS.iter().find(|key| code != 0 && u32::from(key[column]) == code)?;
    Some(u32::from(found[table::QNUM]))
}

/// libvirt's name of a set (`virKeycodeSetTypeToString`).
const fn name(codes: KeycodeSet) -> &'static str {
    match codes {
        KeycodeSet::Linux => "linux",
        KeycodeSet::Xt => "xt",
        KeycodeSet::Atset1 => "atset1",
        KeycodeSet::Atset2 => "atset2",
        KeycodeSet::Atset3 => "atset3",
        KeycodeSet::Osx => "os_x",
        KeycodeSet::XtKbd => "xt_kbd",
        KeycodeSet::Usb => "usb",
        KeycodeSet::Win32 => "win32",
        KeycodeSet::Qnum => "qnum",
    }
}

/// `virDomainInjectNMI`
pub(super) async fn inject_nmi(connection: &QemuConnection, domain: &DomainRef, flags: u32) -> Result<()> {
    no_flags(flags, "qemuDomainInjectNMI")?;
    let handle = connection.find(domain).await?;
    hold::ask(&handle, "virDomainInjectNMI", JobKind::Modify, InjectNmi {}).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same keys in every set: escape, the letter A, the right control key.
    #[test]
    fn keys_are_found_in_every_set() {
        for (codes, escape, a, control) in [
            (KeycodeSet::Linux, 1, 30, 97),
            (KeycodeSet::Atset1, 1, 30, 57373),
            (KeycodeSet::Atset2, 118, 28, 57364),
            (KeycodeSet::Usb, 41, 4, 228),
            (KeycodeSet::Osx, 53, 0, 62),
            (KeycodeSet::Win32, 27, 65, 163),
            (KeycodeSet::Qnum, 1, 30, 157),
        ] {
            assert_eq!(translate(codes, escape), Some(1), "{codes:?}");
            if a != 0 {
                assert_eq!(translate(codes, a), Some(30), "{codes:?}");
            }
            assert_eq!(translate(codes, control), Some(157), "{codes:?}");
        }
        assert_eq!(translate(KeycodeSet::Linux, 99_999), None);
    }
}
