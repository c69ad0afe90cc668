//! The sector guest under KVM where this machine has it, and under emulation everywhere.

use std::time::{Duration, Instant};

use virt_core::types::DomainState;
use virt_core::{Connection, CreateFlags, ErrorCode, ShutdownFlags};
use virt_sys::{Spawn, run};

use crate::sector::{self, Line, UP};
use crate::support::{Ear, Lab, enabled, runtime};

/// Under a paravirtual KVM the firmware alone may take ten seconds.
const BANNER: Duration = Duration::from_secs(90);

#[test]
fn a_guest_obeys_under_emulation() {
    if enabled("sector under TCG") {
        life("qemu");
    }
}

#[test]
fn a_guest_obeys_under_kvm() {
    if !enabled("sector under KVM") {
        return;
    }
    if !virt_sys::kvm::check().is_usable() {
        return println!("SKIPPED sector under KVM: {:?}", virt_sys::kvm::check());
    }
    life("kvm");
}

fn document(lab: &Lab, kind: &str, machine: &str) -> String {
    let dir = lab.path().display();
    let target = if machine == "q35" { "dev='sda' bus='sata'" } else { "dev='hda' bus='ide'" };
    format!(
        "<domain type='{kind}'><name>{machine}</name><memory unit='MiB'>16</memory>\
         <os><type arch='x86_64' machine='{machine}'>hvm</type></os><features><acpi/></features><devices>\
         <disk type='file' device='disk'><driver name='qemu' type='raw'/>\
         <source file='{dir}/{machine}.img'/><target {target}/></disk>\
         <serial type='unix'><source mode='bind' path='{dir}/{machine}.com1'/></serial></devices></domain>"
    )
}

/// Banner, suspend and resume, reset, power button; on both of QEMU's PCs.
fn life(kind: &str) {
    runtime().block_on(async {
        let lab = Lab::new(kind);
        let connection = Connection::open(&lab.uri()).await.unwrap();
        let mut ear = Ear::on(&connection).await;
        for machine in ["q35", "pc"] {
            sector::disk(&lab.path().join(format!("{machine}.img")));
            let xml = document(&lab, kind, machine);
            let domain = connection.create(&xml, CreateFlags::START_PAUSED).await.unwrap();
            let mut line = Line::connect(lab.path().join(format!("{machine}.com1"))).await;
            let begun = Instant::now();
            domain.resume().await.unwrap();
            line.hear(UP, BANNER).await;
            println!("{kind} {machine}: up after {:.2} s", begun.elapsed().as_secs_f64());
            line.say("abn").await;
            line.hear("ab02", BANNER).await;

            domain.suspend().await.unwrap();
            assert_eq!(domain.state().await.unwrap().state(), DomainState::Paused);
            line.say("n").await;
            domain.resume().await.unwrap();
            // What it knew before it knows still.
            line.hear("02", BANNER).await;

            domain.reset().await.unwrap();
            line.hear(UP, BANNER).await;
            line.say("n").await;
            line.hear("00", BANNER).await;

            domain.shutdown(ShutdownFlags::ACPI_POWER_BTN).await.unwrap();
            line.hear("sector: button\r\n", BANNER).await;
            while ear.next(BANNER).await.expect("the end of the guest") != "event stopped: shutdown" {}
        }
        connection.close().await;
        assert_eq!(lab.processes(), []);
    });
}

const REFUSAL: &str = "kvm::without_the_device_the_refusal_says_why";
const CHILD_URI: &str = "VIRT_E2E_KVM_URI";

#[test]
fn without_the_device_the_refusal_says_why() {
    if let Ok(uri) = std::env::var(CHILD_URI) {
        return refused(&uri);
    }
    if !enabled("refusal of KVM") {
        return;
    }
    // A mount namespace in which nothing is where the device was.
    let lab = Lab::new("no-kvm");
    let masked = lab.path().join("dev");
    std::fs::create_dir(&masked).unwrap();
    for name in ["null", "zero", "urandom", "random", "ptmx"] {
        std::fs::write(masked.join(name), "").unwrap();
    }
    let script = "for f in null zero urandom random ptmx; do mount --bind /dev/$f \"$1/$f\" || exit 125; done
        mount --rbind \"$1\" /dev || exit 125
        shift
        exec \"$@\"";
    let mut command = Spawn::new(virt_sys::find_program("unshare").expect("unshare (util-linux)"));
    command.args(["--mount", "sh", "-c", script, "sh"]).arg(&masked).arg(std::env::current_exe().unwrap());
    command.args([REFUSAL, "--exact", "--nocapture"]).env(CHILD_URI, lab.uri());
    command.inherit_env("PATH").inherit_env("VIRT_E2E");
    let output = run(command, &[], virt_sys::Limits::new(Duration::from_secs(60), 1 << 20)).unwrap();
    let words =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && words.contains("refused as expected"), "{:?}: {words}", output.status);
}

fn refused(uri: &str) {
    runtime().block_on(async {
        let connection = Connection::open(uri).await.unwrap();
        let xml = crate::support::bare("fast").replace("type='qemu'", "type='kvm'");
        let error = match connection.create(&xml, CreateFlags::empty()).await {
            Ok(_) => panic!("it runs without /dev/kvm"),
            Err(error) => error,
        };
        let report = error.report();
        println!("{report}");
        assert_eq!(error.code(), ErrorCode::ConfigUnsupported, "{report}");
        assert!(report.contains("/dev/kvm"), "{report}");
        println!("refused as expected");
    });
}
