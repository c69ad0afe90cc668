//! Every call in every state of a domain against the answers of stock libvirt.

mod table;

use std::collections::BTreeMap;
use std::path::Path;

use virt_core::driver::DomainRef;
use virt_core::{Connection, CreateFlags, Domain};

use crate::support::{Lab, enabled, runtime};
use table::calls;

/// The table: call, states, code and domain, sentence.
const ANSWERS: &str = "../fixtures/calls/refusals.tsv";

/// The domain that stock libvirt was asked about.
fn xml(image: &Path, agent: bool) -> String {
    let channel = "<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>";
    format!(
        "<domain type='qemu'><name>errs</name><uuid>11111111-2222-4333-8444-555555555555</uuid>\
         <memory unit='MiB'>32</memory><vcpu current='1'>2</vcpu><iothreads>1</iothreads>\
         <os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features><devices>\
         <controller type='usb' model='none'/><memballoon model='virtio'/>\
         <disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{}'/><target dev='vda' bus='virtio'/></disk>\
         <disk type='file' device='cdrom'><target dev='hda' bus='ide'/><readonly/></disk>\
         <interface type='user'><mac address='52:54:00:0a:0b:0c'/></interface><serial type='pty'/>\
         <video><model type='vga'/></video><graphics type='vnc' autoport='yes' listen='127.0.0.1'/>{}</devices></domain>",
        image.display(),
        if agent { channel } else { "" }
    )
}

/// A row of the table, for one state.
struct Row<'a> {
    call: &'a str,
    answer: &'a str,
    sentence: &'a str,
}

fn rows<'a>(table: &'a str, state: &str) -> Vec<Row<'a>> {
    let row = |line: &'a str| {
        let mut fields = line.split('\t');
        let (call, states, answer) = (fields.next()?, fields.next()?, fields.next()?);
        let wanted = states.split(',').any(|one| one == state);
        wanted.then(|| Row { call, answer, sentence: fields.next().unwrap_or_default() })
    };
    table.lines().filter(|line| !line.starts_with('#')).filter_map(row).collect()
}

/// Brings a domain into a state of the table.
async fn domain_in(connection: &Connection, xml: &str, state: &str) -> Domain {
    match state {
        "T" => connection.create(xml, CreateFlags::empty()).await.unwrap(),
        other => {
            let domain = connection.define(xml).await.unwrap();
            match other {
                "R" => domain.start().await.unwrap(),
                "P" => {
                    let domain = domain.start().await.unwrap();
                    domain.suspend().await.unwrap();
                    domain
                }
                "G" => {
                    domain.undefine().await.unwrap();
                    domain
                }
                _ => domain,
            }
        }
    }
}

#[test]
fn calls_are_answered_as_stock_libvirt_answers_them() {
    if !enabled("calls") {
        return;
    }
    let table = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(ANSWERS)).unwrap();
    let lab = Lab::new("calls");
    let image = lab.path().join("d.qcow2");
    crate::support::make_image(&image);
    runtime().block_on(async {
        let connection = Connection::open(&lab.uri()).await.unwrap();
        let calls: BTreeMap<&str, table::Call> = calls().into_iter().collect();
        let (mut checked, mut wrong) = (0, Vec::new());
        for agent in [false, true] {
            for state in ["I", "R", "P", "T", "G"] {
                let domain = domain_in(&connection, &xml(&image, agent), state).await;
                let key = if agent { format!("a{state}") } else { state.to_owned() };
                for row in rows(&table, &key) {
                    let Some(call) = calls.get(row.call) else { panic!("{} is in no row", row.call) };
                    let answer = answer(*call, &connection, domain.reference()).await;
                    if needs_groups(&answer.1) {
                        println!("skipped: {} in state {key}: {}", row.call, answer.1);
                        continue;
                    }
                    checked += 1;
                    if answer != (row.answer.to_owned(), row.sentence.to_owned()) {
                        wrong.push(format!(
                            "{} in state {key}: {} {}, not {} {}",
                            row.call, answer.0, answer.1, row.answer, row.sentence
                        ));
                    }
                    if state == "P"
                        && domain.state().await.unwrap().state() == virt_core::DomainState::Running
                    {
                        domain.suspend().await.unwrap();
                    }
                }
                if matches!(state, "R" | "P" | "T") {
                    domain.destroy().await.unwrap();
                }
                if !matches!(state, "T" | "G") {
                    domain.undefine().await.unwrap();
                }
            }
        }
        println!("{checked} answers compared, {} differ", wrong.len());
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
        connection.close().await;
    });
}

/// Whether a refusal says that this host has no control groups, or, to whoever is not root, that this user has none.
fn needs_groups(sentence: &str) -> bool {
    let session = virt_sys::user::effective_uid() != 0 && sentence.ends_with("in session mode");
    session || (sentence.contains("cgroup") && sentence.ends_with("mounted"))
}

/// What a call answers: `ok`, or the code, the domain and the sentence.
async fn answer(call: table::Call, connection: &Connection, domain: &DomainRef) -> (String, String) {
    match call(connection.driver(), domain).await {
        Ok(()) => ("ok".to_owned(), String::new()),
        Err(error) => {
            let sentence = error.to_string().replace('\n', "\\n");
            (format!("{}/{}", error.code().number(), error.domain().number()), sentence)
        }
    }
}
