//! Times as people here read them: Asia/Ho_Chi_Minh, which is seven hours ahead of UTC all year.

use event::Time;
use jiff::civil::DateTime;
use jiff::tz::Offset;

/// The clock on the wall.
pub(crate) fn wall(time: Time) -> DateTime {
    let stamp = jiff::Timestamp::from_millisecond(time.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    Offset::constant(7).to_datetime(stamp)
}

/// `27/11/2026`.
pub(crate) fn day(time: Time) -> String {
    let at = wall(time);
    format!("{:02}/{:02}/{:04}", at.day(), at.month(), at.year())
}

/// `08 giờ 05 phút`.
pub(crate) fn clock(time: Time) -> String {
    let at = wall(time);
    format!("{:02} giờ {:02} phút", at.hour(), at.minute())
}

/// `08 giờ 05 phút, ngày 27/11/2026`.
pub(crate) fn moment(time: Time) -> String {
    format!("{}, ngày {}", clock(time), day(time))
}

/// `27/11/2026 08:05`, for tables.
pub(crate) fn short(time: Time) -> String {
    let at = wall(time);
    format!("{} {:02}:{:02}", day(time), at.hour(), at.minute())
}

/// `ngày 27 tháng 11 năm 2026`; Decree 30/2020 wants a 0 before days below 10 and before January and February.
pub(crate) fn date(time: Time) -> String {
    let at = wall(time);
    let month = if at.month() < 3 { format!("{:02}", at.month()) } else { at.month().to_string() };
    format!("ngày {:02} tháng {month} năm {}", at.day(), at.year())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_here() {
        let time = |text| Time::parse(text).unwrap();
        assert_eq!(moment(time("2026-12-31T16:59:59Z")), "23 giờ 59 phút, ngày 31/12/2026");
        assert_eq!(date(time("2026-12-31T17:00:00Z")), "ngày 01 tháng 01 năm 2027");
        assert_eq!(date(time("2028-02-28T17:00:00Z")), "ngày 29 tháng 02 năm 2028");
        assert_eq!(date(time("2026-09-04T17:00:00Z")), "ngày 05 tháng 9 năm 2026");
    }
}
