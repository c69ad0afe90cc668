//! Who logs in to a guest.

use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// A user of the guest, and the password if there is one.
#[derive(Clone)]
pub(super) struct Login {
    pub(super) user: String,
    pub(super) password: Option<String>,
}

impl FromStr for Login {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text.split_once(':') {
            Some((user, password)) => Self { user: user.to_owned(), password: Some(password.to_owned()) },
            None => Self { user: text.to_owned(), password: None },
        })
    }
}

/// Without the password.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}
