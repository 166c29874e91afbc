//! The two containers that security products share: CEF and LEEF. Here only what stands where; what it means is the
//! product's affair.

use super::extension;

/// A CEF or LEEF line taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Container<'r> {
    pub(super) vendor: &'r str,
    pub(super) product: &'r str,
    pub(super) version: &'r str,
    /// CEF's signature id, LEEF's event id.
    pub(super) event: &'r str,
    /// CEF only.
    pub(super) name: &'r str,
    /// CEF only.
    pub(super) severity: &'r str,
    attributes: &'r str,
    /// Between LEEF's attributes; CEF's are told apart by their keys.
    delimiter: Option<char>,
}

/// `CEF:0|vendor|product|version|id|name|severity|key=value …`
pub(super) fn cef(text: &str) -> Option<Container<'_>> {
    let (_, text) = text.split_once("CEF:")?;
    let (_version, text) = bar(text)?;
    let (vendor, text) = bar(text)?;
    let (product, text) = bar(text)?;
    let (version, text) = bar(text)?;
    let (event, text) = bar(text)?;
    let (name, text) = bar(text)?;
    let (severity, attributes) = bar(text).unwrap_or((text, ""));
    Some(Container { vendor, product, version, event, name, severity, attributes, delimiter: None })
}

/// `LEEF:1.0|vendor|product|version|id|key=value⇥…`, and 2.0 with a delimiter of its own.
pub(super) fn leef(text: &str) -> Option<Container<'_>> {
    let (_, text) = text.split_once("LEEF:")?;
    let (format, text) = bar(text)?;
    let (vendor, text) = bar(text)?;
    let (product, text) = bar(text)?;
    let (version, text) = bar(text)?;
    let (event, mut attributes) = bar(text).unwrap_or((text, ""));
    let mut delimiter = '\t';
    if format.starts_with('2')
        && let Some((own, rest)) = attributes.split_once('|')
        && own.len() <= 6
        && !own.contains('=')
    {
        let hex = own.strip_prefix("0x").or_else(|| own.strip_prefix('x')).filter(|hex| !hex.is_empty());
        let named = hex.and_then(|hex| u32::from_str_radix(hex, 16).ok()).and_then(char::from_u32);
        delimiter = named.or_else(|| own.chars().next()).unwrap_or('\t');
        attributes = rest;
    }
    Some(Container {
        vendor,
        product,
        version,
        event,
        attributes,
        delimiter: Some(delimiter),
        ..Container::default()
    })
}

/// Up to the next bar that is not escaped.
fn bar(text: &str) -> Option<(&str, &str)> {
    let at = unescaped(text, b'|')?;
    Some((&text[..at], &text[at + 1..]))
}

fn unescaped(text: &str, wanted: u8) -> Option<usize> {
    let bytes = text.as_bytes();
    memchr::memchr_iter(wanted, bytes).find(|at| !extension::escaped(bytes, *at))
}

impl<'r> Container<'r> {
    /// Gives every attribute, escapes as sent.
    pub(super) fn each(&self, mut found: impl FnMut(&'r str, &'r str)) {
        if let Some(delimiter) = self.delimiter {
            for pair in self.attributes.split(delimiter) {
                if let Some((key, value)) = pair.split_once('=') {
                    found(key.trim(), value.trim());
                }
            }
            return;
        }
        extension::cef(self.attributes, &mut found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(container: &Container<'_>) -> Vec<(String, String)> {
        let mut all = Vec::new();
        container.each(|key, value| all.push((key.to_owned(), extension::unescape(value).into_owned())));
        all
    }

    fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn cef_values_may_hold_blanks_bars_and_escaped_equals_signs() {
        let line = r"x CEF:0|V\|x|P|1|id|a name|7|msg=one two \= three filePath=C:\\a b\\c=d.exe cs1= act=ok";
        let found = cef(line).unwrap();
        assert_eq!((found.vendor, found.event, found.severity), (r"V\|x", "id", "7"));
        assert_eq!(
            attributes(&found),
            owned(&[("msg", "one two = three"), ("filePath", r"C:\a b\c=d.exe"), ("cs1", ""), ("act", "ok")])
        );
    }

    #[test]
    fn leef_has_its_own_delimiter_in_version_2() {
        let one = leef("LEEF:1.0|V|P|1|id|src=192.0.2.1\tmsg=a=b c").unwrap();
        assert_eq!(attributes(&one), owned(&[("src", "192.0.2.1"), ("msg", "a=b c")]));
        for delimiter in ["^", "x5E", "0x5e"] {
            let line = format!("LEEF:2.0|V|P|1|id|{delimiter}|src=192.0.2.1^dst=192.0.2.2");
            let two = leef(&line).unwrap();
            assert_eq!(attributes(&two), owned(&[("src", "192.0.2.1"), ("dst", "192.0.2.2")]), "{delimiter}");
        }
    }
}
