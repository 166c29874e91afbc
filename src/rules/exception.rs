//! Exceptions (Sigma's filters) as people look at them: what each allows, until when, who answers for it, and why.

use correlator::Filter;
use event::Time;
use std::io::Write;
use std::sync::Arc;

/// Lists them: until when, what, of which rules, by whom, why.
pub(super) fn list(exceptions: &[Arc<Filter>], now: Time, out: &mut impl Write) -> std::io::Result<()> {
    for exception in exceptions {
        let until = ends(exception.expires, now);
        let rules = exception.rules.as_ref().map_or_else(|| "any rule".to_owned(), |rules| rules.join(", "));
        let Filter { title, author, reason, .. } = &**exception;
        writeln!(
            out,
            "exception     {until}: {title} (of {rules}; {}; {})",
            or(author, "no author"),
            or(reason, "no reason")
        )?;
    }
    Ok(())
}

/// What somebody should put right: each names the file.
pub(super) fn warnings(exceptions: &[Arc<Filter>], now: Time) -> Vec<String> {
    let mut found = Vec::new();
    for exception in exceptions {
        let Filter { title, author, reason, .. } = &**exception;
        let about = format!("{}: the exception `{title}`", exception.path);
        warn(&about, exception.expires, now, (author, reason), &mut found);
    }
    found
}

/// Until when, in a word.
pub(super) fn ends(expires: Option<Time>, now: Time) -> String {
    match expires {
        None => "always".to_owned(),
        Some(until) if until <= now => format!("expired {}", day(until)),
        Some(until) => format!("until {}", day(until)),
    }
}

/// What is wrong with a document that should end one day, and that somebody should answer for (`author`, `reason`).
pub(super) fn warn(
    about: &str,
    expires: Option<Time>,
    now: Time,
    (author, reason): (&str, &str),
    found: &mut Vec<String>,
) {
    match expires {
        Some(until) if until <= now => {
            found.push(format!("{about} has expired on {}: take it out or renew it", day(until)));
        }
        Some(_) => {}
        None => found.push(format!("{about} never expires: give it a date (`expires`)")),
    }
    if author.is_empty() {
        found.push(format!("{about} says nobody who answers for it (`author`)"));
    }
    if reason.is_empty() {
        found.push(format!("{about} says no reason (`description`)"));
    }
}

fn day(time: Time) -> String {
    time.to_string().chars().take(10).collect()
}

pub(super) fn or<'t>(text: &'t str, other: &'t str) -> &'t str {
    if text.is_empty() { other } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use correlator::{RuleFile, RuleSet};

    fn exceptions(head: &str) -> Vec<Arc<Filter>> {
        let text = format!(
            "title: t\nid: r\nlogsource: {{product: p}}\ndetection: {{a: {{f: 1}}, condition: a}}\n---\ntitle: Backup\n{head}\
             logsource: {{product: p}}\nfilter: {{rules: [r], s: {{f: 2}}, condition: not s}}\n"
        );
        RuleSet::compile(&[RuleFile { path: "x.yml".into(), text }]).unwrap().filters().to_vec()
    }

    #[test]
    fn an_exception_that_expired_or_that_nobody_answers_for_is_told() {
        let now = Time::parse("2026-11-24T00:00:00Z").unwrap();
        let whole = "author: An\ndescription: agreed\nexpires: ";
        let listed = |head: &str| {
            let mut out = Vec::new();
            list(&exceptions(head), now, &mut out).unwrap();
            (String::from_utf8(out).unwrap(), warnings(&exceptions(head), now).len())
        };
        let (text, wrong) = listed(&format!("{whole}2027-01-31\n"));
        assert_eq!(
            (text.as_str(), wrong),
            ("exception     until 2027-01-31: Backup (of r; An; agreed)\n", 0)
        );
        let (text, wrong) = listed(&format!("{whole}2026-11-24\n"));
        assert_eq!((text.contains("expired 2026-11-24"), wrong), (true, 1));
        let (text, wrong) = listed("");
        assert_eq!((text.contains("always: Backup (of r; no author; no reason)"), wrong), (true, 3));
    }
}
