//! A writer of small MaxMind DB files, so that tests need no published database.
//!
//! The format: a binary tree over the address's bits (24-bit records here), 16 zero bytes, the data, metadata.

use std::net::IpAddr;

/// A City database: network, country code, country, city (empty for none).
pub(super) fn city(rows: &[(&str, &str, &str, &str)]) -> Vec<u8> {
    let rows = rows.iter().map(|(network, code, country, city)| {
        let mut place = vec![(
            "country",
            map(&[
                ("geoname_id", uint(7)),
                ("iso_code", text(code)),
                ("names", map(&[("en", text(country))])),
            ]),
        )];
        if !city.is_empty() {
            place.push(("city", map(&[("names", map(&[("de", text("andere")), ("en", text(city))]))])));
        }
        (*network, map(&place))
    });
    database("Example-City", rows)
}

/// An ASN database: network, number, organisation.
pub(super) fn asn(rows: &[(&str, u32, &str)]) -> Vec<u8> {
    let rows = rows.iter().map(|(network, number, organization)| {
        let record = map(&[
            ("autonomous_system_number", uint(*number)),
            ("autonomous_system_organization", text(organization)),
        ]);
        (*network, record)
    });
    database("Example-ASN", rows)
}

/// A database without a record.
pub(super) fn empty(kind: &str) -> Vec<u8> {
    database(kind, std::iter::empty())
}

#[derive(Clone, Copy)]
enum Branch {
    Nothing,
    Node(usize),
    Data(usize),
}

fn database<'a>(kind: &str, rows: impl Iterator<Item = (&'a str, Vec<u8>)>) -> Vec<u8> {
    let mut nodes = vec![[Branch::Nothing; 2]];
    let mut data = Vec::new();
    for (network, record) in rows {
        let (address, length) = network.split_once('/').unwrap();
        let length: u32 = length.parse().unwrap();
        // IPv4 lies at ::/96.
        let (bits, length) = match address.parse().unwrap() {
            IpAddr::V4(ip) => (u128::from(u32::from(ip)), length + 96),
            IpAddr::V6(ip) => (u128::from(ip), length),
        };
        let mut at = 0;
        for depth in 0..length {
            let bit = usize::from(bits >> (127 - depth) & 1 == 1);
            if depth + 1 == length {
                nodes[at][bit] = Branch::Data(data.len());
            } else if let Branch::Node(next) = nodes[at][bit] {
                at = next;
            } else {
                nodes[at][bit] = Branch::Node(nodes.len());
                at = nodes.len();
                nodes.push([Branch::Nothing; 2]);
            }
        }
        data.extend(record);
    }
    let count = nodes.len();
    let mut out = Vec::new();
    for branch in nodes.iter().flatten() {
        let record = match branch {
            Branch::Nothing => count,
            Branch::Node(at) => *at,
            Branch::Data(at) => count + 16 + at,
        };
        out.extend_from_slice(&u32::try_from(record).unwrap().to_be_bytes()[1..]);
    }
    out.extend([0; 16]);
    out.extend(data);
    out.extend(b"\xab\xcd\xefMaxMind.com");
    out.extend(map(&[
        ("binary_format_major_version", short(2)),
        ("binary_format_minor_version", short(0)),
        ("build_epoch", [&[0x04, 0x02][..], &1_790_000_000u32.to_be_bytes()].concat()), // uint64, extended type 9
        ("database_type", text(kind)),
        ("description", map(&[("en", text("made for a test"))])),
        ("ip_version", short(6)),
        ("languages", vec![0x00, 0x04]), // an empty list: extended type 11
        ("node_count", uint(u32::try_from(count).unwrap())),
        ("record_size", short(24)),
    ]));
    out
}

/// Type 7: size, then keys and values.
fn map(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut out = vec![0xe0 | u8::try_from(entries.len()).unwrap()];
    for (key, value) in entries {
        out.extend(text(key));
        out.extend(value);
    }
    out
}

/// Type 2; from 29 bytes on the length is 29 and a byte with the rest.
fn text(text: &str) -> Vec<u8> {
    let length = u8::try_from(text.len()).unwrap();
    let mut out = if length < 29 { vec![0x40 | length] } else { vec![0x40 | 29, length - 29] };
    out.extend(text.as_bytes());
    out
}

/// Type 5: 16 bits.
fn short(number: u16) -> Vec<u8> {
    [&[0xa2][..], &number.to_be_bytes()].concat()
}

/// Type 6: 32 bits.
fn uint(number: u32) -> Vec<u8> {
    [&[0xc4][..], &number.to_be_bytes()].concat()
}
