//! The simulated clock: every way that a vendor writes a time, formatted once a second.

use jiff::{Timestamp, tz::Offset};

/// Indochina Time: Vietnam has had no other since 1975.
const ICT_S: i32 = 7 * 3600;

/// A moment, and its cached texts.
pub(super) struct Clock {
    ms: u64,
    second: Option<u64>,
    zoneless: Offset,
    date: String,
    time: String,
    iso_local: String,
    iso_utc: String,
    bsd: String,
    asa: String,
    pan: String,
    web: String,
    iso_pan: String,
    eset: String,
    hour_local: u8,
}

impl Clock {
    /// `zoneless_s` is the offset of devices whose format does not tell it.
    pub(super) fn new(zoneless_s: i32) -> anyhow::Result<Self> {
        let text = String::new;
        Ok(Self {
            ms: 0,
            second: None,
            zoneless: Offset::from_seconds(zoneless_s)?,
            date: text(),
            time: text(),
            iso_local: text(),
            iso_utc: text(),
            bsd: text(),
            asa: text(),
            pan: text(),
            web: text(),
            iso_pan: text(),
            eset: text(),
            hour_local: 0,
        })
    }

    /// Goes to a moment, in milliseconds since 1970.
    pub(super) fn set(&mut self, ms: u64) {
        self.ms = ms;
        let second = ms / 1000;
        if self.second == Some(second) {
            return;
        }
        self.second = Some(second);
        // A time that jiff cannot hold is refused when the plan is made.
        let now = Timestamp::from_second(second.cast_signed()).unwrap_or(Timestamp::UNIX_EPOCH);
        let local = Offset::from_seconds(ICT_S).unwrap_or(Offset::UTC).to_datetime(now);
        let (utc, device) = (Offset::UTC.to_datetime(now), self.zoneless.to_datetime(now));
        self.date = local.strftime("%Y-%m-%d").to_string();
        self.time = local.strftime("%H:%M:%S").to_string();
        self.iso_local = local.strftime("%Y-%m-%dT%H:%M:%S").to_string();
        self.iso_utc = utc.strftime("%Y-%m-%dT%H:%M:%S").to_string();
        self.bsd = device.strftime("%b %e %H:%M:%S").to_string();
        self.asa = device.strftime("%b %d %Y %H:%M:%S").to_string();
        self.pan = device.strftime("%Y/%m/%d %H:%M:%S").to_string();
        self.web = local.strftime("%d/%b/%Y:%H:%M:%S +0700").to_string();
        self.iso_pan = format!("{}.000{}", device.strftime("%Y-%m-%dT%H:%M:%S"), offset(self.zoneless));
        self.eset = utc.strftime("%d-%b-%Y %H:%M:%S").to_string();
        self.hour_local = u8::try_from(local.hour()).unwrap_or(0);
    }

    pub(super) fn ms(&self) -> u64 {
        self.ms
    }
    pub(super) fn millisecond(&self) -> u64 {
        self.ms % 1000
    }
    pub(super) fn hour_local(&self) -> u8 {
        self.hour_local
    }
    /// `2026-11-23`
    pub(super) fn date(&self) -> &str {
        &self.date
    }
    /// `22:30:00`
    pub(super) fn time(&self) -> &str {
        &self.time
    }
    /// `2026-11-23T22:30:00`
    pub(super) fn iso_local(&self) -> &str {
        &self.iso_local
    }
    /// `2026-11-23T15:30:00`
    pub(super) fn iso_utc(&self) -> &str {
        &self.iso_utc
    }
    /// `Nov 23 15:30:00`
    pub(super) fn bsd(&self) -> &str {
        &self.bsd
    }
    /// `Nov 23 2026 15:30:00`
    pub(super) fn asa(&self) -> &str {
        &self.asa
    }
    /// `2026/11/23 15:30:00`
    pub(super) fn pan(&self) -> &str {
        &self.pan
    }
    /// `23/Nov/2026:22:30:00 +0700`
    pub(super) fn web(&self) -> &str {
        &self.web
    }
    /// `2026-11-23T15:30:00.000+00:00`, in the zone of the zoneless
    pub(super) fn iso_pan(&self) -> &str {
        &self.iso_pan
    }
    /// `23-Nov-2026 15:30:00`, in UTC
    pub(super) fn eset(&self) -> &str {
        &self.eset
    }
}

fn offset(offset: Offset) -> String {
    let (sign, minutes) =
        (if offset.is_negative() { '-' } else { '+' }, offset.seconds().unsigned_abs() / 60);
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}
