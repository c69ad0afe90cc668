// tidy: table
//! The program `qemu`: what only domains of QEMU have. It shares the connection with `remote`.

use crate::remote::Domain;
use crate::table::procedures;
use crate::{Program, Row, table::in_order};

/// The program.
pub static PROGRAM: Program = Program { name: "qemu", number: 0x2000_8087, version: 1, rows: || &IN_ORDER };

static IN_ORDER: [&Row; 7] = in_order(&[ROWS]);

procedures! { PROGRAM:
    /// Sends a command to QEMU's monitor.
    1 DomainMonitorCommand "virDomainQemuMonitorCommand" {
        args DomainMonitorCommandArgs { dom: Domain, cmd: String, flags: u32 }
        reply DomainMonitorCommandRet { result: String }
        access [Domain.write]
        since "<=1.2.7"
    }

    /// Takes over a QEMU process that was started by hand. Current servers refuse it.
    2 DomainAttach "virDomainQemuAttach" {
        args DomainAttachArgs { pid_value: u32, flags: u32 }
        reply DomainAttachRet { dom: Domain }
        access [Domain.start, Domain.write]
        since "<=1.2.7"
    }

    /// Sends a command to the guest's agent.
    3 DomainAgentCommand "virDomainQemuAgentCommand" {
        args DomainAgentCommandArgs { dom: Domain, cmd: String, timeout: i32, flags: u32 }
        reply DomainAgentCommandRet { result: Option<String> }
        access [Domain.write]
        since "<=1.2.7"
    }

    /// Registers for events of QEMU's monitor, of one domain or of all.
    4 ConnectDomainMonitorEventRegister "virConnectDomainQemuMonitorEventRegister" {
        args ConnectDomainMonitorEventRegisterArgs { dom: Option<Domain>, event: Option<String>, flags: u32 }
        reply ConnectDomainMonitorEventRegisterRet { callback_id: i32 }
        priority High
        access [Connect.search_domains, Connect.write]
        filter Domain.getattr
        since "<=1.2.7"
    }

    /// Ends a registration for events of QEMU's monitor.
    5 ConnectDomainMonitorEventDeregister "virConnectDomainQemuMonitorEventDeregister" {
        args ConnectDomainMonitorEventDeregisterArgs { callback_id: i32 }
        priority High
        access [Connect.write]
        since "<=1.2.7"
    }

    /// QEMU's monitor has reported an event.
    6 DomainMonitorEvent {
        event DomainMonitorEventMsg {
            callback_id: i32, dom: Domain, event: String, seconds: i64, micros: u32, details: Option<String>,
        }
        since "<=1.2.7"
    }

    /// Sends a command to QEMU's monitor, with descriptors both ways.
    7 DomainMonitorCommandWithFiles "virDomainQemuMonitorCommandWithFiles" {
        args DomainMonitorCommandWithFilesArgs { dom: Domain, cmd: String, flags: u32 }
        reply DomainMonitorCommandWithFilesRet { result: String }
        descriptors Both
        access [Domain.write]
        since "9.0.0"
    }
}
