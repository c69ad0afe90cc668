//! Finding the addresses of an interface in its traffic.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::Instant;
use virt_conf::nwfilter::FilterBinding;
use virt_sys::packet::{PacketSocket, Traffic};

use super::engine::{Learning, seconds_since_1970};
use super::store::Found;
use super::{NwFilterDriver, Shared};
use crate::frame::{self, Seen};

/// The most that is looked at of a frame, in bytes: all of a DHCP message on Ethernet.
const FRAME: usize = 2048;

/// The longest that a lease is believed in without an end: the protocol's number for one.
const ENDLESS: u32 = u32::MAX;

/// The addresses that DHCP servers gave, each with its end where it has one.
#[derive(Debug, Default)]
struct Leases(BTreeMap<Ipv4Addr, Option<Instant>>);

impl Leases {
    /// Those that were found before, at this time.
    fn again(found: &Found, now: Instant) -> Self {
        let left = |end: u64| Duration::from_secs(end.saturating_sub(seconds_since_1970()));
        Self(found.iter().map(|(address, end)| (*address, end.map(|end| now + left(end)))).collect())
    }

    fn found(&self, now: Instant) -> Found {
        let end = |end: Instant| seconds_since_1970() + end.saturating_duration_since(now).as_secs();
        self.0.iter().map(|(address, until)| (*address, until.map(end))).collect()
    }

    /// Takes over what was seen; tells whether the addresses or their ends are others than before.
    fn take(&mut self, seen: Seen, now: Instant) -> bool {
        match seen {
            Seen::Given { address, seconds } => {
                let end = (seconds != ENDLESS).then(|| now + Duration::from_secs(seconds.into()));
                self.0.insert(address, end) != Some(end)
            }
            Seen::Returned(address) => self.0.remove(&address).is_some(),
            Seen::Used(_) => false,
        }
    }

    fn next_end(&self) -> Option<Instant> {
        self.0.values().flatten().min().copied()
    }

    /// Forgets those that are over; tells whether there were any.
    fn expire(&mut self, now: Instant) -> bool {
        let before = self.0.len();
        self.0.retain(|_, end| end.is_none_or(|end| end > now));
        self.0.len() != before
    }
}

/// Looks for addresses until one is found, or with DHCP for good, beginning with those that are known. The task ends with the
/// driver or the interface.
pub(super) async fn run(shared: Weak<Shared>, binding: Arc<FilterBinding>, learning: Learning, known: Found) {
    let port = binding.port_dev.clone();
    let device = binding.link_dev.as_deref().unwrap_or(&port);
    let traffic = match learning {
        Learning::Any => Traffic::All,
        Learning::Dhcp => Traffic::Dhcp,
    };
    let socket = match PacketSocket::open(device, traffic) {
        Ok(socket) => socket,
        Err(error) => return give_up(&shared, &port, &error).await,
    };
    let mut leases = Leases::again(&known, Instant::now());
    let mut buffer = [0; FRAME];
    loop {
        let end = leases.next_end();
        let over = async {
            match end {
                Some(end) => tokio::time::sleep_until(end).await,
                None => std::future::pending().await,
            }
        };
        let addresses = tokio::select! {
            frame = socket.receive(&mut buffer) => match frame {
                Ok(length) => match (learning, frame::look(&buffer[..length], binding.mac)) {
                    (_, None) => continue,
                    (Learning::Any, Some(Seen::Used(address) | Seen::Given { address, .. })) => {
                        Found::from([(address, None)])
                    }
                    (Learning::Any, Some(Seen::Returned(_))) => continue,
                    (Learning::Dhcp, Some(seen)) if leases.take(seen, Instant::now()) => {
                        leases.found(Instant::now())
                    }
                    (Learning::Dhcp, Some(_)) => continue,
                },
                Err(error) => return give_up(&shared, &port, &error).await,
            },
            () = over => {
                if !leases.expire(Instant::now()) {
                    continue;
                }
                leases.found(Instant::now())
            }
        };
        let Some(shared) = shared.upgrade() else { return };
        let driver = NwFilterDriver { shared };
        let name = port.clone();
        if let Err(error) = driver.change(move |engine| engine.learn(&name, addresses)).await {
            log::error!("interface '{port}': {}", error.report());
            return;
        }
        if learning == Learning::Any {
            return;
        }
    }
}

/// The interface is gone, or can not be listened to: nothing may pass.
async fn give_up(shared: &Weak<Shared>, port: &str, error: &virt_sys::Error) {
    log::warn!("encountered an error on interface {port}: {error}");
    let Some(shared) = shared.upgrade() else { return };
    let name = port.to_owned();
    if let Err(error) = (NwFilterDriver { shared }).change(move |engine| engine.give_up(&name)).await {
        log::error!("interface '{port}': {}", error.report());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_leases_that_last() {
        let now = Instant::now();
        let [one, two] = [1, 2].map(|last| Ipv4Addr::new(10, 0, 0, last));
        let given = |address, seconds| Seen::Given { address, seconds };
        let mut leases = Leases::default();
        assert!(leases.take(given(one, 60), now));
        assert!(leases.take(given(one, 120), now), "renewed");
        assert!(!leases.take(given(one, 120), now));
        assert!(leases.take(given(two, ENDLESS), now));
        assert!(!leases.take(Seen::Used(one), now));
        assert_eq!(leases.next_end(), Some(now + Duration::from_secs(120)));
        assert!(!leases.expire(now + Duration::from_secs(119)));
        assert!(leases.expire(now + Duration::from_secs(120)));
        let found = leases.found(now);
        assert_eq!(found, Found::from([(two, None)]));
        assert_eq!(Leases::again(&found, now).0, leases.0);
        let soon = Found::from([(one, Some(seconds_since_1970() + 60))]);
        let again = Leases::again(&soon, now);
        assert!(again.next_end().is_some_and(|end| end <= now + Duration::from_secs(60)));
        assert!(leases.take(Seen::Returned(two), now) && !leases.take(Seen::Returned(two), now));
        assert_eq!(leases.next_end(), None);
    }
}
