//! The audio backend of a domain that names none.

use virt_conf::domain::Domain;
use virt_conf::domain::device::{Audio, AudioBackend, AudioType, GraphicsType, SdlDriver};
use virt_types::{Result, TextEnum};

use super::QemuPolicy;
use crate::device::audio_driver;
use crate::error::unsupported;

impl QemuPolicy<'_> {
    /// Adds the backend that displays and sound cards fall back to.
    ///
    /// # Errors
    /// For settings of the host's environment that name no backend.
    pub fn add_default_audio(&self, domain: &mut Domain) -> Result<()> {
        if domain.devices.audios.is_empty() {
            domain.devices.audios.extend(self.default_audio(domain)?);
        }
        Ok(())
    }

    /// Removes the backend that [`QemuPolicy::add_default_audio`] would add: older peers do not know the element.
    ///
    /// # Errors
    /// As [`QemuPolicy::add_default_audio`].
    pub fn remove_default_audio(&self, domain: &mut Domain) -> Result<()> {
        if let [only] = domain.devices.audios.as_slice()
            && self.default_audio(domain)?.as_ref() == Some(only)
        {
            domain.devices.audios.clear();
        }
        Ok(())
    }

    /// The backend of a domain that names none; the last display decides.
    fn default_audio(&self, domain: &Domain) -> Result<Option<Audio>> {
        enum Sound {
            Silent,
            Spice,
            Host,
        }
        let allowed = |host: bool| if host { Sound::Host } else { Sound::Silent };
        let of_display = |kind| match kind {
            GraphicsType::Vnc => Some(allowed(self.config.vnc.allow_host_audio)),
            GraphicsType::Spice => Some(Sound::Spice),
            GraphicsType::Sdl => Some(Sound::Host),
            GraphicsType::Rdp | GraphicsType::Desktop | GraphicsType::EglHeadless | GraphicsType::Dbus => {
                None
            }
        };
        let displays = &domain.devices.graphics;
        let sound = match displays.is_empty() {
            true => Some(allowed(self.config.nogfx_allow_host_audio)),
            false => displays.iter().rev().find_map(|display| of_display(display.kind())),
        };
        let backend = match sound {
            None => return Ok(None),
            Some(Sound::Silent) => AudioBackend::None,
            Some(Sound::Spice) => AudioBackend::Spice,
            Some(Sound::Host) => match &self.host.audio_driver {
                None => return Ok(None),
                Some(name) => self.host_audio(name)?,
            },
        };
        Ok(Some(Audio { id: 1, backend, ..Audio::default() }))
    }

    /// The backend that the host's environment names.
    fn host_audio(&self, name: &str) -> Result<AudioBackend> {
        let kind =
            AudioType::SPELLINGS.iter().map(|(kind, _)| *kind).find(|kind| audio_driver(*kind) == name);
        Ok(match kind {
            None => return Err(unsupported(format!("unknown QEMU_AUDIO_DRV setting {name}"))),
            Some(AudioType::None) => AudioBackend::None,
            Some(AudioType::Alsa) => AudioBackend::Alsa(Default::default()),
            Some(AudioType::CoreAudio) => AudioBackend::CoreAudio(Default::default()),
            Some(AudioType::Jack) => AudioBackend::Jack(Default::default()),
            Some(AudioType::Oss) => AudioBackend::Oss {
                try_mmap: None,
                exclusive: None,
                dsp_policy: None,
                sides: Default::default(),
            },
            Some(AudioType::PulseAudio) => {
                AudioBackend::PulseAudio { server_name: None, sides: Default::default() }
            }
            Some(AudioType::Sdl) => {
                let driver = self.host.sdl_audio_driver.as_deref();
                let known = driver.map(|name| {
                    SdlDriver::from_text(name)
                        .ok_or_else(|| unsupported(format!("unknown SDL_AUDIODRIVER setting {name}")))
                });
                AudioBackend::Sdl { driver: known.transpose()?, sides: Default::default() }
            }
            Some(AudioType::Spice) => AudioBackend::Spice,
            Some(AudioType::File) => AudioBackend::File { path: None },
            Some(AudioType::Dbus) => AudioBackend::Dbus,
            Some(AudioType::Pipewire) => {
                AudioBackend::Pipewire { runtime_dir: None, sides: Default::default() }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use virt_conf::domain::device::{EglHeadless, Graphics, Sdl, Spice, Vnc};

    use super::*;
    use crate::caps::Capabilities;
    use crate::config::Config;
    use crate::host::Host;

    #[test]
    fn the_last_display_decides() {
        let (caps, config) = (Capabilities::default(), Config::system());
        let [vnc, spice] = [Graphics::Vnc(Vnc::default()), Graphics::Spice(Spice::default())];
        let [sdl, egl] = [Graphics::Sdl(Sdl::default()), Graphics::EglHeadless(EglHeadless::default())];
        for (displays, driver, expected) in [
            (vec![], None, Some(AudioType::None)),
            (vec![vnc.clone()], Some("alsa"), Some(AudioType::None)),
            (vec![vnc.clone(), spice.clone()], None, Some(AudioType::Spice)),
            (vec![spice, vnc, egl.clone()], None, Some(AudioType::None)),
            (vec![egl], None, None),
            (vec![sdl.clone()], None, None),
            (vec![sdl], Some("pa"), Some(AudioType::PulseAudio)),
        ] {
            let host = Host { audio_driver: driver.map(str::to_owned), ..Host::default() };
            let policy = QemuPolicy { caps: &caps, config: &config, host: &host };
            let mut domain = Domain::default();
            domain.devices.graphics = displays;
            policy.add_default_audio(&mut domain).unwrap();
            assert_eq!(domain.audio(None).map(|audio| audio.backend.kind()), expected);
            policy.remove_default_audio(&mut domain).unwrap();
            assert!(domain.devices.audios.is_empty());
        }
    }

    #[test]
    fn an_unknown_driver_is_refused() {
        let (caps, config) = (Capabilities::default(), Config::system());
        let host = Host { audio_driver: Some("gramophone".into()), ..Host::default() };
        let policy = QemuPolicy { caps: &caps, config: &config, host: &host };
        let mut domain = Domain::default();
        domain.devices.graphics = vec![Graphics::Sdl(Sdl::default())];
        let error = policy.add_default_audio(&mut domain).unwrap_err();
        assert_eq!(error.detail(), "unknown QEMU_AUDIO_DRV setting gramophone");
    }
}
