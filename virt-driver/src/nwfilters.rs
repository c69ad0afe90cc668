//! Calls on network filters and on what they are bound to.

use virt_types::Uuid;

use crate::contract::contract;
use crate::{ObjectFilter, ObjectRef};

/// How a caller names a binding: what filters a port.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NwFilterBindingRef {
    /// The name of the port's device.
    pub port_device: String,
    /// The name of the filter.
    pub filter: String,
}

contract! {
    /// Network filters.
    pub trait NwFilters {
        /// Every filter.
        "virConnectListAllNWFilters" fn list(flags: ObjectFilter) -> Vec<ObjectRef>;
        /// The filter with this identity.
        "virNWFilterLookupByUUID" fn lookup_by_uuid(uuid: Uuid) -> ObjectRef;
        /// The filter with this name.
        "virNWFilterLookupByName" fn lookup_by_name(name: &'a str) -> ObjectRef;
        /// Defines a filter.
        "virNWFilterDefineXMLFlags" fn define_xml(xml: &'a str, flags: u32) -> ObjectRef;
        /// Removes a filter.
        "virNWFilterUndefine" fn undefine(filter: &'a ObjectRef) -> ();
        /// Its rules.
        "virNWFilterGetXMLDesc" fn xml_desc(filter: &'a ObjectRef, flags: u32) -> String;

        /// Every binding.
        "virConnectListAllNWFilterBindings" fn bindings(flags: u32) -> Vec<NwFilterBindingRef>;
        /// The binding of a port.
        "virNWFilterBindingLookupByPortDev" fn binding_by_port(port_device: &'a str) -> NwFilterBindingRef;
        /// Binds a filter to a port.
        "virNWFilterBindingCreateXML" fn create_binding(xml: &'a str, flags: u32) -> NwFilterBindingRef;
        /// Lets go of a port.
        "virNWFilterBindingDelete" fn delete_binding(binding: &'a NwFilterBindingRef) -> ();
        /// What is bound, and how.
        "virNWFilterBindingGetXMLDesc" fn binding_xml_desc(binding: &'a NwFilterBindingRef, flags: u32) -> String;
    }
}
