//! The form in which the table of bindings is written.

/// Binds a group of calls to the procedures that carry it, in both directions:
///
/// ```text
/// binding! {
///     /// What the group is about.
///     networks: Networks;
///     both {
///         NetworkLookupByName = lookup_by_name(name: &'a str) -> ObjectRef as net;
///         [list] ConnectListAllNetworks = list(flags: u32) -> Vec<ObjectRef> as nets;
///         [params] NetworkPortGetParameters = port_parameters(port: &'a NetworkPortRef, flags: u32) -> TypedParams as params;
///     }
///     served {
///         NetworkDefineXml(xml: String) = define_xml(&xml, 0) => |net| Reply { net: net.to_wire() };
///     }
///     by_hand { ConnectNetworkEventRegisterAny => super::events::register; }
///     client { methods of the group that are written out }
/// }
/// ```
///
/// A row of `both` is a procedure, the method that it carries, and the method's arguments under their names on the
/// wire; `as` names the one field of the reply, and without it the whole reply is the answer. From it come the server's
/// handler and the client's method. `[list]` asks for entries and their number, `[params]` for typed parameters in two
/// steps, `[figures]` in the same way where none of them is a string, `[strings]` for typed parameters in one step, and the reply of
/// `[all]` has the number of its entries. A row of `served` is for older procedures that carry the same method with less; clients do without them.
macro_rules! binding {
    (
        $(#[$doc:meta])*
        $group:ident: $trait:ident;
        both { $(
            $([$form:ident])? $proc:ident = $method:ident($($field:ident: $type:ty),* $(,)?)
                $(-> $answer:ty $(as $out:ident)?)?;
        )* }
        $(served { $(
            $served:ident($($served_field:ident: $served_type:ty),* $(,)?) = $served_method:ident($($argument:expr),* $(,)?)
                => |$found:pat_param| $reply:expr;
        )* })?
        $(by_hand { $($hand:ident => $handler:path;)* })?
        $(client { $($written:tt)* })?
    ) => {
        $(#[$doc])*
        impl virt_driver::$trait for $crate::bind::client::RemoteConnection {
            $($crate::bind::macros::client_method! {
                $([$form])? $proc = $method($($field: $type),*) $(-> $answer $(as $out)?)?
            })*
            $($($written)*)?
        }

        /// What the server answers the calls of this group with.
        pub(crate) const HANDLERS: &[$crate::bind::Handler] = &[
            $($crate::bind::macros::handler! {
                $group: $trait, $([$form])? $proc = $method($($field: $type),*) $(-> $answer $(as $out)?)?
            },)*
            $($($crate::bind::Handler {
                row: <$served as virt_proto::Procedure>::ROW,
                begin: |session, call| {
                    let connection = session.connection(stringify!($group))?;
                    $crate::bind::macros::take!($served, call, $($served_field),*);
                    session.may_write::<$served>(call.payload)?;
                    Ok(Box::pin(async move {
                        #[allow(unused_imports, reason = "most rows convert something")]
                        use $crate::bind::convert::Wire;
                        type Reply = <$served as virt_proto::Procedure>::Reply;
                        $(let $served_field: $served_type = Wire::from_wire($served_field)?;)*
                        let group: &dyn virt_driver::$trait = connection.$group().unwrap_or(&virt_driver::Nothing);
                        let $found = group.$served_method($($argument),*).await?;
                        let reply: Reply = $reply;
                        $crate::bind::encode::<$served>(&reply)
                    }))
                },
            },)*)?
            $($($crate::bind::Handler {
                row: <$hand as virt_proto::Procedure>::ROW,
                begin: $handler,
            },)*)?
        ];

        #[cfg(test)]
        $crate::bind::macros::rehearsal! {
            $group: $trait { $($([$form])? $proc = $method($($field: $type),*) $(-> $answer)?;)* }
        }
    };
}
pub(crate) use binding;

/// The arguments of a call, each in a variable of its name.
macro_rules! take {
    ($proc:ident, $call:ident, $(,)?) => {
        let () = virt_proto::xdr::decode::<<$proc as virt_proto::Procedure>::Args>($call.payload)?;
    };
    ($proc:ident, $call:ident, $($field:ident),+) => {
        type Args = <$proc as virt_proto::Procedure>::Args;
        let Args { $($field),+ } = virt_proto::xdr::decode::<Args>($call.payload)?;
    };
}

/// Arguments as they are sent.
macro_rules! give {
    ($proc:ident,) => { () };
    ($proc:ident, $($field:ident = $value:expr),+) => {{
        type Args = <$proc as virt_proto::Procedure>::Args;
        Args { $($field: $value),+ }
    }};
}

/// The reply with this answer.
macro_rules! reply {
    ($proc:ident, $answer:ident) => {
        $crate::bind::convert::Wire::to_wire($answer)
    };
    ($proc:ident, $answer:ident, $out:ident) => {{
        type Reply = <$proc as virt_proto::Procedure>::Reply;
        Reply { $out: $crate::bind::convert::Wire::to_wire($answer) }
    }};
}

/// The answer in this reply.
macro_rules! answer {
    ($reply:ident) => {
        $crate::bind::convert::Wire::from_wire($reply)
    };
    ($reply:ident, $out:ident) => {
        $crate::bind::convert::Wire::from_wire($reply.$out)
    };
}

macro_rules! answer_type {
    () => {
        ()
    };
    ($answer:ty) => {
        $answer
    };
}

/// A call of the driver with held arguments, apart, so that it may name the lifetime for which they are lent.
macro_rules! invoke {
    ($trait:ident, $method:ident($($field:ident: $type:ty),*), $answer:ty) => {
        #[allow(clippy::needless_lifetimes, reason = "not every call borrows its arguments")]
        fn invoke<'a>(
            group: &'a dyn virt_driver::$trait,
            held: &'a ($(<$type as $crate::bind::convert::Lend<'a>>::Held,)*),
        ) -> virt_driver::BoxFuture<'a, virt_types::Result<$answer>> {
            let ($($field,)*) = held;
            group.$method($(<$type as $crate::bind::convert::Lend<'a>>::lend($field)),*)
        }
    };
}

macro_rules! handler {
    ($group:ident: $trait:ident, $proc:ident = $method:ident($($field:ident: $type:ty),*)
        $(-> $answer:ty $(as $out:ident)?)?) => {
        $crate::bind::Handler {
            row: <$proc as virt_proto::Procedure>::ROW,
            begin: |session, call| {
                $crate::bind::macros::invoke! {
                    $trait, $method($($field: $type),*), $crate::bind::macros::answer_type!($($answer)?)
                }
                let connection = session.connection(stringify!($group))?;
                $crate::bind::macros::take!($proc, call, $($field),*);
                session.may_write::<$proc>(call.payload)?;
                Ok(Box::pin(async move {
                    let held = ($($crate::bind::convert::Wire::from_wire($field)?,)*);
                    let group: &dyn virt_driver::$trait = connection.$group().unwrap_or(&virt_driver::Nothing);
                    let answer = invoke(group, &held).await?;
                    let reply = $crate::bind::macros::reply!($proc, answer $($(, $out)?)?);
                    $crate::bind::encode::<$proc>(&reply)
                }))
            },
        }
    };
    ($group:ident: $trait:ident, [list] $proc:ident = $method:ident($($field:ident: $type:ty),*)
        -> $answer:ty as $out:ident) => {
        $crate::bind::Handler {
            row: <$proc as virt_proto::Procedure>::ROW,
            begin: |session, call| {
                $crate::bind::macros::invoke! { $trait, $method($($field: $type),*), $answer }
                let connection = session.connection(stringify!($group))?;
                $crate::bind::macros::take!($proc, call, need_results, $($field),*);
                session.may_write::<$proc>(call.payload)?;
                Ok(Box::pin(async move {
                    type Reply = <$proc as virt_proto::Procedure>::Reply;
                    let held = ($($crate::bind::convert::Wire::from_wire($field)?,)*);
                    let group: &dyn virt_driver::$trait = connection.$group().unwrap_or(&virt_driver::Nothing);
                    let mut answer = invoke(group, &held).await?;
                    let ret = $crate::bind::counted(answer.len());
                    if need_results == 0 {
                        answer.clear();
                    }
                    $crate::bind::encode::<$proc>(&Reply { $out: $crate::bind::convert::Wire::to_wire(answer), ret })
                }))
            },
        }
    };
    ($group:ident: $trait:ident, [strings] $proc:ident = $method:ident($($field:ident: $type:ty),*)
        -> $answer:ty as $out:ident) => {
        $crate::bind::Handler {
            row: <$proc as virt_proto::Procedure>::ROW,
            begin: |session, call| {
                $crate::bind::macros::invoke! { $trait, $method($($field: $type),*), $answer }
                type Args = <$proc as virt_proto::Procedure>::Args;
                let connection = session.connection(stringify!($group))?;
                let mut args = virt_proto::xdr::decode::<Args>(call.payload)?;
                session.may_write::<$proc>(call.payload)?;
                $crate::bind::params::take_strings(&mut args.flags);
                Ok(Box::pin(async move {
                    let Args { $($field),* } = args;
                    let held = ($($crate::bind::convert::Wire::from_wire($field)?,)*);
                    let group: &dyn virt_driver::$trait = connection.$group().unwrap_or(&virt_driver::Nothing);
                    let answer = invoke(group, &held).await?;
                    let reply = $crate::bind::macros::reply!($proc, answer, $out);
                    $crate::bind::encode::<$proc>(&reply)
                }))
            },
        }
    };
    ($group:ident: $trait:ident, [all] $proc:ident = $method:ident($($field:ident: $type:ty),*)
        -> $answer:ty as $out:ident) => {
        $crate::bind::Handler {
            row: <$proc as virt_proto::Procedure>::ROW,
            begin: |session, call| {
                $crate::bind::macros::invoke! { $trait, $method($($field: $type),*), $answer }
                let connection = session.connection(stringify!($group))?;
                $crate::bind::macros::take!($proc, call, $($field),*);
                session.may_write::<$proc>(call.payload)?;
                Ok(Box::pin(async move {
                    type Reply = <$proc as virt_proto::Procedure>::Reply;
                    let held = ($($crate::bind::convert::Wire::from_wire($field)?,)*);
                    let group: &dyn virt_driver::$trait = connection.$group().unwrap_or(&virt_driver::Nothing);
                    let answer = invoke(group, &held).await?;
                    let ret = $crate::bind::counted(answer.len());
                    $crate::bind::encode::<$proc>(&Reply { $out: $crate::bind::convert::Wire::to_wire(answer), ret })
                }))
            },
        }
    };
    ($group:ident: $trait:ident, [figures] $($row:tt)*) => {
        $crate::bind::macros::handler! { @steps true, $group: $trait, $($row)* }
    };
    ($group:ident: $trait:ident, [params] $($row:tt)*) => {
        $crate::bind::macros::handler! { @steps false, $group: $trait, $($row)* }
    };
    (@steps $all:literal, $group:ident: $trait:ident, $proc:ident = $method:ident($($field:ident: $type:ty),*)
        -> $answer:ty as $out:ident) => {
        $crate::bind::Handler {
            row: <$proc as virt_proto::Procedure>::ROW,
            begin: |session, call| {
                $crate::bind::macros::invoke! { $trait, $method($($field: $type),*), $answer }
                type Args = <$proc as virt_proto::Procedure>::Args;
                let connection = session.connection(stringify!($group))?;
                let mut args = virt_proto::xdr::decode::<Args>(call.payload)?;
                session.may_write::<$proc>(call.payload)?;
                let strings = $crate::bind::params::take_strings(&mut args.flags) || $all;
                Ok(Box::pin(async move {
                    type Reply = <$proc as virt_proto::Procedure>::Reply;
                    let Args { nparams: room, $($field),* } = args;
                    let held = ($($crate::bind::convert::Wire::from_wire($field)?,)*);
                    let group: &dyn virt_driver::$trait = connection.$group().unwrap_or(&virt_driver::Nothing);
                    let answer = invoke(group, &held).await?;
                    let (params, nparams) = $crate::bind::params::in_two_steps(answer, i64::from(room), strings);
                    $crate::bind::encode::<$proc>(&Reply { $out: $crate::bind::convert::Wire::to_wire(params), nparams })
                }))
            },
        }
    };
}

macro_rules! client_method {
    ([all] $($row:tt)*) => {
        $crate::bind::macros::client_method! { $($row)* }
    };
    ([strings] $($row:tt)*) => {
        $crate::bind::macros::client_method! { $($row)* }
    };
    ($proc:ident = $method:ident($($field:ident: $type:ty),*) $(-> $answer:ty $(as $out:ident)?)?) => {
        fn $method<'a>(
            &'a self $(, $field: $type)*
        ) -> virt_driver::BoxFuture<'a, virt_types::Result<$crate::bind::macros::answer_type!($($answer)?)>> {
            #[allow(unused_imports, reason = "not every call has arguments")]
            use $crate::bind::convert::{Lend, Wire};
            Box::pin(async move {
                let args = $crate::bind::macros::give!($proc, $($field = $field.held().to_wire()),*);
                let reply = self.call::<$proc>(args).await?;
                $crate::bind::macros::answer!(reply $($(, $out)?)?)
            })
        }
    };
    ([list] $proc:ident = $method:ident($($field:ident: $type:ty),*) -> $answer:ty as $out:ident) => {
        fn $method<'a>(&'a self $(, $field: $type)*) -> virt_driver::BoxFuture<'a, virt_types::Result<$answer>> {
            use $crate::bind::convert::{Lend, Wire};
            Box::pin(async move {
                type Args = <$proc as virt_proto::Procedure>::Args;
                let args = Args { need_results: 1, $($field: $field.held().to_wire()),* };
                let reply = self.call::<$proc>(args).await?;
                Wire::from_wire(reply.$out)
            })
        }
    };
    ([params] $($row:tt)*) => {
        $crate::bind::macros::client_method! { @steps $crate::bind::params::STRING_OKAY, $($row)* }
    };
    ([figures] $($row:tt)*) => {
        $crate::bind::macros::client_method! { @steps 0, $($row)* }
    };
    (@steps $flag:expr, $proc:ident = $method:ident($($field:ident: $type:ty),*) -> $answer:ty as $out:ident) => {
        fn $method<'a>(&'a self $(, $field: $type)*) -> virt_driver::BoxFuture<'a, virt_types::Result<$answer>> {
            use $crate::bind::convert::{Lend, Wire};
            Box::pin(async move {
                type Args = <$proc as virt_proto::Procedure>::Args;
                let mut args = Args { nparams: 0, $($field: $field.held().to_wire()),* };
                args.flags |= $flag;
                args.nparams = self.call::<$proc>(args.clone()).await?.nparams;
                if args.nparams == 0 {
                    return Ok(Default::default());
                }
                let reply = self.call::<$proc>(args).await?;
                Wire::from_wire(reply.$out)
            })
        }
    };
}

/// Calls every method of the table over the wire with generated arguments and has a driver record what arrives.
#[cfg(test)]
macro_rules! rehearsal {
    ($group:ident: $trait:ident { $(
        $([$form:ident])? $proc:ident = $method:ident($($field:ident: $type:ty),*) $(-> $answer:ty)?;
    )* }) => {
        impl virt_driver::$trait for $crate::bind::rehearsal::Recorder {
            $(fn $method<'a>(&'a self $(, $field: $type)*)
                -> virt_driver::BoxFuture<'a, virt_types::Result<$crate::bind::macros::answer_type!($($answer)?)>>
            {
                let seen = format!("{:?}", ($(&$field,)*));
                Box::pin(async move { self.answer(concat!(stringify!($trait), "::", stringify!($method)), seen) })
            })*
        }

        /// Calls each method of the group once; answers what was sent and what came back.
        pub(crate) async fn rehearse(group: &dyn virt_driver::$trait, seeds: &mut $crate::bind::rehearsal::Seeds) {
            #[allow(unused_imports, reason = "not every call has arguments")]
            use $crate::bind::{convert::Lend, rehearsal::Sample};
            $({
                async fn call<'a>(
                    group: &'a dyn virt_driver::$trait,
                    held: &'a ($(<$type as Lend<'a>>::Held,)*),
                ) -> (String, virt_types::Result<$crate::bind::macros::answer_type!($($answer)?)>) {
                    let ($($field,)*) = held;
                    $(let $field = <$type as Lend<'a>>::lend($field);)*
                    let sent = format!("{:?}", ($(&$field,)*));
                    (sent, group.$method($($field),*).await)
                }
                let held = ($({
                    let _ = stringify!($field);
                    Sample::sample(seeds)
                },)*);
                let (sent, answer) = call(group, &held).await;
                seeds.check(
                    <$proc as virt_proto::Procedure>::ROW,
                    concat!(stringify!($trait), "::", stringify!($method)),
                    sent,
                    answer,
                );
            })*
        }
    };
}

#[cfg(test)]
pub(crate) use rehearsal;
pub(crate) use {answer, answer_type, client_method, give, handler, invoke, reply, take};
