//! Connections.

use std::sync::Arc;
use std::time::Duration;

use virt_driver::{DomainEvent, DomainEventFilter, Domains, Hypervisor, Subscription};
use virt_types::{CreateFlags, DefineFlags, Error, ErrorCode, ErrorDomain, ListFlags, Result, Uuid};

use crate::domain::Domain;
use crate::uri::Uri;

/// How long the calls of a connection wait.
///
/// ```no_run
/// # async fn example() -> virt_core::Result<()> {
/// use std::time::Duration;
/// use virt_core::OpenOptions;
///
/// let options = OpenOptions::default().call_deadline(Duration::from_secs(5));
/// let connection = options.open("qemu:///embed").await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[must_use]
#[cfg_attr(not(feature = "qemu"), expect(dead_code, reason = "no driver of this build waits"))]
pub struct OpenOptions {
    call: Option<Duration>,
    recovery: Option<Duration>,
}

impl OpenOptions {
    /// How long a call waits for its turn, and for a guest that does not answer: thirty seconds, unless said.
    pub const fn call_deadline(mut self, limit: Duration) -> Self {
        self.call = Some(limit);
        self
    }

    /// How long opening waits for guests that do not answer: five seconds, unless said. They are taken hold of later.
    pub const fn recovery_deadline(mut self, limit: Duration) -> Self {
        self.recovery = Some(limit);
        self
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// As [`Connection::open`].
    pub async fn open(self, uri: &str) -> Result<Connection> {
        Connection::open_with(uri, self).await
    }
}

/// A connection to a driver. Clones share it; what is bound to it ends with the last of them.
#[derive(Clone)]
pub struct Connection {
    driver: Arc<dyn virt_driver::Connection>,
    uri: Uri,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Connection").field(&self.uri.to_string()).finish()
    }
}

impl Connection {
    /// Opens a connection.
    ///
    /// # Errors
    /// For a URI that no driver of this build serves, and where the driver's directories can not be used.
    pub async fn open(uri: &str) -> Result<Self> {
        OpenOptions::default().open(uri).await
    }

    #[cfg_attr(not(feature = "qemu"), expect(unused_variables, reason = "no driver of this build waits"))]
    async fn open_with(uri: &str, options: OpenOptions) -> Result<Self> {
        let uri: Uri = uri.parse()?;
        #[cfg(feature = "remote")]
        if let crate::Scope::Remote(peer) = &uri.scope {
            let driver = Arc::new(virt_rpc::remote::open(peer, false).await?);
            return Ok(Self { driver, uri });
        }
        let driver: Arc<dyn virt_driver::Connection> = match uri.driver.as_str() {
            #[cfg(feature = "qemu")]
            "qemu" => {
                let mut settings = virt_engine::Settings::try_from(&uri.scope)?;
                let limits = &mut settings.limits;
                limits.call = options.call.unwrap_or(limits.call);
                limits.recovery = options.recovery.unwrap_or(limits.recovery);
                virt_engine::Host::new(settings).into_connection(uri.to_string()).await?
            }
            #[cfg(feature = "testdriver")]
            "test" => {
                let crate::Scope::Pretended(path) = &uri.scope else {
                    let detail = format!("connection URI '{uri}' names no pretended host");
                    return Err(Error::new(ErrorCode::InvalidArg, ErrorDomain::Test, detail));
                };
                Arc::new(virt_testdriver::TestConnection::open(path)?)
            }
            other => {
                let detail = format!("'{other}' URIs");
                return Err(Error::new(ErrorCode::NoConnect, ErrorDomain::None, detail));
            }
        };
        Ok(Self { driver, uri })
    }

    /// A connection over a driver that the caller made.
    #[must_use]
    pub fn over(driver: Arc<dyn virt_driver::Connection>, uri: Uri) -> Self {
        Self { driver, uri }
    }

    /// The URI.
    #[must_use]
    pub const fn uri(&self) -> &Uri {
        &self.uri
    }

    /// The driver behind the connection, for calls that the handles do not have.
    #[must_use]
    pub fn driver(&self) -> &dyn virt_driver::Connection {
        &*self.driver
    }

    /// The hypervisor's calls.
    ///
    /// # Errors
    /// `VIR_ERR_NO_SUPPORT` where the driver has none.
    pub fn hypervisor(&self) -> Result<&dyn Hypervisor> {
        self.driver.hypervisor().ok_or_else(|| Error::no_support("the hypervisor's calls"))
    }

    /// The domains' calls.
    ///
    /// # Errors
    /// `VIR_ERR_NO_SUPPORT` where the driver has none.
    pub fn domains(&self) -> Result<&dyn Domains> {
        self.driver.domains().ok_or_else(|| Error::no_support("the domains' calls"))
    }

    /// The domains that match; all of them without flags.
    ///
    /// # Errors
    /// As the driver's call.
    pub async fn list(&self, flags: ListFlags) -> Result<Vec<Domain>> {
        let found = self.domains()?.list(flags).await?;
        Ok(found.into_iter().map(|reference| Domain::new(self.clone(), reference)).collect())
    }

    /// The domain with this name.
    ///
    /// # Errors
    /// `VIR_ERR_NO_DOMAIN`.
    pub async fn domain(&self, name: &str) -> Result<Domain> {
        let reference = self.domains()?.lookup_by_name(name).await?;
        Ok(Domain::new(self.clone(), reference))
    }

    /// The domain with this UUID.
    ///
    /// # Errors
    /// `VIR_ERR_NO_DOMAIN`.
    pub async fn domain_by_uuid(&self, uuid: Uuid) -> Result<Domain> {
        let reference = self.domains()?.lookup_by_uuid(uuid).await?;
        Ok(Domain::new(self.clone(), reference))
    }

    /// The running domain with this number.
    ///
    /// # Errors
    /// `VIR_ERR_NO_DOMAIN`.
    pub async fn domain_by_id(&self, id: u32) -> Result<Domain> {
        let reference = self.domains()?.lookup_by_id(id).await?;
        Ok(Domain::new(self.clone(), reference))
    }

    /// Defines a persistent domain.
    ///
    /// # Errors
    /// Each refusal with libvirt's code, the place in the document and a hint.
    pub async fn define(&self, xml: &str) -> Result<Domain> {
        self.define_with(xml, DefineFlags::empty()).await
    }

    /// Defines a persistent domain in the way the flags say.
    ///
    /// # Errors
    /// As [`Connection::define`].
    pub async fn define_with(&self, xml: &str, flags: DefineFlags) -> Result<Domain> {
        let reference = self.domains()?.define_xml(xml, flags).await?;
        Ok(Domain::new(self.clone(), reference))
    }

    /// Starts a transient domain.
    ///
    /// # Errors
    /// As [`Connection::define`] and [`Domain::start`].
    pub async fn create(&self, xml: &str, flags: CreateFlags) -> Result<Domain> {
        let reference = self.domains()?.create_xml(xml, Vec::new(), flags).await?;
        Ok(Domain::new(self.clone(), reference))
    }

    /// Events from now on.
    ///
    /// # Errors
    /// As the driver's call.
    pub async fn events(&self, filter: DomainEventFilter) -> Result<Subscription<DomainEvent>> {
        const KEPT_FOR_A_SLOW_READER: usize = 4096;
        self.domains()?.subscribe(filter, KEPT_FOR_A_SLOW_READER).await
    }

    /// Lets go of everything: guests run on, but for those started with autodestroy.
    pub async fn close(self) {
        self.driver.close().await;
    }
}
