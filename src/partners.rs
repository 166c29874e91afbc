//! What is sent to others and fetched from them by itself. One process of those on the same cases does it: the leader.

mod deliver;
mod outside;
mod poll;
mod release;

pub(crate) use outside::{Outside, Reader};

use event::Time;
use exchange::edxml::Signer;
use std::sync::Arc;
use std::time::Duration;
use store::cases::{Cases, Leader};
use store::events::Events;
use tokio::sync::Mutex;

/// What is asked of the stores, and who answers for it.
pub(crate) struct Partners {
    pub(crate) config: exchange::Config,
    pub(crate) events: Events,
    pub(crate) cases: Cases,
}

impl Partners {
    /// Starts a task for each partner and feed of the configuration; they end with the runtime.
    ///
    /// # Errors
    /// Something is to be sent and nothing signs it, or a file of the configuration does not read.
    pub(crate) fn start(self) -> anyhow::Result<()> {
        let Partners { config, events, cases } = self;
        let config = Arc::new(config);
        let lead = Lead(Arc::new(Mutex::new(cases.leader("exchange"))));
        let problems = config.problems();
        anyhow::ensure!(problems.is_empty(), "{}", problems.join("\n"));
        let signer: Option<Arc<Signer>> = match config.deliveries.is_empty() {
            true => None,
            false => Some(Arc::new(crate::avreport::signer(&config.avreport)?)),
        };
        for (place, delivery) in config.deliveries.iter().enumerate() {
            let Some(signer) = signer.clone() else { break };
            let outside = Outside::new(
                delivery.user.as_deref(),
                delivery.password_file.as_deref(),
                delivery.ca_file.as_deref(),
            )?;
            let (config, events, cases) = (Arc::clone(&config), events.clone(), cases.clone());
            let lead = lead.clone();
            let sender = deliver::Sender { config, place, signer, events, cases, outside, lead };
            tokio::spawn(sender.run());
        }
        for rule in config.releases.clone() {
            let (config, events, cases) = (Arc::clone(&config), events.clone(), cases.clone());
            let lead = lead.clone();
            tokio::spawn(release::Releaser { config, rule, events, cases, lead }.run());
        }
        for feed in &config.feeds {
            let outside =
                Outside::new(feed.user.as_deref(), feed.password_file.as_deref(), feed.ca_file.as_deref())?;
            let (feed, events, cases) = (feed.clone(), events.clone(), cases.clone());
            tokio::spawn(poll::run(feed, events, cases, outside, lead.clone()));
        }
        Ok(())
    }
}

/// Whether this process is the one, asked by each of its tasks before a piece of work.
#[derive(Clone)]
struct Lead(Arc<Mutex<Leader>>);

impl Lead {
    async fn is_ours(&self) -> bool {
        self.0.lock().await.leads().await
    }
}

fn now() -> Time {
    Time(jiff::Timestamp::now().as_millisecond())
}

/// How often somebody who does something every so many seconds looks whether it is time.
fn looks_every(every_s: u32) -> Duration {
    Duration::from_millis(u64::from(every_s).saturating_mul(100).clamp(500, 10_000))
}
