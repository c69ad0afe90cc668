//! What the pretended guest and its agent answer.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use virt_conf::domain::device::{DiskDevice, InterfaceSource};
use virt_driver::{DomainRef, FileSystemInfo, GuestAddress, GuestInterface, Guests};
use virt_types::{Error, ErrorCode, ErrorDomain, Result, TypedParams};

use super::Guest;
use crate::connection::{Answer, TestConnection};
use crate::error::{argument, invalid, invalid_arg};
use crate::flags::check;
use crate::host::Host;

/// The parameters of the pretended scheduler, which nothing changes.
pub(super) fn scheduler_parameters() -> TypedParams {
    let mut params = TypedParams::new();
    params.push("weight", 50u32);
    params
}

/// Refuses to read memory at an address of no kind, or of two.
pub(super) fn check_peek(flags: u32) -> Result<()> {
    match flags {
        1 | 2 => Ok(()),
        3 => {
            let detail = "Flags 'VIR_MEMORY_VIRTUAL' and 'VIR_MEMORY_PHYSICAL' are mutually exclusive";
            Err(Error::new(ErrorCode::InvalidArg, ErrorDomain::Domain, detail).verbatim())
        }
        _ => Err(invalid_arg("flags parameter must be VIR_MEMORY_VIRTUAL or VIR_MEMORY_PHYSICAL")),
    }
}

/// The guest's file systems.
const MOUNTS: [&str; 2] = ["/", "/boot"];

/// How many signals there are (`virDomainProcessSignal`).
const SIGNALS: u32 = 65;

impl Guest {
    /// Freezes or thaws file systems, all or these; answers how many changed.
    fn set_frozen(&mut self, mountpoints: &[String], frozen: bool) -> Result<u32> {
        let mut state = self.frozen;
        if mountpoints.is_empty() {
            state = [frozen; 2];
        }
        for mountpoint in mountpoints {
            let position = MOUNTS.iter().position(|mount| mount == mountpoint);
            state[position.ok_or_else(|| no_mount(mountpoint))?] = frozen;
        }
        let changed = state.iter().zip(self.frozen).filter(|(new, old)| **new != *old).count();
        self.frozen = state;
        Ok(changed as u32)
    }

    /// Two file systems on the first disk.
    fn file_systems(&self) -> Vec<FileSystemInfo> {
        let Some(disk) = self.live.devices.disks.iter().find(|disk| disk.device == DiskDevice::Disk) else {
            return Vec::new();
        };
        let system = |(number, mountpoint): (usize, &&str)| FileSystemInfo {
            mountpoint: (*mountpoint).to_owned(),
            name: format!("{}{}", disk.name(), number + 1),
            kind: "ext4".into(),
            disks: vec![disk.name().to_owned()],
        };
        MOUNTS.iter().enumerate().map(system).collect()
    }
}

fn no_mount(mountpoint: &str) -> Error {
    invalid(format!("mount point not found: {mountpoint}"))
}

impl Host {
    /// An address for each interface: in its network, or made up.
    fn interface_addresses(&mut self, domain: &DomainRef) -> Result<Vec<GuestInterface>> {
        let guest = self.running(domain)?;
        let id = guest.live.id.unwrap_or(1);
        let interfaces: Vec<_> = guest.live.devices.interfaces.clone();
        let mut found = Vec::new();
        for (position, interface) in (0u32..).zip(&interfaces) {
            let address = match &interface.source {
                InterfaceSource::Network { network, .. } => {
                    let offset = 20u32.wrapping_mul(id.wrapping_sub(1) as u32).wrapping_add(position + 1);
                    self.networks.guest_address(network, offset)?
                }
                _ => GuestAddress { family: 0, address: format!("192.168.0.{}", position + 1), prefix: 24 },
            };
            found.push(GuestInterface {
                name: interface.target.clone().unwrap_or_default(),
                mac: interface.mac.map(|mac| mac.to_string()),
                addresses: vec![address],
            });
        }
        Ok(found)
    }
}

/// The address so many places after another; IPv6 addresses count in their last byte.
pub(crate) fn address_after(address: IpAddr, offset: u32) -> IpAddr {
    match address {
        IpAddr::V4(address) => Ipv4Addr::from(u32::from(address).wrapping_add(offset)).into(),
        IpAddr::V6(address) => {
            let mut bytes = address.octets();
            bytes[15] = bytes[15].wrapping_add(offset as u8);
            Ipv6Addr::from(bytes).into()
        }
    }
}

impl Guests for TestConnection {
    fn set_user_password<'a>(
        &'a self,
        domain: &'a DomainRef,
        _user: &'a str,
        _password: &'a str,
        flags: u32,
    ) -> Answer<'a, ()> {
        self.answer(|host| {
            check(flags, 0x1, "testDomainSetUserPassword")?;
            host.running(domain).map(drop)
        })
    }

    fn freeze<'a>(&'a self, domain: &'a DomainRef, mountpoints: &'a [String], flags: u32) -> Answer<'a, u32> {
        self.answer(|host| {
            check(flags, 0, "testDomainFSFreeze")?;
            host.running(domain)?.set_frozen(mountpoints, true)
        })
    }

    fn thaw<'a>(&'a self, domain: &'a DomainRef, mountpoints: &'a [String], flags: u32) -> Answer<'a, u32> {
        self.answer(|host| {
            check(flags, 0, "testDomainFSThaw")?;
            host.running(domain)?.set_frozen(mountpoints, false)
        })
    }

    fn trim<'a>(
        &'a self,
        domain: &'a DomainRef,
        mountpoint: Option<&'a str>,
        _minimum: u64,
        flags: u32,
    ) -> Answer<'a, ()> {
        self.answer(|host| {
            check(flags, 0, "testDomainFSTrim")?;
            host.running(domain)?;
            match mountpoint {
                Some(mountpoint) if !MOUNTS.contains(&mountpoint) => Err(no_mount(mountpoint)),
                _ => Ok(()),
            }
        })
    }

    fn file_systems<'a>(&'a self, domain: &'a DomainRef, flags: u32) -> Answer<'a, Vec<FileSystemInfo>> {
        self.answer(|host| {
            check(flags, 0, "testDomainGetFSInfo")?;
            Ok(host.running(domain)?.file_systems())
        })
    }

    fn interface_addresses<'a>(
        &'a self,
        domain: &'a DomainRef,
        source: u32,
        flags: u32,
    ) -> Answer<'a, Vec<GuestInterface>> {
        self.answer(|host| {
            check(flags, 0, "testDomainInterfaceAddresses")?;
            if source > 2 {
                return Err(argument(format!("Unknown IP address data source {source}")));
            }
            host.interface_addresses(domain)
        })
    }

    fn send_signal<'a>(&'a self, domain: &'a DomainRef, pid: i64, signal: u32, flags: u32) -> Answer<'a, ()> {
        self.answer(|host| {
            check(flags, 0, "testDomainSendProcessSignal")?;
            if pid != 1 {
                return Err(invalid_arg("only sending a signal to pid 1 is supported"));
            }
            if signal >= SIGNALS {
                return Err(invalid_arg(format!("signum value {signal} is out of range")));
            }
            host.guest(domain).map(drop)
        })
    }

    fn launch_security<'a>(&'a self, _domain: &'a DomainRef, flags: u32) -> Answer<'a, TypedParams> {
        self.answer(|_| {
            check(flags, 0, "testDomainGetLaunchSecurityInfo")?;
            Ok(TypedParams::new())
        })
    }
}
