//! Virtual CPUs that come and go while a guest runs.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;
use virt_conf::domain::{Domain, Vcpu};
use virt_domain::JobContext;
use virt_qmp::command::{DeviceAdd, DeviceDel, HotpluggableCpu, QueryHotpluggableCpus};
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

use super::hold;
use super::refusal::unsupported;
use crate::process::Removal;

/// How long a call waits for the guest to let a CPU go.
const PATIENCE: Duration = Duration::from_secs(5);

/// The parts of a CPU's place, the widest first.
const PLACE: [&str; 5] = ["socket-id", "die-id", "cluster-id", "core-id", "thread-id"];

/// The CPUs to switch so that so many are on: the first that are off, or the last that are on.
///
/// # Errors
/// Where the running guest has not enough that can go.
pub(super) fn choose(live: &Domain, count: u32) -> Result<(Vec<u32>, bool)> {
    let each = each(live);
    let online = live.vcpus.online_count();
    let (chosen, on): (Vec<u32>, bool) = if count > online {
        let off = each.iter().filter(|(_, vcpu)| !vcpu.online).map(|(id, _)| *id);
        (off.take((count - online) as usize).collect(), true)
    } else {
        let can_go = |vcpu: &Vcpu| vcpu.online && vcpu.hotpluggable == Some(true);
        let on = each.iter().rev().filter(|(_, vcpu)| can_go(vcpu)).map(|(id, _)| *id);
        (on.take((online - count) as usize).collect(), false)
    };
    if chosen.len() as u32 != count.abs_diff(online) {
        return Err(Error::new(
            ErrorCode::ConfigUnsupported,
            ErrorDomain::Qemu,
            "failed to find appropriate hotpluggable vcpus to reach the desired target vcpu count",
        ));
    }
    Ok((chosen, on))
}

/// Each CPU of a running guest; those that it was started with can not go.
fn each(live: &Domain) -> BTreeMap<u32, Vcpu> {
    let vcpus = &live.vcpus;
    match &vcpus.individual {
        Some(individual) => {
            (0..vcpus.max).map(|id| (id, individual.get(&id).copied().unwrap_or_default())).collect()
        }
        None => {
            let vcpu = |id: u32| match id < vcpus.current {
                true => Vcpu { online: true, hotpluggable: Some(false), order: id + 1 },
                false => Vcpu { online: false, hotpluggable: Some(true), order: 0 },
            };
            (0..vcpus.max).map(|id| (id, vcpu(id))).collect()
        }
    }
}

/// Switches CPUs of the running guest; the live domain tells of each as soon as it is switched.
///
/// # Errors
/// For CPUs that the machine can not switch one by one, and where QEMU or the guest refuse.
pub(super) async fn switch(context: &JobContext, ids: &[u32], online: bool) -> Result<()> {
    let guest = hold::guest(context).await?;
    let places = in_order(guest.execute(&QueryHotpluggableCpus {}).await?);
    let mut order: Vec<u32> = ids.to_vec();
    order.sort_unstable();
    if !online {
        order.reverse();
    }
    for id in order {
        let place = places.get(id as usize).filter(|place| place.vcpus_count == 1);
        let place = place.ok_or_else(|| unsupported("cpu hotplug is not supported"))?;
        let alias = format!("vcpu{id}");
        if online {
            let mut arguments = place.props.clone();
            arguments.insert("driver".to_owned(), json!(place.kind));
            arguments.insert("id".to_owned(), json!(alias));
            guest.execute(&DeviceAdd(arguments)).await?;
        } else {
            let plugged = place.qom_path.as_deref().is_some_and(|path| path.ends_with(&format!("/{alias}")));
            if !plugged {
                return Err(unsupported(format!("vcpu '{id}' can't be unplugged")));
            }
            let removal = guest.removals().expect(&alias);
            if let Err(error) = guest.execute(&DeviceDel { id: alias.clone() }).await {
                guest.removals().forget(&alias);
                return Err(error);
            }
            if !matches!(timeout(PATIENCE, removal).await, Ok(Ok(Removal::Gone))) {
                guest.removals().forget(&alias);
                let detail =
                    "vcpu unplug request timed out. Unplug result must be manually inspected in the domain";
                return Err(Error::new(ErrorCode::OperationTimeout, ErrorDomain::Qemu, detail));
            }
        }
        context.settle();
        context.change_live(|live| {
            note(live, id, online);
            Ok(())
        })?;
    }
    Ok(())
}

fn note(live: &mut Domain, id: u32, online: bool) {
    let mut each = each(live);
    let last = each.values().map(|vcpu| vcpu.order).max().unwrap_or(0);
    let order = if online { last + 1 } else { 0 };
    each.insert(id, Vcpu { online, hotpluggable: Some(true), order });
    live.vcpus.individual = Some(each);
    live.vcpus.current = live.vcpus.online_count();
}

/// QEMU's places in the order of the guest's numbers, where each holds one CPU.
fn in_order(mut places: Vec<HotpluggableCpu>) -> Vec<HotpluggableCpu> {
    let key = |place: &HotpluggableCpu| {
        PLACE.map(|part| place.props.get(part).and_then(Value::as_u64).unwrap_or_default())
    };
    places.sort_by_key(key);
    places
}

#[cfg(test)]
mod tests {
    use virt_conf::ParseFlags;

    use super::*;

    fn live(vcpus: &str) -> Domain {
        let xml = format!(
            "<domain type='qemu'><name>v</name><memory>1024</memory>{vcpus}<os><type>hvm</type></os></domain>"
        );
        Domain::parse(&xml, ParseFlags::empty()).unwrap()
    }

    #[test]
    fn those_that_are_off_come_first_and_those_that_came_go() {
        let mut domain = live("<vcpu current='2'>4</vcpu>");
        assert_eq!(choose(&domain, 3).unwrap(), (vec![2], true));
        assert_eq!(choose(&domain, 4).unwrap(), (vec![2, 3], true));
        let error = choose(&domain, 1).unwrap_err();
        assert_eq!(error.code(), ErrorCode::ConfigUnsupported, "it was started with both");
        note(&mut domain, 3, true);
        assert_eq!(domain.vcpus.online_count(), 3);
        assert_eq!(choose(&domain, 2).unwrap(), (vec![3], false));
        let vcpu = domain.vcpus.individual.as_ref().unwrap()[&3];
        assert_eq!(vcpu, Vcpu { online: true, hotpluggable: Some(true), order: 3 });
        note(&mut domain, 3, false);
        assert_eq!(domain.vcpus.online_count(), 2);
    }

    #[test]
    fn places_are_in_the_order_of_the_guests_numbers() {
        let place = |socket: u64, core: u64| -> HotpluggableCpu {
            serde_json::from_value(
                json!({ "type": "c", "vcpus-count": 1, "props": { "socket-id": socket, "core-id": core } }),
            )
            .unwrap()
        };
        let found = in_order(vec![place(1, 0), place(0, 1), place(0, 0)]);
        let found: Vec<_> =
            found.iter().map(|place| (&place.props["socket-id"], &place.props["core-id"])).collect();
        assert_eq!(found, [(&json!(0), &json!(0)), (&json!(0), &json!(1)), (&json!(1), &json!(0))]);
    }
}
