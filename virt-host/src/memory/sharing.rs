//! How the kernel merges equal pages: `virNodeGetMemoryParameters`, `virNodeSetMemoryParameters`.

use virt_types::{TypedParams, TypedValue};

use crate::{Error, Result, Root, only_flags};

const DIR: &str = "/sys/kernel/mm/ksm";

/// `VIR_TYPED_PARAM_STRING_OKAY`
const STRING_OKAY: u32 = 4;

/// The kernel's settings and figures, in libvirt's order, and whether each is a setting. libvirt's names begin with `shm_`.
const FIELDS: &[(&str, bool)] = &[
    ("pages_to_scan", true),
    ("sleep_millisecs", true),
    ("pages_shared", false),
    ("pages_sharing", false),
    ("pages_unshared", false),
    ("pages_volatile", false),
    ("full_scans", false),
    ("merge_across_nodes", true),
];

/// The settings and figures that this kernel has.
///
/// # Errors
/// [`Error::Flags`]; where the kernel does not tell.
pub fn parameters(root: &Root, flags: u32) -> Result<TypedParams> {
    only_flags(flags, STRING_OKAY, "virHostMemGetParameters")?;
    let mut params = TypedParams::default();
    for (field, setting) in FIELDS {
        let path = format!("{DIR}/{field}");
        let value = match setting {
            true => root.number(&path)?.map(TypedValue::UInt),
            false => root.number(&path)?.map(TypedValue::ULLong),
        };
        if let Some(value) = value {
            params.push(format!("shm_{field}"), value);
        }
    }
    Ok(params)
}

/// Changes settings.
///
/// # Errors
/// [`Error::UnknownParameter`], [`Error::ParameterType`], [`Error::NoParameter`], before anything is changed;
/// [`Error::Write`], [`Error::Flags`].
pub fn set_parameters(root: &Root, params: &TypedParams, flags: u32) -> Result<()> {
    only_flags(flags, 0, "virHostMemSetParameters")?;
    let mut changes = Vec::new();
    for param in &params.0 {
        let name = param.field.as_str();
        let known = |(field, setting): &&(&str, bool)| *setting && name.strip_prefix("shm_") == Some(*field);
        let (field, _) = FIELDS.iter().find(known).ok_or_else(|| Error::UnknownParameter(name.to_owned()))?;
        let TypedValue::UInt(value) = param.value else {
            let given = type_name(&param.value);
            return Err(Error::ParameterType { name: name.to_owned(), given, expected: "uint" });
        };
        changes.push((name, format!("{DIR}/{field}"), value));
    }
    if let Some((name, ..)) = changes.iter().find(|(_, path, _)| !root.exists(path)) {
        return Err(Error::NoParameter((*name).to_owned()));
    }
    changes.iter().try_for_each(|(_, path, value)| root.write(path, &value.to_string()))
}

/// libvirt's name of a value's type.
const fn type_name(value: &TypedValue) -> &'static str {
    match value {
        TypedValue::Int(_) => "int",
        TypedValue::UInt(_) => "uint",
        TypedValue::LLong(_) => "llong",
        TypedValue::ULLong(_) => "ullong",
        TypedValue::Double(_) => "double",
        TypedValue::Boolean(_) => "boolean",
        TypedValue::String(_) => "string",
    }
}
