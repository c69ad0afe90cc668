//! Documents built from the grammar of domains by the fuzzer's bytes: what is accepted keeps its meaning in XML and in JSON,
//! and is completed and planned for QEMU without a panic.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use virt_conf::domain::{Domain, passes::NullPolicy};
use virt_conf::grammar::{Form, Part, Value};
use virt_conf::typed::{json_of_xml, xml_of_value};
use virt_conf::{FormatFlags, ParseFlags};
use virt_qemu::plan::{self, Monitor};
use virt_qemu::prepare::{PrepareContext, PretendedPorts, prepare};
use virt_qemu::{caps::Capabilities, config::Config, host::Host, planner};

static CAPS: LazyLock<Capabilities> = LazyLock::new(|| {
    serde_json::from_slice(include_bytes!("../../fixtures/host/qemu-system-x86_64.json"))
        .expect("the recording is read")
});

/// Elements within each other, and in all.
const DEPTH: usize = 12;
const ELEMENTS: usize = 300;

/// Decisions, one a byte; without bytes left every answer is the first.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn next(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::from(self.next()) % limit.max(1)
    }

    fn is_over(&self) -> bool {
        self.0.is_empty()
    }
}

/// Texts that readers of several kinds of values look at closely.
const TEXTS: &[&str] = &[
    "", "a", "0", "1", "yes", "no", "on", "off", "-1", "4294967296", "18446744073709551615", "0x1f", "/dev/null", "52:54:00:12:34:56",
    "127.0.0.1", "::1", "qemu", "raw", "qcow2", "virtio", "q35", "pc", "x86_64", "hda", "vda", "sda", "0-3,^1", "KiB", "é&<'\"",
    "6f1d4c1e-9f3b-4d43-8d0a-2f6f3c9b7a10", "hvm", "kvm",
];

struct Writer<'a> {
    choices: Choices<'a>,
    xml: String,
    elements: usize,
}

impl Writer<'_> {
    fn value(&mut self, value: &'static Value) -> String {
        let choice = self.choices.next();
        if choice & 0xf0 == 0xf0 {
            let index = self.choices.below(TEXTS.len());
            return TEXTS[index].to_owned();
        }
        let pick = |words: &[&str]| words.get(usize::from(choice) % words.len().max(1)).copied().unwrap_or_default().to_owned();
        match value {
            Value::OneOf(words) => pick(words),
            Value::YesNo => pick(&["yes", "no"]),
            Value::OnOff => pick(&["on", "off"]),
            Value::Number(least, most) => {
                (least + u64::from(choice) % (most - least).saturating_add(1)).to_string()
            }
            Value::Integer => (i64::from(choice) - 100).to_string(),
            Value::Hex(most) => format!("{:#x}", u64::from(choice) % most.saturating_add(1)),
            Value::Str => pick(TEXTS),
            Value::Like(form) => example(form, choice),
        }
    }

    fn escaped(&mut self, text: &str) {
        for letter in text.chars() {
            match letter {
                '<' => self.xml.push_str("&lt;"),
                '&' => self.xml.push_str("&amp;"),
                '\'' => self.xml.push_str("&apos;"),
                letter => self.xml.push(letter),
            }
        }
    }

    fn element(&mut self, name: &str, parts: &'static [Part], depth: usize) {
        self.elements += 1;
        self.xml.push('<');
        self.xml.push_str(name);
        if depth == 0 {
            for (prefix, uri) in virt_conf::grammar::NAMESPACES {
                self.xml.push_str(&format!(" xmlns:{prefix}='{uri}'"));
            }
        }
        let mut written: Vec<(&'static str, String)> = Vec::new();
        self.attributes(parts, &mut written);
        self.xml.push('>');
        self.content(parts, depth, &written);
        self.xml.push_str("</");
        self.xml.push_str(name);
        self.xml.push('>');
    }

    fn attributes(&mut self, parts: &'static [Part], written: &mut Vec<(&'static str, String)>) {
        for part in parts {
            match part {
                Part::Attr(name, value) | Part::Must(name, value) => {
                    let wanted = matches!(part, Part::Must(..)) || self.choices.next() & 1 == 1;
                    if wanted && written.iter().all(|(known, _)| known != name) {
                        let text = self.value(value);
                        self.xml.push_str(&format!(" {name}='"));
                        self.escaped(&text);
                        self.xml.push('\'');
                        written.push((name, text));
                    }
                }
                Part::With(parts) => self.attributes(parts, written),
                Part::When(name, values, parts) if holds(written, name, values) => {
                    self.attributes(parts, written);
                }
                _ => {}
            }
        }
    }

    fn content(&mut self, parts: &'static [Part], depth: usize, written: &[(&'static str, String)]) {
        if depth > DEPTH {
            return;
        }
        for part in parts {
            match part {
                Part::One(name, parts) => self.element(name, parts, depth + 1),
                Part::Opt(name, parts) => self.some(name, parts, depth, 1),
                Part::Many(name, parts) => self.some(name, parts, depth, 3),
                Part::Again(name, parts) => self.some(name, parts(), depth, 1),
                Part::Text(value) => {
                    let text = self.value(value);
                    self.escaped(&text);
                }
                Part::With(parts) => self.content(parts, depth, written),
                Part::When(name, values, parts) if holds(written, name, values) => {
                    self.content(parts, depth, written);
                }
                _ => {}
            }
        }
    }

    /// A child element, so often as the bytes say, up to a few times. Most are left out, else no document would be short.
    fn some(&mut self, name: &str, parts: &'static [Part], depth: usize, most: usize) {
        if self.choices.is_over() || self.choices.next() & 3 != 1 {
            return;
        }
        for _ in 0..=self.choices.below(most) {
            if self.elements < ELEMENTS {
                self.element(name, parts, depth + 1);
            }
        }
    }
}

fn holds(written: &[(&'static str, String)], name: &str, values: &[&str]) -> bool {
    let value = written.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value.as_str());
    values.contains(&value)
}

/// A text of a form, by the form's name.
fn example(form: &Form, choice: u8) -> String {
    let number = u32::from(choice);
    let name = form.name.to_lowercase();
    let has = |word: &str| name.contains(word);
    if has("mac") {
        format!("52:54:00:00:00:{number:02x}")
    } else if has("uuid") {
        format!("6f1d4c1e-9f3b-4d43-8d0a-2f6f3c9b7a{number:02x}")
    } else if has("path") {
        format!("/dir/{number}")
    } else if has("address") || has("ip") {
        format!("192.0.2.{number}")
    } else if has("cpu") || has("set") || has("list") {
        format!("0-{}", number % 8)
    } else {
        TEXTS[usize::from(choice) % TEXTS.len()].to_owned()
    }
}

/// Controllers whose numbers were filled in find their place when they are read, as under libvirt.
fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

const FLAGS: ParseFlags = ParseFlags::INACTIVE;

fuzz_target!(|bytes: &[u8]| {
    let mut writer = Writer { choices: Choices(bytes), xml: String::new(), elements: 0 };
    writer.element("domain", Domain::GRAMMAR, 0);
    let xml = writer.xml;
    let Ok(domain) = Domain::parse(&xml, FLAGS) else { return };
    let format = |domain: &Domain| domain.format(FormatFlags::INACTIVE | FormatFlags::SECURE);

    let mut filled = domain.clone();
    let accepted = filled.fill(&NullPolicy, FLAGS).and_then(|()| filled.validate(&NullPolicy));
    if accepted.is_ok() {
        let written = format(&filled);
        let again = Domain::parse(&written, FLAGS).and_then(|mut again| {
            again.fill(&NullPolicy, FLAGS)?;
            Ok(again)
        });
        match again {
            Ok(again) => assert_eq!(sorted(&format(&again)), sorted(&written)),
            Err(error) => panic!("{error}: written as\n{written}"),
        }
        let json = json_of_xml(&written, Domain::GRAMMAR).expect("what is written is XML");
        let back = xml_of_value(&json, Domain::GRAMMAR, "domain").expect("what is typed is known");
        match Domain::parse(&back, FLAGS) {
            Ok(back) => assert_eq!(sorted(&format(&back)), sorted(&written)),
            Err(error) => panic!("{error}: by way of JSON\n{back}"),
        }
    }

    let (config, host) = (Config::system(), Host::default());
    let mut live = domain;
    if planner::complete(&mut live, &CAPS, &config, &host, FLAGS | ParseFlags::ABI_UPDATE).is_err() {
        return;
    }
    let cx = PrepareContext { caps: &CAPS, config: &config, host: &host, processor: None };
    if prepare(&mut live, &cx, &mut PretendedPorts).is_ok() {
        let _ = plan::build(&live, &CAPS, &config, &host, Monitor::Path).map(|plan| plan.argv());
    }
});
