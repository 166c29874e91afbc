//! A rule that counts, as a correlation.
//!
//! Wazuh raises it at the event that is the `frequency`th within `timeframe`, counting back from that event. Without
//! `if_sid` the events are of the counted rule itself: an event count. With another `if_sid` the last event is of
//! another kind: an ordered sequence, as long as one earlier event is enough.

use super::emit::Yaml;
use super::expression::{Expression, condition};
use super::rule::{Rule, Window};
use super::sigma::{About, Single, correlation, differences, document, numbered};
use super::source::Source;
use super::tree::{CONDITION_BYTES_MAX, End, Ends, Refusal, Tree, VALUES_MAX};
use std::collections::BTreeMap;

/// How many rules a correlation may name.
const NAMES_MAX: usize = 60;
/// The longest window: 31 days.
const TIMEFRAME_S_MAX: u32 = 31 * 86_400;

/// What became of a counting rule.
pub(super) struct Counting {
    pub(super) documents: Vec<Yaml>,
    /// The rules that it names, by their place.
    pub(super) counted: Vec<usize>,
    pub(super) approximate: Vec<Refusal>,
}

/// Names of what must come before with the log source of each, and documents that have to be written for them.
type Before = (Vec<(String, Source)>, Vec<Yaml>);

struct Writer<'a> {
    tree: &'a Tree,
    singles: &'a [Option<Single>],
    at: usize,
    rule: &'a Rule,
    window: &'a Window,
    approximate: Vec<Refusal>,
}

/// The documents of the counting rule at this place.
pub(super) fn documents(tree: &Tree, at: usize, singles: &[Option<Single>]) -> Result<Counting, Refusal> {
    let rule = &tree.rules[at];
    let Some(window) = &rule.window else { return Err(rule.refusal("frequency", "nothing is counted")) };
    let mut writer = Writer { tree, singles, at, rule, window, approximate: Vec::new() };
    tree.sound(at)?;
    if window.timeframe_s > TIMEFRAME_S_MAX {
        return Err(rule.refusal("timeframe", "is longer than 31 days"));
    }
    let counted = writer.counted()?;
    let places = rule.if_sid.iter().filter_map(|id| tree.place(*id)).collect::<Vec<_>>();
    let is_own_kind = rule.if_group.is_empty() && (places.is_empty() || places == counted);
    let documents = if !is_own_kind {
        writer.sequence(&counted)?
    } else if places.is_empty() && rule.tests.is_empty() {
        writer.count(&counted)?
    } else {
        writer.count_own()?
    };
    let names_counted =
        is_own_kind && places.is_empty() && rule.tests.is_empty() || !is_own_kind && counted.len() == 1;
    let counted = if names_counted { counted } else { Vec::new() };
    Ok(Counting { documents, counted, approximate: writer.approximate })
}

impl Writer<'_> {
    fn differs(&mut self, element: &str, reason: impl Into<String>) {
        self.approximate.push(self.rule.refusal(element, reason));
    }

    /// The rules whose events are counted.
    fn counted(&mut self) -> Result<Vec<usize>, Refusal> {
        let mut found = Vec::new();
        for id in &self.window.sids {
            let Some(place) = self.tree.place(*id) else {
                let reason = format!("rule {id} is in none of the files: give Wazuh's own rules too");
                return Err(self.rule.refusal("if_matched_sid", reason));
            };
            let reason = match &self.singles[place] {
                Some(_) => None,
                None if self.tree.rules[place].is_single() => Some(format!("rule {id} is not converted")),
                None => Some(format!("rule {id} counts events itself; alerts cannot be counted again")),
            };
            if let Some(reason) = reason {
                return Err(self.rule.refusal("if_matched_sid", reason));
            }
            found.push(place);
        }
        let mut missing = 0;
        for (place, rule) in self.tree.rules.iter().enumerate() {
            let is_member = self.window.groups.iter().any(|group| rule.has_group(group));
            if !is_member || place == self.at || rule.level == 0 || found.contains(&place) {
                continue;
            }
            match &self.singles[place] {
                Some(_) => found.push(place),
                None => missing += 1,
            }
        }
        if missing > 0 {
            self.differs("if_matched_group", format!("{missing} rules of the group are not converted or count themselves, so fewer events are counted"));
        }
        if found.is_empty() {
            let reason = "no converted rule of the files is in the group: give Wazuh's own rules too";
            return Err(self.rule.refusal("if_matched_group", reason));
        }
        Ok(found)
    }

    /// How many events the counted rules must have.
    fn count(&mut self, counted: &[usize]) -> Result<Vec<Yaml>, Refusal> {
        let singles: Vec<&Single> =
            counted.iter().filter_map(|place| self.singles[*place].as_ref()).collect();
        let names: Vec<String> = singles.iter().flat_map(|single| single.names.clone()).collect();
        let sources: Vec<&Source> =
            singles.iter().flat_map(|single| &single.ends).map(|end| &end.source).collect();
        // The counted rules say themselves what they find, unless none of them does.
        let is_loud = counted.iter().any(|place| !self.tree.rules[*place].is_quiet);
        let name = format!("wazuh_{}", self.rule.id);
        Ok(vec![self.counting(&name, names, &sources, is_loud)?])
    }

    /// The same over events that also pass the rule's own tests: for Wazuh, only the last event must.
    fn count_own(&mut self) -> Result<Vec<Yaml>, Refusal> {
        let Ends { list: ends, left_out, lost } = self.tree.ends(self.at)?;
        if !self.rule.tests.is_empty() {
            self.differs("frequency", "only events that pass its own tests are counted: stricter than Wazuh, where only the last one must");
        }
        self.approximate.extend(differences(self.rule, &left_out, &lost));
        let name = format!("wazuh_{}", self.rule.id);
        let names = numbered(&format!("{name}_base"), ends.len());
        let mut documents: Vec<Yaml> = names
            .iter()
            .zip(&ends)
            .map(|(name, end)| document(&About { rule: self.rule, name, is_base: true }, end))
            .collect();
        let sources: Vec<&Source> = ends.iter().map(|end| &end.source).collect();
        documents.push(self.counting(&name, names, &sources, false)?);
        Ok(documents)
    }

    fn counting(
        &mut self,
        name: &str,
        names: Vec<String>,
        sources: &[&Source],
        generate: bool,
    ) -> Result<Yaml, Refusal> {
        if names.len() > NAMES_MAX {
            let reason =
                format!("{} rules would be counted, a correlation names at most {NAMES_MAX}", names.len());
            return Err(self.rule.refusal("if_matched_group", reason));
        }
        let group = self.group(sources)?;
        let least = self.window.frequency.max(2);
        let mut condition = Vec::new();
        let kind = match self.window.different.as_slice() {
            [] => "event_count",
            [field] => {
                let text = "counts different values: stricter than Wazuh, which counts events whose value is not the last one's";
                self.differs(&format!("different_{field}"), text);
                condition.push(("field".to_owned(), Yaml::word(self.common(field, sources)?)));
                "value_count"
            }
            _ => {
                return Err(self
                    .rule
                    .refusal("different_*", "more than one field that differs has no equal"));
            }
        };
        condition.push(("gte".to_owned(), Yaml::word(least.to_string())));
        Ok(self.correlation(name, kind, names, group, Some(condition), generate))
    }

    /// One event of the counted rules, then one of this rule.
    fn sequence(&mut self, counted: &[usize]) -> Result<Vec<Yaml>, Refusal> {
        if self.window.frequency > 2 {
            let reason = "counting several events of one kind before one of another has no equal";
            return Err(self.rule.refusal("frequency", reason));
        }
        if !self.window.different.is_empty() {
            return Err(self.rule.refusal("different_*", "a field that differs has no equal in a sequence"));
        }
        let Ends { list: ends, left_out, lost } = self.tree.ends(self.at)?;
        self.approximate.extend(differences(self.rule, &left_out, &lost));
        let name = format!("wazuh_{}", self.rule.id);
        let now = numbered(&format!("{name}_now"), ends.len());
        let (before, mut documents) = self.before(&name, counted)?;
        documents.extend(
            now.iter()
                .zip(&ends)
                .map(|(name, end)| document(&About { rule: self.rule, name, is_base: true }, end)),
        );
        let pairs = before.len() * now.len();
        if pairs > NAMES_MAX {
            return Err(self
                .rule
                .refusal("if_matched_group", format!("{pairs} pairs of log sources would be needed")));
        }
        let names = numbered(&name, pairs);
        let mut name = names.iter();
        let is_loud = counted.len() == 1 && counted.iter().any(|place| !self.tree.rules[*place].is_quiet);
        for (before, source) in &before {
            for (now, end) in now.iter().zip(&ends) {
                let group = self.group(&[source, &end.source])?;
                let Some(name) = name.next() else { continue };
                let rules = vec![before.clone(), now.clone()];
                documents.push(self.correlation(name, "temporal_ordered", rules, group, None, is_loud));
            }
        }
        Ok(documents)
    }

    /// The names of what must come before, one for each log source, and documents that have to be written for them.
    fn before(&self, name: &str, counted: &[usize]) -> Result<Before, Refusal> {
        let singles: Vec<&Single> =
            counted.iter().filter_map(|place| self.singles[*place].as_ref()).collect();
        if let [single] = singles.as_slice() {
            let named = single.names.iter().cloned().zip(single.ends.iter().map(|end| end.source.clone()));
            return Ok((named.collect(), Vec::new()));
        }
        let mut merged: BTreeMap<String, (Source, Vec<Expression>)> = BTreeMap::new();
        for end in singles.iter().flat_map(|single| &single.ends) {
            let entry = merged.entry(end.source.name()).or_insert_with(|| (end.source.clone(), Vec::new()));
            entry.1.push(end.expression.clone());
        }
        let names = numbered(&format!("{name}_before"), merged.len());
        let (mut found, mut documents) = (Vec::new(), Vec::new());
        for (name, (source, parts)) in names.into_iter().zip(merged.into_values()) {
            let end = End { source: source.clone(), expression: Expression::any(parts) };
            if end.expression.size() > VALUES_MAX || condition(&end.expression).len() > CONDITION_BYTES_MAX {
                return Err(self
                    .rule
                    .refusal("if_matched_group", "the rules of the group together have too many values"));
            }
            documents.push(document(&About { rule: self.rule, name: &name, is_base: true }, &end));
            found.push((name, source));
        }
        Ok((found, documents))
    }

    /// The fields that must be the same.
    fn group(&mut self, sources: &[&Source]) -> Result<Vec<String>, Refusal> {
        let mut found = Vec::new();
        for name in &self.window.same {
            let field = self.common(name, sources)?;
            if !found.contains(&field) {
                found.push(field);
            }
        }
        if self.window.is_global {
            return Ok(found);
        }
        let mut agents: Vec<Option<&str>> = sources.iter().map(|source| source.agent()).collect();
        agents.dedup();
        match agents.as_slice() {
            [Some(agent)] => {
                if !found.iter().any(|known| known == agent) {
                    found.push((*agent).to_owned());
                }
            }
            [None] | [] => {}
            _ => self.differs(
                "frequency",
                "counts over all machines together, because some of its log sources do not tell them apart",
            ),
        }
        Ok(found)
    }

    /// What the field is called in every one of the sources.
    fn common(&self, name: &str, sources: &[&Source]) -> Result<String, Refusal> {
        let element = format!("same/different {name}");
        let mut found: Option<String> = None;
        for source in sources {
            let reason = match (source.field(name), &found) {
                (None, _) => format!("the field `{name}` has no place in {}", source.name()),
                (Some(field), Some(known)) if field != *known => {
                    format!(
                        "the field `{name}` is called `{known}` in one log source and `{field}` in {}",
                        source.name()
                    )
                }
                (field, _) => {
                    found = field;
                    continue;
                }
            };
            return Err(self.rule.refusal(&element, reason));
        }
        found.ok_or_else(|| self.rule.refusal(&element, "nothing is counted"))
    }

    fn correlation(
        &self,
        name: &str,
        kind: &str,
        rules: Vec<String>,
        group: Vec<String>,
        condition: Option<Vec<(String, Yaml)>>,
        generate: bool,
    ) -> Yaml {
        let mut keys = vec![("type".to_owned(), Yaml::word(kind)), ("rules".to_owned(), Yaml::words(rules))];
        if !group.is_empty() {
            keys.push(("group-by".to_owned(), Yaml::words(group)));
        }
        keys.push(("timespan".to_owned(), Yaml::word(format!("{}s", self.window.timeframe_s))));
        if let Some(condition) = condition {
            keys.push(("condition".to_owned(), Yaml::Map(condition)));
        }
        if generate {
            keys.push(("generate".to_owned(), Yaml::Flag(true)));
        }
        correlation(&About { rule: self.rule, name, is_base: self.rule.is_quiet }, keys)
    }
}
