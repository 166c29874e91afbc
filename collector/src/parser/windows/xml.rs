//! Windows events as XML, as Windows itself renders and forwards them: read leaf by leaf under the names that the same
//! event has as JSON.

use std::borrow::Cow;

/// Whether the text is such an event.
pub(super) fn is(text: &str) -> bool {
    text.starts_with("<Event ") || text.starts_with("<Event>")
}

/// The text of the first element of this name.
pub(super) fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&["<", name].concat())?;
    let (_, rest) = rest.split_once('>')?;
    rest.split_once('<').map(|(inner, _)| inner.trim())
}

/// The value of the first attribute of this name in the first element of that.
pub(super) fn attribute<'a>(text: &'a str, element: &str, name: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&["<", element, " "].concat())?;
    let (tag, _) = rest.split_once('>')?;
    attributes(tag).find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// Gives every attribute and every text of `System`, `EventData` and `UserData`.
pub(super) fn walk(text: &str, leaf: &mut dyn FnMut(&str, &str, &str)) {
    let mut section = "";
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('<') {
        let Some((tag, after)) = after.split_once('>') else { return };
        rest = after;
        let (name, inside) = tag.split_once([' ', '\t', '\r', '\n']).unwrap_or((tag, ""));
        let name = name.trim_end_matches('/');
        match name {
            "System" | "EventData" | "UserData" => section = name,
            "/System" | "/EventData" | "/UserData" => section = "",
            _ if name.starts_with('/') => {}
            _ => {
                let text = after.split('<').next().unwrap_or_default().trim();
                let text = if tag.ends_with('/') { "" } else { text };
                element_in(section, name, inside, text, leaf);
            }
        }
    }
}

fn element_in(section: &str, name: &str, inside: &str, text: &str, leaf: &mut dyn FnMut(&str, &str, &str)) {
    match section {
        "System" => {
            for (key, value) in attributes(inside) {
                leaf(&["Event.System.", name].concat(), key, &unescaped(value));
            }
            if !text.is_empty() {
                leaf("Event.System", name, &unescaped(text));
            }
        }
        "EventData" => {
            let named = attributes(inside).find(|(key, _)| *key == "Name").map_or(name, |(_, value)| value);
            leaf("EventData", named, &unescaped(text));
        }
        "UserData" if !text.is_empty() => leaf("EventData", name, &unescaped(text)),
        _ => {}
    }
}

/// `key="value"` or `key='value'`.
fn attributes(tag: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = tag;
    std::iter::from_fn(move || {
        let (key, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (value, after) = after[1..].split_once(quote)?;
        rest = after;
        Some((key.trim(), value))
    })
}

fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return text.into();
    }
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&apos;", "'")
        .replace("&#13;", "\r")
        .replace("&#10;", "\n")
        .replace("&amp;", "&")
        .into()
}
