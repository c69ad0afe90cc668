//! Named values from callers: which there may be, and of which type.

use virt_types::{Error, ErrorCode, ErrorDomain, Result, TypedParams, TypedValue};

use super::super::refusal::invalid_argument;

/// The type of a value, by libvirt's number and word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::driver) enum Kind {
    Int = 1,
    UInt = 2,
    LLong = 3,
    ULLong = 4,
    Boolean = 6,
    String = 7,
}

/// Refuses what has another name or type, or comes twice, in libvirt's words.
pub(in crate::driver) fn check(params: &TypedParams, known: &[(&str, Kind)]) -> Result<()> {
    for (at, param) in params.0.iter().enumerate() {
        let field = param.field.as_str();
        let unknown = || {
            let detail = format!("parameter '{field}' not supported");
            Error::new(ErrorCode::ArgumentUnsupported, ErrorDomain::None, detail)
        };
        let (_, kind) = known.iter().find(|(name, _)| *name == field).ok_or_else(unknown)?;
        let invalid = |detail: String| Error::new(ErrorCode::InvalidArg, ErrorDomain::None, detail);
        if param.value.type_number() != *kind as i32 {
            return Err(invalid(format!(
                "invalid type '{}' for parameter '{field}', expected '{}'",
                word(param.value.type_number()),
                word(*kind as i32)
            )));
        }
        if params.0[..at].iter().any(|other| other.field == field) {
            return Err(invalid(format!("parameter '{field}' occurs multiple times")));
        }
    }
    Ok(())
}

/// libvirt's word for a type.
const fn word(number: i32) -> &'static str {
    match number {
        1 => "int",
        2 => "uint",
        3 => "llong",
        4 => "ullong",
        5 => "double",
        6 => "boolean",
        _ => "string",
    }
}

/// The value of an unsigned field, if it is there.
pub(super) fn unsigned(params: &TypedParams, field: &str) -> Option<u64> {
    match params.get(field)? {
        TypedValue::ULLong(value) => Some(*value),
        TypedValue::UInt(value) => Some(u64::from(*value)),
        _ => None,
    }
}

/// The value of a text field, if it is there.
pub(super) fn text<'a>(params: &'a TypedParams, field: &str) -> Option<&'a str> {
    match params.get(field)? {
        TypedValue::String(value) => Some(value),
        _ => None,
    }
}

/// Refuses a number out of a range.
pub(super) fn in_range(field: &str, value: i128, from: i128, to: i128) -> Result<()> {
    if (from..=to).contains(&value) {
        return Ok(());
    }
    Err(invalid_argument(format!("value of '{field}' is out of range [{from}, {to}]")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_types_are_checked() {
        let mut params = TypedParams::new();
        params.push("weight", 5u32);
        assert!(check(&params, &[("weight", Kind::UInt)]).is_ok());
        assert_eq!(
            check(&params, &[("weight", Kind::ULLong)]).unwrap_err().to_string(),
            "invalid argument: invalid type 'uint' for parameter 'weight', expected 'ullong'"
        );
        assert_eq!(check(&params, &[]).unwrap_err().code(), ErrorCode::ArgumentUnsupported);
        params.push("weight", 6u32);
        assert!(check(&params, &[("weight", Kind::UInt)]).unwrap_err().detail().ends_with("multiple times"));
    }
}
