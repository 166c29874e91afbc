//! PAN-OS 10.1 TRAFFIC logs: CSV in the documented order, 115 fields.

use super::fortigate::Flow;
use super::line::{Line, put};
use super::province::Device;

/// A connection that ended, or one that the default policy denied.
pub(super) fn traffic(line: &mut Line<'_>, device: &Device, flow: &Flow, allowed: bool) {
    let (clock, number) = (line.clock, line.number);
    let (from, to) = if flow.inbound { ("untrust", "trust") } else { ("trust", "untrust") };
    let (rule, app, action, reason) = if allowed {
        ("ra-internet", "ssl", "allow", "tcp-fin")
    } else {
        ("chan-mac-dinh", "not-applicable", "deny", "policy-deny")
    };
    put!(line;
        "<14>", clock.bsd(), " ", &*device.name, " 1,", clock.pan(), ",", &*device.serial, ",TRAFFIC,"
    );
    put!(line;
        if allowed { "end" } else { "drop" }, ",2561,", clock.pan(), ",", flow.source, ",", flow.destination
    );
    put!(line;
        ",,,", rule, ",,,", app, ",vsys1,", from, ",", to, ",ethernet1/1,ethernet1/2,chuyen-soc,",
        clock.pan()
    );
    put!(line; ",", number, ",1,", flow.source_port, ",", flow.destination_port, ",0,0,0x19,tcp,", action);
    put!(line;
        ",", flow.sent + flow.received, ",", flow.sent, ",", flow.received, ",",
        (flow.sent + flow.received) / 900 + 1
    );
    put!(line;
        ",", clock.pan(), ",", flow.seconds, ",any,,", number, ",0x0,10.0.0.0-10.255.255.255,Viet Nam,,"
    );
    put!(line;
        flow.sent / 900 + 1, ",", flow.received / 900, ",", reason, ",0,0,0,0,,", &*device.name,
        ",from-policy"
    );
    // From the source machine's UUID to the dynamic user group.
    put!(line; ",,,0,,0,,N/A,0,0,0,0,00000000-0000-0000-0000-000000000000,0,0,,,,,,,");
    line.mark("", "");
    // From the forwarded-for address to the session's owner.
    put!(line;
        ",,,,,,,,,,,,,,,,,,,,,,,,,,,,", clock.iso_pan(),
        ",,,encrypted-tunnel,networking,browser-based,4,\"used-by-malware,pervasive-use\",,ssl,no,no,0"
    );
}
