//! QEMU machine protocol and guest agent: codec, command types, client.
#![forbid(unsafe_code)]
