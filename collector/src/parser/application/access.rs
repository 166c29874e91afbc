//! A request that was answered, in a line of unknown format: method, target, status.

use event::json;

/// What the line says of the request. Text is owned, for JSON escapes it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Access {
    pub(super) method: String,
    pub(super) target: String,
    pub(super) status: Option<u16>,
    pub(super) agent: String,
    pub(super) host: String,
}

const METHODS: &[&str] =
    &["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE", "PROPFIND", "REPORT"];

/// `POST /login … 401`, or the status before, as in gin's `| 401 | … | POST "/login"`.
pub(super) fn in_text(text: &str) -> Option<Access> {
    let Some((at, method)) = method(text) else { return login_path(text) };
    let rest = text[at + method.len()..].trim_start_matches([' ', ':', '"', '\'']);
    // `GET https host "/path"`
    let rest = match rest.strip_prefix("https ").or_else(|| rest.strip_prefix("http ")) {
        Some(after) => after.split_once(' ').map_or(after, |(_host, path)| path.trim_start_matches('"')),
        None => rest,
    };
    let quoted = text[..at].ends_with('"');
    let end = rest.find([' ', '"', '\'']).unwrap_or(rest.len());
    let target = &rest[..end];
    if !target.starts_with('/') && !target.contains("://") {
        return None;
    }
    let mut behind = &rest[end..];
    // Within `"GET /path HTTP/1.1"` the version is no status.
    if quoted && let Some((_, after)) = behind.split_once('"') {
        behind = after;
    }
    let status = status(behind).or_else(|| status(&text[..at]))?;
    let agent = if quoted { agent(behind) } else { "" };
    Some(Access {
        method: method.to_owned(),
        target: target.to_owned(),
        status: Some(status),
        agent: agent.to_owned(),
        host: String::new(),
    })
}

/// `/api/login: 403 192.0.2.7`: only a login's path is worth a line without a method.
fn login_path(text: &str) -> Option<Access> {
    let mut words = text.split(' ').skip_while(|word| !(word.starts_with('/') && word.contains("login")));
    let target = words.next()?.trim_end_matches(':').to_owned();
    let status = words.next().and_then(status)?;
    Some(Access { target, status: Some(status), ..Access::default() })
}

/// Behind a quoted request: the first quoted text that is neither nil nor a referrer.
fn agent(behind: &str) -> &str {
    let quoted = behind.split('"').skip(1).step_by(2);
    quoted.take(4).find(|text| text.contains('/') && !text.starts_with("http")).unwrap_or("")
}

/// The first method that is a word of its own.
fn method(text: &str) -> Option<(usize, &'static str)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at].is_ascii_uppercase() {
            let start = at;
            while at < bytes.len() && bytes[at].is_ascii_alphanumeric() {
                at += 1;
            }
            let alone = start == 0
                || !(bytes[start - 1].is_ascii_alphanumeric() || b"-_/".contains(&bytes[start - 1]));
            let known = METHODS.iter().find(|known| text.get(start..at) == Some(**known));
            if let Some(known) = known.filter(|_| alone) {
                return Some((start, known));
            }
        }
        at += 1;
    }
    None
}

/// The first number of three digits that can be a status, near the beginning.
fn status(text: &str) -> Option<u16> {
    const WORDS_MAX: usize = 24;
    text.split([' ', '|', '(', ')', ',', '=', '"', '\t'])
        .filter(|word| !word.is_empty())
        .take(WORDS_MAX)
        .filter(|word| word.len() == 3)
        .find_map(|word| word.parse().ok().filter(|status| (100..600).contains(status)))
}

/// Whether it is worth walking the line as JSON.
pub(super) fn looks_like_json(text: &str) -> bool {
    object(text).is_some() && in_json(text).is_some()
}

/// The object that is the line, or that a container runtime's prefix stands before.
fn object(text: &str) -> Option<&str> {
    const PREFIX_MAX: usize = 64;
    let at = text.find('{').filter(|at| *at <= PREFIX_MAX)?;
    text.ends_with('}').then(|| &text[at..])
}

/// `{"method":"GET","path":"/x","status":404,…}`, whatever the program calls them.
pub(super) fn in_json(text: &str) -> Option<Access> {
    let mut access = Access::default();
    json::walk(object(text)?, &mut |_path, key, value| {
        let key: String =
            key.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
        let text = value.to_text();
        match key.as_str() {
            "method" | "httpmethod" | "requestmethod" | "verb" if METHODS.contains(&&*text) => {
                access.method = text.into_owned();
            }
            "path" | "uri" | "url" | "requesturi" | "httppath" | "requestpath" | "xenvoyoriginpath"
            | "originpath"
                if access.target.is_empty() && (text.starts_with('/') || text.contains("://")) =>
            {
                access.target = text.into_owned();
            }
            "status" | "statuscode" | "downstreamstatus" | "responsecode" | "httpstatus"
            | "responsestatus" | "code" => {
                access.status =
                    text.parse().ok().filter(|status| (100..600).contains(status)).or(access.status);
            }
            "useragent" | "httpuseragent" | "requestuseragent" | "agent" => access.agent = text.into_owned(),
            "authority" | "host" | "vhost" | "servername" if text.parse::<std::net::IpAddr>().is_err() => {
                access.host = text.into_owned();
            }
            _ => {}
        }
    })
    .ok()?;
    (!access.target.is_empty() && (access.status.is_some() || !access.method.is_empty())).then_some(access)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> String {
        match in_json(text).or_else(|| in_text(text)) {
            Some(found) => format!("{} {} {}", found.method, found.target, found.status.unwrap_or(0)),
            None => "-".to_owned(),
        }
    }

    #[test]
    fn method_target_and_status_are_found_in_many_shapes() {
        for (text, expected) in [
            (
                "[notice] t a@b <0.1.2> id host 192.0.2.7 undefined GET /_session 401 ok 6",
                "GET /_session 401",
            ),
            (
                "[GIN] 2026/02/07 - 10:50:10 | 401 |  505µs |  192.0.2.7 | POST     \"/client\"",
                "POST /client 401",
            ),
            ("App: 192.0.2.7: 38 B: POST /login (403) (1ms)", "POST /login 403"),
            ("192.0.2.7 \"GET /a HTTP/1.1\" 404 12", "GET /a 404"),
            (
                "t stdout F {\"method\":\"GET\",\"x-envoy-origin-path\":\"/a\",\"response_code\":404}",
                "GET /a 404",
            ),
            ("2026/04/03 23:39:21 /api/login: 403 192.0.2.7 <nil>", " /api/login 403"),
            (
                "[24/Jan/2026:16:50:41 +0000] - 404 404 - GET https a.example.vn \"/x\" [Client 192.0.2.7]",
                "GET /x 404",
            ),
            ("did GET a grip on 404 things", "-"),
            ("{\"path\":\"/a\"}", "-"),
        ] {
            assert_eq!(of(text), expected, "{text}");
        }
    }
}
