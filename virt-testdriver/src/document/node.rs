//! `<cpu>` and `<memory>` of a host.

use virt_driver::NodeInfo;
use virt_types::Result;
use virt_xml::Element;
use virt_xml::number::{Base, parse_u32, parse_u64};

use super::{too_big, xml_error};

/// Bytes that a model's name may have.
const MODEL: usize = 31;

/// Takes over what the document says; the rest stays.
pub(super) fn read(root: Element<'_>, info: &mut NodeInfo) -> Result<()> {
    let cpu = root.child("cpu");
    let number = |name: &'static str| {
        let text = cpu.and_then(|cpu| cpu.child_text(name)).filter(|text| !text.is_empty());
        let read = text.map(|text| {
            parse_u32(text.trim(), Base::Ten)
                .ok_or_else(|| xml_error(format!("invalid node cpu {name} value")))
        });
        read.transpose()
    };
    for (name, figure) in [
        ("nodes", &mut info.nodes),
        ("sockets", &mut info.sockets),
        ("cores", &mut info.cores),
        ("threads", &mut info.threads),
    ] {
        *figure = number(name)?.unwrap_or(*figure);
    }
    let possible = [info.threads, info.sockets, info.nodes].into_iter().fold(info.cores, u32::wrapping_mul);
    info.cpus = number("active")?.unwrap_or(possible).min(possible);
    info.mhz = number("mhz")?.unwrap_or(info.mhz);
    if let Some(model) = cpu.and_then(|cpu| cpu.child_text("model")) {
        if model.len() > MODEL {
            return Err(too_big("Model", &model));
        }
        info.model = model;
    }
    if let Some(memory) = root.child_text("memory").filter(|text| !text.is_empty()) {
        let invalid = || xml_error("invalid node memory value");
        info.memory = parse_u64(memory.trim(), Base::Ten).ok_or_else(invalid)?;
    }
    Ok(())
}
