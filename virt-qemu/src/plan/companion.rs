//! Processes that serve devices of a guest, beside QEMU.

use std::fmt;
use std::path::PathBuf;

use virt_conf::domain::device::{TpmEmulator, TpmVersion};
use virt_types::Uuid;

/// A process that is started before QEMU and ends with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Companion {
    /// Alias of the device that it serves.
    pub device: String,
    /// The socket that QEMU reaches it by.
    pub socket: PathBuf,
    /// What it is.
    pub program: Program,
}

/// What a [`Companion`] is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// `swtpm`, which emulates a TPM.
    Swtpm(SwtpmState),
    /// `passt`, which lets the guest use the host's network as any program does.
    Passt {
        /// Its arguments, but for the socket, the pid file and the user.
        arguments: Vec<String>,
    },
    /// `virtiofsd`, which serves a directory.
    Virtiofsd {
        /// The program; absent for the one that the host's descriptions name.
        binary: Option<String>,
        /// Its arguments, but for `--fd=N`, the descriptor of the listening socket.
        arguments: Vec<String>,
    },
}

/// What an emulated TPM remembers, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwtpmState {
    /// The directory of its state, there from the first start on.
    pub dir: PathBuf,
    /// Its log.
    pub log: PathBuf,
    /// Where it looks for the settings of its certificates, as `XDG_CONFIG_HOME`; absent for the usual places.
    pub settings: Option<PathBuf>,
    /// Whom the certificates are for: name and identity of the domain.
    pub owner: String,
    /// Version, banks and encryption.
    pub wanted: TpmEmulator,
}

impl SwtpmState {
    /// The arguments of `swtpm` but for the descriptors of its socket and of its key.
    #[must_use]
    pub fn arguments(&self) -> Vec<String> {
        let mut arguments = vec![
            "--tpmstate".to_owned(),
            format!("dir={},mode=0600", self.dir.display()),
            "--log".to_owned(),
            format!("file={}", self.log.display()),
            "--terminate".to_owned(),
        ];
        arguments.extend(self.version_argument());
        arguments
    }

    /// The arguments of the `swtpm_setup` that makes the state in `dir`.
    #[must_use]
    pub fn setup_arguments(&self, dir: &std::path::Path) -> Vec<String> {
        let mut arguments: Vec<String> = self.version_argument().into_iter().collect();
        arguments.extend([
            "--tpm-state".to_owned(),
            dir.display().to_string(),
            "--vmid".to_owned(),
            self.owner.clone(),
            "--logfile".to_owned(),
            self.log.display().to_string(),
        ]);
        let rest =
            ["--createek", "--create-ek-cert", "--create-platform-cert", "--lock-nvram", "--not-overwrite"];
        arguments.extend(rest.map(str::to_owned));
        arguments
    }

    /// The arguments of the `swtpm_setup` that chooses the banks; absent where nobody chooses.
    #[must_use]
    pub fn banks_arguments(&self) -> Option<Vec<String>> {
        if self.wanted.version != TpmVersion::V2_0 || self.wanted.pcr_banks.is_empty() {
            return None;
        }
        let banks: Vec<String> = self.wanted.pcr_banks.iter().map(ToString::to_string).collect();
        let (dir, log) = (self.dir.display(), self.log.display());
        let arguments = format!(
            "--tpm2\0--tpm-state\0{dir}\0--logfile\0{log}\0--pcr-banks\0{}\0--reconfigure",
            banks.join(",")
        );
        Some(arguments.split('\0').map(str::to_owned).collect())
    }

    fn version_argument(&self) -> Option<String> {
        (self.wanted.version == TpmVersion::V2_0).then(|| "--tpm2".to_owned())
    }

    /// The secret that the state is encrypted with.
    #[must_use]
    pub const fn secret(&self) -> Option<Uuid> {
        self.wanted.secret
    }
}

impl fmt::Display for Companion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { device, socket, program } = self;
        let socket = socket.display();
        match program {
            Program::Swtpm(state) => {
                write!(f, "swtpm for {device} at {socket}: {}", state.arguments().join(" "))
            }
            Program::Passt { arguments } => {
                write!(f, "passt for {device} at {socket}")?;
                if !arguments.is_empty() {
                    write!(f, ": {}", arguments.join(" "))?;
                }
                Ok(())
            }
            Program::Virtiofsd { binary, arguments } => {
                let binary = binary.as_deref().unwrap_or("virtiofsd");
                write!(f, "{binary} for {device} at {socket}: {}", arguments.join(" "))
            }
        }
    }
}
