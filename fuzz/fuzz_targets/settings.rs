//! Any configuration file: refused with a line of it, or read, and then every key can be asked for.
#![no_main]

use libfuzzer_sys::fuzz_target;
use virt_daemon::config::{DaemonConfig, Defaults, apply_qemu};
use virt_daemon::settings::Settings;

fuzz_target!(|text: &str| {
    let lines = text.matches('\n').count() + 1;
    let settings = match Settings::parse("fuzz.conf", text) {
        Ok(settings) => settings,
        Err(problem) => {
            assert!((1..=lines).contains(&(problem.line as usize)), "{problem}");
            return;
        }
    };
    for setting in settings.iter() {
        assert!((1..=lines).contains(&(setting.line as usize)), "{setting:?}");
    }
    let _ = DaemonConfig::from_settings(&settings, Defaults { polkit: true, tls: true });
    let _ = apply_qemu(&settings, &mut virt_qemu::config::Config::system());
});
