//! Bringing devices into a running guest, and letting them go.

mod attach;
mod detach;

use std::collections::HashMap;
use std::os::fd::OwnedFd;

use serde_json::value::{RawValue, to_raw_value};
use virt_conf::domain::{DeviceKind, DeviceMut, DeviceRef, Devices, Domain};
use virt_domain::JobContext;
use virt_qmp::CommandError;
use virt_qmp::call::Call;
use virt_qmp::command::{CloseFd, GetFd};
use virt_types::Result;

use super::guest::Guest;
use super::monitor;
use crate::plan::{Part, Props};
use crate::plug::{Command, fd_name, plugging};

pub(super) use detach::{finish, reconcile};

/// The devices of a document that has these only.
fn alone(domain: &Domain, places: &[(DeviceKind, usize)]) -> Domain {
    let mut one = Domain {
        name: domain.name.clone(),
        uuid: domain.uuid,
        id: domain.id,
        virt_type: domain.virt_type,
        os: domain.os.clone(),
        ..Domain::default()
    };
    for device in places.iter().filter_map(|(kind, position)| domain.devices.get(*kind, *position)) {
        one.devices.insert(usize::MAX, device.to_any());
    }
    one
}

/// Puts a changed device in its place.
fn put_back(devices: &mut Devices, kind: DeviceKind, position: usize, from: Option<DeviceRef<'_>>) {
    let (Some(from), Some(DeviceMut::Interface(place))) = (from, devices.get_mut(kind, position)) else {
        return;
    };
    if let DeviceRef::Interface(interface) = from {
        *place = interface.clone();
    }
}

impl Guest {
    /// Sends a command that may be refused.
    async fn send(
        &self,
        command: &Command,
        fds: Vec<OwnedFd>,
    ) -> Result<std::result::Result<Box<RawValue>, CommandError>> {
        let arguments = to_raw_value(&command.arguments)
            .map_err(|error| monitor::failed("a command can not be written").caused_by(error))?;
        // A device that a new disk or port names has to be opened.
        self.group().allow_named(arguments.get());
        let call = Call::raw(command.name, Some(arguments));
        let call = if fds.is_empty() { call } else { call.with_descriptors() };
        self.call(call, fds).await
    }

    /// Sends a command that takes something back; that there is nothing to take back is no error.
    async fn take_back(&self, command: &Command) {
        match self.send(command, Vec::new()).await {
            Ok(Ok(_)) => {}
            Ok(Err(refusal)) => log::debug!("{}: {}", command.name, refusal.desc),
            Err(error) => log::debug!("{}: {}", command.name, error.report()),
        }
    }

    /// Tells QEMU of parts, in order; after a failure it knows none of them.
    async fn plug(
        &self,
        parts: &[Part],
        mut fds: HashMap<i32, OwnedFd>,
        secrets: &HashMap<String, Props>,
    ) -> Result<()> {
        let secret = |part: &Part| match part {
            Part::Secret { id, .. } => {
                let found = secrets.get(id).cloned();
                found.ok_or_else(|| monitor::failed(format!("the secret {id} is not known")))
            }
            _ => Err(monitor::failed("a part is no secret")),
        };
        let mut undo = Vec::new();
        let mut done = Ok(());
        for part in parts {
            done = match plugging(part, &secret) {
                Ok(plugging) => {
                    let done = self.plug_part(&plugging, &mut fds).await;
                    if done.is_ok() {
                        undo.extend(plugging.unplug);
                    }
                    done
                }
                Err(error) => Err(error),
            };
            if done.is_err() {
                break;
            }
        }
        if done.is_err() {
            for command in undo.iter().rev() {
                self.take_back(command).await;
            }
        }
        done
    }

    async fn plug_part(
        &self,
        plugging: &crate::plug::Plugging,
        fds: &mut HashMap<i32, OwnedFd>,
    ) -> Result<()> {
        let mut take = |number: i32| {
            let fd = fds.remove(&number);
            fd.ok_or_else(|| monitor::failed(format!("the descriptor {number} is not open")))
        };
        for number in &plugging.named_fds {
            let named = GetFd { fdname: fd_name(*number) };
            self.execute_with_fds(&named, vec![take(*number)?]).await?;
        }
        let own = plugging.own_fd.map(take).transpose()?;
        match self.send(&plugging.plug, own.into_iter().collect()).await? {
            Ok(_) => Ok(()),
            Err(refusal) => {
                for number in &plugging.named_fds {
                    let _ = self.attempt(&CloseFd { fdname: fd_name(*number) }).await;
                }
                Err(refused(&plugging.plug, &refusal))
            }
        }
    }
}

/// QEMU's refusal in libvirt's words.
fn refused(command: &Command, refusal: &CommandError) -> virt_types::Error {
    monitor::failed(format!("unable to execute QEMU command '{}': {}", command.name, refusal.desc))
}

/// The guest of a job, whichever process has it.
async fn guest(context: &JobContext) -> Result<std::sync::Arc<Guest>> {
    Guest::of(context).await
}
