//! `<audio>` as `-audiodev`.

use virt_conf::domain::Domain;
use virt_conf::domain::device::{
    AlsaSide, Audio, AudioBackend, AudioSide, AudioType, BufferedSide, GraphicsType, JackSide, OssSide,
    Sides, StreamSide,
};
use virt_types::{Result, TextEnum};

use super::{QemuContext, QemuDevice};
use crate::caps::Cap;
use crate::error::{internal, unsupported};
use crate::plan::{DevicePlan, Part, PlanContext, Props};

impl QemuDevice for Audio {
    fn check(&self, cx: &QemuContext<'_>) -> Result<()> {
        let has = |kind| cx.domain.devices.graphics.iter().any(|display| display.kind() == kind);
        match self.backend.kind() {
            AudioType::Spice if !has(GraphicsType::Spice) => {
                Err(unsupported("Spice audio is not supported without spice graphics"))
            }
            AudioType::Dbus if !cx.caps.has(Cap::DisplayDbus) => {
                Err(unsupported("D-Bus audio is not supported with this QEMU"))
            }
            AudioType::Pipewire if !cx.caps.has(Cap::AudiodevPipewire) => {
                Err(unsupported("PipeWire audio is not supported with this QEMU"))
            }
            AudioType::None
            | AudioType::Alsa
            | AudioType::CoreAudio
            | AudioType::Jack
            | AudioType::Oss
            | AudioType::PulseAudio
            | AudioType::Sdl
            | AudioType::Spice
            | AudioType::File
            | AudioType::Dbus
            | AudioType::Pipewire => Ok(()),
        }
    }

    fn plan(&self, cx: &mut PlanContext<'_>) -> Result<DevicePlan> {
        let mut props = Props::new()
            .str("id", format!("audio{}", self.id))
            .str("driver", driver(self.backend.kind()))
            .opt_u64("timer-period", self.timer_period);
        let nothing = || (Props::new(), Props::new());
        let (input, output) = match &self.backend {
            AudioBackend::None | AudioBackend::Spice | AudioBackend::Dbus => nothing(),
            AudioBackend::File { path } => {
                props = props.opt_str("path", path.clone());
                nothing()
            }
            AudioBackend::Alsa(sides) => both(sides, alsa),
            AudioBackend::CoreAudio(sides) => both(sides, buffered),
            AudioBackend::Jack(sides) => both(sides, jack),
            AudioBackend::Oss { try_mmap, exclusive, dsp_policy, sides } => {
                props = props
                    .opt_bool("try-mmap", *try_mmap)
                    .opt_bool("exclusive", *exclusive)
                    .opt_u64("dsp-policy", *dsp_policy);
                both(sides, oss)
            }
            AudioBackend::PulseAudio { server_name, sides } => {
                props = props.opt_str("server", server_name.clone());
                both(sides, stream)
            }
            AudioBackend::Sdl { driver, sides } => {
                if let Some(driver) = driver {
                    cx.env("SDL_AUDIODRIVER", driver.text());
                }
                both(sides, buffered)
            }
            AudioBackend::Pipewire { runtime_dir, sides } => {
                if let Some(dir) = runtime_dir {
                    cx.env("PIPEWIRE_RUNTIME_DIR", dir);
                }
                both(sides, stream)
            }
        };
        for (name, side, own) in [("in", &self.input, input), ("out", &self.output, output)] {
            let side = common(side).extend(own);
            if !side.is_empty() {
                props = props.object(name, side);
            }
        }
        Ok(DevicePlan { parts: vec![Part::Audiodev(props)], ..DevicePlan::default() })
    }
}

/// The id of the audio backend that a sound card or display means.
///
/// # Errors
/// Where there is none.
pub(super) fn audio_id(domain: &Domain, id: Option<u32>) -> Result<String> {
    let audio = domain.audio(id);
    audio
        .map(|audio| format!("audio{}", audio.id))
        .ok_or_else(|| internal("unable to find audio backend for sound device"))
}

/// QEMU's name of a kind of backend.
#[must_use]
pub const fn driver(kind: AudioType) -> &'static str {
    match kind {
        AudioType::None => "none",
        AudioType::Alsa => "alsa",
        AudioType::CoreAudio => "coreaudio",
        AudioType::Jack => "jack",
        AudioType::Oss => "oss",
        AudioType::PulseAudio => "pa",
        AudioType::Sdl => "sdl",
        AudioType::Spice => "spice",
        AudioType::File => "wav",
        AudioType::Dbus => "dbus",
        AudioType::Pipewire => "pipewire",
    }
}

fn both<T>(sides: &Sides<T>, props: impl Fn(&T) -> Props) -> (Props, Props) {
    (props(&sides.input), props(&sides.output))
}

fn common(side: &AudioSide) -> Props {
    Props::new()
        .opt_bool("mixing-engine", side.mixing_engine)
        .opt_bool("fixed-settings", side.fixed_settings)
        .opt_u64("voices", side.voices)
        .opt_u64("buffer-length", side.buffer_length)
        .opt_u64("frequency", side.frequency)
        .opt_u64("channels", side.channels)
        .opt_str("format", side.format.map(TextEnum::text))
}

fn alsa(side: &AlsaSide) -> Props {
    Props::new().opt_str("dev", side.device.clone())
}

fn buffered(side: &BufferedSide) -> Props {
    Props::new().opt_u64("buffer-count", side.buffer_count)
}

fn jack(side: &JackSide) -> Props {
    Props::new()
        .opt_str("server-name", side.server_name.clone())
        .opt_str("client-name", side.client_name.clone())
        .opt_str("connect-ports", side.connect_ports.clone())
        .opt_bool("exact-name", side.exact_name)
}

fn oss(side: &OssSide) -> Props {
    Props::new()
        .opt_str("dev", side.device.clone())
        .opt_u64("buffer-count", side.buffer_count)
        .opt_bool("try-poll", side.try_poll)
}

fn stream(side: &StreamSide) -> Props {
    Props::new()
        .opt_str("name", side.name.clone())
        .opt_str("stream-name", side.stream_name.clone())
        .opt_u64("latency", side.latency)
}
