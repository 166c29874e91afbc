//! A bar of progress on a terminal; elsewhere it is silent, so that no log fills with it.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// How often it is drawn.
const EVERY: Duration = Duration::from_millis(200);
/// How wide it is, in characters.
const WIDTH: usize = 30;

/// Progress towards a known total.
pub(crate) struct Bar {
    total: u64,
    begun: Instant,
    drawn: Option<Instant>,
    shown: bool,
}

impl Bar {
    /// A bar on standard error, shown if that is a terminal.
    pub(crate) fn new(total: u64) -> Bar {
        Bar { total, begun: Instant::now(), drawn: None, shown: std::io::stderr().is_terminal() }
    }

    /// A bar that is never shown.
    pub(crate) fn hidden() -> Bar {
        Bar { shown: false, ..Bar::new(0) }
    }

    /// Shows that `done` are done, with a word more, unless it was drawn just now.
    pub(crate) fn draw(&mut self, done: u64, more: &str) {
        if self.shown && self.drawn.is_none_or(|drawn| drawn.elapsed() >= EVERY) {
            self.drawn = Some(Instant::now());
            let text = text(done, self.total, self.begun.elapsed(), more);
            let _ = write!(std::io::stderr(), "\r{text}\x1b[K"); // a terminal that is gone needs no bar
        }
    }

    /// Draws it a last time and leaves its line.
    pub(crate) fn end(&mut self, done: u64, more: &str) {
        self.drawn = None;
        self.draw(done, more);
        if self.shown {
            let _ = writeln!(std::io::stderr());
        }
    }
}

fn text(done: u64, total: u64, elapsed: Duration, more: &str) -> String {
    let done = done.min(total);
    let percent = (u128::from(done) * 100).checked_div(u128::from(total)).unwrap_or(100);
    let filled = usize::try_from(percent).unwrap_or(100) * WIDTH / 100;
    let each_s = u128::from(done) * 1000 / elapsed.as_millis().max(1);
    format!(
        "{}{} {percent:3} % {done} / {total}, {each_s}/s{more}",
        "█".repeat(filled),
        "░".repeat(WIDTH - filled)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_tells_share_number_and_pace_and_never_overflows() {
        let half = text(5, 10, Duration::from_secs(2), ", 3 matches");
        assert_eq!(half, format!("{}{}  50 % 5 / 10, 2/s, 3 matches", "█".repeat(15), "░".repeat(15)));
        assert!(text(0, 0, Duration::ZERO, "").contains("100 % 0 / 0"));
        assert!(text(12, 10, Duration::MAX, "").contains("100 % 10 / 10, 0/s"));
        assert!(text(u64::MAX, u64::MAX, Duration::ZERO, "").contains("100 %"));
    }
}
