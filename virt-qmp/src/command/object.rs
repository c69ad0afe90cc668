//! QEMU's object tree.

use serde_json::Value;

use super::Empty;

object_commands! {
    /// Makes an object: `qom-type`, `id`, and its properties.
    "object-add" ObjectAdd;
}

commands! {
    /// Removes an object.
    "object-del" ObjectDel {
        /// Its name.
        id: String,
    } -> Empty;
    /// The types.
    "qom-list-types" QomListTypes {;
        /// Only those that are one of this.
        implements: String,
        /// Abstract ones too.
        #[serde(rename = "abstract")]
        with_abstract: bool,
    } -> Vec<ObjectType>;
    /// The properties (children included) of an object.
    "qom-list" QomList {
        /// Where.
        path: String,
    } -> Vec<ObjectProperty>;
    /// The value of a property.
    "qom-get" QomGet {
        /// Whose.
        path: String,
        /// Which.
        property: String,
    } -> Value;
    /// Sets a property.
    "qom-set" QomSet {
        /// Whose.
        path: String,
        /// Which.
        property: String,
        /// To what.
        value: Value,
    } -> Empty;
    /// The properties of a type.
    "qom-list-properties" QomListProperties {
        /// The type.
        typename: String,
    } -> Vec<ObjectProperty>;
    /// The properties of a type of device.
    "device-list-properties" DeviceListProperties {
        /// The type.
        typename: String,
    } -> Vec<ObjectProperty>;
}

replies! {
    /// Answer to [`QomListTypes`].
    ObjectType {
        /// Its name.
        name: String;
        /// What it is derived from.
        parent: String,
        /// Whether none can be made of it.
        #[serde(rename = "abstract")]
        is_abstract: bool,
    }
    /// A property.
    ObjectProperty {
        /// Its name.
        name: String,
        /// `bool`, `uint32`, `str`, `child<TYPE>`, `link<TYPE>`, …
        #[serde(rename = "type")]
        kind: String;
        /// For people.
        description: String,
        /// The value that it has at first.
        default_value: Value,
    }
}
