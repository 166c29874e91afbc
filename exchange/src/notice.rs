//! What we tell others of an incident: one record, from which every exporter writes its own form.

use event::{Entity, EntityKind, Incident, Indicator, Severity, Time, Tlp};
use uuid::Uuid;

/// What others are told of an incident. It names no accounts: people are nobody else's business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The incident's id.
    pub id: Uuid,
    /// The number that people use for it.
    pub number: i64,
    /// What happened.
    pub title: String,
    /// The same in Vietnamese.
    pub title_vi: String,
    /// How bad it is.
    pub severity: Severity,
    /// Whether work on it is done.
    pub is_closed: bool,
    /// The first event's time.
    pub first: Time,
    /// The last event's time.
    pub last: Time,
    /// When it last changed: a later telling of the same incident is a new version.
    pub modified: Time,
    /// How many events.
    pub events: u64,
    /// The unit concerned, or empty: its id and what it is called.
    pub unit: String,
    /// See `unit`.
    pub unit_name: String,
    /// Addresses, sorted.
    pub addresses: Vec<std::net::IpAddr>,
    /// Machines, sorted.
    pub hosts: Vec<String>,
    /// ATT&CK techniques as `T1110.001`, sorted.
    pub techniques: Vec<String>,
    /// Names of malware, sorted.
    pub malware: Vec<String>,
    /// The indicators that were met, sorted by id. One that may be shown to fewer than the notice is left out.
    pub sighted: Vec<Indicator>,
    /// To whom it may be shown.
    pub tlp: Tlp,
}

/// How many of each kind of thing a notice names.
const NAMED_MAX: usize = 200;

impl Notice {
    /// The notice of `incident`, with what the store knows of it.
    #[must_use]
    pub fn of(incident: &Incident, number: i64, is_closed: bool, modified: Time, tlp: Tlp) -> Notice {
        let named = |kind: EntityKind| {
            incident
                .entities
                .iter()
                .filter(move |entity| entity.kind == kind)
                .map(|entity: &Entity| &entity.name)
        };
        let tags = incident.alerts.iter().flat_map(|alert| &alert.tags);
        let because = || incident.alerts.iter().flat_map(|alert| &alert.because);
        let value = |wanted: fn(&str) -> bool| {
            because().filter(move |item| wanted(&item.field)).map(|item| item.value.clone())
        };
        Notice {
            id: incident.id,
            number,
            title: incident.title.clone(),
            title_vi: incident.title_vi.clone(),
            severity: incident.severity,
            is_closed,
            first: incident.first,
            last: incident.last,
            modified: modified.max(incident.first),
            events: incident.alerts.iter().fold(0, |sum, alert| alert.count.saturating_add(sum)),
            unit: incident.unit.clone(),
            unit_name: incident.unit.clone(),
            addresses: some(named(EntityKind::Address).filter_map(|name| name.parse().ok())),
            hosts: some(named(EntityKind::Host).cloned()),
            techniques: some(tags.filter_map(|tag| technique(tag))),
            malware: some(value(|field| matches!(field, "Signature" | "threat.software.name"))),
            sighted: Vec::new(),
            tlp,
        }
    }

    /// The same with the indicators that were met.
    #[must_use]
    pub fn with_sighted(mut self, mut met: Vec<Indicator>) -> Notice {
        met.retain(|indicator| indicator.tlp <= self.tlp);
        met.sort_by(|a, b| a.id.cmp(&b.id));
        met.dedup_by(|a, b| a.id == b.id);
        met.truncate(NAMED_MAX);
        self.sighted = met;
        self
    }
}

fn some<T: Ord>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut all: Vec<T> = all.collect();
    all.sort();
    all.dedup();
    all.truncate(NAMED_MAX);
    all
}

/// `attack.t1110.001` as ATT&CK writes it; `None` of a tag that names no technique.
#[must_use]
pub fn technique(tag: &str) -> Option<String> {
    let name = tag.strip_prefix("attack.t")?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (main, sub) = name.split_once('.').unwrap_or((name, "0"));
    (main.len() == 4 && digits(main) && digits(sub)).then(|| format!("T{name}"))
}
