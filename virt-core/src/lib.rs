//! The facade: connections and handles over every driver.
#![forbid(unsafe_code)]
