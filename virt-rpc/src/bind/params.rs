//! Typed parameters, which are asked for in two steps: how many there are, then which.

use virt_types::{TypedParams, TypedValue};

/// The flag of a client that understands parameters that are strings (`VIR_TYPED_PARAM_STRING_OKAY`).
pub(crate) const STRING_OKAY: u32 = 1 << 2;

/// Takes the flag away, which is between client and server, and answers whether it was there.
pub(crate) fn take_strings(flags: &mut u32) -> bool {
    let strings = *flags & STRING_OKAY != 0;
    *flags &= !STRING_OKAY;
    strings
}

/// A list that can be asked for in two steps.
pub(crate) trait Steps {
    /// Leaves out what is a string.
    fn without_strings(&mut self);

    /// How many there are.
    fn count(&self) -> usize;

    /// Leaves only so many.
    fn cut(&mut self, room: usize);
}

impl Steps for TypedParams {
    fn without_strings(&mut self) {
        self.0.retain(|param| !matches!(param.value, TypedValue::String(_)));
    }

    fn count(&self) -> usize {
        self.0.len()
    }

    fn cut(&mut self, room: usize) {
        self.0.truncate(room);
    }
}

impl<T> Steps for Vec<T> {
    fn without_strings(&mut self) {}

    fn count(&self) -> usize {
        self.len()
    }

    fn cut(&mut self, room: usize) {
        self.truncate(room);
    }
}

/// What a client with room for so many gets, and the number that goes with it: all that there are if it has room for
/// none, since then it asks how many.
pub(crate) fn in_two_steps<T: Steps>(mut all: T, room: i64, strings: bool) -> (T, i32) {
    if !strings {
        all.without_strings();
    }
    let asked = all.count();
    all.cut(usize::try_from(room).unwrap_or(0));
    let told = if room == 0 { asked } else { all.count() };
    (all, i32::try_from(told).unwrap_or(i32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_step_counts_and_the_second_gives() {
        let mut params = TypedParams::new();
        params.push("a", 1u32);
        params.push("b", "text".to_owned());
        params.push("c", 2u32);
        for (room, strings, given, told) in [
            (0, true, 0, 3),
            (0, false, 0, 2),
            (3, true, 3, 3),
            (9, false, 2, 2),
            (1, true, 1, 1),
            (-1, true, 0, 0),
        ] {
            let (params, number) = in_two_steps(params.clone(), room, strings);
            assert_eq!((params.0.len(), number), (given, told), "room for {room}, strings {strings}");
        }
    }

    #[test]
    fn names_that_are_too_long_are_refused_as_libvirtd_does() {
        let named = |length: usize| {
            let mut params = TypedParams::new();
            params.push("w".repeat(length), 1u32);
            crate::bind::convert::Wire::from_wire(params)
        };
        let refused: virt_types::Result<TypedParams> = named(80);
        assert_eq!(
            refused.unwrap_err().to_string(),
            format!("internal error: parameter {} too big for destination", "w".repeat(80))
        );
        assert!(named(79).is_ok_and(|params: TypedParams| params.0.len() == 1));
    }
}
