//! What runs a guest's processors, and why.

use std::fmt;

use clap::ValueEnum;
use serde_json::{Value, json};
use virt_core::Error;
use virt_core::conf::domain::VirtType;
use virt_core::qemu::host::{Refusal, kvm_refusal};

/// What the user wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Wish {
    /// KVM if it can be used, else emulation
    Auto,
    /// KVM, or nothing
    Kvm,
    /// Emulation
    Tcg,
}

/// What was chosen, and why.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Acceleration {
    /// The processor itself.
    Kvm,
    /// Emulation, because the user wants it.
    Emulated,
    /// Emulation, because KVM can not be used.
    Refused(Refusal),
}

impl Acceleration {
    /// Chooses by what this process may use.
    pub(super) fn choose(wish: Wish) -> Self {
        match wish {
            Wish::Kvm => Self::Kvm,
            Wish::Tcg => Self::Emulated,
            Wish::Auto => kvm_refusal().map_or(Self::Kvm, Self::Refused),
        }
    }

    /// Emulation, because QEMU did not come up with KVM.
    pub(super) fn after(error: &Error) -> Self {
        let words = error.detail().trim_start_matches("qemu unexpectedly closed the monitor: ");
        let reason = format!("QEMU does not come up with it: {}", words.lines().next().unwrap_or_default());
        let hint = "--accel kvm shows all that QEMU says, --accel tcg does not try KVM".to_owned();
        Self::Refused(Refusal { reason, hint })
    }

    pub(super) const fn virt_type(&self) -> VirtType {
        match self {
            Self::Kvm => VirtType::Kvm,
            Self::Emulated | Self::Refused(_) => VirtType::Qemu,
        }
    }

    /// `type` (`kvm` or `qemu`), and if KVM was refused, `refusal` with `reason` and `hint`.
    pub(super) fn as_json(&self) -> Value {
        let refusal = match self {
            Self::Refused(Refusal { reason, hint }) => json!({ "reason": reason, "hint": hint }),
            _ => Value::Null,
        };
        json!({ "type": self.virt_type().to_string(), "refusal": refusal })
    }
}

impl fmt::Display for Acceleration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kvm => f.write_str("acceleration: KVM"),
            Self::Emulated => f.write_str("acceleration: none, the processor is emulated, as asked for"),
            Self::Refused(Refusal { reason, hint }) => write!(
                f,
                "acceleration: none, the processor is emulated, which is slow; KVM can not be used: {reason}\n  hint: {hint}"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fallback_says_why() {
        let refused = Acceleration::Refused(Refusal { reason: "it is locked".into(), hint: "unlock it".into() });
        let text = refused.to_string();
        assert!(text.contains("it is locked") && text.contains("unlock it"), "{text}");
        assert_eq!(refused.virt_type(), VirtType::Qemu);
        assert_eq!(refused.as_json()["refusal"]["reason"], "it is locked");
        assert_eq!(Acceleration::choose(Wish::Tcg), Acceleration::Emulated);
        assert_eq!(Acceleration::choose(Wish::Kvm).as_json(), json!({ "type": "kvm", "refusal": null }));
    }
}
