//! Secrets of a host, such as passphrases of disks: what they are for, and their values.
//!
//! A secret is a document and, beside it, a value. Both are files in libvirt's form: `UUID.xml` and `UUID.base64`, which only
//! their owner can read. An ephemeral secret is kept in memory only. Hypervisors and storage pools of the same process get
//! values through [`SecretValues`](virt_driver::SecretValues), private ones too; callers from outside do not.
//!
//! ```
//! use virt_driver::Secrets as _;
//! use virt_secret::SecretDriver;
//!
//! # let dir = std::env::temp_dir().join(format!("virt-secret-doc-{}", std::process::id()));
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let secrets = SecretDriver::new(dir.join("secrets"));
//! let xml = "<secret><usage type='volume'><volume>/images/web.img</volume></usage></secret>";
//! let secret = secrets.define_xml(xml, 0).await?;
//! secrets.set_value(&secret, b"open sesame", 0).await?;
//! assert_eq!(secrets.value(&secret, 0).await?, b"open sesame");
//! # std::fs::remove_dir_all(dir).unwrap();
//! # Ok::<(), virt_types::Error>(())
//! # }).unwrap();
//! ```
#![forbid(unsafe_code)]

mod driver;
mod files;
mod kept;
#[cfg(test)]
mod tests;

pub use driver::SecretDriver;
