//! Threads of domains that do I/O.

use virt_conf::domain::IoThread;
use virt_driver::IothreadInfo;
use virt_types::{Error, Impact, Result, TypedParams};

use super::cpu::{below, from_map, to_map};
use super::{Guest, config_argument};
use crate::error::invalid_arg;
use crate::params::{self, Kind};

/// How a thread polls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Polling {
    pub(super) id: u32,
    /// Nanoseconds.
    pub(super) max: u64,
    pub(super) grow: u32,
    pub(super) shrink: u32,
}

impl Polling {
    const fn usual(id: u32) -> Self {
        Self { id, max: 32_768, grow: 0, shrink: 0 }
    }
}

const PARAMETERS: [(&str, Kind); 3] =
    [("poll_max_ns", Kind::ULLong), ("poll_grow", Kind::UInt), ("poll_shrink", Kind::UInt)];

fn check_id(id: u32) -> Result<()> {
    if id == 0 { Err(invalid_arg("invalid value of 0 for iothread_id")) } else { Ok(()) }
}

fn used_by(id: u32, user: &str) -> Error {
    config_argument(format!("cannot remove IOThread {id} since it is being used by {user}"))
}

impl Guest {
    /// Notes how the threads of the configuration poll.
    pub(crate) fn note_polling(&mut self) {
        self.polling.extend(self.live.iothreads.list.iter().map(|thread| Polling::usual(thread.id)));
    }

    pub(super) fn iothreads(&mut self, impact: Impact) -> Result<Vec<IothreadInfo>> {
        let config = &*self.config(impact)?.0;
        let all = below(config.vcpus.online_count());
        let info = |thread: &IoThread| {
            let pin = config.cputune.iothread_pins.get(&thread.id).or(config.vcpus.cpuset.as_ref());
            IothreadInfo { id: thread.id, cpu_map: to_map(pin.unwrap_or(&all)) }
        };
        Ok(config.iothreads.list.iter().map(info).collect())
    }

    pub(super) fn add_iothread(&mut self, id: u32, impact: Impact) -> Result<()> {
        check_id(id)?;
        let config = self.config(impact)?.0;
        if config.iothreads.find(id).is_some() {
            return Err(config_argument(format!("an IOThread is already using iothread_id '{id}'")));
        }
        config.iothreads.list.push(IoThread { id, ..IoThread::default() });
        self.polling.push(Polling::usual(id));
        Ok(())
    }

    pub(super) fn delete_iothread(&mut self, id: u32, impact: Impact) -> Result<()> {
        check_id(id)?;
        let config = self.config(impact)?.0;
        if config.iothreads.find(id).is_none() {
            return Err(config_argument(format!("cannot find IOThread '{id}' in iothreadids list")));
        }
        if let Some(disk) = config.devices.disks.iter().find(|disk| disk.driver.iothread == Some(id)) {
            return Err(used_by(id, &format!("disk '{}'", disk.name())));
        }
        if config.devices.controllers.iter().any(|controller| controller.driver.iothread == Some(id)) {
            let detail = format!("cannot remove IOThread '{id}' since it is being used by controller");
            return Err(config_argument(detail));
        }
        config.iothreads.list.retain(|thread| thread.id != id);
        config.cputune.iothread_pins.remove(&id);
        config.cputune.iothread_schedulers.remove(&id);
        self.polling.retain(|polling| polling.id != id);
        Ok(())
    }

    pub(super) fn pin_iothread(&mut self, id: u32, map: &[u8], impact: Impact) -> Result<()> {
        let config = self.config(impact)?.0;
        let set = from_map(map);
        if set.is_empty() {
            return Err(invalid_arg("Empty iothread cpumap list for pinning"));
        }
        let thread = config.iothreads.list.iter_mut().find(|thread| thread.id == id);
        thread.ok_or_else(|| invalid_arg(format!("iothreadid {id} not found")))?.implied = false;
        config.cputune.iothread_pins.insert(id, set);
        Ok(())
    }

    pub(super) fn set_iothread_parameters(
        &mut self,
        id: u32,
        params: &TypedParams,
        impact: Impact,
    ) -> Result<()> {
        check_id(id)?;
        if self.config(impact)?.0.iothreads.find(id).is_none() {
            return Err(invalid_arg(format!("cannot find IOThread '{id}' in iothreadids")));
        }
        params::check(params, &PARAMETERS)?;
        let Some(polling) = self.polling.iter_mut().find(|polling| polling.id == id) else { return Ok(()) };
        let [max, grow, shrink] = PARAMETERS.map(|(field, _)| params::unsigned(params, field));
        polling.max = max.unwrap_or(polling.max);
        polling.grow = grow.map_or(polling.grow, |value| value as u32);
        polling.shrink = shrink.map_or(polling.shrink, |value| value as u32);
        Ok(())
    }
}
