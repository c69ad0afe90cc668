//! Virtual CPUs of domains: how many, and where they may run.

use virt_conf::common::Bitmap;
use virt_conf::domain::{Domain, Vcpus};
use virt_driver::{DomainRef, VcpuInfo};
use virt_types::{Error, ErrorCode, ErrorDomain, Impact, Result};

use super::Guest;
use crate::error::{invalid, invalid_arg};
use crate::host::{Host, now};

/// `VIR_DOMAIN_VCPU_MAXIMUM`
const MAXIMUM: u32 = 0x4;

/// The most virtual CPUs that a domain may have.
pub(crate) const MAX_VCPUS: u32 = 32;

/// A set as little endian bits, as long as the highest number asks.
pub(super) fn to_map(set: &Bitmap) -> Vec<u8> {
    let mut map = vec![0; set.iter().last().map_or(0, |last| last as usize / 8 + 1)];
    set.iter().for_each(|number| map[number as usize / 8] |= 1 << (number % 8));
    map
}

/// The set in little endian bits.
pub(super) fn from_map(map: &[u8]) -> Bitmap {
    let bits = (0u32..)
        .zip(map)
        .flat_map(|(at, byte)| (0..8).filter(move |bit| byte & (1 << bit) != 0).map(move |bit| at * 8 + bit));
    Bitmap(bits.collect())
}

/// The numbers below a limit.
pub(super) fn below(limit: u32) -> Bitmap {
    Bitmap((0..limit).collect())
}

/// Brings so many CPUs of a configuration online.
fn set_online(vcpus: &mut Vcpus, count: u32) -> Result<()> {
    if count > vcpus.max {
        let detail = "maximum vCPU count must not be less than current vCPU count";
        return Err(Error::new(ErrorCode::ConfigUnsupported, ErrorDomain::Domain, detail));
    }
    vcpus.current = count;
    if let Some(individual) = &mut vcpus.individual {
        for id in 0..vcpus.max {
            individual.entry(id).or_default().online = id < count;
        }
    }
    Ok(())
}

/// Changes how many CPUs a configuration can have; new ones are offline.
fn set_max(config: &mut Domain, max: u32) {
    let online = config.vcpus.online_count();
    config.vcpus.max = max;
    config.vcpus.current = online.min(max);
    if let Some(individual) = &mut config.vcpus.individual {
        individual.retain(|id, _| *id < max);
    }
    config.cputune.vcpu_pins.retain(|id, _| *id < max);
    config.cputune.vcpu_schedulers.retain(|id, _| *id < max);
}

/// Where a CPU of a configuration may run.
fn affinity<'a>(config: &'a Domain, vcpu: u32, all: &'a Bitmap) -> &'a Bitmap {
    config.cputune.vcpu_pins.get(&vcpu).or(config.vcpus.cpuset.as_ref()).unwrap_or(all)
}

fn exceeds(count: u32, max: u32) -> Error {
    invalid_arg(format!("requested cpu amount exceeds maximum ({count} > {max})"))
}

impl Guest {
    pub(super) fn vcpus(&mut self, flags: u32) -> Result<u32> {
        let vcpus = &self.config(Impact::from_bits_truncate(flags))?.0.vcpus;
        Ok(if flags & MAXIMUM == 0 { vcpus.online_count() } else { vcpus.max })
    }

    fn vcpu_infos(&self, all: &Bitmap) -> Result<Vec<VcpuInfo>> {
        if !self.is_active() {
            return Err(invalid("cannot list vcpus for an inactive domain"));
        }
        let vcpus = &self.live.vcpus;
        let info = |number| {
            if !vcpus.is_online(number) {
                return VcpuInfo { number: 0, state: 0, cpu_time: 0, cpu: 0, cpu_map: Vec::new() };
            }
            let set = affinity(&self.live, number, all);
            VcpuInfo {
                number,
                state: 1,
                cpu_time: now() / 10,
                cpu: set.iter().last().map_or(-1, |cpu| cpu as i32),
                cpu_map: to_map(set),
            }
        };
        Ok((0..vcpus.online_count()).map(info).collect())
    }

    fn vcpu_pins(&mut self, impact: Impact, all: &Bitmap) -> Result<Vec<Vec<u8>>> {
        let config = &*self.config(impact)?.0;
        Ok((0..config.vcpus.max).map(|vcpu| to_map(affinity(config, vcpu, all))).collect())
    }

    pub(super) fn pin_vcpu(&mut self, vcpu: u32, map: &[u8]) -> Result<()> {
        if !self.is_active() {
            return Err(invalid("cannot pin vcpus on an inactive domain"));
        }
        if !self.live.vcpus.is_online(vcpu) {
            return Err(invalid_arg(format!("requested vcpu '{vcpu}' is not present in the domain")));
        }
        self.live.cputune.vcpu_pins.insert(vcpu, from_map(map));
        Ok(())
    }

    pub(super) fn pin_emulator(&mut self, map: &[u8], impact: Impact) -> Result<()> {
        let config = self.config(impact)?.0;
        let set = from_map(map);
        if set.is_empty() {
            return Err(invalid_arg("Empty cpu list for pinning"));
        }
        config.cputune.emulator_pin = Some(set);
        Ok(())
    }
}

impl Host {
    /// Every processor of the host.
    fn all_cpus(&self) -> Bitmap {
        below(self.node.max_cpus())
    }

    pub(super) fn set_vcpus(&mut self, domain: &DomainRef, count: u32, flags: u32) -> Result<()> {
        if count > MAX_VCPUS {
            let detail =
                format!("requested cpu amount exceeds maximum supported amount ({count} > {MAX_VCPUS})");
            return Err(invalid_arg(detail));
        }
        let maximum = flags & MAXIMUM != 0;
        let (live, config) = self.guest(domain)?.configs(Impact::from_bits_truncate(flags))?;
        if let Some(live) = live.as_ref().filter(|live| live.vcpus.max < count) {
            return Err(exceeds(count, live.vcpus.max));
        }
        if let Some(config) = config.as_ref().filter(|config| !maximum && config.vcpus.max < count) {
            return Err(exceeds(count, config.vcpus.max));
        }
        if let Some(live) = live {
            set_online(&mut live.vcpus, count)?;
        }
        match config {
            Some(config) if maximum => set_max(config, count),
            Some(config) => set_online(&mut config.vcpus, count)?,
            None => {}
        }
        Ok(())
    }

    pub(super) fn vcpu_infos(&mut self, domain: &DomainRef) -> Result<Vec<VcpuInfo>> {
        let all = self.all_cpus();
        self.guest(domain)?.vcpu_infos(&all)
    }

    pub(super) fn vcpu_pins(&mut self, domain: &DomainRef, impact: Impact) -> Result<Vec<Vec<u8>>> {
        let all = self.all_cpus();
        self.guest(domain)?.vcpu_pins(impact, &all)
    }

    pub(super) fn emulator_pin(&mut self, domain: &DomainRef, impact: Impact) -> Result<Vec<u8>> {
        let all = self.all_cpus();
        let config = &*self.guest(domain)?.config(impact)?.0;
        let pin = config.cputune.emulator_pin.as_ref().or(config.vcpus.cpuset.as_ref());
        Ok(to_map(pin.unwrap_or(&all)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_sets() {
        for (text, map) in [("0-2,8", vec![0b111, 1]), ("15", vec![0, 0x80]), ("0", vec![1])] {
            let set: Bitmap = text.parse().unwrap();
            assert_eq!(to_map(&set), map);
            assert_eq!(from_map(&map), set);
        }
        assert!(to_map(&Bitmap::default()).is_empty());
    }
}
