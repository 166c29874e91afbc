//! pfSense `filterlog`: one CSV line for each logged packet.

use super::fortigate::Flow;
use super::line::{Line, Style, put};
use super::province::Device;

/// A TCP packet that was passed or blocked. The marker takes the anchor's place.
pub(super) fn packet(line: &mut Line<'_>, device: &Device, flow: &Flow, pass: bool) {
    line.header(
        134,
        &device.name,
        "filterlog",
        if device.index.is_multiple_of(2) { Style::Bsd } else { Style::Rfc5424 },
    );
    let (interface, direction) = if flow.inbound { ("igb0", "in") } else { ("igb1", "in") };
    put!(line; "4,,,1000000103,", interface, ",match,", if pass { "pass" } else { "block" }, ",", direction);
    put!(line;
        ",4,0x0,,63,", line.number % 65_536, ",0,DF,6,tcp,60,", flow.source, ",", flow.destination, ","
    );
    put!(line;
        flow.source_port, ",", flow.destination_port, ",0,S,", line.number,
        ",,64240,,mss;sackOK;TS;nop;wscale"
    );
}
