//! Typed attributes, with the sentences that libvirt has for wrong values.

use virt_types::{Error, ErrorCode, ErrorDomain, TextEnum, Uuid};

use crate::element::Element;
use crate::number::{self, Base};

impl<'a> Element<'a> {
    /// The attribute's text.
    #[must_use]
    pub fn attr(self, name: &'static str) -> Option<&'a str> {
        self.note_attr(name);
        self.node.attribute(name)
    }

    /// The attribute's text; `None` where it is missing or empty, as libvirt's older readers have it.
    #[must_use]
    pub fn attr_filled(self, name: &'static str) -> Option<&'a str> {
        self.attr(name).filter(|text| !text.is_empty())
    }

    /// The attribute's text, which has to be there.
    ///
    /// # Errors
    /// `VIR_ERR_XML_ERROR` where it is missing.
    pub fn attr_required(self, name: &'static str) -> Result<&'a str, Error> {
        self.required(name, self.attr(name))
    }

    /// Turns the absence of a value read from this attribute into libvirt's error.
    ///
    /// # Errors
    /// `VIR_ERR_XML_ERROR` where the value is `None`.
    pub fn required<T>(self, name: &'static str, value: Option<T>) -> Result<T, Error> {
        value.ok_or_else(|| {
            let detail = format!("Missing required attribute '{name}' in element '{}'", self.name());
            self.error(ErrorCode::XmlError, ErrorDomain::Xml, detail)
        })
    }

    /// The attribute as one of an enumeration's spellings.
    ///
    /// # Errors
    /// `VIR_ERR_XML_ERROR` for another text, with the nearest spelling as a hint.
    pub fn attr_enum<T: TextEnum>(self, name: &'static str) -> Result<Option<T>, Error> {
        self.attr_with(name, "", T::from_text)
            .map_err(|error| error.with_hint(T::hint(self.attr(name).unwrap_or_default())))
    }

    /// As [`Element::attr_enum`], but the value that stands for "not given" (the enumeration's first one in libvirt,
    /// often `default`) is refused as well.
    ///
    /// # Errors
    /// `VIR_ERR_XML_ERROR` for another text or the unwanted one.
    pub fn attr_enum_but<T: TextEnum>(self, name: &'static str, unwanted: T) -> Result<Option<T>, Error> {
        match self.attr_enum(name)? {
            Some(value) if value == unwanted => Err(self.invalid(name, "")),
            value => Ok(value),
        }
    }

    /// The attribute as `yes` or `no`.
    ///
    /// # Errors
    /// `VIR_ERR_XML_ERROR` for another text.
    pub fn attr_yes_no(self, name: &'static str) -> Result<Option<bool>, Error> {
        self.attr_with(name, " Expected 'yes' or 'no'", |text| match text {
            "yes" => Some(true),
            "no" => Some(false),
            _ => None,
        })
    }

    /// The attribute as `on` or `off`.
    ///
    /// # Errors
    /// `VIR_ERR_XML_ERROR` for another text.
    pub fn attr_on_off(self, name: &'static str) -> Result<Option<bool>, Error> {
        self.attr_with(name, " Expected 'on' or 'off'", |text| match text {
            "on" => Some(true),
            "off" => Some(false),
            _ => None,
        })
    }

    /// The attribute as an unsigned number of 32 bits.
    ///
    /// # Errors
    /// `VIR_ERR_XML_ERROR` for another text, a negative number or one that does not fit.
    pub fn attr_u32(self, name: &'static str, base: Base) -> Result<Option<u32>, Error> {
        self.attr_with(name, " Expected non-negative integer value", |text| number::parse_u32(text, base))
    }

    /// The attribute as an unsigned number of 64 bits.
    ///
    /// # Errors
    /// `VIR_ERR_XML_ERROR` for another text, a negative number or one that does not fit.
    pub fn attr_u64(self, name: &'static str, base: Base) -> Result<Option<u64>, Error> {
        self.attr_with(name, " Expected non-negative integer value", |text| number::parse_u64(text, base))
    }

    /// The attribute as a number of 32 bits.
    ///
    /// # Errors
    /// `VIR_ERR_XML_ERROR` for another text or one that does not fit.
    pub fn attr_i32(self, name: &'static str, base: Base) -> Result<Option<i32>, Error> {
        self.attr_with(name, " Expected integer value", |text| number::parse_i32(text, base))
    }

    /// The attribute as a number of 64 bits.
    ///
    /// # Errors
    /// `VIR_ERR_XML_ERROR` for another text or one that does not fit.
    pub fn attr_i64(self, name: &'static str, base: Base) -> Result<Option<i64>, Error> {
        self.attr_with(name, " Expected long long integer value", |text| number::parse_i64(text, base))
    }

    /// The attribute as a UUID.
    ///
    /// # Errors
    /// `VIR_ERR_XML_ERROR` for another text.
    pub fn attr_uuid(self, name: &'static str) -> Result<Option<Uuid>, Error> {
        self.attr_with(name, " Expected UUID", |text| text.parse().ok())
    }

    /// Refuses a zero read from this attribute.
    ///
    /// # Errors
    /// `VIR_ERR_XML_ERROR` where the value is zero.
    pub fn nonzero<T: PartialEq + Default>(
        self,
        name: &'static str,
        value: Option<T>,
    ) -> Result<Option<T>, Error> {
        if value.as_ref().is_some_and(|value| *value == T::default()) {
            let detail = format!(
                "Invalid value for attribute '{name}' in element '{}': Zero is not permitted",
                self.name()
            );
            return Err(self.attr_error(name, ErrorCode::XmlError, ErrorDomain::Xml, detail));
        }
        Ok(value)
    }

    /// The attribute through a reader that knows the right texts; `expected` ends libvirt's sentence for wrong ones.
    ///
    /// # Errors
    /// `VIR_ERR_XML_ERROR` where the reader gives `None`.
    pub fn attr_with<T>(
        self,
        name: &'static str,
        expected: &str,
        read: impl FnOnce(&'a str) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        match self.attr(name) {
            None => Ok(None),
            Some(text) => read(text).map(Some).ok_or_else(|| self.invalid(name, expected)),
        }
    }

    /// libvirt's error for a wrong value of this attribute.
    #[must_use]
    pub fn invalid(self, name: &'static str, expected: &str) -> Error {
        let text = self.attr(name).unwrap_or_default();
        let detail =
            format!("Invalid value for attribute '{name}' in element '{}': '{text}'.{expected}", self.name());
        self.attr_error(name, ErrorCode::XmlError, ErrorDomain::Xml, detail)
    }
}

#[cfg(test)]
mod tests {
    use virt_types::text_enum;

    use super::*;
    use crate::Document;

    text_enum! { enum Bus { Ide = "ide", Virtio = "virtio" } }

    #[test]
    fn wrong_values_have_libvirts_sentences() {
        let document = Document::parse("<target bus='virto' n='-1' b='on' u='x'/>").unwrap();
        let target = document.root();
        let error = target.attr_enum::<Bus>("bus").unwrap_err();
        assert_eq!(error.hint(), Some("did you mean 'virtio'?"));
        for (error, sentence) in [
            (error, "XML error: Invalid value for attribute 'bus' in element 'target': 'virto'."),
            (
                target.attr_u32("n", Base::Ten).unwrap_err(),
                "XML error: Invalid value for attribute 'n' in element 'target': '-1'. Expected non-negative integer value",
            ),
            (
                target.attr_yes_no("b").unwrap_err(),
                "XML error: Invalid value for attribute 'b' in element 'target': 'on'. Expected 'yes' or 'no'",
            ),
            (
                target.attr_uuid("u").unwrap_err(),
                "XML error: Invalid value for attribute 'u' in element 'target': 'x'. Expected UUID",
            ),
            (
                target.attr_required("dev").unwrap_err(),
                "XML error: Missing required attribute 'dev' in element 'target'",
            ),
        ] {
            assert_eq!(error.to_string(), sentence);
        }
    }
}
