// tidy: table
//! Definitions.

use crate::remote::{Domain, PROGRAM};
use crate::table::procedures;

procedures! { PROGRAM:
    /// Defines a domain, or changes its definition.
    11 DomainDefineXml "virDomainDefineXML" {
        args DomainDefineXmlArgs { xml: String }
        reply DomainDefineXmlRet { dom: Domain }
        priority High
        access [Domain.write, Domain.save]
        since "<=1.2.7"
    }

    /// The domain's document.
    14 DomainGetXmlDesc "virDomainGetXMLDesc" {
        args DomainGetXmlDescArgs { dom: Domain, flags: u32 }
        reply DomainGetXmlDescRet { xml: String }
        access [
            Domain.read,
            Domain.read_secure if DOMAIN_XML_SECURE,
            Domain.read_secure if DOMAIN_XML_MIGRATABLE,
        ]
        since "<=1.2.7"
    }

    /// Whether the domain is started with the host.
    15 DomainGetAutostart "virDomainGetAutostart" {
        args DomainGetAutostartArgs { dom: Domain }
        reply DomainGetAutostartRet { autostart: i32 }
        priority High
        access [Domain.read]
        since "<=1.2.7"
    }

    /// Sets whether the domain is started with the host.
    29 DomainSetAutostart "virDomainSetAutostart" {
        args DomainSetAutostartArgs { dom: Domain, autostart: i32 }
        priority High
        access [Domain.write]
        since "<=1.2.7"
    }

    /// Removes a domain's definition.
    35 DomainUndefine "virDomainUndefine" {
        args DomainUndefineArgs { dom: Domain }
        priority High
        access [Domain.delete]
        since "<=1.2.7"
    }

    /// Makes a domain's document from another configuration, such as a command line.
    135 ConnectDomainXmlFromNative "virConnectDomainXMLFromNative" {
        args ConnectDomainXmlFromNativeArgs { native_format: String, native_config: String, flags: u32 }
        reply ConnectDomainXmlFromNativeRet { domain_xml: String }
        access [Connect.write]
        since "<=1.2.7"
    }

    /// Makes another configuration, such as a command line, from a domain's document.
    136 ConnectDomainXmlToNative "virConnectDomainXMLToNative" {
        args ConnectDomainXmlToNativeArgs { native_format: String, domain_xml: String, flags: u32 }
        reply ConnectDomainXmlToNativeRet { native_config: String }
        access [Connect.write]
        since "<=1.2.7"
    }

    /// Removes a domain's definition and what belongs to it.
    231 DomainUndefineFlags "virDomainUndefineFlags" {
        args DomainUndefineFlagsArgs { dom: Domain, flags: u32 }
        priority High
        access [Domain.delete]
        since "<=1.2.7"
    }

    /// What a kind of domain can have, as a document.
    342 ConnectGetDomainCapabilities "virConnectGetDomainCapabilities" {
        args ConnectGetDomainCapabilitiesArgs {
            emulatorbin: Option<String>, arch: Option<String>, machine: Option<String>,
            virttype: Option<String>, flags: u32,
        }
        reply ConnectGetDomainCapabilitiesRet { capabilities: String }
        access [Connect.write]
        since "<=1.2.7"
    }

    /// Defines a domain, or changes its definition, and may check the document against the schema.
    350 DomainDefineXmlFlags "virDomainDefineXMLFlags" {
        args DomainDefineXmlFlagsArgs { xml: String, flags: u32 }
        reply DomainDefineXmlFlagsRet { dom: Domain }
        priority High
        access [Domain.write, Domain.save]
        since "1.2.12"
    }

    /// Gives a domain another name.
    358 DomainRename "virDomainRename" {
        args DomainRenameArgs { dom: Domain, new_name: Option<String>, flags: u32 }
        reply DomainRenameRet { retcode: i32 }
        access [Domain.write, Domain.save]
        since "3.6.0"
    }

    /// Whether the domain is started at the next start of the host.
    449 DomainGetAutostartOnce "virDomainGetAutostartOnce" {
        args DomainGetAutostartOnceArgs { dom: Domain }
        reply DomainGetAutostartOnceRet { autostart: i32 }
        priority High
        access [Domain.read]
        since "11.3.0"
    }

    /// Sets whether the domain is started at the next start of the host.
    450 DomainSetAutostartOnce "virDomainSetAutostartOnce" {
        args DomainSetAutostartOnceArgs { dom: Domain, autostart: i32 }
        priority High
        access [Domain.write]
        since "11.3.0"
    }
}
