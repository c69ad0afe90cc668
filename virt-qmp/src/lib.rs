//! QEMU's machine protocol (QMP) and its guest agent's: codec, commands, events, connections.
//!
//! - [`codec`]: lines and messages, within bounded memory.
//! - [`client`] and [`agent`]: the state of a connection without its socket. No files, no clock, no
//!   threads: usable from any event loop, and from a fuzzer.
//! - [`command`] and [`event`]: what is in use of QEMU's vocabulary, typed. Members that are not
//!   listed are ignored, so newer versions of QEMU can be spoken to.
//! - `monitor`, with the feature `tokio`: asynchronous connections over Unix sockets.
//!
//! The protocol is documented in QEMU's docs/interop/qmp-spec and qemu-qmp-ref.
//!
//! # Example
//!
//! ```
//! # #[cfg(feature = "tokio")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
//! use tokio::time::Instant;
//! use virt_qmp::command::QueryStatus;
//! use virt_qmp::monitor::Monitor;
//!
//! let (ours, theirs) = tokio::net::UnixStream::pair()?;
//! // Stands for QEMU at the other end.
//! tokio::spawn(async move {
//!     let (reader, mut writer) = theirs.into_split();
//!     let mut lines = BufReader::new(reader).lines();
//!     let greeting = r#"{"QMP": {"version": {"qemu": {"major": 7, "minor": 2, "micro": 0}, "package": ""}}}"#;
//!     writer.write_all(format!("{greeting}\n").as_bytes()).await?;
//!     for value in ["{}", r#"{"status": "running", "running": true}"#] {
//!         let line = lines.next_line().await?.unwrap_or_default();
//!         let id = line.split("\"id\":").nth(1).unwrap_or("1}").to_owned();
//!         writer.write_all(format!("{{\"return\": {value}, \"id\": {id}\n").as_bytes()).await?;
//!     }
//!     Ok::<_, std::io::Error>(())
//! });
//!
//! let (events, _received) = tokio::sync::mpsc::channel(16);
//! let monitor = Monitor::start(ours, events);
//! let deadline = Instant::now() + Duration::from_secs(5);
//! let status = monitor.execute(&QueryStatus {}, deadline).await?;
//! assert!(status.running);
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "tokio"))]
//! # fn main() {}
//! ```
#![forbid(unsafe_code)]
// Tests say what they skip.
#![cfg_attr(test, allow(clippy::print_stderr))]

#[macro_use]
mod declare;

pub mod agent;
pub mod call;
pub mod client;
pub mod codec;
pub mod command;
mod error;
pub mod event;
mod fuzz;
#[cfg(feature = "tokio")]
pub mod monitor;

pub use call::Call;
pub use codec::Greeting;
pub use command::Command;
pub use error::{CloseReason, CommandError, Error, Result, Stage};
pub use event::{Event, EventKind};
pub use fuzz::fuzz_stream;
#[cfg(feature = "tokio")]
pub use monitor::{Agent, Monitor};
