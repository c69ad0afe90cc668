//! `<keywrap>`: which keys of an s390 guest may be wrapped.

use virt_types::text_enum;
use virt_xml::{Element, Writer};

use crate::Result;
use crate::error::internal;

text_enum! { enum Cipher { Aes = "aes", Dea = "dea" } }

/// `<keywrap>`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Keywrap {
    /// `<cipher name='aes'>`
    pub aes: Option<bool>,
    /// `<cipher name='dea'>`
    pub dea: Option<bool>,
}

impl Keywrap {
    pub(super) fn parse(domain: Element<'_>) -> Result<Option<Self>> {
        let mut keywrap = Self::default();
        for el in domain.child("keywrap").into_iter().flat_map(|el| el.children_named("cipher")) {
            let cipher = el.required("name", el.attr_enum::<Cipher>("name")?)?;
            let state = el.required("state", el.attr_on_off("state")?)?;
            let slot = match cipher {
                Cipher::Aes => &mut keywrap.aes,
                Cipher::Dea => &mut keywrap.dea,
            };
            if slot.replace(state).is_some() {
                let detail =
                    format!("A domain definition can have no more than one cipher node with name {cipher}");
                return Err(internal(detail).at(el.place()));
            }
        }
        Ok((keywrap != Self::default()).then_some(keywrap))
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.element("keywrap", |w| {
            for (cipher, state) in [(Cipher::Aes, self.aes), (Cipher::Dea, self.dea)] {
                if state.is_some() {
                    w.element("cipher", |w| {
                        w.attr("name", cipher);
                        w.attr_on_off("state", state);
                    });
                }
            }
        });
    }
}

grammar! {
    pub(super) GRAMMAR = [Many("cipher", &[Must("name", OneOf(Cipher::NAMES)), Must("state", OnOff)])];
}
