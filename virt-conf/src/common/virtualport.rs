//! `<virtualport>`: how a port is known to the switch at its other end.

use virt_types::{ErrorCode, ErrorDomain, TextEnum, Uuid, text_enum};
use virt_xml::number::{Base, parse_u32};
use virt_xml::{Element, Writer};

use crate::Result;
use crate::error::xml_error;

/// The longest profile id, in bytes.
const PROFILE_LIMIT: usize = 39;

text_enum! {
    /// What kind of switch it is.
    pub enum VirtualPortType {
        #[default] None = "none", Qbg = "802.1Qbg", Qbh = "802.1Qbh", OpenVSwitch = "openvswitch", Midonet = "midonet",
    }
}

/// How a port is known to the switch.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct VirtualPort {
    /// `type`; absent where the network decides.
    pub kind: VirtualPortType,
    /// `managerid` of 802.1Qbg, at most 0xff.
    pub manager_id: Option<u32>,
    /// `typeid` of 802.1Qbg, at most 0xffffff.
    pub type_id: Option<u32>,
    /// `typeidversion` of 802.1Qbg, at most 0xff.
    pub type_id_version: Option<u32>,
    /// `instanceid` of 802.1Qbg.
    pub instance_id: Option<Uuid>,
    /// `interfaceid` of Open vSwitch and Midonet.
    pub interface_id: Option<Uuid>,
    /// `profileid` of 802.1Qbh and Open vSwitch.
    pub profile_id: Option<String>,
}

/// What a `<virtualport>` has to say where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completeness {
    /// Type and parameters may come from elsewhere.
    Partial,
    /// The type is needed; its parameters may come from elsewhere.
    Typed,
    /// The type and all of its parameters are needed; identifiers that the engine makes up may be missing.
    WithType,
    /// The type and all of its parameters are needed.
    Full,
}

impl VirtualPort {
    /// Reads a `<virtualport>` element.
    ///
    /// # Errors
    /// For an unknown or missing type, and for parameters that are wrong, missing or not of the type.
    pub fn parse(el: Element<'_>, completeness: Completeness) -> Result<Self> {
        let mut port = Self::default();
        if let Some(text) = el.attr("type") {
            port.kind = VirtualPortType::from_text(text)
                .filter(|kind| *kind != VirtualPortType::None)
                .ok_or_else(|| {
                    let detail = format!("unknown virtualport type {text}");
                    el.attr_error("type", ErrorCode::ConfigUnsupported, ErrorDomain::Network, detail)
                })?;
        } else if completeness != Completeness::Partial {
            return Err(xml_error("missing required virtualport type").at(el.place()));
        }
        if let Some(parameters) = el.child("parameters") {
            port.parse_parameters(parameters)?;
        }
        if matches!(completeness, Completeness::WithType | Completeness::Full)
            && let Some(missing) = port.missing(completeness)
        {
            let detail = format!("missing {missing} in <virtualport type='{}'>", port.kind);
            return Err(xml_error(detail).at(el.place()));
        }
        if let Some(extra) = port.extra() {
            let detail = format!("extra {extra} unsupported in <virtualport type='{}'>", port.kind);
            return Err(xml_error(detail).at(el.place()));
        }
        Ok(port)
    }

    fn parse_parameters(&mut self, el: Element<'_>) -> Result<()> {
        self.manager_id = number(el, "managerid", 0xff, "value of managerid out of range")?;
        self.type_id = number(el, "typeid", 0xff_ffff, "value for typeid out of range")?;
        self.type_id_version = number(el, "typeidversion", 0xff, "value of typeidversion out of range")?;
        self.instance_id = uuid(el, "instanceid")?;
        self.profile_id = el.attr("profileid").filter(|id| !id.is_empty()).map(str::to_owned);
        if self.profile_id.as_ref().is_some_and(|id| id.len() > PROFILE_LIMIT) {
            return Err(xml_error("profileid parameter too long").at(el.place()));
        }
        self.interface_id = uuid(el, "interfaceid")?;
        Ok(())
    }

    /// Makes up, from `next`, the identifiers that are still missing.
    ///
    /// # Errors
    /// When `next` has none.
    pub fn identify(&mut self, mut next: impl FnMut() -> Result<Uuid>) -> Result<()> {
        if self.instance_id.is_none() && matches!(self.kind, VirtualPortType::Qbg | VirtualPortType::None) {
            self.instance_id = Some(next()?);
        }
        if self.interface_id.is_none()
            && matches!(self.kind, VirtualPortType::OpenVSwitch | VirtualPortType::None)
        {
            self.interface_id = Some(next()?);
        }
        Ok(())
    }

    /// Takes over what another profile has and this one leaves open.
    ///
    /// # Errors
    /// Where both have something and not the same.
    pub fn merge(&mut self, other: &Self) -> Result<()> {
        fn take<T: Clone + PartialEq>(
            mine: &mut Option<T>,
            theirs: &Option<T>,
            what: &str,
            show: impl Fn(&T) -> String,
        ) -> Result<()> {
            match (&*mine, theirs) {
                (Some(a), Some(b)) if a != b => {
                    let (a, b) = (show(a), show(b));
                    Err(xml_error(format!(
                        "attempt to merge virtualports with mismatched {what} ({a} and {b})"
                    )))
                }
                (None, Some(value)) => {
                    *mine = Some(value.clone());
                    Ok(())
                }
                _ => Ok(()),
            }
        }
        if other.kind != VirtualPortType::None {
            if self.kind != VirtualPortType::None && self.kind != other.kind {
                let (a, b) = (self.kind.text(), other.kind.text());
                return Err(xml_error(format!(
                    "attempt to merge virtualports with mismatched types ({a} and {b})"
                )));
            }
            self.kind = other.kind;
        }
        let any = self.kind == VirtualPortType::None;
        if any || self.kind == VirtualPortType::Qbg {
            take(&mut self.manager_id, &other.manager_id, "managerids", u32::to_string)?;
            take(&mut self.type_id, &other.type_id, "typeids", u32::to_string)?;
            take(&mut self.type_id_version, &other.type_id_version, "typeidversions", u32::to_string)?;
            take(&mut self.instance_id, &other.instance_id, "instanceids", |id| format!("'{id}'"))?;
        }
        if any || self.kind == VirtualPortType::OpenVSwitch {
            take(&mut self.interface_id, &other.interface_id, "interfaceids", |id| format!("'{id}'"))?;
        }
        if any || matches!(self.kind, VirtualPortType::OpenVSwitch | VirtualPortType::Qbh) {
            take(&mut self.profile_id, &other.profile_id, "profileids", |id| format!("'{id}'"))?;
        }
        Ok(())
    }

    fn missing(&self, completeness: Completeness) -> Option<&'static str> {
        let made_up = completeness == Completeness::WithType;
        match self.kind {
            VirtualPortType::Qbg => [
                ("managerid", self.manager_id.is_none()),
                ("typeid", self.type_id.is_none()),
                ("typeidversion", self.type_id_version.is_none()),
                ("instanceid", !made_up && self.instance_id.is_none()),
            ]
            .into_iter()
            .find_map(|(name, missing)| missing.then_some(name)),
            VirtualPortType::Qbh => self.profile_id.is_none().then_some("profileid"),
            VirtualPortType::OpenVSwitch => {
                (!made_up && self.interface_id.is_none()).then_some("interfaceid")
            }
            VirtualPortType::Midonet => self.interface_id.is_none().then_some("interfaceid"),
            VirtualPortType::None => None,
        }
    }

    fn extra(&self) -> Option<&'static str> {
        let given = [
            ("managerid", self.manager_id.is_some()),
            ("typeid", self.type_id.is_some()),
            ("typeidversion", self.type_id_version.is_some()),
            ("instanceid", self.instance_id.is_some()),
            ("profileid", self.profile_id.is_some()),
            ("interfaceid", self.interface_id.is_some()),
        ];
        let foreign: &[&str] = match self.kind {
            VirtualPortType::Qbg => &["profileid", "interfaceid"],
            VirtualPortType::Qbh => &["managerid", "typeid", "typeidversion", "instanceid", "interfaceid"],
            VirtualPortType::OpenVSwitch => &["managerid", "typeid", "typeidversion", "instanceid"],
            VirtualPortType::Midonet | VirtualPortType::None => &[],
        };
        given.into_iter().find_map(|(name, given)| (given && foreign.contains(&name)).then_some(name))
    }

    /// Writes the element; parameters that are not of the type are left out.
    pub fn format(&self, w: &mut Writer) {
        let any = self.kind == VirtualPortType::None;
        let qbg = any || self.kind == VirtualPortType::Qbg;
        let interface = any || matches!(self.kind, VirtualPortType::Midonet | VirtualPortType::OpenVSwitch);
        let profile = any || matches!(self.kind, VirtualPortType::OpenVSwitch | VirtualPortType::Qbh);
        w.element_if_any("virtualport", |w| {
            if !any {
                w.attr("type", self.kind.text());
            }
            w.element_if_any("parameters", |w| {
                if qbg {
                    w.attr_opt("managerid", self.manager_id);
                    w.attr_opt("typeid", self.type_id);
                    w.attr_opt("typeidversion", self.type_id_version);
                    w.attr_opt("instanceid", self.instance_id);
                }
                if interface {
                    w.attr_opt("interfaceid", self.interface_id);
                }
                if profile {
                    w.attr_opt("profileid", self.profile_id.as_ref());
                }
            });
        });
    }
}

fn number(el: Element<'_>, name: &'static str, limit: u32, too_large: &str) -> Result<Option<u32>> {
    let Some(text) = el.attr(name) else { return Ok(None) };
    let value = parse_u32(text, Base::Any)
        .ok_or_else(|| xml_error(format!("cannot parse value of {name} parameter")).at(el.place()))?;
    if value > limit {
        return Err(xml_error(too_large).at(el.place()));
    }
    Ok(Some(value))
}

fn uuid(el: Element<'_>, name: &'static str) -> Result<Option<Uuid>> {
    el.attr(name)
        .map(|text| {
            text.parse()
                .map_err(|_| xml_error(format!("cannot parse {name} parameter as a uuid")).at(el.place()))
        })
        .transpose()
}

grammar! {
    /// `<virtualport>`
    pub VIRTUALPORT = [
        Attr("type", OneOf(VirtualPortType::NAMES)),
        Opt("parameters", &[
            Attr("managerid", U8), Attr("typeid", Hex(0xff_ffff)), Attr("typeidversion", U8), Attr("instanceid", UUID),
            Attr("interfaceid", UUID), Attr("profileid", Str),
        ]),
    ];
}

#[cfg(test)]
mod tests {
    use virt_xml::Document;

    use super::*;

    #[test]
    fn each_type_takes_its_own_parameters() {
        use Completeness::{Full, Partial, WithType};
        let id = "09b11c53-8b5c-4eeb-8f00-d84eaa0aaa4f";
        for (attributes, parameters, completeness, expected) in [
            ("", "", WithType, Err("XML error: missing required virtualport type")),
            ("", "", Partial, Ok(String::new())),
            (
                "type='802.1Qbg'",
                "managerid='11' typeid='0x123456' typeidversion='2'",
                WithType,
                Ok("<virtualport type='802.1Qbg'>\n  <parameters managerid='11' typeid='1193046' typeidversion='2'/>\n</virtualport>\n".into()),
            ),
            (
                "type='802.1Qbg'",
                "managerid='11' typeid='1' typeidversion='2'",
                Full,
                Err("XML error: missing instanceid in <virtualport type='802.1Qbg'>"),
            ),
            ("type='802.1Qbh'", "", WithType, Err("XML error: missing profileid in <virtualport type='802.1Qbh'>")),
            (
                "type='openvswitch'",
                "managerid='1'",
                WithType,
                Err("XML error: extra managerid unsupported in <virtualport type='openvswitch'>"),
            ),
            ("type='vmware'", "", Partial, Err("unsupported configuration: unknown virtualport type vmware")),
            ("type='802.1Qbg'", "managerid='256'", Partial, Err("XML error: value of managerid out of range")),
        ] {
            let xml = format!("<virtualport {attributes}><parameters {parameters}/></virtualport>");
            let document = Document::parse(&xml).unwrap();
            let written = VirtualPort::parse(document.root(), completeness).map(|port| {
                let mut w = Writer::new();
                port.format(&mut w);
                w.finish()
            });
            assert_eq!(written.map_err(|error| error.to_string()), expected.map_err(str::to_owned), "{xml}");
        }
        let xml = format!("<virtualport type='midonet'><parameters interfaceid='{id}'/></virtualport>");
        let document = Document::parse(&xml).unwrap();
        assert_eq!(
            VirtualPort::parse(document.root(), Full).unwrap().interface_id,
            Some(id.parse().unwrap())
        );
    }
}
