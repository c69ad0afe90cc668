//! The calls of the contract, and the service that hypervisors use.

use std::sync::Arc;

use virt_conf::nwfilter::{Filter, FilterBinding};
use virt_driver::flags::check_bits;
use virt_driver::{BoxFuture, NwFilterBindingRef, NwFilters, ObjectRef};
use virt_types::{ErrorCode, ErrorDomain, Result, Uuid};
use virt_xml::{Document, Element};

use super::NwFilterDriver;
use super::state::{State, binding_reference, reference};
use crate::error::refuse;

type Answer<'a, T> = BoxFuture<'a, Result<T>>;

/// `VIR_NWFILTER_DEFINE_VALIDATE` and `VIR_NWFILTER_BINDING_CREATE_VALIDATE`: unknown parts are refused.
const VALIDATE: u32 = 1;

fn check(flags: u32, known: u32, function: &str) -> Result<()> {
    check_bits(flags, known, ErrorDomain::Nwfilter, function)
}

/// Reads a document, and refuses what means nothing in it where that is asked for.
fn read<T>(
    xml: &str,
    flags: u32,
    root: &'static str,
    parse: impl FnOnce(Element<'_>) -> Result<T>,
) -> Result<T> {
    let document = Document::parse_recording(xml)?;
    let parsed = parse(document.root_named(root)?)?;
    if flags & VALIDATE != 0 {
        document.refuse_unread()?;
    }
    Ok(parsed)
}

impl NwFilterDriver {
    fn privileged(&self, what: &str) -> Result<()> {
        if self.shared.privileged {
            return Ok(());
        }
        Err(refuse(ErrorCode::OperationInvalid, format!("Can't define {what} in session mode")))
    }
}

impl NwFilterDriver {
    /// An answer from what is known, once the files are read.
    fn known<'a, T: Send>(&'a self, look: impl FnOnce(&State) -> Result<T> + Send + 'a) -> Answer<'a, T> {
        Box::pin(async move {
            self.start().await?;
            look(&self.state())
        })
    }
}

impl NwFilters for NwFilterDriver {
    fn list<'a>(&'a self, flags: u32) -> Answer<'a, Vec<ObjectRef>> {
        self.known(move |state| {
            check(flags, 0, "nwfilterConnectListAllNWFilters")?;
            Ok(state.filters().map(|filter| reference(filter)).collect())
        })
    }

    fn lookup_by_uuid<'a>(&'a self, uuid: Uuid) -> Answer<'a, ObjectRef> {
        self.known(move |state| state.by_uuid(uuid).map(|filter| reference(filter)))
    }

    fn lookup_by_name<'a>(&'a self, name: &'a str) -> Answer<'a, ObjectRef> {
        self.known(move |state| state.by_name(name).map(|filter| reference(filter)))
    }

    fn define_xml<'a>(&'a self, xml: &'a str, flags: u32) -> Answer<'a, ObjectRef> {
        Box::pin(async move {
            check(flags, VALIDATE, "nwfilterDefineXMLFlags")?;
            self.privileged("NWFilters")?;
            self.start().await?;
            let filter = read(xml, flags, "filter", Filter::parse_element)?;
            let (filter, outcomes) = self.change(|engine| engine.define(filter)).await?;
            self.follow_all(outcomes);
            Ok(reference(&filter))
        })
    }

    fn undefine<'a>(&'a self, filter: &'a ObjectRef) -> Answer<'a, ()> {
        let uuid = filter.uuid;
        Box::pin(async move {
            self.start().await?;
            self.change(move |engine| engine.undefine(uuid)).await
        })
    }

    fn xml_desc<'a>(&'a self, filter: &'a ObjectRef, flags: u32) -> Answer<'a, String> {
        self.known(move |state| {
            check(flags, 0, "nwfilterGetXMLDesc")?;
            Ok(state.by_uuid(filter.uuid)?.format())
        })
    }

    fn bindings<'a>(&'a self, flags: u32) -> Answer<'a, Vec<NwFilterBindingRef>> {
        self.known(move |state| {
            check(flags, 0, "nwfilterConnectListAllNWFilterBindings")?;
            Ok(state.bindings.values().map(|binding| binding_reference(binding)).collect())
        })
    }

    fn binding_by_port<'a>(&'a self, port_device: &'a str) -> Answer<'a, NwFilterBindingRef> {
        self.known(move |state| state.binding(port_device).map(|binding| binding_reference(binding)))
    }

    fn create_binding<'a>(&'a self, xml: &'a str, flags: u32) -> Answer<'a, NwFilterBindingRef> {
        Box::pin(async move {
            check(flags, VALIDATE, "nwfilterBindingCreateXML")?;
            self.privileged("NWFilter bindings")?;
            self.start().await?;
            let binding = read(xml, flags, "filterbinding", FilterBinding::parse_element)?;
            let (binding, outcome) = self.change(|engine| engine.bind(binding)).await?;
            self.follow(binding.port_dev.clone(), &outcome);
            Ok(binding_reference(&binding))
        })
    }

    fn delete_binding<'a>(&'a self, binding: &'a NwFilterBindingRef) -> Answer<'a, ()> {
        let port: Arc<str> = binding.port_device.as_str().into();
        Box::pin(async move {
            self.start().await?;
            self.forget(&port);
            self.change(move |engine| engine.unbind(&port)).await
        })
    }

    fn binding_xml_desc<'a>(&'a self, binding: &'a NwFilterBindingRef, flags: u32) -> Answer<'a, String> {
        self.known(move |state| {
            check(flags, 0, "nwfilterBindingGetXMLDesc")?;
            Ok(state.binding(&binding.port_device)?.format())
        })
    }
}
