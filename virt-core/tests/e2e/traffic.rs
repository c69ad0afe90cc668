//! Guests that are defined, started, stopped and removed at random, and what is known of each when the process that
//! serves them is killed. Shared with the daemon's tests.

use std::collections::{BTreeMap, BTreeSet};

use virt_core::types::DomainState;
use virt_core::{Connection, CreateFlags, ErrorCode, Result};

/// xorshift64.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 11) % limit
    }
}

/// What a guest is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct Guest {
    pub(crate) defined: bool,
    pub(crate) active: bool,
    pub(crate) paused: bool,
}

impl Guest {
    /// What it is after a call that worked.
    pub(crate) fn after(self, call: &str) -> Self {
        match call {
            "define" => Self { defined: true, ..self },
            "undefine" => Self { defined: false, ..self },
            "start" => Self { active: true, paused: false, ..self },
            "start-paused" => Self { active: true, paused: true, ..self },
            "suspend" => Self { paused: true, ..self },
            "resume" => Self { paused: false, ..self },
            "destroy" => Self { active: false, paused: false, ..self },
            other => panic!("{other}"),
        }
    }

    /// A call that makes sense.
    pub(crate) fn choose(self, random: &mut Random) -> &'static str {
        let calls: &[&'static str] = match (self.defined, self.active, self.paused) {
            (false, false, _) => &["define"],
            (true, false, _) => &["start", "start", "start-paused", "undefine"],
            (true, true, false) => &["suspend", "destroy", "undefine"],
            (true, true, true) => &["resume", "destroy"],
            (false, true, _) => &["destroy", "define"],
        };
        calls[random.below(calls.len() as u64) as usize]
    }
}

/// What a guest is now.
pub(crate) async fn look_at(connection: &Connection, name: &str) -> Result<Guest> {
    let domain = match connection.domain(name).await {
        Err(error) if error.code() == ErrorCode::NoDomain => return Ok(Guest::default()),
        found => found?,
    };
    let status = domain.state().await?;
    Ok(Guest {
        defined: domain.is_persistent().await?,
        active: status.is_active(),
        paused: status.state() == DomainState::Paused,
    })
}

/// Does what [`Guest::choose`] has chosen.
pub(crate) async fn carry_out(connection: &Connection, name: &str, call: &str) -> Result<()> {
    if call == "define" {
        return connection.define(&document(name)).await.map(drop);
    }
    let domain = connection.domain(name).await?;
    match call {
        "undefine" => domain.undefine().await,
        "start" => domain.start().await.map(drop),
        "start-paused" => domain.start_with(CreateFlags::START_PAUSED).await.map(drop),
        "suspend" => domain.suspend().await,
        "resume" => domain.resume().await,
        "destroy" => domain.destroy().await,
        other => panic!("{other}"),
    }
}

/// The same guest each time: defined anew, it may be running still.
pub(crate) fn document(name: &str) -> String {
    let byte = name.as_bytes()[0];
    format!(
        "<domain type='qemu'><name>{name}</name><uuid>{byte:02x}000000-0000-4000-8000-000000000000</uuid>\
         <memory unit='MiB'>16</memory><os><type arch='x86_64' machine='q35'>hvm</type></os></domain>"
    )
}

/// Calls in order, by guest and name, and whether each was acknowledged.
pub(crate) type Log = Vec<(String, String, bool)>;

/// What each guest may be: what was acknowledged, with or without the one call that was cut short.
pub(crate) struct Expected(pub(crate) BTreeMap<&'static str, BTreeSet<Guest>>);

impl Expected {
    pub(crate) fn after(before: &BTreeMap<&'static str, Guest>, log: &Log) -> Self {
        let possible = before.iter().map(|(name, guest)| {
            let mut states = BTreeSet::from([*guest]);
            for (_, call, done) in log.iter().filter(|(of, _, _)| of == name) {
                let after: BTreeSet<_> = states.iter().map(|guest| guest.after(call)).collect();
                if *done {
                    states = after;
                } else {
                    states.extend(after);
                }
            }
            (*name, states)
        });
        Self(possible.collect())
    }
}
