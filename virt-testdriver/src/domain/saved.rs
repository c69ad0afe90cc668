//! Saved states of domains. The file holds the domain's document alone, since there is nothing else to save.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;

use virt_conf::domain::Domain;
use virt_conf::{FormatFlags, ParseFlags};
use virt_driver::{DomainRef, SavedStates};
use virt_types::{Result, RunningReason, ShutoffReason, StartedDetail, StoppedDetail};

use crate::connection::{Answer, TestConnection};
use crate::error::{argument, internal, invalid, system, unsupported};
use crate::flags::check;
use crate::host::Host;
use crate::policy;

/// With what the file begins, the zero included; then the document's length in bytes (32 bits, as the host has
/// them), then the document.
const MAGIC: &[u8; 15] = b"TestGuestMagic\0";

/// The longest document that is read back.
const LONGEST: i32 = 8192;

/// `VIR_DUMP_CRASH`
const CRASH: u32 = 0x1;

/// Refuses another document in place of the domain's own.
fn no_xml(xml: Option<&str>) -> Result<()> {
    match xml {
        Some(_) => Err(argument("xml modification unsupported")),
        None => Ok(()),
    }
}

fn create(path: &str) -> std::io::Result<fs::File> {
    OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

fn write(path: &str, config: &Domain) -> Result<()> {
    let xml = config.format(FormatFlags::SECURE);
    let name = &config.name;
    let mut file = create(path)
        .map_err(|error| system(format_args!("saving domain '{name}' to '{path}': open failed"), error))?;
    let length = i32::try_from(xml.len()).unwrap_or(i32::MAX).to_ne_bytes();
    let parts: [&[u8]; 3] = [MAGIC, &length, xml.as_bytes()];
    parts.into_iter().try_for_each(|part| file.write_all(part)).map_err(|error| {
        // A file that is cut short is of no use.
        let _ = fs::remove_file(path);
        system(format_args!("saving domain '{name}' to '{path}': write failed"), error)
    })
}

fn read(path: &str) -> Result<Domain> {
    let mut file = fs::File::open(path)
        .map_err(|error| system(format_args!("cannot read domain image '{path}'"), error))?;
    let cut = |what: String| {
        move |error: std::io::Error| {
            let short = error.kind() == ErrorKind::UnexpectedEof;
            // libvirt names no reason but success for a file that ends early.
            let error = if short { std::io::Error::from_raw_os_error(0) } else { error };
            system(what, error)
        }
    };
    let mut magic = [0; MAGIC.len()];
    file.read_exact(&mut magic).map_err(cut(format!("incomplete save header in '{path}'")))?;
    if magic != *MAGIC {
        return Err(internal("mismatched header magic"));
    }
    let mut length = [0; 4];
    file.read_exact(&mut length).map_err(cut(format!("failed to read metadata length in '{path}'")))?;
    let length = i32::from_ne_bytes(length);
    if !(1..=LONGEST).contains(&length) {
        return Err(internal("length of metadata out of range"));
    }
    let mut xml = vec![0; length.unsigned_abs() as usize];
    file.read_exact(&mut xml).map_err(cut(format!("incomplete metadata in '{path}'")))?;
    let xml = String::from_utf8_lossy(&xml);
    policy::define(&xml, ParseFlags::INACTIVE | ParseFlags::SKIP_VALIDATE)
}

impl Host {
    fn save(&mut self, domain: &DomainRef, path: &str) -> Result<()> {
        write(path, &self.running(domain)?.live)?;
        self.end(domain, ShutoffReason::Saved, StoppedDetail::Saved)
    }

    fn managed_save(&mut self, domain: &DomainRef) -> Result<()> {
        if !self.running(domain)?.persistent {
            return Err(invalid("cannot do managed save for transient domain"));
        }
        self.end(domain, ShutoffReason::Saved, StoppedDetail::Saved)?;
        self.guest(domain)?.managed_save = true;
        Ok(())
    }

    fn core_dump(&mut self, domain: &DomainRef, to: &str, format: u32, flags: u32) -> Result<()> {
        self.running(domain)?;
        let mut file = create(to).map_err(|error| {
            system(format_args!("domain '{domain}' coredump: failed to open {to}"), error)
        })?;
        file.write_all(MAGIC).map_err(|error| {
            system(format_args!("domain '{domain}' coredump: failed to write header to {to}"), error)
        })?;
        if format != 0 {
            return Err(unsupported("kdump-compressed format is not supported here"));
        }
        if flags & CRASH == 0 {
            return Ok(());
        }
        self.end(domain, ShutoffReason::Crashed, StoppedDetail::Crashed)
    }
}

impl SavedStates for TestConnection {
    fn save<'a>(
        &'a self,
        domain: &'a DomainRef,
        to: &'a str,
        xml: Option<&'a str>,
        flags: u32,
    ) -> Answer<'a, ()> {
        self.answer(|host| {
            check(flags, 0, "testDomainSaveFlags")?;
            no_xml(xml)?;
            host.save(domain, to)
        })
    }

    fn restore<'a>(&'a self, from: &'a str, xml: Option<&'a str>, flags: u32) -> Answer<'a, ()> {
        self.answer(|host| {
            check(flags, 0, "testDomainRestoreFlags")?;
            no_xml(xml)?;
            host.start_from(read(from)?, RunningReason::Restored, StartedDetail::Restored).map(drop)
        })
    }

    fn image_xml_desc<'a>(&'a self, file: &'a str, flags: u32) -> Answer<'a, String> {
        self.answer(|_| {
            check(flags, 0x1, "testDomainSaveImageGetXMLDesc")?;
            Ok(read(file)?.format(FormatFlags::SECURE))
        })
    }

    fn define_image_xml<'a>(&'a self, file: &'a str, xml: &'a str, flags: u32) -> Answer<'a, ()> {
        self.answer(|_| {
            check(flags, 0x6, "testDomainSaveImageDefineXML")?;
            read(file)?;
            write(file, &policy::define(xml, ParseFlags::INACTIVE)?)
        })
    }

    fn managed_save<'a>(&'a self, domain: &'a DomainRef, flags: u32) -> Answer<'a, ()> {
        self.answer(|host| {
            check(flags, 0x7, "testDomainManagedSave")?;
            host.managed_save(domain)
        })
    }

    fn has_managed_save<'a>(&'a self, domain: &'a DomainRef, flags: u32) -> Answer<'a, bool> {
        self.answer(|host| {
            check(flags, 0, "testDomainHasManagedSaveImage")?;
            Ok(host.guest(domain)?.managed_save)
        })
    }

    fn remove_managed_save<'a>(&'a self, domain: &'a DomainRef, flags: u32) -> Answer<'a, ()> {
        self.answer(|host| {
            check(flags, 0, "testDomainManagedSaveRemove")?;
            host.guest(domain)?.managed_save = false;
            Ok(())
        })
    }

    fn core_dump<'a>(
        &'a self,
        domain: &'a DomainRef,
        to: &'a str,
        format: u32,
        flags: u32,
    ) -> Answer<'a, ()> {
        self.answer(|host| {
            check(flags, CRASH, "testDomainCoreDumpWithFormat")?;
            host.core_dump(domain, to, format, flags)
        })
    }
}
