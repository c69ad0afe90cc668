//! Which crate may use which: layers point down only.

use std::collections::BTreeSet;

use super::{Findings, Repository};

/// A crate and the workspace crates that it may use. A new edge is a reviewed line here.
struct Row {
    name: &'static str,
    may_use: &'static [&'static str],
}

const fn row(name: &'static str, may_use: &'static [&'static str]) -> Row {
    Row { name, may_use }
}

/// Names without `virt-`, lowest layer first: a crate uses only what stands above it. Rows for crates that do not exist
/// yet say what they may use when they come.
const TABLE: &[Row] = &[
    row("types", &[]),
    row("sys", &[]),
    row("netlink", &[]),
    row("qmp", &[]),
    row("xml", &["types"]),
    row("netdev", &["netlink", "sys", "types"]),
    row("conf", &["xml", "types"]),
    row("proto", &["types"]),
    row("driver", &["types"]),
    row("cgroup", &["sys", "types"]),
    row("firewall", &["sys", "types"]),
    row("testkit", &["types", "xml", "sys"]),
    row("cpu", &["conf", "types"]),
    row("security", &["conf", "sys", "types"]),
    row("domain", &["conf", "driver", "sys", "xml", "types"]),
    row("rpc", &["proto", "driver", "sys", "types"]),
    row("host", &["conf", "cpu", "sys", "types"]),
    row(
        "qemu",
        &[
            "conf", "driver", "domain", "qmp", "cpu", "host", "security", "cgroup", "netdev", "sys", "xml",
            "types",
        ],
    ),
    row("xen", &["conf", "driver", "domain", "cpu", "host", "netdev", "sys", "types"]),
    row("lxc", &["conf", "driver", "domain", "host", "security", "cgroup", "netdev", "sys", "types"]),
    row("testdriver", &["conf", "driver", "cpu", "xml", "types"]),
    row("network", &["conf", "driver", "netdev", "firewall", "sys", "xml", "types"]),
    row("nwfilter", &["conf", "driver", "netdev", "firewall", "sys", "xml", "types"]),
    row("storage", &["conf", "driver", "sys", "xml", "types"]),
    row("nodedev", &["conf", "driver", "host", "netdev", "sys", "types"]),
    row("secret", &["conf", "driver", "host", "netdev", "sys", "types"]),
    row("interface", &["conf", "driver", "host", "netdev", "sys", "types"]),
    row("engine", DRIVERS),
    row("core", ANY_LIBRARY),
    row("daemon", ANY_LIBRARY),
    row("cli", &["core"]),
];

/// What the composition of a host's drivers is made of.
const DRIVERS: &[&str] = &[
    "types",
    "sys",
    "driver",
    "domain",
    "qemu",
    "xen",
    "lxc",
    "network",
    "nwfilter",
    "storage",
    "nodedev",
    "secret",
    "interface",
];

const ANY_LIBRARY: &[&str] = &[
    "types",
    "xml",
    "sys",
    "netlink",
    "qmp",
    "netdev",
    "conf",
    "proto",
    "driver",
    "cgroup",
    "firewall",
    "cpu",
    "security",
    "domain",
    "rpc",
    "host",
    "qemu",
    "xen",
    "lxc",
    "testdriver",
    "network",
    "nwfilter",
    "storage",
    "nodedev",
    "secret",
    "interface",
    "engine",
];

/// Workspace crates that any crate may use in its tests.
const FOR_TESTS: &[&str] = &["testkit", "testdriver"];

/// What one crate may use in its tests, beside that: the daemon is tested by its users, who use the facade; the tables of CPUs
/// are held against an installed libvirt's documents.
const IN_TESTS: &[(&str, &str)] = &[("cpu", "xml"), ("daemon", "core")];

/// Crates that do no I/O.
const PURE: &[&str] = &["types", "xml", "conf", "proto", "cpu"];

/// Outside crates that a pure crate never uses, since their purpose is I/O.
const IO: &[&str] = &["libc", "rustix", "nix", "tokio", "mio", "socket2", "netlink-sys", "netlink-proto"];

/// Workspace-internal edges that must never appear, whatever the table says.
const NEVER: &[(&str, &str, &str)] = &[
    ("driver", "conf", "the contract's boundary is XML text and typed parameters"),
    ("driver", "proto", "the contract does not know the wire"),
    ("conf", "driver", "the model does not know who implements it"),
    ("conf", "netdev", "the model does no I/O"),
];

const HYPERVISORS: &[&str] = &["qemu", "xen", "lxc", "testdriver"];

/// What hypervisor crates reach only through service traits of virt-driver.
const SERVICES: &[&str] = &["rpc", "proto", "network", "storage", "nwfilter", "secret"];

pub(super) fn check(repository: &Repository, findings: &mut Findings) {
    for fault in table_faults() {
        findings.add("xtask/src/tidy/layers.rs", fault);
    }
    let members: BTreeSet<_> = repository.packages.iter().map(|package| package.name()).collect();
    for package in &repository.packages {
        let place = format!("{}/Cargo.toml", package.name());
        let mut used = package.dependencies().filter(|name| members.contains(name));
        let Some(short) = package.name().strip_prefix("virt-") else {
            if package.name() == "xtask"
                && let Some(name) = used.next()
            {
                findings.add(
                    &place,
                    format!("xtask builds first and uses no crate of the workspace, but names {name}"),
                );
            }
            continue;
        };
        let Some(row) = TABLE.iter().find(|row| row.name == short) else {
            findings.add(&place, "the crate has no row in the table of xtask/src/tidy/layers.rs");
            continue;
        };
        for name in used {
            let name = name.strip_prefix("virt-").unwrap_or(name);
            if !row.may_use.contains(&name) {
                let allowed = row.may_use.join(", ");
                findings.add(&place, format!("virt-{short} may not use virt-{name}; allowed are: {allowed}"));
            }
        }
        let dev = package.dev_dependencies().filter_map(|name| name.strip_prefix("virt-"));
        // A crate that names itself there switches on its features for its tests.
        let strange = |name: &&str| {
            let known = row.may_use.contains(name) || FOR_TESTS.contains(name);
            *name != short && !known && !IN_TESTS.contains(&(short, *name))
        };
        for name in dev.filter(strange) {
            findings.add(&place, format!("virt-{short} may not use virt-{name}, not even in tests"));
        }
        if PURE.contains(&short) {
            for name in package.dependencies().filter(|name| IO.contains(name)) {
                findings.add(&place, format!("virt-{short} does no I/O and may not use {name}"));
            }
        }
    }
}

/// What is wrong with the table itself: an edge that points up, or one that must never be.
fn table_faults() -> Vec<String> {
    let mut faults = Vec::new();
    for (at, row) in TABLE.iter().enumerate() {
        for used in row.may_use {
            if TABLE[..at].iter().all(|above| above.name != *used) {
                faults.push(format!("{} may use {used}, which does not stand above it", row.name));
            }
            if HYPERVISORS.contains(&row.name) && (HYPERVISORS.contains(used) || SERVICES.contains(used)) {
                faults.push(format!("hypervisor crate {} uses {used}", row.name));
            }
        }
        for (user, used, why) in NEVER {
            if row.name == *user && row.may_use.contains(used) {
                faults.push(format!("{user} never uses {used}: {why}"));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_point_down_and_what_must_never_be_is_not_allowed() {
        assert_eq!(table_faults(), Vec::<String>::new());
    }
}
