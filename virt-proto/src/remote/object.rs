//! How objects are named on the wire.

use virt_types::Uuid;

use crate::xdr::xdr_struct;

xdr_struct! {
    /// A domain. A server looks it up by its UUID; name and number may be outdated.
    Domain {
        name: String,
        uuid: Uuid,
        /// The number of a running domain, else -1.
        id: i32,
    }
}
