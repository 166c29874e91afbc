//! An incident told in sentences, in order of time: what, who, from where, against what, how often, how far it has come.
//!
//! Alerts of one rule about the same entity are one sentence. Each is made of one catalogue of phrases for each language;
//! the words in it that others wrote (names, titles) are the caller's to show safely.

use event::{Alert, Entity, EntityKind, Severity, Stage, Time};
use serde::Serialize;
use utoipa::ToSchema;

/// Sentences of a story; of more alerts the first are told.
const SENTENCES_MAX: usize = 100;
/// Names of one kind that a sentence lists.
const NAMES_MAX: usize = 3;

/// A sentence of the story.
#[derive(Serialize, ToSchema)]
pub(super) struct Sentence {
    #[schema(value_type = String, format = DateTime)]
    first: Time,
    #[schema(value_type = String, format = DateTime)]
    last: Time,
    /// reconnaissance, access, foothold, control, impact.
    #[schema(value_type = String)]
    stage: Stage,
    /// informational, low, medium, high, critical.
    #[schema(value_type = String)]
    level: Severity,
    /// How many matches.
    count: u64,
    text: String,
    text_vi: String,
}

/// The phrases of a language.
struct Phrases {
    user: &'static str,
    from: &'static str,
    host: &'static str,
    with: &'static str,
    unit: &'static str,
    system: &'static str,
    level: &'static str,
    more: &'static str,
    once: &'static str,
    times: &'static str,
    within: &'static str,
    /// Second, minute, hour, day.
    units: [&'static str; 4],
    stage: &'static str,
    /// In the order of [`Stage`].
    stages: [&'static str; 5],
}

const VI: Phrases = Phrases {
    user: "tài khoản",
    from: "từ địa chỉ",
    host: "trên máy",
    with: "cùng địa chỉ",
    unit: "tại đơn vị",
    system: "hệ thống",
    level: "cấp độ",
    more: "và {n} tên khác",
    once: "1 lần",
    times: "{n} lần",
    within: "trong {d}",
    units: ["giây", "phút", "giờ", "ngày"],
    stage: "Giai đoạn",
    stages: ["trinh sát", "xâm nhập", "bám trụ", "điều khiển từ xa", "gây hại"],
};

const EN: Phrases = Phrases {
    user: "account",
    from: "from address",
    host: "on host",
    with: "with address",
    unit: "at unit",
    system: "system",
    level: "level",
    more: "and {n} more",
    once: "once",
    times: "{n} times",
    within: "within {d}",
    units: ["s", "min", "h", "days"],
    stage: "Stage",
    stages: ["reconnaissance", "access", "foothold", "remote control", "impact"],
};

/// The story of alerts that are in order of time.
pub(super) fn story(alerts: &[Alert]) -> Vec<Sentence> {
    let mut told: Vec<Vec<&Alert>> = Vec::new();
    for alert in alerts {
        let same = |known: &Vec<&Alert>| {
            known.iter().any(|one| one.rule == alert.rule && one.entities.first() == alert.entities.first())
        };
        match told.iter().position(same) {
            Some(at) => told[at].push(alert),
            None if told.len() < SENTENCES_MAX => told.push(vec![alert]),
            None => {}
        }
    }
    told.iter().filter_map(|alerts| sentence(alerts)).collect()
}

fn sentence(alerts: &[&Alert]) -> Option<Sentence> {
    let first = alerts.first()?;
    let (begun, ended) =
        (alerts.iter().map(|alert| alert.first).min()?, alerts.iter().map(|alert| alert.last).max()?);
    let count = alerts.iter().fold(0u64, |sum, alert| sum.saturating_add(alert.count));
    let stage = Stage::of_tags(&first.tags);
    let text = |title: &str, phrases: &Phrases| {
        let parts = [about(alerts, phrases), often(count, ended.0.saturating_sub(begun.0), phrases)];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        format!("{title}: {}. {}: {}.", parts.join("; "), phrases.stage, phrases.stages[stage as usize])
    };
    Some(Sentence {
        first: begun,
        last: ended,
        stage,
        level: first.level,
        count,
        text: text(&first.title, &EN),
        text_vi: text(&first.title_vi, &VI),
    })
}

/// Who, from where, on what, of whom.
fn about(alerts: &[&Alert], phrases: &Phrases) -> String {
    let mut entities: Vec<&Entity> = Vec::new();
    for entity in alerts.iter().flat_map(|alert| &alert.entities) {
        if !entities.contains(&entity) {
            entities.push(entity);
        }
    }
    let named = |kind: EntityKind| -> Vec<&str> {
        entities.iter().filter(|entity| entity.kind == kind).map(|entity| entity.name.as_str()).collect()
    };
    let addresses = named(EntityKind::Address);
    let (source, others) = addresses.split_at(addresses.len().min(1));
    let unit = alerts.iter().map(|alert| alert.unit.as_str()).find(|unit| !unit.is_empty());
    let system = alerts.iter().find(|alert| !alert.system.is_empty());
    let parts = [
        list(phrases.user, &named(EntityKind::User), phrases),
        list(phrases.from, source, phrases),
        list(phrases.host, &named(EntityKind::Host), phrases),
        list(phrases.with, others, phrases),
        unit.map(|unit| format!("{} {unit}", phrases.unit)),
        system.map(|alert| match alert.system_level {
            0 => format!("{} {}", phrases.system, alert.system),
            level => format!("{} {} ({} {level})", phrases.system, alert.system, phrases.level),
        }),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn list(phrase: &str, names: &[&str], phrases: &Phrases) -> Option<String> {
    let shown = names.get(..names.len().min(NAMES_MAX)).filter(|shown| !shown.is_empty())?.join(", ");
    let more = names.len().saturating_sub(NAMES_MAX);
    let more = if more == 0 {
        String::new()
    } else {
        format!(" {}", phrases.more.replace("{n}", &more.to_string()))
    };
    Some(format!("{phrase} {shown}{more}"))
}

fn often(count: u64, ms: i64, phrases: &Phrases) -> String {
    let times =
        if count == 1 { phrases.once.to_owned() } else { phrases.times.replace("{n}", &count.to_string()) };
    if ms < 1000 {
        return times;
    }
    let seconds = ms / 1000;
    let steps = [(1, 0), (60, 1), (3600, 2), (86_400, 3)];
    let (length, unit) = steps.into_iter().rfind(|(length, _)| seconds >= *length * 2).unwrap_or((1, 0));
    let duration = format!("{} {}", seconds / length, phrases.units[unit]);
    format!("{times} {}", phrases.within.replace("{d}", &duration))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(rule: &str, first: i64, last: i64, count: u64, names: &[(EntityKind, &str)]) -> Alert {
        let entity = |(kind, name): &(EntityKind, &str)| Entity { kind: *kind, name: (*name).to_owned() };
        Alert {
            id: event::derived_id(&[rule]),
            rule: rule.to_owned(),
            title: format!("Rule {rule}"),
            title_vi: format!("Luật {rule}"),
            level: Severity::High,
            first: Time(first),
            last: Time(last),
            count,
            group: Vec::new(),
            entities: names.iter().map(entity).collect(),
            unit: "xa-a".to_owned(),
            system: "một-cửa".to_owned(),
            system_level: 3,
            tags: vec!["attack.credential-access".to_owned()],
            events: Vec::new(),
            because: Vec::new(),
            suppressed: None,
            authorised: None,
        }
    }

    #[test]
    fn alerts_become_sentences_in_order_and_repeats_of_one_rule_are_one() {
        use EntityKind::{Address, Host, User};
        let who = [(Address, "192.0.2.1"), (User, "an"), (Host, "may-1"), (Address, "192.0.2.9")];
        let crowd = [(Host, "may-2"), (User, "a"), (User, "b"), (User, "c"), (User, "d"), (User, "e")];
        let told = story(&[
            alert("a", 0, 30_000, 7, &who),
            alert("b", 5_000, 5_000, 1, &crowd),
            alert("a", 3_600_000, 7_200_000, 3, &who[..1]),
        ]);
        let texts: Vec<(&str, &str, u64)> =
            told.iter().map(|one| (one.text_vi.as_str(), one.text.as_str(), one.count)).collect();
        assert_eq!(
            texts,
            [
                (
                    "Luật a: tài khoản an, từ địa chỉ 192.0.2.1, trên máy may-1, cùng địa chỉ 192.0.2.9, tại đơn vị xa-a, \
                     hệ thống một-cửa (cấp độ 3); 10 lần trong 2 giờ. Giai đoạn: xâm nhập.",
                    "Rule a: account an, from address 192.0.2.1, on host may-1, with address 192.0.2.9, at unit xa-a, \
                     system một-cửa (level 3); 10 times within 2 h. Stage: access.",
                    10
                ),
                (
                    "Luật b: tài khoản a, b, c và 2 tên khác, trên máy may-2, tại đơn vị xa-a, hệ thống một-cửa (cấp độ 3); \
                     1 lần. Giai đoạn: xâm nhập.",
                    "Rule b: account a, b, c and 2 more, on host may-2, at unit xa-a, system một-cửa (level 3); once. \
                     Stage: access.",
                    1
                ),
            ]
        );
    }
}
