//! One line per call: the method of the contract, and the function that does it.

/// Writes methods of a contract that hand all they get, and the connection, to a function of their own.
///
/// `method(argument: Type, …) -> Answer = function;` becomes
/// `fn method<'a>(&'a self, argument: Type, …) -> BoxFuture<'a, Result<Answer>>`.
macro_rules! calls {
    ($($method:ident($($argument:ident: $type:ty),* $(,)?) -> $answer:ty = $function:path;)+) => {
        $(
            fn $method<'a>(&'a self $(, $argument: $type)*) -> ::virt_driver::BoxFuture<'a, ::virt_types::Result<$answer>> {
                Box::pin($function(self $(, $argument)*))
            }
        )+
    };
}
pub(super) use calls;
