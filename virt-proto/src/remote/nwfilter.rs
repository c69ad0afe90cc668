// tidy: table
//! Network filters and their bindings.

use virt_types::Uuid;

use crate::remote::{NWFILTER_BINDING_LIST_MAX, NWFILTER_LIST_MAX, Nwfilter, NwfilterBinding, PROGRAM};
use crate::table::procedures;

procedures! { PROGRAM:
    /// Finds a network filter by its name.
    175 NwfilterLookupByName "virNWFilterLookupByName" {
        args NwfilterLookupByNameArgs { name: String }
        reply NwfilterLookupByNameRet { nwfilter: Nwfilter }
        priority High
        access [Nwfilter.getattr]
        since "<=1.2.7"
    }

    /// Finds a network filter by its UUID.
    176 NwfilterLookupByUuid "virNWFilterLookupByUUID" {
        args NwfilterLookupByUuidArgs { uuid: Uuid }
        reply NwfilterLookupByUuidRet { nwfilter: Nwfilter }
        priority High
        access [Nwfilter.getattr]
        since "<=1.2.7"
    }

    /// The network filter's document.
    177 NwfilterGetXmlDesc "virNWFilterGetXMLDesc" {
        args NwfilterGetXmlDescArgs { nwfilter: Nwfilter, flags: u32 }
        reply NwfilterGetXmlDescRet { xml: String }
        priority High
        access [Nwfilter.read]
        since "<=1.2.7"
    }

    /// How many network filters there are.
    178 ConnectNumOfNwfilters "virConnectNumOfNWFilters" {
        reply ConnectNumOfNwfiltersRet { num: i32 }
        priority High
        access [Connect.search_nwfilters]
        filter Nwfilter.getattr
        since "<=1.2.7"
    }

    /// Names of the network filters.
    179 ConnectListNwfilters "virConnectListNWFilters" {
        args ConnectListNwfiltersArgs { maxnames: i32 }
        reply ConnectListNwfiltersRet { names: Vec<String>[NWFILTER_LIST_MAX] }
        priority High
        access [Connect.search_nwfilters]
        filter Nwfilter.getattr
        since "<=1.2.7"
    }

    /// Defines a network filter, or changes it where it is in use, too.
    180 NwfilterDefineXml "virNWFilterDefineXML" {
        args NwfilterDefineXmlArgs { xml: String }
        reply NwfilterDefineXmlRet { nwfilter: Nwfilter }
        priority High
        access [Nwfilter.write, Nwfilter.save]
        since "<=1.2.7"
    }

    /// Removes a network filter.
    181 NwfilterUndefine "virNWFilterUndefine" {
        args NwfilterUndefineArgs { nwfilter: Nwfilter }
        priority High
        access [Nwfilter.delete]
        since "<=1.2.7"
    }

    /// The network filters, or how many there are.
    286 ConnectListAllNwfilters "virConnectListAllNWFilters" {
        args ConnectListAllNwfiltersArgs { need_results: i32, flags: u32 }
        reply ConnectListAllNwfiltersRet { filters: Vec<Nwfilter>[NWFILTER_LIST_MAX], ret: u32 }
        priority High
        access [Connect.search_nwfilters]
        filter Nwfilter.getattr
        since "<=1.2.7"
    }

    /// Finds the binding of an interface.
    397 NwfilterBindingLookupByPortDev "virNWFilterBindingLookupByPortDev" {
        args NwfilterBindingLookupByPortDevArgs { name: String }
        reply NwfilterBindingLookupByPortDevRet { nwfilter: NwfilterBinding }
        priority High
        access [NwfilterBinding.getattr]
        since "5.6.0"
    }

    /// The binding's document.
    398 NwfilterBindingGetXmlDesc "virNWFilterBindingGetXMLDesc" {
        args NwfilterBindingGetXmlDescArgs { nwfilter: NwfilterBinding, flags: u32 }
        reply NwfilterBindingGetXmlDescRet { xml: String }
        priority High
        access [NwfilterBinding.read]
        since "5.6.0"
    }

    /// Binds a network filter to an interface.
    399 NwfilterBindingCreateXml "virNWFilterBindingCreateXML" {
        args NwfilterBindingCreateXmlArgs { xml: String, flags: u32 }
        reply NwfilterBindingCreateXmlRet { nwfilter: NwfilterBinding }
        priority High
        access [NwfilterBinding.create]
        since "5.6.0"
    }

    /// Takes the network filter from an interface.
    400 NwfilterBindingDelete "virNWFilterBindingDelete" {
        args NwfilterBindingDeleteArgs { nwfilter: NwfilterBinding }
        priority High
        access [NwfilterBinding.delete]
        since "5.6.0"
    }

    /// The bindings, or how many there are.
    401 ConnectListAllNwfilterBindings "virConnectListAllNWFilterBindings" {
        args ConnectListAllNwfilterBindingsArgs { need_results: i32, flags: u32 }
        reply ConnectListAllNwfilterBindingsRet {
            bindings: Vec<NwfilterBinding>[NWFILTER_BINDING_LIST_MAX], ret: u32,
        }
        priority High
        access [Connect.search_nwfilter_bindings]
        filter NwfilterBinding.getattr
        since "5.6.0"
    }

    /// Defines a network filter or changes it, and may check the document against the schema.
    431 NwfilterDefineXmlFlags "virNWFilterDefineXMLFlags" {
        args NwfilterDefineXmlFlagsArgs { xml: String, flags: u32 }
        reply NwfilterDefineXmlFlagsRet { nwfilter: Nwfilter }
        priority High
        access [Nwfilter.write, Nwfilter.save]
        since "9.0.0"
    }
}
