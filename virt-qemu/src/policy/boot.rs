//! How a guest's firmware is brought in.

use virt_conf::Result;
use virt_conf::domain::{Domain, FirmwareFormat, LoaderType};

use crate::config::Config;
use crate::error::unsupported;

/// Names the file of the firmware's variables where an image needs one and the document names none.
pub(super) fn complete(domain: &mut Domain, config: &Config) -> Result<()> {
    if domain.bootloader.is_some() || domain.bootloader_args.is_some() {
        return Err(unsupported("bootloader is not supported by QEMU"));
    }
    name_variables(domain, config);
    Ok(())
}

/// Names the file of the firmware's variables where an image needs one and nothing names one.
pub fn name_variables(domain: &mut Domain, config: &Config) {
    let Some(loader) = &mut domain.os.loader else { return };
    let split_image = loader.kind == Some(LoaderType::Pflash)
        && loader.readonly == Some(true)
        && loader.path.is_some()
        && loader.stateless != Some(true);
    if !split_image {
        return;
    }
    let nvram = loader.nvram.get_or_insert_default();
    if nvram.path.is_none() && nvram.source.is_none() {
        let extension = match nvram.format.unwrap_or_default() {
            FirmwareFormat::Raw => "fd",
            FirmwareFormat::Qcow2 => "qcow2",
        };
        let file = config.lib_dir.join("nvram").join(format!("{}_VARS.{extension}", domain.name));
        nvram.path = Some(file.to_string_lossy().into_owned());
    }
}

#[cfg(test)]
mod tests {
    use virt_conf::domain::Loader;

    use super::*;

    #[test]
    fn a_split_image_gets_a_file_for_its_variables() {
        let image = Loader {
            kind: Some(LoaderType::Pflash),
            readonly: Some(true),
            path: Some("/firmware".to_owned()),
            ..Loader::default()
        };
        for (loader, expected) in [
            (image.clone(), Some("/var/lib/libvirt/qemu/nvram/web_VARS.fd")),
            (Loader { stateless: Some(true), ..image.clone() }, None),
            (Loader { readonly: None, ..image }, None),
        ] {
            let mut domain = Domain { name: "web".to_owned(), ..Domain::default() };
            domain.os.loader = Some(loader);
            complete(&mut domain, &Config::system()).unwrap();
            let path = domain.os.loader.and_then(|loader| loader.nvram?.path);
            assert_eq!(path.as_deref(), expected);
        }
    }
}
