//! What interfaces moved.

use std::path::Path;

use virt_conf::domain::Domain;
use virt_conf::domain::device::Interface;
use virt_driver::{DomainRef, InterfaceStats};
use virt_types::{Error, ErrorCode, ErrorDomain, MacAddr, Result, TypedParams};

use super::super::{QemuConnection, sides};

/// `virDomainInterfaceStats`
pub(super) async fn stats(
    connection: &QemuConnection,
    domain: &DomainRef,
    device: &str,
) -> Result<InterfaceStats> {
    let snapshot = connection.find(domain).await?.snapshot();
    let live = snapshot.live.as_ref().ok_or_else(sides::not_running)?;
    let interface = find(live, device).ok_or_else(|| {
        let detail = format!("'{device}' is not a known interface");
        Error::new(ErrorCode::InvalidArg, ErrorDomain::Domain, detail)
    })?;
    let name = interface.target.as_deref().ok_or_else(|| {
        Error::new(ErrorCode::InternalError, ErrorDomain::None, "Interface name not provided")
    })?;
    read(Path::new("/sys/class/net"), name).ok_or_else(|| {
        let detail = format!("/proc/net/dev: Interface '{name}' not found");
        Error::new(ErrorCode::InternalError, ErrorDomain::None, detail)
    })
}

/// The interface with this hardware address, or this name on the host.
pub(in crate::driver) fn find<'a>(domain: &'a Domain, device: &str) -> Option<&'a Interface> {
    let mac: Option<MacAddr> = device.parse().ok();
    let mut interfaces = domain.devices.interfaces.iter();
    match mac {
        Some(mac) => interfaces.find(|interface| interface.mac == Some(mac)),
        None => interfaces.find(|interface| interface.target.as_deref() == Some(device)),
    }
}

/// The kernel's counters, seen from the guest: what the host's end sends, the guest receives.
fn read(dir: &Path, name: &str) -> Option<InterfaceStats> {
    let counters = dir.join(name).join("statistics");
    let number = |counter: &str| {
        let text = std::fs::read_to_string(counters.join(counter)).ok()?;
        text.trim().parse::<i64>().ok()
    };
    Some(InterfaceStats {
        rx_bytes: number("tx_bytes")?,
        rx_packets: number("tx_packets")?,
        rx_errors: number("tx_errors")?,
        rx_drops: number("tx_dropped")?,
        tx_bytes: number("rx_bytes")?,
        tx_packets: number("rx_packets")?,
        tx_errors: number("rx_errors")?,
        tx_drops: number("rx_dropped")?,
    })
}

/// The fields of `virConnectGetAllDomainStats`.
pub(super) fn fields(live: &Domain, params: &mut TypedParams) {
    let interfaces = &live.devices.interfaces;
    params.push("net.count", u32::try_from(interfaces.len()).unwrap_or(u32::MAX));
    for (number, interface) in interfaces.iter().enumerate() {
        let Some(name) = &interface.target else { continue };
        params.push(format!("net.{number}.name"), name.clone());
        let Some(stats) = read(Path::new("/sys/class/net"), name) else { continue };
        for (field, value) in [
            ("rx.bytes", stats.rx_bytes),
            ("rx.pkts", stats.rx_packets),
            ("rx.errs", stats.rx_errors),
            ("rx.drop", stats.rx_drops),
            ("tx.bytes", stats.tx_bytes),
            ("tx.pkts", stats.tx_packets),
            ("tx.errs", stats.tx_errors),
            ("tx.drop", stats.tx_drops),
        ] {
            params.push(format!("net.{number}.{field}"), u64::try_from(value).unwrap_or_default());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_host_sends_the_guest_receives() {
        let dir = std::env::temp_dir().join(format!("virt-netstat-{}", std::process::id()));
        let counters = dir.join("tap0/statistics");
        std::fs::create_dir_all(&counters).unwrap();
        let all = ["bytes", "packets", "errors", "dropped"];
        for (number, counter) in all.iter().enumerate() {
            std::fs::write(counters.join(format!("rx_{counter}")), format!("{number}\n")).unwrap();
            std::fs::write(counters.join(format!("tx_{counter}")), format!("1{number}\n")).unwrap();
        }
        let stats = read(&dir, "tap0").unwrap();
        assert_eq!((stats.rx_bytes, stats.rx_drops, stats.tx_bytes, stats.tx_packets), (10, 13, 0, 1));
        assert_eq!(read(&dir, "tap1"), None);
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
