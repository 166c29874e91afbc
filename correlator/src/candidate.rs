//! Which events a set of rules may meet, told to a store that is to give no others. What a pattern needs is known from
//! the engine; here it is put in terms that any store can check without knowing how we fold case.

use crate::engine::Need;
use crate::record::{FieldRef, Target};
use crate::ruleset::{DetectionRule, RuleSet};
use crate::sigma::condition::Condition;
use crate::sigma::detection::{Item, Test, Wanted};
use crate::sigma::pattern::Pattern;
use event::{Candidates, Needed};
use std::collections::BTreeMap;

/// For how many values it may ask; for more, the log sources alone are told: a store that looks for hundreds of texts
/// in each line is slower than asking the rules.
const VALUES_MAX: usize = 64;
/// From here on neighbouring whole numbers are the same number with a fraction.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

impl RuleSet {
    /// Which events some rule may hold of.
    #[must_use]
    pub fn candidates(&self) -> Candidates {
        let mut by_source: BTreeMap<&[usize], Vec<Candidates>> = BTreeMap::new();
        for rule in &self.detections {
            by_source.entry(&rule.when).or_default().push(rule.candidates());
        }
        let told = |whole: bool| {
            Candidates::any(by_source.iter().map(|(whens, rules)| {
                let source = Candidates::any(whens.iter().map(|at| self.source(*at)));
                let rules = if whole { Candidates::any(rules.iter().cloned()) } else { Candidates::Every };
                Candidates::all([source, rules])
            }))
        };
        let fits = |candidates: &Candidates| candidates.size() <= VALUES_MAX;
        [told(true), told(false)].into_iter().find(fits).unwrap_or(Candidates::Every)
    }

    fn source(&self, at: usize) -> Candidates {
        let tests = self.whens.get(at).map_or(&[][..], |when| when.tests());
        Candidates::all(tests.iter().map(|(target, globs)| {
            let patterns =
                globs.iter().map(|glob| pattern(std::slice::from_ref(target), &Pattern::Text(glob.clone())));
            Candidates::any(patterns)
        }))
    }
}

impl DetectionRule {
    fn candidates(&self) -> Candidates {
        let searches: Vec<Candidates> = (self.detection.searches.iter())
            .map(|search| {
                let all =
                    |items: &Vec<Item>| Candidates::all(items.iter().map(|item| of_item(item, &self.fields)));
                Candidates::any(search.any.iter().map(all))
            })
            .collect();
        of_condition(&self.detection.condition, &searches)
    }
}

fn of_condition(condition: &Condition, searches: &[Candidates]) -> Candidates {
    let search = |at: &usize| searches.get(*at).cloned().unwrap_or(Candidates::Every);
    match condition {
        Condition::Search(at) => search(at),
        Condition::Not(_) | Condition::AtLeast(0, _) => Candidates::Every,
        Condition::All(parts) => Candidates::all(parts.iter().map(|part| of_condition(part, searches))),
        Condition::Any(parts) => Candidates::any(parts.iter().map(|part| of_condition(part, searches))),
        Condition::AtLeast(wanted, of) if *wanted == of.len() => Candidates::all(of.iter().map(search)),
        Condition::AtLeast(_, of) => Candidates::any(of.iter().map(search)),
    }
}

fn of_item(item: &Item, fields: &[FieldRef]) -> Candidates {
    // A keyword may stand in any field, also in one that enrichment added.
    let Some(field) = item.field.and_then(|at| fields.get(at)) else { return Candidates::Every };
    match &item.test {
        Test::Values { all, patterns } => {
            let parts = patterns.iter().map(|(wanted, _)| match wanted {
                Wanted::Null => Candidates::Every,
                Wanted::Pattern(wanted) => pattern(&field.targets, wanted),
            });
            if *all { Candidates::all(parts) } else { Candidates::any(parts) }
        }
        Test::Fields { .. } => any_of(&field.targets, &Needed::There),
        Test::Exists(_) | Test::Not(_) => Candidates::Every,
    }
}

fn pattern(targets: &[Target], pattern: &Pattern) -> Candidates {
    if let Pattern::Any(patterns) = pattern {
        return Candidates::any(patterns.iter().map(|one| self::pattern(targets, one)));
    }
    match Need::of(pattern) {
        Need::Text(text, _) => any_of(targets, &texts(&text)),
        Need::AnyOfEach(sets) => {
            // One set is enough: that whose shortest text is the longest.
            let shortest = |needs: &&Vec<String>| needs.iter().map(String::len).min().unwrap_or(0);
            let best = sets.iter().max_by_key(shortest).into_iter().flatten();
            Candidates::any(best.map(|text| any_of(targets, &texts(text))))
        }
        Need::Number(number) => any_of(targets, &whole(number)),
        Need::Value => any_of(targets, &Needed::There),
    }
}

fn any_of(targets: &[Target], needed: &Needed) -> Candidates {
    Candidates::any(targets.iter().map(|target| Candidates::Value(target.name().to_owned(), needed.clone())))
}

/// The runs of ASCII in a folded text: in a value, too, they stand next to each other.
fn texts(folded: &str) -> Needed {
    let runs = folded.split(|c: char| !c.is_ascii()).filter(|run| !run.is_empty());
    let runs: Vec<String> = runs.map(str::to_owned).collect();
    if runs.is_empty() { Needed::There } else { Needed::Texts(runs) }
}

fn whole(number: f64) -> Needed {
    #[allow(clippy::cast_possible_truncation, reason = "within what f64 holds exactly")]
    let whole = number as i64;
    if number.fract() == 0.0 && number.abs() < EXACT_MAX { Needed::Number(whole) } else { Needed::There }
}

#[cfg(test)]
mod tests {
    use crate::sigma::pattern::fold;
    use crate::{RuleFile, RuleSet};
    use event::{Candidates, Needed};

    fn candidates(detection: &str) -> Candidates {
        let text = format!(
            "title: t\nid: r\nlogsource: {{product: p}}\ndetection:\n  {}\n---\npipeline: p\nlogsources:\n  - product: p\n    \
             when: {{event.module: [m, n*]}}\n    fields: {{F: [user.name, process.name], C: event.code}}\n",
            detection.replace('\n', "\n  ")
        );
        RuleSet::compile(&[RuleFile { path: "r.yml".into(), text }]).unwrap().candidates()
    }

    fn has(name: &str, text: &str) -> Candidates {
        Candidates::Value(name.into(), Needed::Texts(vec![text.into()]))
    }

    #[test]
    fn what_must_be_is_told_and_what_must_not_is_not() {
        let source = Candidates::any([has("event.module", "m"), has("event.module", "n")]);
        let with = |part: Candidates| Candidates::all([source.clone(), part]);
        let f = |text: &str| Candidates::any([has("user.name", text), has("process.name", text)]);
        let code = |needed| Candidates::Value("event.code".into(), needed);
        assert_eq!(candidates("a: {F|contains: Root}\nb: {C: 7}\ncondition: a and not b"), with(f("root")));
        let both = Candidates::all([f("x"), code(Needed::Number(7))]);
        assert_eq!(candidates("a: {F: x, C: 7}\ncondition: a"), with(both));
        let either = Candidates::any([f("x"), f("y")]);
        assert_eq!(candidates("a: {F: x}\nb: {F: y}\ncondition: 1 of them"), with(either));
        let pieces = Candidates::Value("event.code".into(), Needed::Texts(vec!["ab".into(), "c".into()]));
        assert_eq!(candidates("a: {C|startswith: ABđC}\ncondition: a"), with(pieces));
        assert_eq!(
            candidates("a: {C|re: 'x(yz)+'}\ncondition: a"),
            with(code(Needed::Texts(vec!["yz".into()])))
        );
        for every in ["a: {C: null}", "a: [word]", "a: {C|exists: false}", "a: {C|neq: 1}"] {
            assert_eq!(candidates(&format!("{every}\ncondition: a")), source, "{every}");
        }
        let many: Vec<String> = (0..99).map(|n| format!("v{n}")).collect();
        assert_eq!(candidates(&format!("a: {{C: [{}]}}\ncondition: a", many.join(", "))), source);
    }

    /// The store compares ASCII; beside ASCII itself exactly these fold into it.
    #[test]
    fn only_the_kelvin_sign_and_the_long_s_fold_into_ascii() {
        let found: String = ('\u{80}'..=char::MAX).filter(|c| fold(*c).is_ascii()).collect();
        assert_eq!(found, "\u{17f}\u{212a}");
    }
}
