//! The calls of the contract.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use virt_conf::secret::Secret;
use virt_driver::flags::check_bits;
use virt_driver::{
    BoxFuture, ObjectEventFilter, SecretEvent, SecretRef, SecretSelector, SecretValues, Secrets, Subscription,
};
use virt_types::{ErrorCode, ErrorDomain, Result, Uuid};

use crate::files::{Files, refuse};
use crate::kept::Kept;

type Answer<'a, T> = BoxFuture<'a, Result<T>>;

/// `VIR_SECRET_DEFINE_VALIDATE`
const VALIDATE: u32 = 1;

/// Filters of a listing (`virConnectListAllSecretsFlags`): a bit for those that are so, and one for the others.
const EPHEMERAL: (u32, u32) = (1, 2);
const PRIVATE: (u32, u32) = (4, 8);

/// The secrets of a host. Clones share them.
#[derive(Clone)]
pub struct SecretDriver {
    shared: Arc<Shared>,
}

struct Shared {
    dir: PathBuf,
    kept: OnceLock<Mutex<Kept>>,
}

impl std::fmt::Debug for SecretDriver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SecretDriver").field("dir", &self.shared.dir).finish_non_exhaustive()
    }
}

impl SecretDriver {
    /// The secrets in this directory, which is looked at with the first call.
    #[must_use]
    pub fn new(dir: PathBuf) -> Self {
        Self { shared: Arc::new(Shared { dir, kept: OnceLock::new() }) }
    }

    /// Looks at secrets, or changes them, away from the tasks: files may be slow.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Kept) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let shared = Arc::clone(&self.shared);
        match tokio::task::spawn_blocking(move || work(&mut shared.kept())).await {
            Ok(answer) => answer,
            Err(error) => {
                Err(refuse(ErrorCode::InternalError, "a change of a secret was broken off").caused_by(error))
            }
        }
    }
}

impl Shared {
    // A change is a write to the files and then one insertion or removal.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        let load = || Mutex::new(Kept::load(Files::new(self.dir.clone())));
        self.kept.get_or_init(load).lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check(flags: u32, known: u32, function: &str) -> Result<()> {
    check_bits(flags, known, ErrorDomain::Secret, function)
}

/// Whether a secret that is so, or not, passes a filter.
const fn passes(flags: u32, (those, others): (u32, u32), is: bool) -> bool {
    flags & (those | others) == 0 || flags & if is { those } else { others } != 0
}

impl Secrets for SecretDriver {
    fn list<'a>(&'a self, flags: u32) -> Answer<'a, Vec<SecretRef>> {
        Box::pin(async move {
            check(flags, 15, "secretConnectListAllSecrets")?;
            self.with(move |kept| {
                Ok(kept.list(|secret| {
                    passes(flags, EPHEMERAL, secret.ephemeral) && passes(flags, PRIVATE, secret.private)
                }))
            })
            .await
        })
    }

    fn lookup_by_uuid<'a>(&'a self, uuid: Uuid) -> Answer<'a, SecretRef> {
        Box::pin(self.with(move |kept| kept.by_uuid(uuid)))
    }

    fn lookup_by_usage<'a>(&'a self, usage_type: i32, usage_id: &'a str) -> Answer<'a, SecretRef> {
        let usage_id = usage_id.to_owned();
        Box::pin(self.with(move |kept| kept.by_usage(usage_type, &usage_id)))
    }

    fn subscribe<'a>(
        &'a self,
        filter: ObjectEventFilter<Uuid>,
        capacity: usize,
    ) -> Answer<'a, Subscription<SecretEvent>> {
        Box::pin(self.with(move |kept| Ok(kept.bus.subscribe(filter, capacity))))
    }

    fn define_xml<'a>(&'a self, xml: &'a str, flags: u32) -> Answer<'a, SecretRef> {
        Box::pin(async move {
            check(flags, VALIDATE, "secretDefineXML")?;
            let secret = Secret::parse(xml)?;
            let made_up = Uuid::from_random(random()?);
            self.with(move |kept| kept.define(secret, made_up)).await
        })
    }

    fn undefine<'a>(&'a self, secret: &'a SecretRef) -> Answer<'a, ()> {
        let uuid = secret.uuid;
        Box::pin(self.with(move |kept| kept.undefine(uuid)))
    }

    fn xml_desc<'a>(&'a self, secret: &'a SecretRef, flags: u32) -> Answer<'a, String> {
        let uuid = secret.uuid;
        Box::pin(async move {
            check(flags, 0, "secretGetXMLDesc")?;
            self.with(move |kept| kept.document(uuid)).await
        })
    }

    fn value<'a>(&'a self, secret: &'a SecretRef, flags: u32) -> Answer<'a, Vec<u8>> {
        let uuid = secret.uuid;
        Box::pin(async move {
            check(flags, 0, "secretGetValue")?;
            self.with(move |kept| kept.shown_value(uuid)).await
        })
    }

    fn set_value<'a>(&'a self, secret: &'a SecretRef, value: &'a [u8], flags: u32) -> Answer<'a, ()> {
        let (uuid, value) = (secret.uuid, value.to_vec());
        Box::pin(async move {
            check(flags, 0, "secretSetValue")?;
            self.with(move |kept| kept.set_value(uuid, value)).await
        })
    }
}

impl SecretValues for SecretDriver {
    fn value<'a>(&'a self, selector: &'a SecretSelector) -> Answer<'a, Vec<u8>> {
        let selector = selector.clone();
        Box::pin(self.with(move |kept| kept.selected(&selector)))
    }
}

fn random() -> Result<[u8; 16]> {
    let failed = |error| refuse(ErrorCode::SystemError, "cannot make up an identity").caused_by(error);
    virt_sys::random::bytes().map_err(failed)
}
