//! The calls on the connection and its host.

use virt_cpu::Description;
use virt_driver::{Hypervisor, NodeCpuMap, NodeInfo, NodeStat, SecurityModel};
use virt_types::{Arch, Result, TextEnum};

use crate::connection::{Answer, TestConnection};
use crate::domain::MAX_VCPUS;
use crate::error::invalid_arg;
use crate::flags::check;
use crate::node::SECURITY_MODEL;

/// The driver's version: it has been 2 ever since.
const VERSION: u64 = 2;

/// The version of libvirt whose behaviour this is.
const LIB_VERSION: u64 = 9_000_000;

const SYSINFO: &str = "\
<sysinfo type='smbios'>
  <bios>
    <entry name='vendor'>LENOVO</entry>
    <entry name='version'>G4ETA1WW (2.61 )</entry>
    <entry name='date'>05/07/2014</entry>
    <entry name='release'>2.61</entry>
  </bios>
</sysinfo>
";

/// CPU time of the pretended processors, nanoseconds.
const CPU_TIMES: [(&str, u64); 4] = [
    ("user", 9_797_400_000),
    ("kernel", 34_678_723_400_000),
    ("idle", 87_264_900_000),
    ("iowait", 763_600_000),
];

/// File descriptors, texts as typed parameters, and the right order of the arguments of `virNetworkUpdate`
/// (`VIR_DRV_FEATURE_…`).
const FEATURES: [i32; 3] = [8, 9, 16];

/// `VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES`
const EXPAND_FEATURES: u32 = 0x1;

/// The best CPU that all these can be, as a document.
fn baseline(xmls: &[String], expand: bool) -> Result<String> {
    let cpus = xmls.iter().map(|xml| Description::parse_host(xml)).collect::<Result<Vec<_>>>()?;
    let arch = cpus.first().map_or(Arch::None, |first| first.arch);
    let mut cpu = virt_cpu::baseline(arch, &cpus, false)?;
    if expand {
        virt_cpu::expand(arch, &mut cpu)?;
    }
    Ok(cpu.to_xml())
}

/// How many pages there are of each of `sizes` kinds in each of `count` cells: made up, the same for the same places.
fn free_pages(sizes: usize, start: i32, count: u32) -> Vec<u64> {
    let cell = |cell: u32| {
        let seed = start.wrapping_add_unsigned(cell).wrapping_mul(6);
        let next = |figure: &i32| Some(figure.wrapping_mul(2).wrapping_add(7));
        std::iter::successors(next(&seed), next).take(sizes).map(|figure| i64::from(figure) as u64)
    };
    (0..count).flat_map(cell).collect()
}

/// The memory of `count` cells from `start` on, KiB.
fn cells_memory(cells: &[u64], start: i32, count: i32) -> Result<Vec<u64>> {
    let out_of_range = || invalid_arg("Range exceeds available cells");
    let start = usize::try_from(start).map_err(|_| out_of_range())?;
    if start >= cells.len() {
        return Err(out_of_range());
    }
    Ok(cells[start..].iter().copied().take(usize::try_from(count).unwrap_or(0)).collect())
}

impl Hypervisor for TestConnection {
    fn type_name(&self) -> Answer<'_, String> {
        self.answer(|_| Ok("TEST".to_owned()))
    }

    fn version(&self) -> Answer<'_, u64> {
        self.answer(|_| Ok(VERSION))
    }

    fn lib_version(&self) -> Answer<'_, u64> {
        self.answer(|_| Ok(LIB_VERSION))
    }

    fn hostname(&self) -> Answer<'_, String> {
        self.answer(|_| Ok(rustix::system::uname().nodename().to_string_lossy().into_owned()))
    }

    fn uri(&self) -> Answer<'_, String> {
        let uri = self.canonical_uri().to_owned();
        self.answer(|_| Ok(uri))
    }

    fn capabilities(&self) -> Answer<'_, String> {
        self.answer(|host| Ok(host.node.capabilities()))
    }

    fn sysinfo(&self, flags: u32) -> Answer<'_, String> {
        self.answer(|_| {
            check(flags, 0, "testConnectGetSysinfo")?;
            Ok(SYSINFO.to_owned())
        })
    }

    fn max_vcpus<'a>(&'a self, _virt_type: Option<&'a str>) -> Answer<'a, u32> {
        self.answer(|_| Ok(MAX_VCPUS))
    }

    fn node_info(&self) -> Answer<'_, NodeInfo> {
        self.answer(|host| Ok(host.node.info.clone()))
    }

    fn free_memory(&self) -> Answer<'_, u64> {
        self.answer(|host| Ok(host.node.cells.iter().map(|cell| cell.free).sum()))
    }

    fn is_alive(&self) -> Answer<'_, bool> {
        self.answer(|_| Ok(true))
    }

    fn is_encrypted(&self) -> Answer<'_, bool> {
        self.answer(|_| Ok(false))
    }

    fn is_secure(&self) -> Answer<'_, bool> {
        self.answer(|_| Ok(true))
    }

    fn supports_feature(&self, feature: i32) -> Answer<'_, bool> {
        self.answer(|_| Ok(FEATURES.contains(&feature)))
    }

    fn cpu_models<'a>(&'a self, arch: &'a str, flags: u32) -> Answer<'a, Vec<String>> {
        self.answer(|_| {
            check(flags, 0, "testConnectGetCPUModelNames")?;
            let found = Arch::from_text(arch).filter(|found| *found != Arch::None);
            let found = found.ok_or_else(|| invalid_arg(format!("cannot find architecture {arch}")))?;
            Ok(virt_cpu::models(found)?.into_iter().map(str::to_owned).collect())
        })
    }

    fn baseline_cpu<'a>(&'a self, xmls: &'a [String], flags: u32) -> Answer<'a, String> {
        self.answer(|_| {
            check(flags, EXPAND_FEATURES, "testConnectBaselineCPU")?;
            baseline(xmls, flags & EXPAND_FEATURES != 0)
        })
    }

    fn cpu_stats(&self, _cpu: i32, flags: u32) -> Answer<'_, Vec<NodeStat>> {
        self.answer(|_| {
            check(flags, 0, "testNodeGetCPUStats")?;
            Ok(CPU_TIMES.map(|(field, value)| NodeStat { field: field.into(), value }).to_vec())
        })
    }

    fn cells_free_memory(&self, start: i32, count: i32) -> Answer<'_, Vec<u64>> {
        self.answer(|host| {
            let cells: Vec<u64> = host.node.cells.iter().map(|cell| cell.memory).collect();
            cells_memory(&cells, start, count)
        })
    }

    fn free_pages<'a>(
        &'a self,
        sizes: &'a [u32],
        start: i32,
        count: u32,
        flags: u32,
    ) -> Answer<'a, Vec<u64>> {
        self.answer(|_| {
            check(flags, 0, "testNodeGetFreePages")?;
            Ok(free_pages(sizes.len(), start, count))
        })
    }

    fn cpu_map(&self, flags: u32) -> Answer<'_, NodeCpuMap> {
        self.answer(|_| {
            check(flags, 0, "testNodeGetCPUMap")?;
            Ok(NodeCpuMap { present: 8, online: 3, map: vec![0b1_0101] })
        })
    }

    fn security_model(&self) -> Answer<'_, SecurityModel> {
        self.answer(|_| Ok(SecurityModel { model: SECURITY_MODEL.to_owned(), doi: String::new() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_follow_from_the_places() {
        assert_eq!(free_pages(2, 0, 2), [7, 21, 19, 45]);
        assert_eq!(cells_memory(&[1, 2, 3], 1, 5).unwrap(), [2, 3]);
        assert!(cells_memory(&[1], 1, 1).is_err() && cells_memory(&[1], -1, 1).is_err());
    }
}
