//! The `newc` form of cpio archives, which the kernel unpacks (Documentation/driver-api/early-userspace/buffer-format.rst).
//!
//! Written here instead of by cpio(1): owner, times and device nodes are as we say, so no root is needed and the same
//! content gives the same bytes.

use std::collections::BTreeSet;

const S_IFREG: u32 = 0o100_000;
const S_IFDIR: u32 = 0o040_000;
const S_IFLNK: u32 = 0o120_000;
const S_IFCHR: u32 = 0o020_000;

/// An archive in the making. Everything in it belongs to root.
#[derive(Debug, Default)]
pub(super) struct Cpio {
    bytes: Vec<u8>,
    entries: u32,
    directories: BTreeSet<String>,
}

impl Cpio {
    /// Adds a directory and those above it, unless they are there.
    pub(super) fn directory(&mut self, path: &str) {
        self.parents(path);
        if self.directories.insert(path.to_owned()) {
            self.entry(path, S_IFDIR | 0o755, (0, 0), &[]);
        }
    }

    pub(super) fn file(&mut self, path: &str, mode: u32, content: &[u8]) {
        self.parents(path);
        self.entry(path, S_IFREG | mode, (0, 0), content);
    }

    pub(super) fn link(&mut self, path: &str, to: &str) {
        self.parents(path);
        self.entry(path, S_IFLNK | 0o777, (0, 0), to.as_bytes());
    }

    pub(super) fn character_device(&mut self, path: &str, major: u32, minor: u32) {
        self.parents(path);
        self.entry(path, S_IFCHR | 0o600, (major, minor), &[]);
    }

    /// The whole archive.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.entries = 0;
        self.entry("TRAILER!!!", 0, (0, 0), &[]);
        self.pad(512);
        self.bytes
    }

    fn parents(&mut self, path: &str) {
        if let Some((parent, _)) = path.rsplit_once('/') {
            self.directory(parent);
        }
    }

    fn entry(&mut self, path: &str, mode: u32, device: (u32, u32), content: &[u8]) {
        self.entries += 1;
        let size = u32::try_from(content.len()).unwrap_or(u32::MAX);
        let name_size = u32::try_from(path.len() + 1).unwrap_or(u32::MAX);
        self.bytes.extend_from_slice(b"070701");
        // Inode, mode, uid, gid, links, time, size, device, device of the node, name size, checksum.
        let (major, minor) = device;
        for field in [self.entries, mode, 0, 0, 1, 0, size, 0, 0, major, minor, name_size, 0] {
            self.bytes.extend_from_slice(format!("{field:08x}").as_bytes());
        }
        self.bytes.extend_from_slice(path.as_bytes());
        self.bytes.push(0);
        self.pad(4);
        self.bytes.extend_from_slice(content);
        self.pad(4);
    }

    fn pad(&mut self, to: usize) {
        self.bytes.resize(self.bytes.len().next_multiple_of(to), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads an archive back: path, mode, content of each entry.
    fn entries(mut bytes: &[u8]) -> Vec<(String, u32, Vec<u8>)> {
        let mut found = Vec::new();
        loop {
            assert_eq!(&bytes[..6], b"070701");
            let field = |n: usize| {
                let text = std::str::from_utf8(&bytes[6 + n * 8..14 + n * 8]).unwrap();
                u32::from_str_radix(text, 16).unwrap()
            };
            let (mode, size, name_size) = (field(1), field(6) as usize, field(11) as usize);
            let name = String::from_utf8(bytes[110..110 + name_size - 1].to_vec()).unwrap();
            let start = (110 + name_size).next_multiple_of(4);
            let content = bytes[start..start + size].to_vec();
            if name == "TRAILER!!!" {
                return found;
            }
            found.push((name, mode, content));
            bytes = &bytes[(start + size).next_multiple_of(4)..];
        }
    }

    #[test]
    fn what_was_put_in_comes_out_with_directories_before_their_content() {
        let mut cpio = Cpio::default();
        cpio.file("a/b/file", 0o755, b"12345");
        cpio.directory("a");
        cpio.link("a/link", "b/file");
        cpio.character_device("console", 5, 1);
        let bytes = cpio.finish();
        assert_eq!(bytes.len() % 512, 0);
        let expected = [
            ("a", S_IFDIR | 0o755, ""),
            ("a/b", S_IFDIR | 0o755, ""),
            ("a/b/file", S_IFREG | 0o755, "12345"),
            ("a/link", S_IFLNK | 0o777, "b/file"),
            ("console", S_IFCHR | 0o600, ""),
        ];
        let expected: Vec<_> =
            expected.iter().map(|(n, m, c)| ((*n).to_owned(), *m, c.as_bytes().to_vec())).collect();
        assert_eq!(entries(&bytes), expected);
    }
}
