//! Ports of Open vSwitch bridges, through its program `ovs-vsctl`, which waits until the switch has done it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use virt_types::MacAddr;

use crate::{Error, InterfaceName, Result};

/// Seconds that the switch has if nothing else is said.
const PATIENCE: u32 = 5;

/// The program that talks to the switch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ovs {
    program: PathBuf,
    /// Seconds after which the program gives up.
    pub timeout: u32,
}

/// A port to add.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// The device.
    pub device: InterfaceName,
    /// The bridge.
    pub bridge: InterfaceName,
    /// The guest's hardware address.
    pub mac: MacAddr,
    /// What identifies the interface to the network's controller, a UUID.
    pub interface_id: String,
    /// What identifies the guest, a UUID.
    pub vm_id: String,
    /// A profile of the controller's.
    pub profile: Option<String>,
    /// The VLANs.
    pub vlans: Vlans,
    /// Reaches no other isolated port of the bridge.
    pub isolated: bool,
}

/// The VLANs of a port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Vlans {
    /// All, as they come.
    #[default]
    All,
    /// One, whose frames have no tag at the port.
    Access(u16),
    /// These, with their tags.
    Trunk(Vec<u16>),
    /// These, with their tags, and a native one.
    Native {
        /// Its number.
        id: u16,
        /// Its frames have a tag too.
        tagged: bool,
        /// The others.
        trunk: Vec<u16>,
    },
}

impl Default for Ovs {
    fn default() -> Self {
        Self { program: "ovs-vsctl".into(), timeout: PATIENCE }
    }
}

impl Vlans {
    fn arguments(&self) -> Vec<String> {
        let trunks = |list: &[u16]| {
            let list: Vec<_> = list.iter().map(u16::to_string).collect();
            format!("trunk={}", list.join(","))
        };
        match self {
            Self::All => Vec::new(),
            Self::Access(id) => vec![format!("tag={id}")],
            Self::Trunk(list) => vec![trunks(list)],
            Self::Native { id, tagged, trunk } => {
                let mode = if *tagged { "native-tagged" } else { "native-untagged" };
                let mut arguments = vec![format!("vlan_mode={mode}"), format!("tag={id}")];
                if !trunk.is_empty() {
                    arguments.push(trunks(trunk));
                }
                arguments
            }
        }
    }
}

impl Port {
    fn arguments(&self) -> Vec<String> {
        let name = self.device.as_str();
        let mut arguments: Vec<String> = ["--", "--if-exists", "del-port", name, "--", "add-port"]
            .into_iter()
            .map(str::to_owned)
            .collect();
        arguments.extend([self.bridge.to_string(), name.to_owned()]);
        arguments.extend(self.vlans.arguments());
        if self.isolated {
            arguments.push("other_config:protected=true".to_owned());
        }
        let mut set = |value: String| {
            arguments.extend([
                "--".to_owned(),
                "set".to_owned(),
                "Interface".to_owned(),
                name.to_owned(),
                value,
            ]);
        };
        set(format!("external-ids:attached-mac=\"{}\"", self.mac));
        set(format!("external-ids:iface-id=\"{}\"", self.interface_id));
        set(format!("external-ids:vm-id=\"{}\"", self.vm_id));
        if let Some(profile) = &self.profile {
            set(format!("external-ids:port-profile=\"{profile}\""));
        }
        set("external-ids:iface-status=active".to_owned());
        arguments
    }
}

impl Ovs {
    /// Another program of the same arguments.
    #[must_use]
    pub fn with_program(program: impl AsRef<Path>) -> Self {
        Self { program: program.as_ref().to_owned(), ..Self::default() }
    }

    fn run(
        &self,
        step: &'static str,
        name: &InterfaceName,
        arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
    ) -> Result<String> {
        let failed = |message: String| Error::Ovs { step, name: name.clone(), message };
        let output = Command::new(&self.program)
            .arg(format!("--timeout={}", self.timeout))
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| failed(format!("cannot run {}: {error}", self.program.display())))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said.lines().next_back().unwrap_or_default();
        Err(failed(if last.is_empty() { format!("{}", output.status) } else { last.to_owned() }))
    }

    /// Makes a device a port of a bridge, out of any other that it was a port of, by one transaction.
    ///
    /// # Errors
    ///
    /// [`Error::Ovs`] when the program is missing, the switch does not answer in time, or there is no such bridge.
    pub fn add_port(&self, port: &Port) -> Result<()> {
        self.run("add a port", &port.device, port.arguments()).map(drop)
    }

    /// Takes a device out of its bridge; one that is in none is passed by.
    ///
    /// # Errors
    ///
    /// [`Error::Ovs`].
    pub fn remove_port(&self, device: &InterfaceName) -> Result<()> {
        self.run("remove the port", device, ["--", "--if-exists", "del-port", device.as_str()]).map(drop)
    }

    /// Changes the VLANs of a port.
    ///
    /// # Errors
    ///
    /// [`Error::Ovs`].
    pub fn set_vlans(&self, device: &InterfaceName, vlans: &Vlans) -> Result<()> {
        let mut arguments: Vec<String> =
            ["--", "--if-exists", "clear", "Port"].into_iter().map(str::to_owned).collect();
        arguments.push(device.to_string());
        arguments.extend(["tag", "trunk", "vlan_mode"].map(str::to_owned));
        let set = vlans.arguments();
        if !set.is_empty() {
            arguments.extend(["--", "--if-exists", "set", "Port"].map(str::to_owned));
            arguments.push(device.to_string());
            arguments.extend(set);
        }
        self.run("change the VLANs of port", device, arguments).map(drop)
    }

    /// The data that a controller has left at a port for the guest's migration, `None` if there are none.
    ///
    /// # Errors
    ///
    /// [`Error::Ovs`].
    pub fn migration_data(&self, device: &InterfaceName) -> Result<Option<String>> {
        let arguments = ["--if-exists", "get", "Interface", device.as_str(), "external_ids:PortData"];
        let text = self.run("read the data of port", device, arguments)?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }

    /// Leaves data at a port that came with a migration.
    ///
    /// # Errors
    ///
    /// [`Error::Ovs`].
    pub fn set_migration_data(&self, device: &InterfaceName, data: &str) -> Result<()> {
        let value = format!("external_ids:PortData={data}");
        self.run("set the data of port", device, ["set", "Interface", device.as_str(), &value]).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port() -> Port {
        Port {
            device: "vnet0".parse().unwrap(),
            bridge: "ovsbr0".parse().unwrap(),
            mac: "52:54:00:12:34:56".parse().unwrap(),
            interface_id: "1".to_owned(),
            vm_id: "2".to_owned(),
            profile: Some("web".to_owned()),
            vlans: Vlans::Native { id: 5, tagged: false, trunk: vec![6, 7] },
            isolated: true,
        }
    }

    #[test]
    fn a_port_is_one_transaction() {
        assert_eq!(
            port().arguments().join(" "),
            "-- --if-exists del-port vnet0 -- add-port ovsbr0 vnet0 vlan_mode=native-untagged tag=5 trunk=6,7 \
             other_config:protected=true -- set Interface vnet0 external-ids:attached-mac=\"52:54:00:12:34:56\" -- set \
             Interface vnet0 external-ids:iface-id=\"1\" -- set Interface vnet0 external-ids:vm-id=\"2\" -- set Interface \
             vnet0 external-ids:port-profile=\"web\" -- set Interface vnet0 external-ids:iface-status=active"
        );
        for (vlans, expected) in [
            (Vlans::All, ""),
            (Vlans::Access(7), "tag=7"),
            (Vlans::Trunk(vec![1, 2]), "trunk=1,2"),
            (Vlans::Native { id: 3, tagged: true, trunk: vec![] }, "vlan_mode=native-tagged tag=3"),
        ] {
            assert_eq!(vlans.arguments().join(" "), expected);
        }
    }

    #[test]
    fn the_program_s_words_are_the_error() {
        let device: InterfaceName = "vnet0".parse().unwrap();
        let said = |program: &str| Ovs::with_program(program).add_port(&port()).unwrap_err().to_string();
        assert_eq!(said("false"), "cannot add a port 'vnet0' of Open vSwitch: exit status: 1");
        // Which knows no such option, and says so in several lines.
        assert!(said("ls").starts_with("cannot add a port 'vnet0' of Open vSwitch: "), "{}", said("ls"));
        assert!(!said("ls").contains("exit status"), "{}", said("ls"));

        let echo = Ovs { timeout: 7, ..Ovs::with_program("echo") };
        echo.remove_port(&device).unwrap();
        echo.set_vlans(&device, &Vlans::Access(3)).unwrap();
        echo.set_migration_data(&device, "x").unwrap();
        assert_eq!(
            echo.migration_data(&device).unwrap().as_deref(),
            Some("--timeout=7 --if-exists get Interface vnet0 external_ids:PortData")
        );
        assert_eq!(Ovs::with_program("true").migration_data(&device).unwrap(), None);
        let ovs = Ovs::with_program("/no/such/program");
        let absent = ovs.remove_port(&device).unwrap_err();
        assert!(absent.to_string().contains("cannot run"), "{absent}");
    }
}
