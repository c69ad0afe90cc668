//! A character device in QEMU's option syntax as the structure that `chardev-add` takes.

use serde_json::{Map, Value, json};
use virt_types::Result;

use super::command::fd_name;
use crate::error::internal;

/// A character device as a running QEMU is told of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chardev {
    /// Its name.
    pub(super) id: String,
    /// `type` and `data`.
    pub(super) backend: Value,
    /// Number of the descriptor that it is made of.
    pub(super) fd: Option<i32>,
}

/// Reads what stands behind `-chardev`.
///
/// # Errors
/// For a kind that no plan makes.
pub(super) fn parse(text: &str) -> Result<Chardev> {
    let mut words = split(text).into_iter();
    let kind = words.next().unwrap_or_default();
    let mut options: Vec<(String, String)> = words
        .map(|word| match word.split_once('=') {
            Some((name, value)) => (name.to_owned(), value.to_owned()),
            None => (word, "on".to_owned()),
        })
        .collect();
    let mut take = |name: &str| {
        let position = options.iter().position(|(known, _)| known == name)?;
        Some(options.remove(position).1)
    };
    let id = take("id").ok_or_else(|| internal("a character device has no id"))?;
    let mut data = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            data.insert(name.to_owned(), value);
        }
    };
    let on = |value: Option<String>| value.map(|value| Value::Bool(value == "on"));
    let number = |value: Option<String>| value.and_then(|value| value.parse::<u64>().ok()).map(Value::from);
    let inet = |host: Option<String>, port: Option<String>| {
        let text = |value: Option<String>| value.unwrap_or_default();
        json!({ "type": "inet", "data": { "host": text(host), "port": text(port) } })
    };
    let mut fd = None;
    let mut name = kind.as_str();
    match kind.as_str() {
        "null" | "vc" | "pty" | "stdio" => {}
        "serial" | "parallel" | "pipe" => put("device", take("path").map(Value::from)),
        "file" => {
            put("out", take("path").map(Value::from));
            put("append", on(take("append")));
        }
        "udp" => {
            put("remote", Some(inet(take("host"), take("port"))));
            let local = (take("localaddr"), take("localport"));
            if local.0.as_ref().is_some_and(|host| !host.is_empty())
                || local.1.as_ref().is_some_and(|port| port != "0")
            {
                put("local", Some(inet(local.0, local.1)));
            }
        }
        "socket" => {
            let addr = if let Some(number) = take("fd") {
                let number = number.parse().map_err(|_| internal("a descriptor has no number"))?;
                fd = Some(number);
                json!({ "type": "fd", "data": { "str": fd_name(number) } })
            } else if let Some(path) = take("path") {
                json!({ "type": "unix", "data": { "path": path } })
            } else {
                inet(take("host"), take("port"))
            };
            put("addr", Some(addr));
            put("telnet", on(take("telnet")));
            let server = on(take("server"));
            let listens = server == Some(Value::Bool(true));
            put("server", Some(server.unwrap_or(Value::Bool(false))));
            put("wait", on(take("wait")).filter(|_| listens));
            put("reconnect", number(take("reconnect")));
            put("tls-creds", take("tls-creds").map(Value::from));
        }
        "spicevmc" => put("type", take("name").map(Value::from)),
        "spiceport" => put("fqdn", take("name").map(Value::from)),
        "dbus" => put("name", take("name").map(Value::from)),
        "qemu-vdagent" => {
            take("name");
            put("clipboard", on(take("clipboard")));
            put("mouse", on(take("mouse")));
            name = "qemu-vdagent";
        }
        other => return Err(internal(format!("unsupported chardev '{other}'"))),
    }
    put("logfile", take("logfile").map(Value::from));
    put("logappend", on(take("logappend")));
    if let Some((name, _)) = options.first() {
        return Err(internal(format!("a character device of type '{kind}' has no '{name}'")));
    }
    Ok(Chardev { id, backend: json!({ "type": name, "data": data }), fd })
}

/// The options of a text in which a comma within a value is written twice.
fn split(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, words.last_mut()) {
            (',', _) if chars.peek() != Some(&',') => words.push(String::new()),
            (c, Some(word)) => {
                if c == ',' {
                    chars.next();
                }
                word.push(c);
            }
            (_, None) => {}
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_structure() {
        for (text, expected) in [
            ("null,id=c0", r#"{"type":"null","data":{}}"#),
            (
                "pty,id=c0,logfile=/l,logappend=on",
                r#"{"type":"pty","data":{"logfile":"/l","logappend":true}}"#,
            ),
            ("file,id=c0,path=/a,,b,append=off", r#"{"type":"file","data":{"out":"/a,b","append":false}}"#),
            ("serial,id=c0,path=/dev/ttyS0", r#"{"type":"serial","data":{"device":"/dev/ttyS0"}}"#),
            (
                "udp,id=c0,host=h,port=1,localaddr=,localport=0",
                r#"{"type":"udp","data":{"remote":{"type":"inet","data":{"host":"h","port":"1"}}}}"#,
            ),
            (
                "udp,id=c0,host=h,port=1,localaddr=a,localport=0",
                r#"{"type":"udp","data":{"remote":{"type":"inet","data":{"host":"h","port":"1"}},"local":{"type":"inet","data":{"host":"a","port":"0"}}}}"#,
            ),
            (
                "socket,id=c0,host=h,port=1,telnet=on,server=on,wait=off",
                r#"{"type":"socket","data":{"addr":{"type":"inet","data":{"host":"h","port":"1"}},"telnet":true,"server":true,"wait":false}}"#,
            ),
            (
                "socket,id=c0,path=/s,reconnect=9,tls-creds=t0",
                r#"{"type":"socket","data":{"addr":{"type":"unix","data":{"path":"/s"}},"server":false,"reconnect":9,"tls-creds":"t0"}}"#,
            ),
            ("spicevmc,id=c0,name=vdagent", r#"{"type":"spicevmc","data":{"type":"vdagent"}}"#),
            (
                "qemu-vdagent,id=c0,name=vdagent,clipboard=off,mouse=on",
                r#"{"type":"qemu-vdagent","data":{"clipboard":false,"mouse":true}}"#,
            ),
        ] {
            let chardev = parse(text).unwrap();
            assert_eq!(
                (chardev.id.as_str(), chardev.backend.to_string().as_str()),
                ("c0", expected),
                "{text}"
            );
        }
        parse("null,id=c0,speed=3").unwrap_err();
        parse("braille,id=c0").unwrap_err();
    }
}
