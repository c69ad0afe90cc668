//! Names with wildcards, as in lists of who is let in.

/// Whether a name fits a pattern, in which `*` is any text and `?` one character.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n) = (0, 0);
    // Where the last star was, and where in the name its text is taken to end.
    let mut star = None;
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((at, end)) = star else { return false };
                star = Some((at, end + 1));
                p = at + 1;
                n = end + 1;
            }
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let rows = [
            ("C=GB,O=Example,CN=*", "C=GB,O=Example,CN=host", true),
            ("*", "", true),
            ("*CN=a?c", "O=x,CN=abc", true),
            ("*CN=a?c", "O=x,CN=ac", false),
            ("*a*b*", "xxaxxbxx", true),
            ("a*b", "abab", true),
            ("a*b", "aba", false),
            ("", "x", false),
            ("C=GB", "C=GB,CN=x", false),
        ];
        for (pattern, name, fits) in rows {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }
}
