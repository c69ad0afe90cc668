//! Interfaces of domains: bandwidth and statistics.

use virt_conf::common::bandwidth::{Bandwidth, Rate};
use virt_conf::domain::Domain;
use virt_conf::domain::device::Interface;
use virt_driver::InterfaceStats;
use virt_types::{Impact, MacAddr, Result, TypedParams};

use super::{Guest, config_argument};
use crate::host::now;
use crate::params::{self, Kind};

const PARAMETERS: [(&str, Kind); 7] = [
    ("inbound.average", Kind::UInt),
    ("inbound.peak", Kind::UInt),
    ("inbound.burst", Kind::UInt),
    ("inbound.floor", Kind::UInt),
    ("outbound.average", Kind::UInt),
    ("outbound.peak", Kind::UInt),
    ("outbound.burst", Kind::UInt),
];

/// Refuses parameters that are no bandwidth.
pub(super) fn check_parameters(params: &TypedParams) -> Result<()> {
    params::check(params, &PARAMETERS)
}

/// The interface with this address, or this link on the host.
fn find<'a>(config: &'a mut Domain, device: &str) -> Result<&'a mut Interface> {
    let mac: Option<MacAddr> = device.parse().ok();
    let is = |interface: &&mut Interface| match mac {
        Some(_) => interface.mac == mac,
        None => interface.target.as_deref() == Some(device),
    };
    let found = config.devices.interfaces.iter_mut().find(is);
    found.ok_or_else(|| config_argument(format!("'{device}' is not a known interface")))
}

impl Guest {
    pub(super) fn interface_parameters(&mut self, device: &str, impact: Impact) -> Result<TypedParams> {
        let interface = find(self.config(impact)?.0, device)?;
        let bandwidth = interface.bandwidth.unwrap_or_default();
        let (inbound, outbound) =
            (bandwidth.inbound.unwrap_or_default(), bandwidth.outbound.unwrap_or_default());
        let values = [
            inbound.average,
            inbound.peak,
            inbound.burst,
            inbound.floor,
            outbound.average,
            outbound.peak,
            outbound.burst,
        ];
        let mut params = TypedParams::new();
        for ((field, _), value) in PARAMETERS.iter().zip(values) {
            params.push(*field, value as u32);
        }
        Ok(params)
    }

    pub(super) fn set_interface_parameters(
        &mut self,
        device: &str,
        params: &TypedParams,
        impact: Impact,
    ) -> Result<()> {
        let interface = find(self.config(impact)?.0, device)?;
        let [average, peak, burst, floor, out_average, out_peak, out_burst] =
            PARAMETERS.map(|(field, _)| params::unsigned(params, field));
        let rate = |average: Option<u64>, peak: Option<u64>, burst: Option<u64>, floor: Option<u64>| {
            let value = Option::unwrap_or_default;
            let rate =
                Rate { average: value(average), peak: value(peak), burst: value(burst), floor: value(floor) };
            (rate.average > 0 || rate.floor > 0).then_some(rate)
        };
        let inbound = rate(average, peak, burst, floor);
        let outbound = rate(out_average, out_peak, out_burst, None);
        let current = interface.bandwidth.get_or_insert_with(Bandwidth::default);
        // An average of zero takes the limit away; without one it stays.
        if inbound.is_some() || average.is_some() || floor.is_some() {
            current.inbound = inbound;
        }
        if outbound.is_some() || out_average.is_some() {
            current.outbound = outbound;
        }
        Ok(())
    }

    pub(super) fn interface_stats(&mut self, device: &str) -> Result<InterfaceStats> {
        find(&mut self.live, device)?;
        let base = now() as i64;
        Ok(InterfaceStats {
            rx_bytes: base / 10,
            rx_packets: base / 100,
            rx_errors: base / 1_000_000,
            rx_drops: base / 2_000_000,
            tx_bytes: base / 20,
            tx_packets: base / 110,
            tx_errors: base / 3_000_000,
            tx_drops: base / 4_000_000,
        })
    }
}
