//! `<tpm>`: a trusted platform module.

use std::collections::BTreeSet;

use virt_types::{ErrorCode, ErrorDomain, TextEnum, Uuid, text_enum};
use virt_xml::{Element, Writer};

use super::{Device, FormatContext, ParseContext};
use crate::Result;
use crate::common::chardev::{ChardevSource, Labels};
use crate::common::device_info::Takes;
use crate::common::{Chardev, DeviceInfo};
use crate::domain::Domain;
use crate::error::{internal, unsupported, xml_error};
use crate::grammar::Part;

/// The host's device where none is named.
const DEFAULT_DEVICE: &str = "/dev/tpm0";

text_enum! {
    /// How the guest sees it.
    pub enum TpmModel {
        #[default] Default = "default", Tis = "tpm-tis", Crb = "tpm-crb", Spapr = "tpm-spapr",
        SpaprProxy = "spapr-tpm-proxy",
    }
}

text_enum! {
    /// Who stands behind it.
    pub enum TpmBackendType { Passthrough = "passthrough", Emulator = "emulator", External = "external" }
}

text_enum! {
    /// The version of the standard.
    pub enum TpmVersion { #[default] Default = "default", V1_2 = "1.2", V2_0 = "2.0" }
}

text_enum! {
    /// A bank of registers.
    pub enum PcrBank { Sha1 = "sha1", Sha256 = "sha256", Sha384 = "sha384", Sha512 = "sha512" }
}

/// Who stands behind the module.
#[derive(Debug, Clone, PartialEq)]
pub enum TpmBackend {
    /// The host's own module, for this guest alone.
    Passthrough {
        /// `<device path='…'/>`.
        device: String,
    },
    /// A process that the engine starts.
    Emulator(TpmEmulator),
    /// A process that somebody else starts.
    External(Chardev),
}

impl Default for TpmBackend {
    fn default() -> Self {
        Self::Emulator(TpmEmulator::default())
    }
}

/// An emulated module.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TpmEmulator {
    /// `version`.
    pub version: TpmVersion,
    /// `persistent_state`: the state stays when the guest is forgotten.
    pub persistent_state: bool,
    /// `<encryption secret='…'/>`: the secret that the state is encrypted with.
    pub secret: Option<Uuid>,
    /// `<active_pcr_banks>`; empty where the emulator decides.
    pub pcr_banks: BTreeSet<PcrBank>,
}

/// A trusted platform module.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Tpm {
    /// `model`.
    pub model: TpmModel,
    /// `<backend>`.
    pub backend: TpmBackend,
    /// Alias and address.
    pub info: DeviceInfo,
}

impl TpmBackend {
    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> TpmBackendType {
        match self {
            Self::Passthrough { .. } => TpmBackendType::Passthrough,
            Self::Emulator(_) => TpmBackendType::Emulator,
            Self::External(_) => TpmBackendType::External,
        }
    }

    fn parse(el: Element<'_>, cx: &ParseContext<'_>) -> Result<Self> {
        Ok(match el.required("type", el.attr_enum("type")?)? {
            TpmBackendType::Passthrough => {
                let path = el.child("device").and_then(|device| device.attr("path"));
                let device = path.filter(|path| !path.is_empty()).unwrap_or(DEFAULT_DEVICE);
                Self::Passthrough { device: device.to_owned() }
            }
            TpmBackendType::Emulator => Self::Emulator(TpmEmulator::parse(el)?),
            TpmBackendType::External => Self::External(parse_external(el, cx)?),
        })
    }

    fn format(&self, w: &mut Writer) {
        w.attr("type", self.kind().text());
        match self {
            Self::Passthrough { device } => w.element("device", |w| w.attr("path", device)),
            Self::Emulator(emulator) => emulator.format(w),
            Self::External(chardev) => {
                if let ChardevSource::Unix(unix) = &chardev.source {
                    w.element("source", |w| {
                        w.attr("type", "unix");
                        w.attr("mode", "connect");
                        w.attr_opt("path", unix.path.as_ref());
                    });
                }
            }
        }
    }
}

fn parse_external(el: Element<'_>, cx: &ParseContext<'_>) -> Result<Chardev> {
    let source = el.child("source");
    let Some(source) = source.filter(|source| source.attr("type").is_some_and(|kind| !kind.is_empty()))
    else {
        return Err(xml_error("missing external TPM backend source type").at(el.place()));
    };
    let kind = source.attr("type").unwrap_or_default();
    let Some(kind) = TextEnum::from_text(kind) else {
        let detail = format!("unknown backend source type '{kind}' for external TPM");
        return Err(source.attr_error("type", ErrorCode::ConfigUnsupported, ErrorDomain::Domain, detail));
    };
    Chardev::parse(el, kind, Labels::Ignored, cx.flags)
}

impl TpmEmulator {
    fn parse(el: Element<'_>) -> Result<Self> {
        let version = el.attr_enum_but("version", TpmVersion::Default)?.unwrap_or_default();
        let secret = el.child("encryption").and_then(|encryption| encryption.attr("secret"));
        let secret = match secret.filter(|secret| !secret.is_empty()) {
            Some(text) => Some(
                text.parse()
                    .map_err(|_| internal(format!("Unable to parse secret uuid '{text}'")).at(el.place()))?,
            ),
            None => None,
        };
        let persistent_state = match el.attr("persistent_state") {
            None | Some("no") => false,
            Some("yes") => true,
            Some(_) => {
                let detail = "Invalid persistent_state value, either 'yes' or 'no'";
                return Err(internal(detail).at(el.place()));
            }
        };
        let mut pcr_banks = BTreeSet::new();
        if let Some(banks) = el.child("active_pcr_banks") {
            banks.take_all();
            for bank in banks.children() {
                pcr_banks.insert(PcrBank::from_text(bank.name()).ok_or_else(|| {
                    unsupported(format!("Unsupported PCR banks '{}'", bank.name())).at(bank.place())
                })?);
            }
        }
        Ok(Self { version, persistent_state, secret, pcr_banks })
    }

    fn format(&self, w: &mut Writer) {
        if self.version != TpmVersion::Default {
            w.attr("version", self.version.text());
        }
        w.attr_opt("persistent_state", self.persistent_state.then_some("yes"));
        if let Some(secret) = &self.secret {
            w.element("encryption", |w| w.attr("secret", secret));
        }
        w.element_if_any("active_pcr_banks", |w| {
            for bank in &self.pcr_banks {
                w.element(bank.text(), |_| {});
            }
        });
    }
}

impl Device for Tpm {
    const ELEMENT: &'static str = "tpm";
    const GRAMMAR: &'static [Part] = GRAMMAR;

    fn parse(el: Element<'_>, cx: &ParseContext<'_>) -> Result<Self> {
        let model = el.attr_enum_but("model", TpmModel::Default)?.unwrap_or_default();
        let mut backends = el.children_named("backend");
        let backend = match (backends.next(), backends.next()) {
            (Some(backend), None) => TpmBackend::parse(backend, cx)?,
            (Some(_), Some(second)) => {
                return Err(xml_error("only one TPM backend is supported").at(second.place()));
            }
            (None, _) => return Err(xml_error("missing TPM device backend").at(el.place())),
        };
        Ok(Self { model, backend, info: DeviceInfo::parse(el, Takes::NOTHING, cx.flags)? })
    }

    fn format(&self, w: &mut Writer, _cx: &FormatContext<'_>) {
        w.element(Self::ELEMENT, |w| {
            if self.model != TpmModel::Default {
                w.attr("model", self.model.text());
            }
            w.element("backend", |w| self.backend.format(w));
            self.info.format(w, Takes::NOTHING);
        });
    }

    has_info!();

    fn validate(&self, _domain: &Domain) -> Result<()> {
        match &self.backend {
            TpmBackend::Emulator(emulator)
                if !emulator.pcr_banks.is_empty() && emulator.version != TpmVersion::V2_0 =>
            {
                Err(xml_error(format!("<active_pcr_banks/> requires TPM version '{}'", TpmVersion::V2_0)))
            }
            TpmBackend::External(chardev) => match &chardev.source {
                ChardevSource::Unix(unix) if unix.listen => {
                    Err(xml_error("only 'connect' mode is supported for external TPM device"))
                }
                ChardevSource::Unix(unix) if unix.path.is_none() => {
                    Err(xml_error("missing socket path for external TPM device"))
                }
                ChardevSource::Unix(_) => Ok(()),
                _ => Err(xml_error("only source type 'unix' is supported for external TPM device")),
            },
            TpmBackend::Passthrough { .. } | TpmBackend::Emulator(_) => Ok(()),
        }
    }

    fn check_abi(&self, target: &Self) -> Result<()> {
        let differs = |what: &str| Err(unsupported(format!("Target {what} doesn't match source")));
        if self.backend.kind() != target.backend.kind() {
            return differs("TPM device type");
        }
        if self.model != target.model {
            return differs("TPM device model");
        }
        if let (TpmBackend::Emulator(source), TpmBackend::Emulator(target)) = (&self.backend, &target.backend)
        {
            if source.version != target.version {
                return differs("TPM version");
            }
            if source.pcr_banks != target.pcr_banks {
                return differs("active PCR banks");
            }
        }
        self.info.check_abi(&target.info)
    }
}

grammar! {
    GRAMMAR = [
        Attr("model", OneOf(TpmModel::NAMES)),
        One("backend", &[
            Must("type", OneOf(TpmBackendType::NAMES)), Attr("version", OneOf(&["1.2", "2.0"])),
            When("type", &["passthrough"], &[One("device", &[Must("path", PATH)])]),
            When("type", &["emulator"], &[
                Attr("persistent_state", YesNo), Opt("encryption", &[Must("secret", UUID)]),
                Opt("source", &[Must("type", OneOf(&["file", "dir"])), Must("path", PATH)]),
                Opt("active_pcr_banks", &[
                    Opt("sha1", FLAG), Opt("sha256", FLAG), Opt("sha384", FLAG), Opt("sha512", FLAG),
                ]),
                Opt("log", &[Must("file", PATH), Attr("append", OnOff)]), Opt("protocol", &[Attr("type", Str)]),
            ]),
            When("type", &["external"], &[
                Opt("source", &[
                    Must("type", OneOf(&["unix"])), Attr("mode", OneOf(&["connect"])), Must("path", PATH),
                    Opt("reconnect", crate::common::chardev::RECONNECT),
                ]),
                Opt("log", &[Must("file", PATH), Attr("append", OnOff)]), Opt("protocol", &[Attr("type", Str)]),
            ]),
        ]),
        With(crate::common::device_info::INFO),
    ];
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn each_backend_has_its_parts() {
        for (xml, expected) in [
            (
                "<tpm model='tpm-tis'><backend type='passthrough'/></tpm>",
                "<tpm model='tpm-tis'>\n  <backend type='passthrough'>\n    <device path='/dev/tpm0'/>\n  </backend>\n</tpm>",
            ),
            (
                "<tpm><backend type='emulator' version='2.0' persistent_state='yes'><active_pcr_banks><sha384/><sha1/></active_pcr_banks><encryption secret='32ee7e76-2178-47a1-ab7b-269e6e348015'/></backend></tpm>",
                "<tpm>\n  <backend type='emulator' version='2.0' persistent_state='yes'>\n    <encryption secret='32ee7e76-2178-47a1-ab7b-269e6e348015'/>\n    <active_pcr_banks>\n      <sha1/>\n      <sha384/>\n    </active_pcr_banks>\n  </backend>\n</tpm>",
            ),
            (
                "<tpm><backend type='external'><source type='unix' path='/s'/></backend></tpm>",
                "<tpm>\n  <backend type='external'>\n    <source type='unix' mode='connect' path='/s'/>\n  </backend>\n</tpm>",
            ),
            ("<tpm/>", "XML error: missing TPM device backend"),
            (
                "<tpm><backend type='emulator'/><backend type='emulator'/></tpm>",
                "XML error: only one TPM backend is supported",
            ),
            (
                "<tpm><backend type='emulator' version='1.2'><active_pcr_banks><sha1/></active_pcr_banks></backend></tpm>",
                "XML error: <active_pcr_banks/> requires TPM version '2.0'",
            ),
            (
                "<tpm><backend type='emulator'><active_pcr_banks><md5/></active_pcr_banks></backend></tpm>",
                "unsupported configuration: Unsupported PCR banks 'md5'",
            ),
            (
                "<tpm><backend type='external'><source type='tcp' host='h' service='1'/></backend></tpm>",
                "XML error: only source type 'unix' is supported for external TPM device",
            ),
        ] {
            check::<Tpm>(xml, expected);
        }
    }
}
