//! Newtypes, error codes, public flags and enums of the virtualization engine.
#![forbid(unsafe_code)]
