//! Processes beside QEMU: there while the guest is, and never without it.

use std::path::Path;
use std::process::Command;

use virt_core::{Connection, Domain, ErrorCode, UndefineFlags};
use virt_sys::{Signal, find_program};

use crate::support::{Lab, PATIENCE, enabled, pid_of, runtime, signal};

const VIRTIOFSD: &str = "/usr/lib/qemu/virtiofsd";
const ID: &str = "6f1d4c1e-9f3b-4d43-8d0a-2f6f3c9b7a21";

/// Whether the host's programs of this device are installed; says so where they are not.
fn have(device: &str, programs: &[&str]) -> bool {
    let missing = programs.iter().find(|program| {
        if program.starts_with('/') { !Path::new(program).exists() } else { find_program(program).is_none() }
    });
    if let Some(program) = missing {
        println!("SKIPPED {device}: there is no {program}");
    }
    missing.is_none()
}

/// A link that leads outside, as far as `passt` can tell.
fn have_route() -> bool {
    let commands = [
        "tuntap add dev outside mode tap",
        "address add 192.0.2.2/24 dev outside",
        "link set outside up",
        "route replace default via 192.0.2.1",
    ];
    commands.iter().all(|command| {
        Command::new("ip").args(command.split(' ')).status().is_ok_and(|status| status.success())
    })
}

fn document(devices: &str, kernel: &str) -> String {
    format!(
        "<domain type='qemu'><name>beside</name><uuid>{ID}</uuid><memory unit='MiB'>32</memory>\
         <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>\
         <os><type arch='x86_64' machine='q35'>hvm</type>{kernel}</os><devices>{devices}</devices></domain>"
    )
}

/// How many processes of the lab run this program.
fn count(lab: &Lab, program: &str) -> usize {
    let runs = |line: &String| line.split(' ').next().is_some_and(|first| first.ends_with(program));
    lab.processes().iter().filter(|(_, line)| runs(line)).count()
}

/// Waits until the domain has ended by itself and nothing of it is left.
async fn wait_for_end(lab: &Lab, domain: &Domain) {
    let deadline = std::time::Instant::now() + PATIENCE;
    while domain.state().await.unwrap().is_active() || !lab.processes().is_empty() {
        assert!(std::time::Instant::now() < deadline, "{:?}", lab.processes());
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[test]
fn companions_live_and_end_with_their_guest() {
    if !enabled("companions") {
        return;
    }
    let lab = Lab::new("companions");
    let shared = lab.path().join("shared");
    std::fs::create_dir(&shared).unwrap();
    let (mut devices, mut programs) = (String::new(), Vec::new());
    if have("tpm", &["swtpm", "swtpm_setup"]) {
        devices += "<tpm model='tpm-crb'><backend type='emulator' version='2.0'/></tpm>";
        programs.push("swtpm");
    }
    if have("virtiofs", &[VIRTIOFSD]) {
        devices += &format!(
            "<filesystem type='mount' accessmode='passthrough'><driver type='virtiofs'/>\
             <source dir='{}'/><target dir='s'/></filesystem>",
            shared.display()
        );
        programs.push("virtiofsd");
    }
    if have("passt", &["passt"]) && have_route() {
        devices += "<interface type='user'><backend type='passt'/><model type='virtio'/>\
                    <portForward proto='tcp' address='127.0.0.1'><range start='10022' to='22'/></portForward></interface>";
        programs.push("passt");
    }
    let state = lab.root().join("lib/swtpm").join(ID);
    runtime().block_on(async {
        let connection = Connection::open(&lab.uri()).await.unwrap();
        let domain = connection.define(&document(&devices, "")).await.unwrap();
        let started = domain.start().await.unwrap();
        for program in &programs {
            assert!(count(&lab, program) > 0, "{program}: {:?}", lab.processes());
        }
        if programs.contains(&"passt") {
            // The port of the host leads into the guest from now on.
            std::net::TcpStream::connect(("127.0.0.1", 10022)).unwrap();
        }

        // Who opens the root next finds them with their guest.
        connection.close().await;
        let connection = Connection::open(&lab.uri()).await.unwrap();
        let domain = connection.domain("beside").await.unwrap();
        for program in &programs {
            assert!(count(&lab, program) > 0, "{program}: {:?}", lab.processes());
        }
        domain.destroy().await.unwrap();
        assert!(lab.processes().is_empty(), "{:?}", lab.processes());
        drop(started);

        // A guest that dies takes them along.
        domain.start().await.unwrap();
        signal(pid_of(&lab.root(), "beside").unwrap(), Signal::KILL);
        wait_for_end(&lab, &domain).await;

        // So does a start that fails once they run.
        let broken = lab.path().join("broken");
        std::fs::write(&broken, "no kernel").unwrap();
        let kernel = format!("<kernel>{}</kernel>", broken.display());
        connection.define(&document(&devices, &kernel)).await.unwrap();
        let error = domain.start().await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::InternalError, "{error}");
        assert!(lab.processes().is_empty(), "{:?}", lab.processes());
        let left: Vec<_> = ["run/swtpm", "run/passt"]
            .iter()
            .filter_map(|dir| std::fs::read_dir(lab.root().join(dir)).ok())
            .flatten()
            .collect();
        assert!(left.is_empty(), "{left:?}");

        // What a TPM remembers stays as long as its domain, or longer.
        if programs.contains(&"swtpm") {
            assert!(state.join("tpm2").is_dir());
            domain.undefine_with(UndefineFlags::KEEP_TPM).await.unwrap();
            assert!(state.join("tpm2").is_dir());
            let domain = connection.define(&document(&devices, "")).await.unwrap();
            domain.undefine().await.unwrap();
            assert!(!state.exists());
        }
        connection.close().await;
    });
}
