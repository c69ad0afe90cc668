// tidy: table
//! Starting and ending domains.

use crate::remote::{Domain, PROGRAM};
use crate::table::procedures;

procedures! { PROGRAM:
    /// Starts a defined domain.
    9 DomainCreate "virDomainCreate" {
        args DomainCreateArgs { dom: Domain }
        access [Domain.start]
        since "<=1.2.7"
    }

    /// Starts a domain from a document, without defining it.
    10 DomainCreateXml "virDomainCreateXML" {
        args DomainCreateXmlArgs { xml_desc: String, flags: u32 }
        reply DomainCreateXmlRet { dom: Domain }
        access [Domain.write, Domain.start]
        since "<=1.2.7"
    }

    /// Ends a domain at once.
    12 DomainDestroy "virDomainDestroy" {
        args DomainDestroyArgs { dom: Domain }
        priority High
        access [Domain.stop]
        since "<=1.2.7"
    }

    /// Asks the guest to reboot.
    27 DomainReboot "virDomainReboot" {
        args DomainRebootArgs { dom: Domain, flags: u32 }
        access [Domain.init_control, Domain.write if REBOOT_AGENT]
        since "<=1.2.7"
    }

    /// Lets a paused domain run on.
    28 DomainResume "virDomainResume" {
        args DomainResumeArgs { dom: Domain }
        access [Domain.suspend]
        since "<=1.2.7"
    }

    /// Asks the guest to power off.
    33 DomainShutdown "virDomainShutdown" {
        args DomainShutdownArgs { dom: Domain }
        access [Domain.init_control]
        since "<=1.2.7"
    }

    /// Pauses a running domain.
    34 DomainSuspend "virDomainSuspend" {
        args DomainSuspendArgs { dom: Domain }
        access [Domain.suspend]
        since "<=1.2.7"
    }

    /// Starts a defined domain, such as paused.
    196 DomainCreateWithFlags "virDomainCreateWithFlags" {
        args DomainCreateWithFlagsArgs { dom: Domain, flags: u32 }
        reply DomainCreateWithFlagsRet { dom: Domain }
        access [Domain.start]
        since "<=1.2.7"
    }

    /// Ends a domain, at once or after it had a moment to write out its data.
    234 DomainDestroyFlags "virDomainDestroyFlags" {
        args DomainDestroyFlagsArgs { dom: Domain, flags: u32 }
        priority High
        access [Domain.stop]
        since "<=1.2.7"
    }

    /// Resets the machine, as its button would.
    245 DomainReset "virDomainReset" {
        args DomainResetArgs { dom: Domain, flags: u32 }
        access [Domain.reset]
        since "<=1.2.7"
    }

    /// Asks the guest to power off, in the ways that the flags name.
    258 DomainShutdownFlags "virDomainShutdownFlags" {
        args DomainShutdownFlagsArgs { dom: Domain, flags: u32 }
        access [Domain.init_control, Domain.write if SHUTDOWN_AGENT]
        since "<=1.2.7"
    }

    /// Asks the guest to suspend itself.
    261 DomainPmSuspendForDuration "virDomainPMSuspendForDuration" {
        args DomainPmSuspendForDurationArgs { dom: Domain, target: u32, duration: u64, flags: u32 }
        access [Domain.pm_control]
        since "<=1.2.7"
    }

    /// Wakes a guest that has suspended itself.
    267 DomainPmWakeup "virDomainPMWakeup" {
        args DomainPmWakeupArgs { dom: Domain, flags: u32 }
        access [Domain.pm_control]
        since "<=1.2.7"
    }

    /// Starts a domain from a document and hands it the descriptors that come with the call.
    309 DomainCreateXmlWithFiles "virDomainCreateXMLWithFiles" {
        args DomainCreateXmlWithFilesArgs { xml_desc: String, flags: u32 }
        reply DomainCreateXmlWithFilesRet { dom: Domain }
        descriptors Call
        access [Domain.write, Domain.start]
        since "<=1.2.7"
    }

    /// Starts a defined domain and hands it the descriptors that come with the call.
    310 DomainCreateWithFiles "virDomainCreateWithFiles" {
        args DomainCreateWithFilesArgs { dom: Domain, flags: u32 }
        reply DomainCreateWithFilesRet { dom: Domain }
        descriptors Call
        access [Domain.start]
        since "<=1.2.7"
    }

    /// Sets what happens when the guest powers off, reboots or crashes.
    390 DomainSetLifecycleAction "virDomainSetLifecycleAction" {
        args DomainSetLifecycleActionArgs { dom: Domain, kind: u32, action: u32, flags: u32 }
        access [Domain.write]
        since "4.5.0"
    }

    /// Gives the descriptors that come with the call a name, by which a document can refer to them.
    443 DomainFdAssociate "virDomainFDAssociate" {
        args DomainFdAssociateArgs { dom: Domain, name: String, flags: u32 }
        descriptors Call
        access [Domain.write]
        since "9.0.0"
    }
}
