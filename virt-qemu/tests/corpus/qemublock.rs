//! Images as block nodes, and their dirty bitmaps.

use std::fmt::Write as _;

use serde_json::Value;
use virt_qemu::block::Bitmaps;
use virt_testkit::corpus::{Case, Verdict, same};

use super::qemublock_create;
use super::qemublock_names::{properties_of_name, there_and_back};
use super::qemublock_nodes::nodes;

pub(crate) fn run(case: &Case) -> Verdict {
    match case.text("api") {
        "bitmap-detect" => same(&list(&bitmaps(case)?), &expected(case)?),
        "bitmap-validate" => {
            let valid = bitmaps(case)?.covers(CHAIN, case.text("bitmap"));
            same(&valid.to_string(), &case.row["valid"].to_string())
        }
        "backup-merge" => {
            let steps = bitmaps(case)?.merge_one(
                CHAIN,
                case.text("incremental"),
                "target_node",
                "target-bitmap-name",
            );
            same_json(&steps, &expected(case)?)
        }
        "checkpoint-delete" => forget(case),
        "blockcopy" => {
            let copied = if case.row["shallow"] == true { 1 } else { CHAIN.len() };
            same_json(&bitmaps(case)?.copied(CHAIN, copied, "mirror-format-node"), &expected(case)?)
        }
        "blockcommit" => {
            let number = |name: &str| case.row[name].as_u64().and_then(|n| usize::try_from(n).ok());
            let (top, base) = (number("top").ok_or("no top")?, number("base").ok_or("no base")?);
            let steps = bitmaps(case)?.committed(&CHAIN[top - 1..], CHAIN[base - 1], top == 1);
            let expected = expected(case)?;
            same_json(&steps, expected.split_once(':').map_or("", |(_, steps)| steps))
        }
        "imagecreate" => qemublock_create::run(case),
        "xml2json" => nodes(case),
        "json-format" => there_and_back(case),
        "json2json" => properties_of_name(case),
        api => Err(format!("{api} is not answered")),
    }
}

/// The images that the bitmaps are of, topmost first.
const CHAIN: &[&str] =
    &["libvirt-1-format", "libvirt-2-format", "libvirt-3-format", "libvirt-4-format", "libvirt-5-format"];

fn bitmaps(case: &Case) -> Result<Bitmaps, String> {
    let reply = case.read("/input").ok_or("no input")?;
    serde_json::from_str(&reply).map(|reply| Bitmaps::of_reply(&reply)).map_err(|error| error.to_string())
}

fn expected(case: &Case) -> Result<String, String> {
    case.read("/expected").ok_or_else(|| "nothing is expected".to_owned())
}

fn same_json(steps: &[Value], expected: &str) -> Verdict {
    let expected: Value = match expected.trim() {
        "" | "NULL" => Value::Array(Vec::new()),
        text => serde_json::from_str(text).map_err(|error| format!("{error}: {text}"))?,
    };
    let pretty = |value: &Value| format!("{value:#}");
    same(&pretty(&Value::Array(steps.to_vec())), &pretty(&expected))
}

fn forget(case: &Case) -> Verdict {
    let expected = expected(case)?;
    match bitmaps(case)?.forget(CHAIN, case.text("bitmap"), "testdisk") {
        Err(_) if expected.trim() == "NULL" => Ok(()),
        Err(error) => Err(error.to_string()),
        Ok((steps, lower)) => {
            let (steps_expected, nodes) = expected.split_once("reopen nodes:").unwrap_or((&expected, ""));
            same_json(&steps, steps_expected)?;
            same(&lower.join("\n"), nodes)
        }
    }
}

fn list(bitmaps: &Bitmaps) -> String {
    let mut text = String::new();
    for (node, bitmaps) in bitmaps.nodes().filter(|(node, _)| node.ends_with("-format")) {
        let _ = writeln!(text, "{node}:");
        for bitmap in bitmaps {
            let _ = writeln!(
                text,
                " {:>8}: record:{} busy:{} persist:{} inconsist:{} gran:{} dirty:{}",
                bitmap.name,
                u8::from(bitmap.recording),
                u8::from(bitmap.busy),
                u8::from(bitmap.persistent),
                u8::from(bitmap.inconsistent),
                bitmap.granularity,
                bitmap.dirty
            );
        }
    }
    text
}
