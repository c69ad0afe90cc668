//! The arguments of qemu-img that make a volume, as libvirt 9.0.0 gives them.

use std::fmt::Write;

use virt_conf::common::Encryption;
use virt_conf::common::encryption::EncryptionFormat;
use virt_conf::common::storage_source::ImageFormat;
use virt_conf::storage_volume::{Volume, VolumeFeature, VolumeFormat, VolumeType};
use virt_types::{Result, TextEnum};

use super::{image_format, path_of, wanted_allocation};
use crate::error::{internal, unsupported};

/// Which of the commands it is. An encrypted image that is copied takes two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The only one.
    Only,
    /// The first of two: an empty image.
    Create,
    /// The second of two: the content.
    Convert,
}

/// A volume that is to be made.
#[derive(Debug, Clone, Copy)]
pub struct Creation<'a> {
    /// The volume.
    pub volume: &'a Volume,
    /// The one that it is a copy of.
    pub original: Option<&'a Volume>,
    /// Whether its tables are made at once.
    pub preallocate: bool,
    /// The file with the volume's passphrase.
    pub secret: Option<&'a str>,
    /// The file with the original's passphrase.
    pub original_secret: Option<&'a str>,
}

/// QEMU's options end at commas unless they are doubled.
fn escape(text: &str) -> String {
    text.replace(',', ",,")
}

/// The name of the passphrase's object.
fn alias(volume: &Volume) -> String {
    format!("{}_encrypt0", volume.name)
}

/// The format as qemu-img has to write it.
fn target_format(volume: &Volume) -> ImageFormat {
    match image_format(volume) {
        _ if volume.kind == VolumeType::Block => ImageFormat::Raw,
        None | Some(ImageFormat::Iso) => ImageFormat::Raw,
        Some(format) => format,
    }
}

/// The name of QEMU's driver for an image of a format that may be encrypted.
fn driver(volume: &Volume, format: ImageFormat) -> Result<&'static str> {
    match (&volume.target.encryption, format) {
        (Some(encryption), ImageFormat::Raw) if encryption.format == EncryptionFormat::Luks => Ok("luks"),
        (Some(_), ImageFormat::Raw) => Err(internal("Only luks encryption is supported for raw files")),
        _ => Ok(format.text()),
    }
}

/// `key-secret` and the like have this before them where the encryption is inside of the format.
fn prefix(format: Option<ImageFormat>) -> &'static str {
    if format == Some(ImageFormat::Qcow2) { "encrypt." } else { "" }
}

impl Creation<'_> {
    /// The steps in order.
    #[must_use]
    pub fn steps(&self) -> &'static [Step] {
        let secret = self.secret.is_some() || self.original_secret.is_some();
        if secret && self.original.is_some() { &[Step::Create, Step::Convert] } else { &[Step::Only] }
    }

    /// The arguments of one step, after the program's name.
    ///
    /// # Errors
    /// For what qemu-img can not make so.
    pub fn arguments(&self, step: Step) -> Result<Vec<String>> {
        let volume = self.volume;
        let format = target_format(volume);
        if volume.kind != VolumeType::Block {
            volume.validate_file()?;
        }
        let foreign = |original: &Volume| {
            original.target.encryption.as_ref().is_some_and(|it| it.format != EncryptionFormat::Luks)
        };
        if self.original.is_some_and(foreign) {
            return Err(unsupported("encryption format of inputvol must be LUKS"));
        }
        if self.preallocate && format != ImageFormat::Qcow2 {
            return Err(unsupported("metadata preallocation only available with qcow2"));
        }
        self.check_backing(format)?;
        let kind = driver(volume, format)?;
        if step == Step::Convert {
            return self.conversion(kind);
        }
        let original = self.original.filter(|_| step == Step::Only);
        let backing = match original {
            None if step == Step::Only => volume.backing.as_ref(),
            _ => None,
        };
        let mut arguments: Vec<String> = match original {
            Some(original) => {
                let from = target_format(original).text();
                ["convert", "-f", from, "-O", kind].map(str::to_owned).into()
            }
            None => ["create", "-f", kind].map(str::to_owned).into(),
        };
        let behind = backing.map(|backing| {
            let format = match backing.format {
                Some(VolumeFormat::Image(format)) => format,
                Some(VolumeFormat::Partition(_)) | None => ImageFormat::Raw,
            };
            (backing.path.clone().unwrap_or_default(), format)
        });
        if let Some((path, _)) = &behind {
            arguments.extend(["-b".to_owned(), path.clone()]);
        }
        if volume.target.encryption.is_some() {
            arguments.extend(self.secret_object()?);
        }
        let options = self.options(format, behind.as_ref().map(|(_, format)| *format));
        if !options.is_empty() {
            arguments.extend(["-o".to_owned(), options]);
        }
        if let Some(original) = original {
            arguments.push(path_of(original).to_owned());
        }
        arguments.push(path_of(volume).to_owned());
        let kibibytes = volume.capacity.unwrap_or(0).div_ceil(1024);
        if original.is_none() && (kibibytes > 0 || behind.is_none()) {
            arguments.push(format!("{kibibytes}K"));
        }
        Ok(arguments)
    }

    fn check_backing(&self, format: ImageFormat) -> Result<()> {
        let Some(backing) = &self.volume.backing else { return Ok(()) };
        if format == ImageFormat::Raw {
            return Err(unsupported("cannot set backing store for raw volume"));
        }
        if self.preallocate {
            return Err(unsupported("metadata preallocation conflicts with backing store"));
        }
        let others = self.original.and_then(|original| original.backing.as_ref());
        if others.is_some_and(|other| other.path != backing.path) {
            return Err(internal("a different backing store cannot be specified."));
        }
        Ok(())
    }

    fn secret_object(&self) -> Result<[String; 2]> {
        let file = self.secret.ok_or_else(|| internal("path to secret data file is required"))?;
        Ok(object(self.volume, file))
    }

    fn conversion(&self, kind: &str) -> Result<Vec<String>> {
        let original = self.original.ok_or_else(|| internal("missing input volume target path"))?;
        let mut arguments =
            ["convert", "--image-opts", "-n", "--target-image-opts"].map(str::to_owned).to_vec();
        if self.volume.target.encryption.is_some() {
            arguments.extend(self.secret_object()?);
        }
        let image = |volume: &Volume, kind: &str| {
            let mut image = format!("driver={kind},file.filename={}", path_of(volume));
            if volume.target.encryption.is_some() {
                let prefix = prefix(image_format(volume));
                let _ = write!(image, ",{prefix}key-secret={}", alias(volume));
            }
            image
        };
        if original.target.encryption.is_some() {
            let file = self.original_secret;
            let file = file.ok_or_else(|| internal("path to inputvol secret data file is required"))?;
            arguments.extend(object(original, file));
        }
        let from = driver(original, image_format(original).unwrap_or(ImageFormat::Raw))?;
        arguments.extend([image(original, from), image(self.volume, kind)]);
        Ok(arguments)
    }

    /// The value of `-o`.
    fn options(&self, format: ImageFormat, behind: Option<ImageFormat>) -> String {
        let target = &self.volume.target;
        let mut options = Vec::new();
        if let Some(behind) = behind {
            options.push(format!("backing_fmt={}", behind.text()));
        }
        if let Some(encryption) = &target.encryption {
            options.extend(encryption_options(encryption, format, &alias(self.volume)));
        }
        if self.preallocate {
            let whole = wanted_allocation(self.volume).div_ceil(1024);
            let sparse = self.volume.capacity.unwrap_or(0).div_ceil(1024) > whole;
            options.push(format!("preallocation={}", if sparse { "metadata" } else { "falloc" }));
        }
        if target.nocow {
            options.push("nocow=on".to_owned());
        }
        let has = |feature| target.features.as_ref().is_some_and(|features| features.contains(&feature));
        // Whoever asks for features of version 3 gets it.
        let implied = target.features.as_ref().map(|_| "1.1");
        match target.compat.as_deref().or(implied) {
            Some(compat) => options.push(format!("compat={compat}")),
            None if format == ImageFormat::Qcow2 => options.push("compat=0.10".to_owned()),
            None => {}
        }
        if target.cluster_size > 0 {
            options.push(format!("cluster_size={}", target.cluster_size));
        }
        if format == ImageFormat::Qcow2 && has(VolumeFeature::LazyRefcounts) {
            options.push("lazy_refcounts".to_owned());
        }
        if format == ImageFormat::Qcow2 && has(VolumeFeature::ExtendedL2) {
            options.push("extended_l2=on".to_owned());
        }
        options.join(",")
    }
}

fn object(volume: &Volume, file: &str) -> [String; 2] {
    ["--object".to_owned(), format!("secret,id={},file={}", alias(volume), escape(file))]
}

fn encryption_options(encryption: &Encryption, format: ImageFormat, alias: &str) -> Vec<String> {
    let prefix = prefix(Some(format));
    let mut options = Vec::new();
    if format == ImageFormat::Qcow2 {
        options.push("encrypt.format=luks".to_owned());
    }
    options.push(format!("{prefix}key-secret={alias}"));
    let Some(cipher) = &encryption.cipher else { return options };
    options.push(format!("{prefix}cipher-alg={}-{}", escape(&cipher.name), cipher.size));
    let mut option = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            options.push(format!("{prefix}{name}={}", escape(value)));
        }
    };
    option("cipher-mode", cipher.mode.as_deref());
    option("hash-alg", cipher.hash.as_deref());
    if let Some(ivgen) = &cipher.ivgen {
        option("ivgen-alg", Some(&ivgen.name));
        option("ivgen-hash-alg", ivgen.hash.as_deref());
    }
    options
}

/// The arguments that change the size of a volume, in bytes; QEMU takes multiples of 512.
#[must_use]
pub fn resize_arguments(volume: &Volume, capacity: u64, secret: Option<&str>) -> Vec<String> {
    let capacity = capacity.next_multiple_of(512);
    let mut arguments = vec!["resize".to_owned()];
    if capacity < volume.capacity.unwrap_or(0) {
        arguments.push("--shrink".to_owned());
    }
    match secret {
        None => arguments.push(path_of(volume).to_owned()),
        Some(secret) => {
            let format = image_format(volume);
            let kind = if format == Some(ImageFormat::Qcow2) { "qcow2" } else { "luks" };
            let (prefix, alias) = (prefix(format), alias(volume));
            arguments.extend(object(volume, secret));
            arguments.push("--image-opts".to_owned());
            let file = escape(path_of(volume));
            arguments.push(format!("driver={kind},{prefix}key-secret={alias},file.filename={file}"));
        }
    }
    arguments.push(capacity.to_string());
    arguments
}

#[cfg(test)]
mod tests {
    use virt_conf::storage_pool::PoolType;
    use virt_conf::storage_volume::Capacity;

    use super::*;

    fn volume(inner: &str) -> Volume {
        let xml = format!("<volume><name>v</name>{inner}</volume>");
        let mut volume = Volume::parse(&xml, PoolType::Dir, Capacity::UnlessBacked).unwrap();
        volume.target.path = Some("/p/v".to_owned());
        volume
    }

    fn line(volume: &Volume, preallocate: bool) -> String {
        let creation =
            Creation { volume, original: None, preallocate, secret: Some("/s,x"), original_secret: None };
        creation.arguments(Step::Only).map_or_else(|error| error.to_string(), |all| all.join(" "))
    }

    #[test]
    fn options_come_in_order() {
        let qcow2 = "<capacity unit='KiB'>9</capacity><target><format type='qcow2'/>";
        for (inner, preallocate, expected) in [
            (
                format!("{qcow2}<clusterSize>4096</clusterSize></target>"),
                false,
                "create -f qcow2 -o compat=0.10,cluster_size=4096 /p/v 9K",
            ),
            (
                format!("{qcow2}</target>"),
                true,
                "create -f qcow2 -o preallocation=falloc,compat=0.10 /p/v 9K",
            ),
            (
                format!("<allocation>0</allocation>{qcow2}<features><extended_l2/></features></target>"),
                true,
                "create -f qcow2 -o preallocation=metadata,compat=1.1,extended_l2=on /p/v 9K",
            ),
            (
                "<target><format type='qcow2'/></target><backingStore><path>/b</path></backingStore>"
                    .to_owned(),
                false,
                "create -f qcow2 -b /b -o backing_fmt=raw,compat=0.10 /p/v",
            ),
            (
                "<capacity>1</capacity><target><format type='vdi'/></target>".to_owned(),
                true,
                "unsupported configuration: metadata preallocation only available with qcow2",
            ),
        ] {
            assert_eq!(line(&volume(&inner), preallocate), expected, "{inner}");
        }
    }

    #[test]
    fn sizes_are_rounded_and_passphrases_named() {
        let mut volume = volume("<capacity>2000</capacity><target><format type='raw'/></target>");
        assert_eq!(resize_arguments(&volume, 1000, None).join(" "), "resize --shrink /p/v 1024");
        volume.name = "a,b".to_owned();
        assert_eq!(
            resize_arguments(&volume, 2049, Some("/s")).join(" "),
            "resize --object secret,id=a,b_encrypt0,file=/s --image-opts driver=luks,key-secret=a,b_encrypt0,file.filename=/p/v 2560"
        );
    }
}
