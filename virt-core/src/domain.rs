//! Handles on domains.

use std::sync::Arc;

use virt_conf::ParseFlags;
use virt_driver::{ByteStream, ControlInfo, DomainInfo, DomainRef, OpenConsoleFlags};
use virt_types::{
    CreateFlags, DestroyFlags, DomainStatus, RebootFlags, Result, ShutdownFlags, UndefineFlags, Uuid,
    XmlFlags,
};

use crate::connection::Connection;

/// A domain of a connection. The handle names it by its UUID, so it stays valid over a rename.
#[derive(Debug, Clone)]
pub struct Domain {
    connection: Connection,
    reference: DomainRef,
}

impl Domain {
    pub(crate) const fn new(connection: Connection, reference: DomainRef) -> Self {
        Self { connection, reference }
    }

    /// The connection.
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// What the driver knows it by.
    #[must_use]
    pub const fn reference(&self) -> &DomainRef {
        &self.reference
    }

    /// The name, as it was when the handle was made.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.reference.name
    }

    /// The UUID.
    #[must_use]
    pub const fn uuid(&self) -> Uuid {
        self.reference.uuid
    }

    /// The number of the running instance, as it was when the handle was made.
    #[must_use]
    pub const fn id(&self) -> Option<u32> {
        self.reference.id
    }

    /// Starts it; it runs when this returns.
    ///
    /// # Errors
    /// `VIR_ERR_OPERATION_INVALID` where it runs already; else why it can not be started, with QEMU's own last words.
    pub async fn start(&self) -> Result<Self> {
        self.start_with(CreateFlags::empty()).await
    }

    /// Starts it in the way the flags say. The handle that comes back knows its number.
    ///
    /// # Errors
    /// As [`Domain::start`].
    pub async fn start_with(&self, flags: CreateFlags) -> Result<Self> {
        let reference = self.connection.domains()?.create(&self.reference, Vec::new(), flags).await?;
        Ok(Self { connection: self.connection.clone(), reference })
    }

    /// Asks the guest to shut down; does not wait for it.
    ///
    /// # Errors
    /// `VIR_ERR_OPERATION_INVALID` where it does not run, `VIR_ERR_OPERATION_TIMEOUT` where another call holds it.
    pub async fn shutdown(&self, flags: ShutdownFlags) -> Result<()> {
        self.connection.domains()?.shutdown(&self.reference, flags).await
    }

    /// Asks the guest to reboot; does not wait for it.
    ///
    /// # Errors
    /// `VIR_ERR_OPERATION_INVALID` where it does not run, `VIR_ERR_OPERATION_TIMEOUT` where another call holds it.
    pub async fn reboot(&self, flags: RebootFlags) -> Result<()> {
        self.connection.domains()?.reboot(&self.reference, flags).await
    }

    /// Resets the machine at once.
    ///
    /// # Errors
    /// `VIR_ERR_OPERATION_INVALID` where it does not run, `VIR_ERR_OPERATION_TIMEOUT` where another call holds it.
    pub async fn reset(&self) -> Result<()> {
        self.connection.domains()?.reset(&self.reference, 0).await
    }

    /// Stops the virtual CPUs.
    ///
    /// # Errors
    /// `VIR_ERR_OPERATION_INVALID` where it does not run, `VIR_ERR_OPERATION_TIMEOUT` where another call holds it.
    pub async fn suspend(&self) -> Result<()> {
        self.connection.domains()?.suspend(&self.reference).await
    }

    /// Lets the virtual CPUs go on.
    ///
    /// # Errors
    /// `VIR_ERR_OPERATION_INVALID` where it does not run, `VIR_ERR_OPERATION_TIMEOUT` where another call holds it.
    pub async fn resume(&self) -> Result<()> {
        self.connection.domains()?.resume(&self.reference).await
    }

    /// Ends the guest at once; its process is gone when this returns.
    ///
    /// # Errors
    /// `VIR_ERR_OPERATION_INVALID` where it does not run, `VIR_ERR_OPERATION_TIMEOUT` where another call holds it.
    pub async fn destroy(&self) -> Result<()> {
        self.destroy_with(DestroyFlags::empty()).await
    }

    /// Ends the guest in the way the flags say.
    ///
    /// # Errors
    /// `VIR_ERR_OPERATION_INVALID` where it does not run, `VIR_ERR_OPERATION_TIMEOUT` where another call holds it.
    pub async fn destroy_with(&self, flags: DestroyFlags) -> Result<()> {
        self.connection.domains()?.destroy(&self.reference, flags).await
    }

    /// Removes the configuration; a running domain becomes transient.
    ///
    /// # Errors
    /// `VIR_ERR_OPERATION_INVALID` where it is transient, or something that belongs to it needs a flag.
    pub async fn undefine(&self) -> Result<()> {
        self.undefine_with(UndefineFlags::empty()).await
    }

    /// Removes the configuration and what the flags say.
    ///
    /// # Errors
    /// As [`Domain::undefine`].
    pub async fn undefine_with(&self, flags: UndefineFlags) -> Result<()> {
        self.connection.domains()?.undefine(&self.reference, flags).await
    }

    /// Gives it another name; it must not run.
    ///
    /// # Errors
    /// `VIR_ERR_OPERATION_INVALID` where it runs or the name is taken.
    pub async fn rename(&self, name: &str) -> Result<()> {
        self.connection.domains()?.rename(&self.reference, name, 0).await
    }

    /// The state and its reason; never waits for a job.
    ///
    /// # Errors
    /// `VIR_ERR_NO_DOMAIN`.
    pub async fn state(&self) -> Result<DomainStatus> {
        self.connection.domains()?.state(&self.reference).await
    }

    /// State, memory, virtual CPUs and CPU time.
    ///
    /// # Errors
    /// `VIR_ERR_NO_DOMAIN`.
    pub async fn info(&self) -> Result<DomainInfo> {
        self.connection.domains()?.info(&self.reference).await
    }

    /// Which call holds it, and since when.
    ///
    /// # Errors
    /// `VIR_ERR_OPERATION_INVALID` where it does not run.
    pub async fn control_info(&self) -> Result<ControlInfo> {
        self.connection.domains()?.control_info(&self.reference, 0).await
    }

    /// The document.
    ///
    /// # Errors
    /// `VIR_ERR_NO_DOMAIN`.
    pub async fn xml(&self, flags: XmlFlags) -> Result<String> {
        self.connection.domains()?.xml_desc(&self.reference, flags).await
    }

    /// The configuration as typed values.
    ///
    /// # Errors
    /// `VIR_ERR_NO_DOMAIN`.
    pub async fn config(&self) -> Result<virt_conf::domain::Domain> {
        let xml = self.xml(XmlFlags::INACTIVE | XmlFlags::SECURE).await?;
        virt_conf::domain::Domain::parse(&xml, ParseFlags::INACTIVE | ParseFlags::SKIP_VALIDATE)
    }

    /// Whether it runs.
    ///
    /// # Errors
    /// `VIR_ERR_NO_DOMAIN`.
    pub async fn is_active(&self) -> Result<bool> {
        self.connection.domains()?.is_active(&self.reference).await
    }

    /// Whether its configuration outlives the running instance.
    ///
    /// # Errors
    /// `VIR_ERR_NO_DOMAIN`.
    pub async fn is_persistent(&self) -> Result<bool> {
        self.connection.domains()?.is_persistent(&self.reference).await
    }

    /// Whether it starts with the engine.
    ///
    /// # Errors
    /// `VIR_ERR_NO_DOMAIN`.
    pub async fn autostart(&self) -> Result<bool> {
        self.connection.domains()?.autostart(&self.reference).await
    }

    /// Makes it start with the engine, or not.
    ///
    /// # Errors
    /// `VIR_ERR_OPERATION_INVALID` where it is transient.
    pub async fn set_autostart(&self, autostart: bool) -> Result<()> {
        self.connection.domains()?.set_autostart(&self.reference, autostart).await
    }

    /// Why it is tainted, and what its driver warns of.
    ///
    /// # Errors
    /// `VIR_ERR_NO_DOMAIN`.
    pub async fn messages(&self) -> Result<Vec<String>> {
        self.connection.domains()?.messages(&self.reference, 0).await
    }

    /// Opens a console, by its alias or the first one.
    ///
    /// # Errors
    /// `VIR_ERR_OPERATION_FAILED` where somebody else has it open.
    pub async fn console(
        &self,
        device: Option<&str>,
        flags: OpenConsoleFlags,
    ) -> Result<Arc<dyn ByteStream>> {
        self.connection.domains()?.open_console(&self.reference, device, flags).await
    }
}
