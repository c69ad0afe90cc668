//! `<audio>`: where the guest's sound goes to and comes from on the host.

mod side;

use virt_types::text_enum;
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

pub use side::{AlsaSide, AudioFormat, AudioSide, BufferedSide, JackSide, OssSide, Sides, StreamSide};
use side::{OwnSide, parse_sides};

use super::{Device, Domain, FormatContext, ParseContext};
use crate::Result;
use crate::common::DeviceInfo;
use crate::error::xml_error;
use crate::grammar::Part;

text_enum! {
    /// The kinds of backend.
    pub enum AudioType {
        #[default] None = "none", Alsa = "alsa", CoreAudio = "coreaudio", Jack = "jack", Oss = "oss",
        PulseAudio = "pulseaudio", Sdl = "sdl", Spice = "spice", File = "file", Dbus = "dbus",
        Pipewire = "pipewire",
    }
}

text_enum! {
    /// What SDL plays through.
    pub enum SdlDriver { Esd = "esd", Alsa = "alsa", Arts = "arts", PulseAudio = "pulseaudio" }
}

/// An audio backend.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Audio {
    /// `id`, from 1: sound cards and displays refer to it.
    pub id: u32,
    /// `timerPeriod`, microseconds.
    pub timer_period: Option<u32>,
    /// What every backend has for recording.
    pub input: AudioSide,
    /// What every backend has for playback.
    pub output: AudioSide,
    /// The kind, and what only it has.
    pub backend: AudioBackend,
}

/// The kind of an audio backend, and what only it has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum AudioBackend {
    /// Silence.
    #[default]
    None,
    /// ALSA.
    Alsa(Sides<AlsaSide>),
    /// Core Audio of macOS.
    CoreAudio(Sides<BufferedSide>),
    /// JACK.
    Jack(Sides<JackSide>),
    /// OSS.
    Oss {
        /// `tryMMap`.
        try_mmap: Option<bool>,
        /// `exclusive`.
        exclusive: Option<bool>,
        /// `dspPolicy`: timing, from 0 to 10.
        dsp_policy: Option<u32>,
        /// Recording and playback.
        sides: Sides<OssSide>,
    },
    /// PulseAudio.
    PulseAudio {
        /// `serverName`: address of the server.
        server_name: Option<String>,
        /// Recording and playback.
        sides: Sides<StreamSide>,
    },
    /// SDL.
    Sdl {
        /// `driver`.
        driver: Option<SdlDriver>,
        /// Recording and playback.
        sides: Sides<BufferedSide>,
    },
    /// The clients of the SPICE server.
    Spice,
    /// A file.
    File {
        /// `path`.
        path: Option<String>,
    },
    /// The message bus of a D-Bus display.
    Dbus,
    /// PipeWire.
    Pipewire {
        /// `runtimeDir`: directory of the server's socket.
        runtime_dir: Option<String>,
        /// Recording and playback.
        sides: Sides<StreamSide>,
    },
}

impl AudioBackend {
    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> AudioType {
        match self {
            Self::None => AudioType::None,
            Self::Alsa(_) => AudioType::Alsa,
            Self::CoreAudio(_) => AudioType::CoreAudio,
            Self::Jack(_) => AudioType::Jack,
            Self::Oss { .. } => AudioType::Oss,
            Self::PulseAudio { .. } => AudioType::PulseAudio,
            Self::Sdl { .. } => AudioType::Sdl,
            Self::Spice => AudioType::Spice,
            Self::File { .. } => AudioType::File,
            Self::Dbus => AudioType::Dbus,
            Self::Pipewire { .. } => AudioType::Pipewire,
        }
    }

    fn parse(kind: AudioType, el: Element<'_>) -> Result<Self> {
        let owned = |name| el.attr(name).map(str::to_owned);
        Ok(match kind {
            AudioType::None => Self::None,
            AudioType::Alsa => Self::Alsa(parse_sides(el)?),
            AudioType::CoreAudio => Self::CoreAudio(parse_sides(el)?),
            AudioType::Jack => Self::Jack(parse_sides(el)?),
            AudioType::Oss => {
                let (try_mmap, exclusive) = (el.attr_yes_no("tryMMap")?, el.attr_yes_no("exclusive")?);
                let dsp_policy = el
                    .attr_i32("dspPolicy", Base::Ten)?
                    .map(|value| {
                        u32::try_from(value).map_err(|_| {
                            let detail = format!("cannot parse 'dspPolicy' value '{value}'");
                            xml_error(detail).at(el.place())
                        })
                    })
                    .transpose()?;
                Self::Oss { try_mmap, exclusive, dsp_policy, sides: parse_sides(el)? }
            }
            AudioType::PulseAudio => {
                Self::PulseAudio { server_name: owned("serverName"), sides: parse_sides(el)? }
            }
            AudioType::Sdl => Self::Sdl { driver: el.attr_enum("driver")?, sides: parse_sides(el)? },
            AudioType::Spice => Self::Spice,
            AudioType::File => Self::File { path: owned("path") },
            AudioType::Dbus => Self::Dbus,
            AudioType::Pipewire => {
                Self::Pipewire { runtime_dir: owned("runtimeDir"), sides: parse_sides(el)? }
            }
        })
    }

    fn format_attributes(&self, w: &mut Writer) {
        match self {
            Self::Oss { try_mmap, exclusive, dsp_policy, .. } => {
                w.attr_yes_no("tryMMap", *try_mmap);
                w.attr_yes_no("exclusive", *exclusive);
                w.attr_opt("dspPolicy", *dsp_policy);
            }
            Self::PulseAudio { server_name, .. } => w.attr_opt("serverName", server_name.as_ref()),
            Self::Sdl { driver, .. } => w.attr_opt("driver", *driver),
            Self::File { path } => w.attr_opt("path", path.as_ref()),
            Self::Pipewire { runtime_dir, .. } => w.attr_opt("runtimeDir", runtime_dir.as_ref()),
            Self::None | Self::Alsa(_) | Self::CoreAudio(_) | Self::Jack(_) | Self::Spice | Self::Dbus => {}
        }
    }
}

impl Device for Audio {
    const ELEMENT: &'static str = "audio";
    const GRAMMAR: &'static [Part] = GRAMMAR;

    fn parse(el: Element<'_>, _cx: &ParseContext<'_>) -> Result<Self> {
        let kind = el.required("type", el.attr_enum::<AudioType>("type")?)?;
        let id = el.required("id", el.nonzero("id", el.attr_u32("id", Base::Ten)?)?)?;
        let timer_period = el.nonzero("timerPeriod", el.attr_u32("timerPeriod", Base::Ten)?)?;
        let side = |name| el.child(name).map_or_else(|| Ok(AudioSide::default()), AudioSide::parse);
        let (input, output) = (side("input")?, side("output")?);
        Ok(Self { id, timer_period, input, output, backend: AudioBackend::parse(kind, el)? })
    }

    fn format(&self, w: &mut Writer, _cx: &FormatContext<'_>) {
        w.element(Self::ELEMENT, |w| {
            w.attr("id", self.id);
            w.attr("type", self.backend.kind());
            w.attr_opt("timerPeriod", self.timer_period);
            self.backend.format_attributes(w);
            match &self.backend {
                AudioBackend::Alsa(sides) => self.format_sides(w, sides),
                AudioBackend::CoreAudio(sides) | AudioBackend::Sdl { sides, .. } => {
                    self.format_sides(w, sides);
                }
                AudioBackend::Jack(sides) => self.format_sides(w, sides),
                AudioBackend::Oss { sides, .. } => self.format_sides(w, sides),
                AudioBackend::PulseAudio { sides, .. } | AudioBackend::Pipewire { sides, .. } => {
                    self.format_sides(w, sides);
                }
                AudioBackend::None | AudioBackend::Spice | AudioBackend::File { .. } | AudioBackend::Dbus => {
                    self.input.format(w, "input", &|_| {});
                    self.output.format(w, "output", &|_| {});
                }
            }
        });
    }

    fn info(&self) -> Option<&DeviceInfo> {
        None
    }

    fn info_mut(&mut self) -> Option<&mut DeviceInfo> {
        None
    }

    fn validate(&self, domain: &Domain) -> Result<()> {
        if domain.devices.audios.iter().filter(|audio| audio.id == self.id).count() > 1 {
            return Err(xml_error(format!("audio ID {} is used multiple times", self.id)));
        }
        Ok(())
    }
}

impl Audio {
    fn format_sides<T: OwnSide>(&self, w: &mut Writer, own: &Sides<T>) {
        self.input.format(w, "input", &|w| own.input.format(w));
        self.output.format(w, "output", &|w| own.output.format(w));
    }
}

impl Domain {
    /// The audio backend that a sound card or display means: the one of this id, or the first.
    #[must_use]
    pub fn audio(&self, id: Option<u32>) -> Option<&Audio> {
        let audios = &self.devices.audios;
        id.map_or_else(|| audios.first(), |id| audios.iter().find(|audio| audio.id == id))
    }

    /// Refuses a reference to an audio backend that is not there.
    pub(super) fn require_audio(&self, id: Option<u32>) -> Result<()> {
        match id {
            Some(id) if self.audio(Some(id)).is_none() => {
                Err(xml_error(format!("no audio device with ID {id}")))
            }
            _ => Ok(()),
        }
    }
}

grammar! {
    GRAMMAR = [
        Must("id", POSITIVE), Must("type", OneOf(AudioType::NAMES)), Attr("timerPeriod", POSITIVE), Attr("serverName", Str),
        Attr("driver", OneOf(SdlDriver::NAMES)), Attr("path", PATH), Attr("tryMMap", YesNo), Attr("exclusive", YesNo), Attr("dspPolicy", Integer),
        Opt("input", side::GRAMMAR), Opt("output", side::GRAMMAR),
    ];
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn forms_come_back_canonical() {
        for (xml, expected) in [
            ("<audio type='none' id='1'><input/></audio>", "<audio id='1' type='none'/>"),
            (
                "<audio type='alsa' id='2' timerPeriod='50'><output dev='hw:1' mixingEngine='yes' fixedSettings='yes'/><input dev='hw:0' voices='3'/></audio>",
                "<audio id='2' type='alsa' timerPeriod='50'>\n  <input voices='3' dev='hw:0'/>\n  <output mixingEngine='yes' fixedSettings='yes' dev='hw:1'>\n    <settings/>\n  </output>\n</audio>",
            ),
            (
                "<audio type='oss' id='1' dspPolicy='0' tryMMap='no'><input tryPoll='yes' bufferCount='5'/></audio>",
                "<audio id='1' type='oss' tryMMap='no' dspPolicy='0'>\n  <input bufferCount='5' tryPoll='yes'/>\n</audio>",
            ),
            (
                "<audio type='sdl' id='1' driver='esd'><output mixingEngine='yes' fixedSettings='yes'><settings format='f32' frequency='48000'/></output></audio>",
                "<audio id='1' type='sdl' driver='esd'>\n  <output mixingEngine='yes' fixedSettings='yes'>\n    <settings frequency='48000' format='f32'/>\n  </output>\n</audio>",
            ),
        ] {
            check::<Audio>(xml, expected);
        }
    }

    #[test]
    fn contradictions_are_refused() {
        for (xml, expected) in [
            ("<audio type='none'/>", "XML error: Missing required attribute 'id' in element 'audio'"),
            ("<audio type='oss' id='1' dspPolicy='-1'/>", "XML error: cannot parse 'dspPolicy' value '-1'"),
            (
                "<audio type='none' id='1'><input fixedSettings='yes'/></audio>",
                "unsupported configuration: fixed audio settings requires mixing engine",
            ),
            (
                "<audio type='none' id='1'><input><settings/></input></audio>",
                "unsupported configuration: audio settings specified without fixed settings flag",
            ),
        ] {
            check::<Audio>(xml, expected);
        }
    }
}
