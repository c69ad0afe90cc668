//! Events that many readers hold.

use std::any::Any;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

/// An event that all its readers hold together, and with it what the first of them made of it for all.
///
/// ```
/// use virt_driver::Shared;
/// let event = Shared::new(7);
/// let other_reader = event.clone();
/// assert_eq!(event.derived(|number| number.to_string()).map(String::as_str), Some("7"));
/// // Made once: this is not asked.
/// assert_eq!(other_reader.derived(|_| String::new()).map(String::as_str), Some("7"));
/// ```
pub struct Shared<T>(Arc<Inner<T>>);

struct Inner<T> {
    event: T,
    derived: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl<T> Shared<T> {
    /// An event without readers yet.
    #[must_use]
    pub fn new(event: T) -> Self {
        Self(Arc::new(Inner { event, derived: OnceLock::new() }))
    }

    /// What `make` gives, made when the first reader asks; none if a reader made something of another type.
    pub fn derived<U: Any + Send + Sync>(&self, make: impl FnOnce(&T) -> U) -> Option<&U> {
        self.0.derived.get_or_init(|| Box::new(make(&self.0.event))).downcast_ref()
    }

    /// The event alone; a copy if others hold it too.
    #[must_use]
    pub fn into_inner(self) -> T
    where
        T: Clone,
    {
        Arc::try_unwrap(self.0).map_or_else(|shared| shared.event.clone(), |inner| inner.event)
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0.event
    }
}

impl<T> From<T> for Shared<T> {
    fn from(event: T) -> Self {
        Self::new(event)
    }
}

impl<T: fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.event.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_type_is_not_given_for_the_first() {
        let event = Shared::new(1);
        assert_eq!(event.derived(|number| number + 1), Some(&2));
        assert_eq!(event.derived(ToString::to_string), None);
    }

    #[test]
    fn the_last_reader_gets_the_event_itself() {
        let event = Shared::new(String::from("news"));
        let address = event.as_ptr();
        let copy = event.clone().into_inner();
        assert!(copy == "news" && copy.as_ptr() != address);
        let last = event.into_inner();
        assert_eq!(last.as_ptr(), address);
    }
}
