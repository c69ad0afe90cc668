//! Commands to the agent as their callers wrote them.

use virt_domain::JobKind;
use virt_driver::DomainRef;
use virt_qmp::call::Call;
use virt_types::Result;

use super::super::QemuConnection;
use super::super::monitor::{agent_command, answer_of};
use super::super::refusal::no_flags;
use super::{AgentCall, check_timeout, patience_of, refused, with};

/// `virDomainQemuAgentCommand`
pub(in crate::driver) async fn raw(
    connection: &QemuConnection,
    domain: &DomainRef,
    command: &str,
    timeout: i32,
    flags: u32,
) -> Result<String> {
    no_flags(flags, "qemuDomainQemuAgentCommand")?;
    let handle = connection.find(domain).await?;
    let command = command.to_owned();
    let call = AgentCall::new("virDomainQemuAgentCommand", JobKind::AgentModify);
    with(connection, &handle, call, move |agent| async move {
        check_timeout(timeout)?;
        let command = agent_command(&command)?;
        agent.context.taint("custom-ga-command");
        let call = Call::raw(command.execute.clone(), command.arguments);
        let answer = agent.guest.call_agent(call, patience_of(timeout)).await?;
        match answer {
            Ok(value) => answer_of(&value),
            Err(error) => Err(refused(&command.execute, &error)),
        }
    })
    .await
}
