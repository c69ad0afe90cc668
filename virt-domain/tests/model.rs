//! Random calls, against a model that is as simple as what libvirt promises.

mod support;

use std::collections::BTreeMap;

use proptest::prelude::*;
use support::*;
use virt_domain::Kill;
use virt_types::{CreateFlags, DomainName, DomainState, ErrorCode, ListFlags, Result, UndefineFlags};

const NAMES: [&str; 3] = ["a", "b", "c"];

#[derive(Debug, Clone, Copy)]
enum Call {
    Define,
    Create { paused: bool },
    Start { paused: bool },
    Suspend,
    Resume,
    Reset,
    Destroy,
    Undefine,
    Autostart(bool),
    Rename(usize),
    Die,
    Reopen,
}

/// A domain, by its identity's number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Model {
    name: usize,
    persistent: bool,
    autostart: bool,
    guest: Option<DomainState>,
}

type World = BTreeMap<usize, Model>;

/// What the call must answer, and the world after it.
fn expect(world: &mut World, who: usize, call: Call) -> Option<ErrorCode> {
    use ErrorCode::{NoDomain, OperationFailed, OperationInvalid};
    let taken = |world: &World, name: usize| world.values().any(|model| model.name == name);
    let state = |paused| if paused { DomainState::Paused } else { DomainState::Running };
    let known = world.get(&who).cloned();
    if let Call::Define | Call::Create { .. } = call {
        // Definitions always come under the first name of their identity.
        match &known {
            Some(model) if model.name != who => return Some(OperationFailed),
            None if taken(world, who) => return Some(OperationFailed),
            _ => {}
        }
        let mut model = known.unwrap_or_else(|| Model { name: who, ..Model::default() });
        match call {
            Call::Create { .. } if model.guest.is_some() => return Some(OperationInvalid),
            Call::Create { paused } => model.guest = Some(state(paused)),
            _ => model.persistent = true,
        }
        world.insert(who, model);
        return None;
    }
    if let Call::Reopen = call {
        return None;
    }
    let Some(mut model) = known else { return Some(NoDomain) };
    let refused = match call {
        Call::Start { .. } => model.guest.is_some(),
        Call::Suspend | Call::Reset | Call::Destroy | Call::Die => model.guest.is_none(),
        Call::Resume => model.guest != Some(DomainState::Paused),
        Call::Undefine | Call::Autostart(_) => !model.persistent,
        Call::Rename(to) => model.guest.is_some() || !model.persistent || taken(world, to),
        Call::Define | Call::Create { .. } | Call::Reopen => false,
    };
    if refused {
        return Some(OperationInvalid);
    }
    match call {
        Call::Start { paused } => model.guest = Some(state(paused)),
        Call::Suspend => model.guest = Some(DomainState::Paused),
        Call::Resume => model.guest = Some(DomainState::Running),
        Call::Destroy | Call::Die => model.guest = None,
        Call::Undefine => (model.persistent, model.autostart) = (false, false),
        Call::Autostart(autostart) => model.autostart = autostart,
        Call::Rename(to) => model.name = to,
        Call::Reset | Call::Define | Call::Create { .. } | Call::Reopen => {}
    }
    if model.persistent || model.guest.is_some() {
        world.insert(who, model);
    } else {
        world.remove(&who);
    }
    None
}

async fn act(engine: &Engine, who: usize, call: Call) -> Result<()> {
    let flags = |paused| options(if paused { CreateFlags::START_PAUSED } else { CreateFlags::empty() });
    match call {
        Call::Define => return engine.registry.define(domain(NAMES[who])).await.map(drop),
        Call::Create { paused } => {
            return engine.registry.create(domain(NAMES[who]), flags(paused)).await.map(drop);
        }
        _ => {}
    }
    let found = engine.registry.by_uuid(uuid_of(NAMES[who])).await?;
    match call {
        Call::Start { paused } => found.start(flags(paused)).await.map(drop),
        Call::Suspend => found.suspend().await,
        Call::Resume => found.resume().await,
        Call::Reset => found.reset().await,
        Call::Destroy => found.destroy(Kill::Force).await,
        Call::Undefine => found.undefine(UndefineFlags::empty()).await,
        Call::Autostart(autostart) => found.set_autostart(autostart).await,
        Call::Rename(to) => found.rename(DomainName::new(NAMES[to]).unwrap()).await,
        Call::Die => {
            let name = found.snapshot().name.to_string();
            let Some(process) = engine.fake.process(&name) else { return found.reset().await };
            let mut snapshots = found.watch();
            process.send_signal(virt_sys::Signal::KILL).unwrap();
            snapshots.wait_for(|snapshot| !snapshot.is_active()).await.unwrap();
            // The domain may be on its way out of the list.
            found.watch().wait_for(|snapshot| snapshot.removed || snapshot.is_persistent()).await.unwrap();
            Ok(())
        }
        Call::Define | Call::Create { .. } | Call::Reopen => Ok(()),
    }
}

fn calls() -> impl Strategy<Value = Vec<(usize, Call)>> {
    let call = prop_oneof![
        3 => Just(Call::Define),
        2 => any::<bool>().prop_map(|paused| Call::Create { paused }),
        4 => any::<bool>().prop_map(|paused| Call::Start { paused }),
        2 => Just(Call::Suspend),
        2 => Just(Call::Resume),
        1 => Just(Call::Reset),
        2 => Just(Call::Destroy),
        2 => Just(Call::Undefine),
        1 => any::<bool>().prop_map(Call::Autostart),
        2 => (0..NAMES.len()).prop_map(Call::Rename),
        1 => Just(Call::Die),
        1 => Just(Call::Reopen),
    ];
    prop::collection::vec((0..NAMES.len(), call), 1..40)
}

fn seen(engine: &Engine) -> World {
    let who = |uuid| NAMES.iter().position(|name| uuid_of(name) == uuid).unwrap();
    let name = |name: &str| NAMES.iter().position(|known| *known == name).unwrap();
    let list = engine.registry.list(ListFlags::empty());
    list.iter()
        .map(|found| {
            let snapshot = found.snapshot();
            let model = Model {
                name: name(snapshot.name.as_str()),
                persistent: snapshot.is_persistent(),
                autostart: snapshot.autostart,
                guest: snapshot.is_active().then(|| snapshot.status.state()),
            };
            (who(snapshot.uuid), model)
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 60, ..ProptestConfig::default() })]

    #[test]
    fn random_calls_agree_with_the_model(calls in calls()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let dir = TempDir::new("model");
            let mut engine = Engine::open(dir.path()).await;
            let mut world = World::new();
            for (step, (who, call)) in calls.iter().enumerate() {
                let expected = expect(&mut world, *who, *call);
                if let Call::Reopen = call {
                    engine.registry.close().await;
                    engine = Engine::open(dir.path()).await;
                }
                let got = act_or_reopen(&engine, *who, *call).await.err();
                assert_eq!(got.as_ref().map(|error| error.code()), expected, "step {step}: {got:?} in {calls:?}");
                assert_eq!(seen(&engine), world, "after step {step} of {calls:?}");
            }
            engine.registry.close().await;
        });
    }
}

async fn act_or_reopen(engine: &Engine, who: usize, call: Call) -> Result<()> {
    if let Call::Reopen = call { Ok(()) } else { act(engine, who, call).await }
}
