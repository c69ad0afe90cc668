//! When to ask whether the peer is still there.

use std::time::{Duration, Instant};

use virt_proto::packet::{Header, Kind, Status};

/// The program's number.
pub const PROGRAM: u32 = 0x6b65_6570;

/// The program's version.
pub const VERSION: u32 = 1;

const PING: i32 = 1;
const PONG: i32 = 2;

/// What a keepalive message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    Ping,
    Pong,
    Unknown,
}

impl Signal {
    /// What the message is, if it is of this program; a call to it is none.
    pub(crate) fn of(header: &Header) -> Option<Self> {
        if header.program != PROGRAM || header.version != VERSION || header.kind != Kind::Message {
            return None;
        }
        Some(match header.procedure {
            PING => Self::Ping,
            PONG => Self::Pong,
            _ => Self::Unknown,
        })
    }

    pub(crate) const fn header(self) -> Header {
        let procedure = match self {
            Self::Ping => PING,
            Self::Pong | Self::Unknown => PONG,
        };
        Header {
            program: PROGRAM,
            version: VERSION,
            procedure,
            kind: Kind::Message,
            serial: 0,
            status: Status::Ok,
        }
    }
}

/// How often to ask, and how long to believe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Silence before a ping.
    pub interval: Duration,
    /// Pings without any message in return, after which the peer is taken for dead; so that takes
    /// `interval * (count + 1)`.
    pub count: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self { interval: Duration::from_secs(5), count: 5 }
    }
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// Nothing before this moment.
    At(Instant),
    /// A ping, which counts as sent.
    Ping,
    /// The connection is dead.
    Dead,
}

/// The clock is the caller's.
#[derive(Debug)]
pub(crate) struct Keepalive {
    settings: Settings,
    heard: Instant,
    unanswered: u32,
}

impl Keepalive {
    pub(crate) const fn new(settings: Settings, now: Instant) -> Self {
        Self { settings, heard: now, unanswered: 0 }
    }

    /// A message came, whatever it was.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.heard = now;
        self.unanswered = 0;
    }

    pub(crate) fn due(&mut self, now: Instant) -> Due {
        let at = self.heard + self.settings.interval * (self.unanswered + 1);
        if now < at {
            Due::At(at)
        } else if self.unanswered == self.settings.count {
            Due::Dead
        } else {
            self.unanswered += 1;
            Due::Ping
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pings_and_then_death() {
        let start = Instant::now();
        let second = |n| start + Duration::from_secs(n);
        let settings = Settings { interval: Duration::from_secs(5), count: 2 };
        let mut keepalive = Keepalive::new(settings, start);
        assert_eq!(keepalive.due(start), Due::At(second(5)));
        assert_eq!(keepalive.due(second(5)), Due::Ping);
        assert_eq!(keepalive.due(second(5)), Due::At(second(10)));
        keepalive.heard(second(6));
        assert_eq!(keepalive.due(second(10)), Due::At(second(11)));
        assert_eq!(keepalive.due(second(11)), Due::Ping);
        assert_eq!(keepalive.due(second(16)), Due::Ping);
        assert_eq!(keepalive.due(second(20)), Due::At(second(21)));
        assert_eq!(keepalive.due(second(21)), Due::Dead);
    }

    #[test]
    fn without_pings_silence_is_death() {
        let start = Instant::now();
        let mut keepalive = Keepalive::new(Settings { interval: Duration::from_secs(1), count: 0 }, start);
        assert_eq!(keepalive.due(start + Duration::from_secs(1)), Due::Dead);
    }
}
