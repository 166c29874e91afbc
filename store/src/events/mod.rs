//! Events and matches in ClickHouse.

mod target;

pub use target::Target;

/// The events' store.
#[derive(Clone)]
pub struct Events {
    client: clickhouse::Client,
    target: Target,
}

impl Events {
    /// A handle to the target; it connects with the first request.
    #[must_use]
    pub fn connect(target: Target) -> Events {
        Events { client: target.client(), target }
    }

    /// The client underneath, for statements that have no method here.
    #[must_use]
    pub fn client(&self) -> &clickhouse::Client {
        &self.client
    }

    /// Where the events are.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }
}
