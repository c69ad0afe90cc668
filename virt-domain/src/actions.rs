//! What a domain wants done when its guest powers off, reboots or panics.

use virt_types::text_enum;

text_enum! {
    /// What follows a power-off or a reboot (`<on_poweroff>`, `<on_reboot>`).
    pub enum Action {
        #[default] Destroy = "destroy", Restart = "restart", RenameRestart = "rename-restart", Preserve = "preserve",
    }
}

text_enum! {
    /// What follows a panic (`<on_crash>`).
    pub enum CrashAction {
        #[default] Destroy = "destroy", Restart = "restart", RenameRestart = "rename-restart", Preserve = "preserve",
        CoredumpDestroy = "coredump-destroy", CoredumpRestart = "coredump-restart",
    }
}

/// The three wishes together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Actions {
    /// `<on_poweroff>`
    pub on_poweroff: Action,
    /// `<on_reboot>`
    pub on_reboot: Action,
    /// `<on_crash>`
    pub on_crash: CrashAction,
}

impl Default for Actions {
    /// libvirt's: a power-off ends the guest, a reboot restarts it, a panic ends it.
    fn default() -> Self {
        Self { on_poweroff: Action::Destroy, on_reboot: Action::Restart, on_crash: CrashAction::Destroy }
    }
}
