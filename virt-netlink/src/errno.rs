//! Names and general meanings of the error numbers that rtnetlink answers with.

use rustix::io::Errno;

/// `(number, name, what it means for a request about a link when the kernel says no more)`.
const MEANINGS: &[(Errno, &str, &str)] = &[
    (
        Errno::PERM,
        "EPERM",
        "the caller lacks CAP_NET_ADMIN in the user namespace that owns this network namespace",
    ),
    (Errno::ACCESS, "EACCES", "a security policy forbids it to the caller"),
    (Errno::EXIST, "EEXIST", "an interface with that name exists already"),
    (Errno::NODEV, "ENODEV", "there is no such interface"),
    (Errno::NOENT, "ENOENT", "there is no such object"),
    (Errno::SRCH, "ESRCH", "there is no such object"),
    (Errno::NETUNREACH, "ENETUNREACH", "no route leads there"),
    (Errno::HOSTUNREACH, "EHOSTUNREACH", "no route leads there"),
    (Errno::NOTCONN, "ENOTCONN", "the interface has no other end yet"),
    (Errno::BADF, "EBADF", "there is no such open file"),
    (Errno::BUSY, "EBUSY", "the interface is in use in a way that excludes this one"),
    (Errno::INVAL, "EINVAL", "the kernel does not accept one of the values"),
    (Errno::RANGE, "ERANGE", "one of the values is out of the range that the kernel accepts"),
    (Errno::OPNOTSUPP, "EOPNOTSUPP", "this kernel, or this kind of interface, does not support it"),
    (Errno::ADDRINUSE, "EADDRINUSE", "another interface has the same hardware address"),
    (Errno::ADDRNOTAVAIL, "EADDRNOTAVAIL", "the hardware address is not one that an interface can have"),
    (Errno::LOOP, "ELOOP", "the interfaces would be stacked in a loop"),
    (Errno::MLINK, "EMLINK", "the interfaces would be stacked too deeply"),
    (Errno::NETDOWN, "ENETDOWN", "the interface is down"),
    (Errno::NFILE, "ENFILE", "every number of the name template is taken"),
    (Errno::NOSPC, "ENOSPC", "the kernel has no free number or slot for it"),
    (Errno::NOMEM, "ENOMEM", "the kernel is out of memory"),
    (Errno::NOBUFS, "ENOBUFS", "the kernel is out of buffers"),
    (Errno::MSGSIZE, "EMSGSIZE", "the message is too large"),
];

pub(crate) fn name(errno: Errno) -> Option<&'static str> {
    row(errno).map(|(_, name, _)| *name)
}

pub(crate) fn meaning(errno: Errno) -> Option<&'static str> {
    row(errno).map(|(_, _, meaning)| *meaning)
}

fn row(errno: Errno) -> Option<&'static (Errno, &'static str, &'static str)> {
    MEANINGS.iter().find(|(number, ..)| *number == errno)
}
