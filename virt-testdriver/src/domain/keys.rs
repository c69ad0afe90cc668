// tidy: table
//! Which key codes there are, as runs, for each code set by number.

use virt_driver::KeycodeSet;
use virt_types::Result;

use crate::error::internal;

/// libvirt's names of the code sets, by number.
const NAMES: [&str; 10] =
    ["linux", "xt", "atset1", "atset2", "atset3", "os_x", "xt_kbd", "usb", "win32", "qnum"];

/// The codes of each set: first and last of each run. Measured on libvirt 9.0.0.
const CODES: [&[(u32, u32)]; 10] = [
    // Linux
    &[
        (0, 265),
        (272, 279),
        (288, 299),
        (303, 318),
        (320, 327),
        (330, 337),
        (352, 439),
        (448, 451),
        (464, 484),
        (497, 506),
        (512, 524),
    ],
    // XT
    &[
        (0, 95),
        (99, 109),
        (111, 121),
        (123, 123),
        (125, 126),
        (57345, 57356),
        (57358, 57360),
        (57362, 57385),
        (57387, 57398),
        (57400, 57439),
        (57443, 57453),
        (57455, 57465),
        (57467, 57467),
        (57469, 57469),
    ],
    // AT set 1
    &[(0, 95), (99, 109), (111, 121), (123, 123), (125, 126)],
    // AT set 2
    &[
        (0, 1),
        (3, 7),
        (9, 15),
        (17, 22),
        (26, 30),
        (33, 39),
        (41, 47),
        (49, 55),
        (58, 63),
        (65, 70),
        (73, 78),
        (81, 82),
        (84, 85),
        (88, 91),
        (93, 93),
        (95, 95),
        (97, 100),
        (102, 103),
        (105, 109),
        (112, 127),
        (131, 131),
    ],
    // AT set 3
    &[
        (0, 0),
        (7, 63),
        (65, 71),
        (73, 79),
        (82, 82),
        (84, 103),
        (105, 118),
        (121, 122),
        (124, 131),
        (133, 135),
        (139, 142),
        (145, 145),
        (147, 152),
        (154, 163),
    ],
    // Mac OS X
    &[(0, 51), (53, 65), (67, 67), (69, 69), (71, 76), (78, 107), (109, 111), (113, 126), (255, 255)],
    // XT keyboard
    &[
        (0, 95),
        (99, 109),
        (111, 121),
        (123, 123),
        (125, 126),
        (257, 268),
        (270, 272),
        (274, 297),
        (299, 310),
        (312, 351),
        (355, 365),
        (367, 377),
        (379, 379),
        (381, 381),
    ],
    // USB
    &[(0, 0), (4, 48), (50, 119), (121, 125), (133, 133), (135, 140), (144, 148), (182, 183), (224, 251)],
    // Windows
    &[
        (0, 2),
        (4, 6),
        (8, 9),
        (13, 13),
        (17, 22),
        (26, 29),
        (32, 42),
        (44, 57),
        (65, 93),
        (95, 135),
        (144, 145),
        (160, 161),
        (163, 163),
        (165, 180),
        (186, 192),
        (219, 222),
        (226, 226),
        (242, 242),
        (250, 251),
    ],
    // QEMU
    &[
        (0, 95),
        (99, 109),
        (111, 121),
        (123, 123),
        (125, 126),
        (129, 140),
        (142, 144),
        (146, 169),
        (171, 182),
        (184, 223),
        (227, 237),
        (239, 249),
        (251, 251),
        (253, 253),
    ],
];

/// Refuses a code that its set does not have.
pub(super) fn check(codes: KeycodeSet, keys: &[u32]) -> Result<()> {
    let set = codes as usize;
    let known = |key: &u32| CODES[set].iter().any(|(first, last)| (first..=last).contains(&key));
    match keys.iter().find(|key| !known(key)) {
        Some(key) => Err(internal(format!("invalid keycode {key} of {} codeset", NAMES[set]))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_between_the_runs_are_refused() {
        for (codes, key, known) in [
            (KeycodeSet::Linux, 30, true),
            (KeycodeSet::Linux, 266, false),
            (KeycodeSet::Qnum, 253, true),
            (KeycodeSet::Usb, 1, false),
        ] {
            assert_eq!(check(codes, &[key]).is_ok(), known, "{codes:?} {key}");
        }
        let refusal = check(KeycodeSet::Linux, &[30, 5000]).unwrap_err();
        assert_eq!(refusal.to_string(), "internal error: invalid keycode 5000 of linux codeset");
    }
}
