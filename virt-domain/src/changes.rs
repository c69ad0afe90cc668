//! Changes that other processes of the engine make to its files, as the kernel reports them.
//!
//! The kernel queues a report with the change itself, so whoever holds the root lock and reads the queue knows every
//! configuration as it is.

use std::collections::BTreeSet;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::inotify::{CreateFlags, ReadFlags, Reader, WatchFlags, add_watch, init};
use virt_sys::Readable;
use virt_types::{DomainName, Uuid};

use crate::engine::{Engine, Entry};
use crate::error::Error;
use crate::layout::{Layout, name_of};
use crate::ownership::RootGuard;
use crate::store::StoredConfig;
use crate::task::Input;

/// Names of domains whose files were touched.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Touched {
    pub(crate) configs: BTreeSet<String>,
    pub(crate) statuses: BTreeSet<String>,
    /// The queue ran over: anything may have changed.
    pub(crate) all: bool,
}

/// The reports of one engine's directories.
#[derive(Debug)]
pub(crate) struct Changes {
    inotify: Readable,
    config: i32,
    autostart: i32,
    status: i32,
    /// Reports that were read by one and are for all.
    reading: Mutex<()>,
}

impl Changes {
    pub(crate) fn watch(layout: &Layout) -> Result<Self, Error> {
        let fail =
            |path: &std::path::Path, errno: rustix::io::Errno| Error::file("watch", path, errno.into());
        let inotify =
            init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC).map_err(|e| fail(&layout.config_dir, e))?;
        let flags =
            WatchFlags::MOVED_TO | WatchFlags::MOVED_FROM | WatchFlags::DELETE | WatchFlags::CLOSE_WRITE;
        let add = |path: &std::path::Path, flags| add_watch(&inotify, path, flags).map_err(|e| fail(path, e));
        let config = add(&layout.config_dir, flags)?;
        let autostart = add(&layout.autostart_dir, flags | WatchFlags::CREATE)?;
        // Only engines write there, and replace files as a whole. Locks may live there too, and are closed whenever
        // reports are looked at.
        let status = add(&layout.status_dir, flags - WatchFlags::CLOSE_WRITE)?;
        let path = layout.config_dir.clone();
        let inotify = Readable::new(inotify).map_err(|error| Error::file("watch", path, error))?;
        Ok(Self { inotify, config, autostart, status, reading: Mutex::new(()) })
    }

    /// Waits until there are reports.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        self.inotify.readable().await
    }

    /// The reports so far.
    fn read(&self) -> Touched {
        let _one = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let mut touched = Touched::default();
        let mut buffer = [MaybeUninit::uninit(); 16 << 10];
        let mut reader = Reader::new(self.inotify.as_fd(), &mut buffer);
        while let Ok(event) = reader.next() {
            if event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
                touched.all = true;
                continue;
            }
            let Some(name) = event.file_name().and_then(|name| name.to_str().ok()) else { continue };
            let Some(name) = name_of(name.as_ref()) else { continue };
            if event.wd() == self.status {
                touched.statuses.insert(name.to_owned());
            } else if event.wd() == self.config || event.wd() == self.autostart {
                touched.configs.insert(name.to_owned());
            }
        }
        touched
    }
}

impl Engine {
    /// Takes in what other processes changed. Afterwards the list has exactly the domains that have a configuration
    /// or run.
    pub(crate) fn catch_up(self: &Arc<Self>, _root: &RootGuard) {
        let mut touched = self.changes.read();
        if touched.all {
            for (dir, names) in [
                (&self.store.layout.config_dir, &mut touched.configs),
                (&self.store.layout.status_dir, &mut touched.statuses),
            ] {
                names.extend(self.store.names(dir).unwrap_or_default());
                names.extend(self.maps().entries().map(|entry| entry.core.snapshot().name.to_string()));
            }
        }
        if touched.configs.is_empty() && touched.statuses.is_empty() {
            return;
        }
        let mut configs = Vec::new();
        for name in &touched.configs {
            let entry = DomainName::new(name.as_str()).ok().and_then(|name| self.maps().name(&name).cloned());
            let known = entry.and_then(|entry| entry.core.lock().config.clone());
            match self.store.read_config(name, known.as_ref()) {
                Ok(config) => configs.push((name, config)),
                Err(error) => log::warn!("{}", virt_types::Error::from(error).report()),
            }
        }
        // A domain that took another name first, so that its old name is free for what follows.
        let moved = |found: &Option<StoredConfig>| found.as_ref().map(|stored| stored.uuid);
        for (name, found) in &configs {
            if let (Some(uuid), Some(found)) = (moved(found), found) {
                self.config_appeared(name, uuid, found, true);
            }
        }
        for (name, found) in &configs {
            if found.is_none() {
                self.touch(name, Input::ConfigTouched);
            }
        }
        for (name, found) in configs {
            if let (Some(uuid), Some(found)) = (moved(&found), &found) {
                self.config_appeared(name, uuid, found, false);
            }
        }
        for name in &touched.statuses {
            self.status_touched(name);
        }
    }

    fn config_appeared(self: &Arc<Self>, name: &str, uuid: Uuid, found: &StoredConfig, renames_only: bool) {
        let Ok(name) = DomainName::new(name) else { return };
        let known = self.maps().uuid(uuid).cloned();
        match known {
            Some(entry) if entry.core.snapshot().name == name => {
                if !renames_only {
                    poke(&entry, Input::ConfigTouched);
                }
            }
            Some(entry) => {
                let old = entry.core.snapshot().name.clone();
                if self.store.layout.config(old.as_str()).exists() {
                    log::warn!("'{old}' and '{name}' have the same UUID {uuid}; '{name}' is not taken in");
                } else {
                    self.renamed_elsewhere(&entry, name);
                }
            }
            None if renames_only => {}
            None => {
                let mut maps = self.maps_mut();
                // Another domain of this name is going: its file is gone, its task not yet.
                if let Some(gone) = maps.name(&name).cloned() {
                    let mut state = gone.core.lock();
                    if state.is_active() {
                        log::warn!("a running domain has the name '{name}' already: {uuid} is not taken in");
                        return;
                    }
                    state.removed = true;
                    state.publish();
                    let gone = state.uuid;
                    drop(state);
                    maps.drop_entry(gone);
                }
                let entry = self.add(&mut maps, uuid, name, Some(found.clone()), None);
                drop(maps);
                entry
                    .core
                    .lock()
                    .tell_lifecycle(virt_driver::Lifecycle::Defined(virt_types::DefinedDetail::Added));
            }
        }
    }

    fn renamed_elsewhere(&self, entry: &Entry, name: DomainName) {
        use virt_driver::Lifecycle;
        use virt_types::{DefinedDetail, UndefinedDetail};
        let mut maps = self.maps_mut();
        let mut state = entry.core.lock();
        state.tell_lifecycle(Lifecycle::Undefined(UndefinedDetail::Renamed));
        maps.rename(state.uuid, name.clone());
        state.name = name;
        if let Ok(found) = self.store.read_config(state.name.as_str(), None) {
            state.set_config(found);
        }
        state.tell_lifecycle(Lifecycle::Defined(DefinedDetail::Renamed));
    }

    fn status_touched(self: &Arc<Self>, name: &str) {
        let Ok(domain_name) = DomainName::new(name) else { return };
        if self.maps().name(&domain_name).is_some() {
            return self.touch(name, Input::StatusTouched);
        }
        let status = match self.store.read_status(name) {
            Ok(Some(status)) => status,
            Ok(None) => return,
            Err(error) => return log::warn!("{}", virt_types::Error::from(error).report()),
        };
        let Some(uuid) = status.file.live.uuid else { return };
        let mut maps = self.maps_mut();
        if maps.uuid(uuid).is_some() || maps.name(&domain_name).is_some() {
            return;
        }
        let entry = self.add(&mut maps, uuid, domain_name, None, None);
        drop(maps);
        entry.core.lock().told(Some(status));
        poke(&entry, Input::StatusTouched);
    }

    fn touch(&self, name: &str, input: Input) {
        let Ok(name) = DomainName::new(name) else { return };
        let entry = self.maps().name(&name).cloned();
        if let Some(entry) = entry {
            poke(&entry, input);
        }
    }
}

/// Tells a task to look at its files.
fn poke(entry: &Arc<Entry>, input: Input) {
    // A task that has ended needs to know nothing.
    let _ = entry.inbox.send(input);
}

/// Watches until the engine is closed.
pub(crate) async fn follow_changes(
    engine: std::sync::Weak<Engine>,
    mut closing: tokio::sync::watch::Receiver<bool>,
) {
    loop {
        let Some(engine) = engine.upgrade() else { return };
        tokio::select! {
            () = crate::engine::until_closed(&mut closing) => return,
            ready = engine.changes.readable() => if ready.is_err() { return },
        }
        match engine.ownership.root(engine.deadline()).await {
            Ok(root) => engine.catch_up(&root),
            Err(error) => log::warn!("{}", error.report()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_lock_beside_the_status_files_wakes_nobody() {
        let root = std::env::temp_dir().join(format!("virt-domain-changes-{}", std::process::id()));
        let layout = Layout { status_dir: root.join("run"), ..Layout::below(&root) };
        for dir in layout.dirs() {
            std::fs::create_dir_all(dir).unwrap();
        }
        let changes = Changes::watch(&layout).unwrap();
        let readable = || tokio::time::timeout(std::time::Duration::ZERO, changes.readable());
        std::fs::write(layout.root_lock(), "").unwrap();
        assert!(readable().await.is_err());
        std::fs::rename(layout.root_lock(), layout.status("web")).unwrap();
        assert!(changes.readable().await.is_ok());
        assert!(changes.read().statuses.contains("web"));
        std::fs::remove_dir_all(root).unwrap();
    }
}
