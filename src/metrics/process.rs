//! What the system says of this process, under the names that Prometheus' own clients give it.

use std::fs;

/// The kernel counts processor time in hundredths of a second for every program, whatever it counts in itself.
const TICK_MS: u64 = 10;

/// What this process takes. What the system does not say is 0.
#[derive(Default)]
pub(super) struct Usage {
    pub(super) processor_ms: u64,
    pub(super) resident_bytes: u64,
    pub(super) open_files: usize,
    pub(super) open_files_max: u64,
}

impl Usage {
    pub(super) fn read() -> Usage {
        let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let stat = text("/proc/self/stat");
        // Behind the name in brackets, which may hold anything.
        let fields: Vec<&str> =
            stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().collect()).unwrap_or_default();
        let field = |nth: usize| fields.get(nth).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        Usage {
            processor_ms: (field(11) + field(12)) * TICK_MS,
            resident_bytes: number_after(&text("/proc/self/status"), "VmRSS:") * 1024,
            open_files: fs::read_dir("/proc/self/fd").map_or(0, Iterator::count),
            open_files_max: number_after(&text("/proc/self/limits"), "Max open files"),
        }
    }
}

fn number_after(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_says_something_of_everything() {
        let usage = Usage::read();
        assert!(usage.resident_bytes > 1 << 20 && usage.open_files > 2 && usage.open_files_max > 2);
    }
}
