//! From which nodes of the host a domain's memory comes.

use virt_conf::common::Bitmap;
use virt_conf::domain::{NumaMemMode, NumaMemory, NumaPlacement, Placement};
use virt_types::{Error, ErrorCode, ErrorDomain, Impact, Result, TextEnum, TypedParams, TypedValue};

use super::Guest;
use crate::error::{invalid, invalid_arg};
use crate::params::{self, Kind};

const PARAMETERS: [(&str, Kind); 2] = [("numa_mode", Kind::Int), ("numa_nodeset", Kind::String)];

/// The modes by number (`virDomainNumatuneMemMode`).
const MODES: &[(NumaMemMode, &str)] = NumaMemMode::SPELLINGS;

/// Refuses parameters that are no NUMA policy.
pub(super) fn check_parameters(params: &TypedParams) -> Result<()> {
    params::check(params, &PARAMETERS)
}

fn mode_of(params: &TypedParams) -> Result<Option<NumaMemMode>> {
    let Some(TypedValue::Int(number)) = params.get("numa_mode") else { return Ok(None) };
    let mode = usize::try_from(*number).ok().and_then(|number| MODES.get(number));
    mode.map(|(mode, _)| Some(*mode))
        .ok_or_else(|| invalid_arg(format!("unsupported numatune mode: '{number}'")))
}

fn nodeset_of(params: &TypedParams) -> Result<Option<Bitmap>> {
    let Some(text) = params::text(params, "numa_nodeset") else { return Ok(None) };
    let set: Bitmap = text.parse()?;
    if set.is_empty() {
        return Err(invalid(format!("Invalid nodeset of 'numatune': {text}")));
    }
    Ok(Some(set))
}

impl Guest {
    pub(super) fn numa_parameters(&mut self, impact: Impact) -> Result<TypedParams> {
        let numatune = &self.config(impact)?.0.numatune;
        let mode = numatune.mode(None).unwrap_or_default();
        let number = MODES.iter().position(|(known, _)| *known == mode).unwrap_or(0);
        let mut params = TypedParams::new();
        params.push("numa_mode", number as i32);
        params.push("numa_nodeset", numatune.nodeset(None).map(Bitmap::to_string).unwrap_or_default());
        Ok(params)
    }

    pub(super) fn set_numa_parameters(&mut self, params: &TypedParams, impact: Impact) -> Result<()> {
        let (config, live) = self.config(impact)?;
        let (mode, nodeset) = (mode_of(params)?, nodeset_of(params)?);
        let current = config.numatune.mode(None);
        if live && mode.is_some() && current.is_some_and(|current| Some(current) != mode) {
            return Err(invalid("can't change numatune mode for running domain"));
        }
        if mode.is_none() && nodeset.is_none() {
            return Ok(());
        }
        let given = config.numatune.memory.is_some();
        let mut memory = config.numatune.memory.clone().unwrap_or_default();
        memory.mode = mode.unwrap_or(memory.mode);
        if let Some(nodeset) = nodeset {
            memory = NumaMemory { nodeset: Some(nodeset), placement: NumaPlacement::Static, ..memory };
        } else if !given && config.vcpus.placement == Placement::Auto {
            memory.placement = NumaPlacement::Auto;
        }
        if memory.placement == NumaPlacement::Static && memory.nodeset.is_none() {
            let detail = format!(
                "nodeset for NUMA memory tuning must be set if 'placement' is '{}'",
                memory.placement.text()
            );
            return Err(Error::new(ErrorCode::ConfigUnsupported, ErrorDomain::Domain, detail));
        }
        config.numatune.memory = Some(memory);
        Ok(())
    }
}
