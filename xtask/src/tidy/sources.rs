//! Rules about Rust files: size, `unsafe`, open ends.

use std::path::Path;

use super::{Findings, Repository, read};
use crate::process::Result;

/// Most lines of code that a file may have, tests, comments and blank lines not counted.
const LIMIT: usize = 1000;

/// Near the top of a file it says that the file is one long table.
const TABLE_MARK: &str = "// tidy: table";

/// Near the top of a file it says that the file is written by a program.
const GENERATED_MARK: &str = "@generated";

/// Folders whose code may hold `unsafe`.
const UNSAFE: &[&str] = &["virt-sys/", "virt-netdev/"];

/// Folders of crates that do no I/O, and what they would do it with. `tests.rs` and inline tests may.
const PURE: &[&str] =
    &["virt-types/src/", "virt-xml/src/", "virt-conf/src/", "virt-proto/src/", "virt-cpu/src/"];
const IO: &[&str] = &[
    "fs::",
    "env::var",
    "env::vars",
    "thread::",
    "process::",
    "File::",
    "TcpStream",
    "UdpSocket",
    "UnixStream",
    "Instant::now",
    "SystemTime::now",
    "stdin",
    "stdout",
];

/// Words that mark something as unfinished. Split, so that this file does not find itself.
const OPEN_ENDS: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("to", "do!"),
    concat!("unimple", "mented!"),
    concat!("db", "g!"),
];

/// A Rust file, line by line.
pub(super) struct Source {
    pub(super) name: String,
    text: String,
}

impl Source {
    pub(super) fn read(root: &Path, name: &str) -> Result<Self> {
        Ok(Self { name: name.to_owned(), text: read(&root.join(name))? })
    }

    fn marked(&self, mark: &str) -> bool {
        self.text.lines().take(20).any(|line| line.contains(mark))
    }

    /// The text before the inline tests.
    fn without_tests(&self) -> &str {
        self.text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default()
    }

    /// How many lines of code there are before the inline tests, neither blank nor comment.
    fn code_lines(&self) -> usize {
        let lines = self.without_tests().lines().map(str::trim);
        lines.filter(|line| !line.is_empty() && !line.starts_with("//")).count()
    }
}

/// Line numbers and lines, without comments and what stands in string literals.
fn code(text: &str) -> impl Iterator<Item = (usize, String)> {
    text.lines().enumerate().map(|(at, line)| (at + 1, strip(line)))
}

/// A line without its comment and without what stands in its string literals. Literals over several lines are taken for
/// code, which at worst finds too much.
fn strip(line: &str) -> String {
    let mut code = String::with_capacity(line.len());
    let mut chars = line.chars().peekable();
    let mut in_string = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' if in_string => {
                chars.next();
            }
            '"' => {
                // A quote as a character literal opens nothing.
                let literal = !in_string && code.ends_with('\'') && chars.peek() == Some(&'\'');
                in_string ^= !literal;
                code.push(c);
            }
            '/' if !in_string && chars.peek() == Some(&'/') => break,
            _ if in_string => {}
            _ => code.push(c),
        }
    }
    code
}

/// Whether `word` stands in the code as a word of its own, or, if it ends in `::`, as the head of a path.
fn has_word(code: &str, word: &str) -> bool {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    code.match_indices(word).any(|(at, _)| {
        let (before, after) = (code[..at].chars().next_back(), code[at + word.len()..].chars().next());
        !part(before) && (word.ends_with("::") || !part(after))
    })
}

pub(super) fn check(repository: &Repository, findings: &mut Findings) {
    for source in &repository.sources {
        let lines = source.code_lines();
        if lines > LIMIT && !source.marked(TABLE_MARK) && !source.marked(GENERATED_MARK) {
            findings.add(
                &source.name,
                format!("{lines} lines of code, more than {LIMIT}: split it by what it is about"),
            );
        }
        if !UNSAFE.iter().any(|folder| source.name.starts_with(folder)) {
            for (at, code) in code(&source.text).filter(|(_, code)| has_word(code, "unsafe")) {
                let place = format!("{}:{at}", source.name);
                findings.add(place, format!("unsafe code belongs into virt-sys: {}", code.trim()));
            }
        }
        if PURE.iter().any(|folder| source.name.starts_with(folder)) && !source.name.ends_with("/tests.rs") {
            for (at, code) in code(source.without_tests()) {
                for word in IO.iter().filter(|word| has_word(&code, word)) {
                    findings.add(
                        format!("{}:{at}", source.name),
                        format!("this crate does no I/O, but uses {word}"),
                    );
                }
            }
        }
        for (at, line) in source.text.lines().enumerate() {
            for word in OPEN_ENDS.iter().filter(|word| has_word(line, word)) {
                findings.add(
                    format!("{}:{}", source.name, at + 1),
                    format!("an open end ({word}): do it now, or answer NO_SUPPORT"),
                );
            }
        }
    }
    forbid_unsafe(repository, findings);
}

/// Every crate but virt-sys and virt-netdev forbids `unsafe` in its root file, where the compiler enforces it.
fn forbid_unsafe(repository: &Repository, findings: &mut Findings) {
    for package in &repository.packages {
        let dir = repository.relative(package.dir()).to_string_lossy().into_owned();
        if UNSAFE.contains(&format!("{dir}/").as_str()) {
            continue;
        }
        let roots = [format!("{dir}/src/lib.rs"), format!("{dir}/src/main.rs")];
        for root in repository.sources.iter().filter(|source| roots.contains(&source.name)) {
            if !root.text.contains("#![forbid(unsafe_code)]") {
                findings.add(&root.name, "add #![forbid(unsafe_code)]");
            }
        }
    }
}

/// One line about file sizes.
pub(super) fn sizes(sources: &[Source]) -> String {
    let mut sizes: Vec<_> = sources.iter().map(|source| (source.code_lines(), &source.name)).collect();
    sizes.sort();
    let Some((largest, name)) = sizes.last() else { return "no Rust files".into() };
    let total: usize = sizes.iter().map(|(lines, _)| lines).sum();
    let (median, _) = sizes[sizes.len() / 2];
    format!("{} Rust files, {total} lines of code; median {median}, largest {largest} ({name})", sizes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source { name: "x.rs".into(), text: text.into() }
    }

    #[test]
    fn comments_blank_lines_and_tests_are_no_code() {
        let text = "//! Docs.\n\nfn a() {\n    // why\n    b();\n}\n\n#[cfg(test)]\nfn helper() {}\n#[cfg(test)]\nmod tests {\n    x\n}\n";
        assert_eq!(source(text).code_lines(), 5);
    }

    #[test]
    fn words_are_found_in_code_only() {
        let cases = [
            ("    unsafe { f() }", true),
            ("unsafe impl Send for X {}", true),
            ("#![forbid(unsafe_code)]", false),
            ("// unsafe is not used", false),
            ("say(\"unsafe { \\\" unsafe\");", false),
            ("let quote = '\"'; unsafe { f() }", true),
        ];
        for (line, expected) in cases {
            assert_eq!(has_word(&strip(line), "unsafe"), expected, "{line}");
        }
        assert!(has_word("let text = std::fs::read(path);", "fs::"));
        assert!(!has_word("let text = offs::read(path);", "fs::"));
    }

    #[test]
    fn a_table_may_be_long() {
        assert!(source("//! Data.\n// tidy: table\n").marked(TABLE_MARK));
        assert!(!source("fn f() {}\n").marked(TABLE_MARK));
    }
}
