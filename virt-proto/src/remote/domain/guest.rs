// tidy: table
//! The guest behind the machine: consoles, screens, keys, its agent.

use virt_types::TypedParams;

use crate::remote::{
    DOMAIN_AUTHORIZED_SSH_KEYS_MAX, DOMAIN_FSFREEZE_MOUNTPOINTS_MAX, DOMAIN_FSINFO_DISKS_MAX,
    DOMAIN_FSINFO_MAX, DOMAIN_GUEST_INFO_PARAMS_MAX, DOMAIN_INTERFACE_MAX, DOMAIN_IP_ADDR_MAX,
    DOMAIN_SEND_KEY_MAX, Domain, PROGRAM,
};
use crate::table::procedures;
use crate::xdr::xdr_struct;

xdr_struct! {
    /// A file system that a guest has mounted.
    DomainFsinfo {
        mountpoint: String, name: String, fstype: String, dev_aliases: Vec<String>[DOMAIN_FSINFO_DISKS_MAX],
    }

    /// An address of a network card.
    DomainIpAddr { kind: i32, addr: String, prefix: u32 }

    /// A network card and its addresses.
    DomainInterface { name: String, hwaddr: Option<String>, addrs: Vec<DomainIpAddr>[DOMAIN_IP_ADDR_MAX] }
}

procedures! { PROGRAM:
    /// Opens a console of a running domain.
    201 DomainOpenConsole "virDomainOpenConsole" {
        args DomainOpenConsoleArgs { dom: Domain, dev_name: Option<String>, flags: u32 }
        stream Both
        access [Domain.open_device]
        since "<=1.2.7"
    }

    /// Sends the guest a non-maskable interrupt.
    210 DomainInjectNmi "virDomainInjectNMI" {
        args DomainInjectNmiArgs { dom: Domain, flags: u32 }
        access [Domain.inject_nmi]
        since "<=1.2.7"
    }

    /// Sends a picture of a screen of the guest.
    211 DomainScreenshot "virDomainScreenshot" {
        args DomainScreenshotArgs { dom: Domain, screen: u32, flags: u32 }
        reply DomainScreenshotRet { mime: Option<String> }
        stream Read
        access [Domain.screenshot]
        since "<=1.2.7"
    }

    /// Presses keys of the guest's keyboard.
    226 DomainSendKey "virDomainSendKey" {
        args DomainSendKeyArgs {
            dom: Domain, codeset: u32, holdtime: u32, keycodes: Vec<u32>[DOMAIN_SEND_KEY_MAX], flags: u32,
        }
        access [Domain.send_input]
        since "<=1.2.7"
    }

    /// Connects the descriptor that comes with the call to a graphics server of the domain.
    249 DomainOpenGraphics "virDomainOpenGraphics" {
        args DomainOpenGraphicsArgs { dom: Domain, idx: u32, flags: u32 }
        descriptors Call
        access [Domain.open_graphics]
        since "<=1.2.7"
    }

    /// The guest's host name.
    277 DomainGetHostname "virDomainGetHostname" {
        args DomainGetHostnameArgs { dom: Domain, flags: u32 }
        reply DomainGetHostnameRet { hostname: String }
        access [Domain.write]
        since "<=1.2.7"
    }

    /// Asks the guest to give free space of its file systems back.
    294 DomainFstrim "virDomainFSTrim" {
        args DomainFstrimArgs { dom: Domain, mount_point: Option<String>, minimum: u64, flags: u32 }
        access [Domain.fs_trim]
        since "<=1.2.7"
    }

    /// Sends a signal to a process of the guest.
    295 DomainSendProcessSignal "virDomainSendProcessSignal" {
        args DomainSendProcessSignalArgs { dom: Domain, pid_value: i64, signum: u32, flags: u32 }
        access [Domain.send_signal]
        since "<=1.2.7"
    }

    /// Opens a channel of a running domain.
    296 DomainOpenChannel "virDomainOpenChannel" {
        args DomainOpenChannelArgs { dom: Domain, name: Option<String>, flags: u32 }
        stream Both
        access [Domain.open_device]
        since "<=1.2.7"
    }

    /// Asks the guest to hold its file systems still.
    335 DomainFsfreeze "virDomainFSFreeze" {
        args DomainFsfreezeArgs {
            dom: Domain, mountpoints: Vec<String>[DOMAIN_FSFREEZE_MOUNTPOINTS_MAX], flags: u32,
        }
        reply DomainFsfreezeRet { filesystems: i32 }
        access [Domain.fs_freeze]
        since "<=1.2.7"
    }

    /// Lets the guest's file systems go on.
    336 DomainFsthaw "virDomainFSThaw" {
        args DomainFsthawArgs {
            dom: Domain, mountpoints: Vec<String>[DOMAIN_FSFREEZE_MOUNTPOINTS_MAX], flags: u32,
        }
        reply DomainFsthawRet { filesystems: i32 }
        access [Domain.fs_freeze]
        since "<=1.2.7"
    }

    /// The guest's clock.
    337 DomainGetTime "virDomainGetTime" {
        args DomainGetTimeArgs { dom: Domain, flags: u32 }
        reply DomainGetTimeRet { seconds: i64, nseconds: u32 }
        access [Domain.write]
        since "<=1.2.7"
    }

    /// Sets the guest's clock.
    338 DomainSetTime "virDomainSetTime" {
        args DomainSetTimeArgs { dom: Domain, seconds: i64, nseconds: u32, flags: u32 }
        access [Domain.set_time]
        since "<=1.2.7"
    }

    /// Makes a connection to a graphics server of the domain and returns its descriptor.
    343 DomainOpenGraphicsFd "virDomainOpenGraphicsFD" {
        args DomainOpenGraphicsFdArgs { dom: Domain, idx: u32, flags: u32 }
        descriptors Reply
        access [Domain.open_graphics]
        since "1.2.12"
    }

    /// The file systems that the guest has mounted.
    349 DomainGetFsinfo "virDomainGetFSInfo" {
        args DomainGetFsinfoArgs { dom: Domain, flags: u32 }
        reply DomainGetFsinfoRet { info: Vec<DomainFsinfo>[DOMAIN_FSINFO_MAX], ret: u32 }
        access [Domain.fs_freeze]
        since "1.2.12"
    }

    /// Addresses of the domain's network cards, from leases, the agent or the host's neighbours.
    353 DomainInterfaceAddresses "virDomainInterfaceAddresses" {
        args DomainInterfaceAddressesArgs { dom: Domain, source: u32, flags: u32 }
        reply DomainInterfaceAddressesRet { ifaces: Vec<DomainInterface>[DOMAIN_INTERFACE_MAX] }
        access [Domain.read, Domain.write if source == INTERFACE_ADDRESSES_AGENT]
        since "1.2.15"
    }

    /// Sets the password of a user of the guest.
    357 DomainSetUserPassword "virDomainSetUserPassword" {
        args DomainSetUserPasswordArgs {
            dom: Domain, user: Option<String>, password: Option<String>, flags: u32,
        }
        access [Domain.set_password]
        since "3.6.0"
    }

    /// Users, system, time zone, file systems and more of the guest.
    418 DomainGetGuestInfo "virDomainGetGuestInfo" {
        args DomainGetGuestInfoArgs { dom: Domain, types: u32, flags: u32 }
        reply DomainGetGuestInfoRet { params: TypedParams[DOMAIN_GUEST_INFO_PARAMS_MAX] }
        access [Domain.write]
        since "6.6.0"
    }

    /// Sets how long the guest's agent may take to answer, in seconds.
    420 DomainAgentSetResponseTimeout "virDomainAgentSetResponseTimeout" {
        args DomainAgentSetResponseTimeoutArgs { dom: Domain, timeout: i32, flags: u32 }
        reply DomainAgentSetResponseTimeoutRet { result: i32 }
        access [Domain.write]
        since "6.6.0"
    }

    /// The keys with which a user of the guest can log in.
    424 DomainAuthorizedSshKeysGet "virDomainAuthorizedSSHKeysGet" {
        args DomainAuthorizedSshKeysGetArgs { dom: Domain, user: String, flags: u32 }
        reply DomainAuthorizedSshKeysGetRet { keys: Vec<String>[DOMAIN_AUTHORIZED_SSH_KEYS_MAX] }
        access [Domain.write]
        since "9.0.0"
    }

    /// Sets, adds or removes keys with which a user of the guest can log in.
    425 DomainAuthorizedSshKeysSet "virDomainAuthorizedSSHKeysSet" {
        args DomainAuthorizedSshKeysSetArgs {
            dom: Domain, user: String, keys: Vec<String>[DOMAIN_AUTHORIZED_SSH_KEYS_MAX], flags: u32,
        }
        access [Domain.write]
        since "9.0.0"
    }

    /// Has a graphics server read its certificates again.
    448 DomainGraphicsReload "virDomainGraphicsReload" {
        args DomainGraphicsReloadArgs { dom: Domain, kind: u32, flags: u32 }
        access [Domain.write]
        since "11.3.0"
    }
}
