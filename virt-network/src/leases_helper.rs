//! The program that dnsmasq calls when an address is given out or taken back (dnsmasq(8), `--dhcp-script`).

use std::path::{Path, PathBuf};

use virt_types::{Error, ErrorCode, ErrorDomain, Result};

use crate::lease::{self, Lease};
use crate::mac_map::LIMIT;

/// The name under which a program of several uses is this one.
pub const NAME: &str = "virt-leaseshelper";

/// The variable that says where the files of leases are.
pub const DIRECTORY: &str = "VIRT_LEASES_DIR";

/// The variable with the bridge, for when dnsmasq does not know the interface.
pub const BRIDGE: &str = "VIR_BRIDGE_NAME";

/// What dnsmasq tells: the words of the command line after the program, and variables by name.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// `add`, `old` or `del` with the interface, the address and perhaps a name; or `init`.
    pub words: &'a [String],
    /// A variable of the environment.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
}

impl std::fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call").field("words", &self.words).finish_non_exhaustive()
    }
}

fn refuse(detail: impl Into<String>) -> Error {
    Error::new(ErrorCode::InvalidArg, ErrorDomain::Network, detail)
}

/// Does what is asked; the answer is for standard output.
///
/// # Errors
/// For calls that dnsmasq does not make, and where the file can not be read or written.
pub fn run(call: Call<'_>) -> Result<String> {
    let variable = |name: &str| (call.variable)(name).filter(|value| !value.is_empty());
    let bridge = variable("DNSMASQ_INTERFACE").or_else(|| variable(BRIDGE));
    let bridge = bridge.ok_or_else(|| refuse("interface not set"))?;
    let dir = variable(DIRECTORY).map_or_else(|| PathBuf::from("/var/lib/libvirt/dnsmasq"), PathBuf::from);
    let path = dir.join(format!("{bridge}.status"));
    let kept = read(&path)?;
    let server_duid = variable("DNSMASQ_SERVER_DUID");
    match call.words {
        [action] if action == "init" => {
            if !path.exists() {
                write(&path, "")?;
            }
            Ok(lease::for_dnsmasq(&kept, server_duid.as_deref()))
        }
        [action, who, address, name @ ..] if name.len() <= 1 => {
            let given = match action.as_str() {
                "add" | "old" => match given(call, who, address, name.first(), server_duid)? {
                    Some(lease) => Some(lease),
                    // Without an address of the interface nobody could find it.
                    None => return Ok(String::new()),
                },
                "del" => None,
                other => return Err(refuse(format!("Unsupported action: {other}"))),
            };
            let mut leases: Vec<Lease> = kept.into_iter().filter(|lease| lease.address != *address).collect();
            leases.extend(given);
            write(&path, &lease::to_text(&leases)?)?;
            Ok(String::new())
        }
        _ => Err(refuse(format!("usage: {NAME} add|old|del MAC|CLIENTID IP [HOSTNAME], or {NAME} init"))),
    }
}

/// The lease that a call tells of.
fn given(
    call: Call<'_>,
    who: &str,
    address: &str,
    name: Option<&String>,
    server_duid: Option<String>,
) -> Result<Option<Lease>> {
    let variable = |name: &str| (call.variable)(name).filter(|value| !value.is_empty());
    let iaid = variable("DNSMASQ_IAID");
    let (mac, client_id) = match iaid {
        Some(_) => (variable("DNSMASQ_MAC"), Some(who.to_owned())),
        None => (Some(who.to_owned()), variable("DNSMASQ_CLIENT_ID")),
    };
    let expiry = match variable("DNSMASQ_LEASE_EXPIRES") {
        Some(text) => text
            .trim()
            .parse()
            .map_err(|_| refuse(format!("Unable to convert lease expiry time to long long: {text}")))?,
        None => 0,
    };
    let hostname = name
        .cloned()
        .or_else(|| variable("DNSMASQ_SUPPLIED_HOSTNAME"))
        .or_else(|| variable("DNSMASQ_OLD_HOSTNAME"));
    Ok(mac.map(|mac| Lease {
        iaid,
        address: address.to_owned(),
        mac,
        hostname,
        client_id,
        server_duid,
        expiry,
    }))
}

/// A file that can not be understood is begun anew.
fn read(path: &Path) -> Result<Vec<Lease>> {
    match virt_sys::fs::read_bounded(path, LIMIT) {
        Ok(bytes) => Ok(lease::parse(&String::from_utf8_lossy(&bytes)).unwrap_or_default()),
        Err(_) if !path.exists() => Ok(Vec::new()),
        Err(error) => Err(cannot("read", path, error)),
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    virt_sys::fs::replace(path, text.as_bytes(), 0o644).map_err(|error| cannot("write", path, error))
}

fn cannot(what: &str, path: &Path, error: virt_sys::Error) -> Error {
    let detail = format!("cannot {what} '{}'", path.display());
    Error::new(ErrorCode::SystemError, ErrorDomain::Network, detail).caused_by(error)
}

/// The whole program: reads the process's words and variables, prints, and returns the exit status.
#[must_use]
#[allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a program")]
pub fn main() -> std::process::ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run(Call { words: &words, variable: &|name| std::env::var(name).ok() }) {
        Ok(answer) => {
            print!("{answer}");
            std::process::ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{}", error.report());
            std::process::ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(dir: &Path, words: &[&str], variables: &[(&str, &str)]) -> Result<String> {
        let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            match name {
                DIRECTORY => Some(dir.to_string_lossy().into_owned()),
                BRIDGE => Some("br0".to_owned()),
                _ => found.map(|(_, value)| (*value).to_owned()),
            }
        };
        run(Call { words: &words, variable: &variable })
    }

    #[test]
    fn leases_come_and_go() {
        let dir = std::env::temp_dir().join(format!("virt-leases-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let file = || std::fs::read_to_string(dir.join("br0.status")).unwrap();
        let v4 = [("DNSMASQ_LEASE_EXPIRES", "77 "), ("DNSMASQ_CLIENT_ID", "01:52")];
        let v6 =
            [("DNSMASQ_IAID", "5"), ("DNSMASQ_MAC", "52:54:00:00:00:01"), ("DNSMASQ_SERVER_DUID", "00:02")];
        assert_eq!(call(&dir, &["init"], &[]).unwrap(), "");
        assert_eq!(file(), "");
        call(&dir, &["add", "52:54:00:00:00:01", "10.0.0.2", "web"], &v4).unwrap();
        call(&dir, &["old", "52:54:00:00:00:01", "10.0.0.2"], &v4).unwrap();
        call(&dir, &["add", "00:03", "fd00::2"], &v6).unwrap();
        // dnsmasq does not always know the interface's own address.
        call(&dir, &["add", "00:03", "fd00::3"], &v6[..1]).unwrap();
        let leases = lease::parse(&file()).unwrap();
        assert_eq!(leases.len(), 2, "{leases:?}");
        assert_eq!((leases[0].expiry, leases[0].hostname.as_deref()), (77, None));
        assert_eq!(leases[1].client_id.as_deref(), Some("00:03"));
        assert_eq!(
            call(&dir, &["init"], &[]).unwrap(),
            "77 52:54:00:00:00:01 10.0.0.2 * 01:52\nduid 00:02\n0 5 fd00::2 * 00:03\n"
        );
        call(&dir, &["del", "52:54:00:00:00:01", "10.0.0.2"], &[]).unwrap();
        call(&dir, &["del", "00:03", "fd00::2"], &v6).unwrap();
        assert_eq!(file(), "[\n\n]\n");
        for words in [&["burn", "a", "b"][..], &["add", "a"], &[]] {
            call(&dir, words, &[]).unwrap_err();
        }
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
