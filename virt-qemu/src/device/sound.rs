//! `<sound>` as sound cards and codecs; the PC speaker is part of the machine.

use virt_conf::domain::device::{Sound, SoundCodec, SoundModel};
use virt_conf::domain::passes::address::Connect;
use virt_types::Result;

use super::audio::audio_id;
use super::common::address;
use super::{QemuContext, QemuDevice};
use crate::caps::Cap;
use crate::error::{internal, unsupported};
use crate::plan::{DevicePlan, PlanContext, Props};
use crate::policy::{AttachContext, Attachment};

impl QemuDevice for Sound {
    fn check(&self, cx: &QemuContext<'_>) -> Result<()> {
        match self.model {
            SoundModel::Usb if !cx.caps.has(Cap::UsbAudio) => {
                return Err(unsupported("usb-audio controller is not supported by this QEMU binary"));
            }
            SoundModel::Ich9 if !cx.caps.has(Cap::Ich9IntelHda) => {
                return Err(unsupported(
                    "The ich9-intel-hda audio controller is not supported in this QEMU binary",
                ));
            }
            SoundModel::Ich7 => {
                return Err(internal(format!("sound card model '{}' is not supported by qemu", self.model)));
            }
            SoundModel::Sb16
            | SoundModel::Es1370
            | SoundModel::Pcspk
            | SoundModel::Ac97
            | SoundModel::Ich6
            | SoundModel::Ich9
            | SoundModel::Usb => {}
        }
        for codec in &self.codecs {
            let (driver, cap) = codec_driver(*codec);
            if !cap.is_none_or(|cap| cx.caps.has(cap)) {
                return Err(unsupported(format!("{driver} not supported in this QEMU binary")));
            }
        }
        Ok(())
    }

    fn attachment(&self, _cx: &AttachContext<'_>) -> Attachment {
        match self.model {
            SoundModel::Es1370 | SoundModel::Ac97 | SoundModel::Ich6 | SoundModel::Ich9 => {
                Attachment::pci(AttachContext::CONVENTIONAL)
            }
            SoundModel::Usb => Attachment::usb(),
            SoundModel::Ich7 => Attachment::pci(Connect::empty()),
            SoundModel::Sb16 | SoundModel::Pcspk => Attachment::default(),
        }
    }

    fn machine_option(&self, cx: &PlanContext<'_>) -> Result<Option<String>> {
        // The speaker is part of the board; only its backend is told.
        if self.model != SoundModel::Pcspk {
            return Ok(None);
        }
        Ok(Some(format!("pcspk-audiodev={}", audio_id(cx.domain, self.audio)?)))
    }

    fn plan(&self, cx: &mut PlanContext<'_>) -> Result<DevicePlan> {
        let mut plan = DevicePlan::default();
        let driver = match self.model {
            SoundModel::Pcspk | SoundModel::Ich7 => return Ok(plan),
            SoundModel::Es1370 => "ES1370",
            SoundModel::Ac97 => "AC97",
            SoundModel::Ich6 => "intel-hda",
            SoundModel::Ich9 => "ich9-intel-hda",
            SoundModel::Usb => "usb-audio",
            SoundModel::Sb16 => "sb16",
        };
        let id = self.info.alias.clone().unwrap_or_default();
        let audiodev = audio_id(cx.domain, self.audio)?;
        let mut props = Props::new().str("driver", driver).str("id", id.clone());
        if !self.model.has_codecs() {
            props = props.str("audiodev", audiodev.clone());
        }
        props = props.opt_bool("multi", self.multichannel);
        plan.device(&self.info, props.extend(address::props(cx.domain, &self.info)?));
        if self.model.has_codecs() {
            let implicit = [SoundCodec::Duplex];
            let codecs = if self.codecs.is_empty() { &implicit[..] } else { &self.codecs };
            for (cad, codec) in (0u32..).zip(codecs) {
                let props = Props::new()
                    .str("driver", codec_driver(*codec).0)
                    .str("id", format!("{id}-codec{cad}"))
                    .str("bus", format!("{id}.0"))
                    .u64("cad", cad)
                    .str("audiodev", audiodev.clone());
                plan.parts.push(crate::plan::Part::Device(props));
            }
        }
        Ok(plan)
    }
}

/// QEMU's name of a codec, and the capability behind it where not every QEMU has it.
const fn codec_driver(codec: SoundCodec) -> (&'static str, Option<Cap>) {
    match codec {
        SoundCodec::Duplex => ("hda-duplex", None),
        SoundCodec::Micro => ("hda-micro", Some(Cap::HdaMicro)),
        SoundCodec::Output => ("hda-output", Some(Cap::HdaOutput)),
    }
}
