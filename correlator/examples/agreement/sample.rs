//! Text that meets a pattern of a rule.

use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// Numbers that are the same in every run.
pub struct Dice(pub u64);

impl Dice {
    /// A number below `limit`, which is not 0.
    pub fn roll(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % limit.max(1) as u64).unwrap_or(0)
    }
}

/// Sigma's text with its wildcards filled.
pub fn of_text(written: &str, fill: &str) -> String {
    let mut found = String::new();
    let mut chars = written.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some(next @ ('*' | '?' | '\\'))) => {
                found.push(*next);
                chars.next();
            }
            ('*', _) => found.push_str(fill),
            ('?', _) => found.push('q'),
            (c, _) => found.push(c),
        }
    }
    found
}

/// Text that a regular expression finds, and whether it must stand at the start and at the end.
pub fn of_regex(pattern: &str, dice: &mut Dice) -> Option<(String, bool, bool)> {
    let hir = regex_syntax::parse(pattern).ok()?;
    let mut found = String::new();
    write(&hir, dice, &mut found);
    let looks = |set: regex_syntax::hir::LookSet, look| set.contains(look);
    let properties = hir.properties();
    let start = looks(properties.look_set_prefix_any(), Look::Start);
    let end = looks(properties.look_set_suffix_any(), Look::End);
    Some((found, start, end))
}

fn write(hir: &Hir, dice: &mut Dice, found: &mut String) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => found.push_str(&String::from_utf8_lossy(&literal.0)),
        HirKind::Class(Class::Unicode(class)) => {
            let usual = ('a'..='z').chain('A'..='Z').chain('0'..='9').chain(' '..='~');
            let within =
                |c: &char| class.ranges().iter().any(|range| (range.start()..=range.end()).contains(c));
            let usual: Vec<char> = usual.filter(within).take(26).collect();
            let other = class.ranges().first().map(|range| range.start());
            found.extend(usual.get(dice.roll(usual.len())).copied().or(other));
        }
        HirKind::Class(Class::Bytes(class)) => {
            found.extend(class.ranges().first().map(|range| char::from(range.start())));
        }
        HirKind::Repetition(repetition) => {
            let more = if repetition.max == Some(repetition.min) { 0 } else { dice.roll(2) };
            for _ in 0..usize::try_from(repetition.min).unwrap_or(0) + more {
                write(&repetition.sub, dice, found);
            }
        }
        HirKind::Capture(capture) => write(&capture.sub, dice, found),
        HirKind::Concat(parts) => parts.iter().for_each(|part| write(part, dice, found)),
        HirKind::Alternation(parts) => write(&parts[dice.roll(parts.len())], dice, found),
    }
}
