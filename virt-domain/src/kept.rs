//! Configurations of domains, kept small: of thousands of them a few are looked at in any minute.
//!
//! What is kept of each is its text, compressed against a typical one. The model is made of it when somebody asks; those
//! that were asked for last stay.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lz4_flex::block::{compress_with_dict, decompress_with_dict};
use virt_conf::FormatFlags;
use virt_conf::domain::{Domain, OsType};
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

use crate::Backend;

/// A typical configuration. Texts that were compressed are never stored, so it may change.
const TYPICAL: &[u8] = include_bytes!("dictionary.xml");

/// How many models stay after they were asked for.
const RECENT: usize = 32;

/// What makes models of texts, and the models that were asked for last.
pub(crate) struct Keeper {
    backend: Arc<dyn Backend>,
    recent: Mutex<VecDeque<(u64, Arc<Domain>)>>,
    last: AtomicU64,
}

/// The configuration of a domain.
pub struct KeptConfig {
    keeper: Arc<Keeper>,
    compressed: Box<[u8]>,
    length: usize,
    /// Nothing in it is secret, and nothing is told of live domains only: every form of it is this text.
    plain: bool,
    number: u64,
    brief: Brief,
}

/// What is asked of a domain most often, known without its model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Brief {
    /// What kind of system runs in it.
    pub os_type: OsType,
    /// The most memory that it may have, in KiB.
    pub max_memory: u64,
    /// The memory that it has, in KiB.
    pub memory: u64,
    /// The virtual CPUs that it has.
    pub vcpus: u32,
}

impl Brief {
    /// Of a model.
    #[must_use]
    pub fn of(domain: &Domain) -> Self {
        let max_memory = domain.memory.total;
        Self {
            os_type: domain.os.os_type,
            max_memory,
            memory: if domain.memory.current == 0 { max_memory } else { domain.memory.current },
            vcpus: domain.vcpus.online_count(),
        }
    }
}

impl Keeper {
    pub(crate) fn new(backend: Arc<dyn Backend>) -> Arc<Self> {
        Arc::new(Self { backend, recent: Mutex::default(), last: AtomicU64::default() })
    }

    /// Keeps a configuration; `text` is what [`Backend::format_config`] makes of it.
    pub(crate) fn keep(self: &Arc<Self>, mut config: Domain, text: &str) -> Arc<KeptConfig> {
        let plain = config.format(FormatFlags::empty()) == text;
        let compressed = compress_with_dict(text.as_bytes(), TYPICAL).into_boxed_slice();
        config.devices.shrink_to_fit();
        let brief = Brief::of(&config);
        let number = self.last.fetch_add(1, Ordering::Relaxed);
        self.remember(number, Arc::new(config));
        Arc::new(KeptConfig {
            keeper: Arc::clone(self),
            compressed,
            length: text.len(),
            plain,
            number,
            brief,
        })
    }

    // Changes under the lock are single pushes and pops.
    fn recent(&self) -> MutexGuard<'_, VecDeque<(u64, Arc<Domain>)>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn recall(&self, number: u64) -> Option<Arc<Domain>> {
        self.recent().iter().find(|(known, _)| *known == number).map(|(_, model)| Arc::clone(model))
    }

    fn remember(&self, number: u64, model: Arc<Domain>) {
        let mut recent = self.recent();
        if recent.len() == RECENT {
            recent.pop_front();
        }
        recent.push_back((number, model));
    }
}

impl KeptConfig {
    /// What is asked most often.
    #[must_use]
    pub const fn brief(&self) -> Brief {
        self.brief
    }

    /// The model. Takes the time of a parse if it was not asked for lately.
    ///
    /// # Errors
    /// What the driver says of its own text; one that it does not read is refused when it is to be kept.
    pub fn model(&self) -> Result<Arc<Domain>> {
        if let Some(model) = self.keeper.recall(self.number) {
            return Ok(model);
        }
        let model = Arc::new(self.keeper.backend.parse_config(&self.text()?)?);
        self.keeper.remember(self.number, Arc::clone(&model));
        Ok(model)
    }

    /// Its XML, as `virDomainGetXMLDesc` gives that of a domain which does not run.
    ///
    /// # Errors
    /// As [`KeptConfig::model`].
    pub fn xml(&self, flags: FormatFlags) -> Result<String> {
        let written = FormatFlags::INACTIVE | FormatFlags::SECURE;
        if self.plain && written.contains(flags) || flags == written {
            return self.text();
        }
        Ok(self.model()?.format(flags))
    }

    fn text(&self) -> Result<String> {
        let bytes = decompress_with_dict(&self.compressed, self.length, TYPICAL).map_err(damaged)?;
        String::from_utf8(bytes).map_err(damaged)
    }
}

fn damaged(source: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorCode::InternalError, ErrorDomain::Domain, "a configuration in memory is damaged")
        .caused_by(source)
}

impl fmt::Debug for KeptConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptConfig").field("length", &self.length).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Recover, Recovered, Start, Started};
    use virt_driver::BoxFuture;
    use virt_types::CreateFlags;

    struct Reader;

    impl Backend for Reader {
        fn error_domain(&self) -> ErrorDomain {
            ErrorDomain::Domain
        }
        fn prepare<'a>(&'a self, config: &'a Domain, _: CreateFlags) -> BoxFuture<'a, Result<Domain>> {
            Box::pin(async { Ok(config.clone()) })
        }
        fn start(&self, _: Start) -> BoxFuture<'_, Result<Started>> {
            Box::pin(async { Err(Error::no_support("virDomainCreate")) })
        }
        fn recover(&self, _: Recover) -> BoxFuture<'_, Result<Recovered>> {
            Box::pin(async { Err(Error::no_support("virDomainCreate")) })
        }
    }

    fn keeper() -> Arc<Keeper> {
        Keeper::new(Arc::new(Reader))
    }

    fn keep(keeper: &Arc<Keeper>, config: Domain) -> Arc<KeptConfig> {
        let text = Reader.format_config(&config);
        keeper.keep(config, &text)
    }

    fn typical() -> Domain {
        Reader.parse_config(std::str::from_utf8(TYPICAL).unwrap()).unwrap()
    }

    #[test]
    fn a_model_is_the_same_after_it_was_forgotten() {
        let keeper = keeper();
        let mut config = typical();
        config.name = "another".to_owned();
        let kept = keep(&keeper, config.clone());
        assert!(kept.compressed.len() < kept.length / 10, "{} of {}", kept.compressed.len(), kept.length);
        let first = kept.model().unwrap();
        assert!(Arc::ptr_eq(&first, &kept.model().unwrap()), "it was asked for last");
        for number in 0..RECENT {
            keep(&keeper, Domain { name: number.to_string(), ..config.clone() });
        }
        let again = kept.model().unwrap();
        assert!(!Arc::ptr_eq(&first, &again), "others were asked for since");
        assert_eq!(*again, config);
        assert_eq!(kept.brief(), Brief::of(&config));
    }

    #[test]
    fn secrets_are_told_only_to_those_who_ask() {
        let text = std::str::from_utf8(TYPICAL).unwrap();
        let secret = text.replace("type='vnc' port", "type='vnc' passwd='sesame' port");
        let config = |text| Reader.parse_config(text).unwrap();
        for (text, plain) in [(text, true), (&secret, false)] {
            let kept = keep(&keeper(), config(text));
            assert_eq!(kept.plain, plain);
            for flags in
                [FormatFlags::empty(), FormatFlags::INACTIVE, FormatFlags::SECURE, FormatFlags::all()]
            {
                assert_eq!(kept.xml(flags).unwrap(), config(text).format(flags), "{flags:?}");
            }
        }
    }
}
