// tidy: table
//! Authentication.

use crate::remote::{AUTH_SASL_DATA_MAX, AUTH_TYPE_LIST_MAX, PROGRAM};
use crate::table::procedures;
use crate::xdr::{Chars, xdr_enum};

xdr_enum! {
    /// How a client authenticates itself.
    AuthType {
        /// Not at all.
        None = 0,
        /// By SASL.
        Sasl = 1,
        /// By polkit, which looks at who is at the other end of the socket.
        Polkit = 2,
    }
}

procedures! { PROGRAM:
    /// How the client has to authenticate itself. It is the first call of every client.
    66 AuthList {
        reply AuthListRet { types: Vec<AuthType>[AUTH_TYPE_LIST_MAX] }
        priority High
        since "<=1.2.7"
    }

    /// The SASL mechanisms that the server offers.
    67 AuthSaslInit {
        reply AuthSaslInitRet { mechlist: String }
        priority High
        since "<=1.2.7"
    }

    /// Begins SASL with a mechanism and the client's first data.
    68 AuthSaslStart {
        args AuthSaslStartArgs { mech: String, nil: i32, data: Chars[AUTH_SASL_DATA_MAX] }
        reply AuthSaslStartRet { complete: i32, nil: i32, data: Chars[AUTH_SASL_DATA_MAX] }
        priority High
        since "<=1.2.7"
    }

    /// Goes on with SASL.
    69 AuthSaslStep {
        args AuthSaslStepArgs { nil: i32, data: Chars[AUTH_SASL_DATA_MAX] }
        reply AuthSaslStepRet { complete: i32, nil: i32, data: Chars[AUTH_SASL_DATA_MAX] }
        priority High
        since "<=1.2.7"
    }

    /// Has the server ask polkit about the client.
    70 AuthPolkit {
        reply AuthPolkitRet { complete: i32 }
        priority High
        since "<=1.2.7"
    }
}
