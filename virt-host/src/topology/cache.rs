//! Banks of cache, as the kernel tells them for each CPU.

use virt_conf::capabilities::{Bank, CacheType};

use crate::{Error, Result, Root, cpu};

/// The first level that several cores share.
const FIRST_LEVEL: u32 = 3;

/// Every bank once, by level and number.
pub(super) fn banks(root: &Root) -> Result<Vec<Bank>> {
    let mut banks: Vec<Bank> = Vec::new();
    for cpu in cpu::online(root)?.iter() {
        let dir = format!("/sys/devices/system/cpu/cpu{cpu}/cache");
        for index in root.numbered(&dir, "index").iter() {
            if let Some(bank) = bank(root, &format!("{dir}/index{index}"))?
                && !banks.contains(&bank)
            {
                banks.push(bank);
            }
        }
    }
    banks.sort_by_key(|bank| (bank.level, bank.id));
    Ok(banks)
}

/// `None` for one of a low level, and for one of which the kernel does not tell all.
fn bank(root: &Root, dir: &str) -> Result<Option<Bank>> {
    let file = |name: &str| format!("{dir}/{name}");
    let Some(level) = root.number(&file("level"))?.filter(|level| *level >= FIRST_LEVEL) else {
        return Ok(None);
    };
    let (id, kind) = (root.number(&file("id"))?, root.text(&file("type"))?);
    let (size, cpus) = (root.text(&file("size"))?, root.set(&file("shared_cpu_list"))?);
    let (Some(id), Some(kind), Some(size), Some(cpus)) = (id, kind, size, cpus) else { return Ok(None) };
    let wrong = |name: &str, text: &str| Error::Parse { path: file(name), text: text.to_owned() };
    let kind = match kind.as_str() {
        "Unified" => CacheType::Both,
        "Instruction" => CacheType::Code,
        "Data" => CacheType::Data,
        other => return Err(wrong("type", other)),
    };
    let size = scaled(&size).ok_or_else(|| wrong("size", &size))?;
    Ok(Some(Bank { id, level, kind, size, cpus, controls: Vec::new() }))
}

/// `16384K`, in bytes.
fn scaled(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let shift = match &text[digits.len()..] {
        "" => 0,
        "K" => 10,
        "M" => 20,
        "G" => 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_shl(shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in
            [("512", Some(512)), ("48K", Some(48 << 10)), ("3M", Some(3 << 20)), ("3X", None), ("", None)]
        {
            assert_eq!(scaled(text), bytes, "{text}");
        }
    }
}
