//! Links the daemon so that it touches less of itself when it starts.

use std::env::var;
use std::process::Command;

/// The first release of the GNU C library that reads packed relocations.
const PACKED: (u32, u32) = (2, 36);

/// The relocations of tables of pointers, which the loader reads from end to end, take a megabyte of an idle daemon's
/// memory, or a thirtieth of that when they are packed.
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let native = var("HOST").is_ok_and(|host| var("TARGET").is_ok_and(|target| host == target));
    let gnu = var("CARGO_CFG_TARGET_ENV").is_ok_and(|env| env == "gnu");
    let linux = var("CARGO_CFG_TARGET_OS").is_ok_and(|os| os == "linux");
    if native && gnu && linux && c_library().is_some_and(|version| version >= PACKED) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// The version of the C library here.
fn c_library() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = text.trim().strip_prefix("glibc ")?.split_once('.')?;
    let minor = minor.split('.').next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
