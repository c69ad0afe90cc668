//! Calls that open streams, and what moves their bytes.

use std::sync::Arc;

use virt_driver::{
    ByteStream, Chunk, DomainRef, Domains, Migration, Nothing, OpenConsoleFlags, StoragePools, VolumeRef,
};
use virt_proto::Procedure;
use virt_proto::remote::*;
use virt_types::{Error, Result};

use super::convert::Wire;
use super::migration::{low, settings};
use super::{Begun, Core, Incoming, encode};
use crate::server::{Input, Reply, Stream};

/// Bytes that are read from a console at a time.
const CONSOLE: usize = 4 << 10;

/// Bytes that are read of a picture or a volume at a time.
const BULK: usize = virt_proto::packet::STREAM_DATA_MAX;

/// How the bytes of a stream go.
#[derive(Debug, Clone, Copy)]
struct Flow {
    /// Bytes that go to the client at a time, if any go there.
    reads: Option<usize>,
    /// Whether bytes come from the client.
    writes: bool,
    /// Whether there may be holes.
    sparse: bool,
}

const BOTH: Flow = Flow { reads: Some(CONSOLE), writes: true, sparse: false };
const TO_CLIENT: Flow = Flow { reads: Some(BULK), writes: false, sparse: false };
const TO_SERVER: Flow = Flow { reads: None, writes: true, sparse: false };

pub(super) fn open_console(session: &Arc<Core>, call: &mut Incoming<'_>) -> Begun {
    let connection = session.connection("domains")?;
    let DomainOpenConsoleArgs { dom, dev_name, flags } = virt_proto::xdr::decode(call.payload)?;
    session.may_write::<DomainOpenConsole>(call.payload)?;
    Ok(Box::pin(async move {
        let group: &dyn Domains = connection.domains().unwrap_or(&Nothing);
        let flags = OpenConsoleFlags::from_bits_retain(flags);
        let bytes = group.open_console(&DomainRef::from_wire(dom)?, dev_name.as_deref(), flags).await?;
        opened::<DomainOpenConsole>(&(), bytes, BOTH)
    }))
}

pub(super) fn open_channel(session: &Arc<Core>, call: &mut Incoming<'_>) -> Begun {
    let connection = session.connection("domains")?;
    let DomainOpenChannelArgs { dom, name, flags } = virt_proto::xdr::decode(call.payload)?;
    session.may_write::<DomainOpenChannel>(call.payload)?;
    Ok(Box::pin(async move {
        let group: &dyn Domains = connection.domains().unwrap_or(&Nothing);
        let bytes = group.open_channel(&DomainRef::from_wire(dom)?, name.as_deref(), flags).await?;
        opened::<DomainOpenChannel>(&(), bytes, BOTH)
    }))
}

pub(super) fn screenshot(session: &Arc<Core>, call: &mut Incoming<'_>) -> Begun {
    let connection = session.connection("domains")?;
    let DomainScreenshotArgs { dom, screen, flags } = virt_proto::xdr::decode(call.payload)?;
    session.may_write::<DomainScreenshot>(call.payload)?;
    Ok(Box::pin(async move {
        let group: &dyn Domains = connection.domains().unwrap_or(&Nothing);
        let (mime, bytes) = group.screenshot(&DomainRef::from_wire(dom)?, screen, flags).await?;
        opened::<DomainScreenshot>(&DomainScreenshotRet { mime: Some(mime) }, bytes, TO_CLIENT)
    }))
}

pub(super) fn upload(session: &Arc<Core>, call: &mut Incoming<'_>) -> Begun {
    let connection = session.connection("storage_pools")?;
    let StorageVolUploadArgs { vol, offset, length, flags } = virt_proto::xdr::decode(call.payload)?;
    session.may_write::<StorageVolUpload>(call.payload)?;
    Ok(Box::pin(async move {
        let group: &dyn StoragePools = connection.storage_pools().unwrap_or(&Nothing);
        let bytes = group.upload(&VolumeRef::from_wire(vol)?, offset, length, flags).await?;
        let sparse = is_sparse::<StorageVolUpload>(flags);
        opened::<StorageVolUpload>(&(), bytes, Flow { sparse, ..TO_SERVER })
    }))
}

pub(super) fn download(session: &Arc<Core>, call: &mut Incoming<'_>) -> Begun {
    let connection = session.connection("storage_pools")?;
    let StorageVolDownloadArgs { vol, offset, length, flags } = virt_proto::xdr::decode(call.payload)?;
    session.may_write::<StorageVolDownload>(call.payload)?;
    Ok(Box::pin(async move {
        let group: &dyn StoragePools = connection.storage_pools().unwrap_or(&Nothing);
        let bytes = group.download(&VolumeRef::from_wire(vol)?, offset, length, flags).await?;
        let sparse = is_sparse::<StorageVolDownload>(flags);
        opened::<StorageVolDownload>(&(), bytes, Flow { sparse, ..TO_CLIENT })
    }))
}

pub(super) fn prepare_tunnel(session: &Arc<Core>, call: &mut Incoming<'_>) -> Begun {
    let connection = session.connection("migration")?;
    let args: DomainMigratePrepareTunnel3Args = virt_proto::xdr::decode(call.payload)?;
    session.may_write::<DomainMigratePrepareTunnel3>(call.payload)?;
    Ok(Box::pin(async move {
        let group: &dyn Migration = connection.migration().unwrap_or(&Nothing);
        let params = settings(Some(args.dom_xml), None, args.dname, args.resource);
        let (cookie_out, bytes) = group.prepare_tunnel(&params, &args.cookie_in, low(args.flags)).await?;
        opened::<DomainMigratePrepareTunnel3>(
            &DomainMigratePrepareTunnel3Ret { cookie_out },
            bytes,
            TO_SERVER,
        )
    }))
}

pub(super) fn prepare_tunnel_params(session: &Arc<Core>, call: &mut Incoming<'_>) -> Begun {
    let connection = session.connection("migration")?;
    let args: DomainMigratePrepareTunnel3ParamsArgs = virt_proto::xdr::decode(call.payload)?;
    session.may_write::<DomainMigratePrepareTunnel3Params>(call.payload)?;
    Ok(Box::pin(async move {
        let group: &dyn Migration = connection.migration().unwrap_or(&Nothing);
        let (cookie_out, bytes) = group.prepare_tunnel(&args.params, &args.cookie_in, args.flags).await?;
        let reply = DomainMigratePrepareTunnel3ParamsRet { cookie_out };
        opened::<DomainMigratePrepareTunnel3Params>(&reply, bytes, TO_SERVER)
    }))
}

fn is_sparse<P: Procedure>(flags: u32) -> bool {
    P::ROW.sparse.is_some_and(|flag| flags & flag.bits != 0)
}

fn opened<P: Procedure>(reply: &P::Reply, bytes: Arc<dyn ByteStream>, flow: Flow) -> Result<Reply> {
    Ok(encode::<P>(reply)?.with_stream(move |stream| pump(stream, bytes, flow)))
}

/// How a stream ended.
enum End {
    /// The client is done.
    Finished,
    /// The client has given up.
    Aborted,
    /// The client is gone.
    Gone,
    /// The client broke the rules of streams.
    Broke,
}

async fn pump(stream: Stream, bytes: Arc<dyn ByteStream>, flow: Flow) {
    let outcome = tokio::select! {
        end = from_client(&stream, &*bytes, flow) => end,
        end = to_client(&stream, &*bytes, flow) => end,
    };
    let confirmed = match outcome {
        Ok(End::Finished) => bytes.finish().await,
        Ok(End::Aborted) => bytes.abort().await,
        Ok(End::Gone | End::Broke) => {
            // Nobody is left who could be told.
            let _ = bytes.abort().await;
            if matches!(outcome, Ok(End::Broke)) {
                stream.client().close();
            }
            return;
        }
        Err(error) => {
            let _ = bytes.abort().await;
            Err(error)
        }
    };
    match confirmed {
        Ok(()) => stream.finish(),
        Err(error) => stream.fail(&error),
    }
}

async fn from_client(stream: &Stream, bytes: &dyn ByteStream, flow: Flow) -> Result<End> {
    loop {
        match stream.receive().await {
            Input::Data(data) if flow.writes => {
                let mut rest = &data[..];
                while !rest.is_empty() {
                    let written = bytes.write(rest).await?;
                    rest = rest.get(written..).filter(|_| written > 0).ok_or_else(stuck)?;
                }
            }
            // Stock servers ignore what comes into a stream that only goes to the client.
            Input::Data(_) => {}
            Input::Hole(length) => match u64::try_from(length) {
                Ok(length) if flow.sparse && flow.writes => bytes.write_hole(length).await?,
                _ => return Ok(End::Broke),
            },
            Input::Finish => return Ok(End::Finished),
            Input::Abort => return Ok(End::Aborted),
            Input::Gone => return Ok(End::Gone),
        }
    }
}

fn stuck() -> Error {
    virt_driver::fd_stream_error("cannot write to stream", std::io::ErrorKind::WriteZero.into())
}

/// Sends what there is. After its end the client has the last word, so this then waits for ever.
async fn to_client(stream: &Stream, bytes: &dyn ByteStream, flow: Flow) -> Result<End> {
    let Some(size) = flow.reads else { return std::future::pending().await };
    let mut buffer = vec![0; size];
    loop {
        let chunk = if flow.sparse {
            bytes.read_sparse(&mut buffer).await?
        } else {
            Chunk::Data(bytes.read(&mut buffer).await?)
        };
        let there = match chunk {
            Chunk::Data(0) => {
                stream.send(&[]).await;
                drop(buffer);
                return std::future::pending().await;
            }
            Chunk::Data(length) => stream.send(&buffer[..length]).await,
            Chunk::Hole(length) => stream.send_hole(i64::try_from(length).unwrap_or(i64::MAX)).await,
        };
        if !there {
            return Ok(End::Gone);
        }
    }
}
