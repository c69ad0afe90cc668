//! Calls about the log.

use virt_proto::admin as proto;
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

use super::Daemon;
use super::calls::no_flags;
use crate::logging::{Malformed, OutputError};

impl From<Malformed> for Error {
    fn from(error: Malformed) -> Self {
        Self::new(ErrorCode::InvalidArg, ErrorDomain::None, error.to_string())
    }
}

impl From<OutputError> for Error {
    fn from(error: OutputError) -> Self {
        match error {
            OutputError::Malformed(error) => error.into(),
            error => Self::new(ErrorCode::SystemError, ErrorDomain::None, error.to_string()).caused_by(error),
        }
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

pub(super) fn outputs(
    daemon: &Daemon,
    args: &proto::ConnectGetLoggingOutputsArgs,
) -> Result<proto::ConnectGetLoggingOutputsRet> {
    no_flags(args.flags, "adminConnectGetLoggingOutputs")?;
    let outputs = daemon.logging.outputs();
    Ok(proto::ConnectGetLoggingOutputsRet { noutputs: count(outputs.len()), outputs: outputs.to_string() })
}

pub(super) fn filters(
    daemon: &Daemon,
    args: &proto::ConnectGetLoggingFiltersArgs,
) -> Result<proto::ConnectGetLoggingFiltersRet> {
    no_flags(args.flags, "adminConnectGetLoggingFilters")?;
    let filters = daemon.logging.filters();
    Ok(proto::ConnectGetLoggingFiltersRet {
        filters: (!filters.is_empty()).then(|| filters.to_string()),
        nfilters: count(filters.len()),
    })
}

pub(super) fn set_outputs(daemon: &Daemon, args: &proto::ConnectSetLoggingOutputsArgs) -> Result<()> {
    no_flags(args.flags, "adminConnectSetLoggingOutputs")?;
    let outputs = args.outputs.as_deref().unwrap_or_default().parse()?;
    daemon.logging.set_outputs(&outputs)?;
    log::info!("the log goes to {}", daemon.logging.outputs());
    Ok(())
}

pub(super) fn set_filters(daemon: &Daemon, args: &proto::ConnectSetLoggingFiltersArgs) -> Result<()> {
    no_flags(args.flags, "adminConnectSetLoggingFilters")?;
    daemon.logging.set_filters(args.filters.as_deref().unwrap_or_default().parse()?);
    Ok(())
}
