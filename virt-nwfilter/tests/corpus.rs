//! Families of the external corpus that this crate answers.

use std::fs;
use std::sync::Arc;

use serde_json::Value;
use virt_conf::nwfilter::Filter;
use virt_nwfilter::{Filters, Interface, StateMatch, Variables, resolve};
use virt_testkit::corpus::{self, Case, Verdict, same};
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

#[test]
fn nwfilterxml2firewall() {
    corpus::check("nwfilterxml2firewall", firewall);
}

/// The filters of the corpus by their names, which are those of their files.
struct Recorded<'a>(&'a Case);

impl Filters for Recorded<'_> {
    fn find(&self, name: &str) -> Result<Arc<Filter>> {
        let file = self.0.dir().join("data").join(format!("{name}.input.xml"));
        let missing = |_| Error::new(ErrorCode::NoNwfilter, ErrorDomain::Nwfilter, name);
        Filter::parse(&fs::read_to_string(file).map_err(missing)?).map(Arc::new)
    }
}

fn steps(text: &str) -> Vec<String> {
    text.replace("\\\n", "").lines().map(str::to_owned).collect()
}

/// Takes a block out of the lines, once, where it is there.
fn without(lines: &mut Vec<String>, block: &[String]) {
    if let Some(start) = lines.windows(block.len()).position(|window| window == block) {
        lines.drain(start..start + block.len());
    }
}

fn firewall(case: &Case) -> Verdict {
    let read = |path: &str| fs::read_to_string(case.dir().join(path)).map_err(|error| error.to_string());
    let family: Value = serde_json::from_str(&read("cases.json")?).map_err(|error| error.to_string())?;
    let variables: Variables =
        serde_json::from_value(family["variables"].clone()).map_err(|error| error.to_string())?;
    let interface = Interface::new(family["interface"].as_str().unwrap_or_default());
    let found = || {
        let filter = Filter::parse(&case.read("/input").unwrap_or_default())?;
        interface.build(resolve(&filter, &variables, &Recorded(case))?, StateMatch::State)
    };
    let found = found().map_err(|error| error.to_string())?;
    let mut found: Vec<_> =
        found.iter().flat_map(|transaction| &transaction.steps).map(ToString::to_string).collect();
    for block in family["common_blocks"].as_array().into_iter().flatten() {
        without(&mut found, &steps(&read(block.as_str().unwrap_or_default())?));
    }
    same(&found.join("\n"), &steps(&case.read("/expected").unwrap_or_default()).join("\n"))
}
