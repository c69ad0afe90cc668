//! What may stand in a document, as data: the elements, their attributes, and the values of these.
//!
//! Each part of the model declares its own, beside its reader and its writer, with `grammar!`; a test holds the declarations
//! against the names that the readers ask for. From the one table come the typed form of documents ([`crate::typed`]), its
//! schema ([`schema`]), and the check that `VIR_DOMAIN_DEFINE_VALIDATE` asks for ([`check`]).
//!
//! ```
//! use virt_conf::domain::Domain;
//! use virt_conf::grammar::Shape;
//!
//! let vcpu = Shape::of(Domain::GRAMMAR).child("vcpu").unwrap();
//! assert!(vcpu.attribute("placement").unwrap().allows("static"));
//! ```

pub(crate) mod check;

pub(crate) mod value;

pub use check::check;

pub(crate) use value::TEXT;
pub use value::{Form, Value};

/// A part of what may stand in an element.
#[derive(Debug)]
pub enum Part {
    /// An attribute.
    Attr(&'static str, Value),
    /// An attribute that has to be there.
    Must(&'static str, Value),
    /// A child element, once at most.
    Opt(&'static str, &'static [Self]),
    /// A child element that has to be there, once.
    One(&'static str, &'static [Self]),
    /// A child element, any number of times.
    Many(&'static str, &'static [Self]),
    /// A child element like the one that it is declared in, once at most.
    Again(&'static str, fn() -> &'static [Self]),
    /// Text.
    Text(Value),
    /// What several elements share.
    With(&'static [Self]),
    /// What may only stand where the attribute has one of these values; an empty value stands for none.
    When(&'static str, &'static [&'static str], &'static [Self]),
    /// Child elements of which none may stand without the others.
    Together(&'static [&'static str]),
    /// Any elements at all, kept as they are.
    Foreign,
}

/// Declares what may stand in elements, as constants of [`Part`]s.
macro_rules! grammar {
    ($($(#[$meta:meta])* $vis:vis $name:ident = [$($part:expr),* $(,)?];)+) => { $(
        $(#[$meta])*
        $vis const $name: &[$crate::grammar::Part] = {
            #[allow(unused_imports)]
            use $crate::grammar::{Part::{self, *}, Value::*, value::*};
            #[allow(unused_imports)]
            use virt_types::TextEnum as _;
            const PARTS: &[Part] = &[$($part),*];
            PARTS
        };
    )+ };
}

/// How often a child element may be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Times {
    /// Once at most.
    Optional,
    /// Once.
    Once,
    /// Any number of times.
    Any,
}

/// An attribute as it is declared.
#[derive(Debug, Clone, Copy)]
pub struct Attribute {
    /// Its name.
    pub name: &'static str,
    /// What it may be.
    pub value: &'static Value,
    /// Whether it has to be there.
    pub required: bool,
}

/// A child element as it is declared.
#[derive(Debug, Clone)]
pub struct Child {
    /// Its name, with the prefix of its namespace.
    pub name: &'static str,
    /// How often it may be there.
    pub times: Times,
    /// What may stand in it.
    pub shape: Shape,
}

/// What may stand in an element, whatever its attributes are: alternatives are put together.
#[derive(Debug, Clone, Default)]
pub struct Shape(Vec<&'static [Part]>);

impl Shape {
    /// The shape of an element of which this may stand in it.
    #[must_use]
    pub fn of(parts: &'static [Part]) -> Self {
        Self(vec![parts])
    }

    fn visit(&self, visit: &mut dyn FnMut(&'static Part)) {
        fn each(parts: &'static [Part], visit: &mut dyn FnMut(&'static Part)) {
            for part in parts {
                match part {
                    Part::With(parts) | Part::When(_, _, parts) => each(parts, visit),
                    part => visit(part),
                }
            }
        }
        self.0.iter().for_each(|parts| each(parts, visit));
    }

    fn collect<T>(&self, of: impl Fn(&'static Part) -> Option<T>) -> Vec<T> {
        let mut found = Vec::new();
        self.visit(&mut |part| found.extend(of(part)));
        found
    }

    /// Every declaration of an attribute; one may have several.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute> {
        self.collect(|part| match part {
            Part::Attr(name, value) => Some(Attribute { name, value, required: false }),
            Part::Must(name, value) => Some(Attribute { name, value, required: true }),
            _ => None,
        })
        .into_iter()
    }

    /// What the attribute may be; the first declaration speaks for all.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<&'static Value> {
        self.attributes().find(|attribute| attribute.name == name).map(|attribute| attribute.value)
    }

    /// The child elements, each once, in the order of their declaration.
    #[must_use]
    pub fn children(&self) -> Vec<Child> {
        let mut children: Vec<Child> = Vec::new();
        self.visit(&mut |part| {
            let (name, times, parts) = match part {
                Part::Opt(name, parts) => (*name, Times::Optional, *parts),
                Part::One(name, parts) => (*name, Times::Once, *parts),
                Part::Many(name, parts) => (*name, Times::Any, *parts),
                Part::Again(name, parts) => (*name, Times::Optional, parts()),
                _ => return,
            };
            match children.iter_mut().find(|child| child.name == name) {
                Some(child) => {
                    child.times = child.times.max(times);
                    if !child.shape.0.iter().any(|known| std::ptr::eq(*known, parts)) {
                        child.shape.0.push(parts);
                    }
                }
                None => children.push(Child { name, times, shape: Self::of(parts) }),
            }
        });
        children
    }

    /// What may stand in the child element of this name.
    #[must_use]
    pub fn child(&self, name: &str) -> Option<Self> {
        self.children().into_iter().find(|child| child.name == name).map(|child| child.shape)
    }

    /// What the text may be, where there may be any.
    #[must_use]
    pub fn text(&self) -> Option<&'static Value> {
        self.collect(|part| match part {
            Part::Text(value) => Some(value),
            _ => None,
        })
        .first()
        .copied()
    }

    /// Whether the content is kept as it is.
    #[must_use]
    pub fn is_foreign(&self) -> bool {
        !self.collect(|part| matches!(part, Part::Foreign).then_some(())).is_empty()
    }

    /// Names of attributes that have to be there, whatever else is.
    pub(crate) fn always_required(&self) -> Vec<&'static str> {
        fn of(parts: &'static [Part], found: &mut Vec<&'static str>) {
            for part in parts {
                match part {
                    Part::Must(name, _) => found.push(name),
                    Part::One(name, _) => found.push(name),
                    Part::With(parts) => of(parts, found),
                    _ => {}
                }
            }
        }
        let [only] = self.0[..] else { return Vec::new() };
        let mut found = Vec::new();
        of(only, &mut found);
        found
    }

    /// Whether it is the shape of the same declarations.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self.0.iter().zip(&other.0).all(|(one, two)| std::ptr::eq(*one, *two))
    }

    /// Whether nothing may stand in the element: that it is there says all.
    #[must_use]
    pub fn is_flag(&self) -> bool {
        self.0.iter().all(|parts| parts.is_empty())
    }
}

/// The namespaces of drivers' own elements, by the prefix that the grammar has for them.
pub const NAMESPACES: &[(&str, &str)] = &[
    ("qemu", "http://libvirt.org/schemas/domain/qemu/1.0"),
    ("lxc", "http://libvirt.org/schemas/domain/lxc/1.0"),
    ("xen", "http://libvirt.org/schemas/domain/xen/1.0"),
    ("bhyve", "http://libvirt.org/schemas/domain/bhyve/1.0"),
];
