//! The XML model: parse, fill, validate, format.
#![forbid(unsafe_code)]
