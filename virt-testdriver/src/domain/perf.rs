//! Which performance events are counted for a domain.

use virt_conf::domain::PerfEvent;
use virt_types::{Impact, Result, TextEnum, TypedParams, TypedValue};

use super::Guest;
use crate::params::{self, Kind};

/// Refuses parameters that are no events.
pub(super) fn check_parameters(params: &TypedParams) -> Result<()> {
    let known: Vec<_> = PerfEvent::SPELLINGS.iter().map(|(_, name)| (*name, Kind::Boolean)).collect();
    params::check(params, &known)
}

impl Guest {
    pub(super) fn perf_events(&mut self, impact: Impact) -> Result<TypedParams> {
        let perf = &self.config(impact)?.0.perf;
        let mut params = TypedParams::new();
        for (event, name) in PerfEvent::SPELLINGS {
            params.push(*name, perf.0.get(event).copied().unwrap_or(false));
        }
        Ok(params)
    }

    pub(super) fn set_perf_events(&mut self, params: &TypedParams, impact: Impact) -> Result<()> {
        let perf = &mut self.config(impact)?.0.perf;
        for param in &params.0 {
            if let (Some(event), TypedValue::Boolean(counted)) =
                (PerfEvent::from_text(&param.field), &param.value)
            {
                perf.0.insert(event, *counted);
            }
        }
        Ok(())
    }
}
