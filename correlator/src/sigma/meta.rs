//! What a rule says about itself.

use super::detection::Problem;
use crate::yaml::Node;
use event::{Severity, derived_id};

/// Whether a rule looks at single events or at windows of matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RuleKind {
    /// Single events.
    Detection,
    /// Windows of other rules' matches.
    Correlation,
}

/// What a rule says about itself.
#[derive(Clone, Debug)]
pub struct Meta {
    /// Sigma's `id`; without one, an id derived from the title.
    pub id: String,
    /// Sigma's `name`, by which correlations may refer to the rule.
    pub name: Option<String>,
    /// English title.
    pub title: String,
    /// `title_vi`, or the English title.
    pub title_vi: String,
    /// Sigma's `description`, or empty.
    pub description: String,
    /// Sigma's `level`; medium if the rule gives none.
    pub level: Severity,
    /// Sigma's `status` (stable, test, experimental, deprecated, unsupported), or empty.
    pub status: String,
    /// `layer`: which of the four protection layers acts on it, 1 to 4.
    pub layer: Option<u8>,
    /// Sigma's `tags`.
    pub tags: Vec<String>,
    /// `response`: what to do, step by step.
    pub response: Vec<String>,
    /// Detection or correlation.
    pub kind: RuleKind,
    /// The file that holds the rule.
    pub path: String,
}

impl Meta {
    pub(crate) fn parse(path: &str, node: &Node, kind: RuleKind, problems: &mut Vec<Problem>) -> Meta {
        let text = |key: &str| node.get(key).and_then(Node::text).map(str::to_owned);
        let mut problem =
            |key: &str, message: &str| problems.push(Problem::new(line(node, key), key, message));
        let title = text("title").unwrap_or_else(|| {
            problem("title", "is missing: say in a few words what the rule finds");
            String::new()
        });
        let level = match text("level") {
            None => Severity::Medium,
            Some(level) => Severity::by_name(&level).unwrap_or_else(|| {
                problem("level", "must be informational, low, medium, high or critical");
                Severity::Medium
            }),
        };
        let layer = node.get("layer").and_then(|layer| {
            let number = layer.text().and_then(|text| text.parse().ok()).filter(|n| (1..=4).contains(n));
            if number.is_none() {
                problem("layer", "must be 1, 2, 3 or 4");
            }
            number
        });
        let mut texts = |key: &str| match node.get(key) {
            None => Vec::new(),
            Some(list) if list.is_null() => Vec::new(),
            Some(list) => list.texts().unwrap_or_else(|| {
                problem(key, "must be a list of texts");
                Vec::new()
            }),
        };
        let (tags, response) = (texts("tags"), texts("response"));
        Meta {
            id: text("id").unwrap_or_else(|| derived_id(&["rule", &title]).to_string()),
            name: text("name"),
            title_vi: text("title_vi").unwrap_or_else(|| title.clone()),
            title,
            description: text("description").unwrap_or_default(),
            level,
            status: text("status").unwrap_or_default(),
            layer,
            tags,
            response,
            kind,
            path: path.to_owned(),
        }
    }
}

fn line(node: &Node, key: &str) -> usize {
    node.map()
        .and_then(|entries| entries.iter().find(|entry| entry.key == key))
        .map_or(node.line, |entry| entry.line)
}
