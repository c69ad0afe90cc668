//! From the text of a domain to its command line: no process, no file.

use std::hint::black_box;

use virt_core::conf::domain::Domain;
use virt_core::conf::{FormatFlags, ParseFlags};
use virt_core::qemu::config::Config;
use virt_core::qemu::host::Host;
use virt_core::qemu::plan::{self, Monitor};
use virt_core::qemu::planner;
use virt_core::qemu::prepare::{PrepareContext, PretendedPorts, prepare};
use virt_core::qemu::process::QemuBackend;

use crate::harness::{Table, Unit::Microseconds};
use crate::{Result, Setting};

/// A domain with the devices of a server, in about 10 kB.
pub(crate) const TEN_KILOBYTES: &str = include_str!("../../../fixtures/bench/ten-kilobytes.xml");

const WHOLE: &str = "parse + fill + validate + plan";
const PEER: &str = "libvirt, domxml-to-native";

pub(crate) fn run(setting: &mut Setting, table: &mut Table) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let config = Config::in_dir(&setting.dir.path("documents"));
    let backend = QemuBackend::new(config.clone(), Host::detect());
    let flags = ParseFlags::INACTIVE | ParseFlags::ABI_UPDATE;
    let first = Domain::parse(TEN_KILOBYTES, flags)?;
    let caps = runtime.block_on(backend.capabilities(&first))?;
    let host = backend.host();
    let cx = PrepareContext { caps: &caps, config: &config, host, processor: None };
    let mut warm_up = Table::default();
    let rounds = setting.samples * 10;
    for round in 0..rounds + 10 {
        let table = if round < 10 { &mut warm_up } else { &mut *table };
        let whole = std::time::Instant::now();
        let parse = || Domain::parse(black_box(TEN_KILOBYTES), flags);
        let mut domain = table.measure("parse", Microseconds, parse)?;
        let fill = || planner::complete(&mut domain, &caps, &config, host, flags);
        table.measure("fill + validate", Microseconds, fill)?;
        let mut live = table.measure("copy", Microseconds, || domain.clone());
        table.measure("prepare", Microseconds, || prepare(&mut live, &cx, &mut PretendedPorts))?;
        let plan = || plan::build(&live, &caps, &config, host, Monitor::Path);
        let plan = table.measure("plan", Microseconds, plan)?;
        black_box(table.measure("argv", Microseconds, || plan.argv()));
        table.time(WHOLE, Microseconds, whole.elapsed());
        let format = || domain.format(FormatFlags::INACTIVE | FormatFlags::SECURE);
        black_box(table.measure("format", Microseconds, format));
        if let Some(peer) = setting.peer.as_mut().filter(|_| round % 10 == 0) {
            table.time(PEER, Microseconds, peer.ask("native")?);
        }
    }
    println!("\nthe document: {} bytes", TEN_KILOBYTES.len());
    table.compare(WHOLE, PEER, 1.0);
    Ok(())
}
