//! The table against the facts about libvirt's protocols, where they lie beside the repository.
#![allow(clippy::print_stderr)] // a skipped test says so

use std::{fs, path::Path};

use serde_json::Value;
use virt_proto::{
    Access, Direction, PROGRAMS, Priority, Program, Row, Stream, When, packet, rows,
    xdr::{STRING_MAX, Shape},
};

/// The facts, or `None` with a message.
fn facts() -> Option<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/protocol/protocol.json");
    let Ok(text) = fs::read_to_string(path) else {
        eprintln!("skipped: there is no ../shared/protocol/protocol.json");
        return None;
    };
    Some(serde_json::from_str(&text).expect("JSON"))
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// A name without what the two sides spell differently.
fn plain(name: &str) -> String {
    let name = name.replace('_', "").to_lowercase();
    // A word of the language.
    if name == "kind" { "type".into() } else { name }
}

/// Compares a type of the facts with a shape; the path tells where.
fn compare(facts: &Value, expected: &Value, shape: Shape, path: &str, faults: &mut Vec<String>) {
    let mut fault = |what: String| faults.push(format!("{path}: {what}"));
    let number = |key: &str| expected[key].as_u64().unwrap_or_default() as u32;
    let mut inner = expected.clone();
    if let Some(inner) = inner.as_object_mut() {
        for key in ["array", "max", "len", "max_const", "len_const", "optional"] {
            inner.remove(key);
        }
    }
    let name = text(expected, "t");
    if expected["optional"] == true {
        match shape {
            Shape::Optional(shape) => compare(facts, &inner, *shape, path, faults),
            other => fault(format!("{other:?} is not optional")),
        }
        return;
    }
    match (text(expected, "array"), name, shape) {
        ("fixed", "opaque", Shape::FixedOpaque { length }) if length == number("len") => return,
        ("variable", "opaque", Shape::Opaque { max }) if max == number("max") => return,
        ("variable", "string", Shape::String { max }) if max == number("max") => return,
        ("fixed", _, Shape::FixedArray { item, length }) if length == number("len") => {
            return compare(facts, &inner, *item, path, faults);
        }
        ("variable", _, Shape::Array { item, max }) if max == number("max") => {
            return compare(facts, &inner, *item, path, faults);
        }
        ("", ..) => {}
        (_, _, shape) => return fault(format!("{shape:?} where {expected} is expected")),
    }
    let primitive = match name {
        "int" => Some(Shape::Int),
        "uint" => Some(Shape::UnsignedInt),
        "hyper" => Some(Shape::Hyper),
        "uhyper" => Some(Shape::UnsignedHyper),
        "double" => Some(Shape::Double),
        "char" => Some(Shape::Char),
        "uchar" => Some(Shape::UnsignedChar),
        "ushort" => Some(Shape::UnsignedShort),
        _ => None,
    };
    if let Some(primitive) = primitive {
        if primitive != shape {
            fault(format!("{shape:?} where {primitive:?} is expected"));
        }
        return;
    }
    let declared = &facts["types"][name];
    let list = |key: &str| declared[key].as_array().cloned().unwrap_or_default();
    match (text(declared, "kind"), shape) {
        ("typedef", shape) => compare(facts, &declared["type"], shape, path, faults),
        ("struct", Shape::Struct(shape)) => {
            let fields = list("fields");
            let names = |names: Vec<String>| names.join(", ");
            let (theirs, ours) = (
                names(fields.iter().map(|field| plain(text(field, "name"))).collect()),
                names(shape.fields.iter().map(|field| plain(field.name)).collect()),
            );
            if theirs != ours {
                fault(format!("{} has the fields {ours} where {theirs} are expected", shape.name));
                return;
            }
            for (expected, field) in fields.iter().zip(shape.fields) {
                let path = format!("{path}.{}", field.name);
                let limit = expected["max_const"].as_str().and_then(|name| name.split_once('_'));
                if limit.map(|(_, name)| name) != field.limit {
                    faults.push(format!("{path}: the limit is {:?}, not {limit:?}", field.limit));
                }
                compare(facts, expected, field.shape, &path, faults);
            }
        }
        ("enum", Shape::Enum(shape)) => {
            let values = list("values");
            let theirs: Vec<_> = values.iter().filter_map(|value| value["value"].as_i64()).collect();
            let ours: Vec<_> = shape.values.iter().map(|(_, number)| i64::from(*number)).collect();
            if theirs != ours {
                fault(format!("{} has the values {ours:?} where {theirs:?} are expected", shape.name));
            }
        }
        ("union", Shape::Union(shape)) => {
            let arms = list("arms");
            if arms.len() != shape.cases.len() {
                fault(format!("{} has {} cases, not {}", shape.name, shape.cases.len(), arms.len()));
            }
            for (arm, (case, name, shape)) in arms.iter().zip(shape.cases) {
                if arm["case"][0] != *case || arm["name"] != *name {
                    faults.push(format!("{path}: case {case} {name} where {arm} is expected"));
                }
                compare(facts, arm, *shape, &format!("{path}.{name}"), faults);
            }
        }
        (_, shape) => fault(format!("{shape:?} where {expected} is expected")),
    }
}

/// Compares the named structure, or nothing, with what a row says.
fn compare_payload(facts: &Value, name: &Value, shape: Shape, path: &str, faults: &mut Vec<String>) {
    match (name.as_str(), shape) {
        (None, Shape::Void) => {}
        (None, other) => faults.push(format!("{path}: {other:?} where nothing is expected")),
        (Some(name), shape) => {
            if let Shape::Struct(shape) = shape {
                let (_, theirs) = name.split_once('_').expect("a prefix");
                if plain(theirs) != plain(shape.name) {
                    faults.push(format!("{path}: is called {} where {name} is expected", shape.name));
                }
            }
            compare(facts, &serde_json::json!({ "t": name }), shape, path, faults);
        }
    }
}

/// An entry as the facts write it.
fn access_text(access: &Access) -> String {
    let start = format!("{}:{}", access.object.name(), access.permission);
    match access.when {
        When::Always => start,
        When::Flags(flag) => format!("{start}:{}", flag.name),
        When::NoFlags(flag) => format!("{start}:!{}", flag.name),
        When::Equals { field, value } => format!("{start}::{field}:{}", value.name),
    }
}

fn access_facts(procedure: &Value, key: &str) -> Vec<String> {
    let entries = procedure[key].as_array().cloned().unwrap_or_default();
    entries.iter().filter_map(Value::as_str).filter(|entry| *entry != "none").map(str::to_owned).collect()
}

fn compare_row(facts: &Value, procedure: &Value, row: &Row, faults: &mut Vec<String>) {
    let path = row.constant();
    let mut expect = |what: &str, ours: String, theirs: String| {
        if ours != theirs {
            faults.push(format!("{path}: {what} is {ours}, not {theirs}"));
        }
    };
    expect("the name", path.clone(), text(procedure, "name").to_owned());
    expect("the short name", row.snake_name(), text(procedure, "short").to_owned());
    expect("since", row.since.to_owned(), text(procedure, "since").to_owned());
    let direction = match row.direction {
        Direction::Event => "event",
        // The facts have no word for messages that either side sends.
        Direction::Call | Direction::Both => "call",
    };
    expect("the direction", direction.into(), text(procedure, "direction").to_owned());
    if row.program.name != "keepalive" {
        let priority = if row.priority == Priority::High { "high" } else { "low" };
        expect("the priority", priority.into(), text(procedure, "priority").to_owned());
    }
    expect(
        "the access",
        format!("{:?}", row.access.iter().map(access_text).collect::<Vec<_>>()),
        format!("{:?}", access_facts(procedure, "acl")),
    );
    expect(
        "the filter",
        format!("{:?}", row.filter.iter().map(access_text).collect::<Vec<_>>()),
        format!("{:?}", access_facts(procedure, "aclfilter")),
    );
    expect(
        "the flag of sparse streams",
        row.sparse.map_or(String::new(), |flag| flag.name.to_owned()),
        text(procedure, "sparseflag").to_owned(),
    );
    let stream = match (procedure["readstream"].is_u64(), procedure["writestream"].is_u64()) {
        // Consoles and channels are marked as readable alone, but take data as well.
        (true, _) if row.stream == Some(Stream::Both) && path.contains("DOMAIN_OPEN_C") => row.stream,
        (true, _) => Some(Stream::Read),
        (_, true) => Some(Stream::Write),
        // The facts are from a description that leaves this one to a function written by hand.
        _ if path == "REMOTE_PROC_DOMAIN_MIGRATE_PREPARE_TUNNEL3_PARAMS" => Some(Stream::Write),
        _ => None,
    };
    expect("the stream", format!("{:?}", row.stream), format!("{stream:?}"));
    let args = if row.direction == Direction::Event { "msg" } else { "args" };
    compare_payload(facts, &procedure[args], row.args.shape, &format!("{path} arguments"), faults);
    compare_payload(facts, &procedure["ret"], row.reply.shape, &format!("{path} reply"), faults);
}

#[test]
fn every_row_agrees_with_the_facts() {
    let Some(facts) = facts() else { return };
    let mut faults = Vec::new();
    let mut compared = 0;
    for program in facts["programs"].as_array().expect("programs") {
        let name = text(program, "name");
        let Some(ours) = PROGRAMS.iter().find(|ours| ours.name == name) else {
            assert!(["lock", "log", "lxc_monitor"].contains(&name), "the program {name} is missing");
            continue;
        };
        assert_eq!(program["number"], ours.number, "{name}");
        assert_eq!(program["version"], ours.version, "{name}");
        let procedures = program["procedures"].as_array().expect("procedures");
        assert_eq!(procedures.len(), ours.rows().len(), "{name}");
        for procedure in procedures {
            let row = ours.row(procedure["number"].as_i64().unwrap() as i32).expect("a row");
            compare_row(&facts, procedure, row, &mut faults);
            compared += 1;
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(compared, rows().count());
}

#[test]
fn constants_and_payloads_without_a_procedure_agree_with_the_facts() {
    let Some(facts) = facts() else { return };
    let constant = |name: &str| facts["constants"][name]["value"].as_u64().expect("a constant");
    for (name, ours) in [
        ("VIR_NET_MESSAGE_MAX", packet::MESSAGE_MAX),
        ("VIR_NET_MESSAGE_PAYLOAD_MAX", packet::PAYLOAD_MAX),
        ("VIR_NET_MESSAGE_HEADER_MAX", packet::HEADER_SIZE),
        ("VIR_NET_MESSAGE_LEN_MAX", packet::LENGTH_SIZE),
        ("VIR_NET_MESSAGE_LEGACY_PAYLOAD_MAX", packet::STREAM_DATA_MAX),
        ("VIR_NET_MESSAGE_NUM_FDS_MAX", packet::DESCRIPTORS_MAX as usize),
        ("REMOTE_STRING_MAX", STRING_MAX as usize),
        ("ADMIN_STRING_MAX", STRING_MAX as usize),
        ("VIR_NET_MESSAGE_STRING_MAX", STRING_MAX as usize),
        (
            "REMOTE_DOMAIN_GET_CPU_STATS_NCPUS_MAX",
            virt_proto::remote::DOMAIN_GET_CPU_STATS_NCPUS_MAX as usize,
        ),
    ] {
        assert_eq!(constant(name), ours as u64, "{name}");
    }
    let mut faults = Vec::new();
    for (name, shape) in [
        ("virNetMessageError", shape_of::<packet::ErrorBody>()),
        ("virNetStreamHole", shape_of::<packet::StreamHole>()),
        ("virNetMessageType", shape_of::<packet::Kind>()),
        ("virNetMessageStatus", shape_of::<packet::Status>()),
    ] {
        // The level has names of its own in libvirt's API, and is a number here.
        compare(&facts, &serde_json::json!({ "t": name }), shape, name, &mut faults);
    }
    faults.retain(|fault| !fault.starts_with("virNetMessageError.level: Enum"));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn shape_of<T: virt_proto::xdr::Xdr>() -> Shape {
    T::SHAPE
}

#[test]
fn api_functions_agree_with_the_facts() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/protocol/api-matrix.json");
    let Ok(text) = fs::read_to_string(path) else {
        eprintln!("skipped: there is no ../shared/protocol/api-matrix.json");
        return;
    };
    let matrix: Value = serde_json::from_str(&text).expect("JSON");
    let carried: Vec<_> = matrix["apis"].as_array().expect("functions").iter().collect();
    for row in rows() {
        let names: Vec<_> = carried
            .iter()
            .filter(|api| {
                api["carried_by"] == "procedure"
                    && api["program"] == row.program.name
                    && api["number"] == row.number
            })
            .filter_map(|api| api["api"].as_str())
            .collect();
        assert_eq!(row.api.is_some(), !names.is_empty(), "{row:?}: {names:?}");
        assert!(row.api.is_none_or(|api| names.contains(&api)), "{row:?}: {:?} is not in {names:?}", row.api);
    }
}

#[test]
fn rows_are_found_by_their_numbers() {
    for program in PROGRAMS {
        for (at, row) in program.rows().iter().enumerate() {
            assert_eq!(row.number as usize, at + 1);
            assert_eq!(virt_proto::row(program.number, row.number), Some(*row));
            assert_eq!(row.program.number, program.number);
            assert!(row.summary.ends_with('.') && !row.summary.contains('\n'), "{row:?}: {}", row.summary);
        }
        let outside = [i32::MIN, -1, 0, program.rows().len() as i32 + 1, i32::MAX];
        assert!(outside.iter().all(|number| program.row(*number).is_none()));
    }
    assert!(virt_proto::program(0).is_none());
}

#[test]
fn names_and_api_functions_are_there_once() {
    let unique = |program: &Program, of: fn(&Row) -> Option<&str>| {
        let mut names: Vec<_> = program.rows().iter().filter_map(|row| of(row)).collect();
        names.sort_unstable();
        let before = names.len();
        names.dedup();
        before == names.len()
    };
    for program in PROGRAMS {
        assert!(unique(program, |row| Some(row.name)) && unique(program, |row| row.api), "{program:?}");
    }
}
