//! `<iothreads>`, `<iothreadids>`, `<defaultiothread>`.

/// `<poll max='…' grow='…' shrink='…'/>`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IoThreadPoll {
    /// `max`, nanoseconds.
    pub max: Option<u64>,
    /// `grow`
    pub grow: Option<u64>,
    /// `shrink`
    pub shrink: Option<u64>,
}

/// One I/O thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IoThread {
    /// `id`, from 1.
    pub id: u32,
    /// Whether only `<iothreads>` asked for it, so that it is not written on its own.
    pub implied: bool,
    /// `thread_pool_min`
    pub thread_pool_min: Option<u32>,
    /// `thread_pool_max`
    pub thread_pool_max: Option<u32>,
    /// `<poll>`
    pub poll: IoThreadPoll,
}

/// `<defaultiothread>`: the main loop's thread pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DefaultIoThread {
    /// `thread_pool_min`
    pub thread_pool_min: Option<u32>,
    /// `thread_pool_max`
    pub thread_pool_max: Option<u32>,
}

/// The I/O threads of a guest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IoThreads {
    /// The threads, in the order of their definition.
    pub list: Vec<IoThread>,
    /// `<defaultiothread>`
    pub default: Option<DefaultIoThread>,
}

impl IoThreads {
    /// The thread of this id.
    #[must_use]
    pub fn find(&self, id: u32) -> Option<&IoThread> {
        self.list.iter().find(|thread| thread.id == id)
    }
}
