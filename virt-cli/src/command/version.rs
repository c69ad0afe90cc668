//! `virt version`.

use clap::Args;
use serde_json::json;

use crate::context::Context;
use crate::failure::Outcome;
use crate::output::pairs;

/// Print the versions of this program, of the API and of the hypervisor
#[derive(Debug, Args)]
pub(crate) struct Version {}

impl Version {
    pub(crate) async fn run(&self, context: &Context) -> Outcome {
        let hypervisor = context.connection().await?.hypervisor()?;
        let (kind, api) = (hypervisor.type_name().await?, hypervisor.lib_version().await?);
        // This program has a version where there is no hypervisor, too.
        let found = hypervisor.version().await.map(dotted);
        let human = || {
            let running = found.as_ref().map_or_else(|error| format!("none: {error}"), Clone::clone);
            pairs(&[
                ("virt", env!("CARGO_PKG_VERSION").to_owned()),
                ("API", format!("libvirt {}", dotted(api))),
                (&kind, running),
            ])
        };
        let json = || {
            json!({
                "connection": context.about_json(),
                "virt": env!("CARGO_PKG_VERSION"),
                "api": dotted(api),
                "hypervisor": { "name": kind, "version": found.as_ref().ok() },
            })
        };
        Ok(context.output.answer(human, json)?)
    }
}

/// A version of the form 1,000,000 × major + 1,000 × minor + release.
pub(crate) fn dotted(version: u64) -> String {
    format!("{}.{}.{}", version / 1_000_000, version / 1_000 % 1_000, version % 1_000)
}

#[cfg(test)]
mod tests {
    #[test]
    fn versions_are_read_by_people() {
        assert_eq!(super::dotted(9_000_000), "9.0.0");
        assert_eq!(super::dotted(7_002_019), "7.2.19");
    }
}
