//! `<init>` and the like: the first process of a container.

use virt_xml::{Element, Writer};

use crate::Result;
use crate::error::xml_error;

/// `<initenv>`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitEnv {
    /// `name`
    pub name: String,
    /// The element's text.
    pub value: String,
}

/// The first process of a container.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Init {
    /// `<init>`
    pub path: Option<String>,
    /// `<initarg>`
    pub args: Vec<String>,
    /// `<initenv>`
    pub env: Vec<InitEnv>,
    /// `<initdir>`
    pub dir: Option<String>,
    /// `<inituser>`
    pub user: Option<String>,
    /// `<initgroup>`
    pub group: Option<String>,
}

impl Init {
    pub(super) fn parse(os: Element<'_>) -> Result<Self> {
        let given = |el: Element<'_>, what: String| {
            Some(el.text()).filter(|text| !text.is_empty()).ok_or_else(|| xml_error(what).at(el.place()))
        };
        let args = os
            .children_named("initarg")
            .map(|el| given(el, "No data supplied for <initarg> element".to_owned()))
            .collect::<Result<_>>()?;
        let env = os.children_named("initenv").map(|el| {
            let name = el
                .attr("name")
                .ok_or_else(|| xml_error("No name supplied for <initenv> element").at(el.place()))?;
            let value = given(el, format!("No value supplied for <initenv name='{name}'> element"))?;
            Ok(InitEnv { name: name.to_owned(), value })
        });
        Ok(Self {
            path: os.child_text("init"),
            args,
            env: env.collect::<Result<_>>()?,
            dir: os.child_text("initdir"),
            user: os.child_text("inituser"),
            group: os.child_text("initgroup"),
        })
    }

    pub(super) fn format(&self, w: &mut Writer) {
        w.text_element_opt("init", self.path.as_ref());
        self.args.iter().for_each(|arg| w.text_element("initarg", arg));
        for env in &self.env {
            w.text_element_with("initenv", |w| w.attr("name", &env.name), &env.value);
        }
        w.text_element_opt("initdir", self.dir.as_ref());
        w.text_element_opt("inituser", self.user.as_ref());
        w.text_element_opt("initgroup", self.group.as_ref());
    }
}

grammar! {
    pub(super) GRAMMAR = [
        Opt("init", TEXT), Many("initarg", TEXT), Many("initenv", &[Must("name", Str), Text(Str)]), Opt("initdir", TEXT),
        Opt("inituser", TEXT), Opt("initgroup", TEXT),
    ];
}
