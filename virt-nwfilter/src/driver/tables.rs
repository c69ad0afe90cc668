//! Running what changes the host's tables.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use virt_firewall::{Command, Runner};
use virt_types::Result;

use super::batch;
use crate::step::{Layer, Listed, Step, Transaction};

/// The host's tables. Its calls block.
#[derive(Debug, Clone)]
pub(crate) struct Tables {
    runner: Arc<dyn Runner>,
}

impl Tables {
    pub(crate) const fn new(runner: Arc<dyn Runner>) -> Self {
        Self { runner }
    }

    /// Runs transactions one after the other: those of each layer in one process if that can be, else step by step. Of what fails
    /// then, everything is taken back.
    pub(crate) fn apply(&self, transactions: &[Transaction]) -> Result<()> {
        let mut layers: Vec<Layer> =
            transactions.iter().flat_map(|all| &all.steps).map(|step| step.layer).collect();
        let mut seen = BTreeSet::new();
        layers.retain(|layer| seen.insert(*layer));
        let at_once = |layer: &Layer| batch::run(&*self.runner, *layer, transactions).is_ok();
        let done: BTreeSet<Layer> = layers.into_iter().filter(at_once).collect();
        self.apply_steps(transactions, &done)
    }

    fn apply_steps(&self, transactions: &[Transaction], done: &BTreeSet<Layer>) -> Result<()> {
        for transaction in transactions {
            let steps = transaction.steps.iter().filter(|step| !done.contains(&step.layer));
            if let Err(error) = self.run_all(steps, transaction.ignore_failures) {
                if let Err(undo) = self.run_all(&transaction.undo, true) {
                    log::debug!("{undo}");
                }
                return Err(error.into());
            }
        }
        Ok(())
    }

    fn run(&self, step: &Step, attempts: u32) -> Result<String, virt_firewall::Error> {
        let command = command(step);
        let mut outcome = self.runner.run(&command, "");
        for _ in 1..attempts {
            match &outcome {
                Err(virt_firewall::Error::Refused { said, .. }) => {
                    log::debug!("'{command}' once more: {said}")
                }
                _ => break,
            }
            outcome = self.runner.run(&command, "");
        }
        outcome
    }

    /// The steps, and then those that follow from their answers.
    fn run_all<'a>(
        &self,
        steps: impl IntoIterator<Item = &'a Step>,
        ignore_failures: bool,
    ) -> Result<(), virt_firewall::Error> {
        let mut steps: VecDeque<Step> = steps.into_iter().cloned().collect();
        while let Some(step) = steps.pop_front() {
            // A listing of what is not there leads nowhere.
            let tolerant = step.may_fail || step.listed.is_some() || ignore_failures;
            match self.run(&step, if tolerant { 1 } else { ATTEMPTS }) {
                Ok(answer) => {
                    let Some(listed) = step.listed else { continue };
                    answer.lines().for_each(|line| steps.extend(following(listed, line)));
                }
                Err(error) if tolerant => log::debug!("{error}"),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// How often a step is tried that has to succeed. The kernel refuses what another program's change has just overtaken.
const ATTEMPTS: u32 = 4;

/// The command of a step, which waits while another program changes the same tables.
fn command(step: &Step) -> Command {
    let wait = match step.layer {
        Layer::Ethernet => "--concurrent",
        Layer::Ipv4 | Layer::Ipv6 => "-w",
    };
    let args = std::iter::once(wait.to_owned()).chain(step.arguments.iter().cloned()).collect();
    Command { program: step.layer.program(), args }
}

/// What follows from a line of a listing that leads into a chain.
pub(super) fn following(listed: Listed, line: &str) -> Vec<Step> {
    let target = line.split_once("-j ").map(|(_, rest)| rest.trim());
    let Some((chain, letter)) = target.and_then(|chain| Some((chain, chain.chars().next()?))) else {
        return Vec::new();
    };
    if !chain[letter.len_utf8()..].starts_with('-') {
        return Vec::new();
    }
    let step =
        |arguments: &[&str]| Step::new(Layer::Ethernet, ["-t", "nat"].iter().chain(arguments).copied());
    let further = Step { listed: Some(listed), ..step(&["-L", chain]) };
    match listed {
        Listed::Remove(letters) if letters.contains(&letter) => {
            vec![further, step(&["-F", chain]).or_nothing(), step(&["-X", chain]).or_nothing()]
        }
        Listed::Rename => {
            let Some(letter) = final_letter(letter) else { return Vec::new() };
            let name = format!("{letter}{}", &chain[1..]);
            vec![
                further,
                step(&["-F", &name]).or_nothing(),
                step(&["-X", &name]).or_nothing(),
                step(&["-E", chain, &name]).or_nothing(),
            ]
        }
        Listed::Remove(_) => Vec::new(),
    }
}

const fn final_letter(temporary: char) -> Option<char> {
    match temporary {
        'J' => Some('I'),
        'P' => Some('O'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;
    use virt_firewall::Error;

    /// Writes down what it is told, answers listings, and refuses what has a word in it.
    #[derive(Debug, Default)]
    struct Written {
        lines: Mutex<Vec<String>>,
        refused: &'static str,
    }

    impl Runner for Written {
        fn run(&self, command: &Command, _: &str) -> virt_firewall::Result<String> {
            let line = command.to_string();
            if command.program.ends_with("-save") {
                return Err(Error::Missing(command.program));
            }
            if !self.refused.is_empty() && line.contains(self.refused) {
                return Err(Error::Refused { command: line, said: "no".into() });
            }
            let leads = line.ends_with("-L libvirt-J-vnet0");
            self.lines.lock().unwrap().push(line);
            Ok(if leads { "Bridge chain\n-p ARP -j J-vnet0-arp\n-j DROP\n".into() } else { String::new() })
        }
    }

    fn run(transaction: Transaction, refused: &'static str) -> (Result<()>, Vec<String>) {
        let runner = Arc::new(Written { refused, ..Written::default() });
        let outcome = Tables::new(Arc::clone(&runner) as _).apply(&[transaction]);
        let lines = std::mem::take(&mut *runner.lines.lock().unwrap());
        (outcome, lines)
    }

    fn step(text: &str) -> Step {
        Step::new(Layer::Ethernet, text.split(' '))
    }

    #[test]
    fn chains_that_a_listing_leads_to_follow_it() {
        let listing = |listed| Step { listed: Some(listed), ..step("-t nat -L libvirt-J-vnet0") };
        for (listed, expected) in [
            (Listed::Remove(['J', 'P']), &["-L J-vnet0-arp", "-F J-vnet0-arp", "-X J-vnet0-arp"][..]),
            (Listed::Remove(['I', 'O']), &[]),
            (
                Listed::Rename,
                &["-L J-vnet0-arp", "-F I-vnet0-arp", "-X I-vnet0-arp", "-E J-vnet0-arp I-vnet0-arp"],
            ),
        ] {
            let (outcome, lines) = run(Transaction::ignoring(vec![listing(listed)]), "");
            outcome.unwrap();
            let expected: Vec<_> =
                expected.iter().map(|end| format!("ebtables --concurrent -t nat {end}")).collect();
            assert_eq!(lines[1..], expected);
        }
    }

    #[test]
    fn what_fails_is_taken_back() {
        let steps = vec![step("one"), step("absent").or_nothing(), step("bad"), step("never")];
        let transaction = Transaction { undo: vec![step("back")], ..Transaction::strict(steps.clone()) };
        let (outcome, lines) = run(transaction, "bad");
        assert!(outcome.unwrap_err().to_string().contains("ebtables --concurrent bad"));
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[2], "ebtables --concurrent back");
        let (outcome, lines) = run(Transaction::ignoring(steps.clone()), "bad");
        assert!(outcome.is_ok() && lines.len() == 3);
        let (outcome, lines) = run(Transaction::strict(steps), "absent");
        assert!(outcome.is_ok() && lines.len() == 3);
    }
}
