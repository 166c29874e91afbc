//! The answers that an incident, the registry and the settings give to the forms.

use crate::form::{Answer, Answers, Form, FormError, FormId, Missing, Told};
use crate::incident_type::IncidentTypes;
use crate::letter::Letter;
use crate::{Config, DocxError, local};
use event::{Alert, Severity, Time};
use exchange::{Notice, Organisation};
use registry::{Network, Registry, System, Unit};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// So many names of one kind are told; a form is not an export.
const NAMES_MAX: usize = 20;

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file of ours is wrong.
    #[error(transparent)]
    Form(#[from] FormError),
    /// The document could not be written.
    #[error(transparent)]
    Docx(#[from] DocxError),
    /// The workbook could not be written.
    #[error("write the workbook: {0}")]
    Xlsx(#[from] rust_xlsxwriter::XlsxError),
}

/// What a person adds to what the system knows of an incident.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Particulars {
    /// The number that the registry of documents gave to the report.
    pub number: String,
    /// What happened, in place of the words made of the alerts.
    pub description: String,
    /// How it was noticed: any of `ids`, `logs`, `told`, `other`; `logs` if empty.
    pub discovery: Vec<String>,
    /// Who told of it, with `told`.
    pub told_by: String,
    /// How else, with `other`.
    pub discovery_other: String,
    /// Who was notified: any of `member`, `isp`, `coordinator`.
    pub notified: Vec<String>,
    /// Why it happened.
    pub cause: String,
    /// What it reached.
    pub scope: String,
    /// What was done against it.
    pub remedy: String,
    /// How it ended.
    pub result: String,
    /// What goes with the final report.
    pub documents: String,
    /// The operating system with its version.
    pub os: String,
    /// Any of `web`, `mail`, `database`, `other`.
    pub services: Vec<String>,
    /// Any of `antivirus`, `firewall`, `ids`, `other`.
    pub measures: Vec<String>,
    /// What the system is for.
    pub purpose: String,
    /// What goes with the initial report: any of `logs`, `samples`, `other`.
    pub attached: Vec<String>,
    /// Whether others have to keep it to themselves; not answered if absent.
    pub secret: Option<bool>,
    /// What help is asked for.
    pub request: String,
    /// The initial report's number.
    pub initial_number: String,
    /// The initial report's day, as it is to be printed.
    pub initial_day: String,
}

impl Particulars {
    /// What the forms do not know of it, each in a sentence.
    ///
    /// # Errors
    /// A file of ours is wrong.
    pub fn problems(&self) -> Result<Vec<String>, FormError> {
        let form = Form::of(FormId::Initial)?;
        let mut problems = Vec::new();
        for (name, key, values) in [
            ("discovery", "incident.discovery", &self.discovery),
            ("notified", "incident.notified", &self.notified),
            ("services", "system.services", &self.services),
            ("measures", "system.measures", &self.measures),
            ("attached", "attached", &self.attached),
        ] {
            let known = form.values(key);
            for value in values.iter().filter(|value| !known.contains(&value.as_str())) {
                problems.push(format!("`{name}` has any of {}, not `{value}`", known.join(", ")));
            }
        }
        Ok(problems)
    }
}

/// A report of an incident, as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct IncidentReport {
    /// The form's number.
    pub form: String,
    /// What the document is called.
    pub title: String,
    /// Where the form is from.
    pub citation: String,
    /// `confirmed` or `to-verify`.
    pub certainty: String,
    /// What the subject of the mail begins with.
    pub mail_subject: String,
    /// The incident's number.
    pub incident: i64,
    /// When it was detected.
    pub detected: Time,
    /// When the report was made.
    pub made: Time,
    /// The mandatory fields without an answer.
    pub missing: Vec<Missing>,
    /// Every field with its answer in words.
    pub fields: Vec<Told>,
}

/// An incident with what surrounds it.
#[derive(Clone, Debug)]
pub struct Case {
    notice: Notice,
    detected: Time,
    noticed: Vec<(String, u64)>,
    level: u8,
    system: Option<System>,
    /// Addresses of the system's machines.
    machines: Vec<String>,
    operator: Option<Unit>,
    owner: Option<Unit>,
    particulars: Particulars,
}

impl Case {
    /// The case of an incident: what others are told of it, when it was detected, its alerts, the system concerned.
    #[must_use]
    pub fn new(
        notice: Notice,
        detected: Time,
        alerts: &[Alert],
        (system, level): (&str, u8),
        registry: &Registry,
    ) -> Case {
        let unit = |id: &str| registry.units.iter().find(|unit| unit.id == id).cloned();
        let system = registry.systems.iter().find(|one| !one.id.is_empty() && one.id == system).cloned();
        let of = |one: &&registry::Asset| system.as_ref().is_some_and(|system| system.id == one.system);
        let machines = registry.assets.iter().filter(of).flat_map(|one| one.addresses.clone()).collect();
        let operator = unit(system.as_ref().map_or(notice.unit.as_str(), |system| system.unit.as_str()));
        let owner = system.as_ref().and_then(|system| unit(&system.owner));
        let mut noticed: Vec<(String, u64)> = Vec::new();
        for alert in alerts {
            match noticed.iter_mut().find(|(title, _)| *title == alert.title_vi) {
                Some((_, count)) => *count = count.saturating_add(alert.count),
                None => noticed.push((alert.title_vi.clone(), alert.count)),
            }
        }
        let owner = owner.or_else(|| operator.as_ref().and_then(|operator| unit(&operator.parent)));
        Case {
            notice,
            detected,
            noticed,
            level,
            system,
            machines,
            operator,
            owner,
            particulars: Particulars::default(),
        }
    }

    /// The same with what a person adds.
    #[must_use]
    pub fn with(self, particulars: Particulars) -> Case {
        Case { particulars, ..self }
    }

    /// The report in this form, made at `made`.
    ///
    /// # Errors
    /// A file of ours is wrong.
    pub fn report(
        &self,
        id: FormId,
        organisation: &Organisation,
        made: Time,
    ) -> Result<IncidentReport, ReportError> {
        let form = Form::of(id)?;
        let day = local::wall(self.detected).date();
        let answers = self.answers(organisation, made)?;
        Ok(IncidentReport {
            form: form.id.clone(),
            title: form.title.clone(),
            citation: form.citation.clone(),
            certainty: form.certainty.clone(),
            mail_subject: form.mail_subject.clone(),
            incident: self.notice.number,
            detected: self.detected,
            made,
            missing: form.missing(&answers, day),
            fields: form.told(&answers, day),
        })
    }

    /// The same as a Word document.
    ///
    /// # Errors
    /// A file of ours is wrong, or the document could not be written.
    pub fn docx(
        &self,
        id: FormId,
        config: &Config,
        organisation: &Organisation,
        made: Time,
    ) -> Result<Vec<u8>, ReportError> {
        let form = Form::of(id)?;
        let number = &self.particulars.number;
        let letter = Letter { config, organisation, number, made, title: &form.title, about: "" };
        let mut document = letter.begin();
        form.fill(&mut document, &self.answers(organisation, made)?, local::wall(self.detected).date());
        letter.sign(&mut document, "(Ký tên, đóng dấu)");
        Ok(document.write()?)
    }

    /// Every answer there is, for both forms.
    ///
    /// # Errors
    /// The file of the kinds of incident is wrong.
    pub fn answers(&self, organisation: &Organisation, made: Time) -> Result<Answers, FormError> {
        let mut answers = Answers::new();
        let mut text = |key, value: &str| drop(answers.insert(key, Answer::Text(value.to_owned())));
        text("reporter.name", &organisation.name);
        text("reporter.address", &organisation.address);
        text("reporter.telephone", &organisation.telephone);
        text("reporter.email", &organisation.email);
        text("contact.name", &organisation.contact_name);
        text("contact.position", &organisation.contact_position);
        text("contact.telephone", &organisation.contact_telephone);
        text("contact.email", &organisation.contact_email);
        text("operator.name", self.operator.as_ref().map_or("", |unit| &unit.name));
        text("owner.name", self.owner.as_ref().map_or("", |unit| &unit.name));
        let (domains, addresses) = (self.domains(), self.addresses());
        if let Some(system) = &self.system {
            let more: Vec<&str> = domains.iter().chain(&addresses).map(String::as_str).collect();
            let more = if more.is_empty() { String::new() } else { format!(" ({})", some(&more)) };
            text("system.name", &format!("{}{more}", system.name));
            text("system.provider", &system.provider);
            text("system.isp", &system.isp);
        }
        text("system.addresses", &addresses.join("; "));
        text("system.domains", &domains.join("; "));
        let own = &self.particulars;
        let description =
            if own.description.is_empty() { self.description()? } else { own.description.clone() };
        text("incident.description", &description);
        text("incident.day", &local::day(self.detected));
        text("incident.time", &local::clock(self.detected));
        for (key, value) in [
            ("incident.cause", &own.cause),
            ("incident.scope", &own.scope),
            ("incident.remedy", &own.remedy),
            ("incident.result", &own.result),
            ("incident.documents", &own.documents),
            ("system.os", &own.os),
            ("system.purpose", &own.purpose),
            ("request", &own.request),
            ("initial.number", &own.initial_number),
            ("initial.day", &own.initial_day),
        ] {
            text(key, value);
        }
        text("made", &local::moment(made));
        self.choices(&mut answers);
        Ok(answers)
    }

    fn choices(&self, answers: &mut Answers) {
        let own = &self.particulars;
        let all =
            |values: &[String]| values.iter().map(|value| (value.clone(), String::new())).collect::<Vec<_>>();
        let one = |value: &str| vec![(value.to_owned(), String::new())];
        let mut chosen = |key, values| drop(answers.insert(key, Answer::Chosen(values)));
        chosen("system.level", one(&self.level.to_string()));
        chosen("incident.state", one(if self.notice.is_closed { "handled" } else { "open" }));
        let mut discovery = if own.discovery.is_empty() { one("logs") } else { all(&own.discovery) };
        for (value, more) in &mut discovery {
            match value.as_str() {
                "told" => more.clone_from(&own.told_by),
                "other" => more.clone_from(&own.discovery_other),
                _ => {}
            }
        }
        chosen("incident.discovery", discovery);
        chosen("incident.notified", all(&own.notified));
        chosen("system.services", all(&own.services));
        chosen("system.measures", all(&own.measures));
        chosen("attached", all(&own.attached));
        if let Some(secret) = own.secret {
            chosen("secret", one(if secret { "yes" } else { "no" }));
        }
    }

    /// The system's addresses on the Internet; inner ones are nobody else's business.
    fn addresses(&self) -> Vec<String> {
        let all = self.system.iter().flat_map(|system| &system.addresses).chain(&self.machines);
        let mut outer: Vec<String> = all.filter(|text| is_outer(text)).cloned().collect();
        outer.sort();
        outer.dedup();
        outer.truncate(NAMES_MAX);
        outer
    }

    fn domains(&self) -> Vec<String> {
        self.system.iter().flat_map(|system| &system.domains).take(NAMES_MAX).cloned().collect()
    }

    /// What happened, in the words of the alerts: no accounts, and of addresses only those on the Internet.
    fn description(&self) -> Result<String, FormError> {
        let notice = &self.notice;
        let types = IncidentTypes::own()?;
        let kind = types.of(notice.techniques.iter().map(String::as_str));
        let mut lines = vec![
            format!(
                "{} (sự cố số {}, mức độ {}).",
                notice.title_vi,
                notice.number,
                severity(notice.severity)
            ),
            format!("Loại: {}.", kind.name),
            format!(
                "Từ {} đến {} ghi nhận {} sự kiện.",
                local::moment(notice.first),
                local::moment(notice.last),
                crate::docx::number(notice.events)
            ),
        ];
        let signs: Vec<String> =
            self.noticed.iter().map(|(title, count)| format!("{title} ({count} lần)")).collect();
        let addresses: Vec<String> =
            notice.addresses.iter().filter(|ip| is_outer_ip(**ip)).map(IpAddr::to_string).collect();
        for (label, names) in [
            ("Dấu hiệu", &signs),
            ("Địa chỉ liên quan trên Internet", &addresses),
            ("Máy liên quan", &notice.hosts),
            ("Mã độc", &notice.malware),
            ("Kỹ thuật tấn công (MITRE ATT&CK)", &notice.techniques),
        ] {
            if !names.is_empty() {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                lines.push(format!("{label}: {}.", some(&names)));
            }
        }
        Ok(lines.join("\n"))
    }
}

/// The first names, and how many there are more.
fn some(names: &[&str]) -> String {
    let shown = names.iter().take(NAMES_MAX).copied().collect::<Vec<_>>().join("; ");
    match names.len().saturating_sub(NAMES_MAX) {
        0 => shown,
        more => format!("{shown} và {more} mục khác"),
    }
}

/// The severity in Vietnamese.
pub(crate) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Informational => "thông tin",
        Severity::Low => "thấp",
        Severity::Medium => "trung bình",
        Severity::High => "cao",
        Severity::Critical => "nghiêm trọng",
    }
}

/// Whether an address or network of the registry is one of the Internet.
fn is_outer(text: &str) -> bool {
    text.parse::<Network>().is_ok_and(|network| {
        [network.start, network.last()]
            .iter()
            .all(|number| is_outer_ip(std::net::Ipv6Addr::from(*number).into()))
    })
}

fn is_outer_ip(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, ..] = ip.octets();
            let is_carrier = a == 100 && (64..128).contains(&b);
            !(ip.is_private() || ip.is_loopback() || ip.is_link_local() || a == 0 || a >= 224 || is_carrier)
        }
        IpAddr::V6(ip) => {
            let first = ip.segments()[0];
            !(ip.is_loopback()
                || ip.is_unspecified()
                || ip.is_multicast()
                || first & 0xfe00 == 0xfc00
                || first & 0xffc0 == 0xfe80)
        }
    }
}
