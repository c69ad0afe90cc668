//! `<sound>`: sound cards.

use virt_types::{TextEnum, text_enum};
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use super::{Device, Domain, FormatContext, ParseContext};
use crate::Result;
use crate::common::DeviceInfo;
use crate::common::device_info::Takes;
use crate::error::unsupported_value;
use crate::grammar::Part;

text_enum! {
    /// What kind of card.
    pub enum SoundModel {
        #[default] Sb16 = "sb16", Es1370 = "es1370", Pcspk = "pcspk", Ac97 = "ac97", Ich6 = "ich6", Ich9 = "ich9",
        Usb = "usb", Ich7 = "ich7",
    }
}

text_enum! {
    /// What a codec of an HDA card can do.
    pub enum SoundCodec { #[default] Duplex = "duplex", Micro = "micro", Output = "output" }
}

/// A sound card.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sound {
    /// `model`.
    pub model: SoundModel,
    /// `multichannel`, of a USB card.
    pub multichannel: Option<bool>,
    /// `<codec>`s, of an HDA card.
    pub codecs: Vec<SoundCodec>,
    /// `<audio id='…'>`: the host side, from 1.
    pub audio: Option<u32>,
    /// Alias and address.
    pub info: DeviceInfo,
}

impl Device for Sound {
    const ELEMENT: &'static str = "sound";
    const GRAMMAR: &'static [Part] = GRAMMAR;

    fn parse(el: Element<'_>, cx: &ParseContext<'_>) -> Result<Self> {
        let model = el.required("model", el.attr_enum::<SoundModel>("model")?)?;
        let mut sound = Self { model, ..Self::default() };
        if model.has_codecs() {
            for codec in el.children_named("codec") {
                let text = codec.attr("type").unwrap_or_default();
                let codec = SoundCodec::from_text(text).ok_or_else(|| {
                    unsupported_value(codec, "type", format!("unknown codec type '{text}'"))
                })?;
                sound.codecs.push(codec);
            }
        }
        if model == SoundModel::Usb {
            sound.multichannel = el.attr_yes_no("multichannel")?;
        }
        if let Some(audio) = el.child("audio") {
            let id = audio.required("id", audio.attr_u32("id", Base::Ten)?)?;
            sound.audio = audio.nonzero("id", Some(id))?;
        }
        sound.info = DeviceInfo::parse(el, Takes::NOTHING, cx.flags)?;
        Ok(sound)
    }

    fn format(&self, w: &mut Writer, _cx: &FormatContext<'_>) {
        w.element(Self::ELEMENT, |w| {
            w.attr("model", self.model);
            if self.model == SoundModel::Usb {
                w.attr_yes_no("multichannel", self.multichannel);
            }
            for codec in &self.codecs {
                w.element("codec", |w| w.attr("type", codec));
            }
            if let Some(id) = self.audio {
                w.element("audio", |w| w.attr("id", id));
            }
            self.info.format(w, Takes::NOTHING);
        });
    }

    has_info!();

    fn validate(&self, domain: &Domain) -> Result<()> {
        domain.require_audio(self.audio)
    }
}

impl SoundModel {
    /// Whether the card is an HDA controller with codecs on it.
    #[must_use]
    pub const fn has_codecs(self) -> bool {
        matches!(self, Self::Ich6 | Self::Ich9)
    }
}

grammar! {
    GRAMMAR = [
        Must("model", OneOf(SoundModel::NAMES)), Attr("multichannel", YesNo), Many("codec", &[Must("type", OneOf(SoundCodec::NAMES))]),
        Opt("audio", &[Must("id", U32)]), With(crate::common::device_info::INFO),
    ];
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn forms_come_back_canonical_or_are_refused() {
        check::<Sound>(
            "<sound model='ich6'><codec type='micro'/><codec type='output'/></sound>",
            "<sound model='ich6'>\n  <codec type='micro'/>\n  <codec type='output'/>\n</sound>",
        );
        check::<Sound>("<sound model='ac97'><codec type='micro'/></sound>", "<sound model='ac97'/>");
        check::<Sound>(
            "<sound model='ich9'><codec type='x'/></sound>",
            "unsupported configuration: unknown codec type 'x'",
        );
        check::<Sound>("<sound model='ac97'><audio id='2'/></sound>", "XML error: no audio device with ID 2");
        check::<Sound>("<sound/>", "XML error: Missing required attribute 'model' in element 'sound'");
        check::<Sound>(
            "<sound model='usb'><audio id='0'/></sound>",
            "XML error: Invalid value for attribute 'id' in element 'audio': Zero is not permitted",
        );
    }
}
