//! Prints the page about the protocol, `docs/PROTOCOL.md`: `cargo xtask codegen` keeps it up to date.
#![allow(clippy::print_stdout)] // its purpose

use std::collections::BTreeMap;
use std::fmt::Write as _;

use virt_proto::{
    Access, Descriptors, Direction, PROGRAMS, Priority, Program, Row, Stream, When, Write as Needs,
    xdr::{Shape, StructShape},
};

fn main() {
    let mut page = include_str!("introduction.md").to_owned();
    programs(&mut page);
    let found = Found::new();
    found.limits(&mut page);
    found.types(&mut page);
    for program in PROGRAMS {
        procedures(program, &mut page);
    }
    print!("{page}");
}

fn programs(page: &mut String) {
    *page += "\n## Programs\n\n| program | number | version | procedures |\n| --- | --- | --- | --- |\n";
    for program in PROGRAMS {
        let (name, count) = (program.name, program.rows().len());
        _ = writeln!(
            page,
            "| [{name}](#program-{name}) | {:#010x} | {} | {count} |",
            program.number, program.version
        );
    }
}

/// Limits and types that the procedures use.
#[derive(Default)]
struct Found {
    limits: BTreeMap<&'static str, u32>,
    types: BTreeMap<&'static str, Shape>,
}

impl Found {
    fn new() -> Self {
        let mut found = Self::default();
        for row in virt_proto::rows() {
            for shape in [row.args.shape, row.reply.shape] {
                match shape {
                    // What a procedure takes and gives stands in its own row.
                    Shape::Struct(shape) => found.fields(shape),
                    other => found.shape(other),
                }
            }
        }
        found
    }

    fn fields(&mut self, shape: &'static StructShape) {
        for field in shape.fields {
            let max = match field.shape {
                Shape::Array { max, .. } | Shape::Opaque { max } => Some(max),
                _ => None,
            };
            self.limits.extend(field.limit.zip(max));
            self.shape(field.shape);
        }
    }

    fn shape(&mut self, shape: Shape) {
        match shape {
            Shape::Optional(inner) | Shape::Array { item: inner, .. } => self.shape(*inner),
            Shape::Struct(inner) if self.types.insert(inner.name, shape).is_none() => self.fields(inner),
            Shape::Enum(inner) => _ = self.types.insert(inner.name, shape),
            Shape::Union(inner) => _ = self.types.insert(inner.name, shape),
            _ => {}
        }
    }

    fn limits(&self, page: &mut String) {
        *page += "\n## Limits\n\n| limit | entries or bytes |\n| --- | --- |\n";
        for (name, max) in &self.limits {
            _ = writeln!(page, "| {name} | {max} |");
        }
    }

    fn types(&self, page: &mut String) {
        *page += "\n## Types\n\n| type | content |\n| --- | --- |\n";
        for (name, shape) in &self.types {
            let content = match shape {
                Shape::Struct(shape) => fields(shape),
                Shape::Enum(shape) => {
                    let values = shape.values.iter().map(|(name, number)| format!("{number} {name}"));
                    format!("one of: {}", values.collect::<Vec<_>>().join(", "))
                }
                Shape::Union(shape) => {
                    let cases = shape.cases.iter().map(|(case, _, shape)| format!("{case} {shape}"));
                    format!("int, and by its value: {}", cases.collect::<Vec<_>>().join(", "))
                }
                other => other.to_string(),
            };
            _ = writeln!(page, "| {name} | {} |", escaped(&content));
        }
    }
}

fn procedures(program: &Program, page: &mut String) {
    let name = program.name;
    _ = writeln!(page, "\n## Program {name}\n");
    *page += "| number | procedure | arguments | reply | more |\n| --- | --- | --- | --- | --- |\n";
    for row in program.rows() {
        let api = row.api.map(|api| format!(" `{api}`")).unwrap_or_default();
        let about = format!("**{}**{api}<br>{}", row.name, row.summary);
        let (args, reply) = (payload(row.args.shape), payload(row.reply.shape));
        _ = writeln!(
            page,
            "| {} | {about} | {} | {} | {} |",
            row.number,
            escaped(&args),
            escaped(&reply),
            escaped(&more(row))
        );
    }
}

fn payload(shape: Shape) -> String {
    match shape {
        Shape::Void => String::new(),
        Shape::Struct(shape) => fields(shape),
        other => other.to_string(),
    }
}

fn fields(shape: &StructShape) -> String {
    let fields = shape.fields.iter().map(|field| format!("{} {}", field.shape, field.name));
    fields.collect::<Vec<_>>().join(", ")
}

/// What there is to say beside arguments and reply.
fn more(row: &Row) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut say = |word: &str| words.push(word.to_owned());
    match row.direction {
        Direction::Call => {}
        Direction::Event => say("event"),
        Direction::Both => say("message of either side"),
    }
    if row.priority == Priority::High {
        say("high priority");
    }
    match row.stream {
        None => {}
        Some(Stream::Read) => say("stream to the client"),
        Some(Stream::Write) => say("stream to the server"),
        Some(Stream::Both) => say("stream both ways"),
    }
    if let Some(flag) = row.sparse {
        say(&format!("holes with {}", flag.name));
    }
    match row.descriptors {
        Descriptors::None => {}
        Descriptors::Call => say("descriptors with the call"),
        Descriptors::Reply => say("descriptors with the reply"),
        Descriptors::Both => say("descriptors with call and reply"),
    }
    match row.write {
        Needs::ByAccess => {}
        Needs::Always => say("write"),
        Needs::Never => say("no write"),
    }
    row.access.iter().for_each(|entry| say(&access(entry)));
    if let Some(entry) = &row.filter {
        say(&format!("filter {}", access(entry)));
    }
    if !row.since.starts_with('<') {
        say(&format!("seen in {}", row.since));
    }
    words.join("; ")
}

fn access(access: &Access) -> String {
    let permission = format!("{}:{}", access.object.name(), access.permission);
    match access.when {
        When::Always => permission,
        When::Flags(flag) => format!("{permission} if {}", flag.name),
        When::NoFlags(flag) => format!("{permission} unless {}", flag.name),
        When::Equals { field, value } => format!("{permission} if {field} is {}", value.name),
    }
}

/// Text for a cell of a table.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}
