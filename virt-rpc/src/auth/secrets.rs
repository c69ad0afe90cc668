//! Where a server finds what it knows of a user's password.

use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use rsasl::mechanisms::scram::tools::{derive_keys, hash_password};
use sha2::{Digest, Sha256};

/// Iterations for new secrets (RFC 7677 asks for at least 4096).
const ITERATIONS: u32 = 4096;

/// What is kept of a password for SCRAM-SHA-256 (RFC 5802): enough to check it, not enough to use it.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramSecret {
    pub(super) iterations: u32,
    pub(super) salt: Vec<u8>,
    pub(super) stored_key: [u8; 32],
    pub(super) server_key: [u8; 32],
}

impl ScramSecret {
    /// Makes the secret of a new password, with this salt, which has to be random.
    #[must_use]
    pub fn new(password: &str, salt: &[u8]) -> Self {
        Self::derive(password.as_bytes(), salt, ITERATIONS)
    }

    fn derive(password: &[u8], salt: &[u8], iterations: u32) -> Self {
        let mut salted = sha2::digest::Output::<Sha256>::default();
        hash_password::<Sha256>(password, iterations, salt, &mut salted);
        let (client_key, server_key) = derive_keys::<Sha256>(&salted);
        Self {
            iterations,
            salt: salt.to_vec(),
            stored_key: Sha256::digest(client_key).into(),
            server_key: server_key.into(),
        }
    }

    /// Whether this is the password. Takes as long as deriving it anew.
    #[must_use]
    pub fn fits(&self, password: &[u8]) -> bool {
        let other = Self::derive(password, &self.salt, self.iterations);
        // Differences are collected, so that how long it takes says nothing of where they are.
        self.stored_key.iter().zip(other.stored_key).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
    }

    /// Reads the form `SCRAM-SHA-256$ITERATIONS:SALT$STOREDKEY:SERVERKEY`, in base64.
    ///
    /// ```
    /// use virt_rpc::auth::ScramSecret;
    /// let secret = ScramSecret::new("pencil", b"sixteen bytes or");
    /// let again = ScramSecret::parse(&secret.to_string()).ok_or("not a secret")?;
    /// assert!(again.fits(b"pencil"));
    /// assert!(!again.fits(b"pen"));
    /// # Ok::<(), &str>(())
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix("SCRAM-SHA-256$")?;
        let (salting, keys) = rest.split_once('$')?;
        let (iterations, salt) = salting.split_once(':')?;
        let (stored, server) = keys.split_once(':')?;
        let key = |text: &str| BASE64.decode(text).ok()?.try_into().ok();
        Some(Self {
            iterations: iterations.parse().ok().filter(|iterations| *iterations > 0)?,
            salt: BASE64.decode(salt).ok()?,
            stored_key: key(stored)?,
            server_key: key(server)?,
        })
    }
}

impl std::fmt::Display for ScramSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [salt, stored, server] =
            [&self.salt[..], &self.stored_key, &self.server_key].map(|bytes| BASE64.encode(bytes));
        write!(f, "SCRAM-SHA-256${}:{salt}${stored}:{server}", self.iterations)
    }
}

/// Secrets are not for logs.
impl std::fmt::Debug for ScramSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScramSecret").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}

/// Who knows the users' secrets. It is asked from threads that may block.
pub trait Secrets: Send + Sync {
    /// The secret of a user, if there is such a user.
    fn find(&self, user: &str) -> Option<ScramSecret>;
}

/// A file with a line `USER:SECRET` for each user, the secret in the form of [`ScramSecret::parse`]; lines that begin
/// with `#` are comments. It is read for each question, so a changed file counts at once.
#[derive(Debug, Clone)]
pub struct PasswordFile(pub PathBuf);

impl Secrets for PasswordFile {
    fn find(&self, user: &str) -> Option<ScramSecret> {
        let text = std::fs::read_to_string(&self.0)
            .inspect_err(|error| log::error!("cannot read the passwords in {}: {error}", self.0.display()))
            .ok()?;
        let secret = find(&text, user)?;
        let parsed = ScramSecret::parse(secret);
        if parsed.is_none() {
            log::error!("{}: the secret of user '{user}' is none", self.0.display());
        }
        parsed
    }
}

impl PasswordFile {
    /// The text of such a file in which the user has this secret; without one the user is not in it. All else stays.
    ///
    /// ```
    /// use virt_rpc::auth::{PasswordFile, ScramSecret};
    /// let secret = ScramSecret::new("pencil", b"sixteen bytes or");
    /// let text = PasswordFile::with_user("# ours\nann:old\n", "ann", Some(&secret));
    /// assert_eq!(text, format!("# ours\nann:{secret}\n"));
    /// assert_eq!(PasswordFile::with_user(&text, "ann", None), "# ours\n");
    /// ```
    #[must_use]
    pub fn with_user(text: &str, user: &str, secret: Option<&ScramSecret>) -> String {
        let of_user = |line: &&str| {
            !line.starts_with('#') && line.split_once(':').is_some_and(|(name, _)| name == user)
        };
        let mut new: String =
            text.lines().filter(|line| !of_user(line)).flat_map(|line| [line, "\n"]).collect();
        if let Some(secret) = secret {
            new.push_str(&format!("{user}:{secret}\n"));
        }
        new
    }
}

fn find<'a>(text: &'a str, user: &str) -> Option<&'a str> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let mut users = lines.filter_map(|line| line.split_once(':'));
    users.find(|(name, _)| *name == user).map(|(_, secret)| secret.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard() {
        // RFC 7677, section 3.
        let salt = BASE64.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
        let secret = ScramSecret::new("pencil", &salt);
        let expected = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
        assert_eq!(secret.to_string(), expected);
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        let good = ScramSecret::new("x", b"salt").to_string();
        assert!(ScramSecret::parse(&good).is_some());
        let rows =
            ["", "SCRAM-SHA-256$", "SCRAM-SHA-256$0:YQ==$YQ==:YQ==", "SCRAM-SHA-1$4096:YQ==$YQ==:YQ=="];
        for text in rows {
            assert!(ScramSecret::parse(text).is_none(), "{text}");
        }
        assert!(ScramSecret::parse(&good[..good.len() - 4]).is_none());
    }

    #[test]
    fn users_are_found_by_whole_names() {
        let text = "#ann:1\nanna:2\nann: 3 \nann:4\n";
        assert_eq!(find(text, "ann"), Some("3"));
        assert_eq!(find(text, "an"), None);
    }
}
