//! What others warn of: a value that is bad to meet, who says so, until when, and to whom it may be shown.

use crate::Time;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// To whom something may be shown: FIRST's Traffic Light Protocol 2.0, in the order of secrecy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Tlp {
    /// Everyone.
    #[serde(rename = "clear")]
    Clear,
    /// The community.
    #[serde(rename = "green")]
    Green,
    /// The organisation and its clients.
    #[serde(rename = "amber")]
    Amber,
    /// The organisation alone.
    #[serde(rename = "amber+strict")]
    AmberStrict,
    /// The persons addressed.
    #[serde(rename = "red")]
    Red,
}

impl Tlp {
    /// Each of them, from the most open.
    pub const ALL: [Tlp; 5] = [Tlp::Clear, Tlp::Green, Tlp::Amber, Tlp::AmberStrict, Tlp::Red];

    /// The word of the standard, in lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Tlp::Clear => "clear",
            Tlp::Green => "green",
            Tlp::Amber => "amber",
            Tlp::AmberStrict => "amber+strict",
            Tlp::Red => "red",
        }
    }

    /// The colour that the word names, in any case, with or without `TLP:`; `white` is the older word for clear.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Tlp> {
        let name = name.trim().to_ascii_lowercase();
        let name = name.strip_prefix("tlp:").unwrap_or(&name);
        if name == "white" {
            return Some(Tlp::Clear);
        }
        Tlp::ALL.into_iter().find(|tlp| tlp.name() == name)
    }
}

/// What an indicator's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IndicatorKind {
    /// An address, or a network in CIDR form.
    Address,
    /// A domain name and what is below it.
    Domain,
    /// A URL.
    Url,
    /// An MD5 of a file.
    Md5,
    /// A SHA-1 of a file.
    Sha1,
    /// A SHA-256 of a file.
    Sha256,
    /// A SHA-512 of a file.
    Sha512,
}

impl IndicatorKind {
    /// Each of them.
    pub const ALL: [IndicatorKind; 7] = [
        IndicatorKind::Address,
        IndicatorKind::Domain,
        IndicatorKind::Url,
        IndicatorKind::Md5,
        IndicatorKind::Sha1,
        IndicatorKind::Sha256,
        IndicatorKind::Sha512,
    ];

    /// The word in files and tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            IndicatorKind::Address => "address",
            IndicatorKind::Domain => "domain",
            IndicatorKind::Url => "url",
            IndicatorKind::Md5 => "md5",
            IndicatorKind::Sha1 => "sha1",
            IndicatorKind::Sha256 => "sha256",
            IndicatorKind::Sha512 => "sha512",
        }
    }

    /// The kind that the word names.
    #[must_use]
    pub fn by_name(name: &str) -> Option<IndicatorKind> {
        IndicatorKind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The one way to write `value`, in which indicators are kept and compared; `None` if it is not of this kind, or
    /// so wide that it would meet everything (a network shorter than /8 or /16, a name without a dot).
    #[must_use]
    pub fn canonical(self, value: &str) -> Option<String> {
        let value = value.trim();
        match self {
            IndicatorKind::Address => network(value),
            IndicatorKind::Domain => domain(value).map(str::to_ascii_lowercase),
            IndicatorKind::Url => url(value),
            IndicatorKind::Md5 => hexadecimal(value, 32),
            IndicatorKind::Sha1 => hexadecimal(value, 40),
            IndicatorKind::Sha256 => hexadecimal(value, 64),
            IndicatorKind::Sha512 => hexadecimal(value, 128),
        }
    }
}

/// A value that somebody warns of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Indicator {
    /// Its id among those who exchange it: `indicator--` and a UUID.
    pub id: String,
    /// What `value` is.
    pub kind: IndicatorKind,
    /// In the form of [`IndicatorKind::canonical`].
    pub value: String,
    /// What it stands for, for people.
    pub name: String,
    /// Who says so.
    pub source: String,
    /// How sure they are, 0 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<u8>,
    /// To whom it may be shown.
    pub tlp: Tlp,
    /// From when it holds.
    pub valid_from: Time,
    /// When it ends to hold; at that moment it no longer does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<Time>,
}

/// The longest domain name (RFC 1035).
const DOMAIN_BYTES_MAX: usize = 253;
/// The longest URL that is kept.
const URL_BYTES_MAX: usize = 2048;

fn hexadecimal(value: &str, digits: usize) -> Option<String> {
    let fits = value.len() == digits && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    fits.then(|| value.to_ascii_lowercase())
}

fn domain(value: &str) -> Option<&str> {
    let value = value.strip_suffix('.').unwrap_or(value);
    let fits = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let is_name = value.len() <= DOMAIN_BYTES_MAX && value.contains('.') && value.split('.').all(fits);
    let is_address = value.parse::<IpAddr>().is_ok();
    (is_name && !is_address).then_some(value)
}

fn network(value: &str) -> Option<String> {
    let Some((address, length)) = value.split_once('/') else {
        return value.parse::<IpAddr>().ok().map(|address| address.to_canonical().to_string());
    };
    let address: IpAddr = address.parse().ok()?;
    let length: u32 = length.parse().ok()?;
    let (least, most) = if address.is_ipv4() { (8, 32) } else { (16, 128) };
    if !(least..=most).contains(&length) {
        return None;
    }
    if length == most {
        return Some(address.to_canonical().to_string());
    }
    let masked: IpAddr = match address {
        IpAddr::V4(address) => (u32::from(address) & (u32::MAX << (32 - length))).to_be_bytes().into(),
        IpAddr::V6(address) => (u128::from(address) & (u128::MAX << (128 - length))).to_be_bytes().into(),
    };
    Some(format!("{masked}/{length}"))
}

/// Scheme and host in lower case, no user, no default port, no fragment, a path of at least `/`.
fn url(value: &str) -> Option<String> {
    let (scheme, rest) = value.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_lowercase())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    let rest = rest.split('#').next().unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let host = authority.rsplit('@').next().unwrap_or_default();
    let default = match &*scheme {
        "http" => ":80",
        "https" => ":443",
        _ => "",
    };
    let host = if default.is_empty() { host } else { host.strip_suffix(default).unwrap_or(host) };
    let is_host = host.starts_with('[') || host.matches(':').count() <= 1;
    let fits = |byte: u8| byte > b' ' && byte != 0x7f;
    if !is_scheme || !is_host || host.is_empty() || value.len() > URL_BYTES_MAX || !value.bytes().all(fits) {
        return None;
    }
    let slash = if path.starts_with('/') { "" } else { "/" };
    Some(format!("{scheme}://{}{slash}{path}", host.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_one_way_to_be_written() {
        use IndicatorKind::{Address, Domain, Md5, Url};
        for (kind, given, kept) in [
            (Address, "198.51.100.7", Some("198.51.100.7")),
            (Address, "::ffff:198.51.100.7", Some("198.51.100.7")),
            (Address, "198.51.100.7/24", Some("198.51.100.0/24")),
            (Address, "198.51.100.7/32", Some("198.51.100.7")),
            (Address, "2001:DB8::1/32", Some("2001:db8::/32")),
            (Address, "0.0.0.0/0", None),
            (Address, "198.51.100", None),
            (Domain, "C2.Example.NET.", Some("c2.example.net")),
            (Domain, "localhost", None),
            (Domain, "198.51.100.7", None),
            (Domain, "a..example.net", None),
            (Url, "HTTP://User@Example.NET:80/Tải?x=1#y", Some("http://example.net/Tải?x=1")),
            (Url, "https://example.net", Some("https://example.net/")),
            (Url, "https://example.net?x", Some("https://example.net/?x")),
            (Url, "example.net/x", None),
            (Url, "http:///x", None),
            (Md5, "44D88612FEA8A8F36DE82E1278ABB02F", Some("44d88612fea8a8f36de82e1278abb02f")),
            (Md5, "44d88612", None),
        ] {
            assert_eq!(kind.canonical(given).as_deref(), kept, "{kind:?} {given}");
            if let Some(kept) = kept {
                assert_eq!(kind.canonical(kept).as_deref(), Some(kept), "canonical twice: {kept}");
            }
        }
    }

    #[test]
    fn colours_are_told_by_either_version_of_the_protocol() {
        assert_eq!(Tlp::by_name("TLP:AMBER+STRICT"), Some(Tlp::AmberStrict));
        assert_eq!(Tlp::by_name("white"), Some(Tlp::Clear));
        assert_eq!(Tlp::by_name("purple"), None);
        assert!(Tlp::ALL.is_sorted());
    }
}
