//! The users that authenticate by SASL: `virtd --set-password USER` and `--delete-password USER`.

use std::io::{self, BufRead, IsTerminal, Write};
use std::os::fd::AsFd;
use std::path::Path;

use rustix::rand::{GetRandomFlags, getrandom};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use virt_rpc::auth::{PasswordFile, ScramSecret};

use crate::args::Args;
use crate::authentication::password_file;
use crate::failure::Failure;
use crate::places::{Places, Role};
use crate::setup::Configuration;

/// More is no file of passwords.
const MOST: u64 = 16 << 20;

/// What is to be done for which user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change<'a> {
    /// Read a password and keep its secret.
    Set(&'a str),
    /// Forget the secret.
    Delete(&'a str),
}

/// What the command line asks for, if it asks for a change.
#[must_use]
pub fn change(args: &Args) -> Option<Change<'_>> {
    let set = args.set_password.as_deref().map(Change::Set);
    set.or_else(|| args.delete_password.as_deref().map(Change::Delete))
}

/// Changes the file that a daemon with this command line reads. One that runs goes by the new file at once.
///
/// # Errors
/// For a name that can not stand in the file, an empty password, and a file that can not be read or written.
pub fn apply(role: Role, args: &Args, change: Change<'_>) -> Result<(), Failure> {
    let places = Places::of_this_process(role)?;
    let configuration = Configuration::load(role, &places, args)?;
    let file = password_file(&configuration.daemon.ip, &places);
    let (user, secret) = match change {
        Change::Delete(user) => (user, None),
        Change::Set(user) => {
            check(user)?;
            let password = ask(user).map_err(Failure::io("read the password"))?;
            if password.is_empty() {
                return Err(Failure::Unserved("a password has to have characters".to_owned()));
            }
            let mut salt = [0; 16];
            getrandom(&mut salt, GetRandomFlags::empty())
                .map_err(|errno| Failure::io("get random numbers")(errno.into()))?;
            (user, Some(ScramSecret::new(&password, &salt)))
        }
    };
    write(&file, user, secret.as_ref())
}

fn write(file: &Path, user: &str, secret: Option<&ScramSecret>) -> Result<(), Failure> {
    let before = if file.exists() { virt_sys::fs::read_bounded(file, MOST)? } else { Vec::new() };
    let before = String::from_utf8(before)
        .map_err(|_| Failure::Unserved(format!("{}: the file is not UTF-8", file.display())))?;
    let after = PasswordFile::with_user(&before, user, secret);
    if after != before {
        virt_sys::fs::atomic_write(file, after.as_bytes(), 0o600)?;
    }
    Ok(())
}

/// A name ends at the first colon of its line, and a line that begins with `#` is a comment.
fn check(user: &str) -> Result<(), Failure> {
    if user.is_empty() || user.starts_with('#') || user.contains([':', '\n', '\r', '\0']) {
        return Err(Failure::Unserved(format!("'{}' can not be a user's name", user.escape_debug())));
    }
    Ok(())
}

/// The first line of standard input, which a terminal does not show.
fn ask(user: &str) -> io::Result<String> {
    let input = io::stdin().lock();
    let shown = input.is_terminal().then(|| Hidden::begin(user)).transpose()?;
    let mut line = String::new();
    let mut input = input;
    input.read_line(&mut line)?;
    drop(shown);
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}

/// While it lives, the terminal does not show what is typed.
struct Hidden(rustix::termios::Termios);

impl Hidden {
    fn begin(user: &str) -> io::Result<Self> {
        let mut error = io::stderr().lock();
        write!(error, "Password of {user}: ")?;
        error.flush()?;
        let usual = tcgetattr(io::stdin().as_fd())?;
        let mut hidden = usual.clone();
        hidden.local_modes -= LocalModes::ECHO;
        tcsetattr(io::stdin().as_fd(), OptionalActions::Flush, &hidden)?;
        Ok(Self(usual))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // A terminal that is gone shows nothing.
        let _ = tcsetattr(io::stdin().as_fd(), OptionalActions::Flush, &self.0);
        let _ = writeln!(io::stderr().lock());
    }
}

#[cfg(test)]
mod tests {
    use virt_rpc::auth::Secrets;

    use super::*;

    #[test]
    fn what_is_written_is_what_the_server_reads() {
        let dir = std::env::temp_dir().join(format!("virt-passwords-{}", std::process::id()));
        virt_sys::fs::create_dir_all(&dir, 0o700).unwrap();
        let file = dir.join("sasl-passwords");
        for (user, password) in [("ann", "old"), ("bob", "b"), ("ann", "new")] {
            write(&file, user, Some(&ScramSecret::new(password, b"sixteen bytes or"))).unwrap();
        }
        let known = PasswordFile(file.clone());
        assert!(known.find("ann").unwrap().fits(b"new") && known.find("bob").unwrap().fits(b"b"));
        write(&file, "ann", None).unwrap();
        assert!(known.find("ann").is_none() && known.find("bob").is_some());
        let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&file).unwrap());
        assert_eq!(mode & 0o777, 0o600);
        std::fs::remove_dir_all(&dir).unwrap();
    }

    #[test]
    fn names_that_would_not_be_found_again_are_refused() {
        for wrong in ["", "#ann", "a:b", "a\nb"] {
            assert!(check(wrong).is_err(), "{wrong:?}");
        }
        check("ann@EXAMPLE.ORG").unwrap();
    }
}
