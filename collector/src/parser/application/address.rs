//! Which address in a line of unknown format is the client's.

use std::net::{IpAddr, SocketAddr};

/// The client as the line has it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Client<'r> {
    pub(super) ip: IpAddr,
    pub(super) text: &'r str,
    pub(super) port: &'r str,
}

/// More addresses than this are a list of something else.
const CANDIDATES_MAX: usize = 16;

/// Words before the address of whoever connected.
const CLIENT: &[&str] = &[
    "from",
    "with",
    "ip",
    "rip",
    "rhost",
    "client",
    "clientip",
    "client_ip",
    "remote",
    "remote_ip",
    "remoteip",
    "remote_addr",
    "remoteaddr",
    "remote-addr",
    "remoteaddress",
    "addr.remote",
    "ipaddress",
    "ip_address",
    "ip-address",
    "address",
    "addr",
    "src",
    "source",
    "src_ip",
    "srcip",
    "source_ip",
    "sourceip",
    "sourceipaddress",
    "peer",
    "van",
    "von",
    "downstream_remote_address",
    "x-forwarded-for",
    "visitor_ip",
    "user_ip",
    "userip",
    "oip",
    "clienthost",
    "client_host",
    "clientaddr",
];

/// Words before the address of our own side, or of something else.
const OTHER: &[&str] = &[
    "to",
    "lip",
    "local",
    "localaddress",
    "local_addr",
    "laddr",
    "server",
    "server_ip",
    "dst",
    "dest",
    "dest_ip",
    "dstip",
    "destination",
    "upstream",
    "upstream_addr",
    "listen",
    "listening",
    "bind",
    "version",
    "downstream_local_address",
    "upstream_host",
    "addr.local",
];

/// Words that stand between the mark and the address and mean nothing: `RemoteAddress="IPV4/UDP/192.0.2.7/5060"`.
const TRANSPORTS: &[&str] = &["udp", "tcp", "tls", "ws", "wss", "ipv4", "ipv6"];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// After `from`: names before it are the client's own words, so the last one counts.
    From,
    Client,
    Unknown,
    Other,
}

/// The address that the line's words call the client's, else the first that they do not call something else.
pub(super) fn client(text: &str) -> Option<Client<'_>> {
    let mut best: Option<(Role, Client<'_>)> = None;
    let mut rest = 0;
    for _ in 0..CANDIDATES_MAX {
        let Some((at, end, found)) = next(text, rest) else { break };
        rest = end;
        let role = role(text, at);
        let replaces = match (&best, role) {
            (_, Role::Other) => false,
            (None, _) | (Some((Role::Client | Role::Unknown, _)), Role::From) => true,
            (Some((Role::From, _)), Role::From) => true,
            (Some((Role::Unknown, known)), Role::Unknown) => serves(known.port) && !serves(found.port),
            (Some((Role::Unknown, _)), Role::Client) => true,
            _ => false,
        };
        if replaces {
            best = Some((role, found));
        }
    }
    best.map(|(_, client)| client)
}

/// A well-known port is the server's end of a connection.
fn serves(port: &str) -> bool {
    port.parse::<u16>().is_ok_and(|port| port > 0 && port < 1024)
}

/// The next address at or behind `from`: where it begins, where it ends, and what it is.
fn next(text: &str, from: usize) -> Option<(usize, usize, Client<'_>)> {
    let bytes = text.as_bytes();
    let in_address = |byte: u8| byte.is_ascii_hexdigit() || byte == b'.' || byte == b':';
    let in_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let mut at = from;
    while at < bytes.len() {
        if !in_address(bytes[at]) {
            at += 1;
            continue;
        }
        let mut start = at;
        while at < bytes.len() && in_address(bytes[at]) {
            at += 1;
        }
        if start > 0 && in_word(bytes[start - 1]) {
            // `UTC:192.0.2.7(5432)`: the word ends at the colon, unless it is one of code, `auth::api`.
            match memchr::memchr(b':', &bytes[start..at]) {
                Some(colon) if bytes.get(start + colon + 1) != Some(&b':') => start += colon + 1,
                _ => continue,
            }
        }
        if bytes.get(at).is_some_and(|byte| in_word(*byte)) || at - start < 3 {
            continue;
        }
        if let Some(client) = read(&text[start..at], &text[at..])
            && !(start > 0
                && bytes[start - 1] == b'/'
                && client.port.is_empty()
                && !after_transport(text, start))
        {
            return Some((start, at, client));
        }
    }
    None
}

/// `Chrome/117.0.0.0` is no address.
fn after_transport(text: &str, at: usize) -> bool {
    let before = text[..at].trim_end_matches('/');
    let last = before.rsplit(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    TRANSPORTS.iter().any(|word| last.eq_ignore_ascii_case(word))
}

fn read<'r>(token: &'r str, behind: &'r str) -> Option<Client<'r>> {
    const LONGEST: usize = 64;
    let token = token.trim_end_matches('.');
    if token.len() > LONGEST {
        return None;
    }
    let digits = |text: &'r str| &text[..text.bytes().take_while(u8::is_ascii_digit).count()];
    let bare = token.strip_suffix(':').filter(|head| !head.ends_with(':')).unwrap_or(token);
    let (ip, text, port) = if let Ok(ip) = bare.parse::<IpAddr>() {
        let port = behind.strip_prefix("]:").or_else(|| behind.strip_prefix('/')).map_or("", digits);
        (ip, bare, port)
    } else {
        let socket = token.trim_end_matches(':').parse::<SocketAddr>().ok().filter(SocketAddr::is_ipv4)?;
        let (text, port) = token.trim_end_matches(':').rsplit_once(':')?;
        (socket.ip(), text, port)
    };
    let ip = ip.to_canonical();
    let says_something = !ip.is_unspecified() && (ip.is_ipv6() || text.contains('.'));
    says_something.then_some(Client { ip, text, port })
}

/// What the words before the address say of it.
fn role(text: &str, at: usize) -> Role {
    let mut before = &text[..at];
    // exim: what the client calls itself stands in `([…])`.
    if before.ends_with("([") || before.trim_end().ends_with("->") {
        return Role::Other;
    }
    for _ in 0..4 {
        let trimmed = before
            .trim_end_matches([' ', '"', '\'', '`', '=', ':', '(', '[', '<', '{', '/', '\\', '|', '\t']);
        let in_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
        let start = trimmed
            .rfind(|c: char| !in_word(c))
            .map_or(0, |at| at + trimmed[at..].chars().next().map_or(1, char::len_utf8));
        let word = &trimmed[start..];
        let is = |known: &&&str| word.eq_ignore_ascii_case(known);
        if TRANSPORTS.iter().any(|known| is(&known)) {
            before = &trimmed[..start];
            continue;
        }
        if word.eq_ignore_ascii_case("from") {
            return Role::From;
        }
        if CLIENT.iter().any(|known| is(&known)) {
            return Role::Client;
        }
        return if OTHER.iter().any(|known| is(&known)) { Role::Other } else { Role::Unknown };
    }
    Role::Unknown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> String {
        client(text).map_or_else(|| "-".to_owned(), |found| format!("{} {}", found.ip, found.port))
    }

    #[test]
    fn the_words_around_an_address_say_whose_it_is() {
        for (text, expected) in [
            ("Failed login for 'from 198.51.100.1' from 192.0.2.7 at noon", "192.0.2.7 "),
            ("rhost=[::ffff:192.0.2.7]:47414 user=root", "192.0.2.7 47414"),
            (
                "LocalAddress=\"IPV4/UDP/198.51.100.1/5060\",RemoteAddress=\"IPV4/UDP/192.0.2.7/5061\"",
                "192.0.2.7 5061",
            ),
            ("failed for ([198.51.100.1]) [192.0.2.7]:55379: 535", "192.0.2.7 55379"),
            ("198.51.100.1:143,192.0.2.7:35070,user", "192.0.2.7 35070"),
            ("user=<a>, rip=192.0.2.7, lip=198.51.100.1", "192.0.2.7 "),
            ("{\"addr.local\":\"198.51.100.1:3080\",\"addr.remote\":\"192.0.2.7:4242\"}", "192.0.2.7 4242"),
            ("USER a: no such user from 192.0.2.7 [192.0.2.7] to ::ffff:198.51.100.1:21", "192.0.2.7 "),
            ("Access denied for user 'root'@'2001:db8::7' (using password: YES)", "2001:db8::7 "),
            ("client1/192.0.2.7:54321 AUTH_FAILED", "192.0.2.7 54321"),
            ("09:22:19 UTC:192.0.2.7(5432):a@b:[127]:FATAL", "192.0.2.7 "),
        ] {
            assert_eq!(of(text), expected, "{text}");
        }
    }

    #[test]
    fn versions_times_and_paths_of_code_are_no_addresses() {
        for text in [
            "Chrome/117.0.0.0 Safari",
            "at 12:32:19",
            "vaultwarden::api::identity",
            "034::WARNING::x",
            "1.2.3",
            "::",
        ] {
            assert_eq!(of(text), "-", "{text}");
        }
    }
}
