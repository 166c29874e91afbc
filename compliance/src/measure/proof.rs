//! Where a value can be seen: addresses of the dashboards and of the API.

use crate::assessment::{Proof, ProofKind};
use crate::day::Period;
use event::Time;
use std::fmt::Write as _;

/// As a part of an address.
fn part(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}"); // writing to a string cannot fail
        }
    }
    out
}

/// Events between two moments whose field is this.
pub(super) fn events(from: Time, to: Time, field: &str, value: &str) -> Proof {
    let query = part(&format!("{field}:\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")));
    let asked = format!("from={}&to={}&q={query}", part(&from.to_string()), part(&to.to_string()));
    Proof {
        kind: ProofKind::Events,
        page: format!("/events?{asked}"),
        api: format!("/api/v1/events?{asked}"),
    }
}

/// Incidents of the period that name this system or unit; all, if it is empty.
pub(super) fn incidents(period: Period, id: &str) -> Proof {
    let (from, to) = (part(&period.begin().to_string()), part(&period.end().to_string()));
    let asked = format!("q={}&from={from}&to={to}", part(id));
    Proof {
        kind: ProofKind::Incidents,
        page: format!("/incidents?status=new%2Cacknowledged%2Ccontained%2Cclosed&{asked}"),
        api: format!("/api/v1/incidents?{asked}"),
    }
}

/// A row of the registry.
pub(super) fn registry(kind: &str, id: &str) -> Proof {
    let id = part(id);
    Proof {
        kind: ProofKind::Registry,
        page: format!("/registry?kind={kind}&id={id}"),
        api: format!("/api/v1/registry/{kind}/{id}"),
    }
}

/// The rows of a kind that a unit has; all, if it is empty.
pub(super) fn registry_of(kind: &str, unit: &str) -> Proof {
    let unit = part(unit);
    Proof {
        kind: ProofKind::Registry,
        page: format!("/registry?kind={kind}&unit={unit}"),
        api: format!("/api/v1/registry/{kind}?unit={unit}"),
    }
}

/// An attestation.
pub(super) fn attestation(id: &str) -> Proof {
    let id = part(id);
    Proof {
        kind: ProofKind::Attestation,
        page: format!("/compliance?attestation={id}"),
        api: format!("/api/v1/compliance/attestations/{id}"),
    }
}

/// What was delivered.
pub(super) fn deliveries() -> Proof {
    Proof { kind: ProofKind::Deliveries, page: "/exchange".to_owned(), api: "/api/v1/audit".to_owned() }
}
