//! Older calls for lists: a number first, then names.

use virt_types::TypedParams;

/// Lists of networks, pools and so on, and of domains: what is active.
pub(crate) const ACTIVE: u32 = 2;

/// What is defined and not active.
pub(crate) const INACTIVE: u32 = 1;

/// How many there are, as the protocol has it.
pub(crate) fn count<T>(found: &[T]) -> i32 {
    i32::try_from(found.len()).unwrap_or(i32::MAX)
}

/// At most so many names.
pub(crate) fn names<T>(found: Vec<T>, most: i32, name: impl Fn(T) -> String) -> Vec<String> {
    let most = usize::try_from(most).unwrap_or(0);
    found.into_iter().take(most).map(name).collect()
}

/// At most so many parameters, and no strings.
pub(crate) fn plain(params: TypedParams, room: i32) -> TypedParams {
    super::params::in_two_steps(params, room.into(), false).0
}
