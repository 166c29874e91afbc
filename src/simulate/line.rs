//! One line under construction: bytes are appended to one shared buffer, because the simulator must outrun what it tests.

use super::clock::Clock;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};

/// Something that can be appended to a line.
pub(super) trait Piece {
    fn put(self, out: &mut Vec<u8>);
}

impl Piece for &str {
    fn put(self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.as_bytes());
    }
}

impl Piece for u64 {
    fn put(self, out: &mut Vec<u8>) {
        let (mut digits, mut at, mut rest) = ([0u8; 20], 20, self);
        loop {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        out.extend_from_slice(&digits[at..]);
    }
}

impl Piece for u16 {
    fn put(self, out: &mut Vec<u8>) {
        u64::from(self).put(out);
    }
}

impl Piece for Ipv4Addr {
    fn put(self, out: &mut Vec<u8>) {
        let [a, b, c, d] = self.octets();
        for (index, octet) in [a, b, c, d].into_iter().enumerate() {
            if index > 0 {
                out.push(b'.');
            }
            u64::from(octet).put(out);
        }
    }
}

impl Piece for IpAddr {
    fn put(self, out: &mut Vec<u8>) {
        match self {
            Self::V4(address) => address.put(out),
            // Writing to a vector cannot fail.
            Self::V6(address) => drop(write!(out, "{address}")),
        }
    }
}

/// Appends each piece in turn. The semicolon keeps rustfmt from setting every piece on a line of its own.
macro_rules! put {
    ($line:ident; $($piece:expr),+) => {{
        $( $crate::simulate::line::Piece::put($piece, $line.out); )+
    }};
}
pub(super) use put;

/// What a vendor's format function writes to and knows of the moment.
pub(super) struct Line<'a> {
    pub(super) out: &'a mut Vec<u8>,
    pub(super) clock: &'a Clock,
    /// Counts every line of the run from 1, so that session ids, process ids and record numbers are unique.
    pub(super) number: u64,
    pub(super) mark: Option<&'a str>,
}

impl Line<'_> {
    /// The marker, if one was asked for, between two strings.
    pub(super) fn mark(&mut self, before: &str, after: &str) {
        if let Some(mark) = self.mark {
            put!(self; before, mark, "-", self.number, after);
        }
    }

    /// An ISO time with microseconds (of which the last three tell lines of one millisecond apart) and offset.
    pub(super) fn iso(&mut self) {
        self.clock.iso_local().put(self.out);
        self.out.push(b'.');
        self.padded(self.clock.millisecond(), 3);
        self.padded(self.number % 1000, 3);
        "+07:00".put(self.out);
    }

    /// A number with leading zeros.
    pub(super) fn padded(&mut self, number: u64, width: usize) {
        let digits = number.checked_ilog10().unwrap_or(0) as usize + 1;
        for _ in digits..width {
            self.out.push(b'0');
        }
        number.put(self.out);
    }

    /// A syslog header up to the message. A marker needs RFC 5424, whose MSGID carries it.
    pub(super) fn header(&mut self, priority: u16, host: &str, app: &str, style: Style) {
        let process = 300 + self.number % 4_000_000;
        if style == Style::Rfc5424 || self.mark.is_some() {
            put!(self; "<", priority, ">1 ");
            self.iso();
            put!(self; " ", host, " ", app, " ", process, " ");
            match self.mark {
                Some(mark) => put!(self; mark, "-", self.number),
                None => put!(self; "-"),
            }
            return put!(self; " - ");
        }
        put!(self; "<", priority, ">");
        match style {
            Style::Iso => self.iso(),
            Style::Bsd | Style::Rfc5424 => put!(self; self.clock.bsd()),
        }
        put!(self; " ", host, " ", app, "[", process, "]: ");
    }
}

/// How a device writes its syslog header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// `Nov 23 15:30:00`, in the zone of `--tz-offset`.
    Bsd,
    /// RFC 3164 with an ISO time, as rsyslog forwards.
    Iso,
    Rfc5424,
}

/// SplitMix64: small, fast, and the same on every machine.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which must not be zero.
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(limit)) >> 64) as u64
    }

    pub(super) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or(0)
    }

    pub(super) fn pick<'t, T>(&mut self, from: &'t [T]) -> &'t T {
        &from[self.index(from.len())]
    }

    /// A number of bytes as connections have them: of many magnitudes, at most `2^(7 + magnitudes)`.
    pub(super) fn size(&mut self, magnitudes: u64) -> u64 {
        let magnitude = 8 + self.below(magnitudes);
        self.below(1 << magnitude)
    }

    /// An ephemeral port.
    pub(super) fn port(&mut self) -> u16 {
        49_152 + (self.next() >> 51) as u16
    }
}
