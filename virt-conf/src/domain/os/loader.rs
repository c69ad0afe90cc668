//! `<loader>` and `<nvram>`: the firmware image and its variables.

use virt_types::{Error, ErrorCode, ErrorDomain, TextEnum, text_enum};
use virt_xml::{Element, Writer};

use super::Firmware;
use crate::common::StorageSource;
use crate::common::storage_source::{SourceParts, StorageType};
use crate::error::xml_error;
use crate::{FormatFlags, ParseFlags, Result};

text_enum! {
    /// `<loader type='…'>`: how the machine holds the image.
    pub enum LoaderType { Rom = "rom", Pflash = "pflash" }
}

text_enum! {
    /// `format`: of a firmware image or a variable store.
    pub enum FirmwareFormat { #[default] Raw = "raw", Qcow2 = "qcow2" }
}

/// `<nvram>`
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Nvram {
    /// `template`: what a new store is copied from.
    pub template: Option<String>,
    /// `format`; raw where absent.
    pub format: Option<FirmwareFormat>,
    /// The store's path, where it is written without a type.
    pub path: Option<String>,
    /// `type` and `<source>`: where the store is.
    pub source: Option<Box<StorageSource>>,
}

/// `<loader>`
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Loader {
    /// `readonly`
    pub readonly: Option<bool>,
    /// `secure`: only code in system management mode may write variables.
    pub secure: Option<bool>,
    /// `type`
    pub kind: Option<LoaderType>,
    /// `stateless`: no variables are kept.
    pub stateless: Option<bool>,
    /// `format`; raw where absent.
    pub format: Option<FirmwareFormat>,
    /// The image's path.
    pub path: Option<String>,
    /// `<nvram>`
    pub nvram: Option<Nvram>,
}

impl Loader {
    pub(super) fn parse(os: Element<'_>, flags: ParseFlags) -> Result<Option<Self>> {
        let (el, nvram) = (os.child("loader"), os.child("nvram"));
        if el.is_none() && nvram.is_none() {
            return Ok(None);
        }
        let nvram = nvram.map(|el| Nvram::parse(el, flags)).transpose()?;
        let Some(el) = el else {
            // An image that suits the variables is looked for.
            let format = nvram.as_ref().and_then(|nvram| nvram.format);
            return Ok(Some(Self { format, nvram, ..Self::default() }));
        };
        let loader = Self {
            readonly: el.attr_yes_no("readonly")?,
            kind: el.attr_enum("type")?,
            path: Some(el.text()).filter(|path| !path.is_empty()),
            secure: el.attr_yes_no("secure")?,
            stateless: el.attr_yes_no("stateless")?,
            format: format(el, "loader")?,
            nvram,
        };
        let store = loader.nvram.as_ref().and_then(|nvram| nvram.format);
        if let (Some(image), Some(store)) = (loader.format, store)
            && image != store
        {
            let detail = format!("Format mismatch: loader.format='{image}' nvram.format='{store}'");
            return Err(xml_error(detail).at(el.place()));
        }
        Ok(Some(loader))
    }

    pub(super) fn validate(&self, firmware: Option<Firmware>) -> Result<()> {
        let refuse = |detail: &str| Err(Error::new(ErrorCode::XmlDetail, ErrorDomain::Domain, detail));
        match firmware {
            // That it is wanted goes without a word against it, for historical reasons.
            Some(_) if self.secure == Some(false) => {
                return refuse(
                    "loader attribute 'secure' cannot be specified when firmware autoselection is enabled",
                );
            }
            Some(kind) if self.nvram.is_some() && kind != Firmware::Efi => {
                return refuse(&format!("firmware type '{kind}' does not support nvram"));
            }
            None if self.path.is_none() => {
                return refuse("no loader path specified and firmware auto selection disabled");
            }
            _ => {}
        }
        match (self.stateless, &self.nvram) {
            (Some(true), Some(nvram)) if nvram.template.is_some() => {
                refuse("NVRAM template is not permitted when loader is stateless")
            }
            (Some(true), Some(_)) => refuse("NVRAM is not permitted when loader is stateless"),
            (Some(false), _) => match firmware {
                None if self.kind != Some(LoaderType::Pflash) => {
                    refuse("Only pflash loader type permits NVRAM")
                }
                Some(kind) if kind != Firmware::Efi => refuse("Only EFI firmware permits NVRAM"),
                _ => Ok(()),
            },
            _ => Ok(()),
        }
    }

    pub(super) fn format(&self, w: &mut Writer, flags: FormatFlags) {
        let attributes = |w: &mut Writer| {
            w.attr_yes_no("readonly", self.readonly);
            w.attr_yes_no("secure", self.secure);
            w.attr_opt("type", self.kind);
            w.attr_yes_no("stateless", self.stateless);
            w.attr_opt("format", self.format.filter(|format| *format != FirmwareFormat::Raw));
        };
        match &self.path {
            Some(path) => w.text_element_with("loader", attributes, path),
            None => w.element_if_any("loader", attributes),
        }
        if let Some(nvram) = &self.nvram {
            nvram.format(w, flags);
        }
    }
}

impl Nvram {
    fn parse(el: Element<'_>, flags: ParseFlags) -> Result<Self> {
        let mut nvram = Self {
            template: el.attr("template").map(str::to_owned),
            format: format(el, "nvram")?,
            ..Self::default()
        };
        match el.attr_enum::<StorageType>("type")? {
            None => nvram.path = Some(el.text()).filter(|path| !path.is_empty()),
            Some(kind) => {
                let missing = || xml_error("Missing 'source' element in 'nvram'").at(el.place());
                let source = el.child("source").ok_or_else(missing)?;
                nvram.source = Some(Box::new(StorageSource::parse(source, kind, flags)?));
            }
        }
        Ok(nvram)
    }

    fn format(&self, w: &mut Writer, flags: FormatFlags) {
        let attributes = |w: &mut Writer| {
            w.attr_opt("template", self.template.as_ref());
            w.attr_opt("type", self.source.as_ref().map(|source| source.location.storage_type()));
            w.attr_opt("format", self.format.filter(|format| *format != FirmwareFormat::Raw));
        };
        match (&self.source, &self.path) {
            (Some(source), _) => w.element("nvram", |w| {
                attributes(w);
                source.format(w, "source", SourceParts::default(), flags);
            }),
            (None, Some(path)) => w.text_element_with("nvram", attributes, path),
            (None, None) => w.element_if_any("nvram", attributes),
        }
    }
}

fn format(el: Element<'_>, what: &str) -> Result<Option<FirmwareFormat>> {
    match el.attr("format") {
        None => Ok(None),
        Some(text) => FirmwareFormat::from_text(text)
            .map(Some)
            .ok_or_else(|| xml_error(format!("Unsupported {what} format '{text}'")).at(el.place())),
    }
}

grammar! {
    pub(super) LOADER = [
        Attr("readonly", YesNo), Attr("secure", YesNo), Attr("type", OneOf(LoaderType::NAMES)), Attr("stateless", YesNo),
        Attr("format", OneOf(FirmwareFormat::NAMES)), Text(Str),
    ];
    pub(super) NVRAM = [
        Attr("template", PATH), Attr("format", OneOf(FirmwareFormat::NAMES)), Attr("type", OneOf(StorageType::NAMES)),
        With(crate::common::storage_source::SOURCES), Text(Str),
    ];
}
