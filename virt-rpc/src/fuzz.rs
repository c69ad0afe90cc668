//! Bytes that anybody may send, for fuzz targets: nothing here may panic, hang, or use memory beyond its limits.

use std::ops::ControlFlow;

use crate::frame::Cutter;

/// Cuts bytes into messages in one piece and in several: both give the same ones and the same end.
pub fn cut(data: &[u8]) {
    let (size, data) =
        data.split_first().map_or((1, data), |(first, rest)| (usize::from(*first).max(1), rest));
    let cut_in = |parts: &mut dyn Iterator<Item = &[u8]>| {
        let mut cutter = Cutter::new(1 << 16);
        let mut seen = Vec::new();
        let mut outcome = Ok(());
        for part in parts {
            outcome = cutter.feed(part, |frame| {
                seen.push((frame.header, frame.payload.to_vec()));
                ControlFlow::Continue(())
            });
            assert!(cutter.capacity() <= 2 * data.len() + (1 << 16));
            if outcome.is_err() {
                break;
            }
        }
        (seen, outcome)
    };
    assert_eq!(cut_in(&mut std::iter::once(data)), cut_in(&mut data.chunks(size)));
}

/// Leads a client's side of a SASL exchange: each piece is a call, its first byte says which.
#[cfg(feature = "sasl")]
pub fn sasl(data: &[u8]) {
    use std::sync::{Arc, LazyLock};

    use crate::auth::{Exchange, Mechanism, Progress, SaslServer, ScramSecret, Secrets};

    struct Ann;

    impl Secrets for Ann {
        fn find(&self, user: &str) -> Option<ScramSecret> {
            // Few iterations, for speed.
            const SECRET: &str = "SCRAM-SHA-256$1:c2FsdA==$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
            (user == "ann").then(|| ScramSecret::parse(SECRET)).flatten()
        }
    }

    static SERVER: LazyLock<Option<Arc<SaslServer>>> = LazyLock::new(|| {
        let mechanisms = vec![Mechanism::ScramSha256, Mechanism::Plain];
        SaslServer::new(mechanisms, Arc::new(Ann), None).map(Arc::new)
    });
    let Some(server) = SERVER.as_ref() else { return };
    let mut exchange = Exchange::new(Arc::clone(server), true);
    for piece in data.split(|byte| *byte == b'\n') {
        let (kind, rest) = piece.split_first().map_or((0, piece), |(first, rest)| (*first, rest));
        let progress = match kind {
            b'i' => {
                exchange.offer();
                continue;
            }
            b's' => exchange.start("SCRAM-SHA-256", Some(rest)),
            b'p' => exchange.start("PLAIN", Some(rest)),
            b'n' => exchange.start("SCRAM-SHA-256", None),
            b'0' => exchange.step(None),
            _ => exchange.step(Some(rest)),
        };
        // No password has these keys.
        assert!(!matches!(progress, Progress::Done(..)), "somebody came in");
    }
}

/// Runs a server's connection on what a client sends, up to its end.
pub fn serve(data: &[u8]) {
    use std::sync::{Arc, LazyLock};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use crate::server::{Answer, Call, Client, Limits, LookUp, Priority, Reply, Server, Service, Session};
    use crate::{Auth, Io};

    struct Echo;

    impl Service for Echo {
        fn open(&self, _: &Client) -> Arc<dyn Session> {
            Arc::new(Self)
        }
    }

    impl Session for Echo {
        fn look_up(&self, program: u32, _: u32, procedure: i32) -> LookUp {
            match (program, procedure) {
                (0x2000_8086, 1..=20) => LookUp::Procedure(Priority::Low),
                (0x2000_8086, 21..=40) => LookUp::Procedure(Priority::High),
                (0x2000_8086, _) => LookUp::NoProcedure,
                _ => LookUp::NoProgram,
            }
        }

        fn call(&self, call: Call<'_>) -> Answer {
            let reply = Reply { then_close: call.procedure == 2, ..Reply::new(call.payload.to_vec()) };
            match call.procedure % 3 {
                0 => Answer::Now(Ok(reply.with_stream(|stream| async move {
                    loop {
                        match stream.receive().await {
                            crate::server::Input::Data(data) => stream.send_owned(data).await,
                            crate::server::Input::Hole(length) => stream.send_hole(length).await,
                            _ => break,
                        };
                    }
                    stream.finish();
                }))),
                1 => Answer::Now(Ok(reply)),
                _ => Answer::Later(Box::pin(async {
                    tokio::task::yield_now().await;
                    Ok(reply)
                })),
            }
        }
    }

    static RUNTIME: LazyLock<Option<tokio::runtime::Runtime>> =
        LazyLock::new(|| tokio::runtime::Builder::new_current_thread().enable_all().build().ok());
    let Some(runtime) = RUNTIME.as_ref() else { return };
    runtime.block_on(async {
        let server = Server::new("fuzz", Arc::new(Echo), Limits::default(), None);
        let (ours, theirs) = tokio::io::duplex(4096);
        server.adopt_io(Io::channel(theirs), Auth::None);
        let (mut reader, mut writer) = tokio::io::split(ours);
        let sending = async {
            let _ = writer.write_all(data).await;
            let _ = writer.shutdown().await;
        };
        let receiving = async {
            let mut sink = Vec::new();
            let _ = reader.read_to_end(&mut sink).await;
        };
        tokio::join!(sending, receiving);
        server.idle().await;
    });
}

/// Lets a TLS server read what a client sends.
#[cfg(feature = "tls")]
pub fn tls(server: &crate::tls::TlsServer, data: &[u8]) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build() else { return };
    runtime.block_on(async {
        let (ours, theirs) = tokio::io::duplex(4096);
        let (mut reader, mut writer) = tokio::io::split(ours);
        let sending = async {
            let _ = writer.write_all(data).await;
            let _ = writer.shutdown().await;
        };
        let receiving = async {
            let mut sink = Vec::new();
            let _ = reader.read_to_end(&mut sink).await;
        };
        let (accepted, (), ()) = tokio::join!(server.accept_over(theirs), sending, receiving);
        assert!(accepted.is_err(), "somebody came in without a certificate");
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use virt_proto::packet::{Header, Kind, Status};

    /// Words that messages are made of.
    const WORDS: [u32; 16] =
        [28, 28, 32, 40, 27, 0x2000_8086, 0x2000_8086, 0x6b65_6570, 0, 1, 1, 2, 3, 4, 5, u32::MAX];

    fn words() -> impl Strategy<Value = Vec<u8>> {
        let word = prop_oneof![4 => (0..WORDS.len()).prop_map(|at| WORDS[at]), 1 => any::<u32>()];
        let message = proptest::collection::vec(word, 6).prop_map(|words| {
            let header = [28, 0x2000_8086, 1].into_iter().chain(words.into_iter().skip(2));
            header.flat_map(u32::to_be_bytes).collect::<Vec<u8>>()
        });
        let noise = proptest::collection::vec(any::<u8>(), 0..9);
        let part = prop_oneof![8 => message, 1 => noise];
        proptest::collection::vec(part, 0..12).prop_map(|parts| parts.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            super::cut(&bytes);
            super::serve(&bytes);
            #[cfg(feature = "sasl")]
            super::sasl(&bytes);
        }

        #[test]
        fn words_of_messages(bytes in words()) {
            super::cut(&bytes);
            super::serve(&bytes);
        }

        #[cfg(feature = "sasl")]
        #[test]
        fn words_of_sasl(text in "(i\n|[spx0n](n,,n=ann,r=[a-c]{0,3}|c=biws,r=[a-z]{0,9},p=AAAA|[\\x00a-z=,]{0,12})?\n){0,8}") {
            super::sasl(text.as_bytes());
        }
    }

    #[test]
    fn examples_run_to_their_end() {
        let mut bytes = vec![7];
        for (procedure, kind) in [(1, 0), (3, 0), (3, 3), (5, 0), (9999, 0), (3, 6), (2, 0)] {
            let kind = Kind::from_number(kind);
            let header =
                Header { program: 0x2000_8086, version: 1, procedure, kind, serial: 4, status: Status::Ok };
            bytes.extend(header.message(&17u32).unwrap());
        }
        super::cut(&bytes);
        super::serve(&bytes[1..]);
        super::serve(&bytes);
        #[cfg(feature = "sasl")]
        super::sasl(b"i\nsn,,n=ann,r=abc\nxc=biws,r=abc,p=AAAA\ni\np\0ann\0x\nn\n0\n");
    }
}
