//! Dirty bitmaps: which blocks of an image changed since a checkpoint. What QEMU says of them
//! (`query-named-block-nodes`), and the steps of a transaction that keep them true when images are copied, merged or
//! forgotten.
//!
//! Each image of a chain has its own bitmap of a name; together they say what changed since the checkpoint of that name.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use virt_types::Result;

use crate::error::internal;

/// The bitmap that records what the guest writes while a job copies.
const WRITES_OF_JOB: &str = "libvirt-tmp-activewrite";

/// One bitmap of a node, as QEMU tells it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bitmap {
    /// Its name.
    pub name: String,
    /// Changes are recorded.
    pub recording: bool,
    /// Something uses it.
    pub busy: bool,
    /// The image keeps it.
    pub persistent: bool,
    /// QEMU did not end as it should have, so that it may lack changes.
    pub inconsistent: bool,
    /// Bytes that one bit stands for.
    pub granularity: u64,
    /// Bytes that changed.
    pub dirty: u64,
}

impl Bitmap {
    fn parse(value: &Value) -> Option<Self> {
        let flag = |name: &str| value[name].as_bool().unwrap_or_default();
        Some(Self {
            name: value["name"].as_str()?.to_owned(),
            recording: flag("recording"),
            busy: flag("busy"),
            persistent: flag("persistent"),
            inconsistent: flag("inconsistent"),
            granularity: value["granularity"].as_u64()?,
            dirty: value["count"].as_u64()?,
        })
    }

    /// Whether it says all that changed, and will go on doing so.
    const fn is_sound(&self) -> bool {
        self.recording && self.persistent && !self.inconsistent
    }
}

/// The bitmap that others are merged into.
#[derive(Debug, Clone, Copy)]
struct Target<'a> {
    node: &'a str,
    name: &'a str,
    /// It only serves a job: nothing keeps it, and it records nothing.
    temporary: bool,
}

/// The bitmaps of all block nodes.
///
/// ```
/// use virt_qemu::block::Bitmaps;
/// let bitmap = serde_json::json!({"name": "c1", "recording": true, "persistent": true, "granularity": 65536, "count": 0});
/// let bitmaps = Bitmaps::of_reply(&serde_json::json!([{"node-name": "top", "dirty-bitmaps": [bitmap]}]));
/// assert!(bitmaps.covers(&["top", "below"], "c1"));
/// assert!(!bitmaps.covers(&["below", "top"], "c1"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bitmaps(BTreeMap<String, Vec<Bitmap>>);

impl Bitmaps {
    /// Reads the answer to `query-named-block-nodes`. Nodes without a name are left out.
    #[must_use]
    pub fn of_reply(reply: &Value) -> Self {
        let nodes = reply.as_array().into_iter().flatten().filter_map(|node| {
            let bitmaps = node["dirty-bitmaps"].as_array().into_iter().flatten();
            Some((node["node-name"].as_str()?.to_owned(), bitmaps.filter_map(Bitmap::parse).collect()))
        });
        Self(nodes.collect())
    }

    /// The nodes by name, with their bitmaps in QEMU's order.
    pub fn nodes(&self) -> impl Iterator<Item = (&str, &[Bitmap])> {
        self.0.iter().map(|(name, bitmaps)| (name.as_str(), bitmaps.as_slice()))
    }

    fn of_node(&self, node: &str) -> &[Bitmap] {
        self.0.get(node).map_or(&[], Vec::as_slice)
    }

    /// A bitmap of a node.
    #[must_use]
    pub fn get(&self, node: &str, name: &str) -> Option<&Bitmap> {
        self.of_node(node).iter().find(|bitmap| bitmap.name == name)
    }

    /// Whether the bitmaps of this name say all that changed in a chain, topmost node first: the upper images have one
    /// each without a gap, and none of them missed a change.
    #[must_use]
    pub fn covers(&self, chain: &[&str], name: &str) -> bool {
        let all: Vec<Option<&Bitmap>> = chain.iter().map(|node| self.get(node, name)).collect();
        let upper = all.iter().take_while(|bitmap| bitmap.is_some()).count();
        upper > 0
            && all[upper..].iter().all(Option::is_none)
            && all.iter().flatten().all(|bitmap| bitmap.is_sound())
    }

    /// Steps after which a bitmap of a name of its own says what changed in a chain since a checkpoint; none where that is not
    /// known.
    #[must_use]
    pub fn merge_one(&self, chain: &[&str], checkpoint: &str, node: &str, name: &str) -> Vec<Value> {
        if !self.covers(chain, checkpoint) {
            return Vec::new();
        }
        self.merge(chain, checkpoint, Target { node, name, temporary: true }, None)
    }

    /// Steps after which a copy of a chain's upper images (`copied`, the first nodes of `chain`) has their bitmaps, with what
    /// the guest wrote meanwhile.
    #[must_use]
    pub fn copied(&self, chain: &[&str], copied: usize, mirror: &str) -> Vec<Value> {
        self.merge_all(chain, &chain[..copied.min(chain.len())], mirror, Some(mirror))
    }

    /// Steps after which an image has the bitmaps of those that were merged into it: the nodes of `chain`, topmost first,
    /// before `base`. Where they were in use, what the guest wrote meanwhile is added.
    #[must_use]
    pub fn committed(&self, chain: &[&str], base: &str, active: bool) -> Vec<Value> {
        let merged = chain.iter().position(|node| *node == base).unwrap_or(chain.len());
        self.merge_all(chain, &chain[..merged], base, active.then_some(base))
    }

    /// Steps that forget a checkpoint in all images of a chain, and which of them have to be made writable for that, lowest
    /// first: all but the topmost.
    ///
    /// # Errors
    /// Where no image has the bitmap; `disk` is the disk's name for the error.
    pub fn forget<'a>(
        &self,
        chain: &[&'a str],
        name: &str,
        disk: &str,
    ) -> Result<(Vec<Value>, Vec<&'a str>)> {
        let with = chain.iter().enumerate().filter(|(_, node)| self.get(node, name).is_some());
        let with: Vec<(usize, &'a str)> = with.map(|(depth, node)| (depth, *node)).collect();
        if with.is_empty() {
            return Err(internal(format!("bitmap '{name}' not found in backing chain of '{disk}'")));
        }
        let steps = with.iter().map(|(_, node)| removal(node, name)).collect();
        Ok((steps, with.iter().rev().filter(|(depth, _)| *depth > 0).map(|(_, node)| *node).collect()))
    }

    /// Merges every bitmap of the topmost image that covers the chain, into one of its name.
    fn merge_all(&self, chain: &[&str], merged: &[&str], node: &str, writes: Option<&str>) -> Vec<Value> {
        let top = chain.first().map_or(&[][..], |top| self.of_node(top));
        let covering = top.iter().rev().filter(|bitmap| self.covers(chain, &bitmap.name));
        let merges = covering.flat_map(|bitmap| {
            let name = bitmap.name.as_str();
            self.merge(merged, name, Target { node, name, temporary: false }, writes)
        });
        merges.chain(writes.map(|node| removal(node, WRITES_OF_JOB))).collect()
    }

    /// Steps that merge the bitmaps of a name in these nodes into one.
    fn merge(&self, nodes: &[&str], name: &str, target: Target<'_>, writes: Option<&str>) -> Vec<Value> {
        let found = nodes.iter().filter_map(|node| Some((*node, self.get(node, name)?)));
        let found: Vec<(&str, &Bitmap)> = found.collect();
        let source = |node: &str, name: &str| json!({"node": node, "name": name});
        let sources = found.iter().map(|(node, bitmap)| source(node, &bitmap.name));
        let sources: Vec<Value> = sources.chain(writes.map(|node| source(node, WRITES_OF_JOB))).collect();
        let mut steps = Vec::new();
        if target.temporary || self.get(target.node, target.name).is_none() {
            let mut data = json!({
                "node": target.node, "name": target.name,
                "persistent": !target.temporary, "disabled": target.temporary,
            });
            if let Some((_, bitmap)) = found.first() {
                data["granularity"] = bitmap.granularity.into();
            }
            steps.push(json!({"type": "block-dirty-bitmap-add", "data": data}));
        }
        let data = json!({"node": target.node, "target": target.name, "bitmaps": sources});
        steps.push(json!({"type": "block-dirty-bitmap-merge", "data": data}));
        steps
    }
}

fn removal(node: &str, name: &str) -> Value {
    json!({"type": "block-dirty-bitmap-remove", "data": {"node": node, "name": name}})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, bitmaps: &[(&str, bool)]) -> Value {
        let bitmap = |(name, recording): &(&str, bool)| json!({"name": name, "recording": recording, "persistent": true, "granularity": 4096, "count": 0});
        json!({"node-name": name, "dirty-bitmaps": bitmaps.iter().map(bitmap).collect::<Vec<_>>()})
    }

    fn known() -> Bitmaps {
        Bitmaps::of_reply(&json!([
            node("top", &[("old", true), ("new", true), ("off", false)]),
            node("mid", &[("old", true), ("gap", true)]),
            node("base", &[("gone", true)]),
        ]))
    }

    const CHAIN: &[&str] = &["top", "mid", "base"];

    #[test]
    fn a_bitmap_covers_a_chain_from_its_top_without_a_gap() {
        for (name, expected) in
            [("old", true), ("new", true), ("off", false), ("gap", false), ("gone", false), ("x", false)]
        {
            assert_eq!(known().covers(CHAIN, name), expected, "{name}");
        }
        assert!(!known().covers(&["top", "base", "mid"], "old"));
    }

    #[test]
    fn merging_adds_what_is_missing_and_what_was_written_meanwhile() {
        let steps = known().committed(CHAIN, "mid", true);
        let kinds: Vec<_> = steps.iter().filter_map(|step| step["type"].as_str()).collect();
        let (add, merge) = ("block-dirty-bitmap-add", "block-dirty-bitmap-merge");
        assert_eq!(kinds, [add, merge, merge, "block-dirty-bitmap-remove"]);
        assert_eq!(steps[0]["data"]["name"], "new");
        assert_eq!(steps[2]["data"]["target"], "old");
        assert_eq!(steps[2]["data"]["bitmaps"].as_array().map(Vec::len), Some(2));
        assert_eq!(known().committed(CHAIN, "mid", false).len(), 3);
    }

    #[test]
    fn a_backup_has_a_bitmap_of_its_own() {
        let steps = known().merge_one(CHAIN, "old", "scratch", "since");
        assert_eq!(steps[0]["data"]["disabled"], true);
        assert_eq!(steps[1]["data"]["bitmaps"].as_array().map(Vec::len), Some(2));
        assert!(known().merge_one(CHAIN, "gap", "scratch", "since").is_empty());
    }

    #[test]
    fn what_is_forgotten_was_there() {
        let (steps, lower) = known().forget(CHAIN, "old", "vda").unwrap();
        assert_eq!((steps.len(), lower), (2, vec!["mid"]));
        assert!(known().forget(CHAIN, "x", "vda").unwrap_err().to_string().contains("'vda'"));
    }
}
