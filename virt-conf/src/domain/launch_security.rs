//! `<launchSecurity>`: guests whose memory the host can not read.

use virt_types::text_enum;
use virt_xml::number::{Base, parse_u32};
use virt_xml::{Element, Writer};

use crate::Result;
use crate::error::xml_error;

text_enum! { enum Kind { Sev = "sev", S390Pv = "s390-pv" } }

/// AMD's Secure Encrypted Virtualization.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sev {
    /// `kernelHashes`
    pub kernel_hashes: Option<bool>,
    /// `<cbitpos>`
    pub cbitpos: Option<u32>,
    /// `<reducedPhysBits>`
    pub reduced_phys_bits: Option<u32>,
    /// `<policy>`
    pub policy: u32,
    /// `<dhCert>`
    pub dh_cert: Option<String>,
    /// `<session>`
    pub session: Option<String>,
}

/// `<launchSecurity>`
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LaunchSecurity {
    /// `type='sev'`
    Sev(Sev),
    /// `type='s390-pv'`
    S390Pv,
}

impl LaunchSecurity {
    pub(super) fn parse(domain: Element<'_>) -> Result<Option<Self>> {
        let Some(el) = domain.child("launchSecurity") else { return Ok(None) };
        match el.required("type", el.attr_enum("type")?)? {
            Kind::Sev => Sev::parse(el).map(Self::Sev).map(Some),
            Kind::S390Pv => Ok(Some(Self::S390Pv)),
        }
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.element("launchSecurity", |w| match self {
            Self::Sev(sev) => sev.format(w),
            Self::S390Pv => w.attr("type", Kind::S390Pv),
        });
    }
}

impl Sev {
    fn parse(el: Element<'_>) -> Result<Self> {
        let number = |name: &'static str, words: &str| match el.child_text(name) {
            None => Ok(None),
            Some(text) => parse_u32(&text, Base::Ten).map(Some).ok_or_else(|| {
                xml_error(format!("Invalid format for launch security {words}")).at(el.place())
            }),
        };
        let kernel_hashes = el.attr_yes_no("kernelHashes")?;
        let policy = el.child_text("policy").and_then(|text| parse_u32(&text, Base::Sixteen));
        Ok(Self {
            kernel_hashes,
            policy: policy.ok_or_else(|| xml_error("failed to get launch security policy").at(el.place()))?,
            cbitpos: number("cbitpos", "cbitpos")?,
            reduced_phys_bits: number("reducedPhysBits", "reduced-phys-bits")?,
            dh_cert: el.child_text("dhCert"),
            session: el.child_text("session"),
        })
    }

    fn format(&self, w: &mut Writer) {
        w.attr("type", Kind::Sev);
        w.attr_yes_no("kernelHashes", self.kernel_hashes);
        w.text_element_opt("cbitpos", self.cbitpos);
        w.text_element_opt("reducedPhysBits", self.reduced_phys_bits);
        w.text_element("policy", format_args!("{:#06x}", self.policy));
        w.text_element_opt("dhCert", self.dh_cert.as_ref());
        w.text_element_opt("session", self.session.as_ref());
    }
}

grammar! {
    pub(super) GRAMMAR = [
        Must("type", OneOf(Kind::NAMES)),
        When("type", &["sev"], &[
            Attr("kernelHashes", YesNo), Opt("cbitpos", &[Text(U32)]), Opt("reducedPhysBits", &[Text(U32)]), One("policy", &[Text(Hex(0xffff_ffff))]),
            Opt("dhCert", TEXT), Opt("session", TEXT),
        ]),
    ];
}
