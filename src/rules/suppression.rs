//! Suppressions as people look at them: what is held back, by which fields, for how long, until when, who answers for it.

use super::exception::{ends, or, warn};
use correlator::Suppression;
use event::Time;
use std::io::Write;
use std::sync::Arc;

/// Lists them.
pub(super) fn list(all: &[Arc<Suppression>], now: Time, out: &mut impl Write) -> std::io::Result<()> {
    for one in all {
        let Suppression { title, author, reason, group_by, timespan_ms, .. } = &**one;
        let until = ends(one.expires, now);
        let what =
            format!("of {}; by {}; {} s", one.rules.join(", "), group_by.join(", "), timespan_ms / 1000);
        let reason = if one.is_own { "in the rule" } else { or(reason, "no reason") };
        writeln!(out, "suppression   {until}: {title} ({what}; {}; {reason})", or(author, "no author"))?;
    }
    Ok(())
}

/// What somebody should put right: each names the file.
pub(super) fn warnings(all: &[Arc<Suppression>], now: Time) -> Vec<String> {
    let mut found = Vec::new();
    for one in all.iter().filter(|one| !one.is_own) {
        let about = format!("{}: the suppression `{}`", one.path, one.title);
        warn(&about, one.expires, now, (&one.author, &one.reason), &mut found);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use correlator::{RuleFile, RuleSet};

    #[test]
    fn one_of_a_rule_is_listed_and_one_that_nobody_answers_for_is_told() {
        let text = "title: t\nid: r\nauthor: An\nlogsource: {product: p}\ndetection: {a: {f: 1}, condition: a}\n\
                    suppression: {group-by: [f], timespan: 1m}\n---\n\
                    title: s\nsuppression: {rules: [r], group-by: [f], timespan: 1h}\n";
        let rules = RuleSet::compile(&[RuleFile { path: "x.yml".into(), text: text.into() }]).unwrap();
        let (now, mut out) = (Time::parse("2026-11-24T00:00:00Z").unwrap(), Vec::new());
        list(rules.suppressions(), now, &mut out).unwrap();
        let expected = "suppression   always: t (of r; by f; 60 s; An; in the rule)\n\
                        suppression   always: s (of r; by f; 3600 s; no author; no reason)\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
        assert_eq!(warnings(rules.suppressions(), now).len(), 3);
    }
}
