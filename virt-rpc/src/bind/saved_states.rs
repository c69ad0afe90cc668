//! Saved states and core dumps.

use virt_driver::DomainRef;
use virt_proto::remote::*;
use virt_types::TypedParams;

use super::macros::binding;

binding! {
    /// Saved states and core dumps.
    saved_states: SavedStates;
    both {
        DomainSaveFlags = save(dom: &'a DomainRef, to: &'a str, dxml: Option<&'a str>, flags: u32);
        DomainSaveParams = save_with(dom: &'a DomainRef, params: &'a TypedParams, flags: u32);
        DomainRestoreFlags = restore(from: &'a str, dxml: Option<&'a str>, flags: u32);
        DomainRestoreParams = restore_with(params: &'a TypedParams, flags: u32);
        DomainSaveImageGetXmlDesc = image_xml_desc(file: &'a str, flags: u32) -> String as xml;
        DomainSaveImageDefineXml = define_image_xml(file: &'a str, dxml: &'a str, flags: u32);
        DomainManagedSave = managed_save(dom: &'a DomainRef, flags: u32);
        DomainHasManagedSaveImage = has_managed_save(dom: &'a DomainRef, flags: u32) -> bool as result;
        DomainManagedSaveRemove = remove_managed_save(dom: &'a DomainRef, flags: u32);
        DomainManagedSaveGetXmlDesc = managed_save_xml_desc(dom: &'a DomainRef, flags: u32) -> String as xml;
        DomainManagedSaveDefineXml = define_managed_save_xml(dom: &'a DomainRef, dxml: Option<&'a str>, flags: u32);
        DomainCoreDumpWithFormat = core_dump(dom: &'a DomainRef, to: &'a str, dumpformat: u32, flags: u32);
    }
    served {
        DomainSave(dom: DomainRef, to: String) = save(&dom, &to, None, 0) => |()| ();
        DomainRestore(from: String) = restore(&from, None, 0) => |()| ();
        DomainCoreDump(dom: DomainRef, to: String, flags: u32) = core_dump(&dom, &to, 0, flags) => |()| ();
    }
}
