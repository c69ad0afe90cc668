//! A server of files beside QEMU, and the device through which the guest reaches it.

use std::path::PathBuf;

use virt_conf::domain::device::Filesystem;
use virt_types::Result;

use crate::device::common::virtio::{self, Revision};
use crate::device::common::{address, vhost_user_chardev};
use crate::plan::{Companion, DevicePlan, HostNeed, Part, PlanContext, Program, keyval};

pub(super) fn plan(filesystem: &Filesystem, cx: &PlanContext<'_>) -> Result<DevicePlan> {
    let mut plan = DevicePlan::default();
    let alias = filesystem.info.alias.clone().unwrap_or_default();
    let chardev = vhost_user_chardev(&alias);
    let socket = match filesystem.source.socket() {
        Some(socket) => PathBuf::from(socket),
        None => {
            let socket = cx.domain_dir().join(format!("{alias}-fs.sock"));
            plan.needs.push(HostNeed::Companion(Companion {
                device: alias.clone(),
                socket: socket.clone(),
                program: Program::Virtiofsd {
                    binary: filesystem.virtiofs.binary.clone(),
                    arguments: server_arguments(filesystem),
                },
            }));
            socket
        }
    };
    let path = keyval(&socket.to_string_lossy());
    plan.parts.push(Part::Chardev(format!("socket,id={chardev},path={path}")));
    let queue = Some(filesystem.virtiofs.queue_size).filter(|entries| *entries > 0);
    let props = virtio::props("vhost-user-fs", Revision::Any, &filesystem.info, &filesystem.virtio)?
        .str("id", alias)
        .str("chardev", chardev)
        .opt_u64("queue-size", queue)
        .opt_str("tag", filesystem.target.clone())
        .opt_u64("bootindex", filesystem.info.boot_order)
        .extend(address::props(cx.domain, &filesystem.info)?);
    plan.device(&filesystem.info, props);
    Ok(plan)
}

/// The server's arguments, but for the descriptor that it listens on.
fn server_arguments(filesystem: &Filesystem) -> Vec<String> {
    let settings = &filesystem.virtiofs;
    let mut options = format!("source={}", keyval(filesystem.source.path().unwrap_or_default()));
    if let Some(cache) = settings.cache {
        options.push_str(&format!(",cache={cache}"));
    }
    if let Some(sandbox) = settings.sandbox {
        options.push_str(&format!(",sandbox={sandbox}"));
    }
    for (name, value) in
        [("xattr", settings.xattr), ("flock", settings.flock), ("posix_lock", settings.posix_lock)]
    {
        match value {
            Some(true) => options.push_str(&format!(",{name}")),
            Some(false) => options.push_str(&format!(",no_{name}")),
            None => {}
        }
    }
    let mut arguments = vec!["-o".to_owned(), options];
    if let Some(size) = settings.thread_pool_size {
        arguments.push(format!("--thread-pool-size={size}"));
    }
    arguments
}
