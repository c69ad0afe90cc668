//! `virt` where it needs no guest: what it checks, plans, prints and refuses.
#![allow(clippy::print_stderr)] // a skipped test says so

mod support;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use serde_json::{Value, json};
use support::{Engine, fixture};

#[test]
fn lint_names_what_has_no_effect_and_what_is_refused() {
    let engine = Engine::new("lint");
    let host = fixture("host");
    for (file, status, texts) in [
        ("web.xml", 0, &["nothing to say"][..]),
        (
            "typos.xml",
            1,
            &[
                "typos.xml:4:3: <vcpuz>",
                "did you mean 'vcpu'?",
                "typos.xml:7:",
                "'typ'",
                "did you mean 'type'?",
            ],
        ),
        ("machine.xml", 1, &["machine type 'q36'", "did you mean 'q35'?"]),
        ("value.xml", 1, &["value.xml:8:", "pti", "did you mean 'pty'?"]),
    ] {
        engine.run(&["lint", "--host", &host, &fixture(file)]).ended(status).says(texts);
    }
    let both = engine
        .run(&["lint", "--json", "--host", &host, &fixture("typos.xml"), &fixture("machine.xml")])
        .ended(1);
    let files = both.json()["files"].clone();
    let kinds: Vec<&Value> = files
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|file| file["findings"].as_array().unwrap())
        .map(|f| &f["kind"])
        .collect();
    assert_eq!(kinds, ["unknown-element", "unknown-attribute", "refused"]);
    assert_eq!(files[0]["findings"][0]["place"], json!({ "line": 4, "column": 3, "path": "/domain/vcpuz" }));
    assert_eq!(files[1]["findings"][0]["code"], 67);
}

#[test]
fn lint_needs_no_host() {
    let engine = Engine::new("lint-bare");
    let xml = "<domain type='qemu'><name>a</name><memory>1</memory><os><type arch='x86_64'>hvm</type></os>\
               <devices><emulator>/nonexistent/qemu</emulator></devices></domain>";
    let file = engine.file("a.xml", xml);
    engine.run(&["lint", &file]).ok().says(&["nothing to say", "not checked against a QEMU"]);
    engine.run(&["lint", &engine.file("b.xml", "<domain")]).ended(1).says(&["b.xml:1:"]);
    engine.run(&["lint", &engine.file("c.xml", "<netwrk/>")]).ended(1).says(&["did you mean 'network'?"]);
    let network = "<network><name>n</name>\n<ip addres='10.0.0.1' address='10.0.0.1'/></network>";
    let said = engine.run(&["lint", &engine.file("d.xml", network)]).ended(1);
    said.says(&["d.xml:2:5: attribute 'addres'", "did you mean 'address'?"]);
    engine.run(&["lint", "/nonexistent.xml"]).ended(1).says(&["/nonexistent.xml", "No such file"]);
}

#[test]
fn plan_shows_what_a_recorded_host_would_run() {
    let engine = Engine::new("plan");
    let (host, web) = (fixture("host"), fixture("web.xml"));
    let argv = engine.run(&["plan", "--host", &host, &web]).ok();
    let lines: Vec<&str> = argv.out.lines().collect();
    for (option, value) in [
        ("-name", "guest=web,debug-threads=on"),
        ("-machine", "pc-q35-7.2,usb=off,dump-guest-core=off,memory-backend=pc.ram"),
        ("-accel", "tcg"),
        ("-uuid", "6f0a8c5e-51c4-4c9d-9f0e-0f5c1a2b3c4d"),
        ("-chardev", "pty,id=charserial0"),
    ] {
        assert!(lines.windows(2).any(|pair| pair == [option, value]), "{option} {value}\n{}", argv.out);
    }
    let xml = engine.run(&["plan", "--host", &host, "--format", "xml", &web]).ok();
    assert!(xml.out.contains("<type arch='x86_64' machine='pc-q35-7.2'>hvm</type>"), "{}", xml.out);
    let canonical = engine.file("canonical.xml", &xml.out);
    let again = engine.run(&["plan", "--host", &host, "--format", "xml", &canonical]).ok();
    assert_eq!(again.out, xml.out);
    let plan = engine.run(&["plan", "--host", &host, "--json", &web]).ok().json();
    assert_eq!(plan["program"], "/usr/bin/qemu-system-x86_64");
    assert!(plan["parts"].as_array().is_some_and(|parts| parts.len() > 5), "{plan}");
    engine
        .run(&["plan", "--host", &host, &fixture("machine.xml")])
        .ended(1)
        .says(&["code: 67", "did you mean 'q35'?"]);
    for (kind, code) in [("metwork", "code: 3"), ("network", "code: 27")] {
        engine.run(&["plan", "--host", &host, "--kind", kind, &web]).ended(1).says(&[code, "'network'"]);
    }
    let network = engine.file("network.xml", "<network><name>n</name><bridge name='b'/></network>");
    let canonical = engine.run(&["plan", "--host", &host, &network]).ok();
    assert!(canonical.out.contains("<bridge name='b' stp='on' delay='0'/>"), "{}", canonical.out);
    engine.run(&["plan", "--host", &host, "--format", "argv", &network]).ended(1).says(&["code: 3"]);
}

#[test]
fn plan_serves_requests_one_a_line() {
    let engine = Engine::new("serve");
    let mut command = engine.command(&["plan", "--serve", "--host", &fixture("host")]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let (mut requests, answers) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut answers = BufReader::new(answers).lines();
    let mut ask = |request: String| -> Value {
        requests.write_all(format!("{request}\n").as_bytes()).unwrap();
        serde_json::from_str(&answers.next().unwrap().unwrap()).unwrap()
    };
    let request = |file: &str, want: &str| {
        json!({ "input": fixture(file), "kind": "domain", "want": want }).to_string()
    };
    assert!(ask(request("web.xml", "argv"))["out"].as_str().unwrap().contains("guest=web"));
    assert!(ask(request("machine.xml", "argv"))["error"].as_str().unwrap().starts_with("code: 67\n"));
    assert!(ask("no request".to_owned())["error"].as_str().unwrap().starts_with("code: 8\n"));
    assert!(
        ask(request("web.xml", "canonical"))["out"].as_str().unwrap().starts_with("<domain type='qemu'>")
    );
    drop(requests);
    assert!(child.wait().unwrap().success());
}

#[test]
fn an_empty_list_is_an_answer() {
    let engine = Engine::new("list");
    engine.run(&["list"]).ok().says(&[
        " Id   Name   State",
        "engine: qemu in this process, scope: directory",
        "no domains here",
    ]);
    let quiet = engine.run(&["-q", "list", "--name"]).ok();
    assert_eq!((quiet.out.as_str(), quiet.err.as_str()), ("", ""));
    let document = engine.run(&["list", "--all", "--json"]).ok().json();
    assert_eq!(document["domains"], json!([]));
    assert_eq!(document["connection"]["scope"], format!("directory {}", engine.root.display()));
    assert!(document["elsewhere"].is_array(), "{document}");
}

#[test]
fn an_empty_list_names_the_other_scopes_that_have_domains() {
    let engine = Engine::new("elsewhere");
    let libvirt = engine.root.join("libvirt/qemu");
    std::fs::create_dir_all(&libvirt).unwrap();
    std::fs::write(libvirt.join("db.xml"), "<domain/>").unwrap();
    engine.run(&["list"]).ok().says(&[
        "no domains here, but elsewhere on this host",
        "libvirt's session of this user: 1 (db), see `virsh -c qemu:///session list --all`",
    ]);
    let own = engine.root.join("virt/qemu");
    std::fs::create_dir_all(&own).unwrap();
    std::fs::write(own.join("mine.xml"), "<domain/>").unwrap();
    let places = engine.run(&["list", "--json"]).ok().json()["elsewhere"].clone();
    let of_user = places.as_array().unwrap().iter().find(|place| place["scope"] == "this user's scope");
    assert_eq!(of_user.unwrap()["domains"], json!(["mine"]));
    assert_eq!(of_user.unwrap()["command"], "virt -c qemu:///embed list --all");
}

#[test]
fn wrong_usage_ends_with_2_and_refusals_with_1() {
    let engine = Engine::new("usage");
    for args in [
        &["lst"][..],
        &[],
        &["start"],
        &["list", "--all", "--inactive"],
        &["undefine", "a", "--nvram", "--keep-nvram"],
        &["up"],
        &["up", "--exec", "true", "--kernel", "a"],
        &["events", "--kind", "lifecicle"],
        &["plan"],
    ] {
        engine.run(args).ended(2);
    }
    engine.run(&["lst"]).says(&["list"]);
    engine.run(&["events", "--kind", "lifecicle"]).says(&["did you mean 'lifecycle'?"]);
    let missing = engine.run(&["start", "nope"]).ended(1);
    let missing =
        missing.says(&["error: Domain not found: no domain with matching name 'nope'", "code: 42", "hint: "]);
    assert_eq!(missing.out, "");
    engine.run(&["--version"]).ok().says(&[env!("CARGO_PKG_VERSION")]);
}

#[test]
fn errors_are_json_where_answers_are() {
    let engine = Engine::new("json");
    let missing = engine.run(&["start", "nope", "--json"]).ended(1);
    let error = missing.json_error();
    assert_eq!((&error["code"], &error["name"]), (&json!(42), &json!("VIR_ERR_NO_DOMAIN")));
    assert!(error["hint"].is_string() && error["domain"].is_string(), "{error}");
    assert_eq!(missing.out, "");
    let usage = engine.run(&["--json", "lst"]).ended(2).json_error();
    assert!(usage["message"].as_str().unwrap().contains("lst"), "{usage}");
    for (uri, text) in [
        ("qemu:///sesion", "did you mean '/session'?"),
        ("xen:///system", "xen"),
        ("qemu+pigeon://h/system", "the transport 'pigeon' is not known"),
    ] {
        engine.run(&["-c", uri, "list"]).ended(1).says(&[text]);
    }
}

#[test]
fn a_definition_warns_of_typos_and_lives_until_it_is_undefined() {
    let engine = Engine::new("define");
    let plain = engine.run(&["define", &fixture("typos.xml")]);
    if plain.err.contains("Cannot check QEMU binary") {
        eprintln!("skipped: no QEMU for this document");
        return;
    }
    plain.ok().says(&["warning: ", "typos.xml:4:3: <vcpuz>", "did you mean 'vcpu'?", "Domain 'web' defined"]);
    let listed = engine.run(&["list", "--all"]).ok();
    assert!(listed.out.ends_with(" -    web    shut off\n"), "{}", listed.out);
    engine.run(&["list"]).ok().says(&["`virt list --all`"]);
    engine.run(&["domstate", "web", "--reason"]).ok().says(&["shut off (unknown)"]);
    assert_eq!(engine.run(&["dominfo", "web", "--json"]).ok().json()["memory_kib"], 65536);
    engine.run(&["start", "we"]).ended(1).says(&["did you mean 'web'?"]);
    engine.run(&["rename", "web", "site"]).ok().says(&["Domain 'web' renamed to 'site'"]);
    engine.run(&["autostart", "site"]).ok();
    engine.run(&["list", "--all", "--autostart", "--name"]).ok().says(&["site"]);
    let xml = engine.run(&["-q", "dumpxml", "site"]).ok();
    assert!(xml.out.starts_with("<domain type='qemu'>\n  <name>site</name>\n"), "{}", xml.out);
    engine.run(&["shutdown", "site"]).ended(1).says(&["domain is not running", "code: 55"]);
    engine.run(&["undefine", "site", "--json"]).ok();
    assert_eq!(engine.run(&["list", "--all", "--json"]).ok().json()["domains"], json!([]));
}

#[test]
fn completions_and_manual_pages_know_every_command() {
    let engine = Engine::new("pages");
    for shell in ["bash", "zsh", "fish"] {
        engine.run(&["completions", shell]).ok().says(&["dominfo", "undefine", "connect"]);
    }
    let dir = engine.root.join("man");
    engine.run(&["man", dir.to_str().unwrap()]).ok();
    for page in ["virt.1", "virt-up.1", "virt-list.1", "virt-undefine.1"] {
        let text = std::fs::read_to_string(dir.join(page)).unwrap();
        assert!(text.contains(".TH") && text.len() > 300, "{page}: {text}");
    }
    engine.run(&["man", "/proc/nowhere"]).ended(1).says(&["cannot write manual pages to /proc/nowhere"]);
}

#[test]
fn doctor_explains_this_host() {
    let engine = Engine::new("doctor");
    let page = engine.run(&["doctor"]);
    assert!(page.status <= 1, "{page:?}");
    for subject in ["QEMU guests", "Guests with networks", "Confined guests", "Containers", "Xen guests"] {
        assert!(page.out.lines().any(|line| line.starts_with(subject)), "{subject}\n{}", page.out);
    }
    let document = engine.run(&["doctor", "--json"]).json();
    let probes = document["probes"].as_array().unwrap();
    let runnable = probes[0]["verdict"] != "not-runnable";
    assert_eq!(page.status == 0, runnable, "{document}");
    for check in probes.iter().flat_map(|probe| probe["checks"].as_array().unwrap()) {
        assert!(
            check["ok"] == true || check["detail"].as_str().is_some_and(|detail| !detail.is_empty()),
            "{check}"
        );
    }
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let engine = Engine::new("pipe");
    let mut command = engine.command(&["completions", "bash"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}

#[test]
fn up_refuses_what_it_can_not_boot() {
    let engine = Engine::new("up");
    engine.run(&["up", "/nonexistent.img"]).ended(1).says(&["cannot read /nonexistent.img: No such file"]);
    let foreign = engine.file("a.vmdk", "KDMV and more");
    engine.run(&["up", &foreign]).ended(2).says(&["VMDK", "qemu-img convert"]);
    engine.run(&["up", &fixture("web.xml"), "--memory", "64"]).ended(2).says(&["a domain's XML"]);
}
