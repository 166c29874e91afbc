//! The plain evaluator: every item of a rule is asked in turn. Slow and plainly right, it is the reference that
//! `crate::engine` is compared with; it answers filters and says why a rule held.

use crate::record::{FieldRef, Record};
use crate::sigma::detection::{Detection, Item, Test, Wanted};
use crate::sigma::pattern::{Folds, Glob};
use event::{Because, Value};

/// How many reasons a match carries.
const BECAUSE_MAX: usize = 12;
/// How much of a value a reason shows, in characters.
const VALUE_CHARS_MAX: usize = 200;

/// Whether the rule holds of the record. `fields` are the rule's, in the order of its detection.
pub(crate) fn holds(detection: &Detection, fields: &[FieldRef], record: Record<'_>) -> bool {
    let mut folds = Folds::default();
    detection.condition.holds(&mut |at| search_holds(detection, at, fields, record, &mut folds))
}

fn search_holds(
    detection: &Detection,
    at: usize,
    fields: &[FieldRef],
    record: Record<'_>,
    folds: &mut Folds,
) -> bool {
    let any = detection.searches.get(at).map_or(&[][..], |search| &search.any);
    any.iter().any(|items| items.iter().all(|item| item_holds(item, fields, record, folds, &mut |_, _| {})))
}

/// Where an item stands in its rule: search, alternative, item.
pub(crate) type ItemAt = (usize, usize, usize);

/// Is told each value that meets a pattern, and the pattern's text.
pub(crate) type Told<'t> = &'t mut dyn FnMut(&str, &str);

/// Why the rule holds: the items that speak for it, each with the value that met it. `holds` says whether an item does.
pub(crate) fn because(
    detection: &Detection,
    fields: &[FieldRef],
    holds: &mut dyn FnMut(ItemAt, &Item, Told<'_>) -> bool,
) -> Vec<Because> {
    let mut searches = Vec::new();
    detection.condition.positive(false, &mut searches);
    let mut found = Vec::new();
    for at in searches {
        let any = detection.searches.get(at).map_or(&[][..], |search| &search.any);
        for (alternative, items) in any.iter().enumerate() {
            let before = found.len();
            let all = items.iter().enumerate().all(|(nth, item)| {
                let told = &mut |value: &str, pattern: &str| {
                    found.push(Because {
                        field: item
                            .field
                            .and_then(|at| fields.get(at))
                            .map_or("", |field| &field.name)
                            .to_owned(),
                        value: shortened(value, pattern),
                        pattern: beginning(pattern, VALUE_CHARS_MAX).to_owned(),
                    });
                };
                holds((at, alternative, nth), item, told)
            });
            if all {
                break;
            }
            found.truncate(before);
        }
    }
    found.truncate(BECAUSE_MAX);
    found
}

/// The part of a long value where the pattern stands, else its beginning.
fn shortened(value: &str, pattern: &str) -> String {
    if value.len() <= VALUE_CHARS_MAX || value.chars().count() <= VALUE_CHARS_MAX {
        return value.to_owned();
    }
    let at = memchr::memmem::find(value.as_bytes(), pattern.trim_matches('*').as_bytes()).unwrap_or(0);
    let before = value[..at].char_indices().rev().take(VALUE_CHARS_MAX / 4).last().map_or(0, |(at, _)| at);
    beginning(&value[before..], VALUE_CHARS_MAX).to_owned()
}

/// So many characters of the text, or all.
pub(crate) fn beginning(text: &str, chars: usize) -> &str {
    let end = match text.as_bytes().get(..chars) {
        None => text.len(),
        Some(first) if first.is_ascii() => chars,
        Some(_) => {
            let mut rest = text.chars();
            // Counts whole blocks; `char_indices` does not.
            chars.checked_sub(1).map(|last| rest.nth(last));
            text.len() - rest.as_str().len()
        }
    };
    &text[..end]
}

/// Whether an item holds of the record; each value that meets a pattern is told, beside the pattern's text.
pub(crate) fn item_holds(
    item: &Item,
    fields: &[FieldRef],
    record: Record<'_>,
    folds: &mut Folds,
    told: Told<'_>,
) -> bool {
    let field = item.field.and_then(|at| fields.get(at));
    test_holds(&item.test, field, fields, record, folds, told)
}

fn test_holds(
    test: &Test,
    field: Option<&FieldRef>,
    fields: &[FieldRef],
    record: Record<'_>,
    folds: &mut Folds,
    told: Told<'_>,
) -> bool {
    match test {
        Test::Exists(wanted) => field.is_some_and(|field| record.has(field)) == *wanted,
        Test::Values { all, patterns } => values_hold(*all, patterns.iter(), field, record, folds, told),
        Test::Fields { all, others, place, cased } => {
            let mut one = |at: &usize| {
                let Some(other) = fields.get(*at) else { return false };
                record.any(other, |theirs| {
                    let glob = Glob::literal(&theirs.to_text(), *place, *cased);
                    any_value(field, record, &mut |ours| {
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
            if test_holds(inner, Some(field), fields, record, folds, &mut |_, _| {}) {
                return false;
            }
            told(&record.first(field).unwrap_or_default(), "neq");
            true
        }
    }
}

fn any_value(field: Option<&FieldRef>, record: Record<'_>, test: &mut dyn FnMut(Value<'_>) -> bool) -> bool {
    match field {
        Some(field) => record.any(field, test),
        None => record.anywhere(test),
    }
}

pub(crate) fn values_hold<'p>(
    all: bool,
    mut patterns: impl Iterator<Item = &'p (Wanted, String)>,
    field: Option<&FieldRef>,
    record: Record<'_>,
    folds: &mut Folds,
    told: Told<'_>,
) -> bool {
    let mut one = |(wanted, text): &(Wanted, String)| match wanted {
        Wanted::Null => field.is_some_and(|field| record.is_null(field)),
        Wanted::Pattern(pattern) => any_value(field, record, &mut |value| {
            let found = pattern.holds(value, folds);
            if found {
                told(&value.to_text(), text);
            }
            found
        }),
    };
    if all { patterns.all(one) } else { patterns.any(&mut one) }
}

#[cfg(test)]
mod tests;
