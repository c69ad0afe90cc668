//! Laying rules and taking them away.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::command::{Command, Runner, System};
use crate::error::{Error, Result};
use crate::rule::{Layer, Rule, RuleSet};
use crate::{foreign, iptables, nftables};

/// Through what rules reach the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// `iptables` and `ip6tables`, as in libvirt 9.0.0.
    Iptables,
    /// `nft`, as in later releases.
    Nftables,
}

/// The firewall of this network namespace. Its calls block the thread for the time of a process or two.
#[derive(Debug, Clone)]
pub struct Firewall {
    backend: Backend,
    runner: Arc<dyn Runner>,
}

impl Firewall {
    /// The firewall of this system, through what works here. Where both do, it is iptables: Docker, ufw and others refuse by
    /// the policies of its chains, now or later, and only a rule of the same table is asked before those.
    ///
    /// # Errors
    /// Where neither works.
    pub fn detect() -> Result<Self> {
        let runner: Arc<dyn Runner> = Arc::new(System);
        let backend = choose(&*runner)?;
        Ok(Self { backend, runner })
    }

    /// A firewall through a certain back end, and a certain way to run commands.
    #[must_use]
    pub const fn new(backend: Backend, runner: Arc<dyn Runner>) -> Self {
        Self { backend, runner }
    }

    /// The back end.
    #[must_use]
    pub const fn backend(&self) -> Backend {
        self.backend
    }

    /// Lays the rules of a bridge, all or none. For nftables the bridge has to exist.
    ///
    /// # Errors
    /// Where a program is missing or refuses; nothing is laid then.
    pub fn apply(&self, rules: &RuleSet) -> Result<()> {
        match self.backend {
            Backend::Nftables => {
                self.runner.run(&Command::new("nft", &["-f", "-"]), &nftables::script(rules)).map(drop)
            }
            Backend::Iptables => self.apply_iptables(rules),
        }
    }

    /// Takes the rules of a bridge away, as far as they are there.
    ///
    /// # Errors
    /// Where a program is missing. Rules that are gone already are no error.
    pub fn remove(&self, rules: &RuleSet) -> Result<()> {
        match self.backend {
            Backend::Nftables => self.remove_nftables(rules.bridge()),
            Backend::Iptables => {
                for layer in Layer::ALL {
                    self.remove_iptables(layer, iptables::delete(rules))?;
                }
                Ok(())
            }
        }
    }

    /// Lays the rules anew: after a restart, or when another program has emptied the tables.
    ///
    /// # Errors
    /// As [`Firewall::apply`].
    pub fn renew(&self, rules: &RuleSet) -> Result<()> {
        self.remove(rules)?;
        self.apply(rules)
    }

    /// Lays new rules of a bridge and takes its old ones away, without a moment in which there are none.
    ///
    /// # Errors
    /// As [`Firewall::apply`]; the old rules stay then.
    pub fn replace(&self, old: &RuleSet, new: &RuleSet) -> Result<()> {
        match self.backend {
            // A deletion takes the first of equal rules, and leaves the other.
            Backend::Iptables => {
                self.apply(new)?;
                self.remove(old)
            }
            Backend::Nftables => {
                let mut script = nftables::script(new);
                for layer in Layer::ALL {
                    script.push_str(&self.removal(layer, old.bridge())?);
                }
                self.runner.run(&Command::new("nft", &["-f", "-"]), &script).map(drop)
            }
        }
    }

    /// What of others will not let the guests' traffic through, as people should be told.
    #[must_use]
    pub fn blockers(&self) -> Vec<foreign::Blocker> {
        match self.runner.run(&Command::new("nft", &["-j", "list", "chains"]), "") {
            Ok(listing) => foreign::blockers(&listing, self.backend).unwrap_or_default(),
            Err(_) => Vec::new(),
        }
    }

    fn apply_iptables(&self, rules: &RuleSet) -> Result<()> {
        let commands = iptables::insert(rules);
        for (done, layer) in Layer::ALL.into_iter().enumerate() {
            if let Err(error) = self.apply_layer(layer, rules, &commands) {
                for layer in &Layer::ALL[..=done] {
                    if let Err(undo) = self.remove_iptables(*layer, iptables::delete(rules)) {
                        log::warn!("rules of '{}' are left over: {undo}", rules.bridge);
                    }
                }
                return Err(error);
            }
        }
        Ok(())
    }

    fn apply_layer(&self, layer: Layer, rules: &RuleSet, commands: &[Command]) -> Result<()> {
        let of_layer =
            |(command, (of, _)): (&Command, &(Layer, Rule))| (*of == layer).then(|| command.clone());
        let commands: Vec<_> = commands.iter().zip(&rules.rules).filter_map(of_layer).collect();
        if commands.is_empty() {
            return Ok(());
        }
        let required = |command: &&Command| !is_optional(command);
        let script = iptables::restore_script(&commands);
        if self.restore(layer, &script).is_ok() {
            return Ok(());
        }
        // A host's first network makes the chains. Tables are laid one by one, so the first ones may be there.
        self.remove_iptables(layer, commands.iter().rev().map(reversed).collect())?;
        self.make_chains(layer)?;
        if self.restore(layer, &script).is_ok() {
            return Ok(());
        }
        self.remove_iptables(layer, commands.iter().rev().map(reversed).collect())?;
        commands.iter().filter(required).try_for_each(|command| self.run_waiting(command))?;
        // Not every host can.
        for command in commands.iter().filter(|command| is_optional(command)) {
            if let Err(error) = self.run_waiting(command) {
                log::warn!("{error}");
            }
        }
        Ok(())
    }

    /// Makes the private chains that are missing. Whoever else makes them at the same time is no enemy: what is refused is looked
    /// for once more.
    fn make_chains(&self, layer: Layer) -> Result<()> {
        static MAKING: Mutex<()> = Mutex::new(());
        let _one_at_a_time = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
        let mut attempts = 3;
        loop {
            attempts -= 1;
            let missing = iptables::chains(layer, &|table| self.listing(layer, table));
            match missing.iter().try_for_each(|command| self.run_waiting(command)) {
                Err(Error::Refused { command, said }) if attempts > 0 => log::debug!("'{command}': {said}"),
                made => return made,
            }
        }
    }

    fn restore(&self, layer: Layer, script: &str) -> Result<()> {
        let program = match layer {
            Layer::Ipv4 => "iptables-restore",
            Layer::Ipv6 => "ip6tables-restore",
        };
        self.runner.run(&Command::new(program, &["--noflush", "--wait"]), script).map(drop)
    }

    fn listing(&self, layer: Layer, table: &str) -> String {
        let command = Command::new(layer.iptables(), &["-w", "--table", table, "--list-rules"]);
        self.runner.run(&command, "").unwrap_or_default()
    }

    fn run_waiting(&self, command: &Command) -> Result<()> {
        let mut waiting = Command::new(command.program, &["-w"]);
        waiting.args.extend(command.args.iter().cloned());
        self.runner.run(&waiting, "").map(drop)
    }

    /// Runs deletions of a layer: at once, or one by one where some are gone already.
    fn remove_iptables(&self, layer: Layer, commands: Vec<Command>) -> Result<()> {
        let commands: Vec<_> =
            commands.into_iter().filter(|command| command.program == layer.iptables()).collect();
        if commands.is_empty() || self.restore(layer, &iptables::restore_script(&commands)).is_ok() {
            return Ok(());
        }
        for command in &commands {
            match self.run_waiting(command) {
                Ok(()) => {}
                Err(Error::Refused { command, said }) => log::debug!("'{command}': {said}"),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn remove_nftables(&self, bridge: &str) -> Result<()> {
        for layer in Layer::ALL {
            let script = self.removal(layer, bridge)?;
            if !script.is_empty() {
                self.runner.run(&Command::new("nft", &["-f", "-"]), &script)?;
            }
        }
        Ok(())
    }

    /// What `nft -f` reads to take the rules of a bridge away.
    fn removal(&self, layer: Layer, bridge: &str) -> Result<String> {
        let list = Command::new("nft", &["-j", "-a", "list", "table", layer.nft(), nftables::TABLE]);
        let listing = match self.runner.run(&list, "") {
            Ok(listing) => listing,
            // Without the table there are no rules.
            Err(Error::Refused { .. }) => return Ok(String::new()),
            Err(error) => return Err(error),
        };
        let unreadable = |source| Error::Listing { command: list.to_string(), source };
        Ok(removal_script(layer, bridge, &serde_json::from_str(&listing).map_err(unreadable)?))
    }
}

/// The same command as a deletion.
fn reversed(command: &Command) -> Command {
    let mut command = command.clone();
    for arg in command.args.iter_mut().filter(|arg| *arg == "--insert") {
        *arg = "--delete".to_owned();
    }
    command
}

fn is_optional(command: &Command) -> bool {
    command.args.iter().any(|arg| arg == "CHECKSUM")
}

fn removal_script(layer: Layer, bridge: &str, listing: &Value) -> String {
    let rules = listing["nftables"].as_array().into_iter().flatten().map(|item| &item["rule"]);
    let ours = rules.filter(|rule| rule["comment"] == bridge);
    ours.filter_map(|rule| {
        let (chain, handle) = (rule["chain"].as_str()?, rule["handle"].as_u64()?);
        Some(format!("delete rule {} {} {chain} handle {handle}\n", layer.nft(), nftables::TABLE))
    })
    .collect()
}

fn choose(runner: &dyn Runner) -> Result<Backend> {
    // The nat table is the one that a kernel is most likely to lack.
    let iptables = Command::new("iptables", &["-w", "--table", "nat", "--list-rules"]);
    let Err(refusal) = runner.run(&iptables, "") else { return Ok(Backend::Iptables) };
    match runner.run(&Command::new("nft", &["-j", "list", "chains"]), "") {
        Ok(_) => Ok(Backend::Nftables),
        Err(error @ Error::Refused { .. }) => Err(error),
        Err(_) => Err(refusal),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::rule::Protocol;

    /// Writes down what is run, and refuses what it is told to.
    #[derive(Debug, Default)]
    struct Recorder {
        refused: Vec<&'static str>,
        listing: &'static str,
        seen: Mutex<Vec<String>>,
    }

    impl Runner for Recorder {
        fn run(&self, command: &Command, input: &str) -> Result<String> {
            let line = format!("{command} {}", input.replace('\n', ";"));
            let refused = self.refused.iter().any(|words| line.contains(words));
            self.seen.lock().unwrap().push(line);
            if refused {
                let said = "no such thing".to_owned();
                return Err(Error::Refused { command: command.to_string(), said });
            }
            Ok(self.listing.to_owned())
        }
    }

    fn firewall(backend: Backend, recorder: &Arc<Recorder>) -> Firewall {
        Firewall::new(backend, Arc::clone(recorder) as Arc<dyn Runner>)
    }

    fn rules() -> RuleSet {
        let mut rules = RuleSet::new("br7");
        rules.push(Layer::Ipv4, Rule::RejectOut);
        rules.push(Layer::Ipv4, Rule::FillChecksum { port: 68 });
        rules.push(Layer::Ipv6, Rule::Serve { protocol: Protocol::Udp, port: 547 });
        rules
    }

    #[test]
    fn iptables_take_one_process_for_each_layer() {
        let recorder = Arc::new(Recorder::default());
        firewall(Backend::Iptables, &recorder).apply(&rules()).unwrap();
        let seen = recorder.seen.lock().unwrap();
        assert_eq!(seen.len(), 2);
        assert!(seen[0].starts_with("iptables-restore --noflush --wait *filter;--insert LIBVIRT_FWO"));
        assert!(seen[0].contains("*mangle;") && seen[1].starts_with("ip6tables-restore"));
    }

    #[test]
    fn a_host_without_checksums_gets_the_other_rules() {
        let recorder = Arc::new(Recorder { refused: vec!["CHECKSUM"], ..Recorder::default() });
        firewall(Backend::Iptables, &recorder).apply(&rules()).unwrap();
        let seen = recorder.seen.lock().unwrap();
        let laid = "iptables -w --table filter --insert LIBVIRT_FWO --in-interface br7 --jump REJECT ";
        assert!(seen.iter().any(|line| line == laid), "{seen:#?}");
        assert!(seen.iter().any(|line| line.contains("--new-chain LIBVIRT_PRT")));
    }

    #[test]
    fn what_was_begun_is_taken_back() {
        let recorder = Arc::new(Recorder { refused: vec!["547"], ..Recorder::default() });
        let error = firewall(Backend::Iptables, &recorder).apply(&rules()).unwrap_err();
        assert!(error.to_string().contains("--destination-port 547"), "{error}");
        let seen = recorder.seen.lock().unwrap();
        let last = seen.iter().rfind(|line| line.starts_with("iptables-restore")).unwrap();
        assert!(last.contains("--delete LIBVIRT_FWO"), "{seen:#?}");
    }

    #[test]
    fn rules_of_nftables_are_found_by_their_comment() {
        let listing = r#"{"nftables": [{"metainfo": {}}, {"table": {"family": "ip", "name": "libvirt_network"}},
            {"rule": {"family": "ip", "chain": "guest_input", "handle": 7, "comment": "br7", "expr": []}},
            {"rule": {"family": "ip", "chain": "guest_input", "handle": 8, "comment": "br8", "expr": []}},
            {"rule": {"family": "ip", "chain": "guest_nat", "handle": 9, "comment": "br7", "expr": []}}]}"#;
        let recorder = Arc::new(Recorder { listing, refused: vec!["table ip6"], ..Recorder::default() });
        firewall(Backend::Nftables, &recorder).remove(&rules()).unwrap();
        let seen = recorder.seen.lock().unwrap();
        assert_eq!(seen.len(), 3);
        assert_eq!(
            seen[1],
            "nft -f - delete rule ip libvirt_network guest_input handle 7;delete rule ip libvirt_network guest_nat handle 9;"
        );
    }

    #[test]
    fn the_back_end_is_the_one_that_works() {
        for (refused, expected) in [
            (vec![], Some(Backend::Iptables)),
            (vec!["iptables"], Some(Backend::Nftables)),
            (vec!["nft"], Some(Backend::Iptables)),
            (vec!["nft", "iptables"], None),
        ] {
            let recorder = Recorder { refused, ..Recorder::default() };
            assert_eq!(choose(&recorder).ok(), expected, "{recorder:?}");
        }
    }
}
