//! qemu.conf.

use std::path::{Path, PathBuf};

use virt_qemu::config::Config;
use virt_qemu::save_image::Compression;
use virt_sys::user::Accounts;
use virt_types::TextEnum as _;

use crate::settings::{Key, Kind, Problem, Remarks, Settings};

const OWN_USER: &str = "guests run as the daemon's user, to whom their files belong";
const NO_CGROUPS: &str = "guests are not put into control groups of their own";
const NO_MIGRATION: &str = "guests are not migrated";
const NO_COMPANIONS: &str = "the program is not started";
const NO_SAVING: &str = "guests' memory is not written to files";
const NO_SECRETS: &str = "keys are not read from secrets";
const PORTS: &str = "ports are taken from QEMU's usual range";

const KEYS: &[Key] = &[
    Key::used("default_tls_x509_cert_dir", Kind::Text),
    Key::used("default_tls_x509_verify", Kind::Flag),
    Key::ignored("default_tls_x509_secret_uuid", Kind::Text, NO_SECRETS),
    Key::used("vnc_listen", Kind::Text),
    Key::used("vnc_auto_unix_socket", Kind::Flag),
    Key::used("vnc_tls", Kind::Flag),
    Key::used("vnc_tls_x509_cert_dir", Kind::Text),
    Key::ignored("vnc_tls_x509_secret_uuid", Kind::Text, NO_SECRETS),
    Key::used("vnc_tls_x509_verify", Kind::Flag),
    Key::used("vnc_password", Kind::Text),
    Key::used("vnc_sasl", Kind::Flag),
    Key::used("vnc_sasl_dir", Kind::Text),
    Key::used("vnc_allow_host_audio", Kind::Flag),
    Key::used("spice_listen", Kind::Text),
    Key::used("spice_tls", Kind::Flag),
    Key::used("spice_tls_x509_cert_dir", Kind::Text),
    Key::used("spice_auto_unix_socket", Kind::Flag),
    Key::used("spice_password", Kind::Text),
    Key::used("spice_sasl", Kind::Flag),
    Key::used("spice_sasl_dir", Kind::Text),
    Key::used("chardev_tls", Kind::Flag),
    Key::used("chardev_tls_x509_cert_dir", Kind::Text),
    Key::used("chardev_tls_x509_verify", Kind::Flag),
    Key::ignored("chardev_tls_x509_secret_uuid", Kind::Text, NO_SECRETS),
    Key::ignored("migrate_tls_x509_cert_dir", Kind::Text, NO_MIGRATION),
    Key::ignored("migrate_tls_x509_verify", Kind::Flag, NO_MIGRATION),
    Key::ignored("migrate_tls_x509_secret_uuid", Kind::Text, NO_MIGRATION),
    Key::ignored("migrate_tls_force", Kind::Flag, NO_MIGRATION),
    Key::ignored("backup_tls_x509_cert_dir", Kind::Text, "disks are not backed up"),
    Key::ignored("backup_tls_x509_verify", Kind::Flag, "disks are not backed up"),
    Key::ignored("backup_tls_x509_secret_uuid", Kind::Text, NO_SECRETS),
    Key::used("vxhs_tls", Kind::Flag),
    Key::used("vxhs_tls_x509_cert_dir", Kind::Text),
    Key::ignored("vxhs_tls_x509_secret_uuid", Kind::Text, NO_SECRETS),
    Key::used("nbd_tls", Kind::Flag),
    Key::used("nbd_tls_x509_cert_dir", Kind::Text),
    Key::ignored("nbd_tls_x509_secret_uuid", Kind::Text, NO_SECRETS),
    Key::used("nographics_allow_host_audio", Kind::Flag),
    Key::ignored("remote_display_port_min", Kind::Within(1, 65535), PORTS),
    Key::ignored("remote_display_port_max", Kind::Within(1, 65535), PORTS),
    Key::ignored("remote_websocket_port_min", Kind::Within(1, 65535), PORTS),
    Key::ignored("remote_websocket_port_max", Kind::Within(1, 65535), PORTS),
    Key::used("security_driver", Kind::TextOrTexts),
    Key::ignored("security_default_confined", Kind::Flag, "no security driver is there"),
    Key::used("security_require_confined", Kind::Flag),
    Key::used("user", Kind::Text),
    Key::used("group", Kind::Text),
    Key::ignored("dynamic_ownership", Kind::Flag, OWN_USER),
    Key::ignored("remember_owner", Kind::Flag, OWN_USER),
    Key::ignored("cgroup_controllers", Kind::Texts, NO_CGROUPS),
    Key::ignored("cgroup_device_acl", Kind::Texts, NO_CGROUPS),
    Key::ignored("namespaces", Kind::Texts, "guests see the daemon's own file systems"),
    Key::used("seccomp_sandbox", Kind::Within(-1, 1)),
    Key::used("save_image_format", Kind::OneOf(&["raw", "gzip", "bzip2", "xz", "lzop"])),
    Key::ignored("dump_image_format", Kind::Text, NO_SAVING),
    Key::ignored("snapshot_image_format", Kind::Text, NO_SAVING),
    Key::ignored("auto_dump_path", Kind::Text, NO_SAVING),
    Key::ignored("auto_dump_bypass_cache", Kind::Flag, NO_SAVING),
    Key::ignored("auto_start_bypass_cache", Kind::Flag, NO_SAVING),
    Key::ignored("hugetlbfs_mount", Kind::TextOrTexts, "the mounted ones are used"),
    Key::ignored("bridge_helper", Kind::Text, NO_COMPANIONS),
    Key::ignored("pr_helper", Kind::Text, NO_COMPANIONS),
    Key::ignored("slirp_helper", Kind::Text, NO_COMPANIONS),
    Key::ignored("dbus_daemon", Kind::Text, NO_COMPANIONS),
    Key::used("set_process_name", Kind::Flag),
    Key::ignored("max_processes", Kind::Count, "guests have the daemon's own limits"),
    Key::ignored("max_files", Kind::Count, "guests have the daemon's own limits"),
    Key::ignored("max_threads_per_process", Kind::Count, NO_CGROUPS),
    Key::ignored("max_core", Kind::CountOrText, "guests have the daemon's own limits"),
    Key::used("dump_guest_core", Kind::Flag),
    Key::ignored("stdio_handler", Kind::OneOf(&["logd", "file"]), "guests write their logs themselves"),
    Key::ignored("sched_core", Kind::Text, "guests share cores as the kernel thinks best"),
    Key::ignored("mac_filter", Kind::Flag, "frames are not filtered"),
    Key::ignored("relaxed_acs_check", Kind::Flag, "no access control of switches is checked"),
    Key::ignored("allow_disk_format_probing", Kind::Flag, "formats are never guessed"),
    Key::used("lock_manager", Kind::Text),
    Key::used("max_queued", Kind::Count),
    Key::ignored("keepalive_interval", Kind::Signed, NO_MIGRATION),
    Key::ignored("keepalive_count", Kind::Count, NO_MIGRATION),
    Key::ignored("migration_address", Kind::Text, NO_MIGRATION),
    Key::ignored("migration_port_min", Kind::Within(1, 65535), NO_MIGRATION),
    Key::ignored("migration_port_max", Kind::Within(1, 65535), NO_MIGRATION),
    Key::ignored("migration_host", Kind::Text, NO_MIGRATION),
    Key::used("log_timestamp", Kind::Flag),
    Key::ignored("nvram", Kind::Texts, "firmware is found by its descriptors"),
    Key::used("gluster_debug_level", Kind::Within(0, 9)),
    Key::ignored("virtiofsd_debug", Kind::Flag, NO_COMPANIONS),
    Key::used("deprecation_behavior", Kind::OneOf(&["none", "omit", "reject", "crash"])),
    Key::used("memory_backing_dir", Kind::Text),
    Key::ignored("swtpm_user", Kind::Text, NO_COMPANIONS),
    Key::ignored("swtpm_group", Kind::Text, NO_COMPANIONS),
    Key::ignored("clear_emulator_capabilities", Kind::Flag, "libvirt has dropped it as well"),
    Key::ignored("capability_filters", Kind::Texts, "QEMU is taken as it is"),
];

/// What qemu.conf says beside [`Config`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct QueueLimit {
    /// `max_queued`: how many calls may wait for one domain; 0 for no limit.
    pub max_queued: usize,
}

/// Takes the settings of qemu.conf into the driver's configuration.
///
/// # Errors
/// For a value that its key does not take, and for one that promises what the driver does not do.
pub fn apply_qemu(file: &Settings, config: &mut Config) -> Result<(QueueLimit, Remarks), Problem> {
    let remarks = file.check(KEYS)?;
    refuse_promises(file)?;
    let set = |key: &str, target: &mut bool| {
        if let Some(flag) = file.flag(key) {
            *target = flag;
        }
    };
    let sasl = |key: &str, dir: &str| {
        let dir = || PathBuf::from(file.text(dir).unwrap_or_default());
        file.flag(key).unwrap_or(false).then(dir)
    };
    let vnc = &mut config.vnc;
    if let Some(listen) = file.text("vnc_listen") {
        vnc.listen = listen.to_owned();
    }
    set("vnc_auto_unix_socket", &mut vnc.auto_unix_socket);
    // The protocol has room for eight characters.
    vnc.password = file.text("vnc_password").map(|text| text.chars().take(8).collect());
    vnc.tls = file.flag("vnc_tls").unwrap_or(false).then(|| certificates(file, "vnc"));
    vnc.tls_verify = verify(file, "vnc", false);
    vnc.sasl = sasl("vnc_sasl", "vnc_sasl_dir");
    set("vnc_allow_host_audio", &mut vnc.allow_host_audio);
    let spice = &mut config.spice;
    if let Some(listen) = file.text("spice_listen") {
        spice.listen = listen.to_owned();
    }
    set("spice_auto_unix_socket", &mut spice.auto_unix_socket);
    spice.password = file.text("spice_password").map(str::to_owned);
    set("spice_tls", &mut spice.tls);
    spice.tls_dir = certificates(file, "spice");
    spice.sasl = sasl("spice_sasl", "spice_sasl_dir");
    set("chardev_tls", &mut config.chardev_tls);
    config.chardev_tls_x509_cert_dir = certificates(file, "chardev");
    config.chardev_tls_x509_verify = verify(file, "chardev", true);
    set("nbd_tls", &mut config.nbd_tls);
    config.nbd_tls_x509_cert_dir = certificates(file, "nbd");
    set("vxhs_tls", &mut config.vxhs_tls);
    config.vxhs_tls_x509_cert_dir = certificates(file, "vxhs");
    set("nographics_allow_host_audio", &mut config.nogfx_allow_host_audio);
    set("log_timestamp", &mut config.log_timestamp);
    set("dump_guest_core", &mut config.dump_guest_core);
    set("set_process_name", &mut config.set_process_name);
    config.seccomp_sandbox =
        file.number::<i8>("seccomp_sandbox").filter(|choice| *choice >= 0).map(|choice| choice == 1);
    if let Some(level) = file.number("gluster_debug_level") {
        config.gluster_debug_level = level;
    }
    if let Some(format) = file.text("save_image_format").and_then(Compression::from_text) {
        config.save_image_format = format;
    }
    config.deprecation_behavior = file.text("deprecation_behavior").map(str::to_owned);
    config.memory_backing = file.text("memory_backing_dir").map(|dir| Path::new(dir).join("libvirt/qemu"));
    Ok((QueueLimit { max_queued: file.number("max_queued").unwrap_or(0) }, remarks))
}

/// A service's own directory if the file or the host has one, else the one of all services.
fn certificates(file: &Settings, service: &str) -> PathBuf {
    let own = PathBuf::from(format!("/etc/pki/libvirt-{service}"));
    match (file.text(&format!("{service}_tls_x509_cert_dir")), file.text("default_tls_x509_cert_dir")) {
        (Some(dir), _) => dir.into(),
        (None, _) if own.exists() => own,
        (None, Some(dir)) => dir.into(),
        (None, None) => "/etc/pki/qemu".into(),
    }
}

fn verify(file: &Settings, service: &str, usual: bool) -> bool {
    file.flag(&format!("{service}_tls_x509_verify"))
        .or_else(|| file.flag("default_tls_x509_verify"))
        .unwrap_or(usual)
}

/// What a key promises must not be left undone in silence.
fn refuse_promises(file: &Settings) -> Result<(), Problem> {
    let refuse = |key: &str, what: String| {
        let line = file.get(key).map_or(0, |setting| setting.line);
        Err(file.problem(line, what))
    };
    let drivers = file.texts("security_driver").unwrap_or_default();
    if let Some(other) = drivers.iter().find(|name| *name != "none") {
        return refuse(
            "security_driver",
            format!("security_driver names '{other}', but only 'none' is there"),
        );
    }
    if file.flag("security_require_confined") == Some(true) {
        return refuse(
            "security_require_confined",
            "security_require_confined is 1, but no security driver is there".into(),
        );
    }
    if let Some(manager) = file.text("lock_manager").filter(|name| *name != "nop") {
        return refuse("lock_manager", format!("lock_manager is '{manager}', but only 'nop' is there"));
    }
    let accounts = Accounts::load().unwrap_or_default();
    let own = [
        ("user", virt_sys::user::effective_uid(), accounts.resolve_user(file.text("user").unwrap_or("0"))),
        ("group", virt_sys::user::effective_gid(), accounts.resolve_group(file.text("group").unwrap_or("0"))),
    ];
    for (key, own, asked) in own {
        if file.text(key).is_some() && asked != Some(own) {
            let name = file.text(key).unwrap_or_default();
            return refuse(key, format!("{key} is '{name}', but guests run as the daemon's own, {own}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(text: &str) -> Result<(Config, QueueLimit, Remarks), String> {
        let mut config = Config::system();
        let settings = Settings::parse("f", text).map_err(|problem| problem.to_string())?;
        let (limit, remarks) = apply_qemu(&settings, &mut config).map_err(|problem| problem.to_string())?;
        Ok((config, limit, remarks))
    }

    #[test]
    fn settings_are_taken() {
        let (config, limit, remarks) = applied(
            "vnc_listen = '0.0.0.0'\nvnc_password = '123456789'\nvnc_tls = 1\nvnc_tls_x509_cert_dir = '/v'\n\
             spice_tls = 1\ndefault_tls_x509_cert_dir = '/d'\ndefault_tls_x509_verify = 0\nseccomp_sandbox = 0\n\
             log_timestamp = 0\nmemory_backing_dir = '/m'\nmax_queued = 3\nnamespaces = []\nvnc_sasl = 1\n",
        )
        .unwrap();
        assert_eq!(
            (config.vnc.listen.as_str(), config.vnc.password.as_deref()),
            ("0.0.0.0", Some("12345678"))
        );
        assert_eq!((config.vnc.tls, config.vnc.sasl), (Some("/v".into()), Some(PathBuf::new())));
        assert_eq!((config.spice.tls, config.spice.tls_dir.to_str()), (true, Some("/d")));
        assert_eq!((config.chardev_tls_x509_verify, config.seccomp_sandbox), (false, Some(false)));
        assert_eq!((config.log_timestamp, limit.max_queued), (false, 3));
        assert_eq!(config.memory_backing, Some("/m/libvirt/qemu".into()));
        assert_eq!(remarks.idle.len(), 1);
    }

    #[test]
    fn what_is_not_said_stays() {
        let (config, limit, remarks) = applied("").unwrap();
        let usual = Config { chardev_tls_x509_verify: true, ..Config::system() };
        assert_eq!((config, limit, remarks), (usual, QueueLimit::default(), Remarks::default()));
    }

    #[test]
    fn promises_that_are_not_kept_are_refused() {
        for (text, expected) in [
            ("\nsecurity_driver = [ 'none', 'selinux' ]", "f:2: security_driver names 'selinux'"),
            ("security_require_confined = 1", "no security driver"),
            ("lock_manager = 'lockd'", "only 'nop'"),
            ("user = '+4294967294'", "guests run as the daemon's own"),
            ("group = 'no-such-group'", "guests run as the daemon's own"),
            ("user = 0", "user is 0, but has to be a string"),
        ] {
            let problem = applied(text).unwrap_err();
            assert!(problem.contains(expected), "{text}: {problem}");
        }
        let own = virt_sys::user::effective_uid();
        applied(&format!("user = '+{own}'\nsecurity_driver = 'none'\nlock_manager = 'nop'")).unwrap();
    }

    #[test]
    fn no_key_is_there_twice() {
        for (at, key) in KEYS.iter().enumerate() {
            assert!(KEYS[..at].iter().all(|other| other.name != key.name), "{}", key.name);
        }
    }
}
