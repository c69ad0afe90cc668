//! How callers name objects other than domains, and which of their events they want.

use std::fmt;

use virt_types::Uuid;

/// How a caller names an object that has an identity and a name: a network, a pool or a filter.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ObjectRef {
    /// The identity.
    pub uuid: Uuid,
    /// The name.
    pub name: String,
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Bits of a listing's filter, as the call of that kind of object defines them.
pub type ObjectFilter = u32;

/// Which events of a kind of object a subscriber wants; `K` is what the object is known by.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObjectEventFilter<K> {
    /// Of one object only.
    pub object: Option<K>,
    /// Of these kinds only, by the number of the kind; empty for all.
    pub kinds: Vec<i32>,
}

impl<K: PartialEq> ObjectEventFilter<K> {
    /// Whether the subscriber wants an event of this kind of this object.
    ///
    /// ```
    /// use virt_driver::ObjectEventFilter;
    /// let filter = ObjectEventFilter { object: None, kinds: vec![0] };
    /// assert!(filter.wants(&"net_eth0", 0) && !filter.wants(&"net_eth0", 1));
    /// ```
    #[must_use]
    pub fn wants(&self, object: &K, kind: i32) -> bool {
        self.object.as_ref().is_none_or(|wanted| wanted == object)
            && (self.kinds.is_empty() || self.kinds.contains(&kind))
    }
}
