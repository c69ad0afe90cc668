//! Events and the registrations for them.

pub(super) mod domain;
pub(super) mod legacy;
pub(super) mod other;
pub(super) mod registration;

pub use domain::*;
pub use legacy::*;
pub use other::*;
pub use registration::*;
