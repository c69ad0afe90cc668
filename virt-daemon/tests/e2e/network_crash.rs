//! The daemon is killed at any moment of a network's start, stop or update while a guest is on another one: the next daemon
//! finds all or nothing of the first, and nobody is cut off from the second.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use virt_core::driver::{Networks, ObjectRef};
use virt_core::{Connection, ErrorCode, Result};
use virt_sys::Signal;

use crate::networks::{can_network, host};
use crate::support::{Lab, end};
use crate::traffic::Random;

const URI: &str = "qemu+unix:///system";

/// The network that comes and goes, and the one that the guest is on.
const COMES: &str = "vn-comes";
const STAYS: &str = "vn-stays";

/// `virNetworkUpdateCommand`
const DELETE: u32 = 2;
const ADD: u32 = 3;
/// `VIR_NETWORK_SECTION_IP_DHCP_HOST`
const DHCP_HOST: u32 = 4;
/// `VIR_NETWORK_SECTION_DNS_TXT`
const DNS_TXT: u32 = 11;
/// `VIR_NETWORK_UPDATE_AFFECT_LIVE`
const LIVE: u32 = 1;
/// `VIR_NETWORK_UPDATE_AFFECT_CONFIG`
const CONFIG: u32 = 2;

fn document(name: &str, third: u8) -> String {
    format!(
        "<network><name>{name}</name><forward mode='nat'/><bridge name='{name}' stp='off' delay='0'/>\
         <ip address='10.89.{third}.1' prefix='24'><dhcp><range start='10.89.{third}.10' end='10.89.{third}.90'/></dhcp></ip>\
         <ip family='ipv6' address='fd00:89:{third}::1' prefix='64'/></network>"
    )
}

#[test]
fn no_kill_leaves_half_a_network_or_cuts_a_guest() {
    let Some(lab) = Lab::new("network-crash") else { return };
    if !can_network() {
        return;
    }
    let rounds: u64 = std::env::var("CRASH_ROUNDS").map_or(6, |rounds| rounds.parse().unwrap());
    let seed = std::env::var("CRASH_SEED").map_or(1, |seed| seed.parse().unwrap());
    let mut random = Random(seed);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut pid = lab.start();
    for (name, third) in [(COMES, 1), (STAYS, 2)] {
        lab.virsh(&["net-define", &lab.write(name, &document(name, third))]);
    }
    lab.virsh(&["net-start", STAYS]);
    let guest = format!(
        "<domain type='qemu'><name>stays</name><memory unit='MiB'>16</memory><os>\
         <type arch='x86_64' machine='q35'>hvm</type></os><devices><interface type='network'>\
         <source network='{STAYS}'/><target dev='tap-stays'/></interface></devices></domain>"
    );
    lab.virsh(&["create", &lab.write("guest.xml", &guest)]);
    let before = guest_side();
    let (acknowledged, begun) = (AtomicU64::new(0), Instant::now());
    let mut found_running = 0;
    for round in 0..rounds {
        runtime.block_on(async {
            tokio::join!(change_for_ever(&acknowledged), async {
                tokio::time::sleep(Duration::from_millis(20 + random.below(700))).await;
                end(pid, Signal::KILL);
            });
        });
        pid = lab.start();
        assert_eq!(lab.virsh(&["domstate", "stays"]), "running", "round {round}");
        assert_eq!(guest_side(), before, "round {round}: the guest's side is another one");
        assert_eq!(traces(STAYS).len(), 4, "round {round}: {:?}", traces(STAYS));
        assert_eq!(lab.virsh(&["net-port-list", STAYS]).lines().count(), 1, "round {round}");
        if lab.virsh(&["net-list", "--name"]).lines().any(|name| name == COMES) {
            found_running += 1;
            assert_eq!(traces(COMES).len(), 4, "round {round}: it runs with {:?}", traces(COMES));
            lab.virsh(&["net-destroy", COMES]);
        }
        assert_eq!(traces(COMES), Vec::<String>::new(), "round {round}");
        // The document of the one that stayed is whole, and what it says is what its servers know.
        assert!(lab.virsh(&["net-dumpxml", STAYS]).ends_with("</network>"));
    }
    println!(
        "{rounds} kills in {:.1} s: {} changes acknowledged, {found_running} times the network was found running",
        begun.elapsed().as_secs_f64(),
        acknowledged.load(Ordering::Relaxed)
    );
    // Kills that hit nothing would prove nothing.
    assert!(acknowledged.load(Ordering::Relaxed) > rounds);
    lab.virsh(&["destroy", "stays"]);
    lab.virsh(&["net-destroy", STAYS]);
    assert_eq!((traces(COMES), traces(STAYS)), (Vec::new(), Vec::new()));
    end(pid, Signal::TERM);
}

/// Starts, stops and changes networks until the daemon is gone.
async fn change_for_ever(acknowledged: &AtomicU64) {
    let work = async {
        let connection = Connection::open(URI).await?;
        let networks = connection.driver().networks().expect("networks");
        let (comes, stays) = (networks.lookup_by_name(COMES).await?, networks.lookup_by_name(STAYS).await?);
        tokio::try_join!(come_and_go(networks, &comes, acknowledged), update(networks, &stays, acknowledged))
    };
    let ended: Result<_> = work.await;
    let error = ended.map(drop).expect_err("they end with the daemon");
    // Clients see a closed connection, and nothing of what is under way.
    assert!(matches!(error.code(), ErrorCode::SystemError | ErrorCode::InternalError), "{}", error.report());
    assert!(!error.detail().contains("network"), "{}", error.report());
}

async fn come_and_go(networks: &dyn Networks, network: &ObjectRef, acknowledged: &AtomicU64) -> Result<()> {
    loop {
        networks.create(network).await?;
        acknowledged.fetch_add(1, Ordering::Relaxed);
        networks.destroy(network).await?;
    }
}

async fn update(networks: &dyn Networks, network: &ObjectRef, acknowledged: &AtomicU64) -> Result<()> {
    let hosts = "<host mac='52:54:00:89:00:01' ip='10.89.2.7'/>";
    let text = "<txt name='kept' value='here'/>";
    loop {
        for (section, parent, xml) in [(DHCP_HOST, 0, hosts), (DNS_TXT, -1, text)] {
            // The daemon before may have got to one of the two, as with libvirt.
            for one in [LIVE, CONFIG] {
                match networks.update(network, DELETE, section, parent, xml, one).await {
                    Err(error) if error.code() != ErrorCode::OperationInvalid => return Err(error),
                    _ => {}
                }
            }
            networks.update(network, ADD, section, parent, xml, LIVE | CONFIG).await?;
            acknowledged.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What the guest is connected by: the number of its tap, and of the bridge that it is a port of.
fn guest_side() -> [String; 2] {
    let read = |path: &str| std::fs::read_to_string(Path::new("/sys/class/net").join(path)).unwrap();
    [read("tap-stays/ifindex"), read("tap-stays/master/ifindex")]
}

/// What there is of a network: its bridge, its rules, its dnsmasq, its state.
fn traces(name: &str) -> Vec<String> {
    let mut found = Vec::new();
    if Path::new("/sys/class/net").join(name).exists() {
        found.push("the bridge".to_owned());
    }
    let rules: usize =
        ["iptables-save", "ip6tables-save"].map(|save| host(save).matches(name).count()).iter().sum();
    if rules > 0 {
        found.push(format!("{rules} rules"));
    }
    let processes = Command::new("ps").args(["-eo", "args"]).output().unwrap();
    let ours = format!("--conf-file=/var/lib/libvirt/dnsmasq/{name}.conf");
    if String::from_utf8_lossy(&processes.stdout).contains(&ours) {
        found.push("dnsmasq".to_owned());
    }
    if PathBuf::from(format!("/run/libvirt/network/{name}.xml")).exists() {
        found.push("the state file".to_owned());
    }
    found
}
