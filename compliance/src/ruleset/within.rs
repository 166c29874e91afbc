//! A length of time as rules write it: `0m`, `24h`, `5d`.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A length of time, to the minute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Within {
    /// Minutes.
    pub minutes: u32,
}

/// Ten years: nothing is due later.
const MINUTES_MAX: u32 = 10 * 366 * 24 * 60;

impl TryFrom<String> for Within {
    type Error = String;
    fn try_from(text: String) -> Result<Within, String> {
        let wrong = || format!("`{text}` is no length of time; write 30m, 24h or 5d");
        let unit = text.chars().last().ok_or_else(wrong)?;
        let each = match unit {
            'm' => 1,
            'h' => 60,
            'd' => 24 * 60,
            _ => return Err(wrong()),
        };
        let number =
            text.strip_suffix(unit).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        let number: u32 = number.and_then(|digits| digits.parse().ok()).ok_or_else(wrong)?;
        let minutes = number.checked_mul(each).filter(|minutes| *minutes <= MINUTES_MAX).ok_or_else(wrong)?;
        Ok(Within { minutes })
    }
}

impl fmt::Display for Within {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.minutes {
            0 => f.write_str("0m"),
            days if days % (24 * 60) == 0 && days > 4 * 24 * 60 => write!(f, "{}d", days / (24 * 60)),
            hours if hours % 60 == 0 => write!(f, "{}h", hours / 60),
            minutes => write!(f, "{minutes}m"),
        }
    }
}

impl From<Within> for String {
    fn from(within: Within) -> String {
        within.to_string()
    }
}
