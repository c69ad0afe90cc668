//! `<on_poweroff>`, `<on_reboot>`, `<on_crash>`, `<on_lockfailure>`.

use virt_types::{TextEnum, text_enum};
use virt_xml::{Element, Writer};

use crate::Result;
use crate::error::unsupported;

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

/// The actions as written; the methods add libvirt's defaults.
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

impl Lifecycle {
    pub(super) fn parse(domain: Element<'_>) -> Result<Self> {
        Ok(Self {
            on_reboot: action(domain, "on_reboot")?,
            on_poweroff: action(domain, "on_poweroff")?,
            on_crash: action(domain, "on_crash")?,
            on_lockfailure: match domain.child_text("on_lockfailure").as_deref() {
                Some("default") => None,
                _ => action(domain, "on_lockfailure")?,
            },
        })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.text_element("on_poweroff", self.poweroff());
        w.text_element("on_reboot", self.reboot());
        w.text_element("on_crash", self.crash());
        w.text_element_opt("on_lockfailure", self.on_lockfailure);
    }

    /// Cores are dumped of crashed guests only.
    pub(super) fn validate(&self) -> Result<()> {
        for (event, action) in [("poweroff", self.on_poweroff), ("reboot", self.on_reboot)] {
            if let Some(action @ (LifecycleAction::CoredumpDestroy | LifecycleAction::CoredumpRestart)) =
                action
            {
                let detail = format!("Lifecycle event '{event}' doesn't support '{action}' action");
                return Err(unsupported(detail));
            }
        }
        Ok(())
    }

    /// What is done when the guest powers off.
    #[must_use]
    pub fn poweroff(&self) -> LifecycleAction {
        self.on_poweroff.unwrap_or(LifecycleAction::Destroy)
    }

    /// What is done when the guest reboots.
    #[must_use]
    pub fn reboot(&self) -> LifecycleAction {
        self.on_reboot.unwrap_or(LifecycleAction::Restart)
    }

    /// What is done when the guest crashes.
    #[must_use]
    pub fn crash(&self) -> LifecycleAction {
        self.on_crash.unwrap_or(LifecycleAction::Destroy)
    }
}

fn action<T: TextEnum>(domain: Element<'_>, name: &'static str) -> Result<Option<T>> {
    match domain.child_text(name) {
        None => Ok(None),
        Some(text) => T::from_text(&text)
            .map(Some)
            .ok_or_else(|| unsupported(format!("unknown {name} action: {text}")).at(domain.place())),
    }
}

grammar! {
    pub(super) GRAMMAR = [
        Opt("on_poweroff", &[Text(OneOf(LifecycleAction::NAMES))]), Opt("on_reboot", &[Text(OneOf(LifecycleAction::NAMES))]),
        Opt("on_crash", &[Text(OneOf(LifecycleAction::NAMES))]), Opt("on_lockfailure", &[Text(OneOf(LockFailureAction::NAMES))]),
    ];
}
