//! What hosts without firmware tables say of themselves: the kernel's `/proc/cpuinfo`, and on s390 `/proc/sysinfo`.

use virt_conf::host_sysinfo::HostSysinfo;

use super::Entries;

type Table = (&'static str, Entries);

/// The lines `name : value` of a file, in order.
fn lines(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.lines().filter_map(|line| line.split_once(':')).map(|(name, value)| (name.trim(), value.trim()))
}

fn first<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    lines(text).find(|(found, _)| *found == name).map(|(_, value)| value)
}

/// A table of the entries that there are.
fn table(name: &'static str, entries: &[(&'static str, Option<&str>)]) -> Table {
    let there = entries.iter().filter_map(|(name, value)| Some((*name, (*value)?.to_owned())));
    (name, there.collect())
}

/// Machine and processors of POWER.
pub(super) fn power(cpuinfo: &str) -> HostSysinfo {
    let system = first(cpuinfo, "platform").map(|family| {
        let version = ("version", first(cpuinfo, "machine"));
        table("system", &[version, ("serial", first(cpuinfo, "model")), ("family", Some(family))])
    });
    let processors = blocks(cpuinfo).map(|(number, block)| {
        let entries = [
            ("socket_destination", Some(number)),
            ("type", first(block, "cpu")),
            ("version", first(block, "revision")),
        ];
        table("processor", &entries)
    });
    HostSysinfo { tables: system.into_iter().chain(processors).collect(), ..HostSysinfo::default() }
}

/// Processors of ARM, which all are of one type; nothing where the kernel does not name it.
pub(super) fn arm(cpuinfo: &str) -> HostSysinfo {
    let Some(kind) = first(cpuinfo, "model name").or_else(|| first(cpuinfo, "Processor")) else {
        return HostSysinfo::default();
    };
    let processors = blocks(cpuinfo)
        .map(|(number, _)| table("processor", &[("socket_destination", Some(number)), ("type", Some(kind))]));
    HostSysinfo { tables: processors.collect(), ..HostSysinfo::default() }
}

/// The numbers of processors, each with what follows up to the next one.
fn blocks(cpuinfo: &str) -> impl Iterator<Item = (&str, &str)> {
    let starts = |line: &str| line.split(':').next().is_some_and(|name| name.trim_end() == "processor");
    let mut rest = cpuinfo;
    std::iter::from_fn(move || {
        let begin = offset_of(rest, starts)?;
        let block = &rest[begin..];
        let (head, tail) = block.split_once('\n').unwrap_or((block, ""));
        let end = offset_of(tail, starts).unwrap_or(tail.len());
        rest = &tail[end..];
        Some((head.split_once(':')?.1.trim(), &tail[..end]))
    })
}

/// Where the first such line begins.
fn offset_of(text: &str, is_it: impl Fn(&str) -> bool) -> Option<usize> {
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        if is_it(line) {
            return Some(offset);
        }
        offset += line.len();
    }
    None
}

/// Machine and processors of s390.
pub(super) fn s390(cpuinfo: &str, sysinfo: &str) -> HostSysinfo {
    let mut system = table(
        "system",
        &[
            ("manufacturer", first(sysinfo, "Manufacturer")),
            ("serial", first(sysinfo, "Sequence Code")),
            ("family", first(sysinfo, "Type")),
        ],
    );
    if system.1.len() < 3 {
        system.1.clear();
    }
    let vendor = first(cpuinfo, "vendor_id");
    let processors = lines(cpuinfo).filter_map(|(name, value)| {
        let number: usize = name.strip_prefix("processor ")?.parse().ok()?;
        let part = |name: &str| {
            let mut parts = value.split(',').filter_map(|part| part.split_once('='));
            parts.find(|(found, _)| found.trim() == name).map(|(_, value)| value.trim())
        };
        let entries = [
            ("family", part("machine")),
            ("manufacturer", vendor),
            ("version", part("version")),
            ("max_speed", speed(cpuinfo, number)),
            ("serial_number", part("identification")),
        ];
        Some(table("processor", &entries))
    });
    HostSysinfo { tables: std::iter::once(system).chain(processors).collect(), ..HostSysinfo::default() }
}

/// The frequency of a processor of s390, in MHz.
fn speed(cpuinfo: &str, number: usize) -> Option<&str> {
    let mut lines =
        lines(cpuinfo).skip_while(|(name, value)| *name != "cpu number" || value.parse() != Ok(number));
    lines.next()?;
    lines
        .take_while(|(name, _)| *name != "cpu number")
        .find(|(name, _)| *name == "cpu MHz static")
        .map(|(_, mhz)| mhz)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(found: &HostSysinfo) -> Vec<String> {
        let text = |(name, entries): &Table| {
            let entries: Vec<String> =
                entries.iter().map(|(name, value)| format!("{name}={value}")).collect();
            format!("{name}: {}", entries.join(" "))
        };
        found.tables.iter().map(text).collect()
    }

    #[test]
    fn each_architecture_says_it_in_its_own_way() {
        let power_of = "processor\t: 0\ncpu\t: P9\nrevision\t: 2.0\n\nprocessor\t: 8\ncpu\t: P9\n\nplatform\t: PowerNV\nmachine\t: M 1\n";
        assert_eq!(
            entries(&power(power_of)),
            [
                "system: version=M 1 family=PowerNV",
                "processor: socket_destination=0 type=P9 version=2.0",
                "processor: socket_destination=8 type=P9",
            ]
        );
        let arm_of = "Processor : A rev 1\nprocessor : 0\nBogoMIPS : 1\n\nprocessor : 1\n";
        assert_eq!(
            entries(&arm(arm_of)),
            ["processor: socket_destination=0 type=A rev 1", "processor: socket_destination=1 type=A rev 1",]
        );
        assert!(arm("processor : 0\n").tables.is_empty());
        let cpus = "vendor_id : IBM/S390\n# processors : 2\nprocessor 0: version = 00,  identification = 1A,  machine = 3906\ncpu number : 0\ncpu MHz static : 5200\n";
        let machine = "Manufacturer: IBM\nType: 3906\nModel: 700 M01\nSequence Code: 00FF\n";
        assert_eq!(
            entries(&s390(cpus, machine)),
            [
                "system: manufacturer=IBM serial=00FF family=3906",
                "processor: family=3906 manufacturer=IBM/S390 version=00 max_speed=5200 serial_number=1A",
            ]
        );
    }
}
