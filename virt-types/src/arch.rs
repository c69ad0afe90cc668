//! Processor architectures.

use crate::text_enum;

text_enum! {
    /// A guest's or host's architecture, in libvirt's spelling.
    pub enum Arch {
        #[default] None = "none",
        Alpha = "alpha", Armv6l = "armv6l", Armv7l = "armv7l", Armv7b = "armv7b", Aarch64 = "aarch64",
        Cris = "cris", I686 = "i686", Ia64 = "ia64", Lm32 = "lm32", Loongarch64 = "loongarch64", M68k = "m68k",
        Microblaze = "microblaze", Microblazeel = "microblazeel", Mips = "mips", Mipsel = "mipsel",
        Mips64 = "mips64", Mips64el = "mips64el", Openrisc = "openrisc", Parisc = "parisc", Parisc64 = "parisc64",
        Ppc = "ppc", Ppcle = "ppcle", Ppc64 = "ppc64", Ppc64le = "ppc64le", Ppcemb = "ppcemb",
        Riscv32 = "riscv32", Riscv64 = "riscv64", S390 = "s390", S390x = "s390x", Sh4 = "sh4", Sh4eb = "sh4eb",
        Sparc = "sparc", Sparc64 = "sparc64", Unicore32 = "unicore32", X86_64 = "x86_64",
        Xtensa = "xtensa", Xtensaeb = "xtensaeb",
    }
}

impl Arch {
    /// i686 or x86_64.
    #[must_use]
    pub const fn is_x86(self) -> bool {
        matches!(self, Self::I686 | Self::X86_64)
    }

    /// Any 32-bit or 64-bit ARM.
    #[must_use]
    pub const fn is_arm(self) -> bool {
        matches!(self, Self::Armv6l | Self::Armv7l | Self::Armv7b | Self::Aarch64)
    }

    /// ppc64 in either byte order.
    #[must_use]
    pub const fn is_ppc64(self) -> bool {
        matches!(self, Self::Ppc64 | Self::Ppc64le)
    }

    /// s390 or s390x.
    #[must_use]
    pub const fn is_s390(self) -> bool {
        matches!(self, Self::S390 | Self::S390x)
    }

    /// riscv32 or riscv64.
    #[must_use]
    pub const fn is_riscv(self) -> bool {
        matches!(self, Self::Riscv32 | Self::Riscv64)
    }

    /// Any MIPS.
    #[must_use]
    pub const fn is_mips(self) -> bool {
        matches!(self, Self::Mips | Self::Mipsel | Self::Mips64 | Self::Mips64el)
    }
}
