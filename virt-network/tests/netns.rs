//! Networks in the kernel, in a network namespace of their own; `ip` and the files are witnesses.
#![allow(clippy::print_stderr)] // a skipped test says so

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use virt_driver::{NetworkPorts, Networks, ObjectRef};
use virt_network::{Config, NetworkDriver};
use virt_types::ErrorCode;

/// Names the directory of a child that starts and stops a network until it is killed.
const VICTIM: &str = "VIRT_NETWORK_VICTIM";

/// A network with everything that has to be taken down again. dnsmasq stays root, as there may be no other.
fn document(bridge: &str, third: u8) -> String {
    format!(
        "<network xmlns:dnsmasq='http://libvirt.org/schemas/network/dnsmasq/1.0'><name>{bridge}</name><uuid>6c1b0f0e-5a1f-4b6e-9d1c-0c5f6a7b8c{third:02x}</uuid>
         <forward mode='nat'/><bridge name='{bridge}' stp='off'/><mac address='52:54:00:77:00:{third:02x}'/>
         <ip address='10.77.{third}.1' prefix='24'><dhcp><range start='10.77.{third}.10' end='10.77.{third}.90'/></dhcp></ip>
         <ip family='ipv6' address='fd00:77:{third}::1' prefix='64'/>
         <dnsmasq:options><dnsmasq:option value='user=root'/><dnsmasq:option value='group=root'/></dnsmasq:options></network>"
    )
}

struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Option<Self> {
        if std::env::var_os("VIRT_NETNS").is_none() {
            eprintln!("skipped: run by `cargo xtask netns`");
            return None;
        }
        for program in ["dnsmasq", "ip"] {
            if virt_sys::find_program(program).is_none() {
                eprintln!("skipped: {program} is not installed");
                return None;
            }
        }
        // dnsmasq gives up groups, which the root of a plain user's namespace can not.
        let map = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
        if map.split_whitespace().nth(2) == Some("1") {
            eprintln!("skipped: dnsmasq does not run in a namespace of one user");
            return None;
        }
        // Other namespaces have processes of the same number.
        let now = std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
        let dir = std::env::temp_dir().join(format!("virt-network-{name}-{now}"));
        std::fs::create_dir_all(&dir).unwrap();
        Some(Self(dir))
    }

    fn config(&self) -> Config {
        config(&self.0)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn config(dir: &Path) -> Config {
    Config { leases_helper: Some("/bin/true".into()), ..Config::in_dir(dir) }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap()
}

fn ip(args: &[&str]) -> String {
    let output = Command::new("ip").args(args).output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The rules that name a bridge, of both layers and back ends.
fn rules(bridge: &str) -> usize {
    let said = |program: &str, args: &[&str]| {
        let output = Command::new(program).args(args).output();
        output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
    };
    [("iptables-save", &[][..]), ("ip6tables-save", &[]), ("nft", &["list", "ruleset"])]
        .iter()
        .map(|(program, args)| said(program, args).matches(bridge).count())
        .sum()
}

/// The dnsmasq processes of a configuration file.
fn servers(config: &Config, name: &str) -> Vec<u32> {
    let ours = format!("--conf-file={}", config.dnsmasq_dir.join(format!("{name}.conf")).display());
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| {
        let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        command.split(|byte| *byte == 0).any(|arg| arg == ours.as_bytes())
    })
    .collect()
}

/// What is left of a network.
fn traces(config: &Config, name: &str) -> Vec<String> {
    let mut found = Vec::new();
    if Path::new("/sys/class/net").join(name).exists() {
        found.push("the bridge".to_owned());
    }
    let rules = rules(name);
    if rules > 0 {
        found.push(format!("{rules} rules"));
    }
    found.extend(servers(config, name).iter().map(|pid| format!("dnsmasq {pid}")));
    if config.state_dir.join(format!("{name}.xml")).exists() {
        found.push("the state file".to_owned());
    }
    found
}

#[test]
fn a_network_comes_up_is_changed_and_goes() {
    let Some(place) = Place::new("life") else { return };
    let config = place.config();
    runtime().block_on(async {
        let driver = NetworkDriver::open(config.clone()).await.unwrap();
        let network = driver.define_xml(&document("vn-life", 1), 0).await.unwrap();
        assert_eq!(traces(&config, "vn-life"), Vec::<String>::new());
        driver.create(&network).await.unwrap();
        let shown = ip(&["addr", "show", "dev", "vn-life"]);
        for part in ["10.77.1.1/24 brd 10.77.1.255", "fd00:77:1::1/64", "52:54:00:77:00:01", "UP"] {
            assert!(shown.contains(part), "{part} in {shown}");
        }
        let before = servers(&config, "vn-life");
        assert!(!before.is_empty() && rules("vn-life") > 0);
        let refused = driver.create(&network).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::OperationInvalid);

        let host = "<host ip='10.9.9.9'><hostname>h9</hostname></host>";
        driver.update(&network, 3, 10, -1, host, 3).await.unwrap();
        let names = std::fs::read_to_string(config.dnsmasq_dir.join("vn-life.addnhosts")).unwrap();
        assert_eq!(names, "10.9.9.9\th9\t\n");
        assert_eq!(servers(&config, "vn-life"), before, "a name costs no restart");
        driver.update(&network, 3, 11, -1, "<txt name='a' value='b'/>", 1).await.unwrap();
        assert_ne!(servers(&config, "vn-life"), before, "a record does");
        assert!(!driver.xml_desc(&network, 1).await.unwrap().contains("<txt"));

        driver.destroy(&network).await.unwrap();
        assert_eq!(traces(&config, "vn-life"), Vec::<String>::new());
        driver.undefine(&network).await.unwrap();
        let left: Vec<_> = std::fs::read_dir(&config.dnsmasq_dir).unwrap().flatten().collect();
        assert!(left.is_empty(), "{left:?}");
    });
}

#[test]
fn what_exists_is_not_touched_and_named() {
    let Some(place) = Place::new("taken") else { return };
    let config = place.config();
    ip(&["link", "add", "vn-taken", "type", "bridge"]);
    ip(&["link", "add", "vn-other", "type", "bridge"]);
    ip(&["addr", "add", "10.77.3.7/24", "dev", "vn-other"]);
    ip(&["link", "set", "vn-other", "up"]);
    runtime().block_on(async {
        let driver = NetworkDriver::open(config.clone()).await.unwrap();
        let refused = driver.create_xml(&document("vn-taken", 2), 0).await.unwrap_err();
        assert_eq!(refused.detail(), "Unable to create bridge vn-taken: File exists");
        assert!(refused.hint().is_some_and(|hint| hint.contains("no network has made")), "{refused:?}");
        let refused = driver.create_xml(&document("vn-sub", 3), 0).await.unwrap_err();
        assert_eq!(refused.detail(), "Network is already in use by interface vn-other");
        assert!(refused.hint().is_some_and(|hint| hint.contains("10.77.3.1/24")), "{refused:?}");
        assert!(driver.list(0).await.unwrap().is_empty());
        let second = NetworkDriver::open(config.clone()).await.unwrap_err();
        assert_eq!(second.code(), ErrorCode::OperationInvalid);
    });
    assert!(Path::new("/sys/class/net/vn-taken").exists());
    ip(&["link", "del", "vn-taken"]);
    ip(&["link", "del", "vn-other"]);
}

#[test]
fn a_guest_s_need_starts_a_network_or_says_what_is_in_the_way() {
    let Some(place) = Place::new("need") else { return };
    let config = place.config();
    let port = "<networkport><uuid>33f4f3a7-f6f5-4dba-a4d5-9f7a7f4a2d6c</uuid><owner><name>x</name><uuid>33f4f3a7-f6f5-4dba-a4d5-9f7a7f4a2d6b</uuid></owner><mac address='52:54:00:cc:cc:cd'/></networkport>";
    runtime().block_on(async {
        let as_libvirt = Config { starts_on_demand: false, ..config.clone() };
        let driver = NetworkDriver::open(as_libvirt).await.unwrap();
        driver.define_xml(&document("vn-need", 6), 0).await.unwrap();
        let refused = driver.guest_ports().take("vn-need", port).await.unwrap_err();
        assert_eq!(refused.detail(), "network 'vn-need' is not active");
        assert_eq!(traces(&config, "vn-need"), Vec::<String>::new());
        drop(driver);

        let driver = NetworkDriver::open(config.clone()).await.unwrap();
        ip(&["link", "add", "vn-need", "type", "bridge"]);
        let refused = driver.guest_ports().take("vn-need", port).await.unwrap_err();
        assert_eq!(refused.detail(), "Unable to create bridge vn-need: File exists");
        assert!(refused.hint().is_some_and(|hint| hint.contains("no network has made")), "{refused:?}");
        ip(&["link", "del", "vn-need"]);
        let taken = driver.guest_ports().take("vn-need", port).await.unwrap();
        assert!(taken.contains("bridge='vn-need'"), "{taken}");
        let network = driver.lookup_by_name("vn-need").await.unwrap();
        driver.destroy(&network).await.unwrap();
        assert_eq!(traces(&config, "vn-need"), Vec::<String>::new());
    });
}

#[test]
fn running_networks_are_found_again_and_repaired() {
    let Some(place) = Place::new("again") else { return };
    let config = place.config();
    runtime().block_on(async {
        let driver = NetworkDriver::open(config.clone()).await.unwrap();
        let network = driver.create_xml(&document("vn-again", 4), 0).await.unwrap();
        let port = "<networkport><uuid>33f4f3a7-f6f5-4dba-a4d5-9f7a7f4a2d6a</uuid><owner><name>x</name><uuid>33f4f3a7-f6f5-4dba-a4d5-9f7a7f4a2d6b</uuid></owner><mac address='52:54:00:cc:cc:cc'/></networkport>";
        driver.create_port(&network, port, 0).await.unwrap();
        drop(driver);

        let driver = NetworkDriver::open(config.clone()).await.unwrap();
        let before = servers(&config, "vn-again");
        driver.settle().await;
        assert!(driver.is_active(&network).await.unwrap());
        assert_eq!(servers(&config, "vn-again"), before);
        assert_eq!(driver.ports(&network, 0).await.unwrap().len(), 1);
        assert!(driver.xml_desc(&network, 0).await.unwrap().contains("connections='1'"));
        let laid = rules("vn-again");
        for pid in before {
            Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
        }
        for program in ["iptables", "ip6tables"] {
            let _ = Command::new(program).args(["-F", "LIBVIRT_FWO"]).status();
        }
        drop(driver);

        let driver = NetworkDriver::open(config.clone()).await.unwrap();
        driver.settle().await;
        assert!(!servers(&config, "vn-again").is_empty());
        assert_eq!(rules("vn-again"), laid);
        driver.destroy(&network).await.unwrap();
        assert_eq!(traces(&config, "vn-again"), Vec::<String>::new());
    });
}

/// What the victim does until it is killed.
fn start_and_stop_for_ever(dir: &Path) {
    runtime().block_on(async {
        let driver = NetworkDriver::open(config(dir)).await.unwrap();
        driver.settle().await;
        let network = driver.lookup_by_name("vn-kill").await.unwrap();
        loop {
            if driver.is_active(&network).await.unwrap() {
                driver.destroy(&network).await.unwrap();
            } else {
                driver.create(&network).await.unwrap();
            }
        }
    });
}

#[test]
fn killed_anywhere_the_next_driver_finds_all_or_nothing() {
    if let Some(dir) = std::env::var_os(VICTIM) {
        return start_and_stop_for_ever(Path::new(&dir));
    }
    let Some(place) = Place::new("kill") else { return };
    let config = place.config();
    let define = async {
        let driver = NetworkDriver::open(config.clone()).await.unwrap();
        driver.define_xml(&document("vn-kill", 5), 0).await.unwrap()
    };
    let network: ObjectRef = runtime().block_on(define);
    for round in 0..15_u64 {
        let mut victim = Command::new(std::env::current_exe().unwrap());
        victim.args(["--exact", "killed_anywhere_the_next_driver_finds_all_or_nothing"]);
        let mut victim =
            victim.env(VICTIM, &place.0).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Wherever that is: what has to hold afterwards does not depend on it.
        std::thread::sleep(Duration::from_millis(15 + round * 37 % 160));
        victim.kill().unwrap();
        victim.wait().unwrap();
        runtime().block_on(async {
            let driver = NetworkDriver::open(config.clone()).await.unwrap();
            driver.settle().await;
            let traces = traces(&config, "vn-kill");
            if driver.is_active(&network).await.unwrap() {
                assert!(traces.len() >= 4, "round {round}: it runs with nothing but {traces:?}");
                driver.destroy(&network).await.unwrap();
                assert_eq!(self::traces(&config, "vn-kill"), Vec::<String>::new(), "round {round}");
            } else {
                assert_eq!(traces, Vec::<String>::new(), "round {round}");
            }
        });
    }
}
