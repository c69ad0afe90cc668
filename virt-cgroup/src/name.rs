//! Names of guests' groups and partitions.

/// How long a machine's name may get.
const MACHINE_NAME_MAX: usize = 64;

/// The name of a guest as a machine: `qemu-3-web`. Of the guest's name only what a host's name may consist of stays.
/// `place` tells engines in programs of their own apart.
///
/// ```
/// assert_eq!(virt_cgroup::machine_name("qemu", None, 1, "my_guest:x."), "qemu-1-myguestx");
/// assert_eq!(virt_cgroup::machine_name("qemu", Some("1a2b3c4d"), 2, "a"), "qemu-embed-1a2b3c4d-2-a");
/// ```
#[must_use]
pub fn machine_name(driver: &str, place: Option<&str>, id: u32, guest: &str) -> String {
    let mut name = match place {
        Some(place) => format!("{driver}-embed-{place}-{id}-"),
        None => format!("{driver}-{id}-"),
    };
    let mut after_separator = true;
    for c in guest.chars() {
        if name.len() >= MACHINE_NAME_MAX {
            break;
        }
        match c {
            '.' | '-' => {
                if !after_separator {
                    name.push(c);
                }
                after_separator = true;
            }
            c if c.is_ascii_alphanumeric() => {
                name.push(c);
                after_separator = false;
            }
            _ => {}
        }
    }
    name.truncate(name.trim_end_matches(['-', '.']).len());
    name
}

/// The name of a group that the kernel can not take for one of its own files.
pub(crate) fn escape(name: &str, controllers: &[String]) -> String {
    let is_file = |controller: &String| {
        name.strip_prefix(controller.as_str()).is_some_and(|rest| rest.starts_with('.'))
    };
    let clashes = name.starts_with("cgroup.") || name.starts_with(['_', '.']);
    if clashes || controllers.iter().any(is_file) { format!("_{name}") } else { name.to_owned() }
}

/// The path of a partition: what does not say by a suffix what it is gets `.partition`, but for the three that every
/// host has at the top.
pub(crate) fn partition(path: &str, controllers: &[String]) -> String {
    let token = |(at, token): (usize, &str)| {
        if token.is_empty() || (at == 1 && ["machine", "system", "user"].contains(&token)) {
            return token.to_owned();
        }
        let name = if token.contains('.') { token.to_owned() } else { format!("{token}.partition") };
        escape(&name, controllers)
    };
    path.split('/').enumerate().map(token).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_have_names_of_hosts() {
        let table = [
            ("web", "qemu-7-web"),
            ("-.-a--b..c-", "qemu-7-a-b.c"),
            ("\u{e9}t\u{e9} 1", "qemu-7-t1"),
            ("...", "qemu-7"),
            ("", "qemu-7"),
        ];
        for (guest, name) in table {
            assert_eq!(machine_name("qemu", None, 7, guest), name, "{guest}");
        }
        assert_eq!(machine_name("qemu", None, 7, &"x".repeat(200)).len(), MACHINE_NAME_MAX);
    }

    #[test]
    fn names_and_partitions_are_told_from_the_kernels_files() {
        let controllers = ["cpu".to_owned(), "memory".to_owned()];
        for (name, escaped) in [
            ("cpu.libvirt-qemu", "_cpu.libvirt-qemu"),
            ("cpux.y", "cpux.y"),
            ("cgroup.x", "_cgroup.x"),
            (".hidden", "_.hidden"),
            ("_x", "__x"),
            ("qemu-1-a.libvirt-qemu", "qemu-1-a.libvirt-qemu"),
        ] {
            assert_eq!(escape(name, &controllers), escaped);
        }
        for (path, full) in [
            ("/machine", "/machine"),
            ("/", "/"),
            ("/machine/fast", "/machine/fast.partition"),
            ("/user/cpu.slice/machine", "/user/_cpu.slice/machine.partition"),
            ("/web", "/web.partition"),
        ] {
            assert_eq!(partition(path, &controllers), full);
        }
    }
}
