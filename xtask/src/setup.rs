//! `setup`: the system packages that the project needs, each with its reason.

use std::process::Command;

use crate::{
    args::Args,
    distro::Distro,
    process::{Failure, Result, find_program, is_root, run as run_command, shown},
};

/// A program that has to be on the machine.
struct Need {
    /// Looking for the program instead of its package lets a QEMU built from source count too.
    program: &'static str,
    debian: &'static str,
    fedora: &'static str,
    why: &'static str,
}

const NEEDS: &[Need] = &[
    Need {
        program: "qemu-system-x86_64",
        debian: "qemu-system-x86",
        fedora: "qemu-system-x86-core",
        why: "runs the guests",
    },
    Need { program: "qemu-img", debian: "qemu-utils", fedora: "qemu-img", why: "makes disk images" },
    Need {
        program: "mke2fs",
        debian: "e2fsprogs",
        fedora: "e2fsprogs",
        why: "makes file systems for the tests' disks",
    },
    Need { program: "ip", debian: "iproute2", fedora: "iproute", why: "brings the tests' networks up" },
    Need {
        program: "unshare",
        debian: "util-linux",
        fedora: "util-linux",
        why: "gives tests namespaces of their own",
    },
    Need {
        program: "virsh",
        debian: "libvirt-clients",
        fedora: "libvirt-client",
        why: "asks the daemon in tests, as its users do",
    },
    Need {
        program: "dnsmasq",
        debian: "dnsmasq-base",
        fedora: "dnsmasq",
        why: "gives guests of virtual networks addresses and names",
    },
    Need {
        program: "nft",
        debian: "nftables",
        fedora: "nftables",
        why: "lays the rules of virtual networks",
    },
    Need {
        program: "iptables",
        debian: "iptables",
        fedora: "iptables-nft",
        why: "lays the rules of virtual networks beside those of others",
    },
    Need { program: "ebtables", debian: "ebtables", fedora: "iptables-nft", why: "filters guests' frames" },
    Need { program: "xz", debian: "xz-utils", fedora: "xz", why: "unpacks compressed kernel modules" },
    Need { program: "zstd", debian: "zstd", fedora: "zstd", why: "unpacks compressed kernel modules" },
];

/// Packages that only Fedora needs: its own are unpacked with them.
const FEDORA_TOOLS: &[Need] =
    &[Need { program: "cpio", debian: "cpio", fedora: "cpio", why: "unpacks the guest's packages" }];

impl Need {
    fn is_met(&self) -> bool {
        find_program(self.program).is_some()
    }

    fn package(&self, distro: Distro) -> &'static str {
        match distro {
            Distro::Debian => self.debian,
            Distro::Fedora => self.fedora,
        }
    }
}

/// What is missing here.
struct Missing {
    distro: Distro,
    needs: Vec<&'static Need>,
    /// Without them the guest's kernel, busybox and agent cannot be fetched.
    lists: bool,
}

impl Missing {
    fn find() -> Result<Self> {
        let distro = Distro::detect()?;
        let tools = if distro == Distro::Fedora { FEDORA_TOOLS } else { &[] };
        let needs = NEEDS.iter().chain(tools).filter(|need| !need.is_met()).collect();
        Ok(Self { distro, needs, lists: distro.lists_changed().is_none() })
    }

    fn is_nothing(&self) -> bool {
        self.needs.is_empty() && !self.lists
    }

    fn packages(&self) -> Vec<&'static str> {
        self.needs.iter().map(|need| need.package(self.distro)).collect()
    }

    fn describe(&self) -> String {
        let mut text = String::new();
        for need in &self.needs {
            text += &format!("  {:<22} {}\n", need.package(self.distro), need.why);
        }
        if self.lists {
            text += &format!(
                "  {:<22} where to fetch the test guest's kernel, busybox and agent\n",
                "package lists"
            );
        }
        text
    }

    /// One shell line for root.
    fn command_line(&self) -> String {
        let mut steps: Vec<String> = self.distro.refresh().iter().map(shown).collect();
        if !self.needs.is_empty() {
            steps.push(shown(&self.distro.install(&self.packages()).0));
        }
        steps.join(" && ")
    }
}

/// The verb.
pub(crate) fn run(args: &mut Args) -> Result<()> {
    let check_only = args.flag("--check");
    args.end()?;
    if check_only { check() } else { ensure_verbosely() }
}

fn ensure_verbosely() -> Result<()> {
    let was_complete = ensure()?;
    if was_complete {
        println!("Every package that the project needs is there.");
    }
    println!(
        "The test guest's kernel, busybox and guest agent are fetched by `cargo xtask guest`, not installed."
    );
    Ok(())
}

/// Fails with what is missing and the command for root; changes nothing.
pub(crate) fn check() -> Result<()> {
    let missing = Missing::find()?;
    if missing.is_nothing() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "missing on this machine:\n{}Run as root:\n\n  {}\n",
        missing.describe(),
        missing.command_line()
    )))
}

/// Installs what is missing, as root; fails like [`check`] for anybody else. True if nothing was missing.
pub(crate) fn ensure() -> Result<bool> {
    let missing = Missing::find()?;
    if missing.is_nothing() {
        return Ok(true);
    }
    if !is_root() {
        return check().map(|()| true);
    }
    print!("Installing what the project needs:\n{}", missing.describe());
    if let Some(mut refresh) = missing.distro.refresh() {
        println!("+ {}", shown(&refresh));
        run_command(&mut refresh)?;
    }
    if !missing.needs.is_empty() {
        let (mut install, remarks) = missing.distro.install(&missing.packages());
        for remark in remarks {
            println!("{remark}");
        }
        println!("+ {}", shown(&install));
        run_command(install.stdin(std::process::Stdio::null()))?;
    }
    let left = Missing::find()?;
    if left.is_nothing() {
        Ok(false)
    } else {
        Err(Failure::new(format!("still missing:\n{}", left.describe())))
    }
}

/// The program that boots guests, for those who only want to know whether it is there.
pub(crate) fn qemu() -> Option<Command> {
    find_program("qemu-system-x86_64").map(Command::new)
}
