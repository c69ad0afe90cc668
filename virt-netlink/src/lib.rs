//! Netlink sockets, requests, acknowledgements, dumps and notifications.
#![forbid(unsafe_code)]
