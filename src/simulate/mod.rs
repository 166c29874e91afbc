//! `haidang simulate`: a province's traffic with known attacks in it, over real syslog.
//!
//! Reproducible: the same seed, start and options give the same bytes in the same order (seen with `--stdout`). Every
//! device sends from this machine, so who it is stands in the line. Vietnam's clocks are at +07:00; formats that do not
//! tell their zone are written in that of `--tz-offset`, which the collector must be told too.
//!
//! Every line is unique by a field its vendor has for that: `sessionid` (FortiGate, PAN-OS), the connection number
//! (ASA), the TCP sequence number (pfSense), the process id (Linux), `RecordNumber`, `externalId`. With `--mark P` it
//! also carries `P-<n>`, n from 1: in `comment` (FortiGate), the dynamic user group (PAN-OS), the user or access group
//! (ASA), and in the MSGID of RFC 5424 for all others.

mod antivirus;
mod campaign;
mod cisco_asa;
mod clock;
mod fortigate;
mod line;
mod linux;
mod paloalto;
mod pfsense;
mod province;
mod send;
#[cfg(test)]
mod tests;
mod traffic;
mod windows;

use anyhow::Context as _;
use campaign::{Campaign, Plan, Window};
use province::Province;
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// What `--rate 0` counts as, so that the simulated clock and the number of lines stay reproducible.
const NOMINAL_RATE: u64 = 10_000;

/// What `haidang simulate` takes.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Send syslog datagrams there
    #[arg(long, value_name = "ADDR")]
    target_udp: Option<SocketAddr>,
    /// Send syslog over TCP there; with several targets, devices are shared out among them
    #[arg(long, value_name = "ADDR")]
    target_tcp: Option<SocketAddr>,
    /// Send syslog over TLS there; the certificate must be for this address
    #[arg(long, value_name = "ADDR")]
    target_tls: Option<SocketAddr>,
    /// The authority (PEM) that signed the TLS target's certificate
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// Believe any certificate; on loopback only
    #[arg(long, conflicts_with = "tls_ca")]
    tls_insecure: bool,
    /// Connections to each TCP and TLS target; over TCP every second one counts octets instead of ending lines
    #[arg(long, default_value = "2", value_name = "N")]
    connections: NonZeroU16,
    /// Lines a second; 0 is as fast as the target takes them, with as many lines as 10,000 a second would give
    #[arg(long, default_value_t = 300, value_name = "LINES_PER_S")]
    rate: u64,
    /// How long, in real time
    #[arg(long, default_value = "10m", value_name = "TIME", value_parser = duration_ms)]
    duration: u64,
    /// Simulated seconds for each real one: an hour in ten minutes is 6
    #[arg(long, default_value_t = 1.0, value_parser = speed)]
    speed: f64,
    /// Simulated start (RFC 3339). If not given: such that 22:30 in Vietnam is in the middle and the end is not in the
    /// future, for the upload at night; now, without that campaign
    #[arg(long, value_name = "TIME")]
    start: Option<String>,
    /// For other, equally reproducible lines
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// all, none, or a list of: spray, malware, scan, beacon, upload. With `all`, what the time cannot hold is left out
    #[arg(long, default_value = "all", value_parser = campaigns)]
    campaigns: Wanted,
    /// Write what the campaigns did there, one JSON object a line, before anything is sent
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
    /// Write lines to stdout instead, as fast as it takes them
    #[arg(long, conflicts_with_all = ["target_udp", "target_tcp", "target_tls"])]
    stdout: bool,
    /// Exactly so many lines, instead of `--rate` times `--duration`
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// Put `PREFIX-<n>` into every line
    #[arg(long, value_name = "PREFIX", value_parser = mark)]
    mark: Option<String>,
    /// The zone of devices whose format does not tell it
    #[arg(long, value_name = "±HH:MM", default_value = "+00:00", allow_hyphen_values = true, value_parser = offset_s)]
    tz_offset: i32,
}

#[derive(Clone)]
struct Wanted {
    campaigns: Vec<Campaign>,
    /// Named one by one, so that leaving one out is an error.
    named: bool,
}

/// The simulated province's registry.
pub(crate) fn registry() -> ::registry::Registry {
    Province::new().registry()
}

/// Sends, and reports on stdout: `{"sent": {"udp": n, ...}, "seconds": s}`.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let targets = [options.target_udp, options.target_tcp, options.target_tls];
    anyhow::ensure!(
        options.stdout || options.count == Some(0) || targets.iter().any(Option::is_some),
        "nowhere to send: give --target-udp, --target-tcp, --target-tls or --stdout"
    );
    let province = Province::new();
    let total = options.total();
    let window = options.window(total, jiff::Timestamp::now().as_millisecond().cast_unsigned())?;
    let plan = options.plan(window, total, &province)?;
    if let Some(path) = &options.truth {
        let text: String = plan.truth.iter().map(|truth| format!("{truth}\n")).collect();
        std::fs::write(path, text).with_context(|| format!("write {}", path.display()))?;
    }
    if total == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    let mut traffic = options.traffic(&province, &plan, window)?;
    let started = Instant::now();
    let sent = send::send(&mut traffic, options, total)?;
    let seconds = started.elapsed().as_secs_f64();
    let report = serde_json::json!({ "sent": sent, "seconds": seconds });
    if options.stdout {
        tracing::info!(%report, "sent");
    } else {
        use std::io::Write as _;
        writeln!(std::io::stdout(), "{report}").context("write the report")?;
    }
    Ok(ExitCode::SUCCESS)
}

impl Options {
    fn rate_or_nominal(&self) -> u64 {
        if self.rate == 0 { NOMINAL_RATE } else { self.rate }
    }

    fn total(&self) -> u64 {
        self.count.unwrap_or_else(|| self.rate_or_nominal().saturating_mul(self.duration) / 1000)
    }

    #[allow(clippy::cast_precision_loss)] // a rate is far below 2^53
    fn step_ms(&self) -> f64 {
        self.speed * 1000.0 / self.rate_or_nominal() as f64
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    fn window(&self, total: u64, now_ms: u64) -> anyhow::Result<Window> {
        const YEARS_MS: u64 = 100 * 366 * 86_400_000;
        let length_ms = (total as f64 * self.step_ms()) as u64;
        anyhow::ensure!(
            length_ms < YEARS_MS,
            "the simulated time would be longer than a century: lower --speed"
        );
        if let Some(text) = &self.start {
            let time =
                event::Time::parse(text).with_context(|| format!("--start {text}: not an RFC 3339 time"))?;
            let start_ms = u64::try_from(time.0).ok().filter(|ms| *ms < 80 * YEARS_MS);
            let start_ms = start_ms.with_context(|| format!("--start {text}: not between 1970 and 9970"))?;
            return Ok(Window { start_ms, length_ms });
        }
        let end_ms = now_ms + self.duration.min(length_ms);
        let upload =
            self.campaigns.campaigns.contains(&Campaign::Upload) && length_ms >= campaign::WINDOW_MS_MIN;
        if !upload {
            return Ok(Window { start_ms: end_ms - length_ms.min(end_ms), length_ms });
        }
        // 22:30 in Vietnam is 15:30 UTC; the last one that leaves half the window after it.
        const DAY_MS: u64 = 86_400_000;
        const NIGHT_MS: u64 = 15 * 3_600_000 + 1_800_000;
        let half = length_ms / 2;
        let middle = end_ms.saturating_sub(half + NIGHT_MS) / DAY_MS * DAY_MS + NIGHT_MS;
        Ok(Window { start_ms: middle.saturating_sub(half), length_ms })
    }

    fn plan(&self, window: Window, total: u64, province: &Province) -> anyhow::Result<Plan> {
        let (plan, left_out) = Plan::new(&self.campaigns.campaigns, window, province, self.seed);
        for (campaign, reason) in &left_out {
            anyhow::ensure!(!self.campaigns.named, "campaign {campaign:?} does not fit: {reason}");
            if total > 0 {
                tracing::warn!(?campaign, reason, "left out");
            }
        }
        if (plan.lines.len() as u64).saturating_mul(4) <= total || plan.lines.is_empty() {
            return Ok(plan);
        }
        anyhow::ensure!(
            !self.campaigns.named,
            "{total} lines cannot hide {} lines of campaigns",
            plan.lines.len()
        );
        if total > 0 {
            tracing::warn!(total, "left out all campaigns: too few lines to hide them in");
        }
        Ok(Plan::default())
    }

    fn traffic<'a>(
        &'a self,
        province: &'a Province,
        plan: &'a Plan,
        window: Window,
    ) -> anyhow::Result<traffic::Traffic<'a>> {
        Ok(traffic::Traffic {
            province,
            plan: &plan.lines,
            clock: clock::Clock::new(self.tz_offset)?,
            random: line::Random(self.seed),
            start_ms: window.start_ms,
            step_ms: self.step_ms(),
            mark: self.mark.as_deref(),
            outside: traffic::outside(),
            number: 0,
            typo_due_ms: 0,
            probe_due_ms: 0,
            typist: 0,
            prober: 0,
        })
    }
}

fn campaigns(text: &str) -> Result<Wanted, String> {
    use clap::ValueEnum as _;
    match text {
        "all" => Ok(Wanted { campaigns: campaign::ALL.to_vec(), named: false }),
        "none" => Ok(Wanted { campaigns: Vec::new(), named: false }),
        list => {
            let campaigns = list.split(',').map(|name| Campaign::from_str(name.trim(), true));
            Ok(Wanted { campaigns: campaigns.collect::<Result<_, _>>()?, named: true })
        }
    }
}

fn duration_ms(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "ms" => 1,
        "" | "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        unit => return Err(format!("unknown unit `{unit}`: use ms, s, m or h")),
    };
    let number: u64 = digits.parse().map_err(|_| "not a whole number with ms, s, m or h".to_owned())?;
    number.checked_mul(factor).ok_or_else(|| "too long".to_owned())
}

fn speed(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|speed| (0.001..=1e6).contains(speed))
        .ok_or_else(|| "not from 0.001 to 1000000".to_owned())
}

fn mark(text: &str) -> Result<String, String> {
    let plain = !text.is_empty() && text.len() <= 12 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    // RFC 5424 gives MSGID 32 characters, of which the number may need 20 less the dash.
    if plain { Ok(text.to_owned()) } else { Err("1 to 12 letters and digits".to_owned()) }
}

fn offset_s(text: &str) -> Result<i32, String> {
    let error = || "not ±HH:MM".to_owned();
    let (sign, rest) = match text.as_bytes().first() {
        Some(b'+') => (1, &text[1..]),
        Some(b'-') => (-1, &text[1..]),
        _ => return Err(error()),
    };
    let (hours, minutes) = rest.split_once(':').ok_or_else(error)?;
    let number = |text: &str| text.parse::<u8>().map(i32::from).map_err(|_| error());
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    if hours > 14 || minutes > 59 { Err(error()) } else { Ok(sign * (hours * 3600 + minutes * 60)) }
}
