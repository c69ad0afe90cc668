//! How a client shows who it is.

/// What a client of a listener has to show.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Auth {
    /// Nothing: the socket's permissions, or the TLS certificate, were enough.
    None,
}

/// The number by which a method goes on the wire (`remote_auth_type`).
pub(crate) mod method {
    pub(crate) const NONE: i32 = 0;
}
