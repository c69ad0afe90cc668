//! Questions to the schema of QEMU's monitor (`query-qmp-schema`, QEMU's docs/devel/qapi-code-gen).

use std::collections::HashMap;

use serde_json::Value;

/// The schema, indexed by entity name.
#[derive(Debug, Default)]
pub struct Schema<'a>(HashMap<&'a str, &'a Value>);

impl<'a> Schema<'a> {
    /// Indexes the answer to `query-qmp-schema`.
    #[must_use]
    pub fn new(answer: &'a Value) -> Self {
        let entities = answer.as_array().into_iter().flatten();
        Self(entities.filter_map(|entity| Some((entity["name"].as_str()?, entity))).collect())
    }

    /// Whether a path exists: a command or event, then `arg-type` or `ret-type`, then members.
    ///
    /// A member's name may be prefixed: `*` it has to be optional, `+` it is a variant of a union, `^` it is a value
    /// of an enumeration, `!` it is an alternate of this built-in kind, `$` it is a feature flag.
    #[must_use]
    pub fn has(&self, path: &str) -> bool {
        let mut parts = path.split('/');
        let Some(mut entity) = parts.next().and_then(|name| self.0.get(name)) else { return false };
        let mut parts = parts.peekable();
        while let Some(part) = parts.next() {
            let next = match part {
                "arg-type" | "ret-type" => entity[part].as_str().and_then(|name| self.0.get(name)),
                _ => match self.step(entity, part) {
                    Step::Found => return parts.peek().is_none(),
                    Step::Type(name) => match self.0.get(name) {
                        Some(next) => Some(next),
                        None => return parts.peek().is_none(),
                    },
                    Step::Missing => None,
                },
            };
            match next {
                Some(next) => entity = next,
                None => return false,
            }
        }
        true
    }

    fn step(&self, entity: &'a Value, part: &str) -> Step<'a> {
        // Arrays are looked through: libvirt's paths do not name them.
        let entity = self.element_of(entity);
        let list = |key: &str| entity[key].as_array().into_iter().flatten();
        let found = |found: bool| if found { Step::Found } else { Step::Missing };
        if let Some(value) = part.strip_prefix('^') {
            return found(
                list("values").any(|item| item == value) || list("members").any(|item| item["name"] == value),
            );
        }
        if let Some(feature) = part.strip_prefix('$') {
            return found(list("features").any(|item| item == feature));
        }
        if let Some(case) = part.strip_prefix('+') {
            let variant = list("variants").find(|item| item["case"] == case);
            return variant.and_then(|item| item["type"].as_str()).map_or(Step::Missing, Step::Type);
        }
        if let Some(kind) = part.strip_prefix('!') {
            return found(list("members").any(|item| item["type"] == kind));
        }
        let (name, optional) = part.strip_prefix('*').map_or((part, false), |name| (name, true));
        list("members")
            .find(|item| item["name"] == name && (!optional || item.get("default").is_some()))
            .and_then(|item| item["type"].as_str())
            .map_or(Step::Missing, Step::Type)
    }

    fn element_of(&self, mut entity: &'a Value) -> &'a Value {
        while entity["meta-type"] == "array" {
            match entity["element-type"].as_str().and_then(|name| self.0.get(name)) {
                Some(element) => entity = element,
                None => break,
            }
        }
        entity
    }
}

enum Step<'a> {
    Found,
    Type(&'a str),
    Missing,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_lead_through_members_variants_values_and_features() {
        let answer = json!([
            {"name": "blockdev-add", "meta-type": "command", "arg-type": "1", "ret-type": "0", "features": ["f"]},
            {"name": "1", "meta-type": "object", "members": [{"name": "driver", "type": "2"}, {"name": "opt", "type": "str", "default": null}],
             "tag": "driver", "variants": [{"case": "nbd", "type": "3"}]},
            {"name": "2", "meta-type": "enum", "values": ["nbd", "file"]},
            {"name": "3", "meta-type": "object", "members": [{"name": "server", "type": "[4]"}]},
            {"name": "[4]", "meta-type": "array", "element-type": "4"},
            {"name": "4", "meta-type": "object", "members": [{"name": "host", "type": "str"}]},
        ]);
        let schema = Schema::new(&answer);
        for (path, expected) in [
            ("blockdev-add", true),
            ("blockdev-del", false),
            ("blockdev-add/arg-type", true),
            ("blockdev-add/arg-type/driver/^file", true),
            ("blockdev-add/arg-type/driver/^rbd", false),
            ("blockdev-add/arg-type/+nbd/server/host", true),
            ("blockdev-add/arg-type/+rbd/server", false),
            ("blockdev-add/arg-type/*opt", true),
            ("blockdev-add/arg-type/*driver", false),
            ("blockdev-add/$f", true),
            ("blockdev-add/$g", false),
        ] {
            assert_eq!(schema.has(path), expected, "{path}");
        }
    }
}
