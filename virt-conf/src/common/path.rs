//! Paths as libvirt keeps them.

/// The path without repeated and trailing slashes; exactly two leading slashes stay, since POSIX gives them a meaning.
///
/// ```
/// use virt_conf::common::sanitize_path;
/// assert_eq!(sanitize_path("/dev//input/"), "/dev/input");
/// assert_eq!(sanitize_path("//server/share"), "//server/share");
/// assert_eq!(sanitize_path("///a"), "/a");
/// assert_eq!(sanitize_path("/"), "/");
/// ```
#[must_use]
pub fn sanitize_path(path: &str) -> String {
    let leading = path.bytes().take_while(|byte| *byte == b'/').count();
    let mut clean = match leading {
        0 => String::new(),
        2 => "//".to_owned(),
        _ => "/".to_owned(),
    };
    for part in path.split('/').filter(|part| !part.is_empty()) {
        if !clean.is_empty() && !clean.ends_with('/') {
            clean.push('/');
        }
        clean.push_str(part);
    }
    clean
}
