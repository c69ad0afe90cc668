//! The driver's answers, compared with those of libvirt 9.0.0.

#[macro_use]
mod support;

mod devices;
mod domains;
mod hosts;
mod interfaces;
mod moments;
mod networks;
mod pools;
