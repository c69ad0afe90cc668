//! `<iotune>`: limits of a disk.

use virt_xml::number::{self, Base};
use virt_xml::{Element, Writer};

use crate::Result;
use crate::error::xml_error;

macro_rules! limits {
    ($($(#[$doc:meta])* $field:ident;)+ => group_name; $($(#[$late_doc:meta])* $late:ident;)+) => {
        /// Limits of a disk; 0 for none.
        #[derive(Debug, Clone, PartialEq, Eq, Default)]
        pub struct IoTune {
            $($(#[$doc])* pub $field: u64,)+
            /// `group_name`: disks of one group share the limits.
            pub group_name: Option<String>,
            $($(#[$late_doc])* pub $late: u64,)+
        }

        impl IoTune {
            pub(super) fn parse(el: Element<'_>) -> Result<Self> {
                Ok(Self {
                    $($field: limit(el, stringify!($field))?,)+
                    group_name: el.child_text("group_name"),
                    $($late: limit(el, stringify!($late))?,)+
                })
            }

            pub(super) fn format(&self, w: &mut Writer) {
                w.element_if_any("iotune", |w| {
                    $(w.text_element_opt(stringify!($field), Some(self.$field).filter(|n| *n > 0));)+
                    w.text_element_opt("group_name", self.group_name.as_ref());
                    $(w.text_element_opt(stringify!($late), Some(self.$late).filter(|n| *n > 0));)+
                });
            }

            /// The limit of this name, to change it.
            #[must_use]
            pub fn limit_mut(&mut self, name: &str) -> Option<&mut u64> {
                match name {
                    $(stringify!($field) => Some(&mut self.$field),)+
                    $(stringify!($late) => Some(&mut self.$late),)+
                    _ => None,
                }
            }

            /// Every limit but the lengths of bursts, with its name.
            #[must_use]
            pub const fn rates(&self) -> [(&'static str, u64); 13] {
                [$((stringify!($field), self.$field),)+]
            }

            /// How long each burst may last, with its name, seconds.
            #[must_use]
            pub const fn lengths(&self) -> [(&'static str, u64); 6] {
                [$((stringify!($late), self.$late),)+]
            }
        }
    };
}

limits! {
    /// Bytes a second.
    total_bytes_sec;
    /// Bytes a second that are read.
    read_bytes_sec;
    /// Bytes a second that are written.
    write_bytes_sec;
    /// Requests a second.
    total_iops_sec;
    /// Requests a second that read.
    read_iops_sec;
    /// Requests a second that write.
    write_iops_sec;
    /// Bytes a second in a burst.
    total_bytes_sec_max;
    /// Bytes a second that are read in a burst.
    read_bytes_sec_max;
    /// Bytes a second that are written in a burst.
    write_bytes_sec_max;
    /// Requests a second in a burst.
    total_iops_sec_max;
    /// Requests a second that read in a burst.
    read_iops_sec_max;
    /// Requests a second that write in a burst.
    write_iops_sec_max;
    /// Bytes that count as one request.
    size_iops_sec;
    => group_name;
    /// Seconds that a burst of bytes may last.
    total_bytes_sec_max_length;
    /// Seconds that a burst of bytes read may last.
    read_bytes_sec_max_length;
    /// Seconds that a burst of bytes written may last.
    write_bytes_sec_max_length;
    /// Seconds that a burst of requests may last.
    total_iops_sec_max_length;
    /// Seconds that a burst of reading requests may last.
    read_iops_sec_max_length;
    /// Seconds that a burst of writing requests may last.
    write_iops_sec_max_length;
}

impl IoTune {
    /// Whether any limit is set; a group alone is none.
    #[must_use]
    pub fn has_limits(&self) -> bool {
        self.rates().iter().chain(&self.lengths()).any(|(_, value)| *value > 0)
    }

    /// Refuses a limit of all together with one of reading or writing alone.
    pub(super) fn validate(&self) -> Result<()> {
        for (what, total, read, write) in [
            ("bytes_sec", self.total_bytes_sec, self.read_bytes_sec, self.write_bytes_sec),
            ("iops_sec", self.total_iops_sec, self.read_iops_sec, self.write_iops_sec),
            ("bytes_sec_max", self.total_bytes_sec_max, self.read_bytes_sec_max, self.write_bytes_sec_max),
            ("iops_sec_max", self.total_iops_sec_max, self.read_iops_sec_max, self.write_iops_sec_max),
        ] {
            if total > 0 && (read > 0 || write > 0) {
                return Err(xml_error(format!("total and read/write {what} cannot be set at the same time")));
            }
        }
        Ok(())
    }
}

fn limit(el: Element<'_>, name: &'static str) -> Result<u64> {
    let Some(child) = el.child(name) else { return Ok(0) };
    let text = child.text();
    if text.is_empty() {
        return Ok(0);
    }
    number::parse_u64(&text, Base::Ten)
        .ok_or_else(|| xml_error(format!("disk iotune field '{name}' must be an integer")).at(child.place()))
}

grammar! {
    pub(super) GRAMMAR = [
        Opt("total_bytes_sec", NUMBER), Opt("read_bytes_sec", NUMBER), Opt("write_bytes_sec", NUMBER),
        Opt("total_iops_sec", NUMBER), Opt("read_iops_sec", NUMBER), Opt("write_iops_sec", NUMBER),
        Opt("total_bytes_sec_max", NUMBER), Opt("read_bytes_sec_max", NUMBER), Opt("write_bytes_sec_max", NUMBER),
        Opt("total_iops_sec_max", NUMBER), Opt("read_iops_sec_max", NUMBER), Opt("write_iops_sec_max", NUMBER),
        Opt("size_iops_sec", NUMBER), Opt("group_name", TEXT),
        Opt("total_bytes_sec_max_length", NUMBER), Opt("read_bytes_sec_max_length", NUMBER),
        Opt("write_bytes_sec_max_length", NUMBER), Opt("total_iops_sec_max_length", NUMBER),
        Opt("read_iops_sec_max_length", NUMBER), Opt("write_iops_sec_max_length", NUMBER),
    ];
}
