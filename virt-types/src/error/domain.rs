// tidy: table
//! Error domains (`virErrorDomain`): which part of the engine an error comes from.

macro_rules! error_domains {
    ($($number:literal $variant:ident $constant:literal $label:literal;)+) => {
        /// The part of the engine that raised an error (`virErrorDomain`).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(i32)]
        pub enum ErrorDomain {
            $(#[doc = $constant] $variant = $number,)+
        }

        impl ErrorDomain {
            /// libvirt's name of the constant, such as `VIR_FROM_QEMU`.
            #[must_use]
            pub const fn constant(self) -> &'static str {
                match self { $(Self::$variant => $constant,)+ }
            }

            /// The short label that clients print, such as `QEMU Driver`.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)+ }
            }

            /// The domain with this number, if there is one.
            #[must_use]
            pub const fn from_number(number: i32) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

impl ErrorDomain {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> i32 {
        self as i32
    }
}

error_domains! {
      0 None "VIR_FROM_NONE" "";
      1 Xen "VIR_FROM_XEN" "Xen Driver";
      2 Xend "VIR_FROM_XEND" "Xen Daemon";
      3 Xenstore "VIR_FROM_XENSTORE" "Xen Store";
      4 Sexpr "VIR_FROM_SEXPR" "S-Expression";
      5 Xml "VIR_FROM_XML" "XML Util";
      6 Dom "VIR_FROM_DOM" "Domain";
      7 Rpc "VIR_FROM_RPC" "XML-RPC";
      8 Proxy "VIR_FROM_PROXY" "Proxy Daemon";
      9 Conf "VIR_FROM_CONF" "Config File";
     10 Qemu "VIR_FROM_QEMU" "QEMU Driver";
     11 Net "VIR_FROM_NET" "Network";
     12 Test "VIR_FROM_TEST" "Test Driver";
     13 Remote "VIR_FROM_REMOTE" "Remote Driver";
     14 Openvz "VIR_FROM_OPENVZ" "OpenVZ Driver";
     15 Xenxm "VIR_FROM_XENXM" "Xen XM Driver";
     16 StatsLinux "VIR_FROM_STATS_LINUX" "Linux Statistics";
     17 Lxc "VIR_FROM_LXC" "LXC Driver";
     18 Storage "VIR_FROM_STORAGE" "Storage Driver";
     19 Network "VIR_FROM_NETWORK" "Network Driver";
     20 Domain "VIR_FROM_DOMAIN" "Domain Config";
     21 Uml "VIR_FROM_UML" "User Mode Linux Driver";
     22 Nodedev "VIR_FROM_NODEDEV" "Node Device Driver";
     23 XenInotify "VIR_FROM_XEN_INOTIFY" "Xen Inotify Driver";
     24 Security "VIR_FROM_SECURITY" "Security Driver";
     25 Vbox "VIR_FROM_VBOX" "VirtualBox Driver";
     26 Interface "VIR_FROM_INTERFACE" "Network Interface Driver";
     27 One "VIR_FROM_ONE" "Open Nebula Driver";
     28 Esx "VIR_FROM_ESX" "ESX Driver";
     29 Phyp "VIR_FROM_PHYP" "Power Hypervisor Driver";
     30 Secret "VIR_FROM_SECRET" "Secrets Driver";
     31 Cpu "VIR_FROM_CPU" "CPU Driver";
     32 Xenapi "VIR_FROM_XENAPI" "XenAPI Driver";
     33 Nwfilter "VIR_FROM_NWFILTER" "Network Filter Driver";
     34 Hook "VIR_FROM_HOOK" "Lifecycle Hook";
     35 DomainSnapshot "VIR_FROM_DOMAIN_SNAPSHOT" "Domain Snapshot";
     36 Audit "VIR_FROM_AUDIT" "Audit Utils";
     37 Sysinfo "VIR_FROM_SYSINFO" "Sysinfo Utils";
     38 Streams "VIR_FROM_STREAMS" "I/O Stream Utils";
     39 Vmware "VIR_FROM_VMWARE" "VMware Driver";
     40 Event "VIR_FROM_EVENT" "Event Loop";
     41 Libxl "VIR_FROM_LIBXL" "Xen Light Driver";
     42 Locking "VIR_FROM_LOCKING" "Lock Driver";
     43 Hyperv "VIR_FROM_HYPERV" "Hyper-V Driver";
     44 Capabilities "VIR_FROM_CAPABILITIES" "Capabilities Utils";
     45 Uri "VIR_FROM_URI" "URI Utils";
     46 Auth "VIR_FROM_AUTH" "Authentication Utils";
     47 Dbus "VIR_FROM_DBUS" "DBus Utils";
     48 Parallels "VIR_FROM_PARALLELS" "Parallels Cloud Server";
     49 Device "VIR_FROM_DEVICE" "Device Config";
     50 Ssh "VIR_FROM_SSH" "SSH transport layer";
     51 Lockspace "VIR_FROM_LOCKSPACE" "Lock Space";
     52 Initctl "VIR_FROM_INITCTL" "Init control";
     53 Identity "VIR_FROM_IDENTITY" "Identity";
     54 Cgroup "VIR_FROM_CGROUP" "Cgroup";
     55 Access "VIR_FROM_ACCESS" "Access Manager";
     56 Systemd "VIR_FROM_SYSTEMD" "Systemd";
     57 Bhyve "VIR_FROM_BHYVE" "Bhyve";
     58 Crypto "VIR_FROM_CRYPTO" "Crypto";
     59 Firewall "VIR_FROM_FIREWALL" "Firewall";
     60 Polkit "VIR_FROM_POLKIT" "Polkit";
     61 Thread "VIR_FROM_THREAD" "Thread jobs";
     62 Admin "VIR_FROM_ADMIN" "Admin Interface";
     63 Logging "VIR_FROM_LOGGING" "Log Manager";
     64 Xenxl "VIR_FROM_XENXL" "Xen XL Config";
     65 Perf "VIR_FROM_PERF" "Perf";
     66 Libssh "VIR_FROM_LIBSSH" "Libssh transport layer";
     67 Resctrl "VIR_FROM_RESCTRL" "Resource control";
     68 Firewalld "VIR_FROM_FIREWALLD" "FirewallD";
     69 DomainCheckpoint "VIR_FROM_DOMAIN_CHECKPOINT" "Domain Checkpoint";
     70 Tpm "VIR_FROM_TPM" "TPM";
     71 Bpf "VIR_FROM_BPF" "BPF";
     72 Ch "VIR_FROM_CH" "Cloud-Hypervisor Driver";
}
