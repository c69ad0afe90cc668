//! Secrets on their way to QEMU, which gets them encrypted with the guest's own key.

use std::collections::HashMap;
use std::path::Path;

use aes::Aes256;
use aes::cipher::{BlockEncryptMut, KeyIvInit, block_padding::Pkcs7};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use virt_conf::common::SecretLookup;
use virt_driver::{SecretSelector, Services};
use virt_types::Result;

use super::launch::cannot;
use crate::block::{SecretSource, SecretUsage};
use crate::plan::{Part, Props, argv};
use crate::random;

/// Bytes of a guest's key.
const KEY: usize = 32;

/// The values of the secrets among parts, by the ids of their objects.
///
/// # Errors
/// As the secrets' driver; `VIR_ERR_NO_SUPPORT` where there is none.
pub(super) async fn values(parts: &[Part], services: &Services) -> Result<HashMap<String, Vec<u8>>> {
    let mut values = HashMap::new();
    for part in parts {
        let Part::Secret { id, source } = part else { continue };
        let value = match source {
            SecretSource::Text(text) => text.clone().into_bytes(),
            SecretSource::Stored { lookup, usage } => {
                services.secrets()?.value(&selector(lookup, *usage)).await?
            }
        };
        values.insert(id.clone(), value);
    }
    Ok(values)
}

fn selector(lookup: &SecretLookup, usage: SecretUsage) -> SecretSelector {
    match lookup {
        SecretLookup::Uuid(uuid) => SecretSelector::Uuid(*uuid),
        SecretLookup::Usage(id) => {
            // `virSecretUsageType`
            let usage_type = match usage {
                SecretUsage::Volume => 1,
                SecretUsage::Ceph => 2,
                SecretUsage::Iscsi => 3,
                SecretUsage::Tls => 4,
                SecretUsage::Vtpm => 5,
            };
            SecretSelector::Usage { usage_type, id: id.clone() }
        }
    }
}

/// The objects of secrets, encrypted with the key in this file.
///
/// # Errors
/// Where there is no such key.
pub(super) fn objects(values: &HashMap<String, Vec<u8>>, key: &Path) -> Result<HashMap<String, Props>> {
    if values.is_empty() {
        return Ok(HashMap::new());
    }
    let failed = |error| cannot(&format!("read the guest's key {}", key.display()), error);
    let bytes = virt_sys::fs::read_bounded(key, KEY as u64).map_err(failed)?;
    let key: [u8; KEY] = bytes
        .try_into()
        .map_err(|_| crate::error::internal("the guest's key does not have the length of a key"))?;
    let object =
        |(id, value): (&String, &Vec<u8>)| Ok((id.clone(), object(id, value, &key, random::bytes()?)));
    values.iter().map(object).collect()
}

fn object(id: &str, value: &[u8], key: &[u8; KEY], iv: [u8; 16]) -> Props {
    let encrypted =
        cbc::Encryptor::<Aes256>::new(key.into(), &iv.into()).encrypt_padded_vec_mut::<Pkcs7>(value);
    argv::secret_props(id, &STANDARD.encode(encrypted), &STANDARD.encode(iv))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Compared with `openssl enc -aes-256-cbc -K 00…1f -iv 00…0f`.
    #[test]
    fn a_secret_is_encrypted_with_the_key_of_its_guest() {
        let key: [u8; KEY] = std::array::from_fn(|n| n as u8);
        let iv: [u8; 16] = std::array::from_fn(|n| n as u8);
        let props = object("s0", b"open sesame", &key, iv);
        assert_eq!(
            props.to_string(),
            r#"{"qom-type":"secret","id":"s0","data":"5pjlp2G0+gBsFh06Np0Bqw==","keyid":"masterKey0","iv":"AAECAwQFBgcICQoLDA0ODw==","format":"base64"}"#
        );
    }

    #[tokio::test]
    async fn texts_of_the_document_need_no_driver_and_others_do() {
        let text = Part::Secret { id: "c".into(), source: SecretSource::Text("a=b".into()) };
        let found = values(&[text], &Services::default()).await.unwrap();
        assert_eq!(found["c"], b"a=b");
        let source =
            SecretSource::Stored { lookup: SecretLookup::Usage("u".into()), usage: SecretUsage::Ceph };
        let stored = Part::Secret { id: "s".into(), source };
        values(&[stored], &Services::default()).await.unwrap_err();
    }
}
