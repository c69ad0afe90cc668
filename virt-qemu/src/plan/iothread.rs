//! I/O threads.

use super::{Part, PlanContext, Props};

/// One object each, and the main loop's pool.
pub(super) fn iothreads(cx: &mut PlanContext<'_>) {
    for thread in &cx.domain.iothreads.list {
        cx.part(Part::Object(
            Props::new()
                .str("qom-type", "iothread")
                .str("id", format!("iothread{}", thread.id))
                .opt_u64("thread-pool-min", thread.thread_pool_min)
                .opt_u64("thread-pool-max", thread.thread_pool_max)
                .opt_u64("poll-max-ns", thread.poll.max)
                .opt_u64("poll-grow", thread.poll.grow)
                .opt_u64("poll-shrink", thread.poll.shrink),
        ));
    }
    if let Some(default) = cx.domain.iothreads.default {
        cx.part(Part::Object(
            Props::new()
                .str("qom-type", "main-loop")
                .str("id", "main-loop")
                .opt_u64("thread-pool-min", default.thread_pool_min)
                .opt_u64("thread-pool-max", default.thread_pool_max),
        ));
    }
}
