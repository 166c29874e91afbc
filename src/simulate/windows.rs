//! Windows Security events, as NXLog sends them: JSON behind a syslog header.

use super::line::{Line, Style, put};
use super::province::Device;
use std::net::IpAddr;

/// A sign-in over the network: 4624 or 4625.
pub(super) fn logon(
    line: &mut Line<'_>,
    device: &Device,
    user: &str,
    from: IpAddr,
    workstation: &str,
    ok: bool,
) {
    let (kind, id) = if ok { ("AUDIT_SUCCESS", "4624") } else { ("AUDIT_FAILURE", "4625") };
    line.header(if ok { 14 } else { 13 }, &device.name, "Microsoft-Windows-Security-Auditing", Style::Bsd);
    put!(line; "{\"EventTime\":\"");
    line.iso();
    put!(line; "\",\"Hostname\":\"", &*device.name, "\",\"EventType\":\"", kind, "\",\"Severity\":\"");
    put!(line; if ok { "INFO" } else { "ERROR" }, "\",\"EventID\":", id);
    put!(line;
        ",\"SourceName\":\"Microsoft-Windows-Security-Auditing\",\"Channel\":\"Security\",\"RecordNumber\":"
    );
    put!(line;
        line.number, ",\"Task\":12544,\"TargetUserName\":\"", user, "\",\"TargetDomainName\":\"TINH\""
    );
    put!(line;
        ",\"LogonType\":\"3\",\"AuthenticationPackageName\":\"NTLM\",\"WorkstationName\":\"", workstation
    );
    put!(line; "\",\"IpAddress\":\"", from, "\",\"IpPort\":\"", 49_152 + line.number % 16_000, "\"");
    if !ok {
        put!(line; ",\"Status\":\"0xc000006d\",\"SubStatus\":\"0xc000006a\",\"FailureReason\":\"%%2313\"");
    }
    put!(line;
        ",\"Message\":\"",
        if ok { "An account was successfully logged on." } else { "An account failed to log on." }
    );
    put!(line; "\",\"SourceModuleName\":\"eventlog\",\"SourceModuleType\":\"im_msvistalog\"}");
}
