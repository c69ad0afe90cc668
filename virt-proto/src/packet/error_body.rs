//! The payload of a reply or stream message that reports an error.

use std::{error::Error as StdError, io};

use virt_types::{Error, ErrorCode, ErrorDomain};

use crate::remote::{Domain, Network};
use crate::xdr::{xdr_enum, xdr_struct};

xdr_enum! {
    /// How grave it is (`virErrorLevel`).
    Level {
        /// Nothing.
        None = 0,
        /// A warning.
        Warning = 1,
        /// An error.
        Error = 2,
    }
}

xdr_struct! {
    /// An error on the wire (`virError`).
    ErrorBody {
        /// The error's number ([`ErrorCode`]).
        code: i32,
        /// Who raised it ([`ErrorDomain`]).
        domain: i32,
        /// The whole sentence.
        message: Option<String>,
        /// How grave it is.
        level: Level,
        /// Absent.
        dom: Option<Domain>,
        /// The code's own sentence, with `%s` for the detail.
        str1: Option<String>,
        /// The detail, if there is one.
        str2: Option<String>,
        /// Rarely there.
        str3: Option<String>,
        /// The system's error number, else -1 or 0.
        int1: i32,
        /// -1 or 0.
        int2: i32,
        /// Absent.
        net: Option<Network>,
    }
}

/// What clients are told when a call failed without saying why.
const UNSET: &str = "Library function returned error but did not set virError";

/// How the message of an error begins that tells a client to do without the procedure.
const UNKNOWN_PROCEDURE: &str = "unknown procedure";

impl ErrorBody {
    /// The answer to a procedure that the server does not have. Clients know it by its words.
    #[must_use]
    pub fn unknown_procedure(number: i32) -> Self {
        Error::new(ErrorCode::Rpc, ErrorDomain::Rpc, format!("{UNKNOWN_PROCEDURE}: {number}")).into()
    }

    /// The error of a call that failed without saying why, as libvirtd sends it.
    #[must_use]
    pub fn unset() -> Self {
        Self {
            message: Some(UNSET.to_owned()),
            str1: None,
            str2: None,
            int1: 0,
            int2: 0,
            ..Self::from(&Error::new(ErrorCode::InternalError, ErrorDomain::Rpc, ""))
        }
    }
}

impl From<&Error> for ErrorBody {
    /// The fields as libvirtd fills them. Hint, place and causes stay here, but for the number of a system error.
    fn from(error: &Error) -> Self {
        let (sentence, code) = (error.to_string(), error.code());
        // Old clients take these three numbers from elsewhere for others.
        let domain = if is_nwfilter(code) { ErrorDomain::Nwfilter } else { error.domain() };
        let (str1, str2, numbers) = if sentence == code.sentence("") {
            (sentence.clone(), None, -1)
        } else if sentence == code.sentence(error.detail()) {
            (code.sentence("%s"), Some(error.detail().to_owned()), -1)
        } else {
            // A check of an argument. libvirtd names its function and the argument here, which nobody reads.
            ("%s".to_owned(), Some(sentence.clone()), 0)
        };
        Self {
            code: code.number(),
            domain: domain.number(),
            message: Some(sentence),
            level: Level::Error,
            dom: None,
            str1: Some(str1),
            str2,
            str3: None,
            int1: system_error(error).unwrap_or(numbers),
            int2: numbers,
            net: None,
        }
    }
}

impl From<Error> for ErrorBody {
    fn from(error: Error) -> Self {
        Self::from(&error)
    }
}

impl From<ErrorBody> for Error {
    /// The error with the same sentence. A number that has no name here becomes an internal error; the system's error
    /// number becomes the cause. As in stock clients, a procedure that the server does not know is a call that is not
    /// supported, and what very old servers send under outdated numbers is put right.
    fn from(body: ErrorBody) -> Self {
        let domain = ErrorDomain::from_number(body.domain).unwrap_or(ErrorDomain::None);
        let mut code = current_code(body.code, domain);
        let message = body.message.unwrap_or_else(|| code.sentence(""));
        if code == ErrorCode::Rpc
            && matches!(domain, ErrorDomain::Rpc | ErrorDomain::Remote)
            && message.starts_with(UNKNOWN_PROCEDURE)
        {
            code = ErrorCode::NoSupport;
        }
        let detail = body.str2.unwrap_or_default();
        let error = if message == code.sentence(&detail) {
            Self::new(code, domain, detail)
        } else if message == code.sentence("") {
            Self::new(code, domain, "")
        } else {
            Self::new(code, domain, message).verbatim()
        };
        if code == ErrorCode::SystemError && body.int1 > 0 {
            return error.caused_by(io::Error::from_raw_os_error(body.int1));
        }
        error
    }
}

const fn is_nwfilter(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::InvalidNwfilter | ErrorCode::NoNwfilter | ErrorCode::BuildFirewall)
}

/// The code under its present number.
fn current_code(number: i32, domain: ErrorDomain) -> ErrorCode {
    let code = ErrorCode::from_number(number).unwrap_or(ErrorCode::InternalError);
    match (code, domain) {
        (ErrorCode::WarnNoSecret, ErrorDomain::Qemu) => ErrorCode::OperationTimeout,
        (ErrorCode::InvalidSecret, ErrorDomain::Xen) => ErrorCode::MigratePersistFailed,
        (_, ErrorDomain::Nwfilter) => code,
        _ if is_nwfilter(code) => ErrorCode::from_number(number + 4).unwrap_or(code),
        _ => code,
    }
}

/// The number of the system error among the causes.
fn system_error(error: &Error) -> Option<i32> {
    if error.code() != ErrorCode::SystemError {
        return None;
    }
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(number) = error.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error) {
            return Some(number);
        }
        cause = error.source();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(code: ErrorCode, domain: ErrorDomain, message: &str) -> ErrorBody {
        ErrorBody {
            code: code.number(),
            domain: domain.number(),
            message: Some(message.to_owned()),
            ..ErrorBody::unset()
        }
    }

    #[test]
    fn fields_are_filled_as_libvirtd_does() {
        let cause = io::Error::from_raw_os_error(28);
        let no_space = Error::new(
            ErrorCode::SystemError,
            ErrorDomain::Streams,
            "cannot write to stream: No space left on device",
        );
        let cases = [
            (
                Error::new(ErrorCode::NoDomain, ErrorDomain::Qemu, "no domain with matching name 'a'")
                    .with_hint("look"),
                "Domain not found: no domain with matching name 'a'",
                ("Domain not found: %s", Some("no domain with matching name 'a'"), -1, -1),
            ),
            (
                Error::new(ErrorCode::NoDomain, ErrorDomain::Test, ""),
                "Domain not found",
                ("Domain not found", None, -1, -1),
            ),
            (
                Error::new(ErrorCode::InvalidArg, ErrorDomain::Qemu, "unsupported flags (0x8) in function f")
                    .verbatim(),
                "unsupported flags (0x8) in function f",
                ("%s", Some("unsupported flags (0x8) in function f"), 0, 0),
            ),
            (
                no_space.caused_by(cause),
                "cannot write to stream: No space left on device",
                ("%s", Some("cannot write to stream: No space left on device"), 28, -1),
            ),
        ];
        for (error, message, (str1, str2, int1, int2)) in cases {
            let body = ErrorBody::from(&error);
            assert_eq!((body.code, body.domain), (error.code().number(), error.domain().number()));
            assert_eq!((body.message.as_deref(), body.level), (Some(message), Level::Error));
            assert_eq!((body.str1.as_deref(), body.str2.as_deref(), body.str3), (Some(str1), str2, None));
            assert_eq!((body.int1, body.int2, body.dom, body.net), (int1, int2, None, None));
        }
    }

    #[test]
    fn clients_put_right_what_old_servers_send() {
        use ErrorCode as Code;
        use ErrorDomain as Domain;
        for (code, domain, message, expected) in [
            (Code::InvalidNwfilter, Domain::Qemu, "x", Code::InvalidSecret),
            (Code::NoNwfilter, Domain::Secret, "x", Code::NoSecret),
            (Code::BuildFirewall, Domain::Qemu, "x", Code::ConfigUnsupported),
            (Code::NoNwfilter, Domain::Nwfilter, "x", Code::NoNwfilter),
            (Code::WarnNoSecret, Domain::Qemu, "x", Code::OperationTimeout),
            (Code::WarnNoSecret, Domain::Secret, "x", Code::WarnNoSecret),
            (Code::InvalidSecret, Domain::Xen, "x", Code::MigratePersistFailed),
            (Code::Rpc, Domain::Rpc, "unknown procedure: 5", Code::NoSupport),
            (Code::Rpc, Domain::Remote, "unknown procedure: 5", Code::NoSupport),
            (Code::Rpc, Domain::Qemu, "unknown procedure: 5", Code::Rpc),
            (Code::Rpc, Domain::Rpc, "not an unknown procedure", Code::Rpc),
        ] {
            let error = Error::from(body(code, domain, message));
            assert_eq!((error.code(), error.domain()), (expected, domain), "{code:?} {domain:?} {message}");
            assert_eq!(error.to_string(), message);
        }
    }

    #[test]
    fn what_old_clients_would_misread_is_sent_with_its_own_domain() {
        for code in [ErrorCode::InvalidNwfilter, ErrorCode::NoNwfilter, ErrorCode::BuildFirewall] {
            let sent = ErrorBody::from(Error::new(code, ErrorDomain::Qemu, "x"));
            assert_eq!(sent.domain, ErrorDomain::Nwfilter.number());
            assert_eq!(Error::from(sent).code(), code);
        }
    }

    #[test]
    fn numbers_without_a_name_become_an_internal_error() {
        let unknown =
            ErrorBody { code: 9999, domain: 9999, message: Some("new: thing".into()), ..ErrorBody::unset() };
        let error = Error::from(unknown);
        assert_eq!((error.code(), error.domain()), (ErrorCode::InternalError, ErrorDomain::None));
        assert_eq!(error.to_string(), "new: thing");
        let silent =
            Error::from(ErrorBody { message: None, ..body(ErrorCode::NoDomain, ErrorDomain::Qemu, "") });
        assert_eq!(silent.to_string(), "Domain not found");
        assert_eq!(Error::from(ErrorBody::unset()).to_string(), UNSET);
    }

    #[test]
    fn the_number_of_a_system_error_survives() {
        let body = ErrorBody {
            int1: 13,
            ..body(ErrorCode::SystemError, ErrorDomain::Storage, "x: Permission denied")
        };
        let error = Error::from(body);
        assert_eq!(system_error(&error), Some(13));
        assert_eq!(ErrorBody::from(&error).int1, 13);
    }
}
