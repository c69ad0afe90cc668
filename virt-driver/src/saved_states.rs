//! Calls that put a guest's state into files and take it from there.

use virt_types::TypedParams;

use crate::DomainRef;
use crate::contract::contract;

contract! {
    /// Saved states and core dumps.
    pub trait SavedStates {
        /// Puts a guest into a file and ends it, with another document in place of its own if one is given
        /// (`virDomainSaveRestoreFlags`).
        "virDomainSaveFlags" fn save(domain: &'a DomainRef, to: &'a str, xml: Option<&'a str>, flags: u32) -> ();
        /// The same with parameters (`file`, `dxml`, `image_format`, `parallel.channels`).
        "virDomainSaveParams" fn save_with(domain: &'a DomainRef, params: &'a TypedParams, flags: u32) -> ();
        /// Lets a guest go on from a file.
        "virDomainRestoreFlags" fn restore(from: &'a str, xml: Option<&'a str>, flags: u32) -> ();
        /// The same with parameters.
        "virDomainRestoreParams" fn restore_with(params: &'a TypedParams, flags: u32) -> ();
        /// The document in such a file.
        "virDomainSaveImageGetXMLDesc" fn image_xml_desc(file: &'a str, flags: u32) -> String;
        /// Changes the document in such a file.
        "virDomainSaveImageDefineXML" fn define_image_xml(file: &'a str, xml: &'a str, flags: u32) -> ();
        /// Puts a guest into the engine's own file and ends it; its next start goes on from there.
        "virDomainManagedSave" fn managed_save(domain: &'a DomainRef, flags: u32) -> ();
        /// Whether there is such a file.
        "virDomainHasManagedSaveImage" fn has_managed_save(domain: &'a DomainRef, flags: u32) -> bool;
        /// Removes such a file.
        "virDomainManagedSaveRemove" fn remove_managed_save(domain: &'a DomainRef, flags: u32) -> ();
        /// The document in such a file.
        "virDomainManagedSaveGetXMLDesc" fn managed_save_xml_desc(domain: &'a DomainRef, flags: u32) -> String;
        /// Changes the document in such a file.
        "virDomainManagedSaveDefineXML" fn define_managed_save_xml(domain: &'a DomainRef, xml: Option<&'a str>, flags: u32) -> ();
        /// Writes the guest's memory to a file in a form for debuggers (`virDomainCoreDumpFormat`, `virDomainCoreDumpFlags`).
        "virDomainCoreDumpWithFormat" fn core_dump(domain: &'a DomainRef, to: &'a str, format: u32, flags: u32) -> ();
    }
}
