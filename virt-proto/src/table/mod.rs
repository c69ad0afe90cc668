//! The table of procedures: what a row says, and how rows are found.

pub(crate) mod access;
pub(crate) mod macros;

use std::fmt;

use crate::xdr::{DecodeError, Decoder, EncodeError, Message, Shape, Xdr};

pub use access::{Access, Flag, Object, When};
pub(crate) use macros::procedures;

/// A procedure, as a type: the arguments and the reply of its calls, and its row.
///
/// An event has the message as its arguments, and no reply.
pub trait Procedure: fmt::Debug + Send + Sync + 'static {
    /// What the call or the event brings.
    type Args: Xdr + fmt::Debug + Send + 'static;

    /// What is answered.
    type Reply: Xdr + fmt::Debug + Send + 'static;

    /// The row in the table.
    const ROW: &'static Row;
}

/// A row of the table: what is known about a procedure.
pub struct Row {
    /// The program that it belongs to.
    pub program: &'static Program,
    /// Its number in the program.
    pub number: i32,
    /// Its name here, such as `DomainGetXmlDesc`.
    pub name: &'static str,
    /// The path of the module that it stands in.
    pub(crate) module: &'static str,
    /// The function of libvirt's API that it carries, such as `virDomainGetXMLDesc`, if it carries one.
    pub api: Option<&'static str>,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// Who sends it.
    pub direction: Direction,
    /// The arguments of a call, or what an event brings.
    pub args: Payload,
    /// What a call is answered with.
    pub reply: Payload,
    /// The stream that a call opens.
    pub stream: Option<Stream>,
    /// The flag with which the stream may have holes.
    pub sparse: Option<Flag>,
    /// Whether descriptors come with it.
    pub descriptors: Descriptors,
    /// Whether it may have to wait for a guest or a host.
    pub priority: Priority,
    /// Whether read-only connections refuse it; see [`Row::needs_write`].
    pub write: Write,
    /// The permissions that the caller needs, all of them. Empty where anybody may call.
    pub access: &'static [Access],
    /// The permission for each entry of the reply; the others are left out of it.
    pub filter: Option<Access>,
    /// The oldest release that is known to have it; `<=` before the oldest that was looked at.
    pub since: &'static str,
}

/// A program of the protocol.
pub struct Program {
    /// Its name, such as `remote`.
    pub name: &'static str,
    /// Its number in headers.
    pub number: u32,
    /// Its version in headers.
    pub version: u32,
    /// The rows; a function, since a row refers to its program.
    pub(crate) rows: fn() -> &'static [&'static Row],
}

/// Who sends a message first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// A client calls, the server answers.
    Call,
    /// The server tells clients, which do not answer.
    Event,
    /// Either side sends a message, which is not answered by a reply.
    Both,
}

/// How soon a call is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Priority {
    /// It may have to wait for a guest or the host.
    Low,
    /// It is answered from what is known, and must not wait behind those that do wait.
    High,
}

/// The stream that a call opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Data goes from the server to the client.
    Read,
    /// Data goes from the client to the server.
    Write,
    /// Data goes both ways.
    Both,
}

/// Whether descriptors come with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Descriptors {
    /// None do.
    None,
    /// With the call.
    Call,
    /// With the reply.
    Reply,
    /// With both.
    Both,
}

/// Whether read-only connections refuse a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    /// If it needs a permission beyond looking.
    ByAccess,
    /// In any case.
    Always,
    /// In no case.
    Never,
}

/// What a message brings: its form, and how it is read without knowing its type.
#[derive(Clone, Copy)]
pub struct Payload {
    /// The form on the wire.
    pub shape: Shape,
    decode: fn(&mut Decoder<'_>) -> Result<Box<dyn Message>, DecodeError>,
}

impl Payload {
    pub(crate) const fn of<T: Xdr + fmt::Debug + Send + 'static>() -> Self {
        Self { shape: T::SHAPE, decode: |decoder| Ok(Box::new(T::decode(decoder)?)) }
    }

    /// Reads a value that can be shown and written again.
    ///
    /// # Errors
    ///
    /// See [`Xdr::decode`].
    pub fn decode(&self, decoder: &mut Decoder<'_>) -> Result<Box<dyn Message>, DecodeError> {
        (self.decode)(decoder)
    }

    /// The bytes that the value in these bytes is written as, to compare.
    ///
    /// # Errors
    ///
    /// See [`Xdr::decode`] and [`Xdr::encode`].
    pub fn recode(&self, bytes: &[u8]) -> Result<Result<Vec<u8>, EncodeError>, DecodeError> {
        let value = self.decode(&mut Decoder::new(bytes))?;
        let mut out = Vec::with_capacity(bytes.len());
        Ok(value.encode(&mut out).map(|()| out))
    }
}

impl Row {
    /// The name in words, such as `domain_get_xml_desc`.
    ///
    /// ```
    /// let row = virt_proto::row(virt_proto::remote::PROGRAM.number, 14).ok_or("no such row")?;
    /// assert_eq!(row.snake_name(), "domain_get_xml_desc");
    /// # Ok::<(), &str>(())
    /// ```
    #[must_use]
    pub fn snake_name(&self) -> String {
        let mut words = String::with_capacity(self.name.len() + 8);
        for (at, c) in self.name.char_indices() {
            if c.is_ascii_uppercase() && at != 0 {
                words.push('_');
            }
            words.push(c.to_ascii_lowercase());
        }
        // The one number that libvirt sets apart.
        if words == "domain_event_block_job2" { "domain_event_block_job_2".to_owned() } else { words }
    }

    /// What it is about, such as `domain::block`: the module that it stands in, without the program.
    ///
    /// ```
    /// use virt_proto::{Procedure, qemu, remote};
    /// assert_eq!(remote::DomainBlockPull::ROW.subject(), "domain::block");
    /// assert_eq!(qemu::DomainAttach::ROW.subject(), "qemu");
    /// ```
    #[must_use]
    pub fn subject(&self) -> &'static str {
        let path = self.module.split_once("::").map_or(self.module, |(_, path)| path);
        path.strip_prefix("remote::").unwrap_or(path)
    }

    /// libvirt's name of the number, such as `REMOTE_PROC_DOMAIN_GET_XML_DESC`.
    ///
    /// ```
    /// use virt_proto::{Procedure, remote};
    /// assert_eq!(remote::ConnectOpen::ROW.constant(), "REMOTE_PROC_CONNECT_OPEN");
    /// ```
    #[must_use]
    pub fn constant(&self) -> String {
        format!("{}_PROC_{}", self.program.name, self.snake_name()).to_ascii_uppercase()
    }

    /// Whether a read-only connection refuses a call with these flags; `argument` gives the value of another argument
    /// by its name.
    ///
    /// ```
    /// use virt_proto::{Procedure, remote::DomainGetXmlDesc};
    /// assert!(!DomainGetXmlDesc::ROW.needs_write(0, |_| None));
    /// assert!(DomainGetXmlDesc::ROW.needs_write(1, |_| None));
    /// ```
    #[must_use]
    pub fn needs_write(&self, flags: u32, argument: impl Fn(&str) -> Option<u32>) -> bool {
        match self.write {
            Write::ByAccess => {
                self.access.iter().any(|access| !access.only_looks() && access.when.applies(flags, &argument))
            }
            Write::Always => true,
            Write::Never => false,
        }
    }

    /// What the server says where a client may not know that it lacks a function: the API function, else the name.
    #[must_use]
    pub fn label(&self) -> &'static str {
        self.api.unwrap_or(self.name)
    }
}

impl Program {
    /// The row with this number.
    #[must_use]
    pub fn row(&self, number: i32) -> Option<&'static Row> {
        let at = usize::try_from(number).ok()?.checked_sub(1)?;
        self.rows().get(at).copied()
    }

    /// The rows, in the order of their numbers, which begin with 1.
    #[must_use]
    pub fn rows(&self) -> &'static [&'static Row] {
        (self.rows)()
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.constant(), self.number)
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:#x} version {})", self.name, self.number, self.version)
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shape.fmt(f)
    }
}

impl PartialEq for Row {
    fn eq(&self, other: &Self) -> bool {
        (self.program.number, self.number) == (other.program.number, other.number)
    }
}

impl Eq for Row {}

/// Puts the rows of several files in the order of their numbers, and has the compiler refuse a gap or a number that is
/// there twice.
pub(crate) const fn in_order<const N: usize>(files: &[&[&'static Row]]) -> [&'static Row; N] {
    let mut slots: [Option<&'static Row>; N] = [None; N];
    let mut file = 0;
    while file < files.len() {
        let mut at = 0;
        while at < files[file].len() {
            let row = files[file][at];
            let slot = row.number as usize - 1;
            assert!(slots[slot].is_none(), "two rows have the same number");
            slots[slot] = Some(row);
            at += 1;
        }
        file += 1;
    }
    let Some(first) = slots[0] else { panic!("there is no row 1") };
    let mut rows = [first; N];
    let mut at = 0;
    while at < N {
        let Some(row) = slots[at] else { panic!("a number has no row") };
        rows[at] = row;
        at += 1;
    }
    rows
}
