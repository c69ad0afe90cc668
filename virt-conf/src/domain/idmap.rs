//! `<idmap>`: the user namespace of a container.

/// `<uid …/>` or `<gid …/>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IdRange {
    /// `start`: the first id inside.
    pub start: u32,
    /// `target`: the first id on the host.
    pub target: u32,
    /// `count`
    pub count: u32,
}

/// `<idmap>`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Idmap {
    /// `<uid>`
    pub uids: Vec<IdRange>,
    /// `<gid>`
    pub gids: Vec<IdRange>,
}
