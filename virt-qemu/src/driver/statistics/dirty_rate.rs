//! How fast a guest writes to its memory.

use serde_json::Value;
use virt_domain::JobKind;
use virt_driver::DomainRef;
use virt_qmp::command::{CalcDirtyRate, QueryDirtyRate};
use virt_types::{Result, TypedParams};

use super::super::refusal::{invalid_argument, known_bits};
use super::super::{QemuConnection, hold};
use crate::process::Guest;

/// The longest measurement, in seconds.
const LONGEST: i32 = 60;

/// `virDomainStartDirtyRateCalc`
pub(super) async fn start(
    connection: &QemuConnection,
    domain: &DomainRef,
    seconds: i32,
    flags: u32,
) -> Result<()> {
    // One bit for each of the three ways of measuring.
    known_bits(flags, 7, "qemuDomainStartDirtyRateCalc")?;
    if !(1..=LONGEST).contains(&seconds) {
        return Err(invalid_argument(format!(
            "seconds={seconds} is invalid, please choose value within [1, 60]."
        )));
    }
    let mode = match flags {
        0 | 1 => None,
        2 => Some("dirty-bitmap".to_owned()),
        4 => Some("dirty-ring".to_owned()),
        _ => return Err(invalid_argument("the ways of measuring the dirty rate are mutually exclusive")),
    };
    let handle = connection.find(domain).await?;
    let command = CalcDirtyRate { calc_time: seconds.into(), sample_pages: None, mode };
    hold::ask(&handle, "virDomainStartDirtyRateCalc", JobKind::Modify, command).await.map(drop)
}

/// The fields of `virConnectGetAllDomainStats`.
pub(super) async fn fields(guest: &Guest, params: &mut TypedParams) {
    // A QEMU that can not measure has nothing to tell.
    let Ok(Ok(report)) = guest.attempt(&QueryDirtyRate {}).await else { return };
    let number = |name: &str| report.get(name).and_then(Value::as_i64);
    let small = |name: &str| number(name).and_then(|number| i32::try_from(number).ok()).unwrap_or_default();
    let status = match report.get("status").and_then(Value::as_str) {
        Some("measuring") => 1,
        Some("measured") => 2,
        _ => 0,
    };
    params.push("dirtyrate.calc_status", status);
    params.push("dirtyrate.calc_start_time", number("start-time").unwrap_or_default());
    params.push("dirtyrate.calc_period", small("calc-time"));
    let mode = report.get("mode").and_then(Value::as_str).unwrap_or("page-sampling");
    params.push("dirtyrate.calc_mode", mode.to_owned());
    if status == 2 {
        params.push("dirtyrate.megabytes_per_second", number("dirty-rate").unwrap_or_default());
        for vcpu in report.get("vcpu-dirty-rate").and_then(Value::as_array).into_iter().flatten() {
            let value = |name: &str| vcpu.get(name).and_then(Value::as_u64);
            if let (Some(id), Some(rate)) = (value("id"), value("dirty-rate")) {
                params.push(format!("dirtyrate.vcpu.{id}.megabytes_per_second"), rate);
            }
        }
    }
}
