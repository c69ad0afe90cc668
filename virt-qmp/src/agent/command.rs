//! Commands of the guest agent's.

use crate::command::{Empty, Object};

commands! {
    /// Does nothing.
    "guest-ping" GuestPing {} -> Empty;
    /// The agent's version and the commands that it allows.
    "guest-info" GuestInfo {} -> GuestAgentInfo;
    /// Shuts the guest down. No answer on success.
    "guest-shutdown" GuestShutdown {;
        /// `powerdown`, `halt` or `reboot`.
        mode: String,
    } -> Empty;
    /// Suspends to disk. No answer on success.
    "guest-suspend-disk" GuestSuspendDisk {} -> Empty;
    /// Suspends to memory. No answer on success.
    "guest-suspend-ram" GuestSuspendRam {} -> Empty;
    /// Suspends to both. No answer on success.
    "guest-suspend-hybrid" GuestSuspendHybrid {} -> Empty;
    /// Runs a program in the guest.
    "guest-exec" GuestExec {
        /// Its path.
        path: String;
        /// Its arguments.
        arg: Vec<String>,
        /// `NAME=value`.
        env: Vec<String>,
        /// Its input, in base64.
        #[serde(rename = "input-data")]
        input_data: String,
        /// Whether to keep its output.
        #[serde(rename = "capture-output")]
        capture_output: bool,
    } -> GuestExecStarted;
    /// How the program does.
    "guest-exec-status" GuestExecStatus {
        /// Its pid in the guest.
        pid: i64,
    } -> GuestExecState;
    /// The guest's clock.
    "guest-get-time" GuestGetTime {} -> i64;
    /// Sets the guest's clock.
    "guest-set-time" GuestSetTime {;
        /// Nanoseconds since 1970; from its hardware clock without it.
        time: i64,
    } -> Empty;
    /// Freezes the file systems.
    "guest-fsfreeze-freeze" GuestFsfreezeFreeze {} -> i64;
    /// Freezes some of the file systems.
    "guest-fsfreeze-freeze-list" GuestFsfreezeFreezeList {;
        /// Where they are mounted.
        mountpoints: Vec<String>,
    } -> i64;
    /// Thaws the file systems.
    "guest-fsfreeze-thaw" GuestFsfreezeThaw {} -> i64;
    /// `frozen` or `thawed`.
    "guest-fsfreeze-status" GuestFsfreezeStatus {} -> String;
    /// Tells the host which blocks are not in use.
    "guest-fstrim" GuestFstrim {;
        /// Smallest gap that is told, in bytes.
        minimum: u64,
    } -> Object;
    /// The file systems.
    "guest-get-fsinfo" GuestGetFsinfo {} -> Vec<GuestFilesystem>;
    /// The disks.
    "guest-get-disks" GuestGetDisks {} -> Vec<Object>;
    /// The processors.
    "guest-get-vcpus" GuestGetVcpus {} -> Vec<GuestVcpu>;
    /// Takes processors off or on; says how many of the list, from its start, that were.
    "guest-set-vcpus" GuestSetVcpus {
        /// Those to change.
        vcpus: Vec<GuestVcpu>,
    } -> i64;
    /// The name that the guest has given itself.
    "guest-get-host-name" GuestGetHostName {} -> GuestHostName;
    /// Its time zone.
    "guest-get-timezone" GuestGetTimezone {} -> GuestTimezone;
    /// Its operating system.
    "guest-get-osinfo" GuestGetOsinfo {} -> GuestOsInfo;
    /// Who is logged in.
    "guest-get-users" GuestGetUsers {} -> Vec<GuestUser>;
    /// The network interfaces.
    "guest-network-get-interfaces" GuestNetworkGetInterfaces {} -> Vec<GuestInterface>;
    /// Sets a user's password.
    "guest-set-user-password" GuestSetUserPassword {
        /// The user.
        username: String,
        /// The password, or its hash, in base64.
        password: String,
        /// Whether it is a hash.
        crypted: bool,
    } -> Empty;
    /// The keys that may log in.
    "guest-ssh-get-authorized-keys" GuestSshGetAuthorizedKeys {
        /// As whom.
        username: String,
    } -> GuestAuthorizedKeys;
    /// Adds keys that may log in.
    "guest-ssh-add-authorized-keys" GuestSshAddAuthorizedKeys {
        /// As whom.
        username: String,
        /// Lines of `authorized_keys`.
        keys: Vec<String>;
        /// Whether to remove the others.
        reset: bool,
    } -> Empty;
    /// Removes keys.
    "guest-ssh-remove-authorized-keys" GuestSshRemoveAuthorizedKeys {
        /// Of whom.
        username: String,
        /// Lines of `authorized_keys`.
        keys: Vec<String>,
    } -> Empty;
}

replies! {
    /// Answer to [`GuestInfo`].
    GuestAgentInfo {
        /// Its version.
        version: String,
        /// What it knows.
        #[serde(rename = "supported_commands")]
        supported_commands: Vec<GuestCommandInfo>,
    }
    /// A command of an agent.
    GuestCommandInfo {
        /// Its name.
        name: String,
        /// Whether the guest's owner allows it.
        enabled: bool,
    }
    /// Answer to [`GuestExec`].
    GuestExecStarted {
        /// Its pid in the guest.
        pid: i64,
    }
    /// Answer to [`GuestExecStatus`].
    GuestExecState {
        /// Whether it has ended.
        exited: bool;
        /// Its exit code.
        exitcode: i64,
        /// The signal that ended it.
        signal: i64,
        /// Its output, in base64.
        out_data: String,
        /// Its errors, in base64.
        err_data: String,
        /// Whether its output was cut off.
        out_truncated: bool,
        /// Whether its errors were cut off.
        err_truncated: bool,
    }
    /// Answer to [`GuestGetFsinfo`].
    GuestFilesystem {
        /// Its name.
        name: String,
        /// Where it is mounted.
        mountpoint: String,
        /// Its kind.
        #[serde(rename = "type")]
        kind: String,
        /// The disks it is on.
        disk: Vec<Object>;
        /// Bytes used.
        used_bytes: u64,
        /// Bytes in all.
        total_bytes: u64,
    }
    /// Answer to [`GuestGetHostName`].
    GuestHostName {
        /// The name.
        host_name: String,
    }
    /// Answer to [`GuestGetTimezone`].
    GuestTimezone {
        /// Seconds east of Greenwich.
        offset: i64;
        /// Its name.
        zone: String,
    }
    /// Answer to [`GuestGetOsinfo`].
    GuestOsInfo {;
        /// Of the system: `debian`.
        id: String,
        /// For people.
        name: String,
        /// Name and version, for people.
        pretty_name: String,
        /// Version, for people.
        version: String,
        /// Version.
        version_id: String,
        /// Of the kernel.
        kernel_release: String,
        /// Of the kernel.
        kernel_version: String,
        /// The hardware, as the guest calls it.
        machine: String,
        /// The flavour.
        variant: String,
        /// The flavour.
        variant_id: String,
    }
    /// Answer to [`GuestGetUsers`].
    GuestUser {
        /// Login name.
        user: String,
        /// Seconds since 1970.
        login_time: f64;
        /// Of the account (Windows).
        domain: String,
    }
    /// Answer to [`GuestNetworkGetInterfaces`].
    GuestInterface {
        /// Its name in the guest.
        name: String;
        /// Its MAC address.
        hardware_address: String,
        /// Its addresses.
        ip_addresses: Vec<GuestAddress>,
        /// Counters.
        statistics: Object,
    }
    /// An address.
    GuestAddress {
        /// The address.
        ip_address: String,
        /// `ipv4` or `ipv6`.
        ip_address_type: String,
        /// Bits of the network.
        prefix: u32,
    }
    /// Answer to [`GuestSshGetAuthorizedKeys`].
    GuestAuthorizedKeys {
        /// Lines of `authorized_keys`.
        keys: Vec<String>,
    }
}

/// A processor of the guest's.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct GuestVcpu {
    /// Its number.
    pub logical_id: i64,
    /// Whether it is used.
    pub online: bool,
    /// Whether that can be changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub can_offline: Option<bool>,
}
