//! Typed parameters that callers set.

use virt_types::{Error, ErrorCode, ErrorDomain, Result, TypedParam, TypedParams, TypedValue};

/// The kind of value that a parameter takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Int,
    UInt,
    ULLong,
    Boolean,
    String,
}

impl Kind {
    const fn number(self) -> i32 {
        match self {
            Self::Int => 1,
            Self::UInt => 2,
            Self::ULLong => 4,
            Self::Boolean => 6,
            Self::String => 7,
        }
    }
}

/// libvirt's words for the kinds of values, by number.
const WORDS: [&str; 8] = ["unknown", "int", "uint", "llong", "ullong", "double", "boolean", "string"];

fn word(number: i32) -> &'static str {
    usize::try_from(number).ok().and_then(|number| WORDS.get(number)).unwrap_or(&WORDS[0])
}

/// Refuses parameters that a call does not know, that come twice, or that have another kind of value.
pub(crate) fn check(params: &TypedParams, known: &[(&str, Kind)]) -> Result<()> {
    let refuse = |code, detail: String| Err(Error::new(code, ErrorDomain::None, detail));
    let mut sorted: Vec<&TypedParam> = params.0.iter().collect();
    sorted.sort_by(|a, b| a.field.cmp(&b.field));
    for (position, param) in sorted.iter().enumerate() {
        let field = &param.field;
        let Some((_, kind)) = known.iter().find(|(name, _)| name == field) else {
            return refuse(ErrorCode::ArgumentUnsupported, format!("parameter '{field}' not supported"));
        };
        let given = param.value.type_number();
        if given != kind.number() {
            let (given, wanted) = (word(given), word(kind.number()));
            let detail = format!("invalid type '{given}' for parameter '{field}', expected '{wanted}'");
            return refuse(ErrorCode::InvalidArg, detail);
        }
        if sorted.get(position + 1).is_some_and(|next| next.field == *field) {
            return refuse(ErrorCode::InvalidArg, format!("parameter '{field}' occurs multiple times"));
        }
    }
    Ok(())
}

/// The value of an unsigned parameter, if it is given.
pub(crate) fn unsigned(params: &TypedParams, field: &str) -> Option<u64> {
    match params.get(field)? {
        TypedValue::UInt(value) => Some(u64::from(*value)),
        TypedValue::ULLong(value) => Some(*value),
        _ => None,
    }
}

/// The value of a text, if it is given.
pub(crate) fn text<'a>(params: &'a TypedParams, field: &str) -> Option<&'a str> {
    match params.get(field)? {
        TypedValue::String(value) => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_refused_in_libvirts_words() {
        let known = [("weight", Kind::UInt), ("name", Kind::String)];
        for (params, expected) in [
            (vec![("weight", TypedValue::UInt(1))], None),
            (vec![("cap", TypedValue::UInt(1))], Some("argument unsupported: parameter 'cap' not supported")),
            (
                vec![("weight", TypedValue::Int(1))],
                Some("invalid argument: invalid type 'int' for parameter 'weight', expected 'uint'"),
            ),
            (
                vec![("weight", TypedValue::UInt(1)), ("weight", TypedValue::UInt(2))],
                Some("invalid argument: parameter 'weight' occurs multiple times"),
            ),
        ] {
            let mut list = TypedParams::new();
            params.into_iter().for_each(|(field, value)| list.push(field, value));
            let refusal = check(&list, &known).err().map(|error| error.to_string());
            assert_eq!(refusal.as_deref(), expected);
        }
    }
}
