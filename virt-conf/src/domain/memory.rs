//! `<memory>`, `<currentMemory>`, `<maxMemory>`. All sizes are KiB.

/// How much memory a guest has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Memory {
    /// `<memory>`: all of it, that of memory devices included; 0 where the document is silent.
    pub total: u64,
    /// `<memory dumpCore='…'>`: whether QEMU's core dumps hold it.
    pub dump_core: Option<bool>,
    /// `<currentMemory>`: what the balloon leaves; 0 until filled where the document is silent.
    pub current: u64,
    /// `<maxMemory>`: up to how much can be plugged; 0 where nothing can.
    pub max: u64,
    /// `<maxMemory slots='…'>`.
    pub slots: u32,
}
