use crate::agent::AgentClient;
use crate::call::Call;
use crate::client::{Client, Options};
use crate::command::{QueryBlock, QueryStatus};

/// Feeds arbitrary bytes to both state machines, in two pieces, with a command under way: for fuzz
/// targets. Must neither panic nor use memory beyond the limit that is set here.
pub fn fuzz_stream(data: &[u8]) {
    let (cut, data) = data.split_first().map_or((0, data), |(first, rest)| (usize::from(*first), rest));
    let (head, tail) = data.split_at(cut.min(data.len()));
    let mut client = Client::new(Options { message_max: 4096, oob: cut % 2 == 0 });
    let mut agent = AgentClient::new(1, 4096);
    if let (Ok(status), Ok(block)) = (Call::new(&QueryStatus {}), Call::new(&QueryBlock {})) {
        client.enqueue(status.clone());
        client.enqueue(block);
        agent.enqueue(status);
    }
    let _ = agent.transmit();
    for part in [head, tail] {
        let fed = client.feed(part);
        while client.transmit().is_some() {}
        while client.poll().is_some() {}
        agent.feed(part);
        while agent.transmit().is_some() {}
        while agent.poll().is_some() {}
        if fed.is_err() {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::fuzz_stream;

    const PIECES: [&str; 12] = [
        "{\"QMP\":{\"version\":{\"qemu\":{\"major\":7,\"minor\":2,\"micro\":0},\"package\":\"\"}}}",
        "{\"return\":{},\"id\":\"virt-1\"}",
        "{\"return\":1}",
        "{\"error\":{\"class\":\"a\",\"desc\":\"b\"}}",
        "{\"event\":\"SHUTDOWN\",\"data\":{\"guest\":true}}",
        "{\"event\":\"RTC_CHANGE\",\"data\":",
        "\n",
        "\r\n",
        "\u{ff}",
        "[[[[",
        "\"id\":",
        "}}",
    ];

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            fuzz_stream(&bytes);
        }

        #[test]
        fn pieces_of_messages(choice in proptest::collection::vec(0..PIECES.len(), 0..40), cut in any::<u8>()) {
            let mut bytes = vec![cut];
            for index in choice {
                bytes.extend_from_slice(PIECES[index].as_bytes());
            }
            fuzz_stream(&bytes);
        }
    }
}
