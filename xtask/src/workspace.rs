//! The workspace as cargo describes it.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use serde_json::Value;

use crate::process::{During, Result, output};

/// Top directory of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or_else(|| Path::new("."))
}

/// Where build results go; respects `CARGO_TARGET_DIR` and cargo's configuration.
pub(crate) fn target_dir() -> Result<PathBuf> {
    Ok(PathBuf::from(metadata()?["target_directory"].as_str().unwrap_or("target")))
}

/// `cargo metadata` without the packages from elsewhere, asked once.
pub(crate) fn metadata() -> Result<&'static Value> {
    static METADATA: OnceLock<Value> = OnceLock::new();
    if let Some(known) = METADATA.get() {
        return Ok(known);
    }
    let text = output(cargo().args(["metadata", "--format-version=1", "--no-deps"]))?;
    let value = serde_json::from_str(&text).during("cargo metadata")?;
    Ok(METADATA.get_or_init(|| value))
}

/// The cargo that runs us, in the workspace.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    // Set by `cargo run` for xtask itself; the builds we start must not see them.
    for name in ["CARGO_MANIFEST_DIR", "CARGO_MANIFEST_PATH", "CARGO_PKG_NAME"] {
        command.env_remove(name);
    }
    command
}

/// One workspace package.
#[derive(Debug)]
pub(crate) struct Package<'a>(pub(crate) &'a Value);

impl<'a> Package<'a> {
    pub(crate) fn name(&self) -> &'a str {
        self.text("name").unwrap_or_default()
    }

    /// A key of the manifest, if it is there and not empty.
    pub(crate) fn text(&self, key: &str) -> Option<&'a str> {
        self.0[key].as_str().filter(|text| !text.is_empty())
    }

    pub(crate) fn dir(&self) -> &'a Path {
        self.text("manifest_path").and_then(|path| Path::new(path).parent()).unwrap_or_else(|| Path::new("."))
    }

    /// Names of what it depends on, apart from dev-dependencies.
    pub(crate) fn dependencies(&self) -> impl Iterator<Item = &'a str> {
        self.dependency_rows().filter(|row| row["kind"] != "dev").filter_map(|row| row["name"].as_str())
    }

    /// Names of its dev-dependencies.
    pub(crate) fn dev_dependencies(&self) -> impl Iterator<Item = &'a str> {
        self.dependency_rows().filter(|row| row["kind"] == "dev").filter_map(|row| row["name"].as_str())
    }

    fn dependency_rows(&self) -> impl Iterator<Item = &'a Value> + use<'a> {
        self.0["dependencies"].as_array().into_iter().flatten()
    }

    /// Whether it has a target (a test, a bench) of this kind and name.
    pub(crate) fn has_target(&self, kind: &str, name: &str) -> bool {
        self.targets(kind).any(|target| target["name"] == name)
    }

    /// Its targets of one kind.
    pub(crate) fn targets(&self, kind: &str) -> impl Iterator<Item = &'a Value> {
        let targets = self.0["targets"].as_array().into_iter().flatten();
        targets.filter(move |target| {
            target["kind"].as_array().is_some_and(|kinds| kinds.iter().any(|k| k == kind))
        })
    }
}

/// The workspace's packages, in the order of the manifest.
pub(crate) fn packages() -> Result<Vec<Package<'static>>> {
    Ok(metadata()?["packages"].as_array().into_iter().flatten().map(Package).collect())
}
