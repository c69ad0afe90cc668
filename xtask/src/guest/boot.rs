//! `guest --boot`: times the guest under a bare QEMU, so that the engine's own share of a start can be told.

use std::{
    io::{Read, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use super::Guest;
use crate::{
    process::{During, Failure, Result, shown},
    setup,
};

/// Boots, logs in, runs a command and presses no button but `poweroff`.
pub(super) fn time(guest: &Guest) -> Result<()> {
    let mut command = setup::qemu().ok_or_else(|| Failure::new("needs QEMU; run: cargo xtask setup"))?;
    command.args(["-machine", "q35", "-accel", "tcg", "-m", "256", "-nodefaults", "-nographic"]);
    command.args(["-netdev", "user,id=n0", "-device", "virtio-net-pci,netdev=n0"]);
    command.arg("-kernel").arg(guest.kernel()).arg("-initrd").arg(guest.initrd());
    command.args(["-append", &guest.cmdline()?, "-serial", "stdio", "-no-reboot"]);
    println!("+ {}", shown(&command));
    let mut machine = Machine::start(&mut command)?;
    machine.expect("login: ")?;
    machine.say("root\n")?;
    machine.expect("# ")?;
    machine.say("uname -a; ip -o -4 addr\n")?;
    machine.expect("# ")?;
    machine.say("poweroff\n")?;
    machine.ended()
}

/// A QEMU with its serial console; ended when dropped.
struct Machine {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
    started: Instant,
}

impl Machine {
    fn start(command: &mut Command) -> Result<Self> {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let started = Instant::now();
        let mut child = piped.spawn().during("QEMU")?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Failure::new("QEMU has no console"));
        };
        Ok(Self { child, input, output, started })
    }

    /// Reads until `text` stands in what came since the last call.
    fn expect(&mut self, text: &str) -> Result<()> {
        const LIMIT: Duration = Duration::from_secs(120);
        let mut seen = Vec::new();
        let mut chunk = [0; 4096];
        while !String::from_utf8_lossy(&seen).contains(text) {
            let count = self.output.read(&mut chunk).during("the console")?;
            if count == 0 || self.started.elapsed() > LIMIT {
                let seen = String::from_utf8_lossy(&seen).into_owned();
                return Err(Failure::new(format!("the guest did not get to `{text}`; its console:\n{seen}")));
            }
            seen.extend_from_slice(&chunk[..count]);
        }
        println!(
            "{:6.2} s  {}",
            self.started.elapsed().as_secs_f64(),
            last_lines(&String::from_utf8_lossy(&seen))
        );
        Ok(())
    }

    fn say(&mut self, text: &str) -> Result<()> {
        self.input.write_all(text.as_bytes()).and_then(|()| self.input.flush()).during("the console")
    }

    fn ended(mut self) -> Result<()> {
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).during("the console")?;
        let status = self.child.wait().during("QEMU")?;
        println!("{:6.2} s  off, {status}", self.started.elapsed().as_secs_f64());
        Ok(())
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Both fail if it has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn last_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(4)..].join(" | ")
}
