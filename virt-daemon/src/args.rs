//! The command line, which is libvirtd's whatever the daemon is called.

use std::path::PathBuf;

use clap::Parser;
use virt_rpc::remote::RemoteUri;

/// Runs virtual machines and answers libvirt's clients.
///
/// Called `libvirtd`, or with --drop-in, it takes libvirtd's place: it reads libvirt's configuration, keeps its state where
/// libvirt does, and listens on libvirt's sockets. Otherwise it has places of its own: /etc/virt, /run/virt and
/// /var/lib/virt for root, and a user's XDG directories for that user.
#[derive(Debug, Clone, Parser, PartialEq, Eq)]
#[command(name = "virtd", disable_version_flag = true, infer_long_args = true)]
pub struct Args {
    /// Take libvirtd's place
    #[arg(long)]
    pub drop_in: bool,

    /// Run in the background, once the sockets are there
    #[arg(short, long)]
    pub daemon: bool,

    /// Listen for remote clients, as the configuration says
    #[arg(short, long)]
    pub listen: bool,

    /// The configuration file, which has to be there
    #[arg(short = 'f', long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// The file for the process's number
    #[arg(short, long, value_name = "FILE")]
    pub pid_file: Option<PathBuf>,

    /// End when there was no client and no running guest for so long; 0 for never
    #[arg(short, long, value_name = "SECONDS", default_value_t = 0, hide_default_value = true,
          value_parser = clap::value_parser!(u32).range(..=i64::from(i32::MAX / 1000)))]
    pub timeout: u32,

    /// Drive no guests, but open what clients ask for at the daemon that this URI leads to
    #[arg(long, value_name = "URI")]
    pub forward: Option<RemoteUri>,

    /// Set the password with which a user authenticates by SASL, read from standard input, and run nothing
    #[arg(long, value_name = "USER", conflicts_with = "delete_password")]
    pub set_password: Option<String>,

    /// Let a user authenticate by SASL no longer, and run nothing
    #[arg(long, value_name = "USER")]
    pub delete_password: Option<String>,

    /// Log what happens, not only what goes wrong
    #[arg(short, long)]
    pub verbose: bool,

    /// Print the version
    #[arg(short = 'V', long)]
    pub version: bool,

    /// Tell over standard output how the start went: for a daemon in the background
    #[arg(long, hide = true)]
    pub tell_start: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libvirtds_command_lines_are_understood() {
        let parse = |line: &str| Args::try_parse_from(line.split(' '));
        let args = parse("libvirtd -dlv -p /run/x.pid -t 30 -f /etc/x.conf").unwrap();
        assert!(args.daemon && args.listen && args.verbose && !args.drop_in);
        assert_eq!((args.timeout, args.pid_file), (30, Some("/run/x.pid".into())));
        let args = parse("libvirtd --timeout=120 --pid-file=/p --config /c --verb").unwrap();
        assert_eq!((args.timeout, args.verbose, args.config), (120, true, Some("/c".into())));
        let args = parse("virtd --forward qemu+tcp://example.org/system").unwrap();
        assert_eq!(args.forward.and_then(|peer| peer.host).as_deref(), Some("example.org"));
        for wrong in [
            "virtd --forward qemu+pigeon://a/system",
            "libvirtd -t x",
            "libvirtd -t -1",
            "libvirtd -t 99999999",
            "libvirtd start",
            "libvirtd --no",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
