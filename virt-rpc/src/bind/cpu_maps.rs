//! CPU maps on the wire: so many bytes for each, one behind the other.

use virt_types::{Error, ErrorCode, ErrorDomain, Result};

/// The most bytes of maps in a reply (`REMOTE_CPUMAPS_MAX`).
const BYTES: i64 = 8_388_608;

/// The most maps in a reply (`REMOTE_VCPUINFO_MAX`).
const MAPS: i32 = 16_384;

/// Lets what follows go on only if the maps asked for have room in a reply.
pub(crate) fn checked<T>(value: T, maps: i32, length: i32) -> Result<T> {
    let refusal = if maps > MAPS {
        "maxinfo > REMOTE_VCPUINFO_MAX"
    } else if i64::from(maps) * i64::from(length) > BYTES {
        "maxinfo * maplen > REMOTE_CPUMAPS_MAX"
    } else {
        return Ok(value);
    };
    Err(Error::new(ErrorCode::Rpc, ErrorDomain::Rpc, refusal))
}

/// The maps, each cut or filled up to the length.
pub(crate) fn joined<'a>(maps: impl Iterator<Item = &'a [u8]>, length: i32) -> Vec<u8> {
    let length = usize::try_from(length).unwrap_or(0);
    let mut bytes = Vec::new();
    for map in maps {
        let map = &map[..map.len().min(length)];
        bytes.extend_from_slice(map);
        bytes.resize(bytes.len() + length - map.len(), 0);
    }
    bytes
}

/// The maps of this length.
pub(crate) fn split(bytes: &[u8], length: i32) -> impl Iterator<Item = Vec<u8>> + '_ {
    bytes.chunks_exact(usize::try_from(length).unwrap_or(0).max(1)).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_have_the_length_that_was_asked_for() {
        let maps: [&[u8]; 3] = [&[1], &[2, 3, 4], &[]];
        let bytes = joined(maps.into_iter(), 2);
        assert_eq!(bytes, [1, 0, 2, 3, 0, 0]);
        assert_eq!(split(&bytes, 2).collect::<Vec<_>>(), [vec![1, 0], vec![2, 3], vec![0, 0]]);
    }

    #[test]
    fn more_than_a_reply_holds_is_refused() {
        assert!(checked((), 16_384, 512).is_ok() && checked((), 0, 0).is_ok());
        for (maps, length) in [(16_385, 1), (16_384, 513), (1, i32::MAX)] {
            assert_eq!(checked((), maps, length).unwrap_err().code(), ErrorCode::Rpc, "{maps} of {length}");
        }
    }
}
