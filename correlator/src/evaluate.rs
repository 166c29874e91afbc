//! The plain evaluator: every item of a rule is asked in turn. Slow and plainly right, it is the reference that
//! `crate::engine` is compared with; it answers filters and says why a rule held.

use crate::record::{FieldRef, Record};
use crate::sigma::detection::{Detection, Item, Test, Wanted};
use crate::sigma::pattern::Glob;
use event::{Because, Value};

/// How many reasons a match carries.
const BECAUSE_MAX: usize = 12;
/// How much of a value a reason shows, in characters.
const VALUE_CHARS_MAX: usize = 200;

/// Whether the rule holds of the record. `fields` are the rule's, in the order of its detection.
pub(crate) fn holds(detection: &Detection, fields: &[FieldRef], record: Record<'_>) -> bool {
    detection.condition.holds(&mut |at| search_holds(detection, at, fields, record))
}

fn search_holds(detection: &Detection, at: usize, fields: &[FieldRef], record: Record<'_>) -> bool {
    let any = detection.searches.get(at).map_or(&[][..], |search| &search.any);
    any.iter().any(|items| items.iter().all(|item| item_holds(item, fields, record, &mut |_, _| {})))
}

/// Why the rule holds: the items that speak for it, each with the value that met it.
pub(crate) fn because(detection: &Detection, fields: &[FieldRef], record: Record<'_>) -> Vec<Because> {
    let mut searches = Vec::new();
    detection.condition.positive(false, &mut searches);
    let mut found = Vec::new();
    for at in searches {
        for items in detection.searches.get(at).map_or(&[][..], |search| &search.any) {
            let mut reasons = Vec::new();
            let all = items.iter().all(|item| {
                item_holds(item, fields, record, &mut |value, pattern| {
                    reasons.push(Because {
                        field: item
                            .field
                            .and_then(|at| fields.get(at))
                            .map_or("", |field| &field.name)
                            .to_owned(),
                        value: shortened(value, pattern),
                        pattern: pattern.chars().take(VALUE_CHARS_MAX).collect(),
                    });
                })
            });
            if all {
                found.append(&mut reasons);
                break;
            }
        }
    }
    found.truncate(BECAUSE_MAX);
    found
}

/// The part of a long value where the pattern stands, else its beginning.
fn shortened(value: &str, pattern: &str) -> String {
    if value.chars().count() <= VALUE_CHARS_MAX {
        return value.to_owned();
    }
    let at = value.find(pattern.trim_matches('*')).unwrap_or(0);
    let before = value[..at].char_indices().rev().take(VALUE_CHARS_MAX / 4).last().map_or(0, |(at, _)| at);
    value[before..].chars().take(VALUE_CHARS_MAX).collect()
}

/// Whether an item holds of the record; each value that meets a pattern is told, beside the pattern's text.
pub(crate) fn item_holds(
    item: &Item,
    fields: &[FieldRef],
    record: Record<'_>,
    told: &mut dyn FnMut(&str, &str),
) -> bool {
    let field = item.field.and_then(|at| fields.get(at));
    test_holds(&item.test, field, fields, record, told)
}

fn test_holds(
    test: &Test,
    field: Option<&FieldRef>,
    fields: &[FieldRef],
    record: Record<'_>,
    told: &mut dyn FnMut(&str, &str),
) -> bool {
    let any = |test: &mut dyn FnMut(Value<'_>) -> bool| match field {
        Some(field) => record.any(field, test),
        None => record.anywhere(test),
    };
    match test {
        Test::Exists(wanted) => field.is_some_and(|field| record.has(field)) == *wanted,
        Test::Values { all, patterns } => {
            let mut one = |(wanted, text): &(Wanted, String)| match wanted {
                Wanted::Null => field.is_some_and(|field| record.is_null(field)),
                Wanted::Pattern(pattern) => any(&mut |value| {
                    let found = pattern.holds(value);
                    if found {
                        told(&value.to_text(), text);
                    }
                    found
                }),
            };
            if *all { patterns.iter().all(one) } else { patterns.iter().any(&mut one) }
        }
        Test::Fields { all, others, place, cased } => {
            let mut one = |at: &usize| {
                let Some(other) = fields.get(*at) else { return false };
                record.any(other, |theirs| {
                    let glob = Glob::literal(&theirs.to_text(), *place, *cased);
                    any(&mut |ours| {
                        let found = glob.holds(&ours.to_text());
                        if found {
                            told(&ours.to_text(), &other.name);
                        }
                        found
                    })
                })
            };
            if *all { others.iter().all(one) } else { others.iter().any(&mut one) }
        }
        Test::Not(inner) => {
            let Some(field) = field.filter(|field| record.has(field)) else { return false };
            if test_holds(inner, Some(field), fields, record, &mut |_, _| {}) {
                return false;
            }
            told(&record.first(field).unwrap_or_default(), "neq");
            true
        }
    }
}

#[cfg(test)]
mod tests;
