//! The queue of a domain's task. Small while it is empty, because there is one for every domain.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::task::Input;

/// What has come for a task. Its length needs no bound: the task takes everything in at once, and whoever sends a job
/// waits for its answer.
#[derive(Default)]
pub(crate) struct Inbox {
    queue: Mutex<Queue>,
    arrived: Notify,
}

#[derive(Default)]
struct Queue {
    inputs: VecDeque<Input>,
    closed: bool,
}

impl Inbox {
    // Every change is one push or pop.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts something in; gives it back if the task has ended.
    pub(crate) fn send(&self, input: Input) -> Result<(), Input> {
        let mut queue = self.lock();
        if queue.closed {
            return Err(input);
        }
        queue.inputs.push_back(input);
        drop(queue);
        self.arrived.notify_one();
        Ok(())
    }

    /// The next one, for the one task that reads. Nothing is lost if the wait is given up.
    pub(crate) async fn next(&self) -> Input {
        loop {
            if let Some(input) = self.take() {
                return input;
            }
            self.arrived.notified().await;
        }
    }

    fn take(&self) -> Option<Input> {
        let mut queue = self.lock();
        let input = queue.inputs.pop_front();
        if queue.inputs.is_empty() {
            queue.inputs = VecDeque::new();
        }
        input
    }

    /// Takes nothing in any more; what is left.
    pub(crate) fn close(&self) -> VecDeque<Input> {
        let mut queue = self.lock();
        queue.closed = true;
        std::mem::take(&mut queue.inputs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn order_is_kept_and_a_closed_one_gives_back() {
        let inbox = Inbox::default();
        assert!(inbox.send(Input::ConfigTouched).is_ok());
        assert!(inbox.send(Input::StatusTouched).is_ok());
        assert!(matches!(inbox.next().await, Input::ConfigTouched));
        assert!(inbox.send(Input::HolderGone).is_ok());
        let rest: Vec<Input> = inbox.close().into();
        assert!(matches!(rest.as_slice(), [Input::StatusTouched, Input::HolderGone]));
        assert!(matches!(inbox.send(Input::HolderGone), Err(Input::HolderGone)));
    }

    #[tokio::test]
    async fn a_waiting_task_hears_what_comes() {
        let inbox = std::sync::Arc::new(Inbox::default());
        let reader = tokio::spawn({
            let inbox = std::sync::Arc::clone(&inbox);
            async move { inbox.next().await }
        });
        tokio::task::yield_now().await;
        assert!(inbox.send(Input::HolderGone).is_ok());
        assert!(matches!(reader.await.unwrap(), Input::HolderGone));
    }
}
