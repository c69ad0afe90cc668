//! The guest in one sector (`fixtures/boot-sector`): its disk, and its serial line.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;

const BYTES: &str = include_str!("../../../fixtures/boot-sector/sector.hex");

/// What it says when it is up.
pub(crate) const UP: &str = "sector: up\r\n";

/// Writes its disk.
pub(crate) fn disk(path: &Path) {
    let digits: String = BYTES.split_whitespace().collect();
    let mut bytes: Vec<u8> =
        (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect();
    assert_eq!((bytes.len(), &bytes[510..]), (512, &[0x55, 0xaa][..]));
    bytes.resize(1 << 20, 0);
    std::fs::write(path, bytes).unwrap();
}

/// The host's end of COM1.
pub(crate) struct Line {
    stream: UnixStream,
    heard: String,
}

impl Line {
    pub(crate) async fn connect(path: PathBuf) -> Self {
        Self { stream: UnixStream::connect(path).await.unwrap(), heard: String::new() }
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// Waits for the words; answers what came before them.
    pub(crate) async fn hear(&mut self, words: &str, patience: Duration) -> String {
        let heard = timeout(patience, self.until(words)).await;
        heard.unwrap_or_else(|_| panic!("{words:?} was not heard, but {:?}", self.heard))
    }

    async fn until(&mut self, words: &str) -> String {
        loop {
            if let Some(at) = self.heard.find(words) {
                let before = self.heard[..at].to_owned();
                self.heard.drain(..at + words.len());
                return before;
            }
            let mut buffer = [0; 256];
            let length = self.stream.read(&mut buffer).await.unwrap();
            assert_ne!(length, 0, "the line ended after {:?}", self.heard);
            self.heard.push_str(&String::from_utf8_lossy(&buffer[..length]));
        }
    }
}
