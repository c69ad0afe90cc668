//! The memory of this process.

/// Gives freed memory back to the host, which the allocator would keep for later. Worth it behind work that needed much
/// more than what stays of it; takes about a millisecond. Does nothing where the C library has no such call.
pub fn trim() {
    // SAFETY: takes a number, locks what it looks at, and moves no memory that is in use.
    #[cfg(target_env = "gnu")]
    unsafe {
        libc::malloc_trim(0);
    }
}
