//! The contract between the facade, the wire and the drivers.
#![forbid(unsafe_code)]
