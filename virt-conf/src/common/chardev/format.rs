//! Writing the host end.

use virt_types::TextEnum;
use virt_xml::Writer;

use super::{Chardev, ChardevSource, MouseMode, TcpSource, UdpSource, UnixSource};
use crate::FormatFlags;

impl Chardev {
    /// Writes `<source>`, `<protocol>` and `<log>` into the element of a device.
    pub fn format(&self, w: &mut Writer, flags: FormatFlags) {
        match &self.source {
            ChardevSource::Null | ChardevSource::Vc | ChardevSource::Stdio | ChardevSource::Spicevmc(_) => {}
            ChardevSource::QemuVdagent { clipboard, mouse } => {
                w.element_if_any("source", |w| {
                    if clipboard.is_some() {
                        w.element("clipboard", |w| w.attr_yes_no("copypaste", *clipboard));
                    }
                    if *mouse != MouseMode::Default {
                        w.element("mouse", |w| w.attr("mode", mouse.text()));
                    }
                });
            }
            ChardevSource::Pty { path } => {
                if path.is_some() && !flags.contains(FormatFlags::INACTIVE) {
                    self.format_path(w, path.as_deref(), None, flags);
                }
            }
            ChardevSource::Dev { path } | ChardevSource::Pipe { path } => {
                self.format_path(w, path.as_deref(), None, flags);
            }
            ChardevSource::File { path, append } => self.format_path(w, path.as_deref(), *append, flags),
            ChardevSource::Nmdm { master, slave } => w.element_if_any("source", |w| {
                w.attr_opt("master", master.as_ref());
                w.attr_opt("slave", slave.as_ref());
            }),
            ChardevSource::Udp(udp) => udp.format(w),
            ChardevSource::Tcp(tcp) => tcp.format(w, flags),
            ChardevSource::Unix(unix) => self.format_unix(w, unix, flags),
            ChardevSource::Spiceport { channel } | ChardevSource::Dbus { channel } => {
                w.element_if_any("source", |w| w.attr_opt("channel", channel.as_ref()));
            }
        }
        if let Some(log) = &self.log {
            w.element("log", |w| {
                w.attr("file", &log.file);
                w.attr_on_off("append", log.append);
            });
        }
    }

    fn format_path(&self, w: &mut Writer, path: Option<&str>, append: Option<bool>, flags: FormatFlags) {
        w.element_if_any("source", |w| {
            w.attr_opt("path", path);
            w.attr_on_off("append", append);
            self.format_seclabels(w, flags);
        });
    }

    fn format_unix(&self, w: &mut Writer, unix: &UnixSource, flags: FormatFlags) {
        let Some(path) = &unix.path else { return };
        w.element("source", |w| {
            w.attr("mode", mode(unix.listen));
            w.attr("path", path);
            self.format_seclabels(w, flags);
            unix.reconnect.format(w);
        });
    }

    fn format_seclabels(&self, w: &mut Writer, flags: FormatFlags) {
        for label in &self.seclabels {
            label.format(w, flags);
        }
    }
}

const fn mode(listen: bool) -> &'static str {
    if listen { "bind" } else { "connect" }
}

impl UdpSource {
    fn format(&self, w: &mut Writer) {
        for (listen, host, service) in
            [(true, &self.bind_host, &self.bind_service), (false, &self.connect_host, &self.connect_service)]
        {
            if host.is_some() || service.is_some() {
                w.element("source", |w| {
                    w.attr("mode", mode(listen));
                    w.attr_opt("host", host.as_ref());
                    w.attr_opt("service", service.as_ref());
                });
            }
        }
    }
}

impl TcpSource {
    fn format(&self, w: &mut Writer, flags: FormatFlags) {
        w.element("source", |w| {
            w.attr("mode", mode(self.listen));
            w.attr_opt("host", self.host.as_ref());
            w.attr_opt("service", self.service.as_ref());
            // An older peer has its own settings.
            if !(flags.contains(FormatFlags::MIGRATABLE) && self.tls_from_config) {
                w.attr_yes_no("tls", self.tls);
            }
            if flags.contains(FormatFlags::STATUS) {
                w.attr("tlsFromConfig", u8::from(self.tls_from_config));
            }
            self.reconnect.format(w);
        });
        w.element("protocol", |w| w.attr("type", self.protocol.text()));
    }
}
