//! File descriptors, passed along with the command.

use super::Empty;

commands! {
    /// Names the descriptor that is sent along.
    "getfd" GetFd {
        /// The name; a descriptor that had it is closed.
        fdname: String,
    } -> Empty;
    /// Closes a named descriptor.
    "closefd" CloseFd {
        /// The name.
        fdname: String,
    } -> Empty;
    /// Puts the descriptor that is sent along into a set, which files can be opened from as
    /// `/dev/fdset/ID`.
    "add-fd" AddFd {;
        /// The set; a new one without it.
        #[serde(rename = "fdset-id")]
        fdset_id: i64,
        /// Anything, to recognise it by.
        opaque: String,
    } -> AddedFd;
    /// Removes a descriptor, or all, from a set.
    "remove-fd" RemoveFd {
        /// The set.
        #[serde(rename = "fdset-id")]
        fdset_id: i64;
        /// The descriptor; all without it.
        fd: i64,
    } -> Empty;
    /// The sets.
    "query-fdsets" QueryFdsets {} -> Vec<FdsetInfo>;
}

replies! {
    /// Answer to [`AddFd`].
    AddedFd {
        /// The set.
        fdset_id: i64,
        /// The descriptor's number in QEMU.
        fd: i64,
    }
    /// Answer to [`QueryFdsets`].
    FdsetInfo {
        /// The set.
        fdset_id: i64,
        /// What is in it.
        fds: Vec<FdsetFd>,
    }
    /// A descriptor in a set.
    FdsetFd {
        /// Its number in QEMU.
        fd: i64;
        /// What it was added with.
        opaque: String,
    }
}
