// tidy: table
//! Devices and metadata.

use crate::remote::{Domain, PROGRAM};
use crate::table::procedures;

procedures! { PROGRAM:
    /// Plugs a device into a running domain.
    8 DomainAttachDevice "virDomainAttachDevice" {
        args DomainAttachDeviceArgs { dom: Domain, xml: String }
        access [Domain.write]
        since "<=1.2.7"
    }

    /// Unplugs a device from a running domain.
    13 DomainDetachDevice "virDomainDetachDevice" {
        args DomainDetachDeviceArgs { dom: Domain, xml: String }
        access [Domain.write]
        since "<=1.2.7"
    }

    /// Adds a device to a running domain, to its definition, or to both.
    160 DomainAttachDeviceFlags "virDomainAttachDeviceFlags" {
        args DomainAttachDeviceFlagsArgs { dom: Domain, xml: String, flags: u32 }
        access [Domain.write, Domain.save unless DOMAIN_CONFIG_OR_LIVE, Domain.save if DOMAIN_CONFIG]
        since "<=1.2.7"
    }

    /// Removes a device from a running domain, from its definition, or from both.
    161 DomainDetachDeviceFlags "virDomainDetachDeviceFlags" {
        args DomainDetachDeviceFlagsArgs { dom: Domain, xml: String, flags: u32 }
        access [Domain.write, Domain.save unless DOMAIN_CONFIG_OR_LIVE, Domain.save if DOMAIN_CONFIG]
        since "<=1.2.7"
    }

    /// Changes a device of a running domain, of its definition, or of both.
    174 DomainUpdateDeviceFlags "virDomainUpdateDeviceFlags" {
        args DomainUpdateDeviceFlagsArgs { dom: Domain, xml: String, flags: u32 }
        access [Domain.write, Domain.save unless DOMAIN_CONFIG_OR_LIVE, Domain.save if DOMAIN_CONFIG]
        since "<=1.2.7"
    }

    /// Sets title, description or a foreign element of a domain's document.
    264 DomainSetMetadata "virDomainSetMetadata" {
        args DomainSetMetadataArgs {
            dom: Domain, kind: i32, metadata: Option<String>, key: Option<String>, uri: Option<String>,
            flags: u32,
        }
        access [Domain.write, Domain.save unless DOMAIN_CONFIG_OR_LIVE, Domain.save if DOMAIN_CONFIG]
        since "<=1.2.7"
    }

    /// Title, description or a foreign element of a domain's document.
    265 DomainGetMetadata "virDomainGetMetadata" {
        args DomainGetMetadataArgs { dom: Domain, kind: i32, uri: Option<String>, flags: u32 }
        reply DomainGetMetadataRet { metadata: String }
        access [Domain.read]
        since "<=1.2.7"
    }

    /// Unplugs the device with this alias.
    392 DomainDetachDeviceAlias "virDomainDetachDeviceAlias" {
        args DomainDetachDeviceAliasArgs { dom: Domain, alias: String, flags: u32 }
        access [Domain.write, Domain.save unless DOMAIN_CONFIG_OR_LIVE, Domain.save if DOMAIN_CONFIG]
        since "4.5.0"
    }
}
