//! systemd's journal: <https://systemd.io/JOURNAL_NATIVE_PROTOCOL/>.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;

use rustix::fs::{MemfdFlags, SealFlags};

use super::Priority;
use super::message::Message;

/// The journal's socket.
pub(super) const SOCKET: &str = "/run/systemd/journal/socket";

/// The severity of RFC 5424.
pub(super) const fn syslog_priority(priority: Priority) -> u8 {
    match priority {
        Priority::Error => 3,
        Priority::Warning => 4,
        Priority::Info => 6,
        Priority::Debug => 7,
    }
}

pub(super) fn send(socket: &UnixDatagram, message: &Message<'_>) -> io::Result<()> {
    let entry = entry(message);
    match socket.send(&entry) {
        Err(error) if matches!(error.raw_os_error(), Some(libc::EMSGSIZE | libc::ENOBUFS)) => {
            send_large(socket, &entry)
        }
        other => other.map(drop),
    }
}

/// An entry that is longer than a datagram goes as a descriptor of sealed memory, with no bytes beside it.
fn send_large(socket: &UnixDatagram, entry: &[u8]) -> io::Result<()> {
    let memory = rustix::fs::memfd_create("journal", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    let mut memory = std::fs::File::from(memory);
    memory.write_all(entry)?;
    rustix::fs::fcntl_add_seals(
        &memory,
        SealFlags::SEAL | SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE,
    )?;
    let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = rustix::net::SendAncillaryBuffer::new(&mut space);
    let descriptors = [memory.as_fd()];
    control.push(rustix::net::SendAncillaryMessage::ScmRights(&descriptors));
    rustix::net::sendmsg(socket, &[], &mut control, rustix::net::SendFlags::NOSIGNAL)?;
    Ok(())
}

fn entry(message: &Message<'_>) -> Vec<u8> {
    let mut entry = Vec::with_capacity(256 + message.text.len());
    let mut field = |name: &str, value: &str| {
        entry.extend_from_slice(name.as_bytes());
        if value.contains('\n') {
            entry.push(b'\n');
            entry.extend_from_slice(&(value.len() as u64).to_le_bytes());
        } else {
            entry.push(b'=');
        }
        entry.extend_from_slice(value.as_bytes());
        entry.push(b'\n');
    };
    field("MESSAGE", message.text);
    field("PRIORITY", &syslog_priority(message.priority).to_string());
    field("SYSLOG_FACILITY", "3");
    // The name under which those who read libvirt's entries look for it.
    field("LIBVIRT_SOURCE", message.source);
    if let Some(file) = message.file {
        field("CODE_FILE", file);
    }
    if let Some((module, line)) = message.place {
        field("CODE_LINE", &line.to_string());
        field("CODE_FUNC", module);
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_several_lines_carry_their_length() {
        let message = Message {
            priority: Priority::Warning,
            source: "qemu.driver",
            place: Some(("virt_qemu::driver", 5)),
            file: Some("a.rs"),
            text: "two\nlines",
        };
        let expected = b"MESSAGE\n\x09\0\0\0\0\0\0\0two\nlines\nPRIORITY=4\nSYSLOG_FACILITY=3\n\
            LIBVIRT_SOURCE=qemu.driver\nCODE_FILE=a.rs\nCODE_LINE=5\nCODE_FUNC=virt_qemu::driver\n";
        assert_eq!(entry(&message), expected);
    }

    #[test]
    fn long_entries_go_as_memory() {
        let (ours, theirs) = UnixDatagram::pair().unwrap();
        let text = "x".repeat(1 << 20);
        let message =
            Message { priority: Priority::Error, source: "s", place: None, file: None, text: &text };
        send(&ours, &message).unwrap();
        let (length, descriptors) = virt_sys::fdpass::receive(&theirs, &mut [0; 16]).unwrap();
        assert_eq!((length, descriptors.len()), (0, 1));
        let size = rustix::fs::fstat(&descriptors[0]).unwrap().st_size;
        assert_eq!(usize::try_from(size).unwrap(), entry(&message).len());
    }
}
