//! What the driver's calls ask of a running guest's monitor.

use std::any::Any;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use serde_json::value::RawValue;
use virt_conf::domain::Domain;
use virt_domain::JobContext;
use virt_qmp::call::{Call, read_reply};
use virt_qmp::command::{Command, QomSet};
use virt_qmp::{CommandError, Error as QmpError};
use virt_types::Result;

use super::guest::Guest;
use super::monitor::{self, GuestMonitor};

/// Commands after which QEMU opens what their arguments name.
const OPENING: [&str; 6] =
    ["blockdev-add", "blockdev-change-medium", "blockdev-reopen", "chardev-add", "object-add", "device_add"];

impl Guest {
    /// The guest of a job. If another process has it, it is asked to give it up.
    pub(crate) async fn of(context: &JobContext) -> Result<Arc<Self>> {
        let running: Arc<dyn Any + Send + Sync> = context.running().await?;
        running.downcast().map_err(|_| monitor::failed("the domain is not a QEMU guest"))
    }

    /// Executes a command; events that came before its answer are with the engine when this returns.
    pub(crate) async fn execute<C: Command + Sync>(&self, command: &C) -> Result<C::Reply> {
        self.allow_named(command);
        self.monitor.execute(command).await
    }

    /// What a command tells QEMU to open, its control group lets it open.
    fn allow_named<C: Command>(&self, command: &C) {
        if OPENING.contains(&C::NAME)
            && let Ok(text) = serde_json::to_string(command)
        {
            self.group().allow_named(&text);
        }
    }

    /// The same, where a refusal of QEMU's is an answer too.
    pub(crate) async fn attempt<C: Command + Sync>(
        &self,
        command: &C,
    ) -> Result<Result<C::Reply, CommandError>> {
        self.allow_named(command);
        let call = Call::new(command).map_err(|error| self.monitor.refused(error))?;
        Ok(match self.call(call, Vec::new()).await? {
            Ok(value) => Ok(read_reply::<C>(&value).map_err(|error| self.monitor.refused(error))?),
            Err(refusal) => Err(refusal),
        })
    }

    /// Executes a command that somebody else wrote, and gives its answer or QEMU's refusal as they came.
    pub(crate) async fn call(
        &self,
        call: Call,
        fds: Vec<OwnedFd>,
    ) -> Result<Result<Box<RawValue>, CommandError>> {
        let answer = self.monitor.monitor.call_with_fds(call, fds, self.monitor.deadline()).await;
        self.monitor.flush().await;
        match answer {
            Ok(value) => Ok(Ok(value)),
            Err(QmpError::Command { error, .. }) => Ok(Err(error)),
            Err(error) => Err(self.monitor.refused(error)),
        }
    }

    /// Executes a command with descriptors.
    pub(crate) async fn execute_with_fds<C: Command + Sync>(
        &self,
        command: &C,
        fds: Vec<OwnedFd>,
    ) -> Result<C::Reply> {
        self.allow_named(command);
        let answer = self.monitor.monitor.execute_with_fds(command, fds, self.monitor.deadline()).await;
        self.monitor.flush().await;
        answer.map_err(|error| self.monitor.refused(error))
    }

    /// Sets how often the guest reports its memory, in seconds; 0 is never.
    pub(crate) async fn set_balloon_period(&self, live: &Domain, seconds: u32) -> Result<()> {
        set_balloon_period(&self.monitor, live, seconds).await
    }
}

/// Where the balloon is in QEMU's tree of objects.
pub(crate) fn balloon_path(live: &Domain) -> Option<String> {
    let alias = live.devices.memballoon.as_ref()?.info.alias.as_ref()?;
    Some(format!("/machine/peripheral/{alias}"))
}

pub(super) async fn set_balloon_period(monitor: &GuestMonitor, live: &Domain, seconds: u32) -> Result<()> {
    let Some(path) = balloon_path(live) else { return Ok(()) };
    let property = "guest-stats-polling-interval".to_owned();
    monitor.execute(&QomSet { path, property, value: seconds.into() }).await.map(drop)
}
