//! Paths as libvirt normalizes them.

/// The path with runs of slashes made one and without a trailing slash; URIs stay as they are.
///
/// ```
/// use virt_conf::common::path::sanitize;
/// assert_eq!(sanitize("/a///b/"), "/a/b");
/// assert_eq!(sanitize("//host/b"), "//host/b");
/// assert_eq!(sanitize("nbd://host//b"), "nbd://host//b");
/// ```
#[must_use]
pub fn sanitize(path: &str) -> String {
    if path.find("://").is_some_and(|uri| path.find('/').is_some_and(|slash| slash > uri)) {
        return path.to_owned();
    }
    let kept = if path.starts_with("//") && !path.starts_with("///") { 2 } else { 0 };
    let mut clean = path[..kept].to_owned();
    let mut rest = path[kept..].chars().peekable();
    while let Some(c) = rest.next() {
        if c != '/' {
            clean.push(c);
            continue;
        }
        while rest.next_if_eq(&'/').is_some() {}
        if clean.is_empty() || rest.peek().is_some() {
            clean.push('/');
        }
    }
    clean
}
