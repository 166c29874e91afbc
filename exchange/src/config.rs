//! Who we are to others, and what they may have of us.

use crate::edxml::AvReportConfig;
use crate::schedule::{DeliveryConfig, FeedConfig, ReleaseConfig};
use event::Tlp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The exchange's settings. Without any, nobody is told anything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Who we are.
    pub organisation: Organisation,
    /// What others may fetch from us and leave with us.
    pub taxii: TaxiiConfig,
    /// The antivirus report for the national centre.
    pub avreport: AvReportConfig,
    /// To whom that report is sent by itself.
    pub deliveries: Vec<DeliveryConfig>,
    /// What is fetched from others by itself.
    pub feeds: Vec<FeedConfig>,
    /// Which incidents others are let know of without a person.
    pub releases: Vec<ReleaseConfig>,
}

impl Config {
    /// What is wrong with it, each in a sentence.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.taxii.problems();
        problems.extend(self.avreport.problems());
        problems.extend(crate::schedule::problems(&self.deliveries, &self.feeds));
        problems.extend(crate::schedule::release_problems(&self.releases, &self.taxii));
        problems
    }
}

/// Who we are to others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Organisation {
    /// The code that tells us from others (`000.00.00.Hxx`); part of the ids that we give, so it should never change.
    pub code: String,
    /// Our name.
    pub name: String,
    /// Whom to write to.
    pub contact: String,
    /// Where we are.
    pub address: String,
    /// Our mail address.
    pub email: String,
    /// Our telephone.
    pub telephone: String,
    /// Our fax.
    pub fax: String,
    /// Our pages.
    pub website: String,
    /// Who answers for what we report.
    pub contact_name: String,
    /// Their position.
    pub contact_position: String,
    /// Their telephone.
    pub contact_telephone: String,
    /// Their mail address.
    pub contact_email: String,
}

impl Default for Organisation {
    fn default() -> Organisation {
        let name = "Trung tâm giám sát an ninh mạng".to_owned();
        let none = String::new;
        Organisation {
            code: "000.00.00.H00".to_owned(),
            name,
            contact: none(),
            address: none(),
            email: none(),
            telephone: none(),
            fax: none(),
            website: none(),
            contact_name: none(),
            contact_position: none(),
            contact_telephone: none(),
            contact_email: none(),
        }
    }
}

/// The TAXII 2.1 server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TaxiiConfig {
    /// The largest body that is taken, in bytes; beyond it 413. Others are told.
    pub content_bytes_max: usize,
    /// The largest object that is kept, in bytes; beyond it the object fails, with the others of its body unharmed.
    pub object_bytes_max: usize,
    /// Objects of one body; beyond it 422.
    pub objects_per_body_max: usize,
    /// Objects of one answer; a client that asks for more gets these and `next`.
    pub page_objects_max: u32,
    /// Objects of one collection; beyond it further ones fail.
    pub collection_objects_max: u32,
    /// Statuses of additions that are kept; the oldest go.
    pub statuses_max: u32,
    /// Whether addresses without the last slash and other media types than TAXII's are refused, as the standard says.
    /// Many clients need it not to be so.
    pub is_strict: bool,
    /// Whether an answer without objects says `"objects": []`, which the standard forbids and some clients need.
    pub says_empty: bool,
    /// What there is.
    pub collections: Vec<Collection>,
}

impl Default for TaxiiConfig {
    fn default() -> TaxiiConfig {
        TaxiiConfig {
            content_bytes_max: 10 << 20,
            object_bytes_max: 256 << 10,
            objects_per_body_max: 10_000,
            page_objects_max: 1000,
            collection_objects_max: 1_000_000,
            statuses_max: 1000,
            is_strict: false,
            says_empty: false,
            collections: Vec::new(),
        }
    }
}

/// A collection: objects for one audience.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Collection {
    /// A UUID, for ever.
    pub id: uuid::Uuid,
    /// A word that may stand for the id in an address.
    #[serde(default)]
    pub alias: Option<String>,
    /// What people call it.
    pub title: String,
    /// What is in it.
    #[serde(default)]
    pub description: String,
    /// The strictest colour that it may hold; anything stricter is refused at the door.
    pub tlp: Tlp,
    /// Who may read, and up to which colour: users by name, or a role as `@responder`.
    #[serde(default)]
    pub readers: BTreeMap<String, Tlp>,
    /// Who may write, in the same words.
    #[serde(default)]
    pub writers: Vec<String>,
}

impl Collection {
    /// The strictest colour that this user may see here; `None` if nothing.
    #[must_use]
    pub fn clearance(&self, user: &str, role: &str) -> Option<Tlp> {
        // Each may be given by name and by role: the person's own line counts, be it the lesser one.
        let given = self.readers.get(user).or_else(|| self.readers.get(&format!("@{role}")))?;
        Some((*given).min(self.tlp))
    }

    /// Whether this user may add objects.
    #[must_use]
    pub fn may_write(&self, user: &str, role: &str) -> bool {
        self.writers.iter().any(|who| who == user || who.strip_prefix('@') == Some(role))
    }
}

impl TaxiiConfig {
    /// The collection of this id or alias.
    #[must_use]
    pub fn collection(&self, name: &str) -> Option<&Collection> {
        let uuid = uuid::Uuid::parse_str(name).ok().filter(|_| name.len() == 36);
        self.collections.iter().find(|one| Some(one.id) == uuid || one.alias.as_deref() == Some(name))
    }

    /// What is wrong with it, each in a sentence.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (place, one) in self.collections.iter().enumerate() {
            let same = |other: &Collection| {
                other.id == one.id || (other.alias.is_some() && other.alias == one.alias)
            };
            if self.collections.iter().take(place).any(same) {
                problems.push(format!("collection `{}` has the id or alias of another", one.title));
            }
            let fits = |alias: &str| {
                !alias.is_empty()
                    && alias.len() <= 64
                    && alias.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
            };
            if one.alias.as_deref().is_some_and(|alias| !fits(alias)) {
                problems
                    .push(format!("collection `{}`: an alias has letters, digits, `-` and `_`", one.title));
            }
            for (who, tlp) in one.readers.iter().filter(|(_, tlp)| **tlp > one.tlp) {
                problems.push(format!(
                    "collection `{}` holds up to {}, but `{who}` may read up to {}",
                    one.title,
                    one.tlp.name(),
                    tlp.name()
                ));
            }
        }
        problems
    }
}
