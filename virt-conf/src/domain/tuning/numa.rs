//! `<numatune>`: from which host nodes the guest's memory comes.

use virt_types::text_enum;

use crate::common::Bitmap;

text_enum! {
    /// How strictly the nodes are kept to.
    pub enum NumaMemMode {
        #[default] Strict = "strict", Preferred = "preferred", Interleave = "interleave", Restrictive = "restrictive",
    }
}

text_enum! {
    /// Who chooses the nodes.
    pub enum NumaPlacement { #[default] Static = "static", Auto = "auto" }
}

/// `<memory>`: the nodes of the whole guest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NumaMemory {
    /// `mode`
    pub mode: NumaMemMode,
    /// `placement`
    pub placement: NumaPlacement,
    /// `nodeset`
    pub nodeset: Option<Bitmap>,
}

/// `<memnode>`: the nodes of one guest NUMA node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MemNode {
    /// `cellid`: the guest's node.
    pub cell: u32,
    /// `mode`
    pub mode: NumaMemMode,
    /// `nodeset`
    pub nodeset: Bitmap,
}

/// `<numatune>`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Numatune {
    /// `<memory>`
    pub memory: Option<NumaMemory>,
    /// `<memnode>`, by cell.
    pub nodes: Vec<MemNode>,
}
