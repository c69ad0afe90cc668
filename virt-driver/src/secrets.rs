//! Calls on secrets.

use virt_types::Uuid;

use crate::contract::contract;
use crate::{ObjectEventFilter, ObjectFilter, Subscription};

/// How a caller names a secret.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SecretRef {
    /// The identity.
    pub uuid: Uuid,
    /// 0 none, 1 volume, 2 ceph, 3 iscsi, 4 tls, 5 vtpm (`virSecretUsageType`).
    pub usage_type: i32,
    /// What it is for, unique within its type.
    pub usage_id: String,
}

/// Something that happened to a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretEvent {
    /// The secret.
    pub secret: SecretRef,
    /// What happened.
    pub kind: SecretEventKind,
}

/// What happened to a secret (`virSecretEventID`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SecretEventKind {
    /// 0 defined, 1 undefined (`virSecretEventLifecycleType`).
    Lifecycle(i32),
    /// It has another value.
    ValueChanged,
}

impl SecretEventKind {
    /// The kind under which clients register for it (`virSecretEventID`).
    #[must_use]
    pub const fn id(self) -> i32 {
        match self {
            Self::Lifecycle(_) => 0,
            Self::ValueChanged => 1,
        }
    }
}

contract! {
    /// Secrets.
    pub trait Secrets {
        /// The secrets that match (`virConnectListAllSecretsFlags`).
        "virConnectListAllSecrets" fn list(flags: ObjectFilter) -> Vec<SecretRef>;
        /// The secret with this identity.
        "virSecretLookupByUUID" fn lookup_by_uuid(uuid: Uuid) -> SecretRef;
        /// The secret for this.
        "virSecretLookupByUsage" fn lookup_by_usage(usage_type: i32, usage_id: &'a str) -> SecretRef;
        /// Events from now on; at most `capacity` are kept for a slow reader.
        "virConnectSecretEventRegisterAny" fn subscribe(filter: ObjectEventFilter<Uuid>, capacity: usize) -> Subscription<SecretEvent>;
        /// Defines a secret.
        "virSecretDefineXML" fn define_xml(xml: &'a str, flags: u32) -> SecretRef;
        /// Removes a secret.
        "virSecretUndefine" fn undefine(secret: &'a SecretRef) -> ();
        /// Its description.
        "virSecretGetXMLDesc" fn xml_desc(secret: &'a SecretRef, flags: u32) -> String;
        /// Its value.
        "virSecretGetValue" fn value(secret: &'a SecretRef, flags: u32) -> Vec<u8>;
        /// Sets its value.
        "virSecretSetValue" fn set_value(secret: &'a SecretRef, value: &'a [u8], flags: u32) -> ();
    }
}
