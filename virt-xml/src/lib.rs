//! Positioned XML tree, typed accessors and a writer in libvirt's form.
#![forbid(unsafe_code)]
