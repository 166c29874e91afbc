//! Where rules of law come from, and what follows from them while the program runs: rows are kept for as long as levels ask,
//! late reports are told.

use anyhow::Context as _;
use compliance::RuleSets;
use event::Time;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use store::cases::Cases;
use store::events::Events;

/// Which rules of law are used besides those that come with the program.
#[derive(Clone, Debug, Default, serde::Deserialize, serde::Serialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    /// Folders of `.yml` files. A file takes the place of the rule set with its `id`.
    pub(crate) folders: Vec<PathBuf>,
    /// The national system: partners of `[[exchange.deliveries]]`, and users of the role `partner` who fetch over TAXII.
    /// What they get counts as shared with it; what other partners get does not.
    pub(crate) national: Vec<String>,
}

impl Config {
    /// The rule sets; problems come as one text, a line each.
    pub(crate) fn load(&self) -> anyhow::Result<Arc<RuleSets>> {
        let mut files = Vec::new();
        for folder in &self.folders {
            let about = || format!("read rules of law in {}", folder.display());
            for entry in std::fs::read_dir(folder).with_context(about)? {
                let path = entry.with_context(about)?.path();
                if path.extension().is_some_and(|ending| ending == "yml" || ending == "yaml") {
                    let text =
                        std::fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
                    files.push((path.display().to_string(), text));
                }
            }
        }
        files.sort();
        let read = RuleSets::read(&files).map(|rules| Arc::new(rules.with_national(self.national.clone())));
        read.map_err(|problems| {
            let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
            anyhow::anyhow!("{}", lines.join("\n"))
        })
    }
}

/// How often it is asked whether something is to be done: a few rows by their key.
const ASK_EVERY: Duration = Duration::from_secs(10);

/// Works out what is due under the rules in force, and from now on does what follows from them.
///
/// # Errors
/// The cases' database refused.
pub(crate) async fn follow(cases: Cases, events: Events) -> anyhow::Result<()> {
    let refreshed = cases.refresh_due().await.context("work out when reports are due")?;
    if refreshed > 0 {
        tracing::info!(incidents = refreshed, "worked out anew when reports are due");
    }
    tokio::spawn(async move {
        let mut kept_at = None;
        let mut told = 0;
        loop {
            let now = Time(jiff::Timestamp::now().as_millisecond());
            if let Err(error) = keep(&cases, &events, &mut kept_at, now).await {
                tracing::warn!(
                    "what is stored could not be kept for as long as levels ask, trying again: {error}"
                );
            }
            match cases.reports_owed(now).await {
                Ok((_, overdue)) => {
                    if overdue > told {
                        tracing::warn!(overdue, "reports of incidents are late");
                    }
                    told = overdue;
                }
                Err(error) => tracing::warn!("late reports cannot be counted: {error}"),
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    });
    Ok(())
}

/// Lengthens what is kept when the registry has changed, or a day has begun on which a level may begin.
async fn keep(
    cases: &Cases,
    events: &Events,
    kept_at: &mut Option<(i64, compliance::Date)>,
    now: Time,
) -> Result<(), store::KeepError> {
    let at = (cases.registry_version().await?, compliance::day_of(now));
    if *kept_at != Some(at) {
        let rows = store::keep_for_levels(cases, events, now).await?;
        if rows > 0 {
            tracing::info!(rows, "events are kept for longer, as their systems' levels ask");
        }
        *kept_at = Some(at);
    }
    Ok(())
}
