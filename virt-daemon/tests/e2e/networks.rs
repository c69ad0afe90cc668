//! Linux guests on virtual networks: what they reach, and what they do not.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{Lab, has_virsh};

/// The longest that a guest may take to answer.
const PATIENCE: Duration = Duration::from_secs(180);

/// A program of the host that has to succeed.
pub(crate) fn host(words: &str) -> String {
    let mut parts = words.split(' ');
    let output = Command::new(parts.next().unwrap()).args(parts).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A network namespace that the host reaches by `up0`, at 192.0.2.2 and 2001:db8:1::2, and that knows of no guest; and a
/// segment behind `up1`, on which it has 198.51.100.2.
struct Beyond;

impl Beyond {
    fn new() -> Self {
        let beyond = Self;
        for words in [
            "ip netns add beyond",
            "ip link add up0 type veth peer name down0 netns beyond",
            "ip link add up1 type veth peer name down1 netns beyond",
            "ip addr add 192.0.2.1/24 dev up0",
            "ip addr add 2001:db8:1::1/64 dev up0 nodad",
            "ip link set up0 up",
            "ip link set up1 up",
            "ip -n beyond addr add 192.0.2.2/24 dev down0",
            "ip -n beyond addr add 2001:db8:1::2/64 dev down0 nodad",
            "ip -n beyond addr add 198.51.100.2/24 dev down1",
            "ip -n beyond link set down0 up",
            "ip -n beyond link set down1 up",
        ] {
            host(words);
        }
        // Nobody listens there, and says so.
        let asked = TcpStream::connect_timeout(&([192, 0, 2, 2], 9).into(), PATIENCE).unwrap_err();
        assert_eq!(asked.kind(), ErrorKind::ConnectionRefused);
        beyond
    }
}

impl Drop for Beyond {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "del", "beyond"]).status();
    }
}

/// A guest's shell on its serial port.
struct Shell {
    stream: UnixStream,
    /// What has come and was not waited for yet.
    pending: String,
}

impl Shell {
    /// Starts a guest with these interfaces, and logs in.
    fn start(lab: &Lab, name: &str, interfaces: &str) -> Self {
        let guest = std::env::var("VIRT_GUEST_DIR").expect("the test guest");
        let cmdline = std::fs::read_to_string(Path::new(&guest).join("cmdline")).unwrap();
        let console = lab.path(&format!("{name}.console"));
        let document = format!(
            "<domain type='qemu'><name>{name}</name><memory unit='MiB'>192</memory><os>\
             <type arch='x86_64' machine='q35'>hvm</type><kernel>{guest}/vmlinuz</kernel>\
             <initrd>{guest}/initrd</initrd><cmdline>{}</cmdline></os><devices>{interfaces}\
             <serial type='unix'><source mode='bind' path='{console}'/></serial>\
             <memballoon model='none'/></devices></domain>",
            cmdline.trim(),
        );
        lab.virsh(&["create", &lab.write(&format!("{name}.xml"), &document)]);
        let stream = UnixStream::connect(console).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut shell = Self { stream, pending: String::new() };
        shell.expect("login: ");
        shell.say("root");
        shell.expect("# ");
        shell
    }

    fn say(&mut self, words: &str) {
        self.stream.write_all(format!("{words}\n").as_bytes()).unwrap();
    }

    /// What comes before a text.
    fn expect(&mut self, text: &str) -> String {
        let mut chunk = [0; 1024];
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some((before, after)) = self.pending.split_once(text) {
                let (before, after) = (before.to_owned(), after.to_owned());
                self.pending = after;
                return before;
            }
            let read = self.stream.read(&mut chunk);
            let length = read.unwrap_or_else(|error| panic!("{error}, after {}", self.pending));
            assert!(length > 0 && Instant::now() < deadline, "no '{text}' in {}", self.pending);
            self.pending.push_str(&String::from_utf8_lossy(&chunk[..length]));
        }
    }

    /// Whether a command succeeds in the guest, and what it says.
    fn run(&mut self, command: &str) -> (bool, String) {
        self.say(&format!("{command}; echo \"stat\"us=$?."));
        let said = self.expect("status=");
        let code = self.expect(".");
        self.expect("# ");
        (code == "0", said)
    }

    /// Does it until it succeeds.
    fn until(&mut self, command: &str) {
        self.run(&format!("until {command}; do sleep 1; done"));
    }

    /// Asks for an address once more, and answers the one that came.
    fn lease(&mut self) -> String {
        self.until("udhcpc -n -q -t 10 -i eth0 -s /sbin/lease >/dev/null 2>&1");
        let (_, said) = self.run("ip -4 -o addr show dev eth0");
        let address = said.split_once("inet ").unwrap_or_else(|| panic!("no address: {said}")).1;
        address.split('/').next().unwrap().to_owned()
    }
}

/// Whether there are users and programs enough; says so where there are not.
pub(crate) fn can_network() -> bool {
    // dnsmasq gives up groups, which the root of a plain user's namespace can not, who makes no device nodes either.
    let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    if map.split_whitespace().nth(2) == Some("1") {
        println!("SKIPPED: networks of guests want root");
        return false;
    }
    let missing =
        ["dnsmasq", "ebtables", "iptables"].into_iter().find(|name| virt_sys::find_program(name).is_none());
    if let Some(name) = missing {
        println!("SKIPPED: {name} is not installed");
    }
    has_virsh() && missing.is_none()
}

fn start_network(lab: &Lab, name: &str, content: &str) {
    let document = format!(
        "<network><name>{name}</name><bridge name='vn-{name}' stp='off' delay='0'/>{content}</network>"
    );
    lab.virsh(&["net-create", &lab.write(&format!("net-{name}.xml"), &document)]);
}

#[test]
fn a_guest_reaches_its_gateway_the_world_and_a_segment() {
    let Some(lab) = Lab::new("nat") else { return };
    if !can_network() {
        return;
    }
    lab.start();
    let _beyond = Beyond::new();
    start_network(
        &lab,
        "nat",
        "<forward mode='nat'><nat ipv6='yes'/></forward>\
         <ip address='10.88.0.1' netmask='255.255.255.0'><dhcp><range start='10.88.0.100' end='10.88.0.199'/></dhcp></ip>\
         <ip family='ipv6' address='fd00:88::1' prefix='64'/>",
    );
    let mac = "52:54:00:88:00:01";
    let mut guest = Shell::start(
        &lab,
        "traveller",
        &format!(
            "<interface type='network'><mac address='{mac}'/><source network='nat'/><model type='virtio'/></interface>\
             <interface type='direct'><source dev='up1' mode='bridge'/><model type='virtio'/></interface>"
        ),
    );
    let address = guest.lease();
    guest.until("ping -c 1 -W 5 10.88.0.1");
    let leases = lab.virsh(&["net-dhcp-leases", "nat"]);
    assert!(leases.contains(mac) && leases.contains(&format!("{address}/24")), "{leases}");
    for source in ["lease", "arp"] {
        let found = lab.virsh(&["domifaddr", "traveller", "--source", source]);
        assert!(found.contains(mac) && found.contains(&address), "{source}: {found}");
    }
    // The other side knows no way back but to the host.
    guest.until("ping -c 1 -W 5 192.0.2.2");
    guest.until("ping -6 -c 1 -W 5 fd00:88::1");
    guest.until("ping -6 -c 1 -W 5 2001:db8:1::2");
    // On the segment it is a neighbour.
    guest.run("ip addr add 198.51.100.9/24 dev eth1");
    guest.until("ping -c 1 -W 5 198.51.100.2");

    lab.virsh(&["destroy", "traveller"]);
    lab.virsh(&["net-destroy", "nat"]);
    let links = host("ip -o link");
    assert!(!links.contains("vn-nat") && !links.contains("macvtap"), "{links}");
}

#[test]
fn isolated_guests_reach_each_other_and_lie_in_vain() {
    let Some(lab) = Lab::new("isolated") else { return };
    if !can_network() {
        return;
    }
    lab.start();
    let _beyond = Beyond::new();
    start_network(
        &lab,
        "iso",
        "<ip address='10.88.1.1' netmask='255.255.255.0'><dhcp><range start='10.88.1.100' end='10.88.1.199'/></dhcp></ip>",
    );
    let interface = |filter: &str| {
        format!("<interface type='network'><source network='iso'/><model type='virtio'/>{filter}</interface>")
    };
    let mut honest = Shell::start(&lab, "honest", &interface(""));
    let mut filtered = Shell::start(&lab, "filtered", &interface("<filterref filter='clean-traffic'/>"));
    let (one, two) = (honest.lease(), filtered.lease());
    honest.until(&format!("ping -c 1 -W 5 {two}"));
    filtered.until(&format!("ping -c 1 -W 5 {one}"));

    // There is no way out, although the host knows one.
    honest.run("ip route add default via 10.88.1.1");
    let (reached, said) = honest.run("ping -c 2 -W 1 192.0.2.2");
    assert!(!reached, "{said}");

    // A source that is not its own: whoever is not filtered has an answer, the other one has not.
    honest.run("ip addr add 10.88.1.98/24 dev eth0");
    honest.until(&format!("ping -c 1 -W 5 -I 10.88.1.98 {two}"));
    filtered.run("ip addr add 10.88.1.99/24 dev eth0");
    let (reached, said) = filtered.run(&format!("ping -c 3 -W 1 -I 10.88.1.99 {one}"));
    assert!(!reached, "{said}");
    filtered.until(&format!("ping -c 1 -W 5 -I {two} {one}"));

    for guest in ["honest", "filtered"] {
        lab.virsh(&["destroy", guest]);
    }
    lab.virsh(&["net-destroy", "iso"]);
    assert_eq!(lab.virsh(&["nwfilter-binding-list"]).lines().count(), 0);
    let left = host("ebtables -t nat -L");
    assert!(!left.contains("vnet"), "{left}");
}
