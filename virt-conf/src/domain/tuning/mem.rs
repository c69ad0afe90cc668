//! `<memtune>`: limits of the whole process's memory, in KiB.

/// `<memtune>`; no limit where absent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Memtune {
    /// `<hard_limit>`
    pub hard_limit: Option<u64>,
    /// `<soft_limit>`
    pub soft_limit: Option<u64>,
    /// `<min_guarantee>`
    pub min_guarantee: Option<u64>,
    /// `<swap_hard_limit>`
    pub swap_hard_limit: Option<u64>,
}
