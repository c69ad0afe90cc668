//! `<input>` and `<output>` of an audio backend: what all backends have there, and what one kind has.

use virt_types::text_enum;
use virt_xml::number::Base;
use virt_xml::{Element, Writer};

use crate::Result;
use crate::error::unsupported;

text_enum! {
    /// How a sample is encoded.
    pub enum AudioFormat {
        U8 = "u8", S8 = "s8", U16 = "u16", S16 = "s16", U32 = "u32", S32 = "s32", F32 = "f32",
    }
}

/// What every backend has for recording or playback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AudioSide {
    /// `mixingEngine`: QEMU mixes and converts.
    pub mixing_engine: Option<bool>,
    /// `fixedSettings`: the settings are used whatever the guest asks for.
    pub fixed_settings: Option<bool>,
    /// `voices`.
    pub voices: Option<u32>,
    /// `bufferLength`, microseconds.
    pub buffer_length: Option<u32>,
    /// `<settings frequency='…'>`, Hz.
    pub frequency: Option<u32>,
    /// `<settings channels='…'>`.
    pub channels: Option<u32>,
    /// `<settings format='…'>`.
    pub format: Option<AudioFormat>,
}

impl AudioSide {
    pub(super) fn parse(el: Element<'_>) -> Result<Self> {
        let positive = |el: Element<'_>, name| el.nonzero(name, el.attr_u32(name, Base::Ten)?);
        let mut side = Self {
            mixing_engine: el.attr_yes_no("mixingEngine")?,
            fixed_settings: el.attr_yes_no("fixedSettings")?,
            ..Self::default()
        };
        let fixed = side.fixed_settings == Some(true);
        if fixed && side.mixing_engine != Some(true) {
            return Err(unsupported("fixed audio settings requires mixing engine").at(el.place()));
        }
        side.voices = positive(el, "voices")?;
        side.buffer_length = positive(el, "bufferLength")?;
        if let Some(settings) = el.child("settings") {
            if !fixed {
                return Err(
                    unsupported("audio settings specified without fixed settings flag").at(settings.place())
                );
            }
            side.frequency = positive(settings, "frequency")?;
            side.channels = positive(settings, "channels")?;
            side.format = settings.attr_enum("format")?;
        }
        Ok(side)
    }

    /// Writes the side, unless there is nothing to say.
    pub(super) fn format(&self, w: &mut Writer, element: &str, own: &dyn Fn(&mut Writer)) {
        w.element_if_any(element, |w| {
            w.attr_yes_no("mixingEngine", self.mixing_engine);
            w.attr_yes_no("fixedSettings", self.fixed_settings);
            w.attr_opt("voices", self.voices);
            w.attr_opt("bufferLength", self.buffer_length);
            own(w);
            if self.fixed_settings == Some(true) {
                w.element("settings", |w| {
                    w.attr_opt("frequency", self.frequency);
                    w.attr_opt("channels", self.channels);
                    w.attr_opt("format", self.format);
                });
            }
        });
    }
}

/// What one kind of backend has for recording and for playback.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sides<T> {
    /// `<input>`: recording.
    pub input: T,
    /// `<output>`: playback.
    pub output: T,
}

/// What one kind of backend has for one direction.
pub(super) trait OwnSide: Default {
    fn parse(el: Element<'_>) -> Result<Self>;
    fn format(&self, w: &mut Writer);
}

/// Reads both directions of a backend.
pub(super) fn parse_sides<T: OwnSide>(audio: Element<'_>) -> Result<Sides<T>> {
    let read = |name| audio.child(name).map_or_else(|| Ok(T::default()), T::parse);
    Ok(Sides { input: read("input")?, output: read("output")? })
}

fn owned(el: Element<'_>, name: &'static str) -> Option<String> {
    el.attr(name).map(str::to_owned)
}

fn positive(el: Element<'_>, name: &'static str) -> Result<Option<u32>> {
    Ok(el.attr_u32(name, Base::Ten)?.filter(|value| *value > 0))
}

/// A direction of ALSA.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AlsaSide {
    /// `dev`: name of the device.
    pub device: Option<String>,
}

impl OwnSide for AlsaSide {
    fn parse(el: Element<'_>) -> Result<Self> {
        Ok(Self { device: owned(el, "dev") })
    }
    fn format(&self, w: &mut Writer) {
        w.attr_opt("dev", self.device.as_ref());
    }
}

/// A direction of Core Audio or SDL.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BufferedSide {
    /// `bufferCount`.
    pub buffer_count: Option<u32>,
}

impl OwnSide for BufferedSide {
    fn parse(el: Element<'_>) -> Result<Self> {
        Ok(Self { buffer_count: positive(el, "bufferCount")? })
    }
    fn format(&self, w: &mut Writer) {
        w.attr_opt("bufferCount", self.buffer_count);
    }
}

/// A direction of JACK.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct JackSide {
    /// `serverName`.
    pub server_name: Option<String>,
    /// `clientName`.
    pub client_name: Option<String>,
    /// `connectPorts`: regular expression of the ports to connect to.
    pub connect_ports: Option<String>,
    /// `exactName`: the client's name may not be changed to make it unique.
    pub exact_name: Option<bool>,
}

impl OwnSide for JackSide {
    fn parse(el: Element<'_>) -> Result<Self> {
        Ok(Self {
            server_name: owned(el, "serverName"),
            client_name: owned(el, "clientName"),
            connect_ports: owned(el, "connectPorts"),
            exact_name: el.attr_yes_no("exactName")?,
        })
    }
    fn format(&self, w: &mut Writer) {
        w.attr_opt("serverName", self.server_name.as_ref());
        w.attr_opt("clientName", self.client_name.as_ref());
        w.attr_opt("connectPorts", self.connect_ports.as_ref());
        w.attr_yes_no("exactName", self.exact_name);
    }
}

/// A direction of OSS.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OssSide {
    /// `dev`: path of the device.
    pub device: Option<String>,
    /// `bufferCount`.
    pub buffer_count: Option<u32>,
    /// `tryPoll`.
    pub try_poll: Option<bool>,
}

impl OwnSide for OssSide {
    fn parse(el: Element<'_>) -> Result<Self> {
        let (device, try_poll) = (owned(el, "dev"), el.attr_yes_no("tryPoll")?);
        Ok(Self { device, try_poll, buffer_count: positive(el, "bufferCount")? })
    }
    fn format(&self, w: &mut Writer) {
        w.attr_opt("dev", self.device.as_ref());
        w.attr_opt("bufferCount", self.buffer_count);
        w.attr_yes_no("tryPoll", self.try_poll);
    }
}

/// A direction of a sound server: PulseAudio or PipeWire.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StreamSide {
    /// `name`: the server's sink or source.
    pub name: Option<String>,
    /// `streamName`: how the stream is called in the server's lists.
    pub stream_name: Option<String>,
    /// `latency`, microseconds.
    pub latency: Option<u32>,
}

impl OwnSide for StreamSide {
    fn parse(el: Element<'_>) -> Result<Self> {
        let (name, stream_name) = (owned(el, "name"), owned(el, "streamName"));
        Ok(Self { name, stream_name, latency: positive(el, "latency")? })
    }
    fn format(&self, w: &mut Writer) {
        w.attr_opt("name", self.name.as_ref());
        w.attr_opt("streamName", self.stream_name.as_ref());
        w.attr_opt("latency", self.latency);
    }
}

grammar! {
    pub(super) GRAMMAR = [
        Attr("mixingEngine", YesNo), Attr("fixedSettings", YesNo), Attr("voices", U32), Attr("bufferLength", U32),
        Attr("bufferCount", U32), Attr("dev", Str), Attr("tryPoll", YesNo), Attr("serverName", Str), Attr("clientName", Str),
        Attr("connectPorts", Str), Attr("exactName", YesNo), Attr("name", Str), Attr("streamName", Str), Attr("latency", U32),
        Opt("settings", &[Attr("frequency", U32), Attr("channels", U32), Attr("format", OneOf(AudioFormat::NAMES))]),
    ];
}
