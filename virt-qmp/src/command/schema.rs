//! What a QEMU knows.

commands! {
    /// The names of the commands.
    "query-commands" QueryCommands {} -> Vec<CommandName>;
    /// The types of machines.
    "query-machines" QueryMachines {} -> Vec<MachineInfo>;
    /// All commands, events and their types.
    "query-qmp-schema" QueryQmpSchema {} -> Vec<SchemaInfo>;
    /// What some options of the command line take.
    "query-command-line-options" QueryCommandLineOptions {;
        /// Only this one.
        option: String,
    } -> Vec<CommandLineOption>;
}

open_enum! {
    /// What a part of the schema is.
    MetaType {
        /// A type of JSON.
        Builtin = "builtin",
        /// A choice of names.
        Enum = "enum",
        /// A list.
        Array = "array",
        /// An object.
        Object = "object",
        /// One of several types.
        Alternate = "alternate",
        /// A command.
        Command = "command",
        /// An event.
        Event = "event",
    }
}

replies! {
    /// Answer to [`QueryCommands`].
    CommandName {
        /// As it is written in `execute`.
        name: String,
    }
    /// Answer to [`QueryMachines`].
    MachineInfo {
        /// Its name: `pc-q35-7.2`.
        name: String,
        /// How many processors it takes.
        cpu_max: u32;
        /// Another name: `q35`.
        alias: String,
        /// Whether it is what QEMU takes without a choice.
        is_default: bool,
        /// Whether processors can be plugged.
        hotpluggable_cpus: bool,
        /// Whether it has NUMA nodes.
        numa_mem_supported: bool,
        /// Whether it is about to be removed.
        deprecated: bool,
        /// The type of its processors.
        default_cpu_type: String,
        /// The name of its memory back end.
        default_ram_id: String,
        /// Whether it can load ACPI tables (QEMU 8.0).
        acpi: bool,
    }
    /// A part of the schema, answer to [`QueryQmpSchema`]. Types are named by numbers.
    SchemaInfo {
        /// Its name, or number.
        name: String,
        /// What it is.
        meta_type: MetaType;
        /// Of a command's or event's arguments.
        arg_type: String,
        /// Of a command's answer.
        ret_type: String,
        /// Of an array's elements.
        element_type: String,
        /// An object's members; an enumeration's and an alternate's too.
        members: Vec<SchemaMember>,
        /// The member that decides about the variants.
        tag: String,
        /// More members, by the tag's value.
        variants: Vec<SchemaVariant>,
        /// An enumeration's names.
        values: Vec<String>,
        /// Details that came without a change of type.
        features: Vec<String>,
        /// Whether a command may be executed out of band.
        allow_oob: bool,
        /// A built-in type's type of JSON.
        json_type: String,
    }
    /// A member.
    SchemaMember {;
        /// Its name.
        name: String,
        /// Its type.
        #[serde(rename = "type")]
        kind: String,
        /// The value it has if left out; there, even with `null`, if it may be left out.
        #[serde(deserialize_with = "present")]
        default: serde_json::Value,
        /// Details that came without a change of type.
        features: Vec<String>,
    }
    /// The members for a value of the tag.
    SchemaVariant {
        /// The tag's value.
        case: String,
        /// An object with the members.
        #[serde(rename = "type")]
        kind: String,
    }
    /// Answer to [`QueryCommandLineOptions`].
    CommandLineOption {
        /// Without the dash.
        option: String,
        /// What it takes.
        parameters: Vec<CommandLineParameter>,
    }
    /// A parameter of an option.
    CommandLineParameter {
        /// Its name.
        name: String,
        /// `string`, `boolean`, `number`, `size`.
        #[serde(rename = "type")]
        kind: String;
        /// For people.
        help: String,
        /// The value it has if left out.
        default: String,
    }
}

/// A default of `null` is a default.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<serde_json::Value>, D::Error> {
    serde::Deserialize::deserialize(deserializer).map(Some)
}
