//! Typed parameters of calls that change something.

use virt_types::{Error, ErrorCode, ErrorDomain, Result, TypedParams, TypedValue};

/// The unsigned numbers of these names, each at most once; what else is there is refused.
pub(super) fn numbers<const N: usize>(params: &TypedParams, names: [&str; N]) -> Result<[Option<u32>; N]> {
    let refuse = |code, detail| Err(Error::new(code, ErrorDomain::None, detail));
    let mut found = [None; N];
    for param in &params.0 {
        let field = &param.field;
        let Some(at) = names.iter().position(|name| name == field) else {
            return refuse(ErrorCode::ArgumentUnsupported, format!("parameter '{field}' not supported"));
        };
        let TypedValue::UInt(number) = param.value else {
            let detail = format!("invalid type for parameter '{field}', expected 'uint'");
            return refuse(ErrorCode::InvalidArg, detail);
        };
        if found[at].replace(number).is_some() {
            return refuse(ErrorCode::InvalidArg, format!("parameter '{field}' occurs multiple times"));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_known_is_taken() {
        let params = |list: &[(&str, TypedValue)]| {
            let mut params = TypedParams::new();
            for (field, value) in list {
                params.push(*field, value.clone());
            }
            params
        };
        let names = ["least", "most"];
        let one = params(&[("most", TypedValue::UInt(3))]);
        assert_eq!(numbers(&one, names).unwrap(), [None, Some(3)]);
        for (list, code) in [
            (vec![("other", TypedValue::UInt(3))], ErrorCode::ArgumentUnsupported),
            (vec![("most", TypedValue::Int(3))], ErrorCode::InvalidArg),
            (vec![("most", TypedValue::UInt(3)), ("most", TypedValue::UInt(3))], ErrorCode::InvalidArg),
        ] {
            assert_eq!(numbers(&params(&list), names).unwrap_err().code(), code, "{list:?}");
        }
    }
}
