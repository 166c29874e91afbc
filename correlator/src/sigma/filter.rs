//! Sigma's filters: documents that narrow rules without touching them, for what is known and allowed here.
//!
//! ```yaml
//! title: Backup server may log in to everything at night
//! description: Veeam 12 on 192.0.2.40, agreed with the unit on 2026-11-20
//! author: Trần Văn An
//! expires: 2027-06-01                # from this moment on (UTC; or an RFC 3339 time) the rules are as before
//! logsource: {category: authentication}
//! filter:
//!   rules: [login-outside-hours]     # ids or names; or `any`: every rule of the log source
//!   selection: {source.ip: 192.0.2.40}
//!   condition: not selection
//! ```
//!
//! A rule holds where its own condition and that of every filter hold. Whether a filter has expired is decided by the
//! event's time, so that a replay gives the same alerts.

use super::detection::{Detection, Problem};
use super::logsource::LogSource;
use super::placeholder::Placeholders;
use crate::yaml::Node;
use event::{Time, derived_id};

/// A filter and who answers for it.
#[derive(Debug)]
pub struct Filter {
    /// Sigma's `id`; without one, an id derived from the title.
    pub id: String,
    /// What it allows.
    pub title: String,
    /// Who answers for it, or empty.
    pub author: String,
    /// Why, Sigma's `description`, or empty.
    pub reason: String,
    /// From when on it has no effect.
    pub expires: Option<Time>,
    /// Ids or names of the rules it narrows; `None`: every rule of its log source.
    pub rules: Option<Vec<String>>,
    /// The file that holds it.
    pub path: String,
    pub(crate) line: usize,
    pub(crate) source: LogSource,
    pub(crate) detection: Detection,
}

impl Filter {
    pub(crate) fn parse(
        path: &str,
        node: &Node,
        placeholders: &Placeholders,
        problems: &mut Vec<Problem>,
    ) -> Option<Filter> {
        let text = |key: &str| node.get(key).and_then(Node::text).unwrap_or_default().to_owned();
        let title = text("title");
        if title.is_empty() {
            problems.push(Problem::new(node.line, "title", "is missing: say in a few words what is allowed"));
        }
        let source = match node.get("logsource") {
            Some(source) => LogSource::parse(source, "logsource", problems),
            None => {
                problems.push(Problem::new(node.line, "logsource", "is missing"));
                LogSource::default()
            }
        };
        let expires = node.get("expires").and_then(|value| {
            let time = value.text().and_then(moment);
            if time.is_none() {
                let text = "must be a date (`2027-01-31`) or an RFC 3339 time";
                problems.push(Problem::new(value.line, "expires", text));
            }
            time
        });
        let found = node.get("filter")?;
        let rules = rules(found, problems);
        let detection = Detection::parse(found, "filter", placeholders, problems)?;
        let id = match text("id") {
            id if id.is_empty() => derived_id(&["filter", &title]).to_string(),
            id => id,
        };
        Some(Filter {
            id,
            title,
            author: text("author"),
            reason: text("description"),
            expires,
            rules,
            path: path.to_owned(),
            line: found.line,
            source,
            detection,
        })
    }

    /// Whether the filter still has an effect on events of this time.
    pub(crate) fn is_live(&self, time: Time) -> bool {
        self.expires.is_none_or(|expires| time < expires)
    }
}

/// A date begins at midnight UTC.
pub(crate) fn moment(text: &str) -> Option<Time> {
    Time::parse(text).or_else(|| Time::parse(&format!("{text}T00:00:00Z")))
}

fn rules(found: &Node, problems: &mut Vec<Problem>) -> Option<Vec<String>> {
    let Some(node) = found.get("rules") else {
        let text = "is missing: name rules, or write `any` for every rule of the log source";
        problems.push(Problem::new(found.line, "filter.rules", text));
        return None;
    };
    if node.list().is_none() && node.text().is_some_and(|text| ["any", "all"].contains(&text)) {
        return None;
    }
    let names = node.texts().filter(|names| !names.is_empty());
    if names.is_none() {
        let text = "must be a list of rules' ids or names, or `any`";
        problems.push(Problem::new(node.line, "filter.rules", text));
    }
    names
}
