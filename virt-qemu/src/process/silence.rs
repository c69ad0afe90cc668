//! Why a process does not answer, as the host sees it.

/// A sentence about the process, from the state in its `/proc/PID/stat` (proc(5)).
pub(super) fn why(pid: u32) -> String {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    match state_of(&stat) {
        Some('T') => {
            format!("QEMU's process {pid} is stopped (state T): `kill -CONT {pid}` lets it go on")
        }
        Some('t') => format!("QEMU's process {pid} is stopped by a debugger (state t)"),
        Some('D') => format!(
            "QEMU's process {pid} waits in the kernel (state D), for a device or a network file system: see /proc/{pid}/stack"
        ),
        Some('Z' | 'X') | None => format!("QEMU's process {pid} has ended"),
        Some(state) => format!("QEMU's process {pid} runs (state {state}) but does not answer its monitor"),
    }
}

/// The third field. The second, a name in parentheses, may hold any character.
fn state_of(stat: &str) -> Option<char> {
    stat.rsplit_once(')')?.1.trim_start().chars().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_follows_a_name_of_any_kind() {
        for (stat, state) in
            [("7 (qemu) T 1 7", Some('T')), ("7 (a) R) (b) D 1", Some('D')), ("7 (qemu)", None), ("", None)]
        {
            assert_eq!(state_of(stat), state, "{stat}");
        }
        assert!(why(std::process::id()).contains("does not answer its monitor"));
    }
}
