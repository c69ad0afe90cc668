//! The domain that is made of a kernel or a disk image.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use clap::Args;
use virt_core::conf::domain::VirtType;
use virt_core::xml::Writer;

use crate::failure::{Failure, Outcome};
use crate::input;

/// What the guest is made of; a domain's XML says it all itself.
#[derive(Debug, Args)]
pub(super) struct Hardware {
    /// Boot this kernel
    #[arg(long, value_name = "FILE")]
    kernel: Option<PathBuf>,

    /// The kernel's initial RAM disk
    #[arg(long, value_name = "FILE", requires = "kernel")]
    initrd: Option<PathBuf>,

    /// The kernel's command line [default: console=ttyS0]
    #[arg(long, value_name = "TEXT", requires = "kernel")]
    cmdline: Option<String>,

    /// The guest's name [default: the file's, and the number of this process]
    #[arg(long)]
    name: Option<String>,

    /// Memory, in MiB [default: 1024]
    #[arg(long, value_name = "MIB")]
    memory: Option<u64>,

    /// Virtual processors [default: 1]
    #[arg(long, value_name = "COUNT")]
    cpus: Option<u32>,
}

/// What a file is, to a guest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Image {
    format: &'static str,
    device: &'static str,
}

/// What is booted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A domain's XML.
    Document(String),
    /// A disk image, a kernel, or both.
    Machine(Option<(PathBuf, Image)>),
}

impl Source {
    /// Looks at what the file is.
    pub(super) fn of(file: Option<&Path>, hardware: &Hardware) -> Outcome<Self> {
        let Some(file) = file else { return Ok(Self::Machine(None)) };
        let head = Head::read(file)?;
        if head.is_document() {
            let given = hardware.kernel.is_some() || hardware.name.is_some();
            if given || hardware.memory.is_some() || hardware.cpus.is_some() {
                let file = file.display();
                return Err(Failure::Usage(format!(
                    "{file} is a domain's XML, which says itself what --kernel, --name, --memory and --cpus would"
                )));
            }
            return Ok(Self::Document(input::read(file)?));
        }
        if let Some(format) = head.foreign_format() {
            let file = file.display();
            return Err(Failure::Usage(format!(
                "{file} is a {format} image; make a qcow2 image of it: qemu-img convert -O qcow2 {file} {file}.qcow2"
            )));
        }
        let path = std::path::absolute(file).map_err(|error| Failure::of_system("find the image", error))?;
        Ok(Self::Machine(Some((path, head.image()))))
    }

    /// The domain's document; one that was given says itself what runs it.
    pub(super) fn document(&self, hardware: &Hardware, virt_type: VirtType) -> String {
        match self {
            Self::Document(xml) => xml.clone(),
            Self::Machine(image) => machine(hardware, image.as_ref(), virt_type),
        }
    }
}

/// The beginning of a file, and where an ISO 9660 file system has its name.
struct Head {
    start: [u8; 512],
    volume: [u8; 5],
}

impl Head {
    fn read(path: &Path) -> Outcome<Self> {
        let failed = |error| Failure::of_system(&format!("read {}", path.display()), error);
        let mut file = File::open(path).map_err(failed)?;
        let mut head = Self { start: [0; 512], volume: [0; 5] };
        fill(&mut file, &mut head.start).map_err(failed)?;
        // ECMA-119, 6.2 and 8.1: the first descriptor is in sector 16, after its type.
        if file.seek(SeekFrom::Start(16 * 2048 + 1)).is_ok() {
            fill(&mut file, &mut head.volume).map_err(failed)?;
        }
        Ok(head)
    }

    fn is_document(&self) -> bool {
        let text = self.start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.start);
        text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<')
    }

    fn foreign_format(&self) -> Option<&'static str> {
        [(&b"KDMV"[..], "VMDK"), (b"vhdxfile", "VHDX"), (b"conectix", "VHD"), (b"<<< Oracle VM", "VDI")]
            .into_iter()
            .find(|(magic, _)| self.start.starts_with(magic))
            .map(|(_, format)| format)
    }

    fn image(&self) -> Image {
        if self.start.starts_with(b"QFI\xfb") {
            Image { format: "qcow2", device: "disk" }
        } else {
            Image { format: "raw", device: if self.volume == *b"CD001" { "cdrom" } else { "disk" } }
        }
    }
}

/// Reads until the buffer is full or the file ends.
fn fill(file: &mut File, mut buffer: &mut [u8]) -> std::io::Result<()> {
    while !buffer.is_empty() {
        match file.read(buffer)? {
            0 => break,
            count => buffer = &mut buffer[count..],
        }
    }
    Ok(())
}

fn name(hardware: &Hardware, image: Option<&(PathBuf, Image)>) -> String {
    hardware.name.clone().unwrap_or_else(|| {
        let file = image.map(|(path, _)| path.as_path()).or(hardware.kernel.as_deref());
        let stem = file.and_then(Path::file_stem).map(|stem| stem.to_string_lossy().into_owned());
        format!("{}-{}", stem.unwrap_or_else(|| "guest".to_owned()), std::process::id())
    })
}

fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).to_string_lossy().into_owned()
}

fn machine(hardware: &Hardware, image: Option<&(PathBuf, Image)>, virt_type: VirtType) -> String {
    let mut w = Writer::new();
    w.element("domain", |w| {
        w.attr("type", virt_type);
        w.text_element("name", name(hardware, image));
        w.text_element_with("memory", |w| w.attr("unit", "MiB"), hardware.memory.unwrap_or(1024));
        w.text_element("vcpu", hardware.cpus.unwrap_or(1));
        w.element("os", |w| {
            w.text_element_with("type", |w| w.attr("machine", "q35"), "hvm");
            if let Some(kernel) = &hardware.kernel {
                w.text_element("kernel", absolute(kernel));
                w.text_element_opt("initrd", hardware.initrd.as_deref().map(absolute));
                w.text_element("cmdline", hardware.cmdline.as_deref().unwrap_or("console=ttyS0"));
            }
        });
        w.element("features", |w| {
            w.element("acpi", |_| {});
        });
        if virt_type == VirtType::Kvm {
            w.element("cpu", |w| w.attr("mode", "host-passthrough"));
        }
        w.element("devices", |w| {
            if let Some((path, Image { format, device })) = image {
                w.element("disk", |w| {
                    w.attr("type", "file");
                    w.attr("device", device);
                    w.element("driver", |w| {
                        w.attr("name", "qemu");
                        w.attr("type", format);
                    });
                    w.element("source", |w| w.attr("file", path.to_string_lossy()));
                    w.element("target", |w| {
                        let cdrom = *device == "cdrom";
                        w.attr("dev", if cdrom { "sda" } else { "vda" });
                        w.attr("bus", if cdrom { "sata" } else { "virtio" });
                    });
                    if *device == "cdrom" {
                        w.element("readonly", |_| {});
                    }
                });
            }
            w.element("interface", |w| {
                w.attr("type", "user");
                w.element("model", |w| w.attr("type", "virtio"));
            });
            w.element("serial", |w| w.attr("type", "pty"));
            w.element("console", |w| w.attr("type", "pty"));
            w.element("channel", |w| {
                w.attr("type", "unix");
                w.element("target", |w| {
                    w.attr("type", "virtio");
                    w.attr("name", "org.qemu.guest_agent.0");
                });
            });
            w.element("rng", |w| {
                w.attr("model", "virtio");
                w.text_element_with("backend", |w| w.attr("model", "random"), "/dev/urandom");
            });
        });
    });
    w.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use virt_core::conf::ParseFlags;
    use virt_core::conf::domain::Domain;

    fn hardware() -> Hardware {
        Hardware { kernel: None, initrd: None, cmdline: None, name: Some("a<b".into()), memory: Some(256), cpus: Some(2) }
    }

    fn source(content: &[u8]) -> Source {
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let file = std::env::temp_dir().join(format!("virt-up-{}-{number}", std::process::id()));
        std::fs::write(&file, content).unwrap();
        let plain = Hardware { name: None, memory: None, cpus: None, ..hardware() };
        let source = Source::of(Some(&file), &plain);
        std::fs::remove_file(file).unwrap();
        source.unwrap_or_else(|failure| panic!("{failure:?}"))
    }

    #[test]
    fn files_are_known_by_what_is_in_them() {
        let iso = [&[0; 16 * 2048 + 1][..], b"CD001"].concat();
        for (content, format, device) in
            [(&b"QFI\xfb\0\0\0\x03"[..], "qcow2", "disk"), (&iso, "raw", "cdrom"), (b"\xeb\x63", "raw", "disk"), (b"", "raw", "disk")]
        {
            let Source::Machine(Some((path, image))) = source(content) else { panic!("{format} is no document") };
            assert!(path.is_absolute());
            assert_eq!(image, Image { format, device });
        }
        assert_eq!(source(b"\n <domain/>"), Source::Document("\n <domain/>".into()));
    }

    #[test]
    fn a_machine_has_what_its_user_asked_for_and_can_be_read() {
        let image = (PathBuf::from("/srv/a&b.qcow2"), Image { format: "qcow2", device: "disk" });
        let with_kernel = Hardware { kernel: Some("/boot/vmlinuz".into()), cmdline: Some("quiet \"x\"".into()), ..hardware() };
        let xml = Source::Machine(Some(image)).document(&with_kernel, VirtType::Kvm);
        let domain = Domain::parse(&xml, ParseFlags::INACTIVE).unwrap();
        assert_eq!((domain.name.as_str(), domain.virt_type, domain.memory.total), ("a<b", VirtType::Kvm, 256 << 10));
        assert_eq!(domain.os.cmdline.as_deref(), Some("quiet \"x\""));
        assert!(xml.contains("<source file='/srv/a&amp;b.qcow2'/>"), "{xml}");
        let findings = crate::lint::read(&xml).unwrap().findings;
        assert!(findings.is_empty(), "{findings:?}");
    }
}
