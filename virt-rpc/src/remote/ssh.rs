//! The command line of ssh, and what it runs at the other end.

use virt_types::Result;

use super::invalid;
use super::uri::{Proxy, RemoteUri, Transport};

/// ssh and its arguments. At the other end a helper of libvirt's, which knows the sockets of its host, leads to the
/// daemon; where there is none, `nc` leads to a socket.
pub(super) fn command(uri: &RemoteUri, read_only: bool) -> Result<Vec<String>> {
    debug_assert_eq!(uri.transport, Transport::Ssh, "{uri}");
    let host = uri.host.as_deref().ok_or_else(|| invalid(format!("connection URI '{uri}': no host")))?;
    let mut line = vec![uri.command.clone().unwrap_or_else(|| "ssh".to_owned())];
    let mut add = |words: &[&str]| line.extend(words.iter().map(|word| (*word).to_owned()));
    if let Some(port) = uri.port {
        add(&["-p", &port.to_string()]);
    }
    if let Some(user) = &uri.user {
        add(&["-l", user]);
    }
    if let Some(key) = &uri.keyfile {
        add(&["-i", key]);
    }
    if uri.no_tty {
        add(&["-o", "BatchMode=yes"]);
    }
    if uri.no_verify {
        add(&["-o", "StrictHostKeyChecking=no"]);
    }
    add(&["-T", "-e", "none", "--", host, &format!("sh -c {}", quoted(&script(uri, read_only)))]);
    Ok(line)
}

fn script(uri: &RemoteUri, read_only: bool) -> String {
    let helper =
        format!("exec virt-ssh-helper {}{}", if read_only { "-r " } else { "" }, quoted(&uri.name()));
    match uri.proxy {
        Proxy::Native => helper,
        // Who names a netcat wants it.
        Proxy::Auto if uri.netcat.is_none() => {
            format!(
                "if command -v virt-ssh-helper >/dev/null 2>&1; then {helper}; fi; {}",
                netcat(uri, read_only)
            )
        }
        Proxy::Auto | Proxy::Netcat => netcat(uri, read_only),
    }
}

fn netcat(uri: &RemoteUri, read_only: bool) -> String {
    let program = quoted(uri.netcat.as_deref().unwrap_or("nc"));
    let end = if read_only && !uri.is_session() { "sock-ro" } else { "sock" };
    let socket = match &uri.socket {
        Some(path) => quoted(&path.to_string_lossy()),
        None if uri.is_session() => {
            format!("\"${{XDG_RUNTIME_DIR:-/run/user/$(id -u)}}\"/libvirt/libvirt-{end}")
        }
        None => format!("/var/run/libvirt/libvirt-{end}"),
    };
    // Some of them end with their input only if they are told so, and some do not know how to be told.
    format!(
        "if {program} -q 2>&1 | grep 'requires an argument' >/dev/null 2>&1; then exec {program} -q0 -U {socket}; \
         else exec {program} -U {socket}; fi"
    )
}

/// A word for a shell.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn parameters_become_options() {
        let uri = "qemu+ssh://me@example.org:2222/system?keyfile=/k&no_verify=1&no_tty=1&proxy=native";
        let line = command(&uri.parse().unwrap(), true).unwrap();
        assert_eq!(
            line.join(" "),
            "ssh -p 2222 -l me -i /k -o BatchMode=yes -o StrictHostKeyChecking=no -T -e none -- example.org \
             sh -c 'exec virt-ssh-helper -r qemu:///system'"
        );
    }

    /// Programs that print how they were called, for a shell to find.
    fn programs(names: &[&str]) -> PathBuf {
        let directory = std::env::temp_dir().join(format!("virt-rpc-ssh-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        for name in names {
            let path = directory.join(name);
            std::fs::write(&path, "#!/bin/sh\nprintf '[%s]' \"${0##*/}\" \"$@\"\n").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        directory
    }

    #[test]
    fn a_shell_understands_what_the_other_end_is_to_run() {
        let directory = programs(&["nc", "my nc", "virt-ssh-helper"]);
        for (uri, read_only, expected) in [
            ("qemu+ssh://h/system?socket=/run/it's%20here&proxy=netcat", false, "[nc][-U][/run/it's here]"),
            ("qemu+ssh://h/system?netcat=my%20nc", true, "[my nc][-U][/var/run/libvirt/libvirt-sock-ro]"),
            ("qemu+ssh://h/system?proxy=native", true, "[virt-ssh-helper][-r][qemu:///system]"),
            ("qemu+ssh://h/system?a=it's", false, "[virt-ssh-helper][qemu:///system?a=it's]"),
        ] {
            let line = command(&uri.parse().unwrap(), read_only).unwrap();
            let remote = line.last().unwrap();
            let output = std::process::Command::new("/bin/sh")
                .args(["-c", remote])
                .env("PATH", format!("{}:/usr/bin:/bin", directory.display()))
                .output()
                .unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{uri}: {remote}");
        }
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
