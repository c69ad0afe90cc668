//! `guest`: a small Linux guest from the distribution's kernel package and busybox.
//!
//! The kernel is the package's own. The initial RAM disk holds busybox, the modules for virtio and a few emulated
//! devices, the guest agent with its libraries, and the files of `xtask/guest/`. It is written without root, and the same
//! input gives the same bytes.

mod archive;
mod boot;
mod modules;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::SystemTime,
};

use archive::Cpio;

use crate::{
    args::Args,
    distro::Distro,
    process::{During, Failure, Result, output},
    workspace,
};

/// The kernel's command line. All but the console is there to come up faster under emulation.
const CMDLINE: &str = "console=ttyS0 quiet tsc=reliable mitigations=off no_timer_check random.trust_cpu=on";

/// The files of a guest that is ready to boot.
#[derive(Debug)]
pub(crate) struct Guest {
    pub(crate) dir: PathBuf,
}

impl Guest {
    pub(crate) fn kernel(&self) -> PathBuf {
        self.dir.join("vmlinuz")
    }

    pub(crate) fn initrd(&self) -> PathBuf {
        self.dir.join("initrd")
    }

    pub(crate) fn cmdline(&self) -> Result<String> {
        let file = self.dir.join("cmdline");
        Ok(fs::read_to_string(&file).during(file.display())?.trim_end().to_owned())
    }

    /// What it was made from, and when; nothing unless all of it is there.
    fn stamp(&self) -> Option<(String, SystemTime)> {
        let file = self.dir.join("stamp");
        let complete =
            [self.kernel(), self.initrd(), self.dir.join("cmdline")].iter().all(|file| file.exists());
        let made = file.metadata().ok()?.modified().ok()?;
        complete.then_some((fs::read_to_string(file).ok()?, made))
    }
}

/// The verb.
pub(crate) fn run(args: &mut Args) -> Result<()> {
    let (force, boot) = (args.flag("--force"), args.flag("--boot"));
    args.end()?;
    let guest = make(force)?;
    for file in [guest.kernel(), guest.initrd()] {
        println!("{:>9} KiB  {}", file.metadata().during(file.display())?.len() / 1024, file.display());
    }
    println!("cmdline: {}", guest.cmdline()?);
    if boot { boot::time(&guest) } else { Ok(()) }
}

/// Makes the guest unless it is there, made from the same packages and files.
pub(crate) fn ensure() -> Result<Guest> {
    make(false)
}

fn make(force: bool) -> Result<Guest> {
    let distro = Distro::detect()?;
    let guest = Guest { dir: workspace::target_dir()?.join("guest") };
    let files = Tree::read(&workspace::root().join("xtask/guest"))?;
    let ours = own_stamp(&files);
    let old = if force { None } else { guest.stamp() };
    let lists_are_older = |made| distro.lists_changed().is_some_and(|changed| changed < made);
    if old.as_ref().is_some_and(|(stamp, made)| stamp.starts_with(&ours) && lists_are_older(*made)) {
        return Ok(guest);
    }
    let archives = distro.guest_archives()?;
    let stamp = archives.iter().fold(ours, |text, archive| text + &archive.file + "\n");
    if old.is_some_and(|(old, _)| old == stamp) {
        install(&guest.dir.join("stamp"), stamp.as_bytes())?;
        return Ok(guest);
    }
    println!("Making the test guest in {}", guest.dir.display());
    let packages = guest.dir.join("packages");
    fs::create_dir_all(&packages).during(packages.display())?;
    let unpacked = Scratch::new(guest.dir.join(format!("unpacked.{}", std::process::id())))?;
    for archive in &archives {
        println!("  {}", archive.file);
        distro.unpack(&distro.fetch(archive, &packages)?, &unpacked.0)?;
    }
    let kernel = Kernel::find(&unpacked.0)?;
    let initrd = initrd(&unpacked.0, &kernel, &files)?;
    let image = fs::read(&kernel.image).during(kernel.image.display())?;
    install(&guest.kernel(), &image)?;
    install(&guest.initrd(), &initrd)?;
    install(&guest.dir.join("cmdline"), format!("{CMDLINE}\n").as_bytes())?;
    install(&guest.dir.join("stamp"), stamp.as_bytes())?;
    Ok(guest)
}

/// Our own part in what the guest is made from, as text; the names of the packages follow it.
fn own_stamp(files: &Tree) -> String {
    let mut sum = std::hash::DefaultHasher::new();
    std::hash::Hash::hash(&files.0, &mut sum);
    let (required, wanted) = (modules::REQUIRED.join(" "), modules::WANTED.join(" "));
    format!("{CMDLINE}\n{required} {wanted}\nfiles {:016x}\n", std::hash::Hasher::finish(&sum))
}

/// Writes beside the file and renames, so that a reader sees the old or the new one whole.
fn install(file: &Path, content: &[u8]) -> Result<()> {
    let part = file.with_extension(format!("part.{}", std::process::id()));
    fs::write(&part, content).during(part.display())?;
    fs::rename(&part, file).during(file.display())
}

/// A directory that is gone afterwards, however its use ends.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new(dir: PathBuf) -> Result<Self> {
        fs::create_dir_all(&dir).during(dir.display())?;
        Ok(Self(dir))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Best effort: what is left is in target/ or in a temporary folder.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A kernel package's image and modules.
struct Kernel {
    image: PathBuf,
    modules: PathBuf,
}

impl Kernel {
    fn find(unpacked: &Path) -> Result<Self> {
        for base in ["lib/modules", "usr/lib/modules"] {
            for entry in fs::read_dir(unpacked.join(base)).into_iter().flatten().flatten() {
                let version = entry.file_name();
                let boot = unpacked.join("boot").join(format!("vmlinuz-{}", version.to_string_lossy()));
                let image = [boot, entry.path().join("vmlinuz")].into_iter().find(|file| file.exists());
                if let Some(image) = image {
                    return Ok(Self { image, modules: entry.path() });
                }
            }
        }
        Err(Failure::new("the kernel packages hold no kernel image with modules"))
    }
}

/// A directory's content, sorted by path.
struct Tree(Vec<(String, Node)>);

#[derive(Hash)]
enum Node {
    Directory,
    Link(String),
    File { executable: bool, content: Vec<u8> },
}

impl Tree {
    fn read(dir: &Path) -> Result<Self> {
        let mut nodes = Vec::new();
        Self::walk(dir, "", &mut nodes)?;
        nodes.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(Self(nodes))
    }

    fn walk(dir: &Path, prefix: &str, nodes: &mut Vec<(String, Node)>) -> Result<()> {
        use std::os::unix::fs::PermissionsExt;
        for entry in fs::read_dir(dir).during(dir.display())? {
            let path = entry.during(dir.display())?.path();
            let name = format!("{prefix}{}", path.file_name().unwrap_or_default().to_string_lossy());
            let meta = path.symlink_metadata().during(path.display())?;
            let node = if meta.is_dir() {
                Self::walk(&path, &format!("{name}/"), nodes)?;
                Node::Directory
            } else if meta.is_symlink() {
                Node::Link(fs::read_link(&path).during(path.display())?.to_string_lossy().into_owned())
            } else {
                let content = fs::read(&path).during(path.display())?;
                Node::File { executable: meta.permissions().mode() & 0o111 != 0, content }
            };
            nodes.push((name, node));
        }
        Ok(())
    }
}

fn initrd(unpacked: &Path, kernel: &Kernel, files: &Tree) -> Result<Vec<u8>> {
    let mut cpio = Cpio::default();
    for dir in [
        "bin",
        "dev",
        "etc",
        "lib",
        "lib/modules",
        "mnt",
        "proc",
        "root",
        "run",
        "sys",
        "tmp",
        "var",
        "var/log",
    ] {
        cpio.directory(dir);
    }
    // The kernel opens it before there is a devtmpfs.
    cpio.character_device("dev/console", 5, 1);
    cpio.link("var/run", "../run");
    let busybox = program(unpacked, "busybox")?;
    cpio.file("bin/busybox", 0o755, &fs::read(&busybox).during(busybox.display())?);
    for applet in output(Command::new(&busybox).arg("--list"))?.lines().filter(|name| *name != "busybox") {
        cpio.link(&format!("bin/{applet}"), "busybox");
    }
    let mut order = String::new();
    for (name, content) in modules::select(&kernel.modules)? {
        cpio.file(&format!("lib/modules/{name}"), 0o644, &content);
        order += &format!("{name}\n");
    }
    cpio.file("etc/modules", 0o644, order.as_bytes());
    let agent = program(unpacked, "qemu-ga")?;
    cpio.file("bin/qemu-ga", 0o755, &fs::read(&agent).during(agent.display())?);
    for library in libraries(&agent)? {
        let content = fs::read(&library).during(library.display())?;
        cpio.file(library.to_string_lossy().trim_start_matches('/'), 0o755, &content);
    }
    for (path, node) in &files.0 {
        match node {
            Node::Directory => cpio.directory(path),
            Node::Link(to) => cpio.link(path, to),
            Node::File { executable, content } => {
                let mode = if path == "etc/shadow" {
                    0o600
                } else if *executable {
                    0o755
                } else {
                    0o644
                };
                cpio.file(path, mode, content);
            }
        }
    }
    Ok(cpio.finish())
}

/// A program in one of the usual places below `root`.
fn program(root: &Path, name: &str) -> Result<PathBuf> {
    let dirs = ["bin", "sbin", "usr/bin", "usr/sbin"];
    let found = dirs.iter().map(|dir| root.join(dir).join(name)).find(|file| file.exists());
    found.ok_or_else(|| Failure::new(format!("the fetched packages hold no program `{name}`")))
}

/// This machine's libraries that a program is linked with, the loader among them, at their usual paths.
fn libraries(program: &Path) -> Result<Vec<PathBuf>> {
    parse_ldd(&output(Command::new("ldd").arg(program))?)
}

fn parse_ldd(text: &str) -> Result<Vec<PathBuf>> {
    let mut libraries = Vec::new();
    for line in text.lines().map(str::trim) {
        let (name, place) = line.split_once(" => ").unwrap_or((line, line));
        if place.starts_with("not found") {
            let why = "the guest agent needs it; it comes with QEMU's packages";
            return Err(Failure::new(format!("the library {name} is not on this machine ({why})")));
        }
        let path = place.split(" (").next().unwrap_or_default();
        if path.starts_with('/') {
            libraries.push(PathBuf::from(path));
        }
    }
    Ok(libraries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_and_the_loader_are_taken_and_absence_is_named() {
        let text = "\tlinux-vdso.so.1 (0x00007f)\n\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f)\n\
                    \t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n";
        let found = parse_ldd(text).unwrap();
        assert_eq!(
            found,
            ["/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"].map(PathBuf::from)
        );
        assert!(
            parse_ldd("\tliburing.so.2 => not found\n").unwrap_err().to_string().contains("liburing.so.2")
        );
    }

    #[test]
    fn our_files_are_complete_and_executable() {
        let tree = Tree::read(&workspace::root().join("xtask/guest")).unwrap();
        for name in ["init", "sbin/hotplug", "sbin/shutdown", "etc/acpi/PWRF/00000080"] {
            let node = tree.0.iter().find(|(path, _)| path == name).map(|(_, node)| node);
            assert!(matches!(node, Some(Node::File { executable: true, .. })), "{name}");
        }
        assert!(tree.0.iter().any(|(path, node)| path == "sbin/reboot" && matches!(node, Node::Link(_))));
    }
}
