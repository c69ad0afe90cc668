//! The serial console as a person would use it: waiting for prompts, logging in, running a command.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use virt_core::{ByteStream, Domain, Error, ErrorCode, ErrorDomain};

use super::Executed;
use super::login::Login;
use crate::command::console::write_all;
use crate::failure::{Failure, Outcome};
use crate::output::Output;
use crate::timing::Phases;

const FIRST_OUTPUT: &str = "first output on the console";
const KERNEL: &str = "kernel started";
const LOGIN_PROMPT: &str = "login prompt";

/// The longest line that a terminal of the guest takes whole (`N_TTY_BUF_SIZE` of Linux, less its end).
const LONGEST_LINE: usize = 4095;

/// A stream of bytes without the sequences that move cursors, set colours or ask the terminal.
#[derive(Debug, Default)]
struct Plain(Escape);

/// How far into an escape sequence (ECMA-48) the stream is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Escape {
    #[default]
    Outside,
    /// After ESC.
    Begun,
    /// In a control sequence, which ends with a byte from `@` on.
    Control,
    /// In a string, which ends with BEL or ESC and a backslash.
    Text,
}

impl Plain {
    fn take(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut plain = Vec::with_capacity(bytes.len());
        for &byte in bytes {
            self.0 = match (self.0, byte) {
                (_, 0x1b) => Escape::Begun,
                (Escape::Begun, b'[') => Escape::Control,
                (Escape::Begun, b']' | b'P' | b'X' | b'^' | b'_') => Escape::Text,
                (Escape::Begun, _) | (Escape::Control, b'@'..) | (Escape::Text, 0x07) => Escape::Outside,
                (Escape::Outside, byte) => {
                    if byte != b'\r' && byte != 0 {
                        plain.push(byte);
                    }
                    Escape::Outside
                }
                (inside, _) => inside,
            };
        }
        plain
    }
}

/// The end of what the guest has said.
#[derive(Debug, Default)]
pub(super) struct Screen {
    text: Vec<u8>,
    plain: Plain,
}

impl Screen {
    /// As much of the end as is kept.
    const KEPT: usize = 64 << 10;

    pub(super) fn take(&mut self, bytes: &[u8]) {
        let plain = self.plain.take(bytes);
        self.text.extend_from_slice(&plain);
        if self.text.len() > 2 * Self::KEPT {
            self.text.drain(..self.text.len() - Self::KEPT);
        }
    }

    fn contains(&self, words: &str) -> bool {
        self.text.windows(words.len()).any(|window| window == words.as_bytes())
    }

    /// The line that the cursor is in.
    fn last_line(&self) -> String {
        let line = self.text.rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
        String::from_utf8_lossy(line).trim_end().to_owned()
    }

    /// The last lines in which something is.
    fn last_lines(&self, count: usize) -> String {
        let text = String::from_utf8_lossy(&self.text);
        let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
        lines[lines.len().saturating_sub(count)..].join("\n")
    }

    /// Notes the phases that show on the screen.
    pub(super) fn note(&self, phases: &mut Phases, reach: impl Fn(&mut Phases, &'static str)) {
        for (phase, shows) in [
            (FIRST_OUTPUT, !self.text.is_empty()),
            (KERNEL, !phases.has(KERNEL) && self.contains("Linux version ")),
            (LOGIN_PROMPT, self.asks_who()),
        ] {
            if shows && !phases.has(phase) {
                reach(phases, phase);
            }
        }
    }

    fn asks_who(&self) -> bool {
        self.last_line().ends_with("login:")
    }

    fn asks_for_password(&self) -> bool {
        self.last_line().ends_with("assword:")
    }

    fn has_shell_prompt(&self) -> bool {
        self.last_line().ends_with(['#', '$', '>', '%', '❯'])
    }
}

/// A serial console in the hands of this command.
pub(super) struct Serial<'a> {
    console: Arc<dyn ByteStream>,
    output: Output,
    phases: &'a mut Phases,
    domain: &'a Domain,
    screen: Screen,
    /// Since the last line that was typed.
    answer: Screen,
    shown: Plain,
    mirror: bool,
}

/// What a guest answers to a user's name.
enum Answer {
    Password,
    Shell,
    Refused,
}

impl<'a> Serial<'a> {
    pub(super) fn new(
        console: Arc<dyn ByteStream>,
        output: Output,
        phases: &'a mut Phases,
        domain: &'a Domain,
    ) -> Self {
        let (screen, answer) = (Screen::default(), Screen::default());
        let mirror = output.is_talkative();
        Self { console, output, phases, domain, screen, answer, shown: Plain::default(), mirror }
    }

    pub(super) const fn phases(&mut self) -> &mut Phases {
        self.phases
    }

    /// Waits for the login prompt, and answers it.
    pub(super) async fn log_in(&mut self, login: &Login, limit: Duration) -> Outcome {
        let deadline = Instant::now() + limit;
        self.until(LOGIN_PROMPT, limit, deadline, |screen, _| screen.asks_who().then_some(())).await?;
        self.say(&login.user).await?;
        let answered = |screen: &Screen, _: &[u8]| {
            if screen.contains("Login incorrect") {
                Some(Answer::Refused)
            } else if screen.asks_for_password() {
                Some(Answer::Password)
            } else {
                screen.has_shell_prompt().then_some(Answer::Shell)
            }
        };
        let mut answer = self.until("shell prompt", limit, deadline, answered).await?;
        if matches!(answer, Answer::Password) {
            let Some(password) = &login.password else {
                let detail = format!("the guest asks for the password of user '{}'", login.user);
                return Err(refused(detail).with_hint("--login USER:PASSWORD").into());
            };
            self.say(password).await?;
            answer = self.until("shell prompt", limit, deadline, answered).await?;
        }
        match answer {
            Answer::Shell => {
                self.phases.reach(format!("logged in as {}", login.user));
                Ok(())
            }
            _ => Err(refused(format!("the guest does not let user '{}' in", login.user))
                .with_hint("check user and password of --login")
                .into()),
        }
    }

    /// Runs a command in the shell that is logged in, and gives its output while it comes.
    pub(super) async fn execute(&mut self, command: &str, limit: Duration) -> Outcome<Executed> {
        let mut capture = Capture::new();
        let line = capture.command_line(command);
        if line.lines().any(|line| line.len() > LONGEST_LINE) {
            return Err(Failure::Usage(format!("--exec takes lines of up to {} bytes", LONGEST_LINE - 200)));
        }
        // What is really typed is longer, and nobody's concern.
        let gap = if self.screen.text.ends_with(b" ") { "" } else { " " };
        self.show(format!("{gap}{command}\n").as_bytes())?;
        self.mirror = false;
        self.say(&line).await?;
        let (output, shown) = (self.output, !self.output.is_json());
        let mut unshown = Ok(());
        let deadline = Instant::now() + limit;
        let status = self
            .until("end of the command", limit, deadline, |_, bytes| {
                let new = capture.take(bytes);
                if shown && unshown.is_ok() {
                    unshown = output.raw(new.as_bytes());
                }
                capture.status
            })
            .await?;
        unshown?;
        self.mirror = self.output.is_talkative();
        self.phases.reach("command ended");
        Ok(Executed { output: capture.output, status })
    }

    /// Shows what the guest says, in a form that does nothing to a terminal.
    fn show(&mut self, bytes: &[u8]) -> Outcome {
        let plain = self.shown.take(bytes);
        if self.mirror { Ok(self.output.raw(&plain)?) } else { Ok(()) }
    }

    /// Reads and shows what the guest says until its side of the console is closed.
    pub(super) async fn drain(&mut self) -> Outcome {
        let mut buffer = [0; 4096];
        loop {
            match self.console.read(&mut buffer).await? {
                0 => return Ok(()),
                count => self.show(&buffer[..count])?,
            }
        }
    }

    async fn say(&mut self, line: &str) -> Outcome {
        self.answer = Screen::default();
        write_all(&*self.console, format!("{line}\n").as_bytes()).await?;
        Ok(())
    }

    /// Reads the console until `ready` finds in what came since the last line typed, and in the newest bytes, what it
    /// waits for.
    async fn until<T>(
        &mut self,
        what: &str,
        limit: Duration,
        deadline: Instant,
        mut ready: impl FnMut(&Screen, &[u8]) -> Option<T>,
    ) -> Outcome<T> {
        let mut buffer = [0; 4096];
        loop {
            let count = match timeout_at(deadline, self.console.read(&mut buffer)).await {
                Err(_) => return Err(self.too_late(what, limit).into()),
                Ok(count) => count?,
            };
            if count == 0 {
                return Err(self.ended(what).await.into());
            }
            let bytes = &buffer[..count];
            self.show(bytes)?;
            self.screen.take(bytes);
            self.answer.take(bytes);
            self.screen.note(self.phases, |phases, phase| phases.reach_on_screen(phase));
            if let Some(found) = ready(&self.answer, bytes) {
                return Ok(found);
            }
        }
    }

    /// A timeout is no diagnosis: how far the guest came, and its last words.
    fn too_late(&self, what: &str, limit: Duration) -> Error {
        let detail = format!("no {what} within {} s", limit.as_secs());
        let error = Error::new(ErrorCode::OperationTimeout, ErrorDomain::None, detail);
        let hint = if !self.phases.has(FIRST_OUTPUT) {
            "the guest wrote nothing to its serial console: boot its kernel with console=ttyS0, and check that there is something to boot"
        } else if self.screen.contains("Kernel panic") {
            "the guest's kernel panicked, its last lines say why"
        } else if self.screen.contains("No bootable device") {
            "the firmware found nothing to boot: check the disk image"
        } else if self.phases.has(LOGIN_PROMPT) {
            "what was waited for may take longer: raise --timeout"
        } else {
            "the guest may be slower than that: raise --timeout; or it has no login prompt on its serial console"
        };
        self.with_last_lines(error).with_hint(hint)
    }

    async fn ended(&self, what: &str) -> Error {
        let why = self.domain.state().await.map_or_else(|_| "gone".to_owned(), |status| status.reason_name());
        let detail = format!("the guest ended ({why}) before its {what}");
        self.with_last_lines(Error::new(ErrorCode::OperationFailed, ErrorDomain::None, detail))
    }

    fn with_last_lines(&self, error: Error) -> Error {
        let (phase, time) = self.phases.last().unwrap_or(("nothing", Duration::ZERO));
        let lines = match self.screen.last_lines(10) {
            lines if lines.is_empty() => "nothing came from the console".to_owned(),
            lines => format!("the last lines on the console:\n    {}", lines.replace('\n', "\n    ")),
        };
        let words = format!("the last phase was '{phase}', after {:.1} s; {lines}", time.as_secs_f64());
        error.caused_by(std::io::Error::other(words))
    }
}

fn refused(detail: String) -> Error {
    Error::new(ErrorCode::AuthFailed, ErrorDomain::None, detail)
}

/// Tells a command's output from all that a terminal shows besides, by two lines that only the shell can write.
struct Capture {
    mark: String,
    line: Vec<u8>,
    begun: bool,
    output: String,
    status: Option<i32>,
}

impl Capture {
    fn new() -> Self {
        // Nothing that the guest says by itself.
        let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let mark = format!("virt{:x}{:x}", std::process::id(), time.subsec_nanos());
        Self { mark, line: Vec::new(), begun: false, output: String::new(), status: None }
    }

    /// What is typed. The marks are put together by the shell, so that the echo of the line does not hold them.
    fn command_line(&self, command: &str) -> String {
        let (mark, quoted) = (&self.mark, command.replace('\'', "'\\''"));
        format!(
            "printf '%s-%s\\n' {mark} begin; sh -c '{quoted}' </dev/null; printf '%s-%s:%s\\n' {mark} done $?"
        )
    }

    /// Takes what came, and gives the output in it that is complete.
    fn take(&mut self, bytes: &[u8]) -> String {
        let before = self.output.len();
        for &byte in bytes {
            self.line.push(byte);
            if byte == b'\n' && self.status.is_none() {
                let line = std::mem::take(&mut self.line);
                self.take_line(&String::from_utf8_lossy(&line));
            }
        }
        self.output[before..].to_owned()
    }

    fn take_line(&mut self, line: &str) {
        let line = line.trim_end_matches(['\r', '\n']);
        if !self.begun {
            self.begun = line.contains(&format!("{}-begin", self.mark));
            return;
        }
        match line.split_once(&format!("{}-done:", self.mark)) {
            Some((rest, status)) => {
                // An output without an end of line.
                self.output.push_str(rest);
                if !rest.is_empty() {
                    self.output.push('\n');
                }
                self.status = Some(status.trim().parse().unwrap_or(-1));
            }
            None => {
                self.output.push_str(line);
                self.output.push('\n');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_do_not_hide_prompts() {
        let mut screen = Screen::default();
        screen.take(b"\x1b[2J\x1b]0;title\x07Debian\r\n\r\n\x1b[?2004h\x1b[1mgu");
        assert!(!screen.asks_who());
        screen.take(b"est login:\x1b[0");
        screen.take(b"m ");
        assert!(screen.asks_who());
        assert_eq!(screen.last_lines(5), "Debian\nguest login:");
        screen.take(b"root\r\nPassword: ");
        assert!(screen.asks_for_password() && !screen.has_shell_prompt());
        screen.take(b"\r\n\x1b]0;a\x1b\\root@guest:~# ");
        assert!(screen.has_shell_prompt());
    }

    #[test]
    fn only_the_end_is_kept() {
        let mut screen = Screen::default();
        for _ in 0..4096 {
            screen.take(&[b'x'; 63]);
            screen.take(b"\n");
        }
        screen.take(b"the end");
        assert!(screen.text.len() <= 2 * Screen::KEPT);
        assert_eq!(screen.last_line(), "the end");
    }

    #[test]
    fn output_is_told_from_echo_and_prompts() {
        let mut capture = Capture::new();
        let typed = capture.command_line("echo 'a b'\nfalse");
        assert!(typed.contains("sh -c 'echo '\\''a b'\\''\nfalse'"), "{typed}");
        let mark = capture.mark.clone();
        let said = format!("{typed}\r\n{mark}-begin\r\na b\r\nno end{mark}-done:1\r\n# ").replace('\n', "\r\n");
        let mut shown = String::new();
        for chunk in said.as_bytes().chunks(7) {
            shown += &capture.take(chunk);
        }
        assert_eq!(capture.status, Some(1));
        assert_eq!(capture.output, "a b\nno end\n");
        assert_eq!(shown, capture.output);
    }

    #[test]
    fn what_is_typed_runs_in_a_shell() {
        let mut capture = Capture::new();
        let typed = capture.command_line("printf 'x y'; exit 3");
        let output = std::process::Command::new("sh").args(["-c", &typed]).output().unwrap();
        assert_eq!(capture.take(&output.stdout), "x y\n");
        assert_eq!(capture.status, Some(3));
    }
}
