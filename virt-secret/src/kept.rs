//! The secrets that are known, and the rules of their changes. Nothing here waits for anything but files.

use std::collections::BTreeMap;

use virt_conf::secret::{Secret, SecretUsageType};
use virt_driver::{Bus, ObjectEventFilter, SecretEvent, SecretEventKind, SecretRef, SecretSelector};
use virt_types::{ErrorCode, Result, Uuid};

use crate::files::{Files, refuse};

/// `VIR_SECRET_EVENT_DEFINED`
const DEFINED: i32 = 0;
/// `VIR_SECRET_EVENT_UNDEFINED`
const UNDEFINED: i32 = 1;

/// A secret with its value, if it has one.
struct Entry {
    secret: Secret,
    value: Option<Vec<u8>>,
}

/// All secrets of a host.
pub(crate) struct Kept {
    files: Files,
    entries: BTreeMap<Uuid, Entry>,
    pub(crate) bus: Bus<ObjectEventFilter<Uuid>, SecretEvent>,
}

impl Kept {
    /// What the files hold.
    pub(crate) fn load(files: Files) -> Self {
        let entries = files
            .load()
            .into_iter()
            .filter_map(|(secret, value)| Some((secret.uuid?, Entry { secret, value })))
            .collect();
        Self { files, entries, bus: Bus::default() }
    }

    pub(crate) fn list(&self, wanted: impl Fn(&Secret) -> bool) -> Vec<SecretRef> {
        let entries = self.entries.iter().filter(|(_, entry)| wanted(&entry.secret));
        entries.map(|(uuid, entry)| reference(*uuid, &entry.secret)).collect()
    }

    fn entry(&self, uuid: Uuid) -> Result<&Entry> {
        self.entries.get(&uuid).ok_or_else(|| missing(uuid))
    }

    pub(crate) fn by_uuid(&self, uuid: Uuid) -> Result<SecretRef> {
        Ok(reference(uuid, &self.entry(uuid)?.secret))
    }

    pub(crate) fn by_usage(&self, usage_type: i32, usage_id: &str) -> Result<SecretRef> {
        let found = self.entries.iter().find(|(_, entry)| {
            number(entry.secret.usage_type) == usage_type
                && entry.secret.usage_id.as_deref() == Some(usage_id)
        });
        let found = found.map(|(uuid, entry)| reference(*uuid, &entry.secret));
        found
            .ok_or_else(|| refuse(ErrorCode::NoSecret, format!("no secret with matching usage '{usage_id}'")))
    }

    pub(crate) fn document(&self, uuid: Uuid) -> Result<String> {
        Ok(self.entry(uuid)?.secret.format())
    }

    /// Defines a secret, or gives one another description; `made_up` is the identity of a new one that has none.
    pub(crate) fn define(&mut self, mut secret: Secret, made_up: Uuid) -> Result<SecretRef> {
        let uuid = *secret.uuid.get_or_insert(made_up);
        let internal = |detail: String| refuse(ErrorCode::InternalError, detail);
        let before = self.entries.get(&uuid);
        if let Some(Entry { secret: old, .. }) = before {
            if old.usage_id != secret.usage_id {
                let usage = old.usage_id.as_deref().unwrap_or("(null)");
                let detail = format!("a secret with UUID {uuid} is already defined for use with {usage}");
                return Err(internal(detail));
            }
            if old.private && !secret.private {
                return Err(internal("cannot change private flag on existing secret".to_owned()));
            }
        } else if let Some(usage) = &secret.usage_id
            && let Ok(twin) = self.by_usage(number(secret.usage_type), usage)
        {
            let uuid = twin.uuid;
            return Err(internal(format!("a secret with UUID {uuid} already defined for use with {usage}")));
        }
        let was_ephemeral = before.is_some_and(|entry| entry.secret.ephemeral);
        let value = before.and_then(|entry| entry.value.clone());
        if secret.ephemeral {
            if before.is_some() && !was_ephemeral {
                self.files.remove(uuid)?;
            }
        } else {
            if let Some(value) = value.as_ref().filter(|_| was_ephemeral) {
                self.files.write_value(uuid, value)?;
            }
            self.files.write_document(uuid, &secret)?;
        }
        let defined = reference(uuid, &secret);
        self.entries.insert(uuid, Entry { secret, value });
        self.tell(&defined, SecretEventKind::Lifecycle(DEFINED));
        Ok(defined)
    }

    pub(crate) fn undefine(&mut self, uuid: Uuid) -> Result<()> {
        let secret = &self.entry(uuid)?.secret;
        let gone = reference(uuid, secret);
        if !secret.ephemeral {
            self.files.remove(uuid)?;
        }
        self.entries.remove(&uuid);
        self.tell(&gone, SecretEventKind::Lifecycle(UNDEFINED));
        Ok(())
    }

    pub(crate) fn set_value(&mut self, uuid: Uuid, value: Vec<u8>) -> Result<()> {
        let entry = self.entries.get_mut(&uuid).ok_or_else(|| missing(uuid))?;
        if !entry.secret.ephemeral {
            self.files.write_value(uuid, &value)?;
        }
        entry.value = Some(value);
        let changed = reference(uuid, &entry.secret);
        self.tell(&changed, SecretEventKind::ValueChanged);
        Ok(())
    }

    /// The value as a caller from outside gets it.
    pub(crate) fn shown_value(&self, uuid: Uuid) -> Result<Vec<u8>> {
        if self.entry(uuid)?.secret.private {
            return Err(refuse(ErrorCode::InvalidSecret, "secret is private"));
        }
        self.value(uuid)
    }

    fn value(&self, uuid: Uuid) -> Result<Vec<u8>> {
        self.entry(uuid)?.value.clone().ok_or_else(|| {
            refuse(ErrorCode::NoSecret, format!("secret '{uuid}' does not have a value"))
                .with_hint("set one with secret-set-value")
        })
    }

    /// The value as a driver of this host gets it.
    pub(crate) fn selected(&self, selector: &SecretSelector) -> Result<Vec<u8>> {
        match selector {
            SecretSelector::Uuid(uuid) => self.value(*uuid),
            SecretSelector::Usage { usage_type, id } => self.value(self.by_usage(*usage_type, id)?.uuid),
        }
    }

    fn tell(&mut self, secret: &SecretRef, kind: SecretEventKind) {
        let event = SecretEvent { secret: secret.clone(), kind };
        self.bus.publish(&event, |filter| filter.wants(&secret.uuid, kind.id()));
    }
}

fn missing(uuid: Uuid) -> virt_types::Error {
    refuse(ErrorCode::NoSecret, format!("no secret with matching uuid '{uuid}'"))
}

fn reference(uuid: Uuid, secret: &Secret) -> SecretRef {
    SecretRef {
        uuid,
        usage_type: number(secret.usage_type),
        usage_id: secret.usage_id.clone().unwrap_or_default(),
    }
}

/// `virSecretUsageType`
const fn number(usage: SecretUsageType) -> i32 {
    match usage {
        SecretUsageType::None => 0,
        SecretUsageType::Volume => 1,
        SecretUsageType::Ceph => 2,
        SecretUsageType::Iscsi => 3,
        SecretUsageType::Tls => 4,
        SecretUsageType::Vtpm => 5,
    }
}
