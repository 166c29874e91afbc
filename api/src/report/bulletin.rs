//! `/reports/bulletin`: what happened in a week, a month or a quarter.

use super::{Document, DocumentError, Documents, Format};
use crate::App;
use crate::access::Caller;
use crate::error::Error;
use crate::extract::{self, Query};
use axum::extract::State;
use axum::response::Response;
use event::{Field, Time};
use report::{Bulletin, EventFigures, Figures, Happened, Period, PeriodKind};
use serde::Deserialize;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use store::cases::{Actor, AlertFigures, Error as CasesError, Summary, Verdict};
use store::events::{Events, TopValue};
use store::query::Query as EventQuery;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Incidents of one period that are counted; the first ones.
const INCIDENTS_MAX: u32 = 50_000;
/// Different values of one field that are read: what is behind them is told as one.
const VALUES_MAX: u32 = 1000;
const DAY_MS: i64 = 86_400_000;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(bulletin))
}

/// What names mean, for figures.
struct Names {
    units: BTreeMap<String, String>,
    systems: BTreeMap<String, String>,
    /// The layer that a rule belongs to.
    layers: BTreeMap<String, String>,
}

impl Names {
    fn of<'a>(names: &'a BTreeMap<String, String>, id: &'a str) -> &'a str {
        names.get(id).map_or(id, String::as_str)
    }
}

impl Documents<'_> {
    /// The bulletin of a period, as known at `made`, with an entry in the audit trail. `layers` says which layer of
    /// protection a rule belongs to.
    ///
    /// # Errors
    /// A store refused, or the document could not be written.
    pub async fn bulletin(
        &self,
        by: &Actor,
        events: &Events,
        layers: BTreeMap<String, String>,
        (period, format): (Period, Format),
        made: Time,
    ) -> Result<Document, DocumentError> {
        let registry = self.cases.registry().await?;
        let names = Names {
            units: registry.units.into_iter().map(|unit| (unit.id, unit.name)).collect(),
            systems: registry.systems.into_iter().map(|system| (system.id, system.name)).collect(),
            layers,
        };
        let now = self.figures(events, &names, period, made).await?;
        let before = self.figures(events, &names, period.previous(), made).await?;
        let bulletin = Bulletin::of(period, made, &now, &before).map_err(report::ReportError::from)?;
        let bytes = match format {
            Format::Docx => {
                bulletin.docx(self.config, self.organisation).map_err(report::ReportError::from)?
            }
            Format::Xlsx => return Err(DocumentError::NoWorkbook),
            Format::Json => serde_json::to_vec(&bulletin).map_err(|_| CasesError::Corrupt("bulletin"))?,
        };
        self.cases.audit(by, "report.bulletin", &period.name(), "done", format.ending()).await?;
        let name = format!("ban-tin-{}.{}", period.name().to_lowercase(), format.ending());
        Ok(Document { name, format, bytes, missing: Vec::new() })
    }

    async fn figures(
        &self,
        events: &Events,
        names: &Names,
        period: Period,
        made: Time,
    ) -> Result<Figures, DocumentError> {
        let (from, end) = period.moments();
        // What comes while a bulletin is read, and what has a time to come, is the next one's.
        let to = end.min(made).max(from);
        let detected = self.cases.detected(from, to, INCIDENTS_MAX).await?;
        let incidents = detected.into_iter().map(|one| happened(one, names)).collect();
        Ok(Figures { incidents, events: event_figures(events, names, period, (from, to)).await? })
    }
}

async fn event_figures(
    events: &Events,
    names: &Names,
    period: Period,
    (from, to): (Time, Time),
) -> Result<EventFigures, DocumentError> {
    let any = EventQuery::default();
    let malware = EventQuery::parse("event.category:malware").unwrap_or_default();
    let days_from = |days: i64| from.plus_ms(days * DAY_MS);
    // The day that has not ended counts until then.
    let whole = (to.0 - from.0) / DAY_MS;
    let today = days_from(whole);
    let (total, (_, days), part, sources, found, units, kinds) = tokio::try_join!(
        events.count(from, to, &any),
        events.histogram(from, period.moments().1, &any, period.days()),
        events.count(today, to, &any),
        events.top_values(from, to, &any, Field::EVENT_MODULE, VALUES_MAX),
        events.count(from, to, &malware),
        events.top_values(from, to, &malware, Field::HAIDANG_UNIT_ID, VALUES_MAX),
        events.top_values(from, to, &malware, Field::RULE_NAME, VALUES_MAX),
    )?;
    let plain = |all: Vec<TopValue>| all.into_iter().map(|one| (one.value, one.count)).collect();
    let named = |one: TopValue| (Names::of(&names.units, &one.value).to_owned(), one.count);
    let day = |bucket: &store::events::Bucket| match bucket.time.cmp(&today) {
        Ordering::Less => bucket.count,
        Ordering::Equal => part,
        Ordering::Greater => 0,
    };
    Ok(EventFigures {
        total,
        days: days.iter().map(day).collect(),
        sources: plain(sources),
        malware: found,
        malware_units: units.into_iter().map(named).collect(),
        malware_names: plain(kinds),
    })
}

fn happened((incident, alerts): (Summary, Vec<AlertFigures>), names: &Names) -> Happened {
    let mut rules: BTreeMap<&str, (&str, u64, u64)> = BTreeMap::new();
    for alert in &alerts {
        let (title, told, matches) = rules.entry(&alert.rule).or_default();
        *title = &alert.title_vi;
        *told += 1;
        *matches = matches.saturating_add(alert.count);
    }
    let layers: BTreeSet<String> = rules
        .keys()
        .filter_map(|rule| names.layers.get(*rule).filter(|layer| !layer.is_empty()).cloned())
        .collect();
    let techniques: BTreeSet<String> =
        alerts.iter().flat_map(|alert| &alert.tags).filter_map(|tag| exchange::technique(tag)).collect();
    Happened {
        number: incident.number,
        title: incident.title_vi,
        severity: incident.severity,
        status: incident.status,
        is_dismissed: matches!(incident.verdict, Some(Verdict::FalsePositive | Verdict::Benign)),
        unit: Names::of(&names.units, &incident.unit).to_owned(),
        system: Names::of(&names.systems, &incident.system).to_owned(),
        detected: incident.detected,
        techniques: techniques.into_iter().collect(),
        layers: layers.into_iter().collect(),
        rules: rules
            .into_iter()
            .map(|(rule, (title, told, matches))| (rule.to_owned(), title.to_owned(), told, matches))
            .collect(),
    }
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct BulletinQuery {
    /// `2026-W48`, `2026-11`, `2026-Q4`; or `week`, `month`, `quarter` for the last that is over. `week` if absent.
    period: Option<String>,
    /// `docx` or `json`; `docx` if absent.
    format: Option<String>,
    /// The moment that the bulletin tells as its own, RFC 3339; now if absent. Nothing after it is counted.
    at: Option<String>,
}

/// The bulletin of a period, beside the one before.
#[utoipa::path(get, path = "/reports/bulletin", tag = "reports", params(BulletinQuery),
    responses((status = 200, body = Vec<u8>, content_type = "application/vnd.openxmlformats-officedocument.wordprocessingml.document")))]
async fn bulletin(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<BulletinQuery>,
) -> Result<Response, Error> {
    let made = extract::time("at", query.at.as_deref())?.unwrap_or(caller.actor.now);
    let text = extract::text(query.period).unwrap_or_else(|| "week".to_owned());
    let period = period(&text, made).ok_or_else(|| {
        Error::BadRequest("`period` is as 2026-W48, 2026-11 or 2026-Q4, or week, month, quarter".to_owned())
    })?;
    let format = super::format(query.format.as_deref())?;
    let layers = (app.rules)().into_iter().map(|rule| (rule.id, rule.layer)).collect();
    let documents =
        Documents { cases: &app.cases, organisation: &app.exchange.organisation, config: &app.report };
    Ok(documents.bulletin(&caller.actor, &app.events, layers, (period, format), made).await?.into_response())
}

/// The period of that name; of `week`, `month` and `quarter` the last that is over at `now`.
#[must_use]
pub fn period(text: &str, now: Time) -> Option<Period> {
    let kind = match text {
        "week" => PeriodKind::Week,
        "month" => PeriodKind::Month,
        "quarter" => PeriodKind::Quarter,
        name => return Period::parse(name),
    };
    Some(Period::containing(kind, now)?.previous())
}
