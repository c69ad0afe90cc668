//! Traffic control: queueing disciplines, their classes, and the filters that sort frames into them.
//!
//! `linux/pkt_sched.h` and `linux/pkt_cls.h`.

mod filter;
mod rate;

use std::fmt;

use netlink_packet_core::{DefaultNla, NLM_F_CREATE, NLM_F_EXCL, Nla, NlasIterator};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::tc::{TcAttribute, TcHandle, TcMessage, TcOption};
use rustix::io::Errno;

use crate::link::LinkRef;
use crate::{Error, Result, Socket};

pub use filter::{Filter, FilterKind, add_filter, delete_filter};

const TCA_OPTIONS: u16 = 2;

/// The number of a discipline (`1:`), a class (`1:2`) or a parent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Handle {
    /// The discipline's part.
    pub major: u16,
    /// The class's part, 0 for the discipline itself.
    pub minor: u16,
}

impl Handle {
    /// Where the discipline of a device is, through which everything is sent.
    pub const ROOT: Self = Self::new(0xffff, 0xffff);
    /// Where the discipline for what is received is.
    pub const INGRESS: Self = Self::new(0xffff, 0xfff1);

    /// `major:minor`.
    #[must_use]
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }

    fn kernel(self) -> TcHandle {
        TcHandle { major: self.major, minor: self.minor }
    }

    fn from_kernel(handle: TcHandle) -> Self {
        Self::new(handle.major, handle.minor)
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::ROOT => f.write_str("root"),
            Self::INGRESS => f.write_str("ingress"),
            Self { major, minor: 0 } => write!(f, "{major:x}:"),
            Self { major, minor } => write!(f, "{major:x}:{minor:x}"),
        }
    }
}

/// A queueing discipline to add.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Qdisc {
    /// A hierarchical token bucket; frames that no filter knows go to the class of this minor number.
    Htb {
        /// The class's minor number.
        default: u16,
    },
    /// Stochastic fairness: each flow has its turn. The flows are mixed anew each so many seconds.
    Sfq {
        /// Seconds; 0 for never.
        perturb: u32,
    },
    /// Fair queueing with controlled delay.
    FqCodel,
    /// What is received, for filters that drop or redirect it.
    Ingress,
    /// Frames do not wait.
    NoQueue,
}

impl Qdisc {
    /// The kernel's word.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::Htb { .. } => "htb",
            Self::Sfq { .. } => "sfq",
            Self::FqCodel => "fq_codel",
            Self::Ingress => "ingress",
            Self::NoQueue => "noqueue",
        }
    }

    fn options(self) -> Option<TcAttribute> {
        const TCA_HTB_INIT: u16 = 2;
        match self {
            Self::Htb { default } => {
                // struct tc_htb_glob: version, rate to quantum, default class, debug, direct packets.
                let init = words(&[3, 10, default.into(), 0, 0]);
                Some(TcAttribute::Options(vec![TcOption::Other(DefaultNla::new(TCA_HTB_INIT, init))]))
            }
            Self::Sfq { perturb } => {
                // struct tc_sfq_qopt: quantum, perturb, limit, divisor, flows; 0 is the kernel's default.
                Some(TcAttribute::Other(DefaultNla::new(TCA_OPTIONS, words(&[0, perturb, 0, 0, 0]))))
            }
            Self::FqCodel | Self::Ingress | Self::NoQueue => None,
        }
    }
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

fn message(index: u32, parent: Handle, handle: Handle) -> TcMessage {
    let mut message = TcMessage::default();
    message.header.index = i32::try_from(index).unwrap_or(i32::MAX);
    message.header.parent = parent.kernel();
    message.header.handle = handle.kernel();
    message
}

fn index_of(socket: &mut Socket, link: LinkRef<'_>) -> Result<u32> {
    match link {
        LinkRef::Index(index) | LinkRef::Named(index, _) => Ok(index),
        LinkRef::Name(_) => Ok(crate::link::get(socket, link)?.index),
    }
}

fn explain(errno: Errno, kind: &str) -> Option<String> {
    match errno {
        Errno::NOENT => {
            Some(format!("this kernel has no '{kind}' (module 'sch_{kind}'), or the parent does not exist"))
        }
        Errno::EXIST => Some("there is one in its place already".to_owned()),
        Errno::INVAL => Some("the parent does not exist or takes no such child".to_owned()),
        _ => None,
    }
}

/// Adds a discipline below a parent: [`Handle::ROOT`], or a class.
///
/// # Errors
///
/// [`Error::Refused`], with `ENOENT` for a kind that the kernel lacks, `EEXIST` where there is one already.
pub fn add_qdisc(
    socket: &mut Socket,
    link: LinkRef<'_>,
    parent: Handle,
    handle: Handle,
    qdisc: Qdisc,
) -> Result<()> {
    let mut message = message(index_of(socket, link)?, parent, handle);
    message.attributes.push(TcAttribute::Kind(qdisc.kind().to_owned()));
    message.attributes.extend(qdisc.options());
    let operation = format_args!("add queueing discipline {} at {parent} of {link}", qdisc.kind());
    socket
        .request(RouteNetlinkMessage::NewQueueDiscipline(message), NLM_F_CREATE | NLM_F_EXCL, operation)
        .map_err(|error| error.explain(|errno| explain(errno, qdisc.kind())))
}

/// Deletes the discipline below a parent, with its classes and filters. The kernel's default takes its place.
///
/// # Errors
///
/// [`Error::Refused`], with `ENOENT` or `EINVAL` when there is none but the default.
pub fn delete_qdisc(socket: &mut Socket, link: LinkRef<'_>, parent: Handle) -> Result<()> {
    let message = message(index_of(socket, link)?, parent, Handle::default());
    let operation = format_args!("delete the queueing discipline at {parent} of {link}");
    socket.request(RouteNetlinkMessage::DelQueueDiscipline(message), 0, operation).map_err(|error| {
        error.explain(|errno| {
            matches!(errno, Errno::NOENT | Errno::INVAL).then(|| "there is none but the default".to_owned())
        })
    })
}

/// A class of a hierarchical token bucket. Rates are bytes per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HtbClass {
    /// The bytes per second that it is sure to get.
    pub rate: u64,
    /// The bytes per second that it gets when its siblings leave them; the [rate](Self::rate) if there is none.
    pub ceil: Option<u64>,
    /// Bytes that may be sent at once after a pause; 0 for what the hardware needs to send a frame.
    pub burst: u64,
    /// Bytes that are sent before it is a sibling's turn; 0 leaves it to the kernel.
    pub quantum: u32,
}

impl HtbClass {
    fn options(&self) -> Vec<TcOption> {
        const TCA_HTB_PARMS: u16 = 1;
        const TCA_HTB_RATE64: u16 = 6;
        const TCA_HTB_CEIL64: u16 = 7;
        /// An Ethernet frame, the least that a burst has room for.
        const FRAME: u64 = 1600;
        let ceil = self.ceil.unwrap_or(self.rate);
        let burst = |rate: u64, given: u64| {
            let least = rate / rate::TIMER_HZ + FRAME;
            rate::ticks_to_send(rate, if given == 0 { least } else { given })
        };
        // struct tc_htb_opt
        let mut parameters = rate::specification(self.rate, FRAME);
        parameters.extend(rate::specification(ceil, FRAME));
        parameters.extend(words(&[burst(self.rate, self.burst), burst(ceil, 0), self.quantum, 0, 0]));
        let large = |kind, rate: u64| {
            u32::try_from(rate).is_err().then(|| DefaultNla::new(kind, rate.to_ne_bytes().to_vec()))
        };
        let options = [
            large(TCA_HTB_RATE64, self.rate),
            large(TCA_HTB_CEIL64, ceil),
            Some(DefaultNla::new(TCA_HTB_PARMS, parameters)),
        ];
        options.into_iter().flatten().map(TcOption::Other).collect()
    }
}

/// Adds a class below a discipline or another class.
///
/// # Errors
///
/// [`Error::Refused`], with `EEXIST` when there is a class of that number, `ENOENT` without the parent.
pub fn add_class(
    socket: &mut Socket,
    link: LinkRef<'_>,
    parent: Handle,
    handle: Handle,
    class: &HtbClass,
) -> Result<()> {
    let operation = format_args!("add traffic class {handle} of {link}");
    change_class(socket, link, parent, handle, class, NLM_F_CREATE | NLM_F_EXCL, operation)
}

/// Changes rates, burst and quantum of a class.
///
/// # Errors
///
/// [`Error::Refused`], with `ENOENT` when there is no such class.
pub fn set_class(socket: &mut Socket, link: LinkRef<'_>, handle: Handle, class: &HtbClass) -> Result<()> {
    let operation = format_args!("change traffic class {handle} of {link}");
    change_class(socket, link, Handle::default(), handle, class, 0, operation)
}

fn change_class(
    socket: &mut Socket,
    link: LinkRef<'_>,
    parent: Handle,
    handle: Handle,
    class: &HtbClass,
    flags: u16,
    operation: fmt::Arguments<'_>,
) -> Result<()> {
    let mut message = message(index_of(socket, link)?, parent, handle);
    message.attributes.push(TcAttribute::Kind("htb".to_owned()));
    message.attributes.push(TcAttribute::Options(class.options()));
    socket.request(RouteNetlinkMessage::NewTrafficClass(message), flags, operation).map_err(|error| {
        error.explain(|errno| match errno {
            Errno::NOENT => Some("there is no such class or parent".to_owned()),
            Errno::EXIST => Some("there is such a class already".to_owned()),
            Errno::INVAL => {
                Some("a rate is zero, or the device has no discipline with such classes".to_owned())
            }
            _ => None,
        })
    })
}

/// Deletes a class; its discipline goes with it.
///
/// # Errors
///
/// [`Error::Refused`], with `ENOENT` when there is none, `EBUSY` while a filter points at it.
pub fn delete_class(socket: &mut Socket, link: LinkRef<'_>, handle: Handle) -> Result<()> {
    let message = message(index_of(socket, link)?, Handle::default(), handle);
    let operation = format_args!("delete traffic class {handle} of {link}");
    socket.request(RouteNetlinkMessage::DelTrafficClass(message), 0, operation).map_err(|error| {
        error.explain(|errno| match errno {
            Errno::NOENT | Errno::INVAL => Some("there is no such class".to_owned()),
            Errno::BUSY => Some("a filter points at it, or it has classes below it".to_owned()),
            _ => None,
        })
    })
}

/// A discipline as the kernel tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QdiscState {
    /// The kernel's word for its kind.
    pub kind: String,
    /// Its number; 0 for the kernel's defaults.
    pub handle: Handle,
    /// What it is below.
    pub parent: Handle,
}

/// A class as the kernel tells it. Rates are bytes per second.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClassState {
    /// Its number.
    pub handle: Handle,
    /// What it is below.
    pub parent: Handle,
    /// What it is sure to get.
    pub rate: u64,
    /// What it gets at most.
    pub ceil: u64,
    /// Bytes that are sent before it is a sibling's turn.
    pub quantum: u32,
}

/// The disciplines of a link.
///
/// # Errors
///
/// As [`Socket::dump`].
pub fn qdiscs(socket: &mut Socket, link: LinkRef<'_>) -> Result<Vec<QdiscState>> {
    let index = index_of(socket, link)?;
    let message = message(index, Handle::default(), Handle::default());
    let operation = format_args!("list the queueing disciplines of {link}");
    let entries = socket.dump(&RouteNetlinkMessage::GetQueueDiscipline(message), operation)?;
    let mine = |header: &netlink_packet_route::tc::TcHeader| u32::try_from(header.index) == Ok(index);
    Ok(entries
        .into_iter()
        .filter_map(|entry| match entry {
            RouteNetlinkMessage::NewQueueDiscipline(message) if mine(&message.header) => Some(QdiscState {
                handle: Handle::from_kernel(message.header.handle),
                parent: Handle::from_kernel(message.header.parent),
                kind: message.attributes.into_iter().find_map(|attribute| match attribute {
                    TcAttribute::Kind(kind) => Some(kind),
                    _ => None,
                })?,
            }),
            _ => None,
        })
        .collect())
}

/// The classes of the hierarchical token bucket of a link.
///
/// # Errors
///
/// As [`Socket::dump`].
pub fn classes(socket: &mut Socket, link: LinkRef<'_>) -> Result<Vec<ClassState>> {
    let message = message(index_of(socket, link)?, Handle::default(), Handle::default());
    let operation = format_args!("list the traffic classes of {link}");
    let entries = match socket.dump(&RouteNetlinkMessage::GetTrafficClass(message), operation) {
        // A device without a discipline that has classes.
        Err(Error::Refused(refusal)) if refusal.errno() == Errno::INVAL => return Ok(Vec::new()),
        entries => entries?,
    };
    Ok(entries
        .into_iter()
        .filter_map(|entry| match entry {
            RouteNetlinkMessage::NewTrafficClass(message) => read_class(&message),
            _ => None,
        })
        .collect())
}

fn read_class(message: &TcMessage) -> Option<ClassState> {
    let options = message.attributes.iter().find_map(|attribute| match attribute {
        TcAttribute::Options(options) => options.iter().find_map(|option| match option {
            TcOption::Other(all) => Some(all),
            _ => None,
        }),
        _ => None,
    })?;
    let mut bytes = vec![0; options.value_len()];
    options.emit_value(&mut bytes);
    let mut state = ClassState {
        handle: Handle::from_kernel(message.header.handle),
        parent: Handle::from_kernel(message.header.parent),
        rate: 0,
        ceil: 0,
        quantum: 0,
    };
    let word = |value: &[u8], at: usize| Some(u32::from_ne_bytes(value.get(at..at + 4)?.try_into().ok()?));
    let double = |value: &[u8]| Some(u64::from_ne_bytes(value.try_into().ok()?));
    let (mut rate64, mut ceil64) = (None, None);
    for option in NlasIterator::new(&bytes[..]).map_while(Result::ok) {
        let value = option.value();
        match option.kind() {
            1 => {
                state.rate = word(value, 8)?.into();
                state.ceil = word(value, 20)?.into();
                state.quantum = word(value, 32)?;
            }
            6 => rate64 = double(value),
            7 => ceil64 = double(value),
            _ => {}
        }
    }
    state.rate = rate64.unwrap_or(state.rate);
    state.ceil = ceil64.unwrap_or(state.ceil);
    Some(state)
}

#[cfg(test)]
mod tests {
    use netlink_packet_core::{Emitable, Parseable};

    use super::*;

    #[test]
    fn handles_are_written_as_tc_does() {
        for (handle, expected) in [
            (Handle::ROOT, "root"),
            (Handle::INGRESS, "ingress"),
            (Handle::new(1, 0), "1:"),
            (Handle::new(0x10, 0xab), "10:ab"),
        ] {
            assert_eq!(handle.to_string(), expected);
            assert_eq!(Handle::from_kernel(handle.kernel()), handle);
        }
    }

    #[test]
    fn a_class_is_read_as_it_was_sent() {
        for (rate, ceil) in
            [(1_000_000, Some(2_000_000)), (125_000, None), (6_000_000_000, Some(7_000_000_000))]
        {
            let class = HtbClass { rate, ceil, burst: 0, quantum: 85 };
            let mut message = message(3, Handle::new(1, 1), Handle::new(1, 2));
            message.attributes.push(TcAttribute::Kind("htb".to_owned()));
            message.attributes.push(TcAttribute::Options(class.options()));
            let mut bytes = vec![0; message.buffer_len()];
            message.emit(&mut bytes);
            let read = read_class(&TcMessage::parse(&bytes[..]).unwrap()).unwrap();
            let expected = ClassState {
                handle: Handle::new(1, 2),
                parent: Handle::new(1, 1),
                rate,
                ceil: ceil.unwrap_or(rate),
                quantum: 85,
            };
            assert_eq!(read, expected);
        }
    }
}
