//! How the kernel wants rates: `struct tc_ratespec`, and times in its scheduler's ticks.

/// The scheduler's ticks in a second: 64 ns each (`PSCHED_SHIFT` in `net/pkt_sched.h`; the first two numbers of
/// `/proc/net/psched` say so on every kernel with high resolution timers).
const TICKS_PER_SECOND: u128 = 1_000_000_000 / 64;

/// How often a second the scheduler's timer can run (the last number of `/proc/net/psched`).
pub(super) const TIMER_HZ: u64 = 1_000_000_000;

/// Entries of a rate table.
const ENTRIES: u32 = 256;

const LINK_LAYER_ETHERNET: u8 = 1;

/// The ticks that it takes to send so many bytes at a rate in bytes per second.
///
/// As `tc` does it, whole microseconds are counted, so that a class that it made and one of ours look the same; what takes
/// less than one, where `tc` allows no byte at all, is counted in ticks.
pub(super) fn ticks_to_send(rate: u64, bytes: u64) -> u32 {
    let (rate, bytes) = (u128::from(rate.max(1)), u128::from(bytes));
    let ticks = match bytes * 1_000_000 / rate {
        0 => (bytes * TICKS_PER_SECOND).div_ceil(rate),
        microseconds => microseconds * TICKS_PER_SECOND / 1_000_000,
    };
    u32::try_from(ticks).unwrap_or(u32::MAX)
}

/// By how many bits the size of a frame is shifted to find its entry in the table.
fn cell_log(largest_frame: u64) -> u8 {
    (0..32).find(|bits| largest_frame >> bits < u64::from(ENTRIES)).unwrap_or(31)
}

/// `struct tc_ratespec` for a rate in bytes per second. What does not fit is told beside it.
pub(super) fn specification(rate: u64, largest_frame: u64) -> Vec<u8> {
    let rate = u32::try_from(rate).unwrap_or(u32::MAX);
    let mut bytes = vec![cell_log(largest_frame), LINK_LAYER_ETHERNET];
    bytes.extend(0_u16.to_ne_bytes()); // overhead
    bytes.extend((-1_i16).to_ne_bytes()); // cell alignment
    bytes.extend(0_u16.to_ne_bytes()); // smallest frame
    bytes.extend(rate.to_ne_bytes());
    bytes
}

/// The ticks that frames of growing size take, which policing still asks for.
pub(super) fn table(rate: u64, largest_frame: u64) -> Vec<u8> {
    let shift = cell_log(largest_frame);
    (1..=ENTRIES).flat_map(|entry| ticks_to_send(rate, u64::from(entry) << shift).to_ne_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_ticks() {
        // 1600 bytes at 1 MB/s take 1.6 ms, which are 25,000 ticks of 64 ns.
        assert_eq!(ticks_to_send(1_000_000, 1600), 25_000);
        assert_eq!(ticks_to_send(3, 1), 5_208_328);
        // 326.53 us
        assert_eq!(ticks_to_send(4_900_000, 1600), 5093);
        assert_eq!(ticks_to_send(5_000_000_000, 1600), 5);
        assert_eq!(ticks_to_send(0, u64::MAX), u32::MAX);
    }

    #[test]
    fn tables_reach_the_largest_frame() {
        assert_eq!((cell_log(1600), cell_log(2047), cell_log(65_536), cell_log(255)), (3, 3, 9, 0));
        let table = table(1_000_000, 65_536);
        assert_eq!(table.len(), 1024);
        assert_eq!(table[..4], ticks_to_send(1_000_000, 512).to_ne_bytes());
        assert_eq!(table[1020..], ticks_to_send(1_000_000, 256 << 9).to_ne_bytes());
        let specification = specification(5_000_000_000, 1600);
        assert_eq!(specification.len(), 12);
        assert_eq!(specification[8..], u32::MAX.to_ne_bytes());
    }
}
