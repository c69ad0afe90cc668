// tidy: table
//! Finding domains, and how they stand.

use virt_types::Uuid;

use crate::remote::{DOMAIN_LIST_MAX, Domain, PROGRAM};
use crate::table::procedures;

procedures! { PROGRAM:
    /// State, memory, CPUs and CPU time of a domain.
    16 DomainGetInfo "virDomainGetInfo" {
        args DomainGetInfoArgs { dom: Domain }
        reply DomainGetInfoRet { state: u8, max_mem: u64, memory: u64, nr_virt_cpu: u16, cpu_time: u64 }
        access [Domain.read]
        since "<=1.2.7"
    }

    /// What kind of system the domain runs, such as `hvm`.
    19 DomainGetOsType "virDomainGetOSType" {
        args DomainGetOsTypeArgs { dom: Domain }
        reply DomainGetOsTypeRet { kind: String }
        priority High
        access [Domain.read]
        since "<=1.2.7"
    }

    /// Names of the domains that are defined and do not run.
    21 ConnectListDefinedDomains "virConnectListDefinedDomains" {
        args ConnectListDefinedDomainsArgs { maxnames: i32 }
        reply ConnectListDefinedDomainsRet { names: Vec<String>[DOMAIN_LIST_MAX] }
        priority High
        access [Connect.search_domains]
        filter Domain.getattr
        since "<=1.2.7"
    }

    /// Finds a running domain by its number.
    22 DomainLookupById "virDomainLookupByID" {
        args DomainLookupByIdArgs { id: i32 }
        reply DomainLookupByIdRet { dom: Domain }
        priority High
        access [Domain.getattr]
        since "<=1.2.7"
    }

    /// Finds a domain by its name.
    23 DomainLookupByName "virDomainLookupByName" {
        args DomainLookupByNameArgs { name: String }
        reply DomainLookupByNameRet { dom: Domain }
        priority High
        access [Domain.getattr]
        since "<=1.2.7"
    }

    /// Finds a domain by its UUID.
    24 DomainLookupByUuid "virDomainLookupByUUID" {
        args DomainLookupByUuidArgs { uuid: Uuid }
        reply DomainLookupByUuidRet { dom: Domain }
        priority High
        access [Domain.getattr]
        since "<=1.2.7"
    }

    /// How many domains are defined and do not run.
    25 ConnectNumOfDefinedDomains "virConnectNumOfDefinedDomains" {
        reply ConnectNumOfDefinedDomainsRet { num: i32 }
        priority High
        access [Connect.search_domains]
        filter Domain.getattr
        since "<=1.2.7"
    }

    /// Numbers of the running domains.
    37 ConnectListDomains "virConnectListDomains" {
        args ConnectListDomainsArgs { maxids: i32 }
        reply ConnectListDomainsRet { ids: Vec<i32>[DOMAIN_LIST_MAX] }
        priority High
        access [Connect.search_domains]
        filter Domain.getattr
        since "<=1.2.7"
    }

    /// How many domains run.
    51 ConnectNumOfDomains "virConnectNumOfDomains" {
        reply ConnectNumOfDomainsRet { num: i32 }
        priority High
        access [Connect.search_domains]
        filter Domain.getattr
        since "<=1.2.7"
    }

    /// Whether the domain runs.
    150 DomainIsActive "virDomainIsActive" {
        args DomainIsActiveArgs { dom: Domain }
        reply DomainIsActiveRet { active: i32 }
        priority High
        access [Domain.read]
        since "<=1.2.7"
    }

    /// Whether the domain is defined.
    151 DomainIsPersistent "virDomainIsPersistent" {
        args DomainIsPersistentArgs { dom: Domain }
        reply DomainIsPersistentRet { persistent: i32 }
        priority High
        access [Domain.read]
        since "<=1.2.7"
    }

    /// Whether the running domain's settings differ from its definition.
    202 DomainIsUpdated "virDomainIsUpdated" {
        args DomainIsUpdatedArgs { dom: Domain }
        reply DomainIsUpdatedRet { updated: i32 }
        priority High
        access [Domain.read]
        since "<=1.2.7"
    }

    /// State of a domain and the reason for it.
    212 DomainGetState "virDomainGetState" {
        args DomainGetStateArgs { dom: Domain, flags: u32 }
        reply DomainGetStateRet { state: i32, reason: i32 }
        priority High
        access [Domain.read]
        since "<=1.2.7"
    }

    /// The domains that the flags select, or how many there are.
    273 ConnectListAllDomains "virConnectListAllDomains" {
        args ConnectListAllDomainsArgs { need_results: i32, flags: u32 }
        reply ConnectListAllDomainsRet { domains: Vec<Domain>[DOMAIN_LIST_MAX], ret: u32 }
        priority High
        access [Connect.search_domains]
        filter Domain.getattr
        since "<=1.2.7"
    }
}
