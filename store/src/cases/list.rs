//! The list of incidents: filters, orders, and a cursor that stays right while incidents come in.

use super::incident::{authorised, by_rank, rank};
use super::reporting::late_before;
use super::sql::{Row, Sql, sql};
use super::{Cases, Error, Tx, Verdict};
use event::{Authorised, Entity, Severity, Stage, Status, Time};

/// An incident as the list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the columns' names say what they are; `event::Incident` has the words
pub struct Summary {
    pub id: String,
    /// 1, 2, 3, … for people.
    pub number: i64,
    pub title: String,
    pub title_vi: String,
    /// What people set, or else what was found.
    pub severity: Severity,
    pub stage: Stage,
    pub status: Status,
    pub verdict: Option<Verdict>,
    /// A username.
    pub assignee: Option<String>,
    pub unit: String,
    pub system: String,
    pub system_level: u8,
    pub first: Time,
    pub last: Time,
    pub created: Time,
    /// When it was noticed: what is to be reported counts from then.
    pub detected: Time,
    pub updated: Time,
    pub alerts_count: u64,
    /// Matches of all alerts together.
    pub events_count: u64,
    pub entities: Vec<Entity>,
    pub comments_count: u64,
    /// Closed, and events came after.
    pub updated_after_close: bool,
    /// Counts people's changes; what the correlator adds does not raise it, or nobody could change a busy incident.
    pub version: i64,
    /// Every alert is of this authorised scan: nobody is paged.
    pub authorised: Option<Authorised>,
    /// Somebody warns of it; it was not found in events of ours.
    pub is_warning: bool,
    /// When the next report that is owed is late; none if none is owed.
    pub due: Option<Time>,
}

/// The order of the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// The latest activity first.
    #[default]
    Last,
    /// The worst first, then the latest.
    Severity,
    /// The latest begun first.
    First,
    /// Whose report is late first; those that owe none last.
    Due,
}

/// Which incidents by the reports that they owe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Any that owes one.
    Owed,
    /// Whose report is late at that moment.
    LateAt(Time),
}

/// Which incidents; an empty filter is all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Any of these.
    pub status: Vec<Status>,
    /// Any of these.
    pub severity: Vec<Severity>,
    /// Exactly this unit.
    pub unit: Option<String>,
    /// Exactly this username; empty for nobody's.
    pub assignee: Option<String>,
    /// A part of title, number (`#12`), unit, system or an entity's name.
    pub text: Option<String>,
    /// Active at this time or later.
    pub from: Option<Time>,
    /// Active before this time.
    pub to: Option<Time>,
    /// Of authorised scans alone, or none of those.
    pub authorised: Option<bool>,
    /// By the reports that they owe.
    pub due: Option<Due>,
}

/// A page of the list.
#[derive(Clone, Debug)]
pub struct Page {
    /// In the order asked for.
    pub items: Vec<Summary>,
    /// Where the next page begins.
    pub next: Option<String>,
}

const SELECT: &str = "SELECT i.id, i.number, i.title, i.title_vi, i.severity, i.stage, i.status, i.verdict, i.assignee, \
    i.unit, i.system, i.system_level, i.first_ms, i.last_ms, i.created_ms, i.updated_ms, i.alerts_count, \
    i.events_count, i.entities, i.comments_count, i.updated_after_close, i.version, i.authorised, i.kind, \
    i.due_ms, COALESCE(i.detected_ms, i.created_ms) FROM incidents i ";

impl Cases {
    /// A page of at most `limit` incidents, after `cursor`.
    ///
    /// # Errors
    /// The cursor is not one of this order.
    pub async fn incidents(
        &self,
        filter: &Filter,
        sort: Sort,
        limit: u32,
        cursor: Option<&str>,
    ) -> Result<Page, Error> {
        let mut query = sql(SELECT);
        query.push("WHERE i.merged_into IS NULL");
        narrow(&mut query, filter);
        if let Some(cursor) = cursor {
            after(&mut query, sort, cursor)?;
        }
        query.push(match sort {
            Sort::Last => " ORDER BY i.last_ms DESC, i.number DESC",
            Sort::Severity => " ORDER BY i.severity DESC, i.last_ms DESC, i.number DESC",
            Sort::First => " ORDER BY i.first_ms DESC, i.number DESC",
            Sort::Due => " ORDER BY COALESCE(i.due_ms, 9000000000000000), i.number",
        });
        query.push(" LIMIT ").push_bind(i64::from(limit) + 1);
        let rows = query.fetch_all(&self.read).await?;
        let mut items = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let next = items.last().filter(|_| more).map(|item| cursor_of(sort, item));
        Ok(Page { items, next })
    }
}

fn narrow(query: &mut Sql, filter: &Filter) {
    if !filter.status.is_empty() {
        query
            .push(" AND i.status IN (")
            .push_list(filter.status.iter().map(|status| status.name()))
            .push(")");
    }
    if !filter.severity.is_empty() {
        query.push(" AND i.severity IN (").push_list(filter.severity.iter().map(|s| rank(*s))).push(")");
    }
    if let Some(unit) = &filter.unit {
        query.push(" AND i.unit = ").push_bind(unit.clone());
    }
    if let Some(assignee) = &filter.assignee {
        query.push(" AND COALESCE(i.assignee, '') = ").push_bind(assignee.clone());
    }
    if let Some(text) = &filter.text {
        let escaped = text.to_lowercase().replace('!', "!!").replace('%', "!%").replace('_', "!_");
        query.push(" AND i.search LIKE ").push_bind(format!("%{escaped}%")).push(" ESCAPE '!'");
    }
    if let Some(authorised) = filter.authorised {
        query.push(if authorised { " AND i.authorised IS NOT NULL" } else { " AND i.authorised IS NULL" });
    }
    match filter.due {
        Some(Due::Owed) => drop(query.push(" AND i.due_ms IS NOT NULL")),
        Some(Due::LateAt(now)) => drop(query.push(" AND i.due_ms < ").push_bind(late_before(now))),
        None => {}
    }
    if let Some(from) = filter.from {
        query.push(" AND i.last_ms >= ").push_bind(from.0);
    }
    if let Some(to) = filter.to {
        query.push(" AND i.first_ms < ").push_bind(to.0);
    }
}

/// The cursor is the sort key of the last item: `l.LAST.NUMBER`, `s.SEVERITY.LAST.NUMBER`, `f.FIRST.NUMBER`.
fn cursor_of(sort: Sort, item: &Summary) -> String {
    match sort {
        Sort::Last => format!("l.{}.{}", item.last.0, item.number),
        Sort::Severity => format!("s.{}.{}.{}", rank(item.severity), item.last.0, item.number),
        Sort::First => format!("f.{}.{}", item.first.0, item.number),
        Sort::Due => format!("d.{}.{}", item.due.map_or(9_000_000_000_000_000, |due| due.0), item.number),
    }
}

fn after(query: &mut Sql, sort: Sort, cursor: &str) -> Result<(), Error> {
    let unfit = || Error::Invalid("`cursor` is not one of this list and order".to_owned());
    let (letter, columns) = match sort {
        Sort::Last => ("l", "(i.last_ms, i.number)"),
        Sort::Severity => ("s", "(i.severity, i.last_ms, i.number)"),
        Sort::First => ("f", "(i.first_ms, i.number)"),
        Sort::Due => ("d", "(COALESCE(i.due_ms, 9000000000000000), i.number)"),
    };
    let mut parts = cursor.split('.');
    let (kind, numbers) = (parts.next(), parts.map(str::parse::<i64>).collect::<Result<Vec<_>, _>>());
    let numbers = numbers.map_err(|_| unfit())?;
    if kind != Some(letter) || numbers.len() != columns.matches("i.").count() {
        return Err(unfit());
    }
    query.push(" AND ").push(columns).push(if sort == Sort::Due { " > (" } else { " < (" });
    query.push_list(numbers).push(")");
    Ok(())
}

/// The incident that `id` now is.
pub(super) async fn one(tx: &mut Tx, id: &str) -> Result<Option<Summary>, Error> {
    let mut query = sql(SELECT);
    query
        .push("WHERE i.id = COALESCE((SELECT m.merged_into FROM incidents m WHERE m.id = ")
        .push_bind(id.to_owned());
    query.push("), ").push_bind(id.to_owned()).push(")");
    let row = query.fetch_optional(&mut *tx).await?;
    row.as_ref().map(read).transpose()
}

/// The incidents detected from `from` until before `to`, without those of authorised scans; a warning is none of ours.
pub(super) async fn detected(tx: &mut Tx, from: Time, to: Time, max: u32) -> Result<Vec<Summary>, Error> {
    let mut query = sql(SELECT);
    query.push("WHERE i.merged_into IS NULL AND i.authorised IS NULL AND i.kind = 'attack'");
    query.push(" AND COALESCE(i.detected_ms, i.created_ms) >= ").push_bind(from.0);
    query.push(" AND COALESCE(i.detected_ms, i.created_ms) < ").push_bind(to.0);
    query.push(" ORDER BY i.number LIMIT ").push_bind(i64::from(max));
    query.fetch_all(&mut *tx).await?.iter().map(read).collect()
}

fn read(row: &Row) -> Result<Summary, Error> {
    let stage: String = row.get(5)?;
    let verdict: Option<String> = row.get(7)?;
    let scan: Option<String> = row.get(22)?;
    let count = |place: usize| row.get::<i64>(place).map(i64::unsigned_abs);
    Ok(Summary {
        id: row.get(0)?,
        number: row.get(1)?,
        title: row.get(2)?,
        title_vi: row.get(3)?,
        severity: by_rank(row.get(4)?)?,
        stage: serde_json::from_value(stage.into()).map_err(|_| Error::Corrupt("stage"))?,
        status: Status::by_name(row.get(6)?).ok_or(Error::Corrupt("status"))?,
        verdict: verdict.map(|v| Verdict::by_name(&v).ok_or(Error::Corrupt("verdict"))).transpose()?,
        assignee: row.get(8)?,
        unit: row.get(9)?,
        system: row.get(10)?,
        system_level: u8::try_from(count(11)?).unwrap_or(0),
        first: Time(row.get(12)?),
        last: Time(row.get(13)?),
        created: Time(row.get(14)?),
        updated: Time(row.get(15)?),
        alerts_count: count(16)?,
        events_count: count(17)?,
        entities: serde_json::from_str(row.get(18)?).map_err(|_| Error::Corrupt("entities"))?,
        comments_count: count(19)?,
        updated_after_close: count(20)? != 0,
        version: row.get(21)?,
        authorised: scan.as_deref().map(authorised).transpose()?,
        is_warning: row.get::<String>(23)? == "warning",
        due: row.get::<Option<i64>>(24)?.map(Time),
        detected: Time(row.get(25)?),
    })
}
