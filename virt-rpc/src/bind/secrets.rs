//! Secrets.

use virt_driver::{BoxFuture, ObjectEventFilter, SecretEvent, SecretRef, Subscription};
use virt_proto::remote::*;
use virt_types::{Result, Uuid};

use super::listing::{count, names};
use super::macros::binding;

binding! {
    /// Secrets.
    secrets: Secrets;
    both {
        [list] ConnectListAllSecrets = list(flags: u32) -> Vec<SecretRef> as secrets;
        SecretLookupByUuid = lookup_by_uuid(uuid: Uuid) -> SecretRef as secret;
        SecretLookupByUsage = lookup_by_usage(usage_type: i32, usage_id: &'a str) -> SecretRef as secret;
        SecretDefineXml = define_xml(xml: &'a str, flags: u32) -> SecretRef as secret;
        SecretUndefine = undefine(secret: &'a SecretRef);
        SecretGetXmlDesc = xml_desc(secret: &'a SecretRef, flags: u32) -> String as xml;
        SecretGetValue = value(secret: &'a SecretRef, flags: u32) -> Vec<u8> as value;
        SecretSetValue = set_value(secret: &'a SecretRef, value: &'a [u8], flags: u32);
    }
    served {
        ConnectNumOfSecrets() = list(0) => |found| Reply { num: count(&found) };
        ConnectListSecrets(maxuuids: i32) = list(0)
            => |found| Reply { uuids: names(found, maxuuids, |secret| secret.uuid.to_string()) };
    }
    by_hand {
        ConnectSecretEventRegisterAny => super::events::secrets::register;
        ConnectSecretEventDeregisterAny => super::events::secrets::deregister;
    }
    client {
        fn subscribe<'a>(
            &'a self,
            filter: ObjectEventFilter<Uuid>,
            capacity: usize,
        ) -> BoxFuture<'a, Result<Subscription<SecretEvent>>> {
            Box::pin(self.subscribe_secrets(filter, capacity))
        }
    }
}
