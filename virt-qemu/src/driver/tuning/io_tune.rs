//! Limits of disks, which QEMU keeps.

use virt_conf::common::storage_source::Location;
use virt_conf::domain::Domain;
use virt_conf::domain::device::{Disk, DiskBus, IoTune};
use virt_domain::{JobKind, JobSpec};
use virt_driver::{DomainEventKind, DomainRef};
use virt_qmp::command::{BlockSetIoThrottle, Object};
use virt_types::{Error, ErrorCode, ErrorDomain, Impact, Result, TypedParams, TypedValue};

use super::super::refusal::{argument_unsupported, invalid_argument, known};
use super::super::sides::{self, Side, Sides};
use super::super::statistics::block::device_path;
use super::super::{QemuConnection, disks, hold};
use super::params::{self, Kind};
use super::{IMPACT, read};

/// The largest limit that QEMU takes.
const MOST: u64 = 1_000_000_000_000_000;

/// The parameter that puts a disk into a group.
const GROUP: &str = "group_name";

/// `virDomainGetBlockIoTune`
pub(super) async fn get(
    connection: &QemuConnection,
    domain: &DomainRef,
    disk: Option<&str>,
    impact: Impact,
) -> Result<TypedParams> {
    read(connection, domain, impact, "qemuDomainGetBlockIoTune", |document, _| {
        let limits = match disk {
            None => IoTune::default(),
            // A limit of a running guest is changed by nobody but this engine.
            Some(name) => disks::by_name(document, name)?.iotune.clone(),
        };
        let mut params = TypedParams::new();
        for (name, value) in limits.rates() {
            params.push(name, value);
        }
        params.push("group_name", limits.group_name.clone().unwrap_or_default());
        for (name, value) in limits.lengths() {
            params.push(name, value);
        }
        Ok(params)
    })
    .await
}

/// Limits that belong together: of all, of reading, and of writing. Who sets one of them sets all three.
const FAMILIES: [[&str; 3]; 4] = [
    ["total_bytes_sec", "read_bytes_sec", "write_bytes_sec"],
    ["total_bytes_sec_max", "read_bytes_sec_max", "write_bytes_sec_max"],
    ["total_iops_sec", "read_iops_sec", "write_iops_sec"],
    ["total_iops_sec_max", "read_iops_sec_max", "write_iops_sec_max"],
];

/// How long bursts may last; the limit that each is about stands in front of `_max_length`.
const LENGTHS: [[&str; 3]; 2] = [
    ["total_bytes_sec_max_length", "read_bytes_sec_max_length", "write_bytes_sec_max_length"],
    ["total_iops_sec_max_length", "read_iops_sec_max_length", "write_iops_sec_max_length"],
];

const REQUEST_SIZE: &str = "size_iops_sec";

/// What QEMU calls each limit.
const OF_QEMU: [(&str, &str); 13] = [
    ("total_bytes_sec", "bps"),
    ("read_bytes_sec", "bps_rd"),
    ("write_bytes_sec", "bps_wr"),
    ("total_iops_sec", "iops"),
    ("read_iops_sec", "iops_rd"),
    ("write_iops_sec", "iops_wr"),
    ("total_bytes_sec_max", "bps_max"),
    ("read_bytes_sec_max", "bps_rd_max"),
    ("write_bytes_sec_max", "bps_wr_max"),
    ("total_iops_sec_max", "iops_max"),
    ("read_iops_sec_max", "iops_rd_max"),
    ("write_iops_sec_max", "iops_wr_max"),
    (REQUEST_SIZE, "iops_size"),
];

/// `virDomainSetBlockIoTune`
pub(super) async fn set(
    connection: &QemuConnection,
    domain: &DomainRef,
    disk: &str,
    params: &TypedParams,
    impact: Impact,
) -> Result<()> {
    let wanted = Wanted::of(params)?;
    known(impact, IMPACT, "qemuDomainSetBlockIoTune")?;
    let handle = connection.find(domain).await?;
    let name = disk.to_owned();
    let spec = JobSpec::any("virDomainSetBlockIoTune", JobKind::ModifyConfig);
    handle
        .job(spec, move |context| async move {
            let snapshot = context.snapshot();
            let sides = Sides::of(&snapshot, impact)?;
            wanted.check()?;
            if let Some(config) = sides::config_of(&snapshot)?.filter(|_| sides.config && sides.live) {
                wanted.limits(&config, &name, Side::Config)?;
            }
            if let Some(live) = snapshot.live.as_ref().filter(|_| sides.live) {
                let limits = wanted.limits(live, &name, Side::Live)?;
                let disk = disks::by_name(live, &name)?;
                // An empty drive gets its limits with its medium.
                if !disk.source.is_empty()
                    && let Some(device) = device_path(disk)
                {
                    let throttle = BlockSetIoThrottle(told(device, &limits));
                    hold::guest(&context).await?.execute(&throttle).await?;
                }
            }
            let event = wanted.event(&name);
            sides::apply(&context, sides, move |document, side| wanted.change(document, &name, side)).await?;
            if sides.live {
                context.tell(event);
            }
            Ok(())
        })
        .await
}

/// The arguments with which QEMU takes all limits of a disk.
fn told(device: String, limits: &IoTune) -> Object {
    let mut arguments = Object::new();
    arguments.insert("id".to_owned(), device.into());
    let rates = limits.rates();
    for (name, of_qemu) in OF_QEMU {
        let value = rates.iter().find(|(rate, _)| *rate == name).map_or(0, |(_, value)| *value);
        arguments.insert(of_qemu.to_owned(), value.into());
    }
    if let Some(group) = &limits.group_name {
        arguments.insert("group".to_owned(), group.as_str().into());
    }
    for (name, value) in limits.lengths().into_iter().filter(|(_, value)| *value > 0) {
        let rate = name.trim_end_matches("_length");
        if let Some((_, of_qemu)) = OF_QEMU.iter().find(|(limit, _)| *limit == rate) {
            arguments.insert(format!("{of_qemu}_length"), value.into());
        }
    }
    arguments
}

/// What a caller wants of a disk's limits.
#[derive(Debug, Clone)]
struct Wanted {
    params: TypedParams,
}

impl Wanted {
    fn of(params: &TypedParams) -> Result<Self> {
        let limits = FAMILIES.iter().chain(&LENGTHS).flatten().chain([&REQUEST_SIZE]);
        let mut known: Vec<_> = limits.map(|name| (*name, Kind::ULLong)).collect();
        known.push((GROUP, Kind::String));
        params::check(params, &known)?;
        Ok(Self { params: params.clone() })
    }

    fn value(&self, name: &str) -> Option<u64> {
        params::unsigned(&self.params, name)
    }

    fn any_of(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.value(name).is_some())
    }

    /// Refuses what makes no sense whatever the disk's limits are.
    fn check(&self) -> Result<()> {
        let values = self.params.0.iter().filter_map(|param| self.value(&param.field));
        if values.into_iter().any(|value| value > MOST) {
            let detail = format!("block I/O throttle limit value must be no more than {MOST}");
            return Err(argument_unsupported(detail));
        }
        for [all, read, write] in [FAMILIES[0], FAMILIES[2], FAMILIES[1], FAMILIES[3]] {
            let set = |name| self.value(name).is_some_and(|value| value > 0);
            if set(all) && (set(read) || set(write)) {
                let what = all.trim_start_matches("total_");
                return Err(invalid_argument(format!(
                    "total and read/write of {what} cannot be set at the same time"
                )));
            }
        }
        Ok(())
    }

    /// The limits that the disk gets: what was not said of it stays as it is, or as it is in its new group.
    fn limits(&self, document: &Domain, name: &str, side: Side) -> Result<IoTune> {
        let disk = match side {
            Side::Live => disks::by_name(document, name)?,
            Side::Config => disks::find(document, name).ok_or_else(|| {
                invalid_argument(format!("missing persistent configuration for disk '{name}'"))
            })?,
        };
        if disk.bus() == DiskBus::Sd || matches!(disk.source.location, Location::VhostUser { .. }) {
            let detail = format!("block I/O throttling is not supported for disk '{}'", disk.name());
            return Err(refused(detail));
        }
        let group = params::text(&self.params, GROUP);
        let before = self.before(document, disk, group);
        let mut limits = before.clone();
        if let Some(group) = group {
            limits.group_name = Some(group.to_owned());
        }
        for family in FAMILIES.iter().chain(&LENGTHS).filter(|family| self.any_of(*family)) {
            for name in family {
                put(&mut limits, name, self.value(name).unwrap_or(0));
            }
        }
        if let Some(size) = self.value(REQUEST_SIZE) {
            limits.size_iops_sec = size;
        }
        for name in LENGTHS.iter().filter(|family| self.any_of(*family)).flatten() {
            // QEMU refuses none for a limit that there is.
            if get_of(before, name) > 0 && get_of(&limits, name) == 0 {
                let burst = name.trim_end_matches("_length");
                let rate = burst.trim_end_matches("_max");
                let limited = get_of(&limits, burst) > 0 || get_of(&limits, rate) > 0;
                put(&mut limits, name, u64::from(limited));
            }
        }
        if !limits.has_limits() {
            if limits.group_name.is_some() && limits.group_name != disk.iotune.group_name {
                return Err(refused(
                    "creating a new group/updating existing with all tune parameters zero is not supported",
                ));
            }
            // Without limits it is in no group.
            limits.group_name = None;
        }
        if side == Side::Live {
            check_bursts(&limits)?;
        }
        Ok(limits)
    }

    fn before<'a>(&self, document: &'a Domain, disk: &'a Disk, group: Option<&str>) -> &'a IoTune {
        let same = |disk: &&Disk| disk.iotune.group_name.as_deref() == group;
        let joins = group.is_some() && !same(&disk);
        let other = document.devices.disks.iter().find(|other| joins && same(other));
        other.map_or(&disk.iotune, |other| &other.iotune)
    }

    fn change(&self, document: &mut Domain, name: &str, side: Side) -> Result<()> {
        let limits = self.limits(document, name, side)?;
        let target = disks::by_name(document, name)?.target.dev.clone();
        for disk in &mut document.devices.disks {
            let in_group = limits.group_name.is_some() && disk.iotune.group_name == limits.group_name;
            if disk.target.dev == target || in_group {
                disk.iotune = limits.clone();
            }
        }
        Ok(())
    }

    /// What the subscribers are told.
    fn event(&self, disk: &str) -> DomainEventKind {
        let mut params = TypedParams::new();
        params.push("blkdeviotune.disk", disk.to_owned());
        for param in &self.params.0 {
            let field = format!("blkdeviotune.{}", param.field);
            match &param.value {
                TypedValue::String(text) => params.push(field, text.clone()),
                _ => params.push(field, self.value(&param.field).unwrap_or(0)),
            }
        }
        DomainEventKind::Tunable { params }
    }
}

fn get_of(limits: &IoTune, name: &str) -> u64 {
    let (rates, lengths) = (limits.rates(), limits.lengths());
    rates.iter().chain(&lengths).find(|(limit, _)| *limit == name).map_or(0, |(_, value)| *value)
}

fn put(limits: &mut IoTune, name: &str, value: u64) {
    if let Some(limit) = limits.limit_mut(name) {
        *limit = value;
    }
}

fn refused(detail: impl Into<String>) -> Error {
    Error::new(ErrorCode::ConfigUnsupported, ErrorDomain::Qemu, detail)
}

/// A burst is a burst of something that is limited, and more than the limit.
fn check_bursts(limits: &IoTune) -> Result<()> {
    for name in FAMILIES[0].iter().chain(&FAMILIES[2]) {
        let burst = format!("{name}_max");
        let (usual, most) = (get_of(limits, name), get_of(limits, &burst));
        if most == 0 {
            continue;
        }
        if usual == 0 {
            return Err(refused(format!("cannot reset '{name}' when '{burst}' is set")));
        }
        if most < usual {
            return Err(refused(format!("value '{burst}' cannot be smaller than '{name}'")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use virt_conf::ParseFlags;

    use super::*;

    fn two_disks() -> Domain {
        let disk = |target: &str, tune: &str| {
            format!(
                "<disk type='file'><source file='/{target}'/><target dev='{target}' bus='virtio'/>\
                 <iotune>{tune}</iotune></disk>"
            )
        };
        let text = format!(
            "<domain type='qemu'><name>d</name><memory>1024</memory><os><type>hvm</type></os><devices>{}{}\
             </devices></domain>",
            disk("vda", "<read_iops_sec>5</read_iops_sec><total_bytes_sec>7</total_bytes_sec>"),
            disk("vdb", "<total_iops_sec>9</total_iops_sec><group_name>g</group_name>"),
        );
        Domain::parse(&text, ParseFlags::default()).unwrap()
    }

    fn wanted(values: &[(&str, u64)], group: Option<&str>) -> Wanted {
        let mut params = TypedParams::new();
        values.iter().for_each(|(name, value)| params.push(*name, *value));
        if let Some(group) = group {
            params.push(GROUP, group.to_owned());
        }
        Wanted::of(&params).unwrap()
    }

    #[test]
    fn a_family_of_limits_is_set_as_a_whole_and_the_others_stay() {
        let mut domain = two_disks();
        wanted(&[("write_iops_sec", 3)], None).change(&mut domain, "vda", Side::Live).unwrap();
        let limits = &domain.devices.disks[0].iotune;
        assert_eq!((limits.read_iops_sec, limits.write_iops_sec, limits.total_bytes_sec), (0, 3, 7));
        let arguments = told("x".to_owned(), limits);
        assert_eq!((&arguments["iops_wr"], &arguments["bps"]), (&3.into(), &7.into()));
        assert!(!arguments.contains_key("group") && !arguments.contains_key("bps_max_length"));
    }

    #[test]
    fn who_joins_a_group_takes_its_limits_and_changes_them_for_all() {
        let mut domain = two_disks();
        wanted(&[("size_iops_sec", 4096)], Some("g")).change(&mut domain, "vda", Side::Live).unwrap();
        let [one, other] = &domain.devices.disks[..] else { panic!("two disks") };
        assert_eq!(one.iotune, other.iotune);
        assert_eq!((one.iotune.total_iops_sec, one.iotune.size_iops_sec), (9, 4096));
        let none = wanted(&[("total_iops_sec", 0), ("size_iops_sec", 0)], None);
        none.change(&mut domain, "vdb", Side::Live).unwrap();
        assert_eq!(domain.devices.disks[1].iotune, IoTune::default());
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let domain = two_disks();
        let both = wanted(&[("total_bytes_sec", 1), ("read_bytes_sec", 1)], None).check().unwrap_err();
        assert_eq!(both.code(), ErrorCode::InvalidArg);
        let much = wanted(&[("total_bytes_sec", MOST + 1)], None).check().unwrap_err();
        assert_eq!(much.code(), ErrorCode::ArgumentUnsupported);
        for (values, group, text) in [
            (&[("total_iops_sec_max", 1)][..], None, "cannot reset 'total_iops_sec' when"),
            (&[("total_bytes_sec_max", 6)], None, "cannot be smaller than 'total_bytes_sec'"),
            (&[("total_bytes_sec", 0), ("read_iops_sec", 0)], Some("new"), "creating a new group"),
        ] {
            let error = wanted(values, group).limits(&domain, "vda", Side::Live).unwrap_err();
            assert!(error.detail().contains(text), "{error}");
        }
        let error = wanted(&[], None).limits(&domain, "vdz", Side::Config).unwrap_err();
        assert_eq!(error.detail(), "missing persistent configuration for disk 'vdz'");
    }
}
