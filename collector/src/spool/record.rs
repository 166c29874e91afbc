//! A line as it lies in the spool: length, checksum, then what intake knew of it and the line itself.
//!
//! All numbers are little-endian:
//! `length u32 | crc32 u32 | sequence u64 | received ms i64 | transport u8 | peer length u8 | offset s i32 | peer | line`.
//! `length` counts what follows the checksum, and the checksum covers it.

use event::{EventId, Time, Transport};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Length and checksum.
const FRAME: usize = 8;
/// Sequence, received, transport, peer length, offset.
const FIXED: usize = 8 + 8 + 1 + 1 + 4;
/// The shortest record, so the most records that a damaged range can have held is its length over this.
pub(super) const RECORD_BYTES_MIN: usize = FRAME + FIXED;
/// No record is longer: a length beyond it is damage, not a line.
pub(super) const RECORD_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A durable line, borrowed from the buffer of the batch it was read in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its place in the spool: it only grows, and is never given twice.
    pub sequence: u64,
    /// When it was received.
    pub received: Time,
    /// Who sent it.
    pub peer: Option<IpAddr>,
    /// How it came.
    pub transport: Transport,
    /// The device's offset from UTC in seconds.
    pub tz_offset_s: i32,
    /// The line, without frame or newline; any bytes.
    pub line: &'a [u8],
}

impl Record<'_> {
    /// The id of the event that this line becomes on collector `node`.
    #[must_use]
    pub fn id(&self, node: u16) -> EventId {
        EventId::new(self.received, node, self.sequence)
    }
}

/// Lines on their way into the spool, already in its form; one per read of a socket, so that the queue's lock
/// is taken once per read and not once per line.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    bytes: Vec<u8>,
    count: u64,
}

impl Lines {
    /// No lines yet.
    #[must_use]
    pub fn new() -> Lines {
        Lines::default()
    }

    /// Adds a line. The spool numbers it later.
    pub fn push(
        &mut self,
        line: &[u8],
        received: Time,
        peer: Option<IpAddr>,
        how: Transport,
        tz_offset_s: i32,
    ) {
        let line = line.get(..RECORD_BYTES_MAX / 2).unwrap_or(line);
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; FRAME + 8]); // length, checksum and sequence come later
        self.bytes.extend_from_slice(&received.0.to_le_bytes());
        self.bytes.push(how as u8);
        let (octets, length): ([u8; 16], u8) = match peer {
            None => ([0; 16], 0),
            Some(IpAddr::V4(ip)) => {
                let mut octets = [0; 16];
                octets[..4].copy_from_slice(&ip.octets());
                (octets, 4)
            }
            Some(IpAddr::V6(ip)) => (ip.octets(), 16),
        };
        self.bytes.push(length);
        self.bytes.extend_from_slice(&tz_offset_s.to_le_bytes());
        self.bytes.extend_from_slice(&octets[..usize::from(length)]);
        self.bytes.extend_from_slice(line);
        let length = u32::try_from(self.bytes.len() - start - FRAME).unwrap_or(u32::MAX);
        self.bytes[start..start + 4].copy_from_slice(&length.to_le_bytes());
        self.count += 1;
    }

    /// How many lines.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// How many bytes they take in the spool.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Forgets the lines, keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.count = 0;
    }

    pub(super) fn encoded(&self) -> &[u8] {
        &self.bytes
    }
}

/// Numbers and checksums the records of `bytes`, the first being `sequence`; gives the number after the last.
pub(super) fn seal(bytes: &mut [u8], mut sequence: u64) -> u64 {
    let mut rest = bytes;
    while let Some((frame, after)) = rest.split_first_chunk_mut::<FRAME>() {
        let length = u32::from_le_bytes([frame[0], frame[1], frame[2], frame[3]]) as usize;
        let Some((body, next)) = after.split_at_mut_checked(length) else { break };
        body[..8].copy_from_slice(&sequence.to_le_bytes());
        frame[4..].copy_from_slice(&crc32fast::hash(body).to_le_bytes());
        sequence += 1;
        rest = next;
    }
    sequence
}

/// What lies at the start of some bytes of a segment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decoded<'a> {
    /// A whole, undamaged record, and its length with its frame.
    Record(Record<'a>, usize),
    /// Perhaps a record, were there this many bytes.
    Short(usize),
    /// Not a record.
    Damaged,
}

/// Reads the record at the start of `bytes`.
pub(super) fn decode(bytes: &[u8]) -> Decoded<'_> {
    let Some((frame, rest)) = bytes.split_first_chunk::<FRAME>() else { return Decoded::Short(FRAME) };
    let length = u32::from_le_bytes([frame[0], frame[1], frame[2], frame[3]]) as usize;
    if !(FIXED..=RECORD_BYTES_MAX).contains(&length) {
        return Decoded::Damaged;
    }
    let Some(body) = rest.get(..length) else { return Decoded::Short(FRAME + length) };
    if frame[4..] != crc32fast::hash(body).to_le_bytes() {
        return Decoded::Damaged;
    }
    body_of(body).map_or(Decoded::Damaged, |record| Decoded::Record(record, FRAME + length))
}

/// The record in a body whose checksum holds.
pub(super) fn body_of(body: &[u8]) -> Option<Record<'_>> {
    let (sequence, rest) = body.split_first_chunk::<8>()?;
    let (received, rest) = rest.split_first_chunk::<8>()?;
    let (&[how, peer_length], rest) = rest.split_first_chunk::<2>()?;
    let (offset, rest) = rest.split_first_chunk::<4>()?;
    let (peer, line) = rest.split_at_checked(usize::from(peer_length))?;
    let peer = match peer.len() {
        0 => None,
        4 => Some(IpAddr::V4(Ipv4Addr::from(<[u8; 4]>::try_from(peer).ok()?))),
        16 => Some(IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(peer).ok()?))),
        _ => return None,
    };
    Some(Record {
        sequence: u64::from_le_bytes(*sequence),
        received: Time(i64::from_le_bytes(*received)),
        peer,
        transport: Transport::from_number(how)?,
        tz_offset_s: i32::from_le_bytes(*offset),
        line,
    })
}

/// The record that starts at `at`, frame included, of bytes that [`decode`] has checked before.
pub(super) fn checked(bytes: &[u8], at: usize) -> Option<Record<'_>> {
    let (frame, rest) = bytes.get(at..)?.split_first_chunk::<FRAME>()?;
    let length = u32::from_le_bytes([frame[0], frame[1], frame[2], frame[3]]) as usize;
    body_of(rest.get(..length)?)
}

/// Where the next whole record after damage begins in `bytes`. Lines are hostile and could hold a forged record,
/// so its number must be one that can come here: above `after`, and no further than the damage could have held.
pub(super) fn resync(bytes: &[u8], after: u64) -> Option<usize> {
    (1..bytes.len().saturating_sub(RECORD_BYTES_MIN - 1)).find(|&at| match decode(&bytes[at..]) {
        Decoded::Record(record, _) => {
            let most = (at / RECORD_BYTES_MIN) as u64 + 1;
            record.sequence > after && record.sequence - after <= most
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sealed(lines: &[&[u8]], first: u64) -> Vec<u8> {
        let mut batch = Lines::new();
        for line in lines {
            batch.push(line, Time(7), Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 9))), Transport::Udp, 25_200);
        }
        let mut bytes = batch.encoded().to_vec();
        assert_eq!(seal(&mut bytes, first), first + lines.len() as u64);
        bytes
    }

    #[test]
    fn damage_is_skipped_to_the_next_whole_record() {
        let mut bytes = sealed(&[b"one", b"two", b"three"], 10);
        bytes[45] ^= 1; // in the second record's body
        let Decoded::Record(first, length) = decode(&bytes) else { panic!("the first record is whole") };
        assert_eq!(first.line, b"one");
        assert_eq!(decode(&bytes[length..]), Decoded::Damaged);
        let at = resync(&bytes[length..], 10).unwrap();
        let Decoded::Record(third, _) = decode(&bytes[length + at..]) else { panic!("a record is there") };
        assert_eq!((third.sequence, third.line), (12, &b"three"[..]));
    }

    #[test]
    fn a_record_forged_inside_a_line_is_not_believed() {
        let forged = sealed(&[b"forged"], 9_000_000);
        let mut bytes = sealed(&[&forged], 1);
        bytes[4] ^= 1;
        assert_eq!(resync(&bytes, 0), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(line in proptest::collection::vec(any::<u8>(), 0..400), ms: i64, tz: i32, peer: Option<IpAddr>, sequence: u64) {
            let sequence = sequence / 2;
            let mut batch = Lines::new();
            batch.push(&line, Time(ms), peer, Transport::Tls, tz);
            let mut bytes = batch.encoded().to_vec();
            seal(&mut bytes, sequence);
            let expected = Record { sequence, received: Time(ms), peer, transport: Transport::Tls, tz_offset_s: tz, line: &line };
            prop_assert_eq!(decode(&bytes), Decoded::Record(expected, bytes.len()));
        }

        #[test]
        fn any_bytes_are_only_ever_damage(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(!matches!(decode(&bytes), Decoded::Record(..)));
            prop_assert_eq!(resync(&bytes, 0), None);
        }
    }
}
