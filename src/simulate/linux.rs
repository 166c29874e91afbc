//! Linux servers: sshd, sudo, the web server's access log, ClamAV.

use super::line::{Line, Style, put};
use super::province::Device;
use std::net::IpAddr;

/// Every third server forwards in each of the three styles.
fn style(device: &Device) -> Style {
    [Style::Iso, Style::Bsd, Style::Rfc5424][device.index % 3]
}

/// A password sign-in over SSH.
pub(super) fn ssh(line: &mut Line<'_>, device: &Device, user: &str, from: IpAddr, ok: bool) {
    line.header(86, &device.name, "sshd", style(device));
    let port = 32_768 + line.number % 28_000;
    put!(line;
        if ok { "Accepted" } else { "Failed" }, " password for ", user, " from ", from, " port ", port,
        " ssh2"
    );
}

/// An administrator's ordinary command.
pub(super) fn sudo(line: &mut Line<'_>, device: &Device, user: &str) {
    line.header(85, &device.name, "sudo", style(device));
    put!(line;
        user, " : TTY=pts/0 ; PWD=/home/", user, " ; USER=root ; COMMAND=/usr/bin/systemctl status nginx"
    );
}

/// A request to a portal, in combined format.
pub(super) fn web(
    line: &mut Line<'_>,
    device: &Device,
    from: IpAddr,
    request: &str,
    status: u16,
    agent: &str,
) {
    line.header(
        190,
        &device.name,
        if device.index.is_multiple_of(4) { "apache2" } else { "nginx" },
        style(device),
    );
    put!(line; from, " - - [", line.clock.web(), "] \"", request, " HTTP/1.1\" ", status, " ");
    put!(line; 512 + line.number % 40_000, " \"-\" \"", agent, "\"");
}

/// ClamAV found something in a share.
pub(super) fn found(line: &mut Line<'_>, device: &Device, file: &str, malware: &str) {
    line.header(22, &device.name, "clamd", style(device));
    put!(line; "/srv/chia-se/", file, "-", line.number, ".docm: ", malware, " FOUND");
}

/// ClamAV's hourly look at its own database.
pub(super) fn self_check(line: &mut Line<'_>, device: &Device) {
    line.header(22, &device.name, "clamd", style(device));
    put!(line; "SelfCheck: Database status OK.");
}
