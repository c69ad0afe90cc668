//! What the tests share: answers without a runtime, and how they are compared.

use std::fmt::Debug;
use std::task::{Context, Poll, Waker};

use virt_types::{Result, TypedParams, TypedValue};

/// The answer of a call, which is always there at once.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    match std::pin::pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the test driver never waits"),
    }
}

/// The answer as text: a value as it is, a refusal as `code domain sentence`.
pub(crate) fn said<T: Debug>(future: impl Future<Output = Result<T>>) -> String {
    match now(future) {
        Ok(value) => format!("{value:?}"),
        Err(error) => {
            format!("{} {} {error}", error.code().number(), error.domain().number())
        }
    }
}

/// Compares the answer of each call with what libvirt 9.0.0 says.
macro_rules! answers {
    ($($call:expr => $expected:expr;)+) => {
        $(assert_eq!($crate::support::said($call), $expected, "{}", stringify!($call));)+
    };
}

/// Parameters of one kind of value.
pub(crate) fn params<T: Into<TypedValue> + Clone>(values: &[(&str, T)]) -> TypedParams {
    let mut params = TypedParams::new();
    values.iter().for_each(|(field, value)| params.push(*field, value.clone()));
    params
}

/// Parameters as `field=value`, those that are zero or empty left out.
pub(crate) fn set(params: &TypedParams) -> String {
    let telling = params.0.iter().filter_map(|param| {
        let value = match &param.value {
            TypedValue::Int(value) => value.to_string(),
            TypedValue::UInt(value) => value.to_string(),
            TypedValue::LLong(value) => value.to_string(),
            TypedValue::ULLong(value) => value.to_string(),
            TypedValue::Double(value) => value.to_string(),
            TypedValue::Boolean(value) => value.to_string(),
            TypedValue::String(value) => value.clone(),
        };
        (!["0", "", "false"].contains(&value.as_str())).then(|| format!("{}={value}", param.field))
    });
    telling.collect::<Vec<_>>().join(" ")
}
