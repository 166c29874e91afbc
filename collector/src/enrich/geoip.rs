//! Where public addresses are and who runs their networks, from MaxMind DB files.
//!
//! Looking up and decoding costs about a microsecond; addresses repeat, so places are remembered in a table of fixed
//! size, one slot for each value of the address's hash. A newer address overwrites: no list to keep in order, no lock
//! that two threads are likely to meet at.

use event::{Event, Field, Value};
use maxminddb::Reader;
use serde::Deserialize;
use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Why a database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GeoipError {
    /// It cannot be read, or is no MaxMind DB.
    #[error("GeoIP database {path}: {error}; events get no places from it")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        error: maxminddb::MaxMindDbError,
    },
    /// It holds something that we do not use.
    #[error(
        "GeoIP database {path} is of type `{kind}`; wanted is one whose type names City, Country, ASN or ISP"
    )]
    Kind {
        /// The file.
        path: PathBuf,
        /// What it says it is.
        kind: String,
    },
}

/// The databases and what was found in them of late.
#[derive(Debug, Default)]
pub(super) struct Geoip {
    places: Option<Reader<Vec<u8>>>,
    networks: Option<Reader<Vec<u8>>>,
    remembered: Box<[Slot]>,
    hasher: RandomState,
}

type Slot = Mutex<Option<(IpAddr, Arc<Found>)>>;

/// What the databases say of one address; empty or 0 is unknown.
#[derive(Debug, Default, PartialEq)]
struct Found {
    country_iso_code: String,
    country_name: String,
    city_name: String,
    as_number: i64,
    as_organization: String,
}

/// The fields of one side of a connection.
struct Side {
    ip: Field,
    country_iso_code: Field,
    country_name: Field,
    city_name: Field,
    as_number: Field,
    as_organization: Field,
}

const SIDES: [Side; 2] = [
    Side {
        ip: Field::SOURCE_IP,
        country_iso_code: Field::SOURCE_GEO_COUNTRY_ISO_CODE,
        country_name: Field::SOURCE_GEO_COUNTRY_NAME,
        city_name: Field::SOURCE_GEO_CITY_NAME,
        as_number: Field::SOURCE_AS_NUMBER,
        as_organization: Field::SOURCE_AS_ORGANIZATION_NAME,
    },
    Side {
        ip: Field::DESTINATION_IP,
        country_iso_code: Field::DESTINATION_GEO_COUNTRY_ISO_CODE,
        country_name: Field::DESTINATION_GEO_COUNTRY_NAME,
        city_name: Field::DESTINATION_GEO_CITY_NAME,
        as_number: Field::DESTINATION_AS_NUMBER,
        as_organization: Field::DESTINATION_AS_ORGANIZATION_NAME,
    },
];

impl Geoip {
    pub(super) fn open(paths: &[PathBuf], addresses_max: usize) -> (Geoip, Vec<GeoipError>) {
        let mut errors = Vec::new();
        let mut geoip = Geoip::default();
        for path in paths {
            if let Err(error) = geoip.add(path) {
                errors.push(error);
            }
        }
        if geoip.places.is_some() || geoip.networks.is_some() {
            geoip.remembered = (0..addresses_max).map(|_| Slot::default()).collect();
        }
        (geoip, errors)
    }

    fn add(&mut self, path: &Path) -> Result<(), GeoipError> {
        let reader = Reader::open_readfile(path)
            .map_err(|error| GeoipError::Unreadable { path: path.to_owned(), error })?;
        let kind = reader.metadata().database_type.clone();
        if ["City", "Country", "Enterprise"].iter().any(|word| kind.contains(word)) {
            self.places = Some(reader);
        } else if ["ASN", "ISP"].iter().any(|word| kind.contains(word)) {
            self.networks = Some(reader);
        } else {
            return Err(GeoipError::Kind { path: path.to_owned(), kind });
        }
        Ok(())
    }

    pub(super) fn enrich(&self, event: &mut Event) {
        if self.places.is_none() && self.networks.is_none() {
            return;
        }
        for side in &SIDES {
            let Some(ip) = event.ip(side.ip).filter(|ip| is_public(*ip)) else { continue };
            let found = self.find(ip);
            for (field, text) in [
                (side.country_iso_code, &found.country_iso_code),
                (side.country_name, &found.country_name),
                (side.city_name, &found.city_name),
                (side.as_organization, &found.as_organization),
            ] {
                if !text.is_empty() {
                    event.set(field, Value::Text(text));
                }
            }
            if found.as_number != 0 {
                event.set(side.as_number, Value::Long(found.as_number));
            }
        }
    }

    fn find(&self, ip: IpAddr) -> Arc<Found> {
        let slots = u64::try_from(self.remembered.len()).unwrap_or(u64::MAX).max(1);
        let at = usize::try_from(self.hasher.hash_one(ip) % slots).unwrap_or(0);
        let Some(slot) = self.remembered.get(at) else { return Arc::new(self.look_up(ip)) };
        // A slot is written in one assignment, so one whose holder panicked is still whole.
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        match &*slot {
            Some((of, found)) if *of == ip => Arc::clone(found),
            _ => {
                let found = Arc::new(self.look_up(ip));
                *slot = Some((ip, Arc::clone(&found)));
                found
            }
        }
    }

    /// What a damaged record would say is taken as unknown: the file was checked when it was opened, and one bad
    /// record is no reason to hold up a line.
    fn look_up(&self, ip: IpAddr) -> Found {
        let mut found = Found::default();
        if let Some(place) = self.places.as_ref().and_then(|reader| record::<Place<'_>>(reader, ip)) {
            if let Some(country) = place.country {
                found.country_iso_code = country.iso_code.unwrap_or_default().to_owned();
                found.country_name = country.names.and_then(|names| names.en).unwrap_or_default().to_owned();
            }
            let names = place.city.and_then(|city| city.names);
            found.city_name = names.and_then(|names| names.en).unwrap_or_default().to_owned();
        }
        if let Some(network) = self.networks.as_ref().and_then(|reader| record::<Network<'_>>(reader, ip)) {
            found.as_number = i64::from(network.autonomous_system_number.unwrap_or(0));
            found.as_organization = network.autonomous_system_organization.unwrap_or_default().to_owned();
        }
        found
    }
}

fn record<'r, T: Deserialize<'r>>(reader: &'r Reader<Vec<u8>>, ip: IpAddr) -> Option<T> {
    reader.lookup(ip).ok()?.decode::<T>().ok()?
}

// Only what we use of a record: the rest is skipped undecoded.
#[derive(Deserialize)]
struct Place<'r> {
    #[serde(borrow)]
    country: Option<Country<'r>>,
    #[serde(borrow)]
    city: Option<City<'r>>,
}

#[derive(Deserialize)]
struct Country<'r> {
    iso_code: Option<&'r str>,
    #[serde(borrow)]
    names: Option<Names<'r>>,
}

#[derive(Deserialize)]
struct City<'r> {
    #[serde(borrow)]
    names: Option<Names<'r>>,
}

#[derive(Deserialize)]
struct Names<'r> {
    en: Option<&'r str>,
}

#[derive(Deserialize)]
struct Network<'r> {
    autonomous_system_number: Option<u32>,
    autonomous_system_organization: Option<&'r str>,
}

/// Whether a database may know the address. The ranges for documentation count as public: no published database has
/// them, and one made for an exercise may.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, ..] = ip.octets();
    let shared = a == 100 && (64..128).contains(&b); // carrier-grade NAT, RFC 6598
    let benchmark = a == 198 && (b == 18 || b == 19); // RFC 2544
    !(a == 0 || a >= 224 || shared || benchmark || ip.is_private() || ip.is_loopback() || ip.is_link_local())
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    // Global unicast is 2000::/3; the rest is local, multicast or not given out.
    ip.segments()[0] & 0xe000 == 0x2000
}

#[cfg(test)]
mod tests {
    use super::super::mmdb;
    use super::*;
    use event::{Draft, Raw, Time};

    fn event(source: &str, destination: &str) -> Event {
        let mut draft = Draft::new(&Raw::stdin("x", Time(0), 1));
        draft.put(Field::SOURCE_IP, source);
        draft.put(Field::DESTINATION_IP, destination);
        draft.finish()
    }

    fn opened(databases: &[Vec<u8>], addresses_max: usize) -> (Geoip, Vec<GeoipError>) {
        let dir = tempfile::tempdir().unwrap();
        let paths: Vec<PathBuf> =
            (0..databases.len()).map(|n| dir.path().join(format!("{n}.mmdb"))).collect();
        for (path, database) in paths.iter().zip(databases) {
            std::fs::write(path, database).unwrap();
        }
        Geoip::open(&paths, addresses_max)
    }

    fn built() -> Vec<Vec<u8>> {
        vec![
            mmdb::city(&[
                ("1.2.0.0/16", "VN", "Vietnam", "Hải Phòng"),
                ("1.3.0.0/16", "JP", "Japan", ""),
                ("2a02:1::/32", "FR", "France", "Lyon"),
                ("10.0.0.0/8", "XX", "Nowhere", "Nowhere"),
            ]),
            mmdb::asn(&[("1.2.3.0/24", 64_500, "Example Net")]),
        ]
    }

    #[test]
    fn both_sides_get_place_and_network() {
        let (geoip, errors) = opened(&built(), 16);
        assert!(errors.is_empty(), "{errors:?}");
        let mut event = event("1.2.3.4", "2a02:1::1");
        geoip.enrich(&mut event);
        assert_eq!(event.text(Field::SOURCE_GEO_COUNTRY_ISO_CODE), Some("VN"));
        assert_eq!(event.text(Field::SOURCE_GEO_COUNTRY_NAME), Some("Vietnam"));
        assert_eq!(event.text(Field::SOURCE_GEO_CITY_NAME), Some("Hải Phòng"));
        assert_eq!(event.long(Field::SOURCE_AS_NUMBER), Some(64_500));
        assert_eq!(event.text(Field::SOURCE_AS_ORGANIZATION_NAME), Some("Example Net"));
        assert_eq!(event.text(Field::DESTINATION_GEO_COUNTRY_ISO_CODE), Some("FR"));
        assert_eq!(event.get(Field::DESTINATION_AS_NUMBER), None);
    }

    #[test]
    fn a_full_table_forgets_and_finds_again() {
        for addresses_max in [0, 1] {
            let (geoip, _) = opened(&built(), addresses_max);
            for (address, country) in
                [("1.2.3.4", "VN"), ("1.3.0.1", "JP"), ("1.2.3.4", "VN"), ("1.2.3.4", "VN")]
            {
                let mut event = event(address, "");
                geoip.enrich(&mut event);
                assert_eq!(event.text(Field::SOURCE_GEO_COUNTRY_ISO_CODE), Some(country), "{addresses_max}");
            }
        }
    }

    #[test]
    fn private_addresses_have_no_place_even_if_a_database_has_one() {
        let (geoip, _) = opened(&built(), 16);
        let mut event = event("10.1.2.3", "fe80::1");
        geoip.enrich(&mut event);
        assert_eq!(event.get(Field::SOURCE_GEO_COUNTRY_ISO_CODE), None);
        for local in ["100.64.0.1", "127.0.0.1", "169.254.1.1", "198.19.0.1", "224.0.0.1", "fd00::1", "::1"] {
            assert!(!is_public(local.parse().unwrap()), "{local}");
        }
        for public in ["8.8.8.8", "100.128.0.1", "198.20.0.1", "2001:db8::1", "203.0.113.9"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn a_file_that_is_no_database_or_of_another_kind_is_named() {
        let (_, errors) = opened(&[b"not a database".to_vec(), mmdb::empty("Example-Anonymous-IP")], 16);
        let said: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert!(said[0].contains("0.mmdb"), "{said:?}");
        assert!(said[1].contains("1.mmdb") && said[1].contains("Example-Anonymous-IP"), "{said:?}");
    }

    /// The encoder of these tests and the reader could agree on a mistake; where MaxMind's published test databases
    /// lie beside the repository, they are read too.
    #[test]
    fn published_test_databases_are_read_where_they_are_at_hand() {
        let (geoip, _) = opened(&built(), 4);
        assert_eq!(geoip.look_up("1.3.9.9".parse().unwrap()).country_iso_code, "JP");
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/mmdb");
        let paths = ["GeoLite2-City-Test.mmdb", "GeoLite2-ASN-Test.mmdb"].map(|name| dir.join(name));
        if !paths.iter().all(|path| path.exists()) {
            return;
        }
        let (geoip, errors) = Geoip::open(&paths, 64);
        assert!(errors.is_empty(), "{errors:?}");
        let found = geoip.look_up("81.2.69.142".parse().unwrap());
        assert_eq!((found.country_iso_code.as_str(), found.city_name.as_str()), ("GB", "London"));
        let found = geoip.look_up("1.128.0.0".parse().unwrap());
        assert_eq!((found.as_number, found.as_organization.as_str()), (1221, "Telstra Pty Ltd"));
    }
}
