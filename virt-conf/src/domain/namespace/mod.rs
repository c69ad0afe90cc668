//! Elements of the drivers' own namespaces. A document keeps those of the driver that its type names.

mod lxc;
mod qemu;

use virt_xml::{Element, Writer};

pub use lxc::{LxcNamespace, LxcShare, LxcShareType};
pub use qemu::{QemuDeviceOverride, QemuEnv, QemuNamespace, QemuOverrideKind, QemuProperty};

use super::VirtType;
use crate::Result;
use crate::error::internal;

/// What a domain has of its driver's namespace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Namespace {
    /// Nothing.
    #[default]
    None,
    /// `xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'`
    Qemu(Box<QemuNamespace>),
    /// `xmlns:lxc='http://libvirt.org/schemas/domain/lxc/1.0'`
    Lxc(LxcNamespace),
    /// `xmlns:xen='http://libvirt.org/schemas/domain/xen/1.0'`: arguments of the device model.
    Xen(Vec<String>),
    /// `xmlns:bhyve='http://libvirt.org/schemas/domain/bhyve/1.0'`: arguments of the command line.
    Bhyve(Vec<String>),
}

const XEN: (&str, &str) = ("xen", "http://libvirt.org/schemas/domain/xen/1.0");
const BHYVE: (&str, &str) = ("bhyve", "http://libvirt.org/schemas/domain/bhyve/1.0");

impl Namespace {
    pub(super) fn parse(domain: Element<'_>, virt_type: VirtType) -> Result<Self> {
        Ok(match virt_type {
            VirtType::Qemu | VirtType::Kvm | VirtType::Hvf | VirtType::Kqemu => {
                let qemu = QemuNamespace::parse(domain)?;
                if qemu == QemuNamespace::default() { Self::None } else { Self::Qemu(Box::new(qemu)) }
            }
            VirtType::Lxc => {
                let lxc = LxcNamespace::parse(domain)?;
                if lxc == LxcNamespace::default() { Self::None } else { Self::Lxc(lxc) }
            }
            VirtType::Xen => some(command_line(domain, XEN)?, Self::Xen),
            VirtType::Bhyve => some(command_line(domain, BHYVE)?, Self::Bhyve),
            VirtType::None
            | VirtType::Uml
            | VirtType::Openvz
            | VirtType::Test
            | VirtType::Vmware
            | VirtType::Hyperv
            | VirtType::Vbox
            | VirtType::Phyp
            | VirtType::Parallels
            | VirtType::Vz => Self::None,
        })
    }

    /// What QEMU's namespace says; nothing for other drivers.
    #[must_use]
    pub fn qemu(&self) -> Option<&QemuNamespace> {
        match self {
            Self::Qemu(qemu) => Some(qemu),
            Self::None | Self::Lxc(_) | Self::Xen(_) | Self::Bhyve(_) => None,
        }
    }

    /// The declaration that the root element carries.
    pub(super) fn format_declaration(&self, w: &mut Writer) {
        let (prefix, uri) = match self {
            Self::None => return,
            Self::Qemu(_) => (qemu::PREFIX, qemu::URI),
            Self::Lxc(_) => (lxc::PREFIX, lxc::URI),
            Self::Xen(_) => XEN,
            Self::Bhyve(_) => BHYVE,
        };
        w.attr(&format!("xmlns:{prefix}"), uri);
    }

    pub(super) fn format(&self, w: &mut Writer) {
        match self {
            Self::None => {}
            Self::Qemu(qemu) => qemu.format(w),
            Self::Lxc(lxc) => lxc.format(w),
            Self::Xen(args) => format_command_line(w, XEN.0, args),
            Self::Bhyve(args) => format_command_line(w, BHYVE.0, args),
        }
    }
}

fn some(args: Vec<String>, namespace: impl Fn(Vec<String>) -> Namespace) -> Namespace {
    if args.is_empty() { Namespace::None } else { namespace(args) }
}

/// The child elements of this name in a namespace.
fn children<'a>(el: Element<'a>, uri: &'a str, name: &'a str) -> impl Iterator<Item = Element<'a>> {
    el.children_in_namespace(uri).filter(move |child| child.name() == name)
}

fn command_line(domain: Element<'_>, (prefix, uri): (&'static str, &'static str)) -> Result<Vec<String>> {
    let args = children(domain, uri, "commandline").flat_map(|el| children(el, uri, "arg"));
    args.map(|arg| {
        let missing = format!("No {prefix} command-line argument specified");
        arg.attr("value").map(str::to_owned).ok_or_else(|| internal(missing).at(arg.place()))
    })
    .collect()
}

fn format_command_line(w: &mut Writer, prefix: &str, args: &[String]) {
    w.element(&format!("{prefix}:commandline"), |w| {
        for arg in args {
            w.element(&format!("{prefix}:arg"), |w| w.attr("value", arg));
        }
    });
}

grammar! {
    pub(super) GRAMMAR = [With(qemu::GRAMMAR), With(lxc::GRAMMAR), With(OTHER)];
    OTHER = [
        Opt("xen:commandline", &[Many("xen:arg", &[Must("value", Str)])]),
        Opt("bhyve:commandline", &[Many("bhyve:arg", &[Must("value", Str)]), Many("bhyve:env", &[Must("name", Str), Attr("value", Str)])]),
    ];
}
