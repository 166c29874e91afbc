//! A `<rule>` as Wazuh means it: its place in the tree, its tests, what it counts, what it says about itself.
//!
//! Nothing is skipped in silence: an element that has no equal makes a [`Problem`], and the rule is not converted.

use super::pattern::{self, Dialect, Pattern};
use super::xml::Element;
use std::net::IpAddr;

/// Wazuh's own default for `timeframe`.
const TIMEFRAME_S: u32 = 360;

/// A rule.
#[derive(Clone, Debug, Default)]
pub(super) struct Rule {
    pub(super) id: u32,
    pub(super) level: u8,
    pub(super) file: String,
    pub(super) line: usize,
    /// It is there for its children: it raises nothing itself.
    pub(super) is_quiet: bool,
    pub(super) overwrites: bool,
    pub(super) groups: Vec<String>,
    pub(super) description: String,
    pub(super) references: Vec<String>,
    pub(super) techniques: Vec<String>,
    pub(super) decoder: Option<String>,
    pub(super) category: Option<String>,
    pub(super) if_sid: Vec<u32>,
    pub(super) if_group: Vec<String>,
    pub(super) tests: Vec<Test>,
    pub(super) window: Option<Window>,
    pub(super) problems: Vec<Problem>,
}

/// What a rule with `frequency` or `if_matched_*` counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Window {
    pub(super) frequency: u32,
    pub(super) timeframe_s: u32,
    pub(super) sids: Vec<u32>,
    pub(super) groups: Vec<String>,
    /// Wazuh's names of the fields that must be the same.
    pub(super) same: Vec<String>,
    /// Those that must differ.
    pub(super) different: Vec<String>,
    /// Over all agents together.
    pub(super) is_global: bool,
}

/// One element that an event must pass.
#[derive(Clone, Debug)]
pub(super) struct Test {
    /// The element, or the dynamic field's name.
    pub(super) field: String,
    pub(super) wanted: Wanted,
    pub(super) negated: bool,
    pub(super) line: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wanted {
    Pattern(Pattern),
    /// Networks in CIDR notation.
    Networks(Vec<String>),
    Exists,
}

/// An element without an equal.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Problem {
    pub(super) line: usize,
    pub(super) element: String,
    pub(super) reason: String,
}

impl Rule {
    /// Reads a `<rule>` of a `<group>`. `Err` if it has no usable id or level.
    pub(super) fn read(file: &str, groups: &str, element: &Element) -> Result<Rule, Problem> {
        let problem = |name: &str, reason: &str| Problem {
            line: element.line,
            element: name.to_owned(),
            reason: reason.to_owned(),
        };
        let number = |name: &str| element.attribute(name).map(|text| text.trim().parse::<u32>());
        let Some(Ok(id)) = number("id") else { return Err(problem("id", "is missing or not a number")) };
        let level = number("level").and_then(Result::ok).and_then(|level| u8::try_from(level).ok());
        let Some(level) = level.filter(|level| *level <= 16) else {
            return Err(problem("level", "is missing or not a number from 0 to 16"));
        };
        let is_yes = |name: &str| matches!(element.attribute(name), Some("yes" | "1" | "true"));
        let mut reader = Reader {
            rule: Rule {
                id,
                level,
                file: file.to_owned(),
                line: element.line,
                is_quiet: level == 0 || is_yes("noalert"),
                overwrites: is_yes("overwrite"),
                groups: words(groups),
                ..Rule::default()
            },
            window: Window { timeframe_s: TIMEFRAME_S, ..Window::default() },
        };
        for (name, value) in &element.attributes {
            reader.attribute(element.line, name, value);
        }
        for child in &joined(&element.children) {
            reader.element(child);
        }
        Ok(reader.finish())
    }

    /// Whether the rule is raised by a single event.
    pub(super) fn is_single(&self) -> bool {
        self.window.is_none()
    }

    pub(super) fn has_group(&self, name: &str) -> bool {
        self.groups.iter().any(|group| group == name)
    }
}

struct Reader {
    rule: Rule,
    window: Window,
}

impl Reader {
    fn problem(&mut self, line: usize, element: &str, reason: impl Into<String>) {
        let (element, reason) = (element.to_owned(), reason.into());
        self.rule.problems.push(Problem { line, element, reason });
    }

    fn attribute(&mut self, line: usize, name: &str, value: &str) {
        let number: Option<u32> = value.trim().parse().ok();
        match (name.to_ascii_lowercase().as_str(), number) {
            // Alerts come once per episode here, so a pause after one is there already.
            ("id" | "level" | "noalert" | "overwrite" | "ignore", _) => {}
            ("frequency", Some(number)) => self.window.frequency = number,
            ("timeframe", Some(number)) if number > 0 => self.window.timeframe_s = number,
            ("frequency" | "timeframe", _) => self.problem(line, name, "is not a number above 0"),
            ("maxsize", _) => self.problem(line, name, "Sigma cannot ask for the length of a line"),
            ("accuracy", _) => self.problem(line, name, "the order among rules of one level cannot be kept"),
            _ => self.problem(line, name, "is an attribute that the converter does not know"),
        }
    }

    fn element(&mut self, found: &Element) {
        let (line, name, text) = (found.line, found.name.as_str(), found.text.trim());
        match name {
            "description" | "info" | "cve" | "mitre" | "group" | "options" => self.about(found),
            "decoded_as" => self.rule.decoder = Some(text.to_owned()),
            "category" => self.rule.category = Some(text.to_owned()),
            "if_sid" => {
                let mut sids = std::mem::take(&mut self.rule.if_sid);
                self.sids(line, name, text, &mut sids);
                self.rule.if_sid = sids;
            }
            "if_group" => self.rule.if_group.extend(words(text)),
            "if_matched_sid" => {
                let mut sids = std::mem::take(&mut self.window.sids);
                self.sids(line, name, text, &mut sids);
                self.window.sids = sids;
            }
            "if_matched_group" => self.window.groups.extend(words(text)),
            "match" | "regex" | "user" | "srcuser" | "dstuser" | "srcport" | "dstport" | "protocol"
            | "action" | "url" | "id" | "hostname" | "program_name" | "status" | "data" | "extra_data"
            | "system_name" | "location" => {
                let usual = if name == "regex" { Dialect::Regex } else { Dialect::Match };
                self.test(found, name, usual);
            }
            "field" => match found.attribute("name") {
                Some(field) => {
                    let field = field.trim().to_owned();
                    self.test(found, &field, Dialect::Regex);
                }
                None => self.problem(line, name, "has no name"),
            },
            "srcip" | "dstip" => self.address(found),
            "global_frequency" => self.window.is_global = true,
            "list" => {
                self.problem(line, name, "CDB lists are files of the manager: write the values into a rule");
            }
            "time" | "weekday" => self.problem(line, name, "the manager's local time is not known here"),
            "if_level" => self.problem(line, name, "a parent by level alone cannot be named"),
            "if_fts" | "check_diff" | "check_if_ignored" | "ignore" => {
                self.problem(line, name, "Sigma has no memory of what was seen before");
            }
            "compiled_rule" => self.problem(line, name, "is code of the manager"),
            "if_matched_regex" => {
                self.problem(line, name, "counting by a pattern needs a rule of its own: use if_matched_sid");
            }
            _ => self.comparison(found),
        }
    }

    /// `same_*`, `different_*`, `not_same_*`.
    fn comparison(&mut self, found: &Element) {
        let name = found.name.as_str();
        let (list, field) = match () {
            () if let Some(field) = name.strip_prefix("not_same_") => (&mut self.window.different, field),
            () if let Some(field) = name.strip_prefix("different_") => (&mut self.window.different, field),
            () if let Some(field) = name.strip_prefix("same_") => (&mut self.window.same, field),
            () => return self.problem(found.line, name, "is an element that the converter does not know"),
        };
        let field = match field {
            "source_ip" | "srcip" => "srcip",
            "src_port" | "srcport" => "srcport",
            "dst_port" | "dstport" => "dstport",
            "field" => found.text.trim(),
            "agent" => return,
            other => other,
        };
        if !list.iter().any(|known| known == field) {
            list.push(field.to_owned());
        }
    }

    fn about(&mut self, found: &Element) {
        let text = found.text.trim();
        match found.name.as_str() {
            "description" => {
                let words: Vec<&str> = text.split_whitespace().collect();
                let gap = if self.rule.description.is_empty() { "" } else { " " };
                self.rule.description += &format!("{gap}{}", words.join(" "));
            }
            "info"
                if found.attribute("type").is_none_or(|kind| kind == "link") && text.starts_with("http") =>
            {
                self.rule.references.push(text.to_owned());
            }
            "mitre" => {
                let ids = found.children.iter().filter(|child| child.name == "id");
                self.rule.techniques.extend(ids.map(|id| id.text.trim().to_owned()));
            }
            "group" => self.rule.groups.extend(words(text)),
            // Other notes, and what becomes of an alert in the manager (mail, active response).
            _ => {}
        }
    }

    fn sids(&mut self, line: usize, name: &str, text: &str, found: &mut Vec<u32>) {
        for part in text.split([',', ' ', '\n', '\t', '\r', '|']).filter(|part| !part.is_empty()) {
            match part.parse() {
                Ok(id) if found.contains(&id) => {}
                Ok(id) => found.push(id),
                Err(_) => self.problem(line, name, format!("`{part}` is not a rule's id")),
            }
        }
    }

    fn test(&mut self, found: &Element, field: &str, usual: Dialect) {
        let name = found.name.as_str();
        let dialect = match found.attribute("type") {
            None => usual,
            Some(kind) => match Dialect::by_name(kind) {
                Some(dialect) => dialect,
                None => {
                    return self.problem(
                        found.line,
                        name,
                        format!("the pattern language `{kind}` is unknown"),
                    );
                }
            },
        };
        let is_negated = found.attribute("negate").is_some_and(|value| value.trim() == "yes");
        // Wazuh joins elements of one name to one pattern; only dynamic fields stand for themselves.
        let text = found.text.trim_matches(['\n', '\r', '\t']);
        match pattern::parse(dialect, text) {
            Ok(pattern) => {
                let negated = is_negated != pattern.negated;
                let wanted = Wanted::Pattern(pattern);
                self.rule.tests.push(Test { field: field.to_owned(), wanted, negated, line: found.line });
            }
            Err(reason) => self.problem(found.line, name, reason),
        }
    }

    fn address(&mut self, found: &Element) {
        let (name, text) = (found.name.as_str(), found.text.trim());
        let (mark, text) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
        let negated = mark != found.attribute("negate").is_some_and(|value| value.trim() == "yes");
        let wanted = if text == "any" {
            Wanted::Exists
        } else {
            let parts: Vec<&str> = text.split(['|', ',']).map(str::trim).collect();
            let networks: Option<Vec<String>> = parts.iter().map(|part| network(part)).collect();
            match networks {
                Some(networks) => Wanted::Networks(networks),
                None => {
                    return self.problem(found.line, name, format!("`{text}` is not an address or network"));
                }
            }
        };
        // Several elements are one list: any of its networks, or none of them.
        let same = self.rule.tests.iter_mut().find(|test| test.field == name);
        match (same, wanted) {
            (None, wanted) => {
                self.rule.tests.push(Test { field: name.to_owned(), wanted, negated, line: found.line });
            }
            (Some(Test { wanted: Wanted::Networks(known), negated: before, .. }), Wanted::Networks(more))
                if *before == negated =>
            {
                known.extend(more);
            }
            _ => {
                self.problem(found.line, name, "a list of addresses that are wanted and others that are not");
            }
        }
    }

    fn finish(self) -> Rule {
        let Reader { mut rule, window } = self;
        let counts = window.frequency > 0 || !window.sids.is_empty() || !window.groups.is_empty();
        if counts && window.sids.is_empty() && window.groups.is_empty() {
            let (element, reason) =
                ("frequency".to_owned(), "without if_matched_sid or if_matched_group nothing is counted");
            rule.problems.push(Problem { line: rule.line, element, reason: reason.to_owned() });
        }
        if counts {
            rule.window = Some(window);
        }
        if rule.description.is_empty() {
            rule.description = format!("Wazuh rule {}", rule.id);
        }
        rule
    }
}

/// The elements of a rule that Wazuh joins: the later text is put behind the earlier.
fn joined(children: &[Element]) -> Vec<Element> {
    let alone =
        ["field", "srcip", "dstip", "if_sid", "if_group", "if_matched_sid", "if_matched_group", "list"];
    let about = [
        "description",
        "info",
        "cve",
        "mitre",
        "group",
        "options",
        "same_field",
        "different_field",
        "not_same_field",
    ];
    let mut found: Vec<Element> = Vec::with_capacity(children.len());
    for child in children {
        let stands_alone = alone.contains(&child.name.as_str()) || about.contains(&child.name.as_str());
        match found
            .iter_mut()
            .find(|known| !stands_alone && known.name == child.name && !child.text.is_empty())
        {
            Some(known) => known.text.push_str(&child.text),
            None => found.push(child.clone()),
        }
    }
    found
}

/// Words between commas, bars and blanks.
fn words(text: &str) -> Vec<String> {
    text.split([',', '|', '\n', ' ', '\t', '\r']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// An address or network as Sigma writes it; a mask may be written out.
fn network(text: &str) -> Option<String> {
    let (address, mask) = match text.split_once('/') {
        Some((address, mask)) => (address, Some(mask)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().ok()?;
    let widest = if address.is_ipv4() { 32 } else { 128 };
    let prefix = match mask {
        None => widest,
        Some(mask) if mask.contains('.') => {
            let mask = u32::from(mask.parse::<std::net::Ipv4Addr>().ok()?);
            (mask.leading_ones() + mask.trailing_zeros() == 32 && address.is_ipv4())
                .then(|| mask.leading_ones())?
        }
        Some(mask) => mask.parse().ok().filter(|prefix| *prefix <= widest)?,
    };
    Some(format!("{address}/{prefix}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wazuh::xml;

    fn rule(text: &str) -> Rule {
        let element = xml::elements(text).unwrap().remove(0);
        Rule::read("r.xml", "syslog,sshd,", &element).unwrap()
    }

    #[test]
    fn a_rule_says_everything_about_itself() {
        let found = rule(
            "<rule id=\"7\" level=\"5\" noalert=\"1\" frequency=\"4\" timeframe=\"60\" ignore=\"9\">\n<if_sid>1, 2</if_sid>\n\
             <if_matched_sid>3</if_matched_sid><same_source_ip/><not_same_user/><same_field>a.b</same_field>\n\
             <match>x|</match><match>y</match><user negate=\"yes\">!root</user><srcip>192.0.2.0/255.255.255.0</srcip>\n\
             <srcip>2001:db8::1</srcip><description>One\n two </description><description>three</description>\n\
             <mitre><id>T1110</id><id>T1078</id></mitre><group>a,b,</group><info type=\"link\">https://example.com</info></rule>",
        );
        assert_eq!(found.problems, []);
        assert_eq!((found.if_sid, found.is_quiet, found.groups.len()), (vec![1, 2], true, 4));
        assert_eq!(
            (found.description.as_str(), found.techniques.len(), found.references.len()),
            ("One two three", 2, 1)
        );
        let window = found.window.unwrap();
        assert_eq!((window.frequency, window.timeframe_s, window.sids), (4, 60, vec![3]));
        assert_eq!(
            (window.same, window.different),
            (vec!["srcip".to_owned(), "a.b".to_owned()], vec!["user".to_owned()])
        );
        assert_eq!(found.tests.len(), 3);
        assert!(!found.tests[1].negated, "twice negated");
        let networks = Wanted::Networks(vec!["192.0.2.0/24".into(), "2001:db8::1/128".into()]);
        assert_eq!(found.tests[2].wanted, networks);
    }

    #[test]
    fn what_has_no_equal_is_named_with_its_line() {
        for (inside, element) in [
            ("<list field=\"srcip\">etc/lists/x</list>", "list"),
            ("<time>6 pm - 8 am</time>", "time"),
            ("<if_level>5</if_level>", "if_level"),
            ("<if_fts/>", "if_fts"),
            ("<compiled_rule>x</compiled_rule>", "compiled_rule"),
            ("<regex>a\\b</regex>", "regex"),
            ("<field>x</field>", "field"),
            ("<match type=\"glob\">x</match>", "match"),
            ("<srcip>example.com</srcip>", "srcip"),
            ("<srcip>192.0.2.1</srcip><srcip>!192.0.2.2</srcip>", "srcip"),
            ("<if_sid>x</if_sid>", "if_sid"),
            ("<nonsense/>", "nonsense"),
        ] {
            let found = rule(&format!("<rule id=\"1\" level=\"3\">\n{inside}</rule>"));
            assert_eq!(found.problems.len(), 1, "{inside} {:?}", found.problems);
            assert_eq!(
                (found.problems[0].element.as_str(), found.problems[0].line),
                (element, 2),
                "{inside}"
            );
        }
        let found = rule("<rule id=\"1\" level=\"3\" maxsize=\"9\" frequency=\"3\"><match>x</match></rule>");
        assert_eq!(found.problems.len(), 2);
        let broken = xml::elements("<rule id=\"x\" level=\"3\"/>").unwrap().remove(0);
        assert_eq!(Rule::read("r.xml", "", &broken).unwrap_err().element, "id");
    }
}
