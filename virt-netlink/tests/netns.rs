//! Tests against the kernel, in a network namespace that belongs to them alone.
#![allow(clippy::print_stderr)] // a skipped test says so

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use virt_netlink::link::bridge::{self, Bridge, Settings};
use virt_netlink::link::macvlan::{self, Kind, Macvlan, Mode};
use virt_netlink::link::{self, Change, Details};
use virt_netlink::monitor::{Event, Monitor};
use virt_netlink::packet::RouteNetlinkMessage;
use virt_netlink::packet::link::{LinkAttribute, LinkMessage};
use virt_netlink::{Group, InterfaceName, Socket, address};

/// True where the test may do as it likes with the network.
fn in_namespace() -> bool {
    let inside = std::env::var_os("VIRT_NETNS").is_some();
    if !inside {
        eprintln!("skipped: run by `cargo xtask netns`");
    }
    inside
}

/// A new network namespace, and the process that keeps it until its standard input ends.
fn another_namespace() -> (File, Child) {
    let mut other = Command::new("unshare")
        .args(["--net", "sh", "-c", "echo ready; read end"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(other.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    (File::open(format!("/proc/{}/ns/net", other.id())).unwrap(), other)
}

fn name(name: &str) -> InterfaceName {
    name.parse().expect("a valid name")
}

#[test]
fn a_bridge_is_created_and_deleted() {
    if !in_namespace() {
        return;
    }
    let mut socket = Socket::open().unwrap();
    let name = name("nl-br0");
    bridge::create(
        &mut socket,
        &Bridge {
            mac: Some([0x52, 0x54, 0, 0xaa, 0xbb, 0xcc]),
            mtu: Some(1400),
            group: Some(77),
            up: true,
            settings: Settings {
                stp: Some(true),
                forward_delay: Some(Duration::from_secs(4)),
                ageing_time: Some(Duration::from_secs(100)),
                ..Settings::default()
            },
            ..Bridge::new(&name)
        },
    )
    .unwrap();

    let created = link::get(&mut socket, (&name).into()).unwrap();
    assert_eq!(created.kind.as_deref(), Some("bridge"));
    assert_eq!(created.mac, Some([0x52, 0x54, 0, 0xaa, 0xbb, 0xcc]));
    assert_eq!((created.mtu, created.group, created.up), (1400, 77, true));
    let Details::Bridge(settings) = created.details else { panic!("no bridge: {created:?}") };
    assert_eq!(settings.stp, Some(true));
    assert_eq!(settings.forward_delay, Some(Duration::from_secs(4)));
    assert_eq!(settings.ageing_time, Some(Duration::from_secs(100)));

    link::delete(&mut socket, created.index.into()).unwrap();
    assert_eq!(link::find(&mut socket, (&name).into()).unwrap(), None);
}

#[test]
fn refusals_say_what_is_wrong() {
    if !in_namespace() {
        return;
    }
    let mut socket = Socket::open().unwrap();
    let taken = name("nl-taken");
    bridge::create(&mut socket, &Bridge::new(&taken)).unwrap();
    let index = link::get(&mut socket, (&taken).into()).unwrap().index;

    let exists = bridge::create(&mut socket, &Bridge::new(&taken)).unwrap_err();
    assert_eq!(
        exists.to_string(),
        "cannot create bridge 'nl-taken': an interface with that name exists already (EEXIST)"
    );

    let new = name("nl-new");
    let multicast = Bridge { mac: Some([1, 0, 0x5e, 0, 0, 1]), ..Bridge::new(&new) };
    let refused = bridge::create(&mut socket, &multicast).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "cannot create bridge 'nl-new': 01:00:5e:00:00:01 is a multicast or empty address (EADDRNOTAVAIL)"
    );

    let orphan =
        macvlan::create(&mut socket, &Macvlan::new(&new, Kind::Macvlan, 99_999, Mode::Bridge)).unwrap_err();
    assert_eq!(
        orphan.to_string(),
        "cannot create macvlan 'nl-new': its parent, link number 99999, does not exist (ENODEV)"
    );

    // The kernel's own words, and the attribute that it points at.
    let large =
        bridge::create(&mut socket, &Bridge { mtu: Some(1_000_000), ..Bridge::new(&new) }).unwrap_err();
    let refusal = large.refusal().unwrap();
    assert_eq!(refusal.kernel_text(), Some("mtu greater than device maximum"), "{large}");

    let absent = link::delete(&mut socket, (&new).into()).unwrap_err();
    assert_eq!(absent.to_string(), "cannot delete link 'nl-new': there is no such interface (ENODEV)");
    let loopback = link::delete(&mut socket, 1.into()).unwrap_err();
    assert_eq!(
        loopback.to_string(),
        "cannot delete link number 1: it can not be deleted by a request, as is so with hardware and loopback \
         (EOPNOTSUPP)"
    );
    assert_eq!(link::find(&mut socket, (&new).into()).unwrap(), None, "a refused creation leaves nothing");
    link::delete(&mut socket, index.into()).unwrap();
}

#[test]
fn macvlans_stand_on_a_link_in_their_mode() {
    if !in_namespace() {
        return;
    }
    let mut socket = Socket::open().unwrap();
    let below = name("nl-below");
    bridge::create(&mut socket, &Bridge::new(&below)).unwrap();
    let parent = link::get(&mut socket, (&below).into()).unwrap().index;
    for (kind, mode) in [
        (Kind::Macvlan, Mode::Private),
        (Kind::Macvlan, Mode::Vepa),
        (Kind::Macvlan, Mode::Bridge),
        (Kind::Macvtap, Mode::Bridge),
        (Kind::Macvtap, Mode::Source),
        (Kind::Macvtap, Mode::Passthru),
    ] {
        let name = name(&format!("nl-{}", mode.as_str()));
        let mac = (mode != Mode::Passthru).then_some([2, 0, 0, 0, 9, 9]);
        macvlan::create(&mut socket, &Macvlan { mac, ..Macvlan::new(&name, kind, parent, mode) }).unwrap();
        let created = link::get(&mut socket, (&name).into()).unwrap();
        assert_eq!(created.kind.as_deref(), Some(kind.as_str()));
        assert_eq!((created.parent, created.details), (Some(parent), Details::Macvlan(mode)));
        if mac.is_some() {
            assert_eq!(created.mac, mac);
        }
        link::delete(&mut socket, created.index.into()).unwrap();
    }
    link::delete(&mut socket, parent.into()).unwrap();
}

#[test]
fn changes_are_made_by_one_message() {
    if !in_namespace() {
        return;
    }
    let mut socket = Socket::open().unwrap();
    let (below, old, new) = (name("nl-chg-br"), name("nl-chg-old"), name("nl-chg-new"));
    bridge::create(&mut socket, &Bridge::new(&below)).unwrap();
    let parent = link::get(&mut socket, (&below).into()).unwrap().index;
    bridge::create(&mut socket, &Bridge::new(&old)).unwrap();
    let index = link::get(&mut socket, (&old).into()).unwrap().index;

    let change = Change {
        up: Some(true),
        mtu: Some(1300),
        mac: Some([2, 0, 0, 0, 0, 7]),
        group: Some(5),
        ..Change::default()
    };
    link::change(&mut socket, index.into(), &change).unwrap();
    let changed = link::get(&mut socket, index.into()).unwrap();
    assert_eq!(
        (changed.index, changed.up, changed.mtu, changed.mac, changed.group),
        (index, true, 1300, Some([2, 0, 0, 0, 0, 7]), 5)
    );
    link::change(&mut socket, (&old).into(), &Change { up: Some(false), ..Change::default() }).unwrap();
    link::rename(&mut socket, index.into(), &new).unwrap();
    assert_eq!(link::get(&mut socket, (&new).into()).unwrap().index, index);
    let taken = link::rename(&mut socket, index.into(), &below).unwrap_err();
    assert_eq!(
        taken.to_string(),
        format!(
            "cannot rename link number {index} to 'nl-chg-br': an interface with that name exists already (EEXIST)"
        )
    );
    assert!(!link::get(&mut socket, index.into()).unwrap().up);

    let stacked =
        link::change(&mut socket, index.into(), &Change { master: Some(parent), ..Change::default() });
    let stacked = stacked.unwrap_err();
    assert_eq!(
        stacked.to_string(),
        format!("cannot change link number {index}: Can not enslave a bridge to a bridge (ELOOP)")
    );
    for index in [index, parent] {
        link::delete(&mut socket, index.into()).unwrap();
    }
}

#[test]
fn a_group_is_deleted_at_once_and_a_dump_is_whole_while_links_come_and_go() {
    if !in_namespace() {
        return;
    }
    const GROUP: u32 = 0x7657_0001;
    const STABLE: usize = 120;
    let mut socket = Socket::open().unwrap();
    for number in 0..STABLE {
        let name = name(&format!("nl-grp{number}"));
        bridge::create(&mut socket, &Bridge { group: Some(GROUP), ..Bridge::new(&name) }).unwrap();
    }

    std::thread::scope(|scope| {
        let churn = scope.spawn(|| {
            let mut socket = Socket::open().unwrap();
            let name = name("nl-churn");
            for _ in 0..20 {
                bridge::create(&mut socket, &Bridge::new(&name)).unwrap();
                link::delete(&mut socket, (&name).into()).unwrap();
            }
        });
        let mut dumps = 0;
        while !churn.is_finished() || dumps < 5 {
            let links = link::list(&mut socket).unwrap();
            let mut stable: Vec<_> =
                links.iter().filter(|link| link.group == GROUP).map(|link| link.index).collect();
            stable.sort_unstable();
            stable.dedup();
            assert_eq!(stable.len(), STABLE);
            dumps += 1;
        }
        churn.join().unwrap();
    });

    link::delete_group(&mut socket, GROUP).unwrap();
    assert!(link::list(&mut socket).unwrap().iter().all(|link| link.group != GROUP));
    let empty = link::delete_group(&mut socket, GROUP).unwrap_err();
    assert!(empty.is_no_device(), "{empty}");
}

#[test]
fn a_socket_of_another_namespace_sees_that_namespace() {
    if !in_namespace() {
        return;
    }
    let (namespace, mut other) = another_namespace();

    let mut there = Socket::open_in(namespace.as_fd()).unwrap();
    let name = name("nl-there");
    bridge::create(&mut there, &Bridge::new(&name)).unwrap();
    assert!(link::find(&mut there, (&name).into()).unwrap().is_some());
    let mut here = Socket::open().unwrap();
    assert_eq!(link::find(&mut here, (&name).into()).unwrap(), None, "the caller stayed where it was");

    drop(other.stdin.take());
    other.wait().unwrap();

    let file = File::open("/dev/null").unwrap();
    let error = Socket::open_in(file.as_fd()).unwrap_err();
    assert_eq!(error.to_string(), "cannot enter the network namespace");
}

#[test]
fn the_monitor_tells_of_a_link_s_life() {
    if !in_namespace() {
        return;
    }
    // In a namespace of its own: what the tests beside this one do could be more than its queue holds.
    let (namespace, mut other) = another_namespace();
    virt_netlink::in_namespace(namespace.as_fd(), || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(watch_a_life());
    })
    .unwrap();
    drop(other.stdin.take());
    other.wait().unwrap();
}

async fn watch_a_life() {
    let mut monitor = Monitor::subscribe(&[Group::Links, Group::Ipv4Addresses, Group::Ipv4Routes]).unwrap();
    let name = name("nl-watched");
    let mut socket = Socket::open().unwrap();
    bridge::create(&mut socket, &Bridge::new(&name)).unwrap();
    link::change(&mut socket, (&name).into(), &Change { up: Some(true), ..Change::default() }).unwrap();
    let index = link::get(&mut socket, (&name).into()).unwrap().index;
    let new = address::NewAddress::new(index, [192, 0, 2, 77].into(), 24);
    address::add(&mut socket, &new).unwrap();
    link::delete(&mut socket, (&name).into()).unwrap();

    let mut life = Vec::new();
    let (mut addresses, mut routes) = (Vec::new(), Vec::new());
    let watched = async {
        while let Some(event) = monitor.next().await {
            match event {
                Event::LinkChanged(link) if link.name == "nl-watched" => life.push((link.up, false)),
                Event::LinkDeleted(link) if link.name == "nl-watched" => {
                    life.push((link.up, true));
                    break;
                }
                Event::AddressChanged(address) if address.index == index => addresses.push(address.address),
                Event::RouteChanged(route) if route.link == Some(index) => {
                    routes.push(route.destination.to_string());
                }
                Event::Lost => panic!("a handful of events were too many"),
                _ => {}
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(120), watched).await.expect("the events come");
    assert_eq!(life.first(), Some(&(false, false)), "created, switched off");
    assert!(life.contains(&(true, false)), "switched on");
    assert!(life.last().is_some_and(|(_, deleted)| *deleted));
    assert_eq!(addresses, [new.address]);
    assert!(routes.contains(&"192.0.2.0/24".to_owned()), "{routes:?}");
}

#[test]
fn the_kernel_s_pointer_is_resolved_to_an_attribute() {
    if !in_namespace() {
        return;
    }
    let mut message = LinkMessage::default();
    message.attributes.push(LinkAttribute::IfName("a-name-that-is-far-too-long".to_owned()));
    let error = Socket::open()
        .unwrap()
        .request(RouteNetlinkMessage::NewLink(message), 0, format_args!("create something"))
        .unwrap_err();
    let refusal = error.refusal().unwrap();
    assert_eq!(refusal.attribute(), Some("IFLA_IFNAME"), "{error}");
    assert!(refusal.kernel_text().is_some(), "{error}");
}

#[test]
fn without_privilege_the_error_names_the_capability() {
    const CHILD: &str = "VIRT_NETNS_UNPRIVILEGED";
    if !in_namespace() {
        return;
    }
    if std::env::var_os(CHILD).is_none() {
        let status = Command::new("setpriv")
            .args(["--bounding-set=-all", "--inh-caps=-all"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "without_privilege_the_error_names_the_capability"])
            .env(CHILD, "1")
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success());
        return;
    }
    let error = bridge::create(&mut Socket::open().unwrap(), &Bridge::new(&name("nl-denied"))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot create bridge 'nl-denied': the caller lacks CAP_NET_ADMIN in the user namespace that owns this \
         network namespace (EPERM)"
    );
}
