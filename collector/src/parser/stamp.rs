//! Moments as devices write them, read by arithmetic: a time library's general parser would cost more than all the
//! rest of a line.

use event::{Raw, Time};

const DAY_MS: i64 = 86_400_000;
/// How far before us a clock without a year may be: beyond, the line is last year's.
const AHEAD_MAX_MS: i64 = 7 * DAY_MS;

/// A calendar date and a time of day, not yet checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Civil {
    pub(super) year: i64,
    pub(super) month: i64,
    pub(super) day: i64,
    pub(super) hour: i64,
    pub(super) minute: i64,
    pub(super) second: i64,
    pub(super) milli: i64,
}

impl Civil {
    /// The moment, read as UTC, if there is such a day and time. A leap second is the next minute's first.
    pub(super) fn utc(self) -> Option<Time> {
        let leap = self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0);
        let days = match self.month {
            2 => 28 + i64::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        let fits = (1970..=9998).contains(&self.year)
            && (1..=days).contains(&self.day)
            && self.hour < 24
            && self.minute < 60
            && self.second <= 60;
        if !fits {
            return None;
        }
        // The year begins in March, so that the leap day is its last.
        let year = self.year - i64::from(self.month <= 2);
        let day_of_year = (153 * ((self.month + 9) % 12) + 2) / 5 + self.day - 1;
        let days = year * 365 + year / 4 - year / 100 + year / 400 + day_of_year - 719_468;
        Some(Time(days * DAY_MS + ((self.hour * 60 + self.minute) * 60 + self.second) * 1000 + self.milli))
    }

    /// The moment on the device's clock.
    fn local(self, raw: &Raw<'_>) -> Option<Time> {
        Some(self.utc()?.plus_ms(-i64::from(raw.tz_offset_s) * 1000))
    }

    /// The moment in the latest year that puts it at most a week after the line was received: devices run ahead by
    /// minutes, while a file read in may be months old.
    fn nearest(self, raw: &Raw<'_>, offset_s: i64) -> Option<Time> {
        let year = 1970 + raw.received.0.div_euclid(DAY_MS) * 400 / 146_097;
        (year - 9..=year + 1).rev().find_map(|year| {
            let time = Civil { year, ..self }.utc()?.plus_ms(-offset_s * 1000);
            (time.0 <= raw.received.0.saturating_add(AHEAD_MAX_MS)).then_some(time)
        })
    }
}

/// A place in a text; every reader moves it only if it succeeds.
#[derive(Clone, Copy)]
struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scan<'_> {
    fn peek(&self) -> u8 {
        self.bytes.get(self.at).copied().unwrap_or(0)
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.bytes.get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    /// Exactly `count` digits.
    fn digits(&mut self, count: usize) -> Option<i64> {
        let digits = self.bytes.get(self.at..self.at + count)?;
        let mut number = 0;
        for digit in digits {
            if !digit.is_ascii_digit() {
                return None;
            }
            number = number * 10 + i64::from(digit - b'0');
        }
        self.at += count;
        Some(number)
    }

    /// One or two digits; a blank may stand for the first.
    fn one_or_two(&mut self) -> Option<i64> {
        if self.peek() == b' ' {
            self.at += 1;
            return self.digits(1);
        }
        self.digits(2).or_else(|| self.digits(1))
    }

    /// Three letters in any case.
    fn month(&mut self) -> Option<i64> {
        let word = self.bytes.get(self.at..self.at + 3)?;
        let lower = [word[0] | 32, word[1] | 32, word[2] | 32];
        let month = match &lower {
            b"jan" => 1,
            b"feb" => 2,
            b"mar" => 3,
            b"apr" => 4,
            b"may" => 5,
            b"jun" => 6,
            b"jul" => 7,
            b"aug" => 8,
            b"sep" => 9,
            b"oct" => 10,
            b"nov" => 11,
            b"dec" => 12,
            _ => return None,
        };
        self.at += 3;
        Some(month)
    }

    /// `hh:mm:ss`, a fraction, ` AM`.
    fn clock(&mut self, civil: &mut Civil) -> Option<()> {
        civil.hour = self.one_or_two()?;
        if !self.eat(b':') {
            return None;
        }
        civil.minute = self.digits(2)?;
        if self.eat(b':') {
            civil.second = self.digits(2)?;
        }
        self.half_day(civil);
        if matches!(self.peek(), b'.' | b',') && self.bytes.get(self.at + 1).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
            civil.milli = self.fraction();
        }
        self.half_day(civil);
        Some(())
    }

    fn half_day(&mut self, civil: &mut Civil) {
        let rest = self.bytes.get(self.at..self.at + 3).unwrap_or_default();
        let ends = !self.bytes.get(self.at + 3).is_some_and(u8::is_ascii_alphanumeric);
        match rest {
            b" AM" if ends && civil.hour == 12 => civil.hour = 0,
            b" AM" if ends => {}
            b" PM" if ends && civil.hour < 12 => civil.hour += 12,
            b" PM" if ends => {}
            _ => return,
        }
        self.at += 3;
    }

    /// The digits of a fraction as milliseconds, cut off.
    fn fraction(&mut self) -> i64 {
        let (mut milli, mut scale) = (0, 100);
        while self.peek().is_ascii_digit() {
            milli += i64::from(self.peek() - b'0') * scale;
            scale /= 10;
            self.at += 1;
        }
        milli
    }

    /// `Z`, `+hh:mm`, `-hhmm`, in seconds.
    fn offset(&mut self) -> Option<i64> {
        let before = *self;
        if matches!(self.peek(), b'Z' | b'z') {
            self.at += 1;
            return Some(0);
        }
        let sign = match self.peek() {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        self.at += 1;
        let offset = self.digits(2).and_then(|hours| {
            self.eat(b':');
            let minutes = self.digits(2).unwrap_or(0);
            (hours <= 14 && minutes < 60 && !self.peek().is_ascii_digit())
                .then_some(hours * 3600 + minutes * 60)
        });
        if offset.is_none() {
            *self = before;
        }
        offset.map(|offset| sign * offset)
    }

    /// A blank and a known zone's name.
    fn zone(&mut self) -> Option<i64> {
        let rest = self.bytes.get(self.at + 1..)?;
        if self.peek() != b' ' {
            return None;
        }
        let len = rest.iter().take(6).take_while(|byte| byte.is_ascii_uppercase()).count();
        if !matches!(rest.get(len), None | Some(b' ' | b':')) {
            return None;
        }
        let offset_s = zone_offset_s(rest.get(..len)?)?;
        self.at += 1 + len;
        Some(offset_s)
    }
}

/// Zones that devices print by name. Where a name means several, it is the one that network devices print.
fn zone_offset_s(name: &[u8]) -> Option<i64> {
    let quarters = match name {
        b"UTC" | b"GMT" | b"UCT" | b"WET" => 0,
        b"BST" | b"CET" | b"WEST" => 4,
        b"CEST" | b"EET" | b"SAST" => 8,
        b"EEST" | b"MSK" | b"TRT" => 12,
        b"GST" => 16,
        b"PKT" => 20,
        b"IST" => 22,
        b"ICT" | b"WIB" => 28,
        b"SGT" | b"HKT" | b"PHT" | b"MYT" | b"AWST" => 32,
        b"JST" | b"KST" => 36,
        b"AEST" => 40,
        b"AEDT" => 44,
        b"NZST" => 48,
        b"NZDT" => 52,
        b"BRT" | b"ADT" => -12,
        b"EDT" | b"AST" => -16,
        b"EST" | b"CDT" => -20,
        b"CST" | b"MDT" => -24,
        b"MST" | b"PDT" => -28,
        b"PST" | b"AKDT" => -32,
        b"AKST" => -36,
        b"HST" => -40,
        _ => return None,
    };
    Some(quarters * 900)
}

/// `2026-07-01T07:00:00.123+07:00` and its relatives: `/` in the date, a blank for the `T`, a comma before the
/// fraction, a blank before the offset, no offset (then the device's). Gives the moment and what follows it.
pub(super) fn iso<'a>(text: &'a str, raw: &Raw<'_>) -> Option<(Time, &'a str)> {
    let mut scan = Scan { bytes: text.as_bytes(), at: 0 };
    let mut civil = Civil { year: scan.digits(4)?, ..Civil::default() };
    let dash = scan.peek();
    if !matches!(dash, b'-' | b'/') {
        return None;
    }
    scan.at += 1;
    civil.month = scan.digits(2)?;
    if !scan.eat(dash) {
        return None;
    }
    civil.day = scan.digits(2)?;
    if !scan.eat(b'T') && !scan.eat(b' ') {
        return None;
    }
    scan.clock(&mut civil)?;
    let mut offset_s = scan.offset().or_else(|| scan.zone());
    if offset_s.is_none() && scan.peek() == b' ' {
        let mut after = Scan { at: scan.at + 1, ..scan };
        if matches!(after.peek(), b'+' | b'-') {
            offset_s = after.offset();
            scan = if offset_s.is_some() { after } else { scan };
        }
    }
    let time = match offset_s {
        Some(offset_s) => civil.utc()?.plus_ms(-offset_s * 1000),
        None => civil.local(raw)?,
    };
    Some((time, text.get(scan.at..)?))
}

/// `Jul  1 07:00:00` and its relatives: Cisco's `*` or `.` before it, a year before the month, after the day or after
/// the time, a fraction, a zone's name. Without a year, see [`Civil::nearest`].
pub(super) fn bsd<'a>(text: &'a str, raw: &Raw<'_>) -> Option<(Time, &'a str)> {
    let mut scan = Scan { bytes: text.as_bytes(), at: 0 };
    if matches!(scan.peek(), b'*' | b'.') {
        scan.at += 1;
    }
    let mut civil = Civil::default();
    if scan.peek().is_ascii_digit() {
        civil.year = scan.digits(4)?;
        if !scan.eat(b' ') {
            return None;
        }
    }
    civil.month = scan.month()?;
    if !scan.eat(b' ') {
        return None;
    }
    civil.day = scan.one_or_two()?;
    scan.eat(b',');
    if !scan.eat(b' ') {
        return None;
    }
    if civil.year == 0 && scan.bytes.get(scan.at + 4) == Some(&b' ') {
        civil.year = scan.digits(4)?;
        scan.at += 1;
    }
    scan.clock(&mut civil)?;
    let mut offset_s = scan.zone().or_else(|| scan.offset());
    if civil.year == 0 {
        let mut after = scan;
        let year = if after.eat(b' ') { after.digits(4) } else { None };
        if let Some(year @ 1970..=2199) = year
            && matches!(after.peek(), 0 | b' ' | b':')
        {
            civil.year = year;
            scan = after;
            offset_s = offset_s.or_else(|| scan.zone());
        }
    }
    let told_s = offset_s.unwrap_or(i64::from(raw.tz_offset_s));
    let time =
        if civil.year == 0 { civil.nearest(raw, told_s)? } else { civil.utc()?.plus_ms(-told_s * 1000) };
    Some((time, text.get(scan.at..)?))
}

/// Seconds since 1970 with or without a fraction, or milli-, micro- or nanoseconds by the number's length.
pub(super) fn epoch(text: &str) -> Option<(Time, &str)> {
    let len = text.bytes().take_while(u8::is_ascii_digit).count();
    let number: i64 = text.get(..len)?.parse().ok()?;
    let mut scan = Scan { bytes: text.as_bytes(), at: len };
    let ms = match len {
        9 | 10 => {
            let milli = if scan.eat(b'.') { scan.fraction() } else { 0 };
            number * 1000 + milli
        }
        13 => number,
        16 => number / 1000,
        19 => number / 1_000_000,
        _ => return None,
    };
    Some((Time(ms), text.get(scan.at..)?))
}

/// Any of the forms, whole.
pub(super) fn whole(text: &str, raw: &Raw<'_>) -> Option<Time> {
    let (time, rest) = iso(text, raw).or_else(|| bsd(text, raw)).or_else(|| epoch(text))?;
    rest.trim().is_empty().then_some(time)
}

/// A date and a time that stand apart, `2026-07-01` and `07:00:00`, on a clock `offset_s` from UTC.
pub(super) fn date_and_time(date: &str, time: &str, offset_s: i64) -> Option<Time> {
    let mut civil = Civil::default();
    let mut scan = Scan { bytes: date.as_bytes(), at: 0 };
    civil.year = scan.digits(4)?;
    scan.at += 1;
    civil.month = scan.digits(2)?;
    scan.at += 1;
    civil.day = scan.digits(2)?;
    Scan { bytes: time.as_bytes(), at: 0 }.clock(&mut civil)?;
    Some(civil.utc()?.plus_ms(-offset_s * 1000))
}

/// An offset by itself: `+0700`, `-05:30`, `Z`.
pub(super) fn offset_s(text: &str) -> Option<i64> {
    let mut scan = Scan { bytes: text.as_bytes(), at: 0 };
    let offset_s = scan.offset()?;
    (scan.at == text.len()).then_some(offset_s)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Time {
        Time::parse(text).unwrap()
    }

    fn raw(received: &str, tz_offset_s: i32) -> Raw<'static> {
        Raw { tz_offset_s, ..Raw::stdin("", at(received), 1) }
    }

    #[test]
    fn a_time_without_a_year_takes_the_latest_that_is_not_a_week_ahead() {
        let cases = [
            ("2026-01-01T00:10:00Z", "Dec 31 23:59:00", "2025-12-31T23:59:00Z"),
            ("2025-12-31T23:59:00Z", "Jan  1 00:10:00", "2026-01-01T00:10:00Z"),
            ("2026-07-01T00:00:00Z", "Jul  9 00:00:00", "2025-07-09T00:00:00Z"),
            ("2026-07-01T00:00:00Z", "Jul  7 00:00:00", "2026-07-07T00:00:00Z"),
            ("2026-07-01T00:00:00Z", "Feb 29 12:00:00", "2024-02-29T12:00:00Z"),
        ];
        for (received, text, expected) in cases {
            assert_eq!(bsd(text, &raw(received, 0)), Some((at(expected), "")), "{text}");
        }
    }

    #[test]
    fn every_form_that_devices_send_is_read() {
        let raw = raw("2026-07-02T00:00:00Z", 25_200);
        let cases = [
            ("2026-07-01T07:00:00.123456+07:00 x", "2026-07-01T00:00:00.123Z", " x"),
            ("2026-07-01 07:00:00,5 x", "2026-07-01T00:00:00.500Z", " x"),
            ("2026/07/01 07:00:00 +0000  x", "2026-07-01T07:00:00Z", "  x"),
            ("2026-07-01T07:00:00Z", "2026-07-01T07:00:00Z", ""),
            ("2026-06-30T23:59:60Z", "2026-07-01T00:00:00Z", ""),
            ("*Jul  1 07:00:00.250: x", "2026-07-01T00:00:00.250Z", ": x"),
            (".Jul 1 2026 07:00:00 UTC: x", "2026-07-01T07:00:00Z", ": x"),
            ("2026 Jul  1 02:00:00 CDT: x", "2026-07-01T07:00:00Z", ": x"),
            ("Jul 01 07:00:00 2026 x", "2026-07-01T00:00:00Z", " x"),
            ("Jul 1 2026 07:00:00 PM.123 UTC : x", "2026-07-01T19:00:00.123Z", " : x"),
        ];
        for (text, expected, rest) in cases {
            let read = iso(text, &raw).or_else(|| bsd(text, &raw));
            assert_eq!(read, Some((at(expected), rest)), "{text}");
        }
        assert_eq!(epoch("1782838800.250 x"), Some((Time(1_782_838_800_250), " x")));
        assert_eq!(epoch("1782838800250000000"), Some((Time(1_782_838_800_250), "")));
        for no_time in
            ["2026-13-01T00:00:00Z", "2026-02-29 00:00:00", "Jul 1", "Foo  1 00:00:00", "12:00:00", ""]
        {
            assert_eq!(whole(no_time, &raw), None, "{no_time}");
        }
    }

    proptest! {
        #[test]
        fn every_moment_that_is_written_is_read_back(ms in 0i64..250_000_000_000_000) {
            let text = Time(ms).to_string();
            prop_assert_eq!(iso(&text, &raw("2026-07-01T00:00:00Z", 3600)), Some((Time(ms), "")));
        }
    }
}
