//! A line as a device sent it.

use crate::{EventId, Time};
use std::borrow::Cow;
use std::net::IpAddr;

/// How a line came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Transport {
    /// Syslog over UDP (RFC 5426).
    Udp = 1,
    /// Syslog over TCP (RFC 6587).
    Tcp = 2,
    /// Syslog over TLS (RFC 5425).
    Tls = 3,
    /// A followed file.
    File = 4,
    /// Standard input.
    Stdin = 5,
}

impl Transport {
    /// The word of `haidang.collector.transport`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
            Transport::Tls => "tls",
            Transport::File => "file",
            Transport::Stdin => "stdin",
        }
    }

    /// The transport that `number` stands for in the spool.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Transport> {
        Some(match number {
            1 => Transport::Udp,
            2 => Transport::Tcp,
            3 => Transport::Tls,
            4 => Transport::File,
            5 => Transport::Stdin,
            _ => return None,
        })
    }
}

/// A line and what intake knows of it.
#[derive(Clone, Copy, Debug)]
pub struct Raw<'a> {
    /// The line, without its frame or final newline; see [`Raw::readable`] for bytes that are not UTF-8.
    pub line: &'a str,
    /// Its id, given once.
    pub id: EventId,
    /// When it was received.
    pub received: Time,
    /// Who sent it, where the transport tells.
    pub peer: Option<IpAddr>,
    /// How it came.
    pub transport: Transport,
    /// The device's offset from UTC in seconds, for times that carry none. UTC if unknown.
    pub tz_offset_s: i32,
}

impl<'a> Raw<'a> {
    /// A line without a network origin, received at `received`: for filters and tests.
    #[must_use]
    pub fn stdin(line: &'a str, received: Time, sequence: u64) -> Raw<'a> {
        let id = EventId::new(received, 0, sequence);
        Raw { line, id, received, peer: None, transport: Transport::Stdin, tz_offset_s: 0 }
    }

    /// The bytes as text: what is not UTF-8 is written `\xHH`, so that no byte is lost.
    #[must_use]
    pub fn readable(bytes: &[u8]) -> Cow<'_, str> {
        if let Ok(text) = simdutf8::basic::from_utf8(bytes) {
            return Cow::Borrowed(text);
        }
        let mut text = String::with_capacity(bytes.len() * 2);
        for chunk in bytes.utf8_chunks() {
            text.push_str(chunk.valid());
            for byte in chunk.invalid() {
                use std::fmt::Write as _;
                let _ = write!(text, "\\x{byte:02X}"); // writing to a String cannot fail
            }
        }
        Cow::Owned(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_utf8_stay_readable() {
        assert_eq!(Raw::readable("Bà Rịa".as_bytes()), "Bà Rịa");
        assert_eq!(Raw::readable(b"a\xff\xfeb"), "a\\xFF\\xFEb");
    }
}
