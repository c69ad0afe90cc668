//! The driver: filters and bindings in files, rules in the host's tables.
//!
//! Changes are made one after the other, each in a thread for what blocks; looks at what there is never wait for them.

mod batch;
mod calls;
mod engine;
mod learn;
mod ports;
mod state;
mod store;
mod tables;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use tokio::sync::OnceCell;
use tokio::task::AbortHandle;
use virt_firewall::{Runner, System};
use virt_types::{Error, ErrorCode, Result};

pub use store::Directories;

use crate::error::refuse;
use engine::{Engine, Outcome, Outcomes};
use ports::{Host, Ports};
use state::State;
use tables::Tables;

/// The driver of network filters. Clones share it.
#[derive(Debug, Clone)]
pub struct NwFilterDriver {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Whether filters are of any use: only root changes the host's tables.
    privileged: bool,
    directories: Directories,
    started: OnceCell<()>,
    engine: Mutex<Engine>,
    /// What there is, for those who only look.
    published: RwLock<Arc<State>>,
    /// The tasks that look for the addresses of interfaces.
    learners: Mutex<HashMap<String, AbortHandle>>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        let learners = self.learners.get_mut().unwrap_or_else(PoisonError::into_inner);
        learners.drain().for_each(|(_, learner)| learner.abort());
    }
}

impl NwFilterDriver {
    /// The driver over these directories, whose rules go into the tables of this process's network namespace. Where it is
    /// not privileged, there are no filters, and none can be defined.
    ///
    /// Nothing is read before [`NwFilterDriver::start`], or the first call.
    #[must_use]
    pub fn new(directories: Directories, privileged: bool) -> Self {
        Self::over(directories, privileged, Arc::new(System), Arc::new(Host))
    }

    fn over(
        directories: Directories,
        privileged: bool,
        runner: Arc<dyn Runner>,
        ports: Arc<dyn Ports>,
    ) -> Self {
        let engine = Mutex::new(Engine::new(directories.clone(), Tables::new(runner), ports));
        let shared = Shared {
            privileged,
            directories,
            started: OnceCell::new(),
            engine,
            published: RwLock::default(),
            learners: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Reads the files, and lays the rules of every interface that is bound; once.
    ///
    /// # Errors
    /// Where the directories can not be used.
    pub async fn start(&self) -> Result<()> {
        if !self.shared.privileged {
            return Ok(());
        }
        let load = || async {
            let outcomes = self
                .change(|engine| {
                    engine.load()?;
                    Ok(engine.rebuild())
                })
                .await?;
            self.follow_all(outcomes);
            Ok(())
        };
        self.shared.started.get_or_try_init(load).await.map(drop)
    }

    /// Whether an interface was bound that was not let go of, as far as files tell.
    #[must_use]
    pub fn has_bindings(&self) -> bool {
        self.shared.privileged
            && std::fs::read_dir(&self.shared.directories.bindings).is_ok_and(|mut dir| dir.next().is_some())
    }

    /// Reads the filters anew, and lays all rules anew: files or the host's tables were changed by others.
    ///
    /// # Errors
    /// If the driver is broken; interfaces whose rules can not be laid are logged.
    pub async fn reload(&self) -> Result<()> {
        if !self.shared.started.initialized() {
            return Ok(());
        }
        let outcomes = self
            .change(|engine| {
                engine.reload();
                Ok(engine.rebuild())
            })
            .await?;
        self.follow_all(outcomes);
        Ok(())
    }

    /// What there is.
    fn state(&self) -> Arc<State> {
        Arc::clone(&self.shared.published.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes a change, after those before it.
    async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&mut Engine) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let shared = Arc::clone(&self.shared);
        let done = tokio::task::spawn_blocking(move || {
            // A change that panics may leave an interface with other rules than said, which the next change of it mends.
            let mut engine = shared.engine.lock().unwrap_or_else(PoisonError::into_inner);
            let outcome = change(&mut engine);
            *shared.published.write().unwrap_or_else(PoisonError::into_inner) =
                Arc::new(engine.state.clone());
            outcome
        });
        done.await.map_err(|error| broken().caused_by(error))?
    }

    fn learners(&self) -> MutexGuard<'_, HashMap<String, AbortHandle>> {
        self.shared.learners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn follow_all(&self, outcomes: Outcomes) {
        outcomes.into_iter().for_each(|(port, outcome)| self.follow(port, &outcome));
    }

    /// Begins to look for the addresses of an interface where they are needed.
    fn follow(&self, port: String, outcome: &Outcome) {
        let Outcome::Learn(learning, known) = outcome else { return };
        let mut learners = self.learners();
        if learners.get(&port).is_some_and(|learner| !learner.is_finished()) {
            return;
        }
        let Ok(binding) = self.state().binding(&port).cloned() else { return };
        let task = learn::run(Arc::downgrade(&self.shared), binding, *learning, known.clone());
        learners.insert(port, tokio::spawn(task).abort_handle());
    }

    /// Stops to look for the addresses of an interface.
    fn forget(&self, port: &str) {
        if let Some(learner) = self.learners().remove(port) {
            learner.abort();
        }
    }
}

fn broken() -> Error {
    refuse(ErrorCode::InternalError, "the network filter driver failed")
}
