//! The form in which rows are written.

/// Declares procedures of one program, a row each:
///
/// ```text
/// /// What it does, in a sentence.
/// NUMBER Name "virApiFunction" {
///     args NameArgs { field: Type, list: Vec<Type>[LIMIT] }
///     reply NameRet { field: Type }
///     stream Read sparse FLAG
///     descriptors Call
///     priority High
///     write Always
///     access [Object.permission, Object.permission if FLAG, Object.permission unless FLAG]
///     filter Object.permission
///     since "release"
/// }
/// ```
///
/// Everything but `since` may be missing; an event has `event NameMsg { … }` in the place of arguments and reply. From a
/// row come the structures, a type of the procedure's name with [`Procedure`], and the [`Row`]; `ROWS` lists the
/// rows of the file.
///
/// [`Procedure`]: crate::Procedure
/// [`Row`]: crate::Row
macro_rules! procedures {
    ($program:ident: $(
        $(#[doc = $doc:literal])+
        $number:literal $name:ident $($api:literal)? {
            $(args $args:ident { $($args_fields:tt)* })?
            $(reply $reply:ident { $($reply_fields:tt)* })?
            $(event $event:ident { $($event_fields:tt)* })?
            $(direction $direction:ident)?
            $(stream $stream:ident $(sparse $sparse:ident)?)?
            $(descriptors $descriptors:ident)?
            $(priority $priority:ident)?
            $(write $write:ident)?
            $(access [$(
                $object:ident.$permission:ident $(if $flag:ident $(== $value:ident)?)? $(unless $none:ident)?
            ),+ $(,)?])?
            $(filter $filter_object:ident.$filter_permission:ident)?
            since $since:literal
        }
    )+) => {
        $(
            $($crate::xdr::xdr_struct! {
                #[doc = concat!("The arguments of [`", stringify!($name), "`].")]
                $args { $($args_fields)* }
            })?
            $($crate::xdr::xdr_struct! {
                #[doc = concat!("The reply to [`", stringify!($name), "`].")]
                $reply { $($reply_fields)* }
            })?
            $($crate::xdr::xdr_struct! {
                #[doc = concat!("What [`", stringify!($name), "`] brings.")]
                $event { $($event_fields)* }
            })?

            $(#[doc = $doc])+
            #[doc = concat!("\nProcedure ", $number, "." $(, " Carries `", $api, "`.")?)]
            #[derive(Debug, Clone, Copy, PartialEq, Eq)]
            pub struct $name;

            impl $crate::Procedure for $name {
                type Args = $crate::table::macros::one_of!(() $($args)? $($event)?);
                type Reply = $crate::table::macros::one_of!(() $($reply)?);
                const ROW: &'static $crate::Row = &$crate::Row {
                    program: &$program,
                    number: $number,
                    name: stringify!($name),
                    module: module_path!(),
                    api: $crate::table::macros::one_of!(None $(Some($api))?),
                    summary: concat!($($doc),+).trim_ascii(),
                    direction: $crate::table::macros::direction!($($event)? $(@ $direction)?),
                    args: $crate::Payload::of::<Self::Args>(),
                    reply: $crate::Payload::of::<Self::Reply>(),
                    stream: $crate::table::macros::one_of!(None $(Some($crate::Stream::$stream))?),
                    sparse: $crate::table::macros::one_of!(
                        None $($(Some($crate::flag::$sparse))?)?
                    ),
                    descriptors: $crate::table::macros::one_of!(
                        ($crate::Descriptors::None) $(($crate::Descriptors::$descriptors))?
                    ),
                    priority: $crate::table::macros::one_of!(
                        ($crate::Priority::Low) $(($crate::Priority::$priority))?
                    ),
                    write: $crate::table::macros::one_of!(
                        ($crate::Write::ByAccess) $(($crate::Write::$write))?
                    ),
                    access: &[$($($crate::table::macros::access!(
                        $object.$permission $(if $flag $(== $value)?)? $(unless $none)?
                    )),+)?],
                    filter: $crate::table::macros::one_of!(
                        None $(Some($crate::table::macros::access!($filter_object.$filter_permission)))?
                    ),
                    since: $since,
                };
            }
        )+

        pub(crate) const ROWS: &[&$crate::Row] = &[$(<$name as $crate::Procedure>::ROW),+];
    };
}
pub(crate) use procedures;

/// What is given, or else the first.
macro_rules! one_of {
    ($default:tt) => { $default };
    ($default:tt $($given:tt)+) => { $($given)+ };
}

macro_rules! direction {
    () => {
        $crate::Direction::Call
    };
    ($event:ident) => {
        $crate::Direction::Event
    };
    (@ $direction:ident) => {
        $crate::Direction::$direction
    };
}

macro_rules! access {
    ($object:ident.$permission:ident) => {
        $crate::table::macros::access!(@ $object $permission $crate::When::Always)
    };
    ($object:ident.$permission:ident if $flag:ident) => {
        $crate::table::macros::access!(
            @ $object $permission $crate::When::Flags($crate::table::access::flag::$flag)
        )
    };
    ($object:ident.$permission:ident if $field:ident == $value:ident) => {
        $crate::table::macros::access!(
            @ $object $permission
            $crate::When::Equals { field: stringify!($field), value: $crate::table::access::flag::$value }
        )
    };
    ($object:ident.$permission:ident unless $flag:ident) => {
        $crate::table::macros::access!(
            @ $object $permission $crate::When::NoFlags($crate::table::access::flag::$flag)
        )
    };
    (@ $object:ident $permission:ident $when:expr) => {
        $crate::Access {
            object: $crate::Object::$object,
            permission: stringify!($permission),
            when: $when,
        }
    };
}

pub(crate) use {access, direction, one_of};
