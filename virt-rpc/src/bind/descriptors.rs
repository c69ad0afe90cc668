//! Calls that pass descriptors.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use virt_driver::{DomainRef, Domains, MonitorCommandFlags, Nothing};
use virt_proto::lxc::{DomainOpenNamespace, DomainOpenNamespaceArgs};
use virt_proto::qemu::{
    DomainMonitorCommandWithFiles, DomainMonitorCommandWithFilesArgs, DomainMonitorCommandWithFilesRet,
};
use virt_proto::remote::*;
use virt_types::{CreateFlags, Error, ErrorCode, ErrorDomain, Result};

use super::convert::Wire;
use super::{Begun, Core, Incoming, encode};
use crate::server::Reply;

pub(super) fn create_xml(session: &Arc<Core>, call: &mut Incoming<'_>) -> Begun {
    let connection = session.connection("domains")?;
    let DomainCreateXmlWithFilesArgs { xml_desc, flags } = virt_proto::xdr::decode(call.payload)?;
    session.may_write::<DomainCreateXmlWithFiles>(call.payload)?;
    let files = std::mem::take(&mut call.fds);
    Ok(Box::pin(async move {
        let group: &dyn Domains = connection.domains().unwrap_or(&Nothing);
        let domain = group.create_xml(&xml_desc, files, CreateFlags::from_bits_retain(flags)).await?;
        encode::<DomainCreateXmlWithFiles>(&DomainCreateXmlWithFilesRet { dom: domain.to_wire() })
    }))
}

pub(super) fn create(session: &Arc<Core>, call: &mut Incoming<'_>) -> Begun {
    let connection = session.connection("domains")?;
    let DomainCreateWithFilesArgs { dom, flags } = virt_proto::xdr::decode(call.payload)?;
    session.may_write::<DomainCreateWithFiles>(call.payload)?;
    let files = std::mem::take(&mut call.fds);
    Ok(Box::pin(async move {
        let group: &dyn Domains = connection.domains().unwrap_or(&Nothing);
        let domain = DomainRef::from_wire(dom)?;
        let domain = group.create(&domain, files, CreateFlags::from_bits_retain(flags)).await?;
        encode::<DomainCreateWithFiles>(&DomainCreateWithFilesRet { dom: domain.to_wire() })
    }))
}

pub(super) fn associate(session: &Arc<Core>, call: &mut Incoming<'_>) -> Begun {
    let connection = session.connection("domains")?;
    let DomainFdAssociateArgs { dom, name, flags } = virt_proto::xdr::decode(call.payload)?;
    session.may_write::<DomainFdAssociate>(call.payload)?;
    let files = std::mem::take(&mut call.fds);
    Ok(Box::pin(async move {
        let group: &dyn Domains = connection.domains().unwrap_or(&Nothing);
        group.associate_files(&DomainRef::from_wire(dom)?, &name, files, flags).await?;
        Ok(Reply::default())
    }))
}

pub(super) fn open_graphics(session: &Arc<Core>, call: &mut Incoming<'_>) -> Begun {
    let connection = session.connection("domains")?;
    let DomainOpenGraphicsArgs { dom, idx, flags } = virt_proto::xdr::decode(call.payload)?;
    session.may_write::<DomainOpenGraphics>(call.payload)?;
    let socket = one(std::mem::take(&mut call.fds))?;
    Ok(Box::pin(async move {
        let group: &dyn Domains = connection.domains().unwrap_or(&Nothing);
        group.open_graphics(&DomainRef::from_wire(dom)?, idx, socket, flags).await?;
        Ok(Reply::default())
    }))
}

pub(super) fn open_graphics_fd(session: &Arc<Core>, call: &mut Incoming<'_>) -> Begun {
    let connection = session.connection("domains")?;
    let DomainOpenGraphicsFdArgs { dom, idx, flags } = virt_proto::xdr::decode(call.payload)?;
    session.may_write::<DomainOpenGraphicsFd>(call.payload)?;
    Ok(Box::pin(async move {
        let group: &dyn Domains = connection.domains().unwrap_or(&Nothing);
        let socket = group.open_graphics_fd(&DomainRef::from_wire(dom)?, idx, flags).await?;
        Ok(Reply { fds: vec![socket], ..Reply::default() })
    }))
}

pub(super) fn monitor_command(session: &Arc<Core>, call: &mut Incoming<'_>) -> Begun {
    let connection = session.connection("domains")?;
    let DomainMonitorCommandWithFilesArgs { dom, cmd, flags } = virt_proto::xdr::decode(call.payload)?;
    session.may_write::<DomainMonitorCommandWithFiles>(call.payload)?;
    let files = std::mem::take(&mut call.fds);
    Ok(Box::pin(async move {
        let group: &dyn Domains = connection.domains().unwrap_or(&Nothing);
        let domain = DomainRef::from_wire(dom)?;
        let flags = MonitorCommandFlags::from_bits_retain(flags);
        let (result, fds) = group.monitor_command_with_files(&domain, &cmd, files, flags).await?;
        let reply = DomainMonitorCommandWithFilesRet { result };
        Ok(Reply { fds, ..encode::<DomainMonitorCommandWithFiles>(&reply)? })
    }))
}

pub(super) fn open_namespace(session: &Arc<Core>, call: &mut Incoming<'_>) -> Begun {
    let connection = session.connection("domains")?;
    let DomainOpenNamespaceArgs { dom, flags } = virt_proto::xdr::decode(call.payload)?;
    session.may_write::<DomainOpenNamespace>(call.payload)?;
    Ok(Box::pin(async move {
        let group: &dyn Domains = connection.domains().unwrap_or(&Nothing);
        let fds = group.open_namespace(&DomainRef::from_wire(dom)?, flags).await?;
        Ok(Reply { fds, ..Reply::default() })
    }))
}

/// The one descriptor that has to come with a message.
pub(super) fn one(mut files: Vec<OwnedFd>) -> Result<OwnedFd> {
    match files.pop() {
        Some(file) if files.is_empty() => Ok(file),
        _ => Err(Error::new(
            ErrorCode::Rpc,
            ErrorDomain::Rpc,
            "one file descriptor has to come with the message",
        )),
    }
}
