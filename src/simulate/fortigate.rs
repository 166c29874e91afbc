//! FortiGate (FortiOS 7) `key=value` logs: traffic, IPS, SSL VPN.

use super::line::{Line, put};
use super::province::Device;
use std::net::IpAddr;

/// A connection as any firewall sees it.
pub(super) struct Flow {
    pub(super) source: IpAddr,
    pub(super) source_port: u16,
    pub(super) destination: IpAddr,
    pub(super) destination_port: u16,
    pub(super) sent: u64,
    pub(super) received: u64,
    pub(super) seconds: u64,
    /// From outside to inside.
    pub(super) inbound: bool,
}

/// A connection that was let through and has ended.
pub(super) fn accept(line: &mut Line<'_>, device: &Device, flow: &Flow) {
    start(line, device, 189, "0000000013", "traffic\" subtype=\"forward", "notice");
    ends(line, flow);
    let protocol: u16 = if matches!(flow.destination_port, 53 | 123) { 17 } else { 6 };
    put!(line; " proto=", protocol, " action=\"close\" policyid=12 policytype=\"policy\" service=\"");
    service(line, flow.destination_port);
    put!(line;
        "\" trandisp=\"snat\" duration=", flow.seconds, " sentbyte=", flow.sent, " rcvdbyte=", flow.received
    );
    put!(line;
        " sentpkt=", flow.sent / 900 + 3, " rcvdpkt=", flow.received / 1200 + 3, " appcat=\"unscanned\""
    );
    line.mark(" comment=\"", "\"");
}

/// A connection that no policy allows.
pub(super) fn deny(line: &mut Line<'_>, device: &Device, flow: &Flow) {
    start(line, device, 188, "0000000013", "traffic\" subtype=\"forward", "warning");
    ends(line, flow);
    put!(line; " proto=6 action=\"deny\" policyid=0 policytype=\"policy\" service=\"");
    service(line, flow.destination_port);
    put!(line;
        "\" trandisp=\"noop\" duration=0 sentbyte=0 rcvdbyte=0 sentpkt=0 rcvdpkt=0 appcat=\"unscanned\""
    );
    put!(line; " crscore=30 craction=131072 crlevel=\"high\"");
    line.mark(" comment=\"", "\"");
}

/// The intrusion prevention sensor dropped an attack on a portal.
pub(super) fn attack(line: &mut Line<'_>, device: &Device, flow: &Flow, name: &str, url: &str) {
    start(line, device, 185, "0419016384", "utm\" subtype=\"ips\" eventtype=\"signature", "alert");
    put!(line; " severity=\"critical\"");
    ends(line, flow);
    put!(line;
        " action=\"dropped\" proto=6 service=\"HTTP\" policyid=20 policytype=\"policy\" attack=\"", name
    );
    put!(line; "\" direction=\"outgoing\" attackid=51006 profile=\"bao-ve-cong\" url=\"", url);
    put!(line;
        "\" ref=\"http://www.fortinet.com/ids/VID51006\" incidentserialno=", 160_000_000 + line.number
    );
    put!(line; " msg=\"applications3: ", name, "\" crscore=50 craction=4096 crlevel=\"critical\"");
    line.mark(" comment=\"", "\"");
}

/// An SSL VPN sign-in, good or bad.
pub(super) fn vpn(line: &mut Line<'_>, device: &Device, user: &str, from: IpAddr, ok: bool) {
    let (id, level) = if ok { ("0101039424", "information") } else { ("0101039426", "alert") };
    start(line, device, if ok { 190 } else { 185 }, id, "event\" subtype=\"vpn", level);
    if ok {
        put!(line; " logdesc=\"SSL VPN tunnel up\" action=\"tunnel-up\" tunneltype=\"ssl-web\"");
    } else {
        put!(line; " logdesc=\"SSL VPN login fail\" action=\"ssl-login-fail\" tunneltype=\"ssl-web\"");
    }
    put!(line; " tunnelid=", line.number, " remip=", from, " user=\"", user, "\"");
    if ok {
        put!(line;
            " group=\"can-bo\" dst_host=\"N/A\" reason=\"login successfully\" msg=\"SSL tunnel established\""
        );
    } else {
        put!(line; " group=\"N/A\" dst_host=\"N/A\" reason=\"sslvpn_login_permission_denied\"");
        put!(line; " msg=\"SSL user failed to logged in\"");
    }
    line.mark(" comment=\"", "\"");
}

fn start(line: &mut Line<'_>, device: &Device, priority: u16, id: &str, kind: &str, level: &str) {
    put!(line; "<", priority, ">date=", line.clock.date(), " time=", line.clock.time());
    put!(line;
        " devname=\"", &*device.name, "\" devid=\"", &*device.serial, "\" eventtime=", line.clock.ms()
    );
    line.padded(line.number % 1_000_000, 6);
    put!(line; " tz=\"+0700\" logid=\"", id, "\" type=\"", kind, "\" level=\"", level, "\" vd=\"root\"");
}

fn ends(line: &mut Line<'_>, flow: &Flow) {
    let (from, to) = if flow.inbound {
        ("wan1\" srcintfrole=\"wan", "internal\" dstintfrole=\"lan")
    } else {
        ("internal\" srcintfrole=\"lan", "wan1\" dstintfrole=\"wan")
    };
    put!(line; " srcip=", flow.source, " srcport=", flow.source_port, " srcintf=\"", from);
    put!(line; "\" dstip=", flow.destination, " dstport=", flow.destination_port, " dstintf=\"", to);
    put!(line; "\" sessionid=", line.number);
}

fn service(line: &mut Line<'_>, port: u16) {
    let name = match port {
        443 => "HTTPS",
        80 => "HTTP",
        53 => "DNS",
        123 => "NTP",
        22 => "SSH",
        23 => "TELNET",
        445 => "SMB",
        3389 => "RDP",
        _ => return put!(line; "tcp/", port),
    };
    put!(line; name);
}
