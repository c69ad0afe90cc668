//! `<on_poweroff>`, `<on_reboot>`, `<on_crash>`, `<on_lockfailure>`.

use virt_types::text_enum;

text_enum! {
    /// What is done when a guest ends in one of the ways it may.
    pub enum LifecycleAction {
        Destroy = "destroy", Restart = "restart", RestartRename = "rename-restart", Preserve = "preserve",
        CoredumpDestroy = "coredump-destroy", CoredumpRestart = "coredump-restart",
    }
}

text_enum! {
    /// What is done when the lease of a resource is lost.
    pub enum LockFailureAction { Poweroff = "poweroff", Restart = "restart", Pause = "pause", Ignore = "ignore" }
}

/// The actions; absent ones are filled with libvirt's defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lifecycle {
    /// `<on_poweroff>`
    pub on_poweroff: Option<LifecycleAction>,
    /// `<on_reboot>`
    pub on_reboot: Option<LifecycleAction>,
    /// `<on_crash>`
    pub on_crash: Option<LifecycleAction>,
    /// `<on_lockfailure>`
    pub on_lockfailure: Option<LockFailureAction>,
}
