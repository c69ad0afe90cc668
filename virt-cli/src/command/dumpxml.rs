//! `virt dumpxml`.

use clap::Args;
use serde_json::json;
use virt_core::conf::{self, typed};
use virt_core::XmlFlags;

use crate::context::{Context, reference};
use crate::failure::Outcome;
use crate::input::Form;

/// Print the configuration of a domain
#[derive(Debug, Args)]
pub(crate) struct Dumpxml {
    /// Name, UUID or number of the domain
    domain: String,

    /// The configuration of the next start, not of the running instance
    #[arg(long)]
    inactive: bool,

    /// In which form; with --json the answer has the typed one beside the XML
    #[arg(long = "as", value_enum, default_value_t = Form::Xml, value_name = "FORM")]
    form: Form,

    /// With passwords
    #[arg(long)]
    security_info: bool,

    /// In the form for a migration to another host
    #[arg(long)]
    migratable: bool,

    /// With the CPU's features as the host has them
    #[arg(long)]
    update_cpu: bool,
}

impl Dumpxml {
    pub(crate) async fn run(&self, context: &Context) -> Outcome {
        let domain = context.domain(&self.domain).await?;
        let mut flags = XmlFlags::empty();
        for (flag, wanted) in [
            (XmlFlags::INACTIVE, self.inactive),
            (XmlFlags::SECURE, self.security_info),
            (XmlFlags::MIGRATABLE, self.migratable),
            (XmlFlags::UPDATE_CPU, self.update_cpu),
        ] {
            flags.set(flag, wanted);
        }
        let xml = domain.xml(flags).await?;
        let document = typed::json_of_xml(&xml, conf::domain::Domain::GRAMMAR)?;
        let shown = self.form.of_domain(xml.trim_end().to_owned() + "\n")?;
        let json = || {
            json!({
                "connection": context.about_json(),
                "domain": reference(domain.reference()),
                "xml": &xml,
                "document": &document,
            })
        };
        Ok(context.output.answer(|| shown, json)?)
    }
}
