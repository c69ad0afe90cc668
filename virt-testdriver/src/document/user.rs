//! `<auth>`: who may open a host.

use virt_types::{Error, ErrorCode, ErrorDomain, Result};
use virt_xml::Element;

use super::xml_error;
use crate::error::refuse;

/// A user of a host.
#[derive(Debug, Clone)]
pub(crate) struct User {
    name: String,
    password: Option<String>,
}

/// What a caller is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question<'a> {
    /// The user's name.
    Name,
    /// The password of the user with this name.
    Password(&'a str),
}

/// Answers questions; without an answer nobody is let in.
pub type Credentials<'a> = dyn Fn(Question<'_>) -> Option<String> + 'a;

pub(super) fn read(root: Element<'_>) -> Result<Vec<User>> {
    let users = root.children_named("auth").flat_map(|auth| auth.children_named("user"));
    users
        .map(|user| {
            let name = user.text();
            if name.is_empty() {
                return Err(xml_error("missing username in /node/auth/user field"));
            }
            Ok(User { name, password: user.attr("password").map(str::to_owned) })
        })
        .collect()
}

/// Lets a caller in, or not.
pub(crate) fn authenticate(users: &[User], ask: &Credentials<'_>) -> Result<()> {
    if users.is_empty() {
        return Ok(());
    }
    let missing =
        || Error::new(ErrorCode::InvalidArg, ErrorDomain::Auth, "Missing authentication credentials");
    let name = ask(Question::Name).ok_or_else(missing)?;
    let user = users.iter().find(|user| user.name == name);
    let wanted = match user {
        Some(User { password: None, .. }) => return Ok(()),
        Some(User { password, .. }) => password.as_ref(),
        // Whoever is unknown is asked all the same, so that nobody learns which names there are.
        None => None,
    };
    let given = ask(Question::Password(&name)).ok_or_else(missing)?;
    if wanted == Some(&given) {
        return Ok(());
    }
    let detail = "authentication failed, see test XML for the correct username/password";
    Err(refuse(ErrorCode::AuthFailed, detail))
}

#[cfg(test)]
mod tests {
    use virt_xml::Document;

    use super::*;

    #[test]
    fn only_users_with_their_passwords_are_let_in() {
        let xml = "<node><auth><user password='1234'>anna</user><user>guest</user></auth></node>";
        let document = Document::parse(xml).unwrap();
        let users = read(document.root()).unwrap();
        for (name, password, code) in [
            (Some("anna"), Some("1234"), None),
            (Some("anna"), Some("12"), Some(ErrorCode::AuthFailed)),
            (Some("anna"), None, Some(ErrorCode::InvalidArg)),
            (Some("guest"), None, None),
            (Some("bob"), Some("1234"), Some(ErrorCode::AuthFailed)),
            (None, None, Some(ErrorCode::InvalidArg)),
        ] {
            let answer = |question: Question<'_>| match question {
                Question::Name => name.map(str::to_owned),
                Question::Password(_) => password.map(str::to_owned),
            };
            let refusal = authenticate(&users, &answer).err().map(|error| error.code());
            assert_eq!(refusal, code, "{name:?} {password:?}");
        }
        assert!(authenticate(&[], &|_| None).is_ok());
    }
}
