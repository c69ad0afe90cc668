//! `<os firmware='…'>` and `<firmware>`: the choice of a firmware image by what it can do.

use virt_types::{TextEnum, text_enum};
use virt_xml::{Element, Writer};

use crate::error::xml_error;
use crate::{ParseFlags, Result};

text_enum! {
    /// Which kind of firmware.
    pub enum Firmware { Bios = "bios", Efi = "efi" }
}

text_enum! {
    /// `<feature name='…'>`
    pub enum FirmwareFeature { EnrolledKeys = "enrolled-keys", SecureBoot = "secure-boot" }
}

/// `<firmware>`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FirmwareFeatures {
    /// `enrolled-keys`: vendor keys are in the variable store.
    pub enrolled_keys: Option<bool>,
    /// `secure-boot`
    pub secure_boot: Option<bool>,
}

impl FirmwareFeatures {
    /// The features of `<os>`, and the kind that its attribute names.
    pub(super) fn parse(os: Element<'_>, flags: ParseFlags) -> Result<(Option<Firmware>, Self)> {
        let kind = os.attr("firmware").filter(|text| !text.is_empty());
        let elements = || os.child("firmware").into_iter().flat_map(|el| el.children_named("feature"));
        let mut features = Self::default();
        // Saved guests may have features without a kind, which mean nothing.
        if kind.is_none() && elements().next().is_some() && !flags.contains(ParseFlags::ABI_UPDATE) {
            return Ok((None, features));
        }
        for el in elements() {
            let feature: FirmwareFeature = el.required("name", el.attr_enum("name")?)?;
            let enabled = el.required("enabled", el.attr_yes_no("enabled")?)?;
            match feature {
                FirmwareFeature::EnrolledKeys => features.enrolled_keys = Some(enabled),
                FirmwareFeature::SecureBoot => features.secure_boot = Some(enabled),
            }
        }
        let kind = match kind {
            None => None,
            Some(text) => Some(
                Firmware::from_text(text)
                    .ok_or_else(|| xml_error(format!("unknown firmware value {text}")).at(os.place()))?,
            ),
        };
        Ok((kind, features))
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.element_if_any("firmware", |w| {
            for (feature, enabled) in [
                (FirmwareFeature::EnrolledKeys, self.enrolled_keys),
                (FirmwareFeature::SecureBoot, self.secure_boot),
            ] {
                if enabled.is_some() {
                    w.element("feature", |w| {
                        w.attr_yes_no("enabled", enabled);
                        w.attr("name", feature);
                    });
                }
            }
        });
    }

    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

grammar! {
    pub(super) GRAMMAR = [Many("feature", &[Must("name", OneOf(FirmwareFeature::NAMES)), Must("enabled", YesNo)])];
}
