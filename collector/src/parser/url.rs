//! A URL's parts, without a URL parser's rules: what a firewall logs is often no valid URL.

use event::{Draft, Field};

/// Sets `url.original`, and its parts where it has a scheme or is a path.
pub(super) fn put<'r>(draft: &mut Draft<'r>, url: &'r str) {
    if url.is_empty() {
        return;
    }
    draft.put(Field::URL_ORIGINAL, url);
    let rest = match url.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            draft.put(Field::URL_SCHEME, scheme);
            let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            authority(draft, &rest[..end]);
            &rest[end..]
        }
        _ if url.starts_with('/') => url,
        _ => return,
    };
    path(draft, rest);
}

/// Sets `url.domain` and `url.port` of `user@host:port`.
pub(super) fn authority<'r>(draft: &mut Draft<'r>, text: &'r str) {
    let host = text.rsplit_once('@').map_or(text, |(_, host)| host);
    let (host, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            (name, port)
        }
        _ => (host, ""),
    };
    draft.put(Field::URL_DOMAIN, host);
    if port.parse::<u16>().is_ok() {
        draft.put(Field::URL_PORT, port);
    }
}

/// Sets `url.path`, `url.query`, `url.fragment` and `url.extension`.
pub(super) fn path<'r>(draft: &mut Draft<'r>, rest: &'r str) {
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    draft.put(Field::URL_FRAGMENT, fragment);
    draft.put(Field::URL_QUERY, query);
    draft.put(Field::URL_PATH, path);
    let file = path.rsplit('/').next().unwrap_or_default();
    if let Some((_, extension)) = file.rsplit_once('.') {
        draft.put(Field::URL_EXTENSION, extension);
    }
}
