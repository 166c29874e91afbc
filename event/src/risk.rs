//! How much alerts say against an entity: a number to sort by, the same wherever it is worked out.
//!
//! Each alert weighs by its rule's level, times what the information system's level adds, and half as much for each full
//! day between it and the newest. How often an alert's rule was met has no say: a flood is one alert.
//!
//! | Rule level | weighs | | System level | times |
//! |---|---|---|---|---|
//! | informational | 0 | | unknown, 1 | 1.0 |
//! | low | 5 | | 2 | 1.1 |
//! | medium | 20 | | 3 | 1.3 |
//! | high | 50 | | 4 | 1.6 |
//! | critical | 100 | | 5 | 2.0 |

use crate::{Alert, Entity, Severity};
use std::collections::BTreeMap;

const DAY_MS: i64 = 86_400_000;
/// What a level of the information system makes of a weight, in tenths.
const SYSTEM_TENTHS: [u64; 6] = [10, 10, 11, 13, 16, 20];

/// An entity and what alerts say against it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Risk {
    /// Of whom.
    pub entity: Entity,
    /// How much.
    pub score: u64,
}

impl Risk {
    /// The entities of the alerts, the highest score first, equal ones by name.
    #[must_use]
    pub fn of(alerts: &[Alert]) -> Vec<Risk> {
        let newest = alerts.iter().map(|alert| alert.last).max();
        let mut scores: BTreeMap<&Entity, u64> = BTreeMap::new();
        for alert in alerts {
            let weight = match alert.level {
                Severity::Informational => 0,
                Severity::Low => 5,
                Severity::Medium => 20,
                Severity::High => 50,
                Severity::Critical => 100,
            };
            let system = SYSTEM_TENTHS.get(usize::from(alert.system_level)).unwrap_or(&20);
            let age_ms = newest.map_or(0, |newest| newest.0.saturating_sub(alert.last.0));
            let days = u32::try_from(age_ms / DAY_MS).unwrap_or(u32::MAX);
            let score = (weight * system / 10).checked_shr(days).unwrap_or(0);
            for entity in &alert.entities {
                *scores.entry(entity).or_default() += score;
            }
        }
        let mut found: Vec<Risk> =
            scores.into_iter().map(|(entity, score)| Risk { entity: entity.clone(), score }).collect();
        found.sort_by(|a, b| b.score.cmp(&a.score).then_with(|| a.entity.cmp(&b.entity)));
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EntityKind, Time};

    fn alert(level: Severity, system_level: u8, day: i64, names: &[&str]) -> Alert {
        let named = |name: &&str| Entity { kind: EntityKind::User, name: (*name).to_owned() };
        Alert {
            id: uuid::Uuid::nil(),
            rule: "r".into(),
            title: String::new(),
            title_vi: String::new(),
            level,
            first: Time(day * DAY_MS),
            last: Time(day * DAY_MS),
            count: 1,
            group: Vec::new(),
            entities: names.iter().map(named).collect(),
            unit: String::new(),
            system: String::new(),
            system_level,
            tags: Vec::new(),
            events: Vec::new(),
            because: Vec::new(),
            suppressed: None,
            authorised: None,
        }
    }

    #[test]
    fn level_and_system_weigh_and_each_day_halves_whatever_the_order() {
        let mut alerts = vec![
            alert(Severity::High, 3, 9, &["a", "b"]),
            alert(Severity::Critical, 0, 8, &["b"]),
            alert(Severity::Medium, 5, 6, &["c"]),
            alert(Severity::Low, 9, 9, &["d"]),
            alert(Severity::Critical, 5, -900, &["e"]),
        ];
        let told = |alerts: &[Alert]| -> Vec<(String, u64)> {
            Risk::of(alerts).into_iter().map(|risk| (risk.entity.name, risk.score)).collect()
        };
        let expected = [("b", 115), ("a", 65), ("d", 10), ("c", 5), ("e", 0)];
        let expected: Vec<(String, u64)> =
            expected.iter().map(|(name, score)| ((*name).into(), *score)).collect();
        assert_eq!(told(&alerts), expected);
        alerts.reverse();
        assert_eq!(told(&alerts), expected);
        assert_eq!(Risk::of(&[]), []);
    }
}
