//! The antivirus consoles: Kaspersky Security Center (CEF) and ESET PROTECT (JSON).

use super::line::{Line, Style, put};
use super::province::{Device, Endpoint};

/// Kaspersky: a malicious object on a managed computer.
pub(super) fn kaspersky_found(line: &mut Line<'_>, console: &Device, at: &Endpoint, malware: &str) {
    kaspersky(line, console, "GNRL_EV_VIRUS_FOUND|Malicious object detected|4", at);
    put!(line;
        " cs1=", malware, " cs1Label=VirusName cs5=C:\\\\Users\\\\", &*at.user,
        "\\\\Downloads\\\\cong-van.exe"
    );
    put!(line; " cs5Label=ObjectName duser=TINH\\\\", &*at.user, " filePath=C:\\\\Users\\\\", &*at.user);
    put!(line; "\\\\Downloads\\\\cong-van.exe msg=Object detected, not cleaned");
}

/// Kaspersky: a task that ends every day, the update of databases.
pub(super) fn kaspersky_update(line: &mut Line<'_>, console: &Device, at: &Endpoint) {
    kaspersky(line, console, "KLPRCI_TaskState|Completed successfully|1", at);
    put!(line; " cs4=Update cs4Label=TaskName msg=Databases and application modules updated");
}

fn kaspersky(line: &mut Line<'_>, console: &Device, kind: &str, at: &Endpoint) {
    line.header(132, &console.name, "KSC", Style::Rfc5424);
    put!(line;
        "CEF:0|KasperskyLab|SecurityCenter|14.2.0.26967|", kind, "|rt=", line.clock.ms(), " externalId=",
        line.number
    );
    put!(line;
        " dhost=", &*at.name, " dst=", at.address,
        " cs2=KES cs2Label=ProductName cs3=12.3.0.493 cs3Label=ProductVersion"
    );
}

/// ESET: a threat on a managed computer.
pub(super) fn eset_found(line: &mut Line<'_>, console: &Device, at: &Endpoint, malware: &str) {
    eset(line, console, "Threat_Event", "Warning", at);
    put!(line; ",\"threat_type\":\"Trojan\",\"threat_name\":\"", malware, "\",\"threat_flags\":\"Variant\"");
    put!(line;
        ",\"scanner_id\":\"Real-time file system protection\",\"scan_id\":\"virlog-", line.number, ".dat\""
    );
    put!(line;
        ",\"engine_version\":\"30211 (20261123)\",\"object_type\":\"File\",\"object_uri\":\"file:///C:/Users/"
    );
    put!(line;
        &*at.user,
        "/Downloads/cong-van.exe\",\"action_taken\":\"Cleaned by deleting\",\"threat_handled\":true"
    );
    put!(line; ",\"need_restart\":false,\"username\":\"TINH\\\\", &*at.user, "\"}");
}

/// ESET: an update of detection modules.
pub(super) fn eset_update(line: &mut Line<'_>, console: &Device, at: &Endpoint) {
    eset(line, console, "Audit_Event", "Information", at);
    put!(line; ",\"domain\":\"Client task\",\"action\":\"Modules update\",\"target\":\"", &*at.name);
    put!(line;
        "\",\"detail\":\"Detection modules updated, task ", line.number,
        "\",\"user\":\"\",\"result\":\"Success\"}"
    );
}

fn eset(line: &mut Line<'_>, console: &Device, kind: &str, severity: &str, at: &Endpoint) {
    line.header(12, &console.name, "ERAServer", Style::Rfc5424);
    put!(line; "{\"event_type\":\"", kind, "\",\"ipv4\":\"", at.address, "\",\"hostname\":\"", &*at.name);
    put!(line; "\",\"source_uuid\":\"00000000-0000-4000-8000-");
    line.padded(u64::from(u32::from(at.address)), 12);
    put!(line; "\",\"occured\":\"", line.clock.eset(), "\",\"severity\":\"", severity, "\"");
}
