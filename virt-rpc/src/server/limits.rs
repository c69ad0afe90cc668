//! How much clients may take.

/// Limits of a server. They can be changed while it runs, and then hold for what comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Clients at a time; further ones wait in the kernel until one leaves.
    pub clients: usize,
    /// Of these, clients that are not authenticated yet; 0 for no limit of its own.
    pub unauthenticated: usize,
    /// Calls of one client that are in progress at a time, until the last byte of the reply has left. As many more are
    /// read ahead, so that keepalive and priority calls get through; then the client is not read from.
    pub requests: usize,
    /// Bytes of events that wait for one client to read them. A client that lets more pile up is disconnected: it has
    /// lost touch, and is better told so than left with gaps.
    pub event_bytes: usize,
    /// Streams of one client at a time.
    pub streams: usize,
}

impl Default for Limits {
    /// libvirtd's defaults, and 1 MiB of events and 256 streams.
    fn default() -> Self {
        Self { clients: 5000, unauthenticated: 20, requests: 5, event_bytes: 1 << 20, streams: 256 }
    }
}

/// Bytes of calls of one client that are read ahead.
pub(super) const AHEAD_BYTES: usize = 1 << 20;

/// Bytes of data that wait in one stream to be taken.
pub(super) const STREAM_BYTES: usize = 1 << 20;

/// The largest message of a client that is not authenticated.
pub(super) const UNAUTHENTICATED_LENGTH: u32 = 1 << 20;
