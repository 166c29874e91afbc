//! Authorised scans as people look at them: when, by which scanner, on whose word.

use correlator::Authorisation;
use event::{Authorised, Time};
use std::io::Write;

/// Lists them: whether they are on, what is scanned from where, of which rules, by whom, on which word, why.
pub(super) fn list(scans: &[Authorisation], now: Time, out: &mut impl Write) -> std::io::Result<()> {
    for scan in scans {
        let Authorised { title, by, document, reason, until, .. } = &scan.told;
        let when = if *until <= now {
            format!("ended {until}")
        } else if scan.from > now {
            format!("from {} to {until}", scan.from)
        } else {
            format!("ON until {until}")
        };
        let rules = if scan.rules.is_empty() { "any rule".to_owned() } else { scan.rules.join(", ") };
        let sources = scan.sources.join(", ");
        writeln!(
            out,
            "authorised    {when}: {title} (from {sources}; of {rules}; {by}; {document}; {reason})"
        )?;
    }
    Ok(())
}

/// Those that somebody should take out: each names the file.
pub(super) fn warnings(scans: &[Authorisation], now: Time) -> Vec<String> {
    let ended = scans.iter().filter(|scan| scan.told.until <= now);
    let warn = |scan: &Authorisation| {
        let Authorised { title, until, .. } = &scan.told;
        format!(
            "{}: the authorised scan `{title}` ended {until}: take it out once nobody replays that time",
            scan.path
        )
    };
    ended.map(warn).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use correlator::{RuleFile, RuleSet};

    #[test]
    fn a_window_says_whether_it_is_on_and_one_that_ended_is_told() {
        let text = "title: Scan\ndescription: yearly\nauthorised:\n  {by: An, document: 124/QD, sources: [192.0.2.40],\
                    from: 2026-11-24T22:00:00+07:00, to: 2026-11-25T04:00:00+07:00}\n";
        let file = RuleFile { path: "x.yml".into(), text: text.into() };
        let rules = RuleSet::compile(&[file]).unwrap();
        for (now, when, ended) in [
            ("2026-11-24T00:00:00Z", "from 2026-11-24T15:00:00.000Z to 2026-11-24T21:00:00.000Z", 0),
            ("2026-11-24T15:00:00Z", "ON until 2026-11-24T21:00:00.000Z", 0),
            ("2026-11-24T21:00:00Z", "ended 2026-11-24T21:00:00.000Z", 1),
        ] {
            let (now, mut out) = (Time::parse(now).unwrap(), Vec::new());
            list(rules.authorisations(), now, &mut out).unwrap();
            let rest = "Scan (from 192.0.2.40; of any rule; An; 124/QD; yearly)";
            assert_eq!(String::from_utf8(out).unwrap(), format!("authorised    {when}: {rest}\n"));
            assert_eq!(warnings(rules.authorisations(), now).len(), ended);
        }
    }
}
