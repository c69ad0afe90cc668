//! Refusals of volumes that are to be made as files.

use virt_types::{Error, ErrorCode, ErrorDomain, TextEnum};

use super::{Volume, VolumeFeature, VolumeFormat};
use crate::Result;
use crate::common::encryption::EncryptionFormat;
use crate::common::storage_source::ImageFormat;
use crate::storage_pool::REFUSE;

impl Volume {
    /// Checks that a file can be made that is this volume.
    ///
    /// # Errors
    /// The first refusal, with libvirt's code and sentence.
    pub fn validate_file(&self) -> Result<()> {
        if self.name.contains('/') {
            let detail = format!("volume name '{}' cannot contain '/'", self.name);
            return Err(Error::new(ErrorCode::OperationInvalid, ErrorDomain::Storage, detail));
        }
        let Some(VolumeFormat::Image(format)) = self.target.format else { return Ok(()) };
        if format == ImageFormat::Raw && self.backing.is_some() && self.target.encryption.is_none() {
            let detail = "backing storage not supported for raw volumes";
            return Err(Error::new(ErrorCode::NoSupport, ErrorDomain::Storage, detail));
        }
        let qcow2 = format == ImageFormat::Qcow2;
        if let Some(compat) = self.target.compat.as_deref() {
            if !qcow2 {
                return Err(REFUSE.unsupported("compatibility option only available with qcow2"));
            }
            let has = |feature| self.target.features.as_ref().is_some_and(|set| set.contains(&feature));
            for (feature, shown) in [
                (VolumeFeature::LazyRefcounts, "lazy_refcounts"),
                (VolumeFeature::ExtendedL2, "'extended_l2'"),
            ] {
                if compat == "0.10" && has(feature) {
                    let detail = format!("{shown} not supported with compat level {compat}");
                    return Err(REFUSE.unsupported(detail));
                }
            }
        }
        if self.target.features.is_some() && !qcow2 {
            return Err(REFUSE.unsupported("format features only available with qcow2"));
        }
        self.validate_encryption(format)
    }

    fn validate_encryption(&self, format: ImageFormat) -> Result<()> {
        let Some(encryption) = &self.target.encryption else { return Ok(()) };
        let old = matches!(encryption.format, EncryptionFormat::Qcow | EncryptionFormat::Default);
        if old && matches!(format, ImageFormat::Qcow | ImageFormat::Qcow2) {
            return Err(REFUSE.unsupported("creation of qcow2 encrypted image is not supported"));
        }
        if !matches!(format, ImageFormat::Raw | ImageFormat::Qcow2) {
            let detail = format!("volume encryption unsupported with format {format}");
            return Err(REFUSE.unsupported(detail));
        }
        if encryption.format != EncryptionFormat::Luks {
            let number = EncryptionFormat::SPELLINGS.iter().position(|(kind, _)| *kind == encryption.format);
            let detail = format!("unsupported volume encryption format {}", number.unwrap_or(0));
            return Err(REFUSE.unsupported(detail));
        }
        match encryption.secrets.len() {
            0 => Err(REFUSE.xml("no secret provided for luks encryption")),
            1 => Ok(()),
            _ => Err(REFUSE.xml("too many secrets for luks encryption")),
        }
    }
}
