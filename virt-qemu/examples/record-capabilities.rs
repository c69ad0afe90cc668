//! Asks the installed QEMU what it can do and writes it down as the host of the fixtures, `fixtures/host/`.
//!
//! ```sh
//! cargo run -p virt-qemu --example record-capabilities
//! ```

use std::error::Error;
use std::fs;
use std::path::Path;

use virt_qemu::caps::cache::Cache;
use virt_qemu::caps::{Cap, Capabilities};

const BINARY: &str = "/usr/bin/qemu-system-x86_64";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut capabilities = Capabilities::clone(&*Cache::new(None).get(BINARY).await?);
    // Whether KVM can be used is a matter of the machine that records.
    capabilities.kvm = None;
    capabilities.caps.remove(&Cap::Kvm);
    let text = serde_json::to_string_pretty(&capabilities)?;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/host/qemu-system-x86_64.json");
    Ok(fs::write(file, text + "\n")?)
}
