//! Process spawning, descriptor passing, locks and namespaces: all unsafe code of the engine.
#![forbid(unsafe_code)]
