//! What is to be reported of an incident, and what people say of it: `PUT .../class`, `POST .../reports`.

use super::body::IncidentDetail;
use super::tagged;
use crate::App;
use crate::access::Caller;
use crate::error::Error;
use crate::extract::{Json, Path};
use axum::extract::State;
use axum::response::Response;
use compliance::{Certainty, Deadline, RuleSets, Stand};
use event::Time;
use serde::{Deserialize, Serialize};
use store::cases::ReportingFacts;
use utoipa::ToSchema;

/// What is to be reported of an incident.
#[derive(Serialize, ToSchema)]
pub(super) struct ReportingBody {
    /// When it was noticed: deadlines count from that minute.
    #[schema(value_type = String, format = DateTime)]
    detected: Time,
    /// When the next report that is owed is late; null if none is owed.
    #[schema(value_type = Option<String>, format = DateTime)]
    due: Option<Time>,
    /// Its class in each rule set that has deadlines.
    classes: Vec<ClassBody>,
    /// The first due first.
    deadlines: Vec<DeadlineBody>,
}

/// An incident's class in a rule set, and which it could have.
#[derive(Serialize, ToSchema)]
struct ClassBody {
    rule_set: String,
    title: String,
    title_vi: String,
    class: String,
    /// The strictest first.
    options: Vec<ClassOption>,
    /// Who gave it, if a person did; else the rule set's own rule.
    actor: Option<String>,
    reason: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    time: Option<Time>,
    citation: String,
    #[schema(value_type = String)]
    certainty: Certainty,
}

#[derive(Serialize, ToSchema)]
struct ClassOption {
    id: String,
    title: String,
    title_vi: String,
}

/// What is to be reported to one recipient.
#[derive(Serialize, ToSchema)]
struct DeadlineBody {
    rule_set: String,
    deadline: String,
    title: String,
    title_vi: String,
    recipient: String,
    recipient_name: String,
    recipient_name_vi: String,
    /// `0m`, `24h`, `5d` after detection.
    within: String,
    #[schema(value_type = String, format = DateTime)]
    due: Time,
    /// Later than `due` where the rule leaves some time.
    #[schema(value_type = String, format = DateTime)]
    late_after: Time,
    /// pending, overdue, reported, reported_late.
    #[schema(value_type = String)]
    stand: Stand,
    /// What was reported, if it was.
    report: Option<ReportBody>,
    citation: String,
    /// confirmed, to-verify.
    #[schema(value_type = String)]
    certainty: Certainty,
    note: String,
}

#[derive(Serialize, ToSchema)]
struct ReportBody {
    #[schema(value_type = String, format = DateTime)]
    reported: Time,
    document: String,
    /// Who wrote it down, and when.
    actor: String,
    #[schema(value_type = String, format = DateTime)]
    time: Time,
}

impl ReportingBody {
    pub(super) fn of(known: &ReportingFacts, rules: &RuleSets, now: Time) -> ReportingBody {
        let found = rules.reporting(&known.facts, now);
        let class = |one: &compliance::Classified<'_>| {
            let chosen = known.classes.iter().find(|chosen| one.is_chosen && chosen.rule_set == one.set.id);
            let law = one.set.classification.as_ref().map_or(&one.set.law, |how| &how.law);
            ClassBody {
                rule_set: one.set.id.clone(),
                title: one.set.title.clone(),
                title_vi: one.set.title_vi.clone(),
                class: one.class.id.clone(),
                options: one
                    .set
                    .classes
                    .iter()
                    .map(|class| ClassOption {
                        id: class.id.clone(),
                        title: class.title.clone(),
                        title_vi: class.title_vi.clone(),
                    })
                    .collect(),
                actor: chosen.map(|chosen| chosen.actor.clone()),
                reason: chosen.map(|chosen| chosen.reason.clone()),
                time: chosen.map(|chosen| chosen.time),
                citation: law.citation.clone(),
                certainty: law.certainty,
            }
        };
        ReportingBody {
            detected: known.facts.detected,
            due: found.next_due(),
            classes: found.classes.iter().map(class).collect(),
            deadlines: found.deadlines.iter().map(|one| deadline(one, known)).collect(),
        }
    }
}

fn deadline(one: &Deadline<'_>, known: &ReportingFacts) -> DeadlineBody {
    let made = known.reports.iter().find(|made| made.deadline == one.rule.id && made.recipient == one.to);
    let name = |of: fn(&compliance::Recipient) -> &String| {
        one.recipient.map_or(one.to, |found| of(found).as_str()).to_owned()
    };
    DeadlineBody {
        rule_set: one.set.id.clone(),
        deadline: one.rule.id.clone(),
        title: one.rule.title.clone(),
        title_vi: one.rule.title_vi.clone(),
        recipient: one.to.to_owned(),
        recipient_name: name(|found| &found.name),
        recipient_name_vi: name(|found| &found.name_vi),
        within: one.rule.within.to_string(),
        due: one.due,
        late_after: one.late_after,
        stand: one.stand,
        report: made.map(|made| ReportBody {
            reported: made.reported,
            document: made.document.clone(),
            actor: made.actor.clone(),
            time: made.time,
        }),
        citation: one.rule.law.citation.clone(),
        certainty: one.rule.law.certainty,
        note: one.rule.law.note.clone(),
    }
}

/// The class of an incident, by a person.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ClassRequest {
    /// `vn-2026`.
    rule_set: String,
    /// One of its classes; null gives the word back to the rule.
    class: Option<String>,
    /// Why, at most 1,000 characters.
    reason: String,
}

/// Gives an incident a class, which decides what is to be reported of it and when.
#[utoipa::path(put, path = "/incidents/{id}/class", tag = "incidents", params(("id" = String, Path)),
    request_body = ClassRequest, responses((status = 200, body = IncidentDetail), (status = 404), (status = 422)))]
pub(super) async fn classify(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path,
    Json(sent): Json<ClassRequest>,
) -> Result<Response, Error> {
    app.cases.set_class(&caller.actor, &id, &sent.rule_set, sent.class.as_deref(), &sent.reason).await?;
    let detail = app.cases.incident(&id).await?.ok_or(Error::Missing("incident"))?;
    Ok(tagged(&app, detail, caller.actor.now))
}

/// A report that was made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReportRequest {
    /// `first-notice`.
    deadline: String,
    /// `a05`.
    recipient: String,
    /// When; now if absent.
    #[schema(value_type = Option<String>, format = DateTime)]
    reported: Option<Time>,
    /// The number of the document, if there is one.
    #[serde(default)]
    document: String,
}

/// Notes that a report was made, or corrects what was noted.
#[utoipa::path(post, path = "/incidents/{id}/reports", tag = "incidents", params(("id" = String, Path)),
    request_body = ReportRequest, responses((status = 200, body = IncidentDetail), (status = 404), (status = 422)))]
pub(super) async fn report(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path,
    Json(sent): Json<ReportRequest>,
) -> Result<Response, Error> {
    let (what, now) = ((sent.deadline.as_str(), sent.recipient.as_str()), caller.actor.now);
    let reported = sent.reported.unwrap_or(now);
    app.cases.report_made(&caller.actor, &id, what, reported, &sent.document).await?;
    let detail = app.cases.incident(&id).await?.ok_or(Error::Missing("incident"))?;
    Ok(tagged(&app, detail, now))
}
