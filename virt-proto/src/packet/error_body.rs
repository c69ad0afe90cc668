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
        let bare = sentence == code.sentence("");
        let (str1, str2) = if bare {
            (sentence.clone(), None)
        } else if sentence == code.sentence(error.detail()) {
            (code.sentence("%s"), Some(error.detail().to_owned()))
        } else {
            ("%s".to_owned(), Some(sentence.clone()))
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
            int1: system_error(error).unwrap_or(-1),
            int2: -1,
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
