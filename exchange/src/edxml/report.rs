//! What the report says, before it is redacted and written.

use super::config::{AvReportConfig, Redaction, Section};
use super::sign::Signer;
use super::xml::Writer;
use event::Time;

/// What antivirus found in a period, and how it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AvReport {
    /// The product, or several.
    pub product: String,
    /// The first moment of the period.
    pub from: Time,
    /// The moment after its last; the report's own time, so that the same period always gives the same report.
    pub to: Time,
    /// What was found.
    pub malware: Vec<Malware>,
    /// Which machine called an address that others warn of.
    pub connections: Vec<Connection>,
    /// Machines and their systems.
    pub systems: Vec<System>,
    /// Machines without an update for 15 days, where that is known.
    pub outdated: Option<u64>,
}

/// A machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Machine {
    /// Its name, or empty.
    pub name: String,
    /// Its address, or empty.
    pub address: String,
}

/// Malware on a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Malware {
    /// Where.
    pub machine: Machine,
    /// The name that the product gives it.
    pub name: String,
    /// What it is: `Trojan`; empty if nothing says so.
    pub kind: String,
    /// What was done: `threat-removed`.
    pub action: String,
    /// Where on the machine: `removable`, `disk`, or empty.
    pub device: String,
    /// How many files.
    pub files: u64,
}

/// A machine called an address that others warn of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    /// Which.
    pub machine: Machine,
    /// The program.
    pub program: String,
    /// Its MD5.
    pub md5: String,
    /// Its SHA-256.
    pub sha256: String,
    /// The address.
    pub target: String,
}

/// A machine's system.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct System {
    /// Which machine.
    pub machine: Machine,
    /// Its operating system.
    pub os: String,
    /// When its antivirus was last updated, where that is known.
    pub updated: Option<Time>,
}

impl AvReport {
    /// The element `AVReport`.
    pub(super) fn body(&self, config: &AvReportConfig, signer: &Signer) -> String {
        let mut out = Writer::new(&config.names);
        let product = if config.product.is_empty() { &self.product } else { &config.product };
        out.open("AVReport", &[("name", product)]);
        out.leaf("Datetime", &self.to.0.div_euclid(1000).to_string());
        let mut page = Page { out, config, signer };
        for section in Section::ALL.iter().filter(|section| config.sections.contains(section)) {
            self.section(*section, &mut page);
        }
        page.out.close("AVReport");
        page.out.finish()
    }

    fn section(&self, section: Section, page: &mut Page<'_>) {
        let name = match section {
            Section::Malware => "Malware",
            Section::Connection => "Connection",
            Section::Vulnerability => "Vulnerability",
            Section::Os => "OS",
            Section::Update => "Update",
            Section::QualityFeature => "QualityFeature",
        };
        page.out.open(name, &[]);
        match section {
            Section::Malware => {
                for found in &self.malware {
                    let files = found.files.to_string();
                    page.machine(
                        &found.machine,
                        "MalwareInfo",
                        &[
                            ("MalwareName", &found.name),
                            ("MalwareType", &found.kind),
                            ("MalwareBehavior", &found.action),
                            ("TypeOfDevice", &found.device),
                            ("NumberFile", &files),
                        ],
                    );
                }
            }
            Section::Connection => {
                for call in &self.connections {
                    page.machine(
                        &call.machine,
                        "ConnectionInfo",
                        &[
                            ("Program", &call.program),
                            ("Md5", &call.md5),
                            ("Sha2", &call.sha256),
                            ("TargetIP", &call.target),
                        ],
                    );
                }
            }
            Section::Os => {
                for system in &self.systems {
                    let updated = system.updated.map_or_else(String::new, |time| time.to_string());
                    page.machine(&system.machine, "", &[("OSName", &system.os), ("LastUpdate", &updated)]);
                }
            }
            Section::Update => {
                let outdated = self.outdated.map_or_else(String::new, |count| count.to_string());
                page.out.leaf("NumberMachineNotUpdateOn15Day", &outdated);
            }
            Section::Vulnerability | Section::QualityFeature => {}
        }
        page.out.close(name);
    }
}

/// The page that is written, and by which rules.
struct Page<'a> {
    out: Writer<'a>,
    config: &'a AvReportConfig,
    signer: &'a Signer,
}

impl Page<'_> {
    /// A machine and what is said of it, within `inner` if that has a name.
    fn machine(&mut self, machine: &Machine, inner: &str, said: &[(&str, &str)]) {
        let address = self.redacted(self.config.machine_addresses, &machine.address);
        let name = self.redacted(self.config.machine_names, &machine.name);
        self.out.open("Machine", &[("ip", &address), ("name", &name)]);
        if !inner.is_empty() {
            self.out.open(inner, &[]);
        }
        for (name, text) in said {
            self.out.leaf(name, text);
        }
        if !inner.is_empty() {
            self.out.close(inner);
        }
        self.out.close("Machine");
    }

    fn redacted(&self, how: Redaction, text: &str) -> String {
        match how {
            Redaction::Keep => text.to_owned(),
            Redaction::Pseudonym if !text.is_empty() => self.signer.pseudonym(text),
            Redaction::Pseudonym | Redaction::Drop => String::new(),
        }
    }
}
