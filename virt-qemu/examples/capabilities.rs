//! Tells what this host can do: `cargo run -p virt-qemu --example capabilities -- DIR [host | TYPE MACHINE [ARCH]]`.
//!
//! `DIR` is where the engine keeps what it finds out; without more, or with `host`, the host's capabilities are told, else
//! those of domains.
#![allow(clippy::print_stdout, reason = "an example that tells something")]

use virt_driver::{Connection, Hypervisor};
use virt_qemu::driver::{Directories, QemuConnection};

#[tokio::main]
async fn main() -> virt_types::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let argument = |at: usize| arguments.get(at).map(String::as_str);
    let root = argument(0).unwrap_or("/tmp/virt-capabilities");
    let connection = QemuConnection::open(Directories::Root(root.into()), "qemu:///embed".to_owned()).await?;
    let document = match argument(1) {
        None | Some("host") => connection.capabilities().await?,
        virt_type => connection.domain_capabilities(None, argument(3), argument(2), virt_type, 0).await?,
    };
    print!("{document}");
    connection.close().await;
    Ok(())
}
