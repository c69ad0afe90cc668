//! Commands to QEMU's monitor as their callers wrote them.

use std::os::fd::OwnedFd;

use serde_json::Value;
use serde_json::value::RawValue;
use virt_domain::{JobKind, JobSpec};
use virt_driver::{DomainRef, MonitorCommandFlags};
use virt_qmp::command::{HumanMonitorCommand, Object};
use virt_qmp::{Call, CommandError};
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

use super::refusal::{internal, invalid_argument, known};
use super::{QemuConnection, hold};

/// The function that libvirt's refusals name.
const CALL: &str = "qemuDomainQemuMonitorCommandWithFiles";

/// `virDomainQemuMonitorCommand`
pub(super) async fn command(
    connection: &QemuConnection,
    domain: &DomainRef,
    command: &str,
    flags: MonitorCommandFlags,
) -> Result<String> {
    Ok(with_files(connection, domain, command, Vec::new(), flags).await?.0)
}

/// `virDomainQemuMonitorCommandWithFiles`
pub(super) async fn with_files(
    connection: &QemuConnection,
    domain: &DomainRef,
    command: &str,
    files: Vec<OwnedFd>,
    flags: MonitorCommandFlags,
) -> Result<(String, Vec<OwnedFd>)> {
    known(flags, MonitorCommandFlags::HMP, CALL)?;
    if files.len() > 1 {
        return Err(invalid_argument("at most 1 fd can be passed to qemu along with a command"));
    }
    let handle = connection.find(domain).await?;
    let spec = JobSpec::active("virDomainQemuMonitorCommand", JobKind::Modify);
    let command = command.to_owned();
    let answer = handle
        .job(spec, move |context| async move {
            let guest = hold::guest(&context).await?;
            context.taint("custom-monitor");
            if flags.contains(MonitorCommandFlags::HMP) {
                let human = HumanMonitorCommand { command_line: command, cpu_index: None };
                return guest.execute_with_fds(&human, files).await;
            }
            let answer = guest.call(written(&command)?, files).await?;
            context.settle();
            Ok(match answer {
                Ok(value) => answer_of(&value)?,
                Err(error) => refusal(&error),
            })
        })
        .await?;
    Ok((answer, Vec::new()))
}

/// The whole answer around its value, written as libvirt writes it: without white space.
pub(super) fn answer_of(value: &RawValue) -> Result<String> {
    let value: Value = serde_json::from_str(value.get())
        .map_err(|error| internal(format!("cannot read the answer: {error}")))?;
    Ok(format!("{{\"return\":{value}}}"))
}

/// QEMU's refusal as it stands on the wire.
fn refusal(error: &CommandError) -> String {
    let mut members = Object::new();
    members.insert("class".into(), Value::String(error.class.clone()));
    members.insert("desc".into(), Value::String(error.desc.clone()));
    let mut answer = Object::new();
    answer.insert("error".into(), Value::Object(members));
    Value::Object(answer).to_string()
}

/// A command as it was written, which gets its number from the connection.
fn written(text: &str) -> Result<Call> {
    let members = object(text)?;
    if members.contains_key("id") {
        return Err(internal("Unable to append command 'id' string"));
    }
    Ok(Call::members(members))
}

/// What an agent's command consists of.
pub(super) struct AgentCommand {
    pub(super) execute: String,
    pub(super) arguments: Option<Box<RawValue>>,
}

/// Reads a command for an agent.
pub(super) fn agent_command(text: &str) -> Result<AgentCommand> {
    let mut members = object(text)?;
    let execute = members.remove("execute");
    let execute = execute.as_ref().and_then(Value::as_str).map(str::to_owned);
    let arguments = members.remove("arguments").map(|arguments| serde_json::value::to_raw_value(&arguments));
    Ok(AgentCommand {
        execute: execute.ok_or_else(|| internal("missing 'execute' in the agent's command"))?,
        arguments: arguments
            .transpose()
            .map_err(|error| internal("cannot write the arguments").caused_by(error))?,
    })
}

fn object(text: &str) -> Result<Object> {
    serde_json::from_str(text).map_err(|error| {
        let detail = format!("cannot parse json {text}: {error}");
        Error::new(ErrorCode::InternalError, ErrorDomain::None, detail)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_command_is_refused() {
        for (text, words) in [
            ("{\"exec", "cannot parse json {\"exec"),
            ("[]", "cannot parse json []"),
            ("{\"execute\":\"stop\",\"id\":7}", "Unable to append command 'id' string"),
        ] {
            let error = written(text).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InternalError);
            assert!(error.detail().starts_with(words), "{error}");
        }
        assert!(written("{\"execute\":\"query-status\"}").is_ok());
        assert!(agent_command("{\"a\":1}").is_err());
    }

    #[test]
    fn a_refusal_looks_as_on_the_wire() {
        let error = CommandError { class: "GenericError".into(), desc: "no \"x\"".into() };
        assert_eq!(refusal(&error), r#"{"error":{"class":"GenericError","desc":"no \"x\""}}"#);
    }
}
