//! Properties as comma-separated options.

use serde_json::Value;
use virt_qemu::plan::{Lists, Props};
use virt_testkit::corpus::{Case, Verdict, same};

/// Since 7.0, libvirt says `on` and `off` where the corpus has `yes` and `no`.
pub(crate) fn run(case: &Case) -> Verdict {
    let value: Value = serde_json::from_str(case.text("PROPS")).map_err(|error| error.to_string())?;
    let object = value.as_object().ok_or("no object")?;
    let props = object.iter().fold(Props::new(), |props, (name, value)| props.value(name, value.clone()));
    let numbered = case.text("ARRAYFUNC").ends_with("Numbered");
    let lists = if numbered { Lists::Numbered } else { Lists::Ranges };
    let expected =
        case.text("EXPECT").replace("boolean=yes", "boolean=on").replace("boolean=no", "boolean=off");
    same(&props.to_options(lists), &expected)
}
