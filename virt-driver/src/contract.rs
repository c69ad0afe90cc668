//! One macro that declares a trait whose calls all have a default body.

/// Declares an object-safe async trait. Each line holds libvirt's name of the call, the method, its arguments and
/// what it answers; it becomes
/// `fn method<'a>(&'a self, arguments…) -> BoxFuture<'a, Result<Answer>>` with a body that answers
/// `VIR_ERR_NO_SUPPORT`.
macro_rules! contract {
    ($(#[$meta:meta])* pub trait $name:ident {
        $($(#[$doc:meta])* $call:literal fn $method:ident($($argument:ident: $type:ty),* $(,)?) -> $answer:ty;)+
    }) => {
        $(#[$meta])*
        ///
        /// Every method is `fn method<'a>(&'a self, …) -> BoxFuture<'a, Result<…>>` and answers
        /// `VIR_ERR_NO_SUPPORT` unless the driver implements it.
        pub trait $name: Send + Sync {
            $(
                $(#[$doc])*
                ///
                #[doc = concat!("libvirt's call: `", $call, "`.")]
                #[allow(clippy::needless_lifetimes, reason = "one shape for calls with and without borrowed arguments")]
                fn $method<'a>(&'a self $(, $argument: $type)*) -> $crate::BoxFuture<'a, ::virt_types::Result<$answer>> {
                    $(let _ = $argument;)*
                    Box::pin(std::future::ready(Err(::virt_types::Error::no_support($call))))
                }
            )+
        }

        // Object safety is part of the contract.
        const _: Option<&dyn $name> = None;
    };
}
pub(crate) use contract;
