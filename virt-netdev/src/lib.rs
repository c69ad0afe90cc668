//! Network device primitives: bridge, tap, macvlan, dellink.
#![forbid(unsafe_code)]
