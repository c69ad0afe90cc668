//! The person's terminal: raw while a console is attached, as it was before afterwards; and the keyboard.

use std::io;
use std::os::fd::AsFd as _;

use rustix::termios::{OptionalActions, Termios, isatty, tcgetattr, tcsetattr};
use tokio::sync::mpsc;

/// A terminal in raw mode; it is put back when this is dropped, however that comes.
#[derive(Debug)]
pub(crate) struct Raw(Termios);

impl Raw {
    /// Puts standard input into raw mode, if it is a terminal.
    pub(crate) fn enter() -> io::Result<Option<Self>> {
        let stdin = io::stdin();
        if !isatty(stdin.as_fd()) {
            return Ok(None);
        }
        let before = tcgetattr(stdin.as_fd())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(stdin.as_fd(), OptionalActions::Now, &raw)?;
        Ok(Some(Self(before)))
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing put back.
        let _ = tcsetattr(io::stdin().as_fd(), OptionalActions::Drain, &self.0);
    }
}

/// What comes from standard input, whatever that is.
///
/// A thread reads it: regular files can not be watched, and making a terminal non-blocking would do so for the shell too.
#[derive(Debug)]
pub(crate) struct Keyboard(Option<mpsc::Receiver<Vec<u8>>>);

impl Keyboard {
    pub(crate) fn open() -> Self {
        let (sender, receiver) = mpsc::channel(16);
        let read = move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = rustix::io::read(io::stdin().as_fd(), &mut buffer) {
                if sender.blocking_send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        };
        let started = std::thread::Builder::new().name("keyboard".to_owned()).spawn(read);
        Self(started.is_ok().then_some(receiver))
    }

    /// What came next; never answers once there is nothing more to come.
    pub(crate) async fn next(&mut self) -> Vec<u8> {
        if let Some(receiver) = &mut self.0 {
            if let Some(bytes) = receiver.recv().await {
                return bytes;
            }
            self.0 = None;
        }
        std::future::pending().await
    }
}
