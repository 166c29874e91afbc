//! Cisco ASA: connections built and torn down, denied packets, sign-ins. With and without RFC 5424 times.

use super::fortigate::Flow;
use super::line::{Line, put};
use super::province::Device;

fn start(line: &mut Line<'_>, device: &Device, priority: u16, id: &str) {
    if device.index.is_multiple_of(2) {
        put!(line; "<", priority, ">", line.clock.iso_utc(), "Z ", &*device.name, " : %ASA-", id, ": ");
    } else {
        put!(line; "<", priority, ">", line.clock.asa(), " ", &*device.name, " : %ASA-", id, ": ");
    }
}

/// A connection begins.
pub(super) fn built(line: &mut Line<'_>, device: &Device, flow: &Flow) {
    start(line, device, 166, "6-302013");
    put!(line;
        "Built outbound TCP connection ", line.number, " for outside:", flow.destination, "/",
        flow.destination_port
    );
    put!(line;
        " (", flow.destination, "/", flow.destination_port, ") to inside:", flow.source, "/",
        flow.source_port
    );
    put!(line; " (", flow.source, "/", flow.source_port, ")");
    line.mark(" (", ")");
}

/// A connection ends.
pub(super) fn teardown(line: &mut Line<'_>, device: &Device, flow: &Flow) {
    start(line, device, 166, "6-302014");
    put!(line;
        "Teardown TCP connection ", line.number, " for outside:", flow.destination, "/",
        flow.destination_port
    );
    put!(line; " to inside:", flow.source, "/", flow.source_port, " duration ", flow.seconds / 3600, ":");
    line.padded(flow.seconds / 60 % 60, 2);
    put!(line; ":");
    line.padded(flow.seconds % 60, 2);
    put!(line; " bytes ", flow.sent + flow.received, " TCP FINs");
    line.mark(" (", ")");
}

/// A packet that no access list allows. The marker takes the access group's name.
pub(super) fn deny(line: &mut Line<'_>, device: &Device, flow: &Flow) {
    start(line, device, 164, "4-106023");
    put!(line;
        "Deny tcp src outside:", flow.source, "/", flow.source_port, " dst inside:", flow.destination, "/"
    );
    put!(line; flow.destination_port, " by access-group \"");
    if line.mark.is_some() {
        line.mark("", "");
    } else {
        put!(line; "outside_in");
    }
    put!(line; "\" [0x", line.number, ", 0x0]");
}
