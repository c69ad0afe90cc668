//! What only the guest can tell or do.

use virt_driver::{DomainRef, FileSystemInfo, GuestInterface};
use virt_proto::remote::*;
use virt_types::TypedParams;

use super::macros::binding;

binding! {
    /// What only the guest can tell or do.
    guests: Guests;
    both {
        DomainSetUserPassword = set_user_password(dom: &'a DomainRef, user: &'a str, password: &'a str, flags: u32);
        DomainFsfreeze = freeze(dom: &'a DomainRef, mountpoints: &'a [String], flags: u32) -> u32 as filesystems;
        DomainFsthaw = thaw(dom: &'a DomainRef, mountpoints: &'a [String], flags: u32) -> u32 as filesystems;
        DomainFstrim = trim(dom: &'a DomainRef, mount_point: Option<&'a str>, minimum: u64, flags: u32);
        [all] DomainGetFsinfo = file_systems(dom: &'a DomainRef, flags: u32) -> Vec<FileSystemInfo> as info;
        DomainInterfaceAddresses = interface_addresses(dom: &'a DomainRef, source: u32, flags: u32) -> Vec<GuestInterface> as ifaces;
        DomainGetGuestVcpus = vcpus(dom: &'a DomainRef, flags: u32) -> TypedParams as params;
        DomainSetGuestVcpus = set_vcpus(dom: &'a DomainRef, cpumap: &'a str, state: bool, flags: u32);
        DomainAuthorizedSshKeysGet = ssh_keys(dom: &'a DomainRef, user: &'a str, flags: u32) -> Vec<String> as keys;
        DomainAuthorizedSshKeysSet = set_ssh_keys(dom: &'a DomainRef, user: &'a str, keys: &'a [String], flags: u32);
        DomainSendProcessSignal = send_signal(dom: &'a DomainRef, pid_value: i64, signum: u32, flags: u32);
        DomainGetLaunchSecurityInfo = launch_security(dom: &'a DomainRef, flags: u32) -> TypedParams as params;
        DomainSetLaunchSecurityState = set_launch_security(dom: &'a DomainRef, params: &'a TypedParams, flags: u32);
    }
    served {
        DomainAgentSetResponseTimeout(dom: DomainRef, timeout: i32, flags: u32) = set_agent_timeout(&dom, timeout, flags)
            => |()| Reply { result: 0 };
    }
    client {
        fn set_agent_timeout<'a>(
            &'a self,
            dom: &'a DomainRef,
            timeout: i32,
            flags: u32,
        ) -> virt_driver::BoxFuture<'a, virt_types::Result<()>> {
            let args = DomainAgentSetResponseTimeoutArgs { dom: super::convert::Wire::to_wire(dom.clone()), timeout, flags };
            Box::pin(async move { self.call::<DomainAgentSetResponseTimeout>(args).await.map(drop) })
        }
    }
}
