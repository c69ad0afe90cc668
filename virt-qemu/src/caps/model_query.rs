//! CPU models that only the binary itself can compare: those of s390, whose features depend on each other.

use serde_json::{Value, json};
use virt_conf::domain::{Cpu, CpuFeature, FeaturePolicy};
use virt_cpu::Comparison;
use virt_types::{Error, ErrorCode, ErrorDomain, Result};
use virt_xml::Writer;

use super::Capabilities;
use super::probe::Session;

/// A CPU as QEMU's commands take it: a model, and features that are on or off.
fn model(cpu: &Cpu) -> Value {
    let mut model = json!({ "name": cpu.model });
    if !cpu.features.is_empty() {
        let on = |policy| matches!(policy, FeaturePolicy::Require | FeaturePolicy::Force);
        let props =
            cpu.features.iter().map(|feature| (feature.name.clone(), Value::Bool(on(feature.policy))));
        model["props"] = Value::Object(props.collect());
    }
    model
}

/// The model of an answer, with the features that are on.
fn told(answer: &Value) -> Cpu {
    let model = &answer["model"];
    let props =
        model["props"].as_object().into_iter().flatten().filter(|(_, value)| **value == Value::Bool(true));
    let feature = |name: &String| CpuFeature { name: name.clone(), policy: FeaturePolicy::Require };
    Cpu {
        model: model["name"].as_str().map(str::to_owned),
        features: props.map(|(name, _)| feature(name)).collect(),
        ..Cpu::default()
    }
}

/// Who answers commands: a binary, or whoever pretends to be one.
trait Answers {
    /// Executes a command.
    fn ask(&mut self, command: &'static str, arguments: Value) -> impl Future<Output = Result<Value>> + Send;
}

impl Answers for Session {
    async fn ask(&mut self, command: &'static str, arguments: Value) -> Result<Value> {
        self.execute(command, &arguments).await
    }
}

/// What all these have in common, or, of one, what it consists of; with `expand` every feature is told.
async fn common(binary: &mut impl Answers, cpus: &[Cpu], expand: bool) -> Result<Cpu> {
    let [first, others @ ..] = cpus else { return Err(virt_cpu::Error::NoCpus.into()) };
    let mut baseline = first.clone();
    for other in others {
        let question = json!({ "modela": model(&baseline), "modelb": model(other) });
        baseline = told(&binary.ask("query-cpu-model-baseline", question).await?);
    }
    if expand || others.is_empty() {
        let kind = if expand { "full" } else { "static" };
        let question = json!({ "type": kind, "model": model(&baseline) });
        baseline = told(&binary.ask("query-cpu-model-expansion", question).await?);
    }
    if expand {
        baseline.features.sort_by(|a, b| a.name.cmp(&b.name));
    }
    Ok(baseline)
}

async fn compared(binary: &mut impl Answers, host: &Cpu, wanted: &Cpu) -> Result<Comparison> {
    let question = json!({ "modela": model(host), "modelb": model(wanted) });
    let answer = binary.ask("query-cpu-model-comparison", question).await?;
    Ok(match answer["result"].as_str() {
        Some("identical") => Comparison::Identical,
        Some("superset") => Comparison::Superset,
        _ => Comparison::Incompatible,
    })
}

impl Capabilities {
    /// The best CPU that the binary knows all these to be, as a document.
    ///
    /// # Errors
    /// `VIR_ERR_INVALID_ARG` for CPUs without a model or of one that the binary lacks; what the binary refuses.
    pub(crate) async fn baseline_by_binary(
        &self,
        cpus: &[Cpu],
        known: &[virt_cpu::HypervisorModel],
        expand: bool,
    ) -> Result<String> {
        let invalid = |detail: String| Error::new(ErrorCode::InvalidArg, ErrorDomain::Qemu, detail);
        for (at, cpu) in cpus.iter().enumerate() {
            let Some(name) = &cpu.model else {
                return Err(invalid(format!("no CPU model specified at index {at}")));
            };
            if known.iter().all(|model| model.name != *name) {
                return Err(invalid(format!("CPU model '{name}' not supported by hypervisor")));
            }
        }
        let mut session = Session::start(&self.binary, self.accelerator()).await?;
        let found = common(&mut session, cpus, expand).await;
        session.end(found.is_ok()).await;
        Ok(host_document(&found?))
    }

    /// How a CPU compares with what the binary can give.
    ///
    /// # Errors
    /// What the binary refuses.
    pub(crate) async fn compare_by_binary(&self, host: &Cpu, wanted: &Cpu) -> Result<Comparison> {
        let mut session = Session::start(&self.binary, self.accelerator()).await?;
        let found = compared(&mut session, host, wanted).await;
        session.end(found.is_ok()).await;
        found
    }

    fn accelerator(&self) -> &'static str {
        if self.kvm.is_some() { "kvm" } else { "tcg" }
    }
}

/// libvirt writes such a CPU in the form of hosts'.
fn host_document(cpu: &Cpu) -> String {
    let mut w = Writer::new();
    w.element("cpu", |w| {
        w.text_element_opt("model", cpu.model.as_ref());
        for feature in &cpu.features {
            w.element("feature", |w| w.attr("name", &feature.name));
        }
    });
    w.finish()
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use virt_cpu::Description;

    use super::*;

    fn cpu(xml: &str) -> Cpu {
        Description::parse(xml).unwrap().cpu
    }

    /// Gives answers in turn, and keeps what it was asked.
    #[derive(Default)]
    struct Scripted {
        answers: VecDeque<Value>,
        questions: Vec<(&'static str, Value)>,
    }

    impl Answers for Scripted {
        async fn ask(&mut self, command: &'static str, arguments: Value) -> Result<Value> {
            self.questions.push((command, arguments));
            Ok(self.answers.pop_front().unwrap_or_default())
        }
    }

    #[tokio::test]
    async fn models_are_joined_two_at_a_time() {
        let cpus = [
            cpu("<cpu><model>z14-base</model></cpu>"),
            cpu("<cpu><model>z13</model><feature policy='disable' name='aefsi'/></cpu>"),
        ];
        let answer = json!({ "model": { "name": "z13-base", "props": { "msa5": true, "aefsi": false, "aen": true } } });
        let mut binary = Scripted { answers: [answer.clone(), answer].into(), ..Scripted::default() };
        let found = common(&mut binary, &cpus, true).await.unwrap();
        let expected =
            "<cpu>\n  <model>z13-base</model>\n  <feature name='aen'/>\n  <feature name='msa5'/>\n</cpu>\n";
        assert_eq!(host_document(&found), expected);
        let (command, arguments) = &binary.questions[0];
        assert_eq!(*command, "query-cpu-model-baseline");
        let expected = json!({
            "modela": { "name": "z14-base" },
            "modelb": { "name": "z13", "props": { "aefsi": false } },
        });
        assert_eq!(*arguments, expected);
        let (command, arguments) = &binary.questions[1];
        assert_eq!((*command, &arguments["type"]), ("query-cpu-model-expansion", &json!("full")));
    }

    #[tokio::test]
    async fn answers_are_comparisons() {
        let (host, wanted) = (cpu("<cpu><model>z14</model></cpu>"), cpu("<cpu><model>z13</model></cpu>"));
        for (answer, expected) in [
            ("identical", Comparison::Identical),
            ("superset", Comparison::Superset),
            ("subset", Comparison::Incompatible),
            ("incompatible", Comparison::Incompatible),
        ] {
            let mut binary =
                Scripted { answers: [json!({ "result": answer })].into(), ..Scripted::default() };
            assert_eq!(compared(&mut binary, &host, &wanted).await.unwrap(), expected);
        }
    }
}
