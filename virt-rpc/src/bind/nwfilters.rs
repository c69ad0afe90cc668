//! Network filters.

use virt_driver::{NwFilterBindingRef, ObjectRef};
use virt_proto::remote::*;
use virt_types::Uuid;

use super::listing::{count, names};
use super::macros::binding;

binding! {
    /// Network filters and what they are bound to.
    nwfilters: NwFilters;
    both {
        [list] ConnectListAllNwfilters = list(flags: u32) -> Vec<ObjectRef> as filters;
        NwfilterLookupByUuid = lookup_by_uuid(uuid: Uuid) -> ObjectRef as nwfilter;
        NwfilterLookupByName = lookup_by_name(name: &'a str) -> ObjectRef as nwfilter;
        NwfilterDefineXmlFlags = define_xml(xml: &'a str, flags: u32) -> ObjectRef as nwfilter;
        NwfilterUndefine = undefine(nwfilter: &'a ObjectRef);
        NwfilterGetXmlDesc = xml_desc(nwfilter: &'a ObjectRef, flags: u32) -> String as xml;
        [list] ConnectListAllNwfilterBindings = bindings(flags: u32) -> Vec<NwFilterBindingRef> as bindings;
        NwfilterBindingLookupByPortDev = binding_by_port(name: &'a str) -> NwFilterBindingRef as nwfilter;
        NwfilterBindingCreateXml = create_binding(xml: &'a str, flags: u32) -> NwFilterBindingRef as nwfilter;
        NwfilterBindingDelete = delete_binding(nwfilter: &'a NwFilterBindingRef);
        NwfilterBindingGetXmlDesc = binding_xml_desc(nwfilter: &'a NwFilterBindingRef, flags: u32) -> String as xml;
    }
    served {
        ConnectNumOfNwfilters() = list(0) => |found| Reply { num: count(&found) };
        ConnectListNwfilters(maxnames: i32) = list(0) => |found| Reply { names: names(found, maxnames, |filter| filter.name) };
        NwfilterDefineXml(xml: String) = define_xml(&xml, 0) => |filter| Reply { nwfilter: filter.to_wire() };
    }
}
