// tidy: table
//! Saved states and dumps.

use virt_types::TypedParams;

use crate::remote::{DOMAIN_SAVE_PARAMS_MAX, Domain, PROGRAM};
use crate::table::procedures;

procedures! { PROGRAM:
    /// Writes the guest's memory to a file on the host.
    53 DomainCoreDump "virDomainCoreDump" {
        args DomainCoreDumpArgs { dom: Domain, to: String, flags: u32 }
        access [Domain.core_dump]
        since "<=1.2.7"
    }

    /// Starts a domain from a file that it was saved to.
    54 DomainRestore "virDomainRestore" {
        args DomainRestoreArgs { from: String }
        access [Domain.start, Domain.write]
        since "<=1.2.7"
    }

    /// Saves a running domain to a file and ends it.
    55 DomainSave "virDomainSave" {
        args DomainSaveArgs { dom: Domain, to: String }
        access [Domain.hibernate]
        since "<=1.2.7"
    }

    /// Saves a running domain to a file of the server's and ends it; the next start goes on from there.
    182 DomainManagedSave "virDomainManagedSave" {
        args DomainManagedSaveArgs { dom: Domain, flags: u32 }
        access [Domain.hibernate]
        since "<=1.2.7"
    }

    /// Whether the next start goes on from a saved state.
    183 DomainHasManagedSaveImage "virDomainHasManagedSaveImage" {
        args DomainHasManagedSaveImageArgs { dom: Domain, flags: u32 }
        reply DomainHasManagedSaveImageRet { result: i32 }
        access [Domain.read]
        since "<=1.2.7"
    }

    /// Removes the saved state.
    184 DomainManagedSaveRemove "virDomainManagedSaveRemove" {
        args DomainManagedSaveRemoveArgs { dom: Domain, flags: u32 }
        access [Domain.hibernate]
        since "<=1.2.7"
    }

    /// Saves a running domain to a file and ends it, with a changed document if one is given.
    232 DomainSaveFlags "virDomainSaveFlags" {
        args DomainSaveFlagsArgs { dom: Domain, to: String, dxml: Option<String>, flags: u32 }
        access [Domain.hibernate]
        since "<=1.2.7"
    }

    /// Starts a domain from a file that it was saved to, with a changed document if one is given.
    233 DomainRestoreFlags "virDomainRestoreFlags" {
        args DomainRestoreFlagsArgs { from: String, dxml: Option<String>, flags: u32 }
        access [Domain.start, Domain.write]
        since "<=1.2.7"
    }

    /// The document in a file that a domain was saved to.
    235 DomainSaveImageGetXmlDesc "virDomainSaveImageGetXMLDesc" {
        args DomainSaveImageGetXmlDescArgs { file: String, flags: u32 }
        reply DomainSaveImageGetXmlDescRet { xml: String }
        priority High
        access [Domain.write]
        since "<=1.2.7"
    }

    /// Changes the document in a file that a domain was saved to.
    236 DomainSaveImageDefineXml "virDomainSaveImageDefineXML" {
        args DomainSaveImageDefineXmlArgs { file: String, dxml: String, flags: u32 }
        priority High
        access [Domain.write, Domain.hibernate]
        since "<=1.2.7"
    }

    /// Writes the guest's memory to a file on the host, in a given format.
    334 DomainCoreDumpWithFormat "virDomainCoreDumpWithFormat" {
        args DomainCoreDumpWithFormatArgs { dom: Domain, to: String, dumpformat: u32, flags: u32 }
        access [Domain.core_dump]
        since "<=1.2.7"
    }

    /// The document in the state that the next start goes on from.
    388 DomainManagedSaveGetXmlDesc "virDomainManagedSaveGetXMLDesc" {
        args DomainManagedSaveGetXmlDescArgs { dom: Domain, flags: u32 }
        reply DomainManagedSaveGetXmlDescRet { xml: String }
        access [Domain.read, Domain.read_secure if SAVE_IMAGE_XML_SECURE]
        since "4.5.0"
    }

    /// Changes the document in the state that the next start goes on from.
    389 DomainManagedSaveDefineXml "virDomainManagedSaveDefineXML" {
        args DomainManagedSaveDefineXmlArgs { dom: Domain, dxml: Option<String>, flags: u32 }
        access [Domain.write, Domain.hibernate]
        since "4.5.0"
    }

    /// Saves a running domain and ends it, as the parameters say.
    440 DomainSaveParams "virDomainSaveParams" {
        args DomainSaveParamsArgs { dom: Domain, params: TypedParams[DOMAIN_SAVE_PARAMS_MAX], flags: u32 }
        access [Domain.hibernate]
        since "9.0.0"
    }

    /// Starts a saved domain, as the parameters say.
    441 DomainRestoreParams "virDomainRestoreParams" {
        args DomainRestoreParamsArgs { params: TypedParams[DOMAIN_SAVE_PARAMS_MAX], flags: u32 }
        access [Domain.start, Domain.write]
        since "9.0.0"
    }
}
